"""Every sample heard in a session is at rest exactly once, whatever happens in between."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hub.errors import ActionRefused, DiskFull, HubError, StoreUnavailable
from hub.store import journal, segments
from hub.store.outbox import StoreOutbox
from tests.hub.ground import Ground, Heard, run


def test_a_tick_is_one_row_whatever_the_number_of_straps(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(20)
        await ground.start()
        await ground.train(3, {f"S{n}": 120 for n in range(1, 21)})
        assert ground.count("tick") == 3
        ground.pass_ms(1_000)
        await ground.recorder.tick()
        assert ground.count("tick") == 3

    run(story())


def test_after_300_s_the_journal_becomes_a_segment_a_strap(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(2)
        await ground.start()
        heard = await ground.train(300, {"S1": 120, "S2": 150})
        assert (ground.count("tick"), ground.count("segment")) == (300, 0)
        heard += await ground.train(1, {"S1": 120, "S2": 150})
        assert (ground.count("tick"), ground.count("segment")) == (0, 2)
        heard += await ground.train(5, {"S1": 120, "S2": 150})
        assert (ground.count("tick"), ground.count("segment")) == (5, 2)
        assert ground.stored() == Counter(heard)

    run(story())


def test_a_strap_nobody_wears_is_stored_too(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(1)
        session = await ground.start()
        heard = await ground.train(4, {"S1": 120, "LOST": 99})
        assert ground.stored() == Counter(heard)
        assert [athlete for athlete, _, _ in ground.spans(session)] == ["a1"]
        assert ground.board.snapshot(ground.mono_ms, ground.wall_ms).unassigned == 1

    run(story())


def test_samples_without_a_heart_rate_are_stored_with_their_contact(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(1)
        await ground.start()
        ground.pass_ms(1_000)
        heard = [ground.hear("S1", None)]
        await ground.recorder.end_session()
        assert ground.stored() == Counter(heard)

    run(story())


def test_nothing_is_stored_between_sessions(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(1)
        await ground.train(3, {"S1": 120})
        await ground.start()
        heard = await ground.train(2, {"S1": 130})
        await ground.recorder.end_session()
        await ground.train(3, {"S1": 140})
        await ground.start()
        heard += await ground.train(1, {"S1": 150})
        assert ground.stored() == Counter(heard)

    run(story())


def test_ending_seals_all_and_leaves_no_journal(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(1)
        session = await ground.start()
        heard = await ground.train(5, {"S1": 120}, tick=False)
        ground.pass_ms(500)
        ended = await ground.recorder.end_session()
        assert ended.ended_at_ms == session.started_at_ms + 5_500
        assert ended.mono1_ms == session.mono0_ms + 5_500
        assert (ground.count("tick"), ground.recorder.session) == (0, None)
        assert ground.stored() == Counter(heard)
        assert ground.spans(session) == [("a1", 0, 5_500)]

    run(story())


def test_readings_that_arrive_while_the_session_is_being_closed_are_no_hole_in_it(ground: Ground) -> None:
    """A reading taken before the end stands, one taken after the end was pressed belongs to no session."""

    async def story() -> None:
        await ground.add_squad(1)
        session = await ground.start()
        heard = await ground.train(3, {"S1": 120}, tick=False)
        ground.pass_ms(200)
        ground.store.gate.clear()
        ending = asyncio.create_task(ground.recorder.end_session())
        await ground.store.reached_the_gate()
        ground.pass_ms(300)
        late = ground.hear("S1", 121)
        ground.store.gate.set()
        ended = await ending
        assert ended.mono1_ms == session.mono0_ms + 3_200
        assert late[2] >= ended.mono1_ms
        assert ground.stored() - Counter(heard) - Counter([late]) == Counter()
        assert Counter(heard) - ground.stored() == Counter()

    run(story())


@pytest.mark.parametrize("trouble", [DiskFull("here"), StoreUnavailable("locked")])
def test_a_disk_that_refuses_keeps_readings_waiting_and_loses_none(ground: Ground, trouble: HubError) -> None:
    async def story() -> None:
        await ground.add_squad(2)
        session = await ground.start()
        heard = await ground.train(3, {"S1": 120})
        ground.store.trouble = trouble
        heard += await ground.train(5, {"S1": 125, "S2": 150})
        assert ground.recorder.storage_error is trouble
        assert sum(ground.stored().values()) == 3
        assert ground.live()["a2"].bpm == 150
        ground.store.trouble = None
        heard += await ground.train(1, {"S1": 130})
        assert ground.recorder.storage_error is None
        assert ground.stored() == Counter(heard)
        assert ground.spans(session) == [("a1", 0, None), ("a2", 0, None)]

    run(story())


def test_memory_does_not_run_ahead_of_a_disk_that_refused(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(2, with_straps=False)
        ground.store.trouble = DiskFull("here")
        with pytest.raises(DiskFull):
            await ground.start()
        assert (ground.recorder.session, ground.board.session) == (None, None)
        ground.store.trouble = None
        session = await ground.start()
        await ground.train(2, {"S1": 120})
        ground.store.trouble = DiskFull("here")
        with pytest.raises(DiskFull):
            await ground.recorder.assign("S1", "a1")
        with pytest.raises(DiskFull):
            await ground.recorder.end_session()
        ground.pass_ms(1_000)
        heard = ground.hear("S1", 130)
        assert ground.live()["a1"].bpm is None
        assert ground.recorder.session == session
        ground.store.trouble = None
        await ground.recorder.tick()
        assert ground.stored()[heard] == 1
        assert ground.spans(session) == []

    run(story())


def test_a_tick_cancelled_in_mid_commit_is_not_written_twice(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(1)
        session = await ground.start()
        heard = await ground.train(1, {"S1": 120}, tick=False)
        ground.store.gate.clear()
        tick = asyncio.create_task(ground.recorder.tick())
        await ground.store.reached_the_gate()
        tick.cancel()
        with pytest.raises(asyncio.CancelledError):
            await tick
        ground.store.gate.set()
        await ground.recorder.close()
        assert ground.stored() == Counter(heard)
        assert ground.spans(session) == [("a1", 0, None)]

    run(story())


def test_a_session_closed_elsewhere_leaves_no_open_rows_to_be_forgotten(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(1)
        session = await ground.start()
        heard = await ground.train(3, {"S1": 120})
        ground.store.write_now(
            lambda db: db.execute(
                "UPDATE session SET ended_at_ms = 1 WHERE session_id = ?", (session.session_id,)
            )
        )
        await ground.restart()
        assert ground.recorder.session is None
        await ground.start()
        heard += await ground.train(2, {"S1": 130})
        await ground.recorder.end_session()
        assert ground.stored() == Counter(heard)

    run(story())


def test_starting_twice_and_ending_nothing_are_refused_with_a_hint(ground: Ground) -> None:
    async def story() -> None:
        with pytest.raises(ActionRefused, match="No session") as nothing:
            await ground.recorder.end_session()
        await ground.start()
        with pytest.raises(ActionRefused, match="still running") as twice:
            await ground.start()
        assert nothing.value.hint
        assert twice.value.hint

    run(story())


def test_what_the_recorder_seals_is_what_the_relay_is_given(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(1)
        await ground.start()
        await ground.train(3, {"S1": 120})
        await ground.recorder.end_session()
        outbox = StoreOutbox(ground.store, "boot-1", ground.moment, lambda _anchor: None)
        ids = await outbox.unsent_segment_ids(10)
        (segment,) = await outbox.segments(ids)
        assert segment.n == 3
        assert ground.store.read_now(lambda db: segments.by_id(db, ids)) == [segment]
        assert ground.store.read_now(journal.open_samples) == []

    run(story())


STRAPS, ATHLETES = ("S1", "S2", "S3"), ("a1", "a2", None)
STEP = st.one_of(
    st.tuples(st.just("hear"), st.sampled_from(STRAPS), st.integers(0, 220)),
    st.tuples(st.just("hear"), st.sampled_from(STRAPS), st.integers(90, 200)),
    st.tuples(st.just("assign"), st.sampled_from(STRAPS), st.sampled_from(ATHLETES)),
    st.tuples(st.just("pass"), st.integers(500, 320_000), st.none()),
    st.tuples(
        st.sampled_from(["tick", "tick", "start", "end", "kill", "reboot", "full", "free"]),
        st.none(),
        st.none(),
    ),
)


class Script:
    """Plays steps on a ground and keeps its own account of what must be at rest."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.kept: list[Heard] = []
        self.waiting: list[Heard] = []

    async def play(self, step: tuple[str, object, object]) -> None:
        ground, (verb, what, value) = self.ground, step
        ground.pass_ms(7)
        if verb == "pass":
            assert isinstance(what, int)
            ground.pass_ms(what)
        elif verb == "hear":
            assert isinstance(value, int)
            heard = ground.hear(str(what), value or None, (500,) * (value % 3))
            if ground.recorder.session is not None:
                self.waiting.append(heard)
        elif verb == "full":
            ground.store.trouble = DiskFull("here")
        elif verb == "free":
            ground.store.trouble = None
        elif verb in ("kill", "reboot"):
            ground.store.trouble = None
            self.waiting.clear()
            await (ground.restart() if verb == "kill" else ground.reboot())
        else:
            await self._act(verb, str(what), None if value is None else str(value))

    async def _act(self, verb: str, strap_id: str, athlete_id: str | None) -> None:
        recorder = self.ground.recorder
        try:
            if verb == "tick":
                await recorder.tick()
            elif verb == "assign":
                await recorder.assign(strap_id, athlete_id)
            elif verb == "start":
                await recorder.start_session("Training", "training", 0)
            else:
                await recorder.end_session()
        except (ActionRefused, DiskFull):
            return
        if recorder.storage_error is None and verb != "start" and self.ground.store.trouble is None:
            self.kept += self.waiting
            self.waiting.clear()

    def check(self) -> None:
        assert self.ground.stored() == Counter(self.kept)
        session = self.ground.recorder.session
        if session is None:
            return
        table, live = self.ground.table(session), self.ground.live()
        for athlete_id, state in live.items():
            row = table.get(athlete_id)
            assert state.banister_au == pytest.approx(row.banister_au if row else 0.0), athlete_id
            assert state.edwards_au == pytest.approx(row.edwards_au if row else 0.0)
            assert state.coverage == pytest.approx(row.coverage if row else 0.0)


