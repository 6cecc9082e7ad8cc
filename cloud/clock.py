"""The one place that asks the machine for the time, and the view of true time through a hub's anchors.

It corrects nothing: a hub's clock is judged only where an edit is stamped.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from cloud.store.rows import AnchorRow

CIVIL_BOOT = 0
"""Boot 0 is the civil clock: its monotonic time already is epoch ms UTC."""
HELLO_SOURCE = "hello"
"""Anchors the cloud makes from a hub's greeting: late by half a round trip, so only the second choice."""

SECOND = {HELLO_SOURCE: 1, "gps": 2, "tablet": 3, "system": 4}
"""Sources that give way to every other, in this order; a file's GPS time is inferred, a tablet guesses."""
TAKEN_BACK_MS = 1 << 50
"""An anchor that is wrong by so much was taken back, and says nothing."""


def now_ms() -> int:
    """Epoch ms UTC."""
    return time.time_ns() // 1_000_000


def local_date(at_ms: int, utc_offset_s: int) -> date:
    """The date where it happened."""
    return datetime.fromtimestamp(at_ms / 1000 + utc_offset_s, UTC).date()


@dataclass(frozen=True, slots=True)
class Estimate:
    """When something truly was; not `is_anchored` means a lower bound only."""

    wall_ms: int
    is_anchored: bool


def offset_ms(anchors: Sequence[AnchorRow], boot_no: int) -> int | None:
    """True time less a boot's monotonic time by its most certain anchor, the newest among equals, as the hub
    itself takes it: of the source that is believed before the others, whatever error those claim. None where
    nothing is known. `anchors` are one hub's.
    """
    if boot_no == CIVIL_BOOT:
        return 0
    own = _of_boot(anchors, boot_no)
    if not own:
        return None
    best = min(own, key=lambda it: (it.err_ms, -it.mono_ms))
    return best.wall_ms - best.mono_ms


def shift_ms(anchors: Sequence[AnchorRow], from_boot: int, to_boot: int) -> int | None:
    """What to add to one boot's monotonic time for the same moment in another's; None where not known."""
    if from_boot == to_boot:
        return 0
    here, there = offset_ms(anchors, from_boot), offset_ms(anchors, to_boot)
    return None if here is None or there is None else here - there


def wall_estimate(anchors: Sequence[AnchorRow], boot_no: int, mono_ms: int) -> Estimate:
    """True time of a boot's monotonic time: linear between that boot's anchors, else bounded from below.

    `anchors` are one hub's, ordered by (boot_no, mono_ms).
    """
    if boot_no == CIVIL_BOOT:
        return Estimate(mono_ms, True)
    own = _of_boot(anchors, boot_no)
    if not own:
        earlier = [
            anchor.wall_ms for anchor in anchors if anchor.boot_no < boot_no and anchor.err_ms < TAKEN_BACK_MS
        ]
        return Estimate(max(earlier, default=0), False)
    at = bisect_right([anchor.mono_ms for anchor in own], mono_ms)
    if at == 0 or at == len(own):
        nearest = own[0] if at == 0 else own[-1]
        return Estimate(nearest.wall_ms + mono_ms - nearest.mono_ms, True)
    before, after = own[at - 1], own[at]
    share = (mono_ms - before.mono_ms) / (after.mono_ms - before.mono_ms)
    return Estimate(round(before.wall_ms + share * (after.wall_ms - before.wall_ms)), True)


def _of_boot(anchors: Sequence[AnchorRow], boot_no: int) -> list[AnchorRow]:
    own = [anchor for anchor in anchors if anchor.boot_no == boot_no and anchor.err_ms < TAKEN_BACK_MS]
    surest = min((SECOND.get(anchor.source, 0) for anchor in own), default=0)
    return [anchor for anchor in own if SECOND.get(anchor.source, 0) == surest]
