"""The one place that asks the machine for the time, and the view of true time through a hub's anchors.

It corrects nothing: a hub's clock is judged only where an edit is stamped.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from cloud.store.rows import AnchorRow

CIVIL_BOOT = 0
"""Boot 0 is the civil clock: its monotonic time already is epoch ms UTC."""
HELLO_SOURCE = "hello"
"""Anchors the cloud makes from a hub's greeting: late by half a round trip, so only the second choice."""


def now_ms() -> int:
    """Epoch ms UTC."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """When something truly was; not `is_anchored` means a lower bound only."""

    wall_ms: int
    is_anchored: bool


def wall_estimate(anchors: Sequence[AnchorRow], boot_no: int, mono_ms: int) -> Estimate:
    """True time of a boot's monotonic time: linear between that boot's anchors, else bounded from below.

    `anchors` are one hub's, ordered by (boot_no, mono_ms).
    """
    if boot_no == CIVIL_BOOT:
        return Estimate(mono_ms, True)
    own = [anchor for anchor in anchors if anchor.boot_no == boot_no]
    own = [anchor for anchor in own if anchor.source != HELLO_SOURCE] or own
    if not own:
        earlier = [anchor.wall_ms for anchor in anchors if anchor.boot_no < boot_no]
        return Estimate(max(earlier, default=0), False)
    at = bisect_right([anchor.mono_ms for anchor in own], mono_ms)
    if at == 0 or at == len(own):
        nearest = own[0] if at == 0 else own[-1]
        return Estimate(nearest.wall_ms + mono_ms - nearest.mono_ms, True)
    before, after = own[at - 1], own[at]
    share = (mono_ms - before.mono_ms) / (after.mono_ms - before.mono_ms)
    return Estimate(round(before.wall_ms + share * (after.wall_ms - before.wall_ms)), True)
