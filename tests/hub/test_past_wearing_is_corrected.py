"""Who wore what is corrected for any stretch of time: both athletes' loads follow, and it can be undone."""

from __future__ import annotations

from itertools import pairwise
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.domain import Assignment, Session
from hub.errors import ActionRefused, NotFound
from hub.store import sessions, straps
from hub.wearing.reassignment import Corrected
from hub.wearing.stretches import FOR_EVER, Cell, after, end_ms, painted, whose
from hub.wearing.stretches import given as given_to
from tests.hub.ground import Ground, run
from tests.hub.wearing import desk_of, stream_of

COACH = "coach"


async def give(
    ground: Ground, session: Session, strap_id: str, from_s: float, to_s: float | None, to: str | None
) -> Corrected:
    begin = session.mono0_ms + round(from_s * 1000)
    end = None if to_s is None else session.mono0_ms + round(to_s * 1000)
    cell = Cell(stream_of(ground, strap_id), begin, end, to)
    return await desk_of(ground).give(session.session_id, cell, COACH)


def live_equals_stored(ground: Ground, session: Session, *athlete_ids: str) -> None:
    table, live = ground.table(session), ground.live()
    for athlete_id in athlete_ids:
        assert live[athlete_id].banister_au == pytest.approx(table[athlete_id].banister_au)


# --- through the recorder


def test_two_straps_swapped_in_mid_session_count_for_the_right_athletes_from_that_minute(
    ground: Ground,
) -> None:
    async def story() -> None:
        await ground.add_squad(2)
        session = await ground.start()
        await ground.train(60, {"S1": 120, "S2": 180})
        desk, before = desk_of(ground), ground.table(session)
        done = await desk.swap(session.session_id, "a1", "a2", session.mono0_ms + 30_500, COACH)
        assert done.athlete_ids == {"a1", "a2"}
        table = ground.table(session)
        assert table["a1"].mean_bpm == table["a2"].mean_bpm == pytest.approx(150, abs=1)
        live_equals_stored(ground, session, "a1", "a2")
        await ground.train(5, {"S1": 121, "S2": 181})
        live = ground.live()
        assert (live["a1"].bpm, live["a2"].bpm) == (181, 121)
        assert (live["a1"].strap_id, live["a2"].strap_id) == ("S2", "S1")
        live_equals_stored(ground, session, "a1", "a2")
        await desk.take_back(done.edit.edit_id)
        await ground.train(5, {"S1": 120, "S2": 180})
        assert ground.live()["a1"].bpm == 120
        back = ground.table(session)
        assert (before["a1"].max_bpm, back["a1"].max_bpm) == (120, 121)
        assert back["a2"].mean_bpm == pytest.approx(180, abs=1)
        live_equals_stored(ground, session, "a1", "a2")

    run(story())


