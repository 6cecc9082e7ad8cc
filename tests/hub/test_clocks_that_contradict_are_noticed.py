"""A router with yesterday's date, and the cloud: the hub goes by the weightier and says so."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from hub import clock
from hub.clock import RELEASED_MS, Clock
from hub.commands.sync import explained, read_state, screen
from hub.config import HubSettings
from hub.rebasing import rebase
from hub.store import boots, sessions
from hub.store.database import Database
from hub.store.outbox import StoreOutbox
from hub.store.records import Moment, propose
from hub.syncing.clock_words import clock_dispute, session_doubt
from hub.syncing.words import sure_words
from hub.time_watch import TimeWatch
from sync.wire import Anchor
from tests.store.small_store import anchor

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
BEGAN_MS = 1_900_000_000_000
SESSION_MS = 90 * 60_000


class Misled:
    """A hub on a network whose router is a day behind; `true_ms` is what only the cloud knows."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.path = folder / "hub.db"
        self.store, self.true_ms = Database.open(self.path), BEGAN_MS
        self.flag = folder / "synchronized"
        self.flag.touch()
        self.boot_no = self.store.write_now(lambda db: boots.register(db, "boot"))
        patch.setattr(clock, "mono_ms", self.mono_ms)
        patch.setattr(clock, "NETWORK_TIME_FLAG", self.flag)
        patch.setattr("hub.clock.time.time_ns", lambda: (self.true_ms - DAY_MS) * 1_000_000)
        self.start()

    def start(self) -> None:
        """As the hub does, also after a restart in the same boot."""
        self._touch()
        known = self.store.read_now(lambda db: boots.best_anchor(db, self.boot_no, self.mono_ms()))
        self.clock = Clock(self.boot_no, known)
        self.store.write_now(lambda db: boots.add_anchor(db, self.clock.anchor))
        self.clock.go_by(self.store.read_now(lambda db: boots.view(db, self.boot_no)))
        self.outbox = StoreOutbox(self.store, "boot", self.moment, self.clock.learn)
        self.watch = TimeWatch(self.store, self.clock, self.moment, lambda: None)

    def _touch(self) -> None:
        os.utime(self.flag, ns=((self.true_ms - DAY_MS) * 1_000_000,) * 2)

    def mono_ms(self) -> int:
        return 10_000 + self.true_ms - BEGAN_MS

    def moment(self) -> Moment:
        return Moment(self.boot_no, self.clock.mono_ms(), self.clock.wall_ms(), lambda: str(uuid4()))

    def off_ms(self) -> int:
        return self.clock.wall_ms() - self.true_ms

    def greet(self, after_ms: int) -> None:
        self.true_ms += after_ms
        asyncio.run(self.outbox.record_contact(self.true_ms, 150, self.mono_ms()))

    def look(self, after_ms: int = 0) -> None:
        self.true_ms += after_ms
        self._touch()
        asyncio.run(self.watch.look())

    def told(self, source: str) -> list[Anchor]:
        found = self.store.read_now(lambda db: boots.view(db, self.boot_no))
        return [it for it in (*found.believed, *found.against) if it.source == source]

    def begin(self) -> None:
        now = {"started_at_ms": self.clock.wall_ms(), "mono0_ms": self.mono_ms(), "boot_no": self.boot_no}
        self._edit(title="Run", sport="training", utc_offset_s=0, ended_at_ms=None, source="gatt", **now)

    def end(self) -> None:
        self._edit(ended_at_ms=self.clock.wall_ms(), mono1_ms=self.mono_ms())

    def _edit(self, **fields: object) -> None:
        self.store.write_now(lambda db: propose(db, self.moment(), "session", "s", fields))

    def span(self) -> tuple[int, int]:
        """When the session began, against the truth, and how long it was."""
        asyncio.run(rebase(self.store, self.moment, lambda _: 0))
        it = self.store.read_now(lambda db: sessions.session(db, "s"))
        assert it.ended_at_ms is not None
        return it.started_at_ms - BEGAN_MS, it.ended_at_ms - it.started_at_ms


@pytest.fixture
def misled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Misled]:
    made = Misled(tmp_path, monkeypatch)
    yield made
    made.store.close()


def test_the_clouds_first_word_is_kept_at_once_and_until_its_second_the_error_reaches_both(
    misled: Misled,
) -> None:
    assert misled.off_ms() == -DAY_MS
    misled.greet(5_000)
    assert len(misled.told("cloud")) == 1
    misled.look()
    assert misled.off_ms() == 0
    assert misled.clock.err_ms >= DAY_MS
    assert sure_words(misled.clock.err_ms) == "known to within 25 hours"
    misled.greet(65_000)
    misled.look()
    assert (misled.off_ms(), sure_words(misled.clock.err_ms)) == (0, "known to within 0.1 s")


