"""How much time each heart rate of a session stands for, under one gap policy.

It weighs samples and knows no formula: whatever is summed over a session is a dot product with `weight_s`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hub.analytics.errors import ShapeMismatch
from hub.analytics.flags import Flag

SILENT_GAP_MS = 10_000
CREDITED_GAP_MS = 60_000


def coverage_of(covered_s: float, elapsed_s: float) -> float:
    """Share of the session's time with valid data, 0 to 1; 0 for a session of no length."""
    return min(1.0, covered_s / elapsed_s) if elapsed_s > 0 else 0.0


@dataclass(frozen=True, slots=True)
class CreditedTime:
    """Valid samples in time order, each with the seconds it stands for (trapezium rule).

    `at_ms` int64 (n,), `bpm` and `weight_s` float64 (n,); `weight_s` sums to `covered_s`.
    """

    at_ms: NDArray[np.int64]
    bpm: NDArray[np.float64]
    weight_s: NDArray[np.float64]
    covered_s: float
    estimated_s: float
    elapsed_s: float

    @property
    def n(self) -> int:
        return len(self.at_ms)

    @property
    def coverage(self) -> float:
        """Share of the session's time with valid data, 0 to 1."""
        return coverage_of(self.covered_s, self.elapsed_s)

    @property
    def flags(self) -> tuple[Flag, ...]:
        return (Flag.PARTLY_ESTIMATED,) if self.estimated_s > 0 else ()

    def minutes_of(self, per_min: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> float:
        """Integral over the credited time, in minutes, of a kernel of (n,) bpm giving (n,) values."""
        return float((per_min(self.bpm) * self.weight_s).sum() / 60)


def credited_time(
    mono_ms: NDArray[np.int64], bpm: NDArray[np.integer | np.floating], from_ms: int, to_ms: int
) -> CreditedTime:
    """The samples in [from_ms, to_ms) with their time, credited by timestamps.

    `mono_ms` and `bpm` are (n,), in any order. bpm <= 0 or not finite is a gap; of two samples with one
    timestamp the first in the array counts. Neighbours up to 10 s apart are joined silently, up to 60 s as
    estimated, and a longer gap earns nothing. Raises ShapeMismatch.
    """
    if mono_ms.shape != bpm.shape or mono_ms.ndim != 1:
        raise ShapeMismatch(f"mono_ms {mono_ms.shape}, bpm {bpm.shape}")
    valid = np.isfinite(bpm) & (bpm > 0) & (mono_ms >= from_ms) & (mono_ms < to_ms)
    at_ms, first = np.unique(mono_ms[valid], return_index=True)
    dt_ms = np.diff(at_ms)
    dt_s = np.where(dt_ms <= CREDITED_GAP_MS, dt_ms, 0) / 1000.0
    weight_s = np.zeros(len(at_ms))
    weight_s[:-1] += dt_s / 2
    weight_s[1:] += dt_s / 2
    return CreditedTime(
        at_ms=at_ms,
        bpm=bpm[valid][first].astype(np.float64),
        weight_s=weight_s,
        covered_s=float(dt_s.sum()),
        estimated_s=float(dt_s[dt_ms > SILENT_GAP_MS].sum()),
        elapsed_s=max(0, to_ms - from_ms) / 1000.0,
    )
