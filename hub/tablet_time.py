"""What the tablets' own clocks say, for a hub nobody has told the time: weak, and better than none.

One tablet is believed within ten minutes, the middle of several within a minute or as far as they differ.
Network time, the cloud and GPS are always believed before them; a tablet never makes the time verified.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median_low

from hub.clock import Clock
from sync.wire import Anchor

ALONE_ERR_MS = 600_000
TOGETHER_ERR_MS = 60_000
MOST_TABLETS = 50


class TabletTimes:
    """The last word of each tablet; `keep` is given an anchor worth keeping."""

    def __init__(self, clock: Clock, keep: Callable[[Anchor], None]) -> None:
        self._clock, self._keep = clock, keep
        self._offsets_ms: dict[str, int] = {}

    def hear(self, tablet: str, said_ms: int) -> None:
        """A tablet says it is `said_ms` (epoch ms) now; `tablet` tells it from others."""
        if self._clock.is_verified or said_ms < self._clock.least_ms:
            return
        mono_ms = self._clock.mono_ms()
        self._offsets_ms.pop(tablet, None)
        self._offsets_ms[tablet] = said_ms - mono_ms
        while len(self._offsets_ms) > MOST_TABLETS:
            del self._offsets_ms[next(iter(self._offsets_ms))]
        anchor = self._anchor(mono_ms)
        if anchor.err_ms < self._clock.anchor.err_ms:
            self._clock.learn(anchor)
            self._keep(anchor)

    def _anchor(self, mono_ms: int) -> Anchor:
        offsets = sorted(self._offsets_ms.values())
        err_ms = ALONE_ERR_MS if len(offsets) == 1 else max(TOGETHER_ERR_MS, offsets[-1] - offsets[0])
        wall_ms = mono_ms + median_low(offsets)
        return Anchor(
            boot_no=self._clock.boot_no, mono_ms=mono_ms, wall_ms=wall_ms, err_ms=err_ms, source="tablet"
        )
