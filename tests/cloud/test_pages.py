"""A coach sees their own club, in words that are true, and nobody else's."""

from __future__ import annotations

import asyncio
import hashlib
import re
import uuid
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from litestar import Litestar
from litestar.testing import TestClient

import cloud.web
from cloud.clock import now_ms
from cloud.insights.job import refresh_insights
from cloud.store.database import Database
from tests.cloud.conftest import PASSWORD
from tests.cloud.sender import Sender

Client = TestClient[Litestar]
Db = psycopg.Connection[tuple[object, ...]]
PAGES = ("/", "/athletes", "/insights", "/hubs")
ORIGIN = {"Origin": "http://cloud.test"}
DAY_MS = 86_400_000
WEB = Path(cloud.web.__file__).parent


@pytest.fixture
def trained(hub: Sender, settle: Callable[[], None], url: str) -> dict[str, str]:
    """Three weeks of one session each; Bea's strap says nothing in the newest."""
    ids: dict[str, str] = {}
    names = ("Ann", "Bea", "Cleo", "Dina")
    for number, name in enumerate(names, start=1):
        ids[name], op = hub.add_athlete(name, number)
        hub.push(op)
    start = now_ms() - 15 * DAY_MS
    for week in range(3):
        bpm: dict[str, int | None] = {ids[name]: 140 + 5 * week for name in names}
        if week == 2:
            bpm[ids["Bea"]] = None
        session, ops, segments = hub.record_session(f"Run {week}", start + 7 * week * DAY_MS, 20, bpm)
        hub.push(*ops)
        hub.send_segments(*segments)
        ids[f"Run {week}"] = session
    settle()

    async def write() -> None:
        database = Database(url)
        await refresh_insights(database, now_ms())
        await database.close()

    asyncio.run(write())
    return ids