def test_a_router_that_goes_on_saying_it_moves_the_clock_no_more(misled: Misled) -> None:
    misled.greet(5_000)
    misled.greet(65_000)
    for minute in range(6 * 60):
        misled.look(60_000)
        if minute == 100:
            misled.start()
        assert misled.off_ms() == 0, f"minute {minute}"
    assert len(misled.told("ntp")) <= 9
    assert misled.store.read_now(boots.newest_known_ms) > misled.true_ms - DAY_MS


def test_a_training_during_which_the_truth_came_out_is_ninety_minutes_long_and_where_it_was(
    misled: Misled,
) -> None:
    misled.begin()
    misled.greet(45 * 60_000)
    misled.look()
    misled.true_ms += 45 * 60_000
    misled.end()
    began_ms, lasted_ms = misled.span()
    assert lasted_ms == pytest.approx(SESSION_MS, abs=500), "before it is settled who is right"
    misled.greet(60_000)
    began_ms, lasted_ms = misled.span()
    assert began_ms == pytest.approx(0, abs=500)
    assert lasted_ms == pytest.approx(SESSION_MS, abs=500)


def test_a_finished_training_stays_where_it_is_until_it_is_settled_and_moves_then(misled: Misled) -> None:
    misled.begin()
    misled.true_ms += SESSION_MS
    misled.end()
    misled.greet(5_000)
    assert misled.span() == (-DAY_MS, SESSION_MS)
    misled.greet(65_000)
    assert misled.span() == (0, SESSION_MS)


def test_no_word_that_others_contradict_says_the_least_the_time_can_be(misled: Misled) -> None:
    told = [anchor(misled.boot_no, n * 60_000, BEGAN_MS + n * 60_000, source="cloud") for n in range(1, 4)]
    told.append(anchor(misled.boot_no, 5, 4_000_000_000_000, source="ntp"))
    for it in told:
        misled.store.write_now(lambda db, it=it: boots.add_anchor(db, it))  # type: ignore[misc]
    assert misled.store.read_now(boots.newest_known_ms) == told[2].wall_ms > RELEASED_MS


# --- what people are told


def words(misled: Misled) -> str:
    found = misled.store.read_now(lambda db: clock_dispute(db, misled.boot_no))
    return "" if found is None else f"{found.why} {found.next}"


def test_people_are_told_who_disagrees_by_how_much_and_what_comes_of_it(misled: Misled) -> None:
    assert words(misled) == ""
    misled.greet(5_000)
    assert words(misled).startswith(
        "Two clocks disagree by 24 hours: the cloud and network time (2030-03-17 17:46:45 and 2030-03-16"
    )
    assert "may be wrong by as much" in words(misled)
    doubt = misled.store.read_now(lambda db: session_doubt(db, misled.boot_no))
    assert "The time of this training may be wrong." in doubt
    misled.greet(65_000)
    assert "The hub goes by the cloud, which more speaks for." in words(misled)
    assert "router" in words(misled)
    assert misled.store.read_now(lambda db: session_doubt(db, misled.boot_no)) == ""


def test_the_sync_command_says_it_too(misled: Misled, tmp_path: Path) -> None:
    misled.greet(5_000)
    settings = HubSettings.from_env({"TOUCHLINE_DATA": str(tmp_path)})
    settings.database_path.parent.mkdir(parents=True, exist_ok=True)
    misled.store.close()
    misled.path.rename(settings.database_path)
    state = read_state(settings)
    assert "Two clocks disagree by 24 hours" in explained(state)
    assert "Clocks:         Two clocks disagree by 24 hours" in screen(state)


@pytest.mark.parametrize("far_ms", [0, 3_000])
def test_what_nobody_would_notice_is_not_said(misled: Misled, far_ms: int) -> None:
    boot_no = misled.store.write_now(lambda db: boots.register(db, "another"))
    close = [
        anchor(boot_no, 1_000, BEGAN_MS, 20),
        anchor(boot_no, 2_000, BEGAN_MS + 1_000 + far_ms, 20, "ntp"),
    ]
    for it in close:
        misled.store.write_now(lambda db, it=it: boots.add_anchor(db, it))  # type: ignore[misc]
    assert misled.store.read_now(lambda db: clock_dispute(db, boot_no)) is None
