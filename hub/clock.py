"""Time on a machine whose clock may be wrong: a monotonic clock per boot, and wall time as a view of it.

It never sets the system's clock; anchors (network time, the cloud) only correct the view.
"""

from __future__ import annotations

import time
from pathlib import Path

from hub.store.boots import VERIFIED
from sync.wire import Anchor

BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")
NETWORK_TIME_FLAG = Path("/run/systemd/timesync/synchronized")
SYSTEM_ERR_MS = 3_600_000
NTP_ERR_MS = 100


def mono_ms() -> int:
    """Milliseconds since boot, counting sleep (CLOCK_BOOTTIME)."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def boot_id() -> str:
    """The kernel's id of this boot."""
    return BOOT_ID_FILE.read_text().strip()


class Clock:
    """This boot's monotonic clock and the best view of wall time so far."""

    def __init__(self, boot_no: int, known: Anchor | None = None) -> None:
        self.boot_no = boot_no
        self.anchor = self.system_anchor()
        if known is not None:
            self.learn(known)

    def system_anchor(self) -> Anchor:
        """What the system clock says now: trusted only when network time has set it."""
        is_synchronised = NETWORK_TIME_FLAG.exists()
        return Anchor(
            boot_no=self.boot_no,
            mono_ms=mono_ms(),
            wall_ms=time.time_ns() // 1_000_000,
            err_ms=NTP_ERR_MS if is_synchronised else SYSTEM_ERR_MS,
            source="ntp" if is_synchronised else "system",
        )

    def learn(self, anchor: Anchor) -> None:
        """Adopt an anchor of this boot that is at least as certain as the one in use."""
        if anchor.boot_no != self.boot_no:
            return
        is_as_certain = anchor.source in VERIFIED and anchor.err_ms <= self.anchor.err_ms
        if is_as_certain or not self.is_verified:
            self.anchor = anchor

    @property
    def is_verified(self) -> bool:
        """True once something better than the unset system clock has spoken in this boot."""
        return self.anchor.source in VERIFIED

    def mono_ms(self) -> int:
        """This boot's time."""
        return mono_ms()

    def wall_ms(self) -> int:
        """Epoch ms as best known."""
        return self.anchor.wall_ms + mono_ms() - self.anchor.mono_ms
