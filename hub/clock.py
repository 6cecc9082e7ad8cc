"""Time on a machine whose clock may be wrong: a monotonic clock per boot, and wall time as a view of it.

It never sets the system's clock; anchors (network time, the cloud, tablets) only correct the view, and where
none has spoken it stands at the last time that was known, never before.
"""

from __future__ import annotations

import time
from pathlib import Path
from sqlite3 import Connection

import msgspec

from hub.store import boots
from hub.store.boots import EXACT, VERIFIED, rank
from sync.true_time import DRIFT, View, agree, best_at, doubt_at, grown_ms
from sync.wire import Anchor

BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")
NETWORK_TIME_FLAG = Path("/run/systemd/timesync/synchronized")
SYSTEM_ERR_MS = 3_600_000
LOST_ERR_MS = 10 * 365 * 86_400_000
NTP_ERR_MS = 100
STANDS_STILL_MS = 1000
"""A correction back by less makes the clock wait for the time, so that nobody sees it run backwards; one back
by more was a wrong clock, and is made at once."""
RELEASED_MS = 1_795_219_200_000
"""2026-11-21: no true time is before this version was made. Raised with every release: a test compares it
with the newest version's date in the CHANGELOG."""


def mono_ms() -> int:
    """Milliseconds since boot, counting sleep (CLOCK_BOOTTIME)."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def boot_id() -> str:
    """The kernel's id of this boot."""
    return BOOT_ID_FILE.read_text().strip()


class Clock:
    """This boot's monotonic clock and the best view of wall time so far."""

    def __init__(self, boot_no: int, known: Anchor | None = None, least_ms: int = RELEASED_MS) -> None:
        self.boot_no, self.least_ms = boot_no, least_ms
        self._told_ms = 0
        self._disputed: View[Anchor] | None = None
        self.anchor = self._not_before_least(self.system_anchor())
        if known is not None:
            self.learn(known)

    def system_anchor(self) -> Anchor:
        """What the system clock says now: trusted only since network time set it, the less the longer ago."""
        wall_ms = time.time_ns() // 1_000_000
        set_ms = _network_time_ms()
        return Anchor(
            boot_no=self.boot_no,
            mono_ms=mono_ms(),
            wall_ms=wall_ms,
            err_ms=SYSTEM_ERR_MS if set_ms is None else NTP_ERR_MS + int(DRIFT * max(0, wall_ms - set_ms)),
            source="system" if set_ms is None else "ntp",
        )

    def _not_before_least(self, anchor: Anchor) -> Anchor:
        """A system that was reset to 1970 counts from the last time that was known instead."""
        if anchor.source in VERIFIED or anchor.wall_ms >= self.least_ms:
            return anchor
        return msgspec.structs.replace(anchor, wall_ms=self.least_ms, err_ms=LOST_ERR_MS)

    def learn(self, anchor: Anchor) -> None:
        """Adopt an anchor of this boot that is surer now than the one in use: of a source believed before it,
        else of an error that has grown less since."""
        if anchor.boot_no != self.boot_no or self._is_disbelieved(anchor):
            return
        if self._sureness(self.anchor) <= self._sureness(anchor):
            self.anchor = anchor

    def go_by(self, seen: View[Anchor]) -> None:
        """Believe of this boot's words those that are judged true, and be as unsure as that is."""
        self._disputed = seen if seen.against else None
        known = best_at(seen.told, self.mono_ms())
        if known is not None and rank(known.source) >= rank(self.anchor.source) and self._is_disbelieved():
            self.anchor = known

    def _is_disbelieved(self, anchor: Anchor | None = None) -> bool:
        """Whether an anchor, or the one in use, contradicts what was judged true."""
        believed = self._disputed.believed if self._disputed is not None else ()
        return not all(agree(anchor or self.anchor, it) for it in believed)

    def _sureness(self, anchor: Anchor) -> tuple[int, float]:
        return rank(anchor.source), -grown_ms(anchor, self.mono_ms())

    def begin_anew(self, known: Anchor | None) -> None:
        """Go by what is known of this boot and the system's word alone, as after an anchor was taken back."""
        self.anchor = self._not_before_least(self.system_anchor())
        if known is not None:
            self.learn(known)

    @property
    def is_verified(self) -> bool:
        """True once something better than the unset system clock has spoken in this boot."""
        return self.anchor.source in VERIFIED

    @property
    def is_exact(self) -> bool:
        """True once network time or the cloud has spoken in this boot."""
        return self.anchor.source in EXACT

    @property
    def err_ms(self) -> int:
        """How far `wall_ms` may be from the truth by now."""
        now_ms = self.mono_ms()
        doubt_ms = 0.0 if self._disputed is None else doubt_at(self._disputed, now_ms)
        return round(max(grown_ms(self.anchor, now_ms), doubt_ms))

    def mono_ms(self) -> int:
        """This boot's time."""
        return mono_ms()

    def wall_ms(self) -> int:
        """Epoch ms as best known; it never goes back by a little."""
        now_ms = self.anchor.wall_ms + self.mono_ms() - self.anchor.mono_ms
        if not 0 < self._told_ms - now_ms < STANDS_STILL_MS:
            self._told_ms = now_ms
        return self._told_ms


def _network_time_ms() -> int | None:
    """When network time last set the system clock, by that clock; None where it never did."""
    try:
        return NETWORK_TIME_FLAG.stat().st_mtime_ns // 1_000_000
    except OSError:
        return None


def taken_up(db: Connection, boot_no: int) -> Clock:
    """This boot's clock by all the store knows of the time; what it says first is kept there."""
    known = boots.best_anchor(db, boot_no, mono_ms())
    clock = Clock(boot_no, known, max(RELEASED_MS, boots.newest_known_ms(db)))
    boots.add_anchor(db, clock.anchor)
    clock.go_by(boots.view(db, boot_no))
    return clock
