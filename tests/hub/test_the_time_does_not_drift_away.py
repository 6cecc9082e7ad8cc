"""A crystal gains seconds a day: the present goes by what was told lately, the past lies between anchors."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hub import clock
from hub.clock import Clock
from hub.rebasing import rebase
from hub.store import boots, sessions
from hub.store.database import Database
from hub.store.outbox import StoreOutbox
from hub.store.records import Moment
from hub.syncing.words import sure_words
from hub.time_watch import TimeWatch
from sync import true_time
from sync.wire import Anchor
from tests.hub.ground import Ground
from tests.store.small_store import anchor

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
BEGAN_MS = 1_800_000_000_000
FAST = 1 + 40e-6


class Pitch:
    """A hub whose crystal runs 40 ppm fast; `true_ms` is what only the cloud knows."""

    def __init__(self, store: Database) -> None:
        self.store, self.true_ms = store, BEGAN_MS
        self.boot_no = store.write_now(lambda db: boots.register(db, "boot"))

    def mono_ms(self) -> int:
        return self.mono_of(self.true_ms)

    def mono_of(self, true_ms: int) -> int:
        return 10_000 + round((true_ms - BEGAN_MS) * FAST)

    def start(self) -> None:
        known = self.store.read_now(lambda db: boots.best_anchor(db, self.boot_no, self.mono_ms()))
        self.clock = Clock(self.boot_no, known)
        moment = self.moment
        self.outbox = StoreOutbox(self.store, "boot", moment, self.clock.learn)

    def moment(self) -> Moment:
        return Moment(self.boot_no, self.clock.mono_ms(), self.clock.wall_ms(), lambda: "id")

    def off_ms(self) -> int:
        return abs(self.clock.wall_ms() - self.true_ms)

    def anchors(self) -> list[Anchor]:
        return self.store.read_now(lambda db: boots.telling(db, self.boot_no))


@pytest.fixture
def pitch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pitch]:
    store = Database.open(tmp_path / "hub.db")
    made = Pitch(store)
    monkeypatch.setattr(clock, "mono_ms", made.mono_ms)
    monkeypatch.setattr(clock, "NETWORK_TIME_FLAG", tmp_path / "none")
    made.start()
    yield made
    store.close()


def greet(pitch: Pitch, until_ms: int, every_ms: int, rtt_ms: int = 40) -> int:
    """Greet the cloud until then; the most the clock was off by just before it was told again."""
    worst_ms = 0

    async def go() -> None:
        nonlocal worst_ms
        while pitch.true_ms < until_ms:
            pitch.true_ms += every_ms
            worst_ms = max(worst_ms, pitch.off_ms())
            await pitch.outbox.record_contact(pitch.true_ms, rtt_ms, pitch.mono_ms())

    asyncio.run(go())
    return worst_ms


def test_after_thirty_days_of_greetings_at_40_ppm_present_and_past_are_right_to_half_a_second(
    pitch: Pitch,
) -> None:
    asyncio.run(pitch.outbox.record_contact(pitch.true_ms, 20, pitch.mono_ms()))
    assert greet(pitch, BEGAN_MS + 30 * DAY_MS, 2 * HOUR_MS) < 500
    assert pitch.off_ms() < 500
    assert pitch.clock.err_ms < 500
    pitch.start()
    assert pitch.off_ms() < 500, "and after a restart"
    known = pitch.anchors()
    for day in range(30):
        true_ms = BEGAN_MS + day * DAY_MS + 11 * HOUR_MS
        assert true_time.wall_at(known, pitch.mono_of(true_ms)) == pytest.approx(true_ms, abs=500)
    assert len(known) < 80


def test_how_sure_the_time_is_grows_worse_until_the_cloud_is_heard_again(pitch: Pitch) -> None:
    asyncio.run(pitch.outbox.record_contact(pitch.true_ms, 20, pitch.mono_ms()))
    assert (pitch.clock.is_verified, sure_words(pitch.clock.err_ms)) == (True, "known to within 0.1 s")
    pitch.true_ms += 7 * DAY_MS
    assert 20_000 < pitch.off_ms() < pitch.clock.err_ms
    assert sure_words(pitch.clock.err_ms) == "known to within 31 s"
    asyncio.run(pitch.outbox.record_contact(pitch.true_ms, 900, pitch.mono_ms()))
    assert pitch.off_ms() == 0
    assert sure_words(pitch.clock.err_ms) == "known to within 0.5 s"


def test_a_slow_link_just_after_a_quick_one_changes_nothing(pitch: Pitch) -> None:
    asyncio.run(pitch.outbox.record_contact(pitch.true_ms, 20, pitch.mono_ms()))
    pitch.true_ms += 60_000
    asyncio.run(pitch.outbox.record_contact(pitch.true_ms + 900, 2_000, pitch.mono_ms()))
    assert pitch.off_ms() <= 3
    assert len(pitch.anchors()) == 1


def test_the_clock_waits_for_the_time_rather_than_run_backwards_and_steps_where_it_was_wrong(
    pitch: Pitch,
) -> None:
    asyncio.run(pitch.outbox.record_contact(pitch.true_ms, 20, pitch.mono_ms()))
    pitch.true_ms += 4 * HOUR_MS
    shown_ms = pitch.clock.wall_ms()
    asyncio.run(pitch.outbox.record_contact(pitch.true_ms, 20, pitch.mono_ms()))
    assert shown_ms - pitch.true_ms == pytest.approx(576, abs=2)
    assert pitch.clock.wall_ms() == shown_ms
    pitch.true_ms += 1000
    assert pitch.clock.wall_ms() == pytest.approx(pitch.true_ms, abs=1)
    pitch.true_ms += 5 * DAY_MS
    asyncio.run(pitch.outbox.record_contact(pitch.true_ms, 20, pitch.mono_ms()))
    assert pitch.clock.wall_ms() == pitch.true_ms


def test_network_time_is_learnt_again_and_again_and_kept_about_once_an_hour(
    pitch: Pitch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flag = tmp_path / "synchronized"
    flag.touch()
    monkeypatch.setattr(clock, "NETWORK_TIME_FLAG", flag)
    began_ns = flag.stat().st_mtime_ns
    monkeypatch.setattr("hub.clock.time.time_ns", lambda: began_ns + (pitch.true_ms - BEGAN_MS) * 1_000_000)
    watch = TimeWatch(pitch.store, pitch.clock, pitch.moment, lambda: None)

    async def half_a_day() -> None:
        for _ in range(12 * 12):
            pitch.true_ms += HOUR_MS // 12
            set_ns = began_ns + (pitch.true_ms - BEGAN_MS) * 1_000_000
            os.utime(flag, ns=(set_ns, set_ns))
            await watch.look()

    asyncio.run(half_a_day())
    told_ms = (began_ns // 1_000_000) + pitch.true_ms - BEGAN_MS
    assert abs(pitch.clock.wall_ms() - told_ms) < 50
    assert 6 <= len(pitch.anchors()) <= 13


# --- what is kept, and the view through it


def hourly(hours: int, err_ms: Callable[[int], int] = lambda hour: 20) -> list[Anchor]:
    return [
        anchor(1, round(hour * HOUR_MS * FAST), BEGAN_MS + hour * HOUR_MS, err_ms(hour))
        for hour in range(hours)
    ]


def test_a_boot_of_a_year_keeps_some_four_hundred_anchors_and_its_past() -> None:
    told, kept = hourly(365 * 24, lambda hour: 20 + 7 * hour % 90), [anchor(1, 7, BEGAN_MS, 9, source="gps")]
    for day in range(365):
        kept += told[24 * day : 24 * (day + 1)]
        gone = true_time.to_forget(kept)
        kept = [it for it in kept if it not in gone]
    assert 365 < len(kept) <= 365 + 3 * 24
    assert kept[0].source == "gps", "what may be taken back stays"
    assert told[0] in kept
    for day in (3, 100, 250, 364):
        true_ms = BEGAN_MS + day * DAY_MS + HOUR_MS // 2
        mono_ms = round((true_ms - BEGAN_MS) * FAST)
        assert true_time.wall_at(true_time.telling(kept), mono_ms) == pytest.approx(true_ms, abs=100)


def test_greetings_every_few_seconds_leave_an_anchor_an_hour_however_they_jitter(pitch: Pitch) -> None:
    asyncio.run(pitch.outbox.record_contact(pitch.true_ms, 900, pitch.mono_ms()))
    for rtt_ms in (800, 300, 120, 60, 45, 40, 38, 60, 41) * 10:
        greet(pitch, pitch.true_ms + 40_000, 40_000, rtt_ms)
    assert len(pitch.anchors()) <= 2


def test_an_unsure_anchor_beside_a_sure_one_bends_nothing() -> None:
    sure, unsure, later = (
        anchor(1, 0, BEGAN_MS, 10), anchor(1, 60_000, BEGAN_MS + 61_500, 2_000),
        anchor(1, DAY_MS, BEGAN_MS + DAY_MS - 3_456, 20),
    )  # fmt: skip
    assert true_time.telling([later, unsure, sure]) == [sure, later]
    gps = anchor(1, 5, BEGAN_MS + 9_000, 1, source="gps")
    assert true_time.telling([gps, sure]) == [sure]


def test_what_spans_two_boots_stays_as_a_running_boot_learns_more() -> None:
    earlier, later = hourly(5), hourly(40)
    shift = true_time.shift_ms(1, earlier, 2, later[:1])
    assert shift is not None
    assert {true_time.shift_ms(1, earlier, 2, later[:n]) for n in range(1, 40)} == {shift}
    assert true_time.shift_ms(2, later, 1, earlier) == -shift
    at_ms = later[20].mono_ms
    assert true_time.shift_ms(2, later, 0, [], at_ms) == later[20].wall_ms - at_ms
    assert true_time.shift_ms(2, [], 1, earlier) is None


# --- sessions


def test_sessions_are_not_edited_for_a_days_drift_and_are_once_for_that_of_weeks(tmp_path: Path) -> None:
    ground = Ground(tmp_path)

    async def story() -> tuple[str, list[int]]:
        await ground.add_squad(1)
        session = await ground.start()
        await ground.train(5, {"S1": 140})
        await ground.recorder.end_session()
        moved = []
        for hours, by_ms in ((1, 144), (2, 288), (24, 3_456), (25, 3_600)):
            mono_ms = session.mono0_ms + hours * HOUR_MS
            wall_ms = session.started_at_ms + hours * HOUR_MS - by_ms
            told = anchor(ground.boot_no, mono_ms, wall_ms, 20)
            await ground.store.write(lambda db, told=told: boots.learn(db, told))  # type: ignore[misc]
            moved.append(await rebase(ground.store, ground.moment, lambda _: 3600))
        return session.session_id, moved

    session_id, moved = asyncio.run(story())
    assert moved == [0, 0, 0, 0]
    before = ground.store.read_now(lambda db: sessions.session(db, session_id))

    async def weeks() -> list[int]:
        """Recorded far from any contact, then told."""
        ground.pass_ms(15 * DAY_MS)
        later = await ground.start()
        await ground.train(5, {"S1": 140})
        await ground.recorder.end_session()
        ground.pass_ms(15 * DAY_MS)
        told = anchor(ground.boot_no, ground.mono_ms, ground.wall_ms - round(30 * DAY_MS * 40e-6), 20)
        await ground.store.write(lambda db: boots.learn(db, told))
        moved = [await rebase(ground.store, ground.moment, lambda _: 3600) for _ in range(2)]
        now = await ground.store.read(lambda db: sessions.session(db, later.session_id))
        moved.append(later.started_at_ms - now.started_at_ms)
        return moved

    first, again, by_ms = asyncio.run(weeks())
    assert (first, again) == (1, 0)
    assert by_ms == pytest.approx(15 * DAY_MS * 40e-6, abs=2_000)
    assert ground.store.read_now(lambda db: sessions.session(db, session_id)) == before
    ground.close()
