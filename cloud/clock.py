"""The one place that asks the machine for the time, and the view of true time through a hub's anchors.

It corrects nothing: a hub's clock is judged only where an edit is stamped.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from cloud.store.rows import AnchorRow
from sync import true_time
from sync.record_fields import FIRST_DAY, LAST_DAY
from sync.true_time import View

CIVIL_BOOT = 0
"""Boot 0 is the civil clock: its monotonic time already is epoch ms UTC."""
HELLO_SOURCE = "hello"
"""Anchors the cloud makes from a hub's greeting: late by half a round trip, so only the second choice."""
TAKEN_BACK_MS = true_time.TAKEN_BACK_MS
SAMPLE_MS = 1000


def now_ms() -> int:
    """Epoch ms UTC."""
    return time.time_ns() // 1_000_000


def local_date(at_ms: int, utc_offset_s: int) -> date:
    """The date where it happened; for a time no calendar has, the first or the last day there may be."""
    try:
        return datetime.fromtimestamp(at_ms / 1000 + utc_offset_s, UTC).date()
    except (OverflowError, ValueError, OSError):
        return LAST_DAY if at_ms > 0 else FIRST_DAY


@dataclass(frozen=True, slots=True)
class Estimate:
    """When something truly was; not `is_anchored` means a lower bound only."""

    wall_ms: int
    is_anchored: bool


class TrueTime:
    """The view of true time through one hub's anchors."""

    def __init__(self, anchors: Iterable[AnchorRow]) -> None:
        self._boots: dict[int, list[AnchorRow]] = {}
        for it in anchors:
            self._boots.setdefault(it.boot_no, []).append(it)
        self._views: dict[int, View[AnchorRow]] = {}

    def telling(self, boot_no: int) -> list[AnchorRow]:
        """What a boot is seen through, in order of time."""
        return self._view(boot_no).told

    def _view(self, boot_no: int) -> View[AnchorRow]:
        if boot_no not in self._views:
            self._views[boot_no] = true_time.view(self._boots.get(boot_no, []))
        return self._views[boot_no]

    def to_forget(self, boot_no: int) -> list[AnchorRow]:
        """What nothing is seen through any more that is days older than the newest."""
        return true_time.to_forget(self._boots.get(boot_no, []))

    def shift_ms(self, from_boot: int, to_boot: int, near_ms: int | None = None) -> int | None:
        """What to add to one boot's monotonic time for the same moment in another's; None where not known.

        Right where the two meet, against the civil clock at `near_ms` of the boot; as on the hub itself.
        """
        if from_boot == to_boot:
            return 0
        here, there = self.telling(from_boot), self.telling(to_boot)
        return true_time.shift_ms(from_boot, here, to_boot, there, near_ms)

    def estimate(self, boot_no: int, mono_ms: int) -> Estimate:
        """True time of a boot's monotonic time: linear between its anchors, else bounded from below."""
        if boot_no == CIVIL_BOOT:
            return Estimate(mono_ms, True)
        own = self.telling(boot_no)
        if own:
            return Estimate(true_time.wall_at(own, mono_ms), True)
        earlier = (it.wall_ms for number, facts in self._boots.items() if number < boot_no
                   for it in facts if it.err_ms < TAKEN_BACK_MS
                   and it not in self._view(number).against)  # fmt: skip
        return Estimate(max(earlier, default=0), False)


def wall_estimate(anchors: Iterable[AnchorRow], boot_no: int, mono_ms: int) -> Estimate:
    """True time of one moment; `anchors` are one hub's."""
    return TrueTime(anchors).estimate(boot_no, mono_ms)


def has_moved(before: Sequence[AnchorRow], after: Sequence[AnchorRow]) -> bool:
    """Whether one boot's samples lie elsewhere against other boots than its telling anchors said before.

    A heart rate is one a second: less than that changes no load by more than a sample, and each surer anchor
    moves a boot's edges by less than the one before.
    """
    if not before or not after:
        return bool(before) != bool(after)
    edges = ((before[0], after[0]), (before[-1], after[-1]))
    return any(
        abs((was.wall_ms - was.mono_ms) - (now.wall_ms - now.mono_ms)) >= SAMPLE_MS for was, now in edges
    )
