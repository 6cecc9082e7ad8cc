"""Vendored files are what the lock says, and every page keeps the strict policy."""

from __future__ import annotations

import asyncio
import hashlib
import re
from html.parser import HTMLParser

import pytest

from hub.web.shell import HERE, STATIC
from tests.web.conftest import Client
from tests.web.small_hub import SmallHub

VENDOR = STATIC / "vendor"
LOCKED = [
    [cell.strip() for cell in line.split("|")]
    for line in (VENDOR / "vendor.lock").read_text().splitlines()
    if line and not line.startswith("#")
]
PAGES = ("/", "/board", "/sessions", "/athletes", "/athletes/new", "/straps", "/straps/drawer",
         "/straps/live", "/radio-check", "/radio-check/live",
         "/import", "/inbox", "/inbox/count", "/insights", "/sync", "/sync/status", "/sync/pill",
         "/users", "/schema", "/nowhere")  # fmt: skip


@pytest.mark.parametrize("row", LOCKED, ids=lambda row: row[0])
def test_a_vendored_file_has_the_locked_digest(row: list[str]) -> None:
    name, _, version, licence, sha256 = row
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == sha256
    assert version in name
    assert licence in {"0BSD", "MIT", "Apache-2.0"}


def test_no_vendored_file_is_missing_from_the_lock() -> None:
    present = {path.name for path in VENDOR.iterdir()} - {"vendor.lock", "LICENSES.txt"}
    assert present == {row[0] for row in LOCKED}


class Strict(HTMLParser):
    """Collects what the content security policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: list[str] = []
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_script = tag == "script"
        for name, value in attrs:
            is_elsewhere = name in ("src", "href", "action", "hx-get", "hx-post") and re.match(
                r"(https?:)?//", value or ""
            )
            if name == "style" or name.startswith(("on", "hx-on")) or is_elsewhere or "js:" in (value or ""):
                self.refused.append(f"{tag} {name}={value}")
        if tag == "style":
            self.refused.append("style element")

    def handle_data(self, data: str) -> None:
        if self._in_script and data.strip():
            self.refused.append(f"inline script {data[:40]}")

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False


def refused_in(page: str) -> list[str]:
    parser = Strict()
    parser.feed(page)
    return parser.refused


def test_every_page_keeps_the_policy(hub: SmallHub, admin: Client) -> None:
    asyncio.run(hub.add_squad(3))
    session = asyncio.run(hub.train(3, 70))
    addresses = [*PAGES, f"/sessions/{session.session_id}", f"/sessions/{session.session_id}/minutes"]
    athlete = hub.board.snapshot(0, 0).athletes[0].athlete.athlete_id
    for address in [*addresses, f"/athletes/{athlete}"]:
        answer = admin.get(address)
        assert answer.status_code == (404 if address == "/nowhere" else 200), address
        assert refused_in(answer.text) == [], address
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
    admin.post("/sign-out")
    assert refused_in(admin.get("/sign-in").text) == []


def test_the_check_itself_finds_what_the_policy_refuses() -> None:
    bad = '<p style="x"><a href="//cdn.example/x" onclick="y">z</a><script>run()</script>'
    assert len(refused_in(bad)) == 4


def test_our_own_scripts_name_no_other_host() -> None:
    own = [*STATIC.glob("*.js"), *STATIC.glob("*.css"), *(HERE / "templates").glob("*.html")]
    assert len(own) > 20
    for path in own:
        assert not re.search(r"https?://(?!\s|$)[a-z]", path.read_text()), path.name


def test_a_stamped_static_file_is_kept_for_good_and_a_plain_one_is_not(client: Client) -> None:
    assert "immutable" in client.get("/static/app.css?v=1").headers["cache-control"]
    assert client.get("/static/app.css").headers["cache-control"] == "no-cache"
    assert client.get("/static/../app.py").status_code == 404
