"""What the hub did not hear is taken from a file of the same effort, shown, and can be taken back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hub.domain import Session
from hub.imports.arrange import arrange_recorded
from hub.imports.choose import choose, choose_nothing, let_fill
from hub.imports.gaps import Candidate, feeding, heard_spans, silent
from hub.imports.keep import Outcome, keep
from hub.imports.readfile import ReadFile
from hub.imports.undo import undo
from hub.store import sessions
from tests.hub.ground import START_WALL_MS, Ground, run
from tests.imports import made


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    found = Ground(tmp_path)
    yield found
    found.close()


async def trained(ground: Ground) -> Session:
    """20 min of a1 and a2; a1's strap is mute from minute 5 to 12."""
    await ground.add_squad(2)
    await ground.start()
    for second in range(1200):
        ground.pass_ms(1_000)
        true_s = (ground.wall_ms - made.START_MS) // 1000
        if not 300 <= second < 720:
            ground.hear("S1", made.heart_at(true_s, 1))
        ground.hear("S2", made.heart_at(true_s, 4))
    return await ground.recorder.end_session()


AT_S = (START_WALL_MS - made.START_MS) // 1000


def watch(heart: int = 1, minutes: float = 22, lag_s: int = -60, **more: Any) -> ReadFile:
    found = made.session(minutes, at_s=AT_S + lag_s, heart=heart, error_bpm=1, device="Fenix", **more)
    return made.file("watch.fit", found)


def take(ground: Ground, read: ReadFile, athlete_id: str = "a1") -> Outcome:
    return ground.store.write_now(lambda db: keep(db, ground.moment(), read, athlete_id))


@pytest.mark.parametrize("is_later_boot", [False, True])
def test_the_missing_stretch_is_filled_and_nothing_else(ground: Ground, is_later_boot: bool) -> None:
    async def story() -> None:
        session = await trained(ground)
        before = ground.table(session)
        if is_later_boot:
            await ground.reboot()
        outcome = take(ground, watch())
        assert outcome.record.status == "linked"
        assert outcome.session_ids == (session.session_id,)
        (repair,) = outcome.repairs
        assert repair.filled_s == pytest.approx(421, abs=2)
        after = ground.table(session)
        assert (repair.before, repair.after) == (before["a1"], after["a1"])
        assert before["a1"].coverage == pytest.approx(780 / 1200, abs=0.02)
        assert after["a1"].coverage == pytest.approx(1, abs=0.02)
        assert (after["a1"].banister_au or 0) > 1.3 * (before["a1"].banister_au or 0)
        assert after["a2"] == before["a2"]
        kept = ground.store.read_now(lambda db: sessions.session(db, session.session_id))
        assert kept == session

    run(story())


def test_a_repair_is_taken_back_and_made_again(ground: Ground) -> None:
    async def story() -> None:
        session = await trained(ground)
        before = ground.table(session)
        source = take(ground, watch()).sources[0]
        after = ground.table(session)
        for may_fill, expected in ((False, before), (True, after)):
            arranged = ground.store.write_now(
                lambda db, may=may_fill: let_fill(db, ground.moment(), source.source_id, may)  # type: ignore[misc]
            )
            assert ground.table(session) == expected
            assert [it.after for it in arranged.repairs] == [expected["a1"]]

    run(story())


def test_an_undone_import_leaves_the_live_session_as_it_was_heard(ground: Ground) -> None:
    async def story() -> None:
        session = await trained(ground)
        before = ground.table(session)
        outcome = take(ground, watch())
        undone = ground.store.write_now(lambda db: undo(db, ground.moment(), outcome.record.import_id))
        assert undone.kept_session_ids == (session.session_id,)
        assert ground.table(session) == before
        assert ground.store.read_now(sessions.recent) == [session]

    run(story())


