"""How alike two recordings of a heart are, at the shift in time that fits them best.

It measures and names no verdict on persons: two players of one match can look much alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LONGEST_S = 6 * 3600
LEAST_COMMON_S = 120
FLAT_BPM = 2.0


@dataclass(frozen=True, slots=True)
class Beats:
    """(n,) rising epoch ms and (n,) heart rates above 0 in bpm."""

    at_ms: NDArray[np.int64]
    bpm: NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Likeness:
    """At `lag_s` (added to the second's times): seconds both have, correlation, mean difference in bpm.

    `r` is None where either hardly moves, so that a correlation would say nothing.
    """

    common_s: int
    lag_s: int
    r: float | None
    difference_bpm: float

    @property
    def is_clear_mismatch(self) -> bool:
        """Whether these can hardly be the same heart at the same time."""
        if self.r is None:
            return self.difference_bpm > 15
        return self.r < 0.3 and self.difference_bpm > 8

    @property
    def is_clear_match(self) -> bool:
        """Whether these move together as one heart on two sensors does."""
        return self.difference_bpm < 5 if self.r is None else self.r > 0.7

    @property
    def is_same_recording(self) -> bool:
        """Whether they agree as two files of one recording do."""
        return self.difference_bpm < 2 and (self.r is None or self.r > 0.95)


def likeness(one: Beats, other: Beats, most_lag_s: int = 60) -> Likeness | None:
    """Compare at 1 Hz over the first six hours in common; None with under two minutes in common."""
    if not len(one.at_ms) or not len(other.at_ms):
        return None
    start = max(one.at_ms[0], other.at_ms[0]) // 1000 - most_lag_s
    end = min(one.at_ms[-1], other.at_ms[-1]) // 1000 + most_lag_s + 1
    if end - start < LEAST_COMMON_S:
        return None
    n = int(min(end - start, LONGEST_S))
    a, b = _each_second(one, int(start), n), _each_second(other, int(start), n)
    found = [it for lag in range(-most_lag_s, most_lag_s + 1) if (it := _at_lag(a, b, lag)) is not None]
    return max(found, key=_fit, default=None)


def _fit(it: Likeness) -> tuple[float, float, int, int]:
    return (-2.0 if it.r is None else round(it.r, 6), -round(it.difference_bpm, 6), -abs(it.lag_s), it.lag_s)


def _each_second(beats: Beats, start_s: int, n: int) -> NDArray[np.float64]:
    """The last heart rate of each second, NaN where there is none."""
    second = beats.at_ms // 1000 - start_s
    inside = (second >= 0) & (second < n)
    values = np.full(n, np.nan)
    values[second[inside]] = beats.bpm[inside]
    return values


def _at_lag(a: NDArray[np.float64], b: NDArray[np.float64], lag_s: int) -> Likeness | None:
    x, y = (a[lag_s:], b[: len(b) - lag_s]) if lag_s >= 0 else (a[:lag_s], b[-lag_s:])
    both = ~(np.isnan(x) | np.isnan(y))
    n = int(both.sum())
    if n < LEAST_COMMON_S:
        return None
    x, y = x[both], y[both]
    difference = float(np.abs(x - y).mean())
    spread = float(x.std()), float(y.std())
    if min(spread) < FLAT_BPM:
        return Likeness(n, lag_s, None, difference)
    r = float(((x - x.mean()) * (y - y.mean())).mean() / (spread[0] * spread[1]))
    return Likeness(n, lag_s, r, difference)