def test_a_swap_is_kept_when_the_session_ends_and_the_hub_starts_anew(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(2)
        session = await ground.start()
        await ground.train(20, {"S1": 120, "S2": 180})
        await desk_of(ground).swap(session.session_id, "a1", "a2", session.mono0_ms, COACH)
        await ground.restart()
        await ground.train(5, {"S1": 120, "S2": 180})
        assert ground.live()["a1"].bpm == 180
        live_equals_stored(ground, session, "a1", "a2")
        await ground.recorder.end_session()
        assert ground.table(session)["a1"].max_bpm == 180
        after_it = await ground.start()
        await ground.train(2, {"S1": 120, "S2": 180})
        assert ground.table(after_it)["a1"].max_bpm == 180

    run(story())


def test_a_stretch_of_an_ended_session_is_given_to_another_and_back(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(2, with_straps=False)
        await ground.recorder.assign("S1", "a1")
        session = await ground.start()
        await ground.train(60, {"S1": 150})
        await ground.recorder.end_session()
        done = await give(ground, session, "S1", 20.5, 40.5, "a2")
        assert ground.spans(session) == [("a1", 0, 20_500), ("a2", 20_500, 40_500), ("a1", 40_500, 60_000)]
        assert ground.count("result_stale") == 1
        await desk_of(ground).take_back(done.edit.edit_id)
        table = ground.table(session)
        assert set(table) == {"a1"}
        assert table["a1"].coverage == pytest.approx(58 / 60, abs=0.02)
        with pytest.raises(ActionRefused):
            await desk_of(ground).take_back(done.edit.edit_id)

    run(story())


def test_what_was_heard_on_nobody_is_given_later_and_nobody_has_two_hearts(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(1)
        session = await ground.start()
        await ground.train(30, {"S1": 120, "S9": 170})
        await ground.train(30, {"S9": 171})
        await ground.recorder.end_session()
        await give(ground, session, "S9", 30.5, None, "a1")
        row = ground.table(session)["a1"]
        assert row.max_bpm == 171
        assert row.mean_bpm == pytest.approx(145, abs=2)
        assert row.coverage == pytest.approx(59 / 60, abs=0.02)
        await give(ground, session, "S9", 0, None, "a1")
        assert ground.table(session)["a1"].mean_bpm == pytest.approx(170.5, abs=0.1)

    run(story())


def test_a_live_strap_given_from_the_past_on_is_the_athletes_strap_from_now_on(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(2)
        session = await ground.start()
        await ground.train(20, {"S1": 120, "S2": 130, "S9": 170})
        await give(ground, session, "S9", 10.5, None, "a1")
        await ground.train(5, {"S1": 60, "S2": 130, "S9": 175})
        live = ground.live()
        assert (live["a1"].bpm, live["a1"].strap_id) == (175, "S9")
        assert ground.board.snapshot(ground.mono_ms, ground.wall_ms).unassigned == 1
        live_equals_stored(ground, session, "a1", "a2")
        assert {s.strap_id: s.athlete_id for s in ground.store.read_now(straps.all_straps)} == {
            "S1": None, "S2": "a2", "S9": "a1",
        }  # fmt: skip

    run(story())


def test_a_stretch_given_to_nobody_is_credited_to_no_one_and_kept(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(1)
        session = await ground.start()
        await ground.train(40, {"S1": 120})
        kept = ground.stored()
        await give(ground, session, "S1", 20.5, None, None)
        assert ground.stored() == kept
        assert ground.spans(session) == [("a1", 0, 20_500)]
        assert ground.live()["a1"].bpm is None
        live_equals_stored(ground, session, "a1")

    run(story())


def test_a_correction_that_changes_nothing_or_names_nobody_known_is_refused(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(1)
        session = await ground.start()
        await ground.train(10, {"S1": 120})
        with pytest.raises(ActionRefused):
            await give(ground, session, "S1", 0, None, "a1")
        with pytest.raises(NotFound):
            await give(ground, session, "S1", 0, None, "nobody")
        with pytest.raises(ActionRefused):
            await desk_of(ground).swap(session.session_id, "a1", "a1", 0, COACH)
        await ground.train(1, {"S1": 120})
        await ground.recorder.end_session()
        with pytest.raises(ActionRefused):
            await give(ground, session, "S1", 500, 600, None)
        assert ground.count("wearing_edit") == 0

    run(story())


def test_a_stretch_that_would_last_into_the_future_lasts_from_now_on(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(1)
        ground.add_athlete(2)
        await ground.recorder.roster_changed(set())
        session = await ground.start()
        await ground.train(20, {"S1": 120})
        await give(ground, session, "S1", 10.5, 3600, "a2")
        await ground.train(5, {"S1": 150})
        assert ground.spans(session) == [("a1", 0, 10_500), ("a2", 10_500, None)]
        assert ground.live()["a2"].bpm == 150
        live_equals_stored(ground, session, "a1", "a2")
        with pytest.raises(ActionRefused):
            await give(ground, session, "S1", 3500, None, "a1")
        await give(ground, session, "S1", -3600, None, "a1")
        assert ground.spans(session) == [("a1", 0, None)]

    run(story())


def test_a_strap_of_before_a_power_cut_is_given_only_as_far_as_it_was_heard(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(2)
        session = await ground.start()
        await ground.train(20, {"S1": 120, "S2": 160})
        before = stream_of(ground, "S1")
        await ground.reboot(off_ms=2_000)
        await ground.train(20, {"S1": 121, "S2": 161})
        cell = Cell(before, session.mono0_ms + 10_500, None, "a2")
        await desk_of(ground).give(session.session_id, cell, COACH)
        await ground.train(5, {"S1": 122, "S2": 162})
        live_equals_stored(ground, session, "a1", "a2")
        assert ground.live()["a1"].bpm == 122
        open_streams = [it for it in ground.store.read_now(
            lambda db: sessions.assignments(db, session.session_id)) if it.to_ms is None]  # fmt: skip
        assert before not in {it.stream_id for it in open_streams}
        await ground.recorder.end_session()
        assert ground.table(session)["a2"].max_bpm == 162

    run(story())


def test_an_older_correction_is_not_taken_back_over_a_later_one(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(3)
        session = await ground.start()
        await ground.train(40, {"S1": 120, "S2": 150, "S3": 180})
        first = await give(ground, session, "S1", 10.5, 20.5, "a2")
        later = await give(ground, session, "S1", 15.5, 25.5, "a3")
        desk = desk_of(ground)
        with pytest.raises(ActionRefused):
            await desk.take_back(first.edit.edit_id)
        await desk.take_back(later.edit.edit_id)
        await desk.take_back(first.edit.edit_id)
        table = ground.table(session)
        assert [table[f"a{n}"].mean_bpm for n in (1, 2, 3)] == pytest.approx([120, 150, 180])
        live_equals_stored(ground, session, "a1", "a2", "a3")

    run(story())


# --- the rule itself, for any history

MOMENTS = st.integers(0, 20)
PEOPLE = st.sampled_from(("a1", "a2", "a3", None))
STREAMS = ("s1", "s2", "s3")
SHIFTS = {"s1": 0, "s2": 5, "s3": -3}
CELLS = st.builds(
    lambda stream, begin, length, who: Cell(stream, begin, None if length > 9 else begin + length, who),
    st.sampled_from(STREAMS),
    MOMENTS,
    st.integers(1, 10),
    PEOPLE,
)


def owner(worn: list[Assignment], stream_id: str, at_ms: int) -> list[str]:
    return [it.athlete_id for it in worn if it.stream_id == stream_id and it.from_ms <= at_ms < end_ms(it)]


@settings(max_examples=150)
@given(st.lists(CELLS, max_size=8))
def test_after_any_corrections_every_moment_is_one_athletes_or_nobodys_and_no_athlete_has_two(
    cells: list[Cell],
) -> None:
    worn: list[Assignment] = []
    for cell in cells:
        before = worn
        for part in given_to(worn, cell, SHIFTS):
            whole = whose(worn, part.stream_id, part.from_ms, part.to_ms)
            assert (whole[0].from_ms, whole[-1].end_ms) == (part.from_ms, part.end_ms)
            assert all(a.end_ms == b.from_ms for a, b in pairwise(whole))
            worn = after(worn, painted(worn, part, "session", lambda: str(uuid4())))
        for at_ms in (*range(-5, 36), FOR_EVER - 1):
            people = []
            for stream_id in STREAMS:
                here = owner(worn, stream_id, at_ms - SHIFTS[stream_id])
                assert len(here) <= 1
                people += here
            assert len(people) == len(set(people))
            own_ms = at_ms - SHIFTS[cell.stream_id]
            if cell.from_ms <= own_ms < cell.end_ms:
                assert owner(worn, cell.stream_id, own_ms) == ([cell.athlete_id] if cell.athlete_id else [])
            else:
                assert owner(worn, cell.stream_id, own_ms) == owner(before, cell.stream_id, own_ms)