@settings(max_examples=150)
@given(st.lists(STEP, max_size=40))
@example(
    [
        ("start", None, None), ("hear", "S1", 150), ("assign", "S1", "a1"), ("pass", 1_000, None),
        ("hear", "S1", 160), ("assign", "S1", None), ("pass", 1_000, None), ("hear", "S1", 170),
        ("assign", "S1", "a2"), ("pass", 1_000, None), ("hear", "S1", 180),
    ]
)  # fmt: skip
@example(
    [
        ("start", None, None), ("assign", "S1", "a1"), ("hear", "S1", 150), ("hear", "S2", 90),
        ("pass", 5_000, None), ("hear", "S1", 155), ("hear", "S2", 91), ("assign", "S2", "a1"),
        ("pass", 5_000, None), ("hear", "S2", 160), ("kill", None, None),
    ]
)  # fmt: skip
def test_any_life_of_a_hub_stores_each_sample_once_and_shows_the_load_of_what_is_stored(
    steps: list[tuple[str, object, object]],
) -> None:
    async def story(ground: Ground) -> None:
        await ground.add_squad(2, with_straps=False)
        script = Script(ground)
        for step in steps:
            await script.play(step)
        await script.play(("free", None, None))
        await script.play(("tick", None, None))
        script.check()
        await script.play(("kill", None, None))
        script.check()

    with TemporaryDirectory() as folder:
        ground = Ground(Path(folder))
        try:
            run(story(ground))
        finally:
            ground.close()
