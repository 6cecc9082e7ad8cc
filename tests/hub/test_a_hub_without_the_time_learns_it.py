"""A Pi that boots in 1970 counts from the last time known, learns the true one, and moves its past."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing
from pathlib import Path
from sqlite3 import Connection

import pytest

from hub import clock
from hub.clock import RELEASED_MS, Clock
from hub.commands import bundle
from hub.config import HubSettings
from hub.rebasing import due, rebase
from hub.results.profiles import day_of
from hub.results.recalculation import Recalculation
from hub.store import boots, session_results, sessions
from hub.store.database import Database
from hub.tablet_time import TabletTimes
from hub.time_watch import TimeWatch
from sync.wire import Anchor
from tests.hub.ground import START_WALL_MS, Ground
from tests.store.small_store import anchor

DAY_MS = 86_400_000
LOST_WALL_MS = START_WALL_MS - 3 * DAY_MS
"""What a hub believes that was switched off three days ago and has no battery."""


class LostGround(Ground):
    """A ground whose boots know nothing of the time."""

    def _start_boot(self, boot_id: str) -> None:
        self.wall_ms = LOST_WALL_MS
        self.boot_no = self.store.write_now(lambda db: boots.register(db, boot_id))
        self.learn(self.wall_ms, err_ms=3_600_000, source="system")

    def learn(
        self, wall_ms: int, err_ms: int = 100, source: str = "cloud", boot_no: int | None = None
    ) -> None:
        """From the next millisecond on it is known that it is `wall_ms` now."""
        new = Anchor(
            boot_no=boot_no or self.boot_no,
            mono_ms=self.mono_ms,
            wall_ms=wall_ms,
            err_ms=err_ms,
            source=source,
        )
        self.store.write_now(lambda db: boots.add_anchor(db, new))
        if boot_no is None:
            self.wall_ms = wall_ms

    def rebase(self) -> int:
        return asyncio.run(rebase(self.store, self.moment, lambda _: 3600))


@pytest.fixture
def ground(tmp_path: Path) -> LostGround:
    return LostGround(tmp_path)


@pytest.fixture(autouse=True)
def _no_network_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(clock, "NETWORK_TIME_FLAG", tmp_path / "none")


def in_1970(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 12_000_000_000)


# --- the clock itself


def test_whatever_runs_without_the_hub_goes_by_what_the_store_knows(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    known_ms = RELEASED_MS + 200 * DAY_MS
    settings = HubSettings.from_env({"TOUCHLINE_DATA": str(tmp_path)})
    with closing(Database.open(settings.database_path)) as store:
        first = store.write_now(lambda db: boots.register(db, "earlier"))
        heard = Anchor(boot_no=first, mono_ms=5, wall_ms=known_ms, err_ms=50, source="cloud")
        store.write_now(lambda db: boots.add_anchor(db, heard))
        in_1970(monkeypatch)
        _, wall_ms = bundle._desk(settings, store)._now_ms()
        assert wall_ms >= store.read_now(boots.newest_known_ms) > RELEASED_MS + 199 * DAY_MS


def test_a_clock_reset_to_1970_goes_on_from_the_last_time_known(monkeypatch: pytest.MonkeyPatch) -> None:
    in_1970(monkeypatch)
    lost = Clock(1, least_ms=START_WALL_MS)
    assert 0 <= lost.wall_ms() - START_WALL_MS < 1000
    assert not lost.is_verified
    assert Clock(1).wall_ms() >= RELEASED_MS


def test_a_system_clock_that_may_be_right_is_left_alone() -> None:
    assert abs(Clock(1, least_ms=1_000).wall_ms() - time.time_ns() // 1_000_000) < 1000


def test_the_latest_verified_anchor_of_any_boot_is_the_least_the_time_can_be(ground: LostGround) -> None:
    assert ground.store.read_now(boots.newest_known_ms) == 0
    for wall_ms, source in ((START_WALL_MS, "cloud"), (START_WALL_MS + 9 * DAY_MS, "tablet")):
        ground.pass_ms(1)
        ground.learn(wall_ms, source=source)
    ground._start_boot("boot-2")
    assert ground.store.read_now(boots.newest_known_ms) == START_WALL_MS


# --- tablets


def tablets(monkeypatch: pytest.MonkeyPatch) -> tuple[Clock, TabletTimes, list[Anchor]]:
    in_1970(monkeypatch)
    kept: list[Anchor] = []
    lost = Clock(1, least_ms=START_WALL_MS)
    return lost, TabletTimes(lost, kept.append), kept


def test_one_tablet_is_better_than_1970_and_never_verifies_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    lost, times, kept = tablets(monkeypatch)
    times.hear("one", START_WALL_MS + DAY_MS)
    assert lost.wall_ms() == pytest.approx(START_WALL_MS + DAY_MS, abs=1000)
    assert (lost.anchor.err_ms, lost.anchor.source, lost.is_verified) == (600_000, "tablet", False)
    assert kept == [lost.anchor]


def test_the_middle_of_three_tablets_is_taken_as_surely_as_they_agree(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lost, times, kept = tablets(monkeypatch)
    times.hear("one", START_WALL_MS + DAY_MS)
    times.hear("two", START_WALL_MS + DAY_MS + 20_000)
    assert lost.anchor.err_ms == 60_000
    before = lost.anchor
    times.hear("three", START_WALL_MS + 4000 * DAY_MS)
    assert lost.anchor == before
    assert len(kept) == 2


def test_a_tablet_that_lives_before_the_last_time_known_is_not_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    lost, times, kept = tablets(monkeypatch)
    times.hear("one", START_WALL_MS - 1)
    assert not kept
    assert lost.anchor.source == "system"


def test_the_cloud_is_believed_over_any_tablet_and_no_tablet_over_the_cloud(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lost, times, kept = tablets(monkeypatch)
    times.hear("one", START_WALL_MS + DAY_MS)
    told = anchor(1, lost.mono_ms(), START_WALL_MS + 2 * DAY_MS, err_ms=5_000_000)
    lost.learn(told)
    times.hear("two", START_WALL_MS + DAY_MS)
    assert lost.anchor == told
    assert len(kept) == 1


# --- the past


def a_training(ground: LostGround) -> str:
    """Ten seconds of one athlete; the session still runs."""

    async def story() -> str:
        await ground.add_squad(1)
        session = await ground.start()
        await ground.train(10, {"S1": 140})
        return session.session_id

    return asyncio.run(story())


def test_time_learnt_in_mid_session_moves_its_start_to_the_true_day(ground: LostGround) -> None:
    session_id = a_training(ground)
    ground.learn(START_WALL_MS)
    assert ground.rebase() == 1
    session = ground.store.read_now(lambda db: sessions.session(db, session_id))
    assert session.started_at_ms == START_WALL_MS - 10_000

    async def to_the_end() -> None:
        await ground.train(5, {"S1": 150})
        await ground.recorder.end_session()

    asyncio.run(to_the_end())
    assert ground.rebase() == 0
    ended = ground.store.read_now(lambda db: sessions.session(db, session_id))
    assert (ended.started_at_ms, ended.ended_at_ms) == (START_WALL_MS - 10_000, START_WALL_MS + 5_000)


def test_a_session_that_ended_before_the_time_was_known_moves_with_its_results(ground: LostGround) -> None:
    session_id = a_training(ground)
    asyncio.run(ground.recorder.end_session())
    worker = Recalculation(ground.store, lambda: ground.wall_ms)
    assert asyncio.run(worker.settle()) == 1
    lost_day = ground.store.read_now(lambda db: _day(db, session_id))
    ground.learn(START_WALL_MS)
    assert ground.rebase() == 1
    assert ground.store.read_now(session_results.stale_count) == 1
    assert asyncio.run(worker.settle()) == 1
    assert (lost_day, ground.store.read_now(lambda db: _day(db, session_id))) == ("2026-11-18", "2026-11-21")
    assert ground.rebase() == 0


def test_a_surer_anchor_corrects_a_weaker_one_and_a_weaker_one_nothing(ground: LostGround) -> None:
    session_id = a_training(ground)
    for wall_ms, err_ms, source, moved in (
        (START_WALL_MS + 300_000, 60_000, "tablet", 1),
        (START_WALL_MS, 400, "cloud", 1),
        (START_WALL_MS + 900_000, 60_000, "tablet", 0),
        (START_WALL_MS + 3_000, 50, "ntp", 0),
    ):
        ground.learn(wall_ms, err_ms, source)
        ground.pass_ms(1)
        assert ground.rebase() == moved
    session = ground.store.read_now(lambda db: sessions.session(db, session_id))
    assert session.started_at_ms == START_WALL_MS - 10_000 - 1


def test_an_end_in_another_boot_is_put_where_that_boot_was(ground: LostGround) -> None:
    session_id = a_training(ground)
    first_boot = ground.boot_no
    ground.learn(START_WALL_MS, boot_no=first_boot)
    ground.pass_ms(1)

    async def next_boot() -> None:
        await ground.reboot()
        ground.pass_ms(7_000)
        await ground.recorder.end_session()

    asyncio.run(next_boot())
    ground.learn(START_WALL_MS + 60_000)
    assert ground.rebase() == 1
    session = ground.store.read_now(lambda db: sessions.session(db, session_id))
    assert (session.started_at_ms, session.ended_at_ms) == (START_WALL_MS - 10_000, START_WALL_MS + 60_000)


def test_a_boot_nobody_ever_told_the_time_stays_as_it_was(ground: LostGround) -> None:
    a_training(ground)
    assert ground.rebase() == 0
    ground._start_boot("boot-2")
    ground.learn(START_WALL_MS)
    assert not ground.store.read_now(lambda db: due(db, lambda _: 0))


def test_the_watch_keeps_what_tablets_and_network_time_say(
    ground: LostGround, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    session_id = a_training(ground)
    moved: list[bool] = []
    with monkeypatch.context() as then:
        in_1970(then)
        lost = Clock(ground.boot_no, least_ms=LOST_WALL_MS)
    watch = TimeWatch(ground.store, lost, ground.moment, lambda: moved.append(True))
    watch.tablets.hear("one", START_WALL_MS)
    asyncio.run(watch.look())
    assert ground.store.read_now(lambda db: boots.best_anchor(db, ground.boot_no)) == lost.anchor
    assert moved == [True]
    monkeypatch.setattr(clock, "NETWORK_TIME_FLAG", tmp_path)
    asyncio.run(watch.look())
    best = ground.store.read_now(lambda db: boots.best_anchor(db, ground.boot_no))
    assert best is not None
    assert (best.source, lost.is_verified) == ("ntp", True)
    session = ground.store.read_now(lambda db: sessions.session(db, session_id))
    assert session.started_at_ms == best.wall_ms + session.mono0_ms - best.mono_ms


def _day(db: Connection, session_id: str) -> str:
    return day_of(sessions.session(db, session_id)).isoformat()
