"""Heart-rate recovery while it happens: the fold keeps only the few readings that its two windows need.

It decides no stop: somebody says when the effort ended.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from hub.analytics.recovery import HeartRateRecovery, heart_rate_recovery

END_MS = (-5_500, 500)
AFTER_MS = (54_500, 65_500)
"""The windows of `heart_rate_recovery` around the stop, with half a reading of 1 s at either end."""
LATE_MS = 10_000
"""How late the stop may be said."""
ON_ITS_WAY_MS = 1_000
"""How long a reading may take from the strap to the fold."""


@dataclass(slots=True)
class LiveRecovery:
    """Readings (ms, bpm) that may count; `stop_ms` None until the effort has ended. Times on one clock."""

    stop_ms: int | None = None
    last_ms: int | None = None
    _lately: deque[tuple[int, int]] = field(default_factory=deque)
    _near: deque[tuple[int, int]] = field(default_factory=deque)
    _final: HeartRateRecovery | None = field(default=None, compare=False)

    @property
    def result(self) -> HeartRateRecovery | None:
        """HRR60, equal to `heart_rate_recovery` over all readings so far; None until a minute after the stop.

        Source: Cole et al. (1999).
        """
        return None if self.last_ms is None else self._by(self.last_ms)

    def result_at(self, now_ms: int) -> HeartRateRecovery | None:
        """As `result`, also of a strap that fell silent: what has not come by then comes no more."""
        return self.result or self._by(now_ms - ON_ITS_WAY_MS)

    def _by(self, at_ms: int) -> HeartRateRecovery | None:
        if self.stop_ms is None or at_ms < self.stop_ms + AFTER_MS[1]:
            return None
        if self._final is None:
            heard_ms = np.array([at for at, _ in self._near], dtype=np.int64)
            bpm = np.array([bpm for _, bpm in self._near], dtype=np.int64)
            self._final = heart_rate_recovery(heard_ms, bpm, self.stop_ms)
        return self._final


def advance_recovery(state: LiveRecovery, mono_ms: int, bpm: int | None) -> None:
    """Fold one reading in, in O(1); bpm None or 0 is none. One not newer than the last is ignored."""
    if bpm is None or bpm <= 0 or (state.last_ms is not None and mono_ms <= state.last_ms):
        return
    state.last_ms = mono_ms
    state._lately.append((mono_ms, bpm))
    while state._lately[0][0] <= mono_ms + END_MS[0] - LATE_MS:
        state._lately.popleft()
    if state.stop_ms is not None and _counts(mono_ms - state.stop_ms):
        state._near.append((mono_ms, bpm))


def stop_effort(state: LiveRecovery, stop_ms: int) -> None:
    """The effort ended at that time, now or at most 10 s ago; a later stop begins a new recovery."""
    state.stop_ms, state._final = stop_ms, None
    state._near = deque(it for it in state._lately if _counts(it[0] - stop_ms))


def _counts(after_ms: int) -> bool:
    return END_MS[0] < after_ms < END_MS[1] or AFTER_MS[0] < after_ms < AFTER_MS[1]
