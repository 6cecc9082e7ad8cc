"""Straps change hands in mid-session; each athlete is credited with their own samples and no others."""

from __future__ import annotations

import asyncio

import pytest

from hub.domain import Session
from hub.errors import NotFound
from tests.hub.ground import Ground, run

LONG_AT_REST_S = 30


def seconds_covered(ground: Ground, session: Session) -> dict[str, float]:
    """Credited seconds by athlete, from the load table's coverage, a moment after the last sample."""
    ground.pass_ms(1)
    elapsed_s = (ground.mono_ms - session.mono0_ms) / 1000
    return {athlete_id: row.coverage * elapsed_s for athlete_id, row in ground.table(session).items()}


def test_a_strap_worn_from_before_counts_from_the_session_on(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(2)
        await ground.train(5, {"S1": 120})
        session = await ground.start()
        await ground.train(10, {"S1": 130, "S2": 150})
        assert ground.spans(session) == [("a1", 0, None), ("a2", 0, None)]
        table = ground.table(session)
        assert (table["a1"].max_bpm, table["a2"].max_bpm) == (130, 150)

    run(story())


def test_a_late_first_assignment_counts_from_the_sessions_start(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(1, with_straps=False)
        session = await ground.start()
        await ground.train(20, {"S1": 140})
        assert ground.table(session) == {}
        await ground.recorder.assign("S1", "a1")
        await ground.train(5, {"S1": 140})
        assert ground.spans(session) == [("a1", 0, None)]
        assert seconds_covered(ground, session)["a1"] == pytest.approx(24)
        assert ground.live()["a1"].banister_au == pytest.approx(ground.table(session)["a1"].banister_au)

    run(story())


def test_a_strap_taken_over_splits_its_samples_at_the_handover(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(2, with_straps=False)
        await ground.recorder.assign("S1", "a1")
        session = await ground.start()
        await ground.train(11, {"S1": 120})
        ground.pass_ms(500)
        await ground.recorder.assign("S1", "a2")
        await ground.train(21, {"S1": 180})
        assert ground.spans(session) == [("a1", 0, 11_500), ("a2", 11_500, None)]
        assert seconds_covered(ground, session) == pytest.approx({"a1": 10, "a2": 20})
        table = ground.table(session)
        assert table["a1"].max_bpm == 120
        assert table["a2"].mean_bpm == pytest.approx(180)
        live = ground.live()
        assert live["a1"].bpm is None
        for athlete_id in ("a1", "a2"):
            assert live[athlete_id].banister_au == pytest.approx(table[athlete_id].banister_au)

    run(story())


def test_a_strap_laid_down_and_then_given_to_another_is_not_the_others_from_the_start(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(2, with_straps=False)
        await ground.recorder.assign("S1", "a1")
        session = await ground.start()
        await ground.train(10, {"S1": 120})
        await ground.recorder.assign("S1", None)
        await ground.train(10, {"S1": 60})
        ground.pass_ms(500)
        await ground.recorder.assign("S1", "a2")
        await ground.train(10, {"S1": 180})
        assert ground.spans(session) == [("a1", 0, 10_000), ("a2", 20_500, None)]
        table = ground.table(session)
        assert table["a1"].max_bpm == 120
        assert table["a2"].mean_bpm == pytest.approx(180)

    run(story())


def test_a_replacement_strap_does_not_add_a_second_heart(ground: Ground) -> None:
    """S2 was heard from the start on somebody unknown; given to a1 it must not rewrite a1's first minutes."""

    async def story() -> None:
        await ground.add_squad(1)
        session = await ground.start()
        await ground.train(10, {"S1": 120, "S2": 190})
        ground.pass_ms(500)
        await ground.recorder.assign("S2", "a1")
        await ground.train(10, {"S1": 60, "S2": 130})
        assert ground.spans(session) == [("a1", 0, 10_500), ("a1", 10_500, None)]
        assert ground.table(session)["a1"].max_bpm == 130
        assert ground.live()["a1"].strap_id == "S2"
        assert ground.live()["a1"].edwards_au == pytest.approx(ground.table(session)["a1"].edwards_au)
        assert ground.board.snapshot(ground.mono_ms, ground.wall_ms).unassigned == 1

    run(story())


def test_giving_a_strap_to_its_wearer_again_changes_no_load(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(1)
        session = await ground.start()
        await ground.train(10, {"S1": 120})
        await ground.recorder.assign("S1", "a1")
        await ground.train(10, {"S1": 120})
        assert seconds_covered(ground, session)["a1"] == pytest.approx(19)
        assert ground.live()["a1"].banister_au == pytest.approx(ground.table(session)["a1"].banister_au)

    run(story())


def test_a_strap_given_to_nobody_known_is_refused_and_stays_where_it_was(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(1)
        session = await ground.start()
        await ground.train(2, {"S1": 120})
        with pytest.raises(NotFound):
            await ground.recorder.assign("S1", "nobody")
        await ground.train(2, {"S1": 125})
        assert ground.spans(session) == [("a1", 0, None)]
        assert ground.live()["a1"].bpm == 125

    run(story())


def test_an_edited_profile_is_applied_to_the_whole_session(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(1)
        session = await ground.start()
        await ground.train(LONG_AT_REST_S, {"S1": 150})
        before = ground.live()["a1"].edwards_au
        fields = {"hr_max_bpm": 250}
        await ground.store.write(
            lambda db: db.execute("UPDATE athlete SET hr_max_bpm = ?", (fields["hr_max_bpm"],))
        )
        await ground.recorder.roster_changed({"a1"})
        after = ground.live()["a1"].edwards_au
        assert before is not None
        assert after is not None
        assert after < before
        assert after == pytest.approx(ground.table(session)["a1"].edwards_au)

    run(story())


def test_who_wears_a_strap_outlives_session_and_restart(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(1)
        await ground.start()
        await ground.train(2, {"S1": 120})
        await ground.recorder.end_session()
        await ground.restart()
        session = await ground.start()
        await ground.train(2, {"S1": 133})
        assert ground.live()["a1"].bpm == 133
        assert ground.spans(session) == [("a1", 0, None)]

    run(story())


def test_readings_heard_while_a_handover_is_being_stored_are_the_new_wearers(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(2, with_straps=False)
        await ground.recorder.assign("S1", "a1")
        session = await ground.start()
        await ground.train(10, {"S1": 120})
        await ground.train(1, {"S1": 120}, tick=False)
        ground.pass_ms(500)
        ground.store.gate.clear()
        handover = asyncio.create_task(ground.recorder.assign("S1", "a2"))
        await ground.store.reached_the_gate()
        ground.pass_ms(500)
        ground.hear("S1", 180)
        ground.pass_ms(500)
        ground.store.gate.set()
        await handover
        await ground.train(5, {"S1": 180})
        assert ground.spans(session) == [("a1", 0, 11_500), ("a2", 11_500, None)]
        table, live = ground.table(session), ground.live()
        assert table["a1"].max_bpm == 120
        for athlete_id in ("a1", "a2"):
            assert live[athlete_id].banister_au == pytest.approx(table[athlete_id].banister_au)

    run(story())


def test_a_sample_at_the_very_moment_of_a_handover_is_the_new_wearers_alone(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(2, with_straps=False)
        await ground.recorder.assign("S1", "a1")
        session = await ground.start()
        await ground.train(9, {"S1": 120})
        await ground.train(1, {"S1": 170})
        await ground.recorder.assign("S1", "a2")
        await ground.train(5, {"S1": 150})
        table = ground.table(session)
        assert (table["a1"].max_bpm, table["a2"].max_bpm) == (120, 170)

    run(story())
