"""Two standard field tests of the heart: its fall in the minute after a stop, and its rate in a fixed run.

The stop and the run are told to it by lap, speed or coach; it never looks for them in the heart rate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hub.analytics.errors import OutOfRange, ShapeMismatch
from hub.analytics.flags import Flag

MIN_COVERAGE = 0.8
READING_MS = 1_000
"""What one reading speaks for, half of it either side: straps report once a second."""


@dataclass(frozen=True, slots=True)
class HeartRateRecovery:
    """HRR60 in bpm, None where either window is under 80 % covered; `coverage` is the poorer window's."""

    fall_bpm: float | None
    end_bpm: float | None
    after_60_s_bpm: float | None
    coverage: float
    n: int
    flags: tuple[Flag, ...]


@dataclass(frozen=True, slots=True)
class ExerciseHeartRate:
    """HRex in bpm, None where the last minute is under 80 % covered; `coverage` is 0 to 1."""

    bpm: float | None
    coverage: float
    n: int
    flags: tuple[Flag, ...]


def heart_rate_recovery(
    mono_ms: NDArray[np.int64], bpm: NDArray[np.integer | np.floating], stop_ms: int
) -> HeartRateRecovery:
    """Mean of the last 5 s before the stop minus the mean of 55 to 65 s after it, in bpm.

    `mono_ms` and `bpm` are (n,), in any order; bpm <= 0 or NaN is no reading. At least 8 of the 10 s, and
    4 of the 5, must be covered. Sources: Cole et al. (1999); Buchheit (2014). Raises ShapeMismatch.
    """
    end, end_share, end_n = _window(mono_ms, bpm, stop_ms - 5_000, stop_ms)
    after, after_share, after_n = _window(mono_ms, bpm, stop_ms + 55_000, stop_ms + 65_000)
    fall = end - after if end is not None and after is not None else None
    flags = (Flag.TOO_LITTLE_DATA,) if fall is None else ()
    return HeartRateRecovery(fall, end, after, min(end_share, after_share), end_n + after_n, flags)


def exercise_heart_rate(
    mono_ms: NDArray[np.int64], bpm: NDArray[np.integer | np.floating], start_ms: int, end_ms: int
) -> ExerciseHeartRate:
    """Mean of the last 60 s of a fixed submaximal run of 3 to 5 min, in bpm; other lengths are flagged.

    `mono_ms` and `bpm` are (n,), in any order; bpm <= 0 or NaN is no reading. Source: Buchheit (2014).
    Raises OutOfRange where the run is shorter than 60 s, and ShapeMismatch.
    """
    if end_ms - start_ms < 60_000:
        raise OutOfRange(f"run of {end_ms - start_ms} ms")
    mean, share, n = _window(mono_ms, bpm, end_ms - 60_000, end_ms)
    flags = [] if mean is not None else [Flag.TOO_LITTLE_DATA]
    if not 180_000 <= end_ms - start_ms <= 300_000:
        flags.append(Flag.UNUSUAL_DURATION)
    return ExerciseHeartRate(mean, share, n, tuple(flags))


def _window(
    mono_ms: NDArray[np.int64], bpm: NDArray[np.integer | np.floating], from_ms: int, to_ms: int
) -> tuple[float | None, float, int]:
    """Mean bpm in [from_ms, to_ms), None under 80 % coverage; the share covered; the readings in it."""
    if mono_ms.shape != bpm.shape or mono_ms.ndim != 1:
        raise ShapeMismatch(f"mono_ms {mono_ms.shape}, bpm {bpm.shape}")
    half_ms = READING_MS // 2
    valid = np.isfinite(bpm) & (bpm > 0) & (mono_ms > from_ms - half_ms) & (mono_ms < to_ms + half_ms)
    at_ms, first = np.unique(mono_ms[valid], return_index=True)
    begins_ms = np.clip(at_ms - half_ms, from_ms, to_ms)
    ends_ms = np.clip(at_ms + half_ms, from_ms, to_ms)
    ends_ms[:-1] = np.minimum(ends_ms[:-1], begins_ms[1:])
    share = int((ends_ms - begins_ms).sum()) / (to_ms - from_ms)
    inside = (at_ms >= from_ms) & (at_ms < to_ms)
    is_enough = share >= MIN_COVERAGE and bool(inside.any())
    mean = float(bpm[valid][first][inside].astype(np.float64).mean()) if is_enough else None
    return mean, share, int(inside.sum())
