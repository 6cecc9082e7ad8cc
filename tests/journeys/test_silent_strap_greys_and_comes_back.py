"""A strap that goes silent never leaves a number that looks live."""

from __future__ import annotations

import pytest

from tests.journeys.world import Ground, Staff, wait_for

pytestmark = pytest.mark.journey


def test_a_silent_straps_tile_greys_after_five_seconds_and_comes_back(ground: Ground, staff: Staff) -> None:
    pitch = ground.start_pitch("--athletes", "2")
    ground.start_hub()
    staff.set_up()
    for number in (1, 2):
        staff.add_athlete(number)
    wait_for("both are live on the board", lambda: fresh_tiles(staff) == 2)

    pitch.say("silence 1")
    ages: list[tuple[str, str, str]] = []
    for frame in staff.frames():
        classes, _bar, bpm, *_texts, status = frame["tiles"][0]
        ages.append((classes, bpm, status))
        assert "is-fresh" in frame["tiles"][1][0], "the other strap goes on"
        if "is-stale" in classes:
            break
    assert (ages[-1][1], ages[-1][2]) == ("–", "▲ 5 s old")
    assert any("is-fading" in classes for classes, _bpm, _status in ages), "it dims before it greys"

    pitch.say("wake 1")
    wait_for("it is live again", lambda: "is-fresh" in staff.frame()["tiles"][0][0], 15)


def fresh_tiles(staff: Staff) -> int:
    """Tiles worded as fresh in the newest frame, which may be a second older than /healthz."""
    return sum("is-fresh" in tile[0] for tile in staff.frame()["tiles"])
