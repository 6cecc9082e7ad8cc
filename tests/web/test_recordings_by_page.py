"""A session's recordings on its page: what feeds what, choices taken back, repairs before and after."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from hub.devices.exports.found import KnownBy, Person
from hub.domain import LoadRow, Session
from hub.imports.jobs import Outcome
from hub.imports.shown import Numbers, session_recordings
from hub.results.loads import load_table
from hub.store import boots, sessions, sources
from hub.web.sources_page import pieces
from sync.wire import Anchor
from tests.imports import made
from tests.web.conftest import Client
from tests.web.small_hub import START_WALL_MS, SmallHub, strap

HTMX = {"hx-request": "true"}
AT_S = (START_WALL_MS - made.START_MS) // 1000


async def trained(hub: SmallHub, minutes: int = 10, silent: tuple[int, int] = (180, 360)) -> Session:
    """A recorded session of athlete 1, whose strap is mute for a while."""
    anchor = Anchor(boot_no=hub.boot_no, mono_ms=hub.mono_ms, wall_ms=hub.wall_ms, err_ms=5, source="ntp")
    await hub.database.write(lambda db: boots.add_anchor(db, anchor))
    await hub.recorder.start_session("Training", "running", 0)
    for second in range(minutes * 60):
        hub.pass_time(1)
        if not silent[0] <= second < silent[1]:
            hub.hear(strap(1), made.heart_at((hub.wall_ms - made.START_MS) // 1000, 1))
        await hub.recorder.tick()
    hub.pass_time(0.5)
    return await hub.recorder.end_session()


def bring(hub: SmallHub, name: str, athlete_id: str | None, minutes: float = 12, **more: Any) -> Outcome:
    """A file of heart 1 from a minute before the session on."""
    found = made.session(minutes, **{"at_s": AT_S - 60, "heart": 1} | more)
    return asyncio.run(hub.parts.imports.keep(made.file(name, found), athlete_id))


def row(hub: SmallHub, session_id: str) -> LoadRow:
    return hub.database.read_now(lambda db: load_table(db, session_id))[0]


def test_a_repair_is_shown_before_and_after_and_can_be_switched_off(hub: SmallHub, admin: Client) -> None:
    (anna,) = asyncio.run(hub.add_squad(1))
    session = asyncio.run(trained(hub))
    address = f"/sessions/{session.session_id}/sources"
    assert "Recordings" not in admin.get(address, headers=HTMX).text
    before = row(hub, session.session_id)
    bring(hub, "watch.fit", anna, device="Fenix", error_bpm=1)
    after = row(hub, session.session_id)
    assert before.coverage < 0.8 < after.coverage
    (told,) = hub.database.read_now(lambda db: session_recordings(db, session.session_id)).athletes
    assert told.without == Numbers(before.edwards_au, before.banister_au, before.coverage)
    assert told.now == Numbers(after.edwards_au, after.banister_au, after.coverage)
    page = admin.get(address, headers=HTMX).text
    assert "Files fill <b>3 min</b>" in page
    assert f">{before.coverage * 100:.0f}%</td>" in page
    assert f">{after.coverage * 100:.0f}%</td>" in page
    (source_id,) = re.findall(r'name="source_id" value="([^"]+)"><input type="hidden" name="may_fill"', page)
    form = {"source_id": source_id, "may_fill": "no"}
    off = admin.post(f"{address}/fill", data=form, headers=HTMX).text
    assert f"coverage {after.coverage * 100:.0f}% to {before.coverage * 100:.0f}%" in off
    assert row(hub, session.session_id) == before
    assert "Let it fill gaps" in off
    assert admin.get(f"/sessions/{session.session_id}").text.count(address) >= 1


def test_another_recording_is_chosen_and_left_to_the_ranking_again(hub: SmallHub, admin: Client) -> None:
    (anna,) = asyncio.run(hub.add_squad(1))
    first = bring(hub, "watch.fit", anna, device="Fenix")
    bring(hub, "belt.fit", anna, device="HRM-Pro", has_rr=True, error_bpm=3)
    (session_id,) = first.session_ids
    address = f"/sessions/{session_id}/sources"

    def feeding() -> list[str]:
        told = hub.database.read_now(lambda db: session_recordings(db, session_id)).athletes[0]
        return [it.source.device for it in told.recordings if it.source and it.hearts]

    assert feeding() == ["HRM-Pro"]
    page = admin.get(address).text
    assert page.count("Use for heart rate") == 2
    watch = next(
        it.source_id
        for it in hub.database.read_now(lambda db: sources.of_session(db, session_id))
        if it.device == "Fenix"
    )
    form = {"source_id": watch, "channel": "hr"}
    chosen = admin.post(f"{address}/choose", data=form, headers=HTMX).text
    assert feeding() == ["Fenix"]
    assert "Heart rate: back to automatic" in chosen
    admin.post(f"{address}/choose", data={"athlete_id": anna, "channel": "hr"}, headers=HTMX)
    assert feeding() == ["HRM-Pro"]
    assert admin.post(f"{address}/choose", data=form | {"channel": "smell"}).status_code == 422


def test_a_recording_is_given_to_another_athlete_or_to_the_inbox(hub: SmallHub, admin: Client) -> None:
    anna, ben = asyncio.run(hub.add_squad(2))
    (session_id,) = bring(hub, "watch.fit", anna, device="Fenix").session_ids
    address = f"/sessions/{session_id}/sources"
    (source,) = hub.database.read_now(lambda db: sources.of_session(db, session_id))
    given = admin.post(
        f"{address}/give", data={"source_id": source.source_id, "athlete_id": ben}, headers=HTMX
    )
    assert "<h3>Ben Hartmann</h3>" in given.text
    back = admin.post(f"{address}/give", data={"source_id": source.source_id}, headers=HTMX)
    assert "1 recording of nobody known yet is in this session." in back.text
    assert "/inbox" in back.text


def test_a_wrong_zone_is_asked_moved_and_moved_back(hub: SmallHub, admin: Client) -> None:
    (anna,) = asyncio.run(hub.add_squad(1))
    assumed = KnownBy.ASSUMED
    bring(hub, "right.fit", anna, 30, device="Fenix")
    bring(hub, "wrong.csv", anna, 30, device="Fenix", shift_s=3600, offset_known_by=assumed)
    assert len(hub.database.read_now(sessions.recent)) == 2
    page = admin.get("/import").text
    assert "Please decide" in page
    assert "Move wrong.csv by −1 h" in page
    (question,) = re.findall(r"/import/questions/([0-9a-f-]+)", page)
    moved = admin.post(f"/import/questions/{question}", data={"answer": "move"})
    assert (moved.status_code, moved.headers["location"]) == (303, "/import")
    assert "Please decide" not in admin.get("/import").text
    (session,) = hub.database.read_now(sessions.recent)
    address = f"/sessions/{session.session_id}"
    told = admin.get(f"{address}/sources").text
    assert "wrong.csv was moved by −1 h." in told
    back = admin.post(f"/import/questions/{question}", data={"answer": "leave", "back": address})
    assert back.headers["location"] == address
    assert len(hub.database.read_now(sessions.recent)) == 2
    elsewhere = admin.post(
        f"/import/questions/{question}", data={"answer": "leave", "back": "https://elsewhere.example"}
    )
    assert elsewhere.headers["location"] == "/import"


@pytest.mark.parametrize("address", ["/import", "/inbox"])
def test_names_from_files_are_escaped(hub: SmallHub, admin: Client, address: str) -> None:
    bring(hub, "<b>x</b>.fit", None, person=Person("<i>Eve</i>", "<u>acc</u>", "<s>7</s>"))
    page = admin.get(address).text
    assert "&lt;b&gt;x&lt;/b&gt;.fit" in page
    assert not re.search(r"<b>x</b>|<i>Eve|<u>acc|<s>7", page)


def test_spans_become_shares_of_the_picture() -> None:
    (part,) = pieces([(1500, 2000)], (1000, 3000))
    assert (part.x, part.width) == ("25.00", "25.00")
    (beyond,) = pieces([(0, 9000)], (1000, 3000))
    assert (beyond.x, beyond.width) == ("0.00", "100.00")
