"""A file stamped by GPS tells a hub that did not know the date when it recorded, if somebody agrees."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hub.clock import Clock
from hub.devices.exports.found import FoundSession, Track
from hub.domain import Session
from hub.imports import inbox
from hub.imports.arrange import arrange_recorded
from hub.imports.boot_time import KIND, TimeOffer, offers
from hub.imports.keep import Outcome, keep
from hub.imports.readfile import ReadFile
from hub.imports.undo import undo
from hub.learnt_time import LearntTime
from hub.rebasing import rebase
from hub.store import boots, session_results, sessions, sources
from sync.wire import Anchor
from tests.hub.ground import START_WALL_MS
from tests.hub.test_a_hub_without_the_time_learns_it import LOST_WALL_MS, LostGround
from tests.imports import made
from tests.imports.test_hearts_align_on_two_clocks import heart, intervals

MINUTES = 25
HEART = heart(21, MINUTES * 60)
BEGAN_MS = START_WALL_MS
HOUR_MS = 3_600_000


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[LostGround]:
    found = LostGround(tmp_path)
    yield found
    found.close()


def train(ground: LostGround, bpm: Any = HEART) -> Session:
    """A training of a1 at a hub three days behind."""

    async def story() -> Session:
        await ground.add_squad(1)
        await ground.start()
        for rate in bpm:
            ground.hear("S1", round(rate))
            ground.pass_ms(1_000)
        return await ground.recorder.end_session()

    return asyncio.run(story())


def watch(
    bpm: Any = HEART, name: str = "watch.fit", began_ms: int = BEGAN_MS, has_fixes: bool = True
) -> ReadFile:
    """The same effort on a watch, on the grass."""
    n = len(bpm)
    at_ms = began_ms + np.arange(n) * 1000
    columns: dict[str, Any] = {"bpm": np.rint(bpm).astype(float), "speed_mps": np.full(n, 3.0)}
    if has_fixes:
        columns |= {"latitude_deg": np.full(n, 52.5), "longitude_deg": 13.4 + np.arange(n) * 1e-5}
    like = made.session(n / 60, heart=None)
    found: FoundSession = replace(
        like, started_at_ms=int(at_ms[0]), elapsed_s=float(n), track=Track(at_ms, columns), n_records=n,
        laps=(),
    )  # fmt: skip
    return made.file(name, found)


def take(ground: LostGround, read: ReadFile, athlete_id: str = "a1") -> Outcome:
    return ground.store.write_now(lambda db: keep(db, ground.moment(), read, athlete_id))


def asked(ground: LostGround) -> list[TimeOffer]:
    return ground.store.read_now(offers)


def answer(ground: LostGround, offer: TimeOffer, is_believed: bool, clock: Clock | None = None) -> int:
    desk = LearntTime(
        ground.store, clock or Clock(ground.boot_no), ground.moment, lambda _: 3600, arrange_recorded,
        lambda: None,
    )  # fmt: skip
    return asyncio.run(desk.answer(offer.question.question_id, is_believed))


def now(ground: LostGround, session: Session) -> Session:
    return ground.store.read_now(lambda db: sessions.session(db, session.session_id))


def all_sessions(ground: LostGround) -> list[str]:
    return [it.session_id for it in ground.store.read_now(sessions.recent)]


def test_the_file_is_offered_and_nothing_moves_before_somebody_agrees(ground: LostGround) -> None:
    session = train(ground)
    outcome = take(ground, watch())
    assert "it knows when a session recorded here was" in outcome.record.detail
    (offer,) = asked(ground)
    assert (offer.session.session_id, offer.athlete_name, offer.filename) == (
        session.session_id, "Athlete 1", "watch.fit",
    )  # fmt: skip
    assert offer.believed_ms == LOST_WALL_MS == session.started_at_ms
    assert offer.true_ms == pytest.approx(BEGAN_MS, abs=1000)
    assert offer.n_sessions == 1
    assert now(ground, session) == session
    assert len(all_sessions(ground)) == 2


def test_agreed_the_session_its_day_and_its_results_move_and_the_file_joins_it(ground: LostGround) -> None:
    session = train(ground)
    take(ground, watch())
    (offer,) = asked(ground)
    assert answer(ground, offer, True) == 1
    moved = now(ground, session)
    assert moved.started_at_ms == pytest.approx(BEGAN_MS, abs=1000)
    assert moved.ended_at_ms == pytest.approx(BEGAN_MS + len(HEART) * 1000, abs=1000)
    assert all_sessions(ground) == [session.session_id], "the file is a recording of it, not another session"
    (source,) = ground.store.read_now(lambda db: sources.of_session(db, session.session_id))
    assert source.session_id == session.session_id
    assert ground.store.read_now(session_results.stale_count) >= 1
    (taken,) = asked(ground)
    assert taken.is_taken
    assert answer(ground, offer, True) == 0, "said twice"


def test_taken_back_all_is_as_it_was_and_may_be_agreed_again(ground: LostGround) -> None:
    session = train(ground)
    before = take(ground, watch())
    (offer,) = asked(ground)
    for _ in range(2):
        answer(ground, offer, True)
        assert answer(ground, offer, False) == 1
        assert now(ground, session) == session
        (source,) = ground.store.read_now(lambda db: sources.of_import(db, before.record.import_id))
        assert source.session_id != session.session_id
        assert len(all_sessions(ground)) == 2
    (again,) = ground.store.read_now(lambda db: offers(db, before.record.import_id))
    assert again.question.answered == "left as it is"
    assert answer(ground, again, True) == 1


def test_the_clock_of_this_very_boot_learns_it_and_unlearns_it(ground: LostGround) -> None:
    train(ground)
    take(ground, watch())
    clock = Clock(ground.boot_no)
    begun = clock.anchor.source
    (offer,) = asked(ground)
    answer(ground, offer, True, clock)
    assert (clock.anchor.source, clock.is_verified, clock.is_exact) == ("gps", True, False)
    answer(ground, offer, False, clock)
    assert clock.anchor.source == begun


def test_network_time_and_the_cloud_win_however_unsure_they_say_they_are(ground: LostGround) -> None:
    session = train(ground)
    take(ground, watch(began_ms=BEGAN_MS - 600_000))
    (offer,) = asked(ground)
    answer(ground, offer, True)
    assert now(ground, session).started_at_ms == pytest.approx(BEGAN_MS - 600_000, abs=1000)
    ground.pass_ms(1)
    ground.learn(BEGAN_MS + len(HEART) * 1000, err_ms=90_000, source="cloud")
    assert ground.rebase() == 1
    best = ground.store.read_now(lambda db: boots.best_anchor(db, ground.boot_no))
    assert best is not None
    assert best.source == "cloud"
    clock = Clock(
        ground.boot_no, Anchor(boot_no=ground.boot_no, mono_ms=1, wall_ms=2, err_ms=1, source="gps")
    )
    clock.learn(best)
    assert clock.is_exact
    told = ground.store.read_now(boots.all_telling)
    assert told[ground.boot_no] == [best]


def test_nothing_is_asked_of_a_boot_that_was_told_the_time(ground: LostGround) -> None:
    train(ground)
    ground.learn(ground.wall_ms + HOUR_MS, source="ntp")
    take(ground, watch())
    assert asked(ground) == []


def test_an_offer_goes_when_the_cloud_tells_the_time_after_all(ground: LostGround) -> None:
    train(ground)
    take(ground, watch())
    assert len(asked(ground)) == 1
    ground.pass_ms(1)
    ground.learn(BEGAN_MS, source="cloud")
    assert asked(ground) == []


@pytest.mark.parametrize(
    ("bpm", "read"),
    [
        (intervals(240, MINUTES * 60), {"bpm": intervals(240, MINUTES * 60)}),
        (HEART, {"bpm": heart(99, MINUTES * 60)}),
        (HEART, {"has_fixes": False}),
        (HEART, {"name": "watch.csv"}),
        (HEART, {"began_ms": LOST_WALL_MS + 20_000}),
    ],
    ids=["even intervals", "another heart", "indoors", "no GPS format", "nearly right already"],
)
def test_what_proves_nothing_is_not_asked_about(ground: LostGround, bpm: Any, read: dict[str, Any]) -> None:
    train(ground, bpm)
    take(ground, watch(**read))
    assert asked(ground) == []


def test_a_boot_cannot_have_been_before_one_that_knew_the_time(ground: LostGround) -> None:
    known = Anchor(boot_no=ground.boot_no, mono_ms=5, wall_ms=BEGAN_MS + HOUR_MS, err_ms=9, source="ntp")
    ground.store.write_now(lambda db: boots.add_anchor(db, known))
    ground._start_boot("boot-2")
    train(ground)
    take(ground, watch())
    assert asked(ground) == []
    take(ground, watch(name="later.fit", began_ms=BEGAN_MS + 2 * HOUR_MS))
    assert len(asked(ground)) == 1


def test_a_file_that_waited_for_its_athlete_is_asked_about_once_it_is_known_whose(ground: LostGround) -> None:
    train(ground)
    read = watch()
    outcome = ground.store.write_now(lambda db: keep(db, ground.moment(), read, None))
    assert asked(ground) == []
    (source,) = outcome.sources
    ground.store.write_now(lambda db: inbox.give(db, ground.moment(), source.source_id, "a1"))
    assert len(asked(ground)) == 1


def test_a_file_cannot_tell_later_boots_the_least_the_time_can_be(ground: LostGround) -> None:
    train(ground)
    take(ground, watch())
    (offer,) = asked(ground)
    answer(ground, offer, True)
    assert ground.store.read_now(boots.newest_known_ms) == 0


def test_a_file_imported_before_the_cloud_tells_the_time_joins_the_session_that_moves(
    ground: LostGround,
) -> None:
    session = train(ground)
    take(ground, watch(has_fixes=False))
    assert len(all_sessions(ground)) == 2
    ground.pass_ms(1)
    ground.learn(BEGAN_MS + len(HEART) * 1000)
    moved = asyncio.run(rebase(ground.store, ground.moment, lambda _: 3600, arrange_recorded))
    assert moved == 1
    assert all_sessions(ground) == [session.session_id]


def test_an_undone_import_asks_no_more_and_imported_again_asks_anew(ground: LostGround) -> None:
    train(ground)
    outcome = take(ground, watch())
    ground.store.write_now(lambda db: undo(db, ground.moment(), outcome.record.import_id))
    assert asked(ground) == []
    again = take(ground, watch())
    assert [it.kind for it in again.questions] == [KIND]
    assert len(asked(ground)) == 1
