"""A GPX of a training the hub dated three days too early: dropped, offered, used by one tap, taken back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from hub.clock import Clock
from hub.domain import Contact, Reading, Role, Session
from hub.imports.arrange import arrange_recorded
from hub.learnt_time import LearntTime
from hub.store import boots, sessions
from sync.wire import Anchor
from tests.imports.test_hearts_align_on_two_clocks import Floats, heart
from tests.web.conftest import add_user
from tests.web.import_hub import AtWork, give_desk
from tests.web.small_hub import START_WALL_MS, SmallHub
from tests.web.test_board_in_chromium import Served
from tests.web.test_imports_in_chromium import at_import, drop

pytestmark = pytest.mark.browser

DAY_MS = 86_400_000
HEART = heart(31, 1500)


def gpx(bpm: Floats, began_ms: int) -> bytes:
    """A run in the open, as a watch writes it."""
    points = "".join(
        f'<trkpt lat="52.5" lon="{13.4 + second * 1e-5:.5f}"><time>'
        f"{datetime.fromtimestamp(began_ms / 1000 + second, UTC):%Y-%m-%dT%H:%M:%SZ}</time><extensions>"
        f"<gpxtpx:TrackPointExtension><gpxtpx:hr>{round(rate)}</gpxtpx:hr></gpxtpx:TrackPointExtension>"
        "</extensions></trkpt>"
        for second, rate in enumerate(bpm.tolist())
    )
    return (
        '<?xml version="1.0"?><gpx version="1.1" creator="Watch" xmlns="http://www.topografix.com/GPX/1/1"'
        ' xmlns:gpxtpx="http://www.garmin.com/xmlschemas/TrackPointExtension/v1">'
        f"<trk><type>running</type><trkseg>{points}</trkseg></trk></gpx>"
    ).encode()


@pytest.fixture
def lost(hub: SmallHub, tmp_path: Path) -> Iterator[Served]:
    """A hub that recorded Ann without knowing the date, and whose pages may set its time."""
    add_user(hub, "coach", Role.ADMIN)
    hub.wall_ms = START_WALL_MS - 3 * DAY_MS
    clock = Clock(hub.boot_no)
    system = Anchor(
        boot_no=hub.boot_no, mono_ms=hub.mono_ms, wall_ms=hub.wall_ms, err_ms=3_600_000, source="system"
    )
    hub.database.write_now(lambda db: boots.add_anchor(db, system))
    desk = LearntTime(
        hub.database, clock, hub.moment, lambda _: 0, arrange_recorded, hub.recalculation.wake
    )  # fmt: skip
    hub.parts = replace(hub.parts, answer_time=desk.answer)
    work = AtWork(give_desk(hub, tmp_path))
    with Served(hub) as running:
        running.run(lambda: train(hub))
        running.run(work.begin)
        try:
            yield running
        finally:
            running.run(work.end)


async def train(hub: SmallHub) -> None:
    fields: dict[str, object] = {
        "name": "Ann Autumn", "shirt_number": 7, "sex": "F", "hr_max_bpm": 195, "hr_rest_bpm": 50,
        "is_active": True,
    }  # fmt: skip
    ann = await hub.save_athlete(None, fields)
    await hub.recorder.restore()
    await hub.recorder.assign("S1", ann.athlete_id)
    await hub.recorder.start_session("Tuesday training", "running", 0)
    for rate in HEART.tolist():
        hub.recorder.hear(Reading("S1", hub.mono_ms, round(rate), (), Contact.YES))
        hub.pass_time(1)
    await hub.recorder.end_session()


def recorded(hub: SmallHub) -> list[Session]:
    return [it for it in hub.database.read_now(sessions.recent) if it.source != "file"]


def test_one_tap_moves_the_training_to_its_true_day_and_one_more_takes_it_back(
    browser: Browser, lost: Served, hub: SmallHub
) -> None:
    (session,) = recorded(hub)
    page, watch = at_import(browser, lost)
    page.select_option("[name=athlete_id]", label="Ann Autumn")
    drop(page, **{"watch.gpx": gpx(HEART, START_WALL_MS)})
    offer = page.locator(".question", has_text="watch.gpx knows when Tuesday training was")
    expect(offer).to_be_visible(timeout=20_000)
    expect(offer).to_contain_text("The hub believed")
    offer.get_by_role("button", name="Use the file's time").click()
    page.get_by_text("1 time taken from files").click()
    taken = page.locator(".question", has_text="Tuesday training is where watch.gpx says")
    expect(taken).to_be_visible()
    (moved,) = recorded(hub)
    assert moved.started_at_ms == pytest.approx(START_WALL_MS, abs=1000)
    assert len(hub.database.read_now(sessions.recent)) == 1
    page.goto(f"{lost.origin}/sessions/{session.session_id}")
    expect(page.locator("#sources")).to_contain_text("motion for 25 min")
    page.goto(f"{lost.origin}/import")
    page.get_by_text("1 time taken from files").click()
    page.keyboard.press("Tab")
    expect(taken.get_by_role("button", name="Take it back")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 time taken from files")).to_have_count(0)
    assert recorded(hub) == [session]
    assert len(hub.database.read_now(sessions.recent)) == 2
    assert watch.elsewhere == []
    assert watch.complaints == []