def text(html: str) -> str:
    """What is left to read."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_nobody_reads_a_page_without_signing_in(client: Client) -> None:
    for path in (*PAGES, f"/sessions/{uuid.uuid4()}", "/athletes/x"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert client.get("/sign-in").status_code == 200


def test_signing_in_sets_a_fresh_cookie_that_scripts_cannot_read(client: Client, hub: Sender, db: Db) -> None:
    client.cookies.set("touchline_cloud", "chosen-by-an-attacker")
    form = {"email": " ROVERS@example.org", "password": PASSWORD}
    answer = client.post("/sign-in", data=form, headers=ORIGIN)
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    token = cookie.split("=", 1)[1].split(";")[0]
    assert len(token) > 30
    assert db.execute("SELECT token_sha256 FROM coach_sign_in").fetchall() == [
        (hashlib.sha256(token.encode()).digest(),)
    ]


def test_signing_out_ends_the_session_on_the_server(
    client: Client, hub: Sender, sign_in: Callable[..., None]
) -> None:
    sign_in()
    token = client.cookies["touchline_cloud"]
    assert client.get("/").status_code == 200
    assert client.post("/sign-out", headers=ORIGIN).status_code == 303
    client.cookies.set("touchline_cloud", token)
    assert client.get("/").status_code == 303


def test_forms_from_another_origin_do_nothing(
    client: Client, hub: Sender, sign_in: Callable[..., None]
) -> None:
    form = {"email": "Rovers@example.org", "password": PASSWORD}
    for headers in ({}, {"Origin": "http://evil.test"}, {"Origin": "null"}):
        assert client.post("/sign-in", data=form, headers=headers).status_code == 403
    sign_in()
    assert client.post("/sign-out", headers={"Origin": "http://evil.test"}).status_code == 403
    assert client.get("/").status_code == 200


def test_guessing_a_password_is_stopped(client: Client, hub: Sender) -> None:
    form = {"email": "Rovers@example.org", "password": "wrong"}
    statuses = [client.post("/sign-in", data=form, headers=ORIGIN).status_code for _ in range(9)]
    assert statuses == [401] * 8 + [429]
    right = {**form, "password": PASSWORD}
    assert client.post("/sign-in", data=right, headers=ORIGIN).status_code == 429


def test_empty_pages_say_what_to_do(
    client: Client, claim: Callable[[str], str], sign_in: Callable[..., None]
) -> None:
    claim("Rovers")
    sign_in()
    words = [text(client.get(path).text) for path in PAGES]
    for found, expected in zip(
        words, ("No sessions yet", "No athletes yet", "No insight yet", "No hub yet"), strict=True
    ):
        assert expected in found


def test_the_sessions_page_lists_what_was_recorded(
    client: Client, trained: dict[str, str], sign_in: Callable[..., None]
) -> None:
    sign_in()
    words = text(client.get("/").text)
    assert words.index("Run 2") < words.index("Run 1") < words.index("Run 0")
    assert "3 of 4" in words
    assert "20 min" in words
    assert "75 %" in words


def test_a_session_shows_everybodys_load_and_says_who_was_not_heard(
    client: Client, trained: dict[str, str], sign_in: Callable[..., None], db: Db
) -> None:
    sign_in()
    words = text(client.get(f"/sessions/{trained['Run 2']}").text)
    row = db.execute(
        "SELECT banister_au FROM session_load WHERE session_id = %s AND athlete_id = %s",
        (trained["Run 2"], trained["Ann"]),
    ).fetchone()
    assert row is not None
    assert f"1 Ann 150 150 {row[0]:.0f} " in words
    assert "2 Bea no data – – – –" in words


def test_an_athletes_history_names_its_means_and_its_missing_day(
    client: Client, trained: dict[str, str], sign_in: Callable[..., None]
) -> None:
    sign_in()
    html = client.get(f"/athletes/{trained['Bea']}").text
    words = text(html)
    for expected in ("7-day load", "28-day load", "after 28 days (16 so far)", "no data", "1 missing"):
        assert expected in words
    assert 'role="img" aria-label="Daily Banister load of Bea' in html
    assert "<table" in html


def test_the_hubs_page_counts_what_each_hub_sent(
    client: Client, trained: dict[str, str], hub: Sender, sign_in: Callable[..., None]
) -> None:
    hub.push(hub.op("nonsense", "x", y=1))
    sign_in()
    words = text(client.get("/hubs").text)
    assert f"Test hub {hub.hub_id[:8]}" in words
    assert re.search(r"just now 19 1 11 \d+", words)


def test_another_clubs_records_do_not_exist_for_a_coach(
    client: Client, trained: dict[str, str], new_hub: Callable[..., Sender], sign_in: Callable[..., None]
) -> None:
    new_hub("United")
    sign_in("United")
    assert client.get(f"/sessions/{trained['Run 2']}").status_code == 404
    assert client.get(f"/athletes/{trained['Ann']}").status_code == 404
    for path in PAGES:
        page = client.get(path).text
        assert "Run 2" not in page
        assert "Ann" not in page
        assert "squad's week" not in page


def test_the_weeks_insight_is_shown_and_travels_to_the_hub_once(
    client: Client, trained: dict[str, str], hub: Sender, sign_in: Callable[..., None], url: str
) -> None:
    sign_in()
    entries = [entry for entry in hub.pull().ops if entry.tbl == "insight"]
    assert len(entries) == 1
    assert entries[0].hub_id is None
    assert entries[0].fields["written_by"] == "rules"
    assert entries[0].fields["headline"].replace("'", "&#39;") in client.get("/insights").text

    async def again() -> int:
        database = Database(url)
        changed = await refresh_insights(database, now_ms())
        await database.close()
        return changed

    assert asyncio.run(again()) == 0


def test_no_page_holds_inline_script_or_style_or_asks_elsewhere(
    client: Client, trained: dict[str, str], sign_in: Callable[..., None]
) -> None:
    sign_in()
    paths = (*PAGES, "/sign-in", "/schema", f"/sessions/{trained['Run 2']}", f"/athletes/{trained['Ann']}")
    for path in paths:
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert not re.search(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son\w+=|https?://", answer.text), path
        for link in re.findall(r'(?:src|href)="(/static/[^"]+)"', answer.text):
            assert client.get(link).status_code == 200, link


def test_healthz_and_the_schema_are_open_and_exact(client: Client, url: str) -> None:
    assert set(client.get("/healthz").json()) == {"status", "version", "database"}
    assert client.get("/healthz").json()["status"] == "ok"
    paths = client.get("/schema/openapi.json").json()["paths"]
    assert {"/v1/hub/enrol", "/v1/sync/push", "/v1/sync/pull", "/v1/seg"} <= set(paths)
    assert "/sign-in" not in paths


def test_vendored_files_are_the_ones_in_the_lock() -> None:
    vendor = WEB / "static" / "vendor"
    locked = {}
    for line in (vendor / "vendor.lock").read_text().splitlines():
        if not line.startswith("#"):
            sha256, name, _ = line.split()
            locked[name] = sha256
    found = {
        f.name: hashlib.sha256(f.read_bytes()).hexdigest()
        for f in vendor.iterdir()
        if f.name != "vendor.lock"
    }
    assert found == locked


def test_templates_and_sheet_are_plain() -> None:
    for file in (WEB / "templates").iterdir():
        assert not re.search(r"<style|\sstyle=|\son\w+=", file.read_text()), file.name
    assert "url(" not in (WEB / "static" / "cloud.css").read_text()


def test_pages_tell_browsers_what_they_may_and_machines_are_spared_it(client: Client, hub: Sender) -> None:
    rules = {"content-security-policy", "referrer-policy", "cross-origin-opener-policy"}
    page, refused = client.get("/sign-in"), client.post("/v1/sync/challenge", content=b"{}")
    assert rules <= page.headers.keys()
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    asked = {"after": 0, "feed_epoch": 1}
    pulled = client.get("/v1/sync/pull", params=asked, headers={"Authorization": f"Bearer {hub.token}"})
    assert pulled.status_code == 200
    assert refused.status_code >= 400
    for answer in (pulled, refused):
        assert not rules & answer.headers.keys()
    assert page.headers["x-content-type-options"] == pulled.headers["x-content-type-options"] == "nosniff"