def test_a_file_may_be_chosen_over_the_strap_and_the_strap_again(ground: Ground) -> None:
    async def story() -> None:
        session = await trained(ground)
        source = take(ground, watch(minutes=18, lag_s=10)).sources[0]
        repaired, spans = ground.table(session), ground.spans(session)
        ground.store.write_now(lambda db: choose(db, ground.moment(), source.source_id))
        chosen = ground.table(session)
        assert chosen["a1"] != repaired["a1"]
        assert chosen["a1"].coverage > 0.95
        assert chosen["a2"] == repaired["a2"]
        sid = session.session_id
        ground.store.write_now(lambda db: choose_nothing(db, ground.moment(), sid, "a1"))
        assert ground.table(session) == repaired
        assert ground.spans(session) == spans

    run(story())


def test_a_chosen_file_undone_gives_the_strap_back(ground: Ground) -> None:
    async def story() -> None:
        session = await trained(ground)
        before = ground.table(session)
        outcome = take(ground, watch())
        ground.store.write_now(lambda db: choose(db, ground.moment(), outcome.sources[0].source_id))
        ground.store.write_now(lambda db: undo(db, ground.moment(), outcome.record.import_id))
        assert ground.table(session) == before

    run(story())


def test_a_file_that_came_while_the_session_ran_joins_it_once_it_has_ended(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(1)
        started = await ground.start()
        await ground.train(30, {"S1": 140})
        early = take(ground, made.file("early.fit", made.session(10, at_s=AT_S, heart=None)))
        assert early.session_ids != (started.session_id,)
        await ground.train(600, {"S1": 140}, tick=False)
        session = await ground.recorder.end_session()
        ground.store.write_now(lambda db: arrange_recorded(db, ground.moment(), session.session_id))
        assert ground.store.read_now(sessions.recent) == [session]
        ground.store.write_now(lambda db: undo(db, ground.moment(), early.record.import_id))
        assert ground.store.read_now(sessions.recent) == [session]

    run(story())


def test_another_heart_is_not_mixed_in(ground: Ground) -> None:
    async def story() -> None:
        session = await trained(ground)
        before = ground.table(session)
        outcome = take(ground, watch(heart=7))
        assert outcome.record.status == "imported"
        assert outcome.session_ids != (session.session_id,)
        assert ground.table(session) == before

    run(story())


def test_a_file_of_somebody_who_wore_no_strap_is_a_session_of_its_own(ground: Ground) -> None:
    async def story() -> None:
        await trained(ground)
        ground.add_athlete(3)
        assert take(ground, watch(), "a3").record.status == "imported"
        assert len(ground.store.read_now(sessions.recent)) == 2

    run(story())


def test_stretches_of_a_minute_are_left_alone() -> None:
    at_ms = np.array([0, 30_000, 90_000, 160_000, 170_000], np.int64)
    assert heard_spans(at_ms) == ((0, 90_001), (160_000, 170_001))
    assert silent(heard_spans(at_ms), (0, 200_000)) == [(90_001, 160_000)]
    assert silent([], (0, 60_000)) == []
    assert silent([(0, 10)], (-100_000, 100_000)) == [(-100_000, 0), (10, 100_000)]


def test_the_next_best_fills_only_what_is_still_silent() -> None:
    minute = 60_000
    best = Candidate("strap", ((0, 10 * minute),), ((0, 3 * minute), (9 * minute, 10 * minute)))
    second = Candidate("watch", ((0, 6 * minute),), ((0, 6 * minute),))
    third = Candidate("ring", ((0, 30 * minute),), ((0, 30 * minute),))
    fed = feeding([best, second, third], (0, 10 * minute))
    assert fed == {
        "strap": ((0, 10 * minute),),
        "watch": ((3 * minute, 6 * minute),),
        "ring": ((6 * minute, 9 * minute),),
    }
    mute = Candidate("mute", ((0, 10 * minute),), ())
    assert feeding([mute, second], (0, 10 * minute)) == {"watch": second.spans}
