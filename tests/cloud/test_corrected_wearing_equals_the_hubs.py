"""Whoever corrects who wore what on the pitch, in mid-session or later, the cloud computes the same loads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.wearing.stretches import Cell
from tests.cloud.test_loads_equal_the_hubs import Meeting, meeting
from tests.hub.ground import Ground, run
from tests.hub.wearing import desk_of, stream_of

__all__ = ["meeting"]


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    made = Ground(tmp_path / "ground")
    yield made
    made.close()


def test_two_swapped_in_mid_session_have_on_both_sides_what_their_own_hearts_did(meeting: Meeting) -> None:
    ground = meeting.ground

    async def story() -> None:
        await ground.add_squad(2)
        session = await ground.start()
        await ground.train(120, {"S1": 120, "S2": 170})
        await meeting.sync()
        done = await desk_of(ground).swap(session.session_id, "a1", "a2", session.mono0_ms + 60_500, "coach")
        await ground.train(60, {"S1": 121, "S2": 171})
        await ground.recorder.end_session()
        await meeting.sync()
        table = meeting.are_equal(session)
        assert table["a1"].mean_bpm == pytest.approx(154, abs=2)
        assert table["a2"].mean_bpm == pytest.approx(137, abs=2)
        await desk_of(ground).take_back(done.edit.edit_id)
        await meeting.sync()
        back = meeting.are_equal(session)
        assert back["a1"].mean_bpm == pytest.approx(120, abs=1)

    run(story())


def test_a_stretch_from_the_bucket_given_days_later_counts_on_both_sides(meeting: Meeting) -> None:
    ground = meeting.ground

    async def story() -> None:
        await ground.add_squad(1)
        session = await ground.start()
        await ground.train(90, {"S1": 120, "S9": 165})
        await ground.recorder.end_session()
        await meeting.sync()
        ground.pass_ms(3 * 86_400_000)
        cell = Cell(stream_of(ground, "S9"), session.mono0_ms + 30_500, session.mono0_ms + 60_500, "a1")
        await desk_of(ground).give(session.session_id, cell, "coach")
        await meeting.sync()
        table = meeting.are_equal(session)
        assert table["a1"].mean_bpm == pytest.approx(135, abs=2)
        assert table["a1"].max_bpm == 165

    run(story())


def test_a_spare_strap_that_stepped_in_is_counted_once_on_both_sides(meeting: Meeting) -> None:
    ground = meeting.ground

    async def story() -> None:
        await ground.add_squad(1)
        await ground.recorder.stand_by("S1b", "a1")
        session = await ground.start()
        await ground.train(60, {"S1": 120, "S1b": 180})
        await ground.train(60, {"S1b": 150})
        await ground.recorder.end_session()
        await meeting.sync()
        table = meeting.are_equal(session)
        assert table["a1"].max_bpm == 150
        assert table["a1"].coverage == pytest.approx(119 / 120, abs=0.01)

    run(story())
