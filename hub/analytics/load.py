"""One athlete's load in one session from timestamped heart rates, with how much of it was heard.

It takes arrays and gives numbers; it does not know sessions, straps or storage.

Time is credited by timestamps. Between two neighbouring valid heart rates the kernel runs linearly: up
to 10 s silently, up to 60 s counted as estimated, and a longer gap earns nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hub.analytics.profile import HeartProfile
from hub.analytics.trimp import TABLE_BPM, banister_table, zone_table
from hub.analytics.zones import ZONE_COUNT

SILENT_GAP_MS = 10_000
CREDITED_GAP_MS = 60_000


@dataclass(frozen=True, slots=True)
class SessionLoad:
    """Load in arbitrary units with its coverage; None where an input is missing.

    `zone_s` are seconds in zones 0 to 5. `coverage` is credited time over session time (0 to 1);
    `estimated_s` is the part of the credited time that bridges gaps of 10 to 60 s.
    """

    banister_au: float | None
    edwards_au: float | None
    mean_bpm: float | None
    max_bpm: int | None
    zone_s: tuple[float, ...]
    covered_s: float
    estimated_s: float
    elapsed_s: float
    coverage: float
    n: int
    above_max_s: float


def coverage_of(covered_s: float, elapsed_s: float) -> float:
    """Share of the session's time with valid data, 0 to 1; 0 for a session of no length."""
    return min(1.0, covered_s / elapsed_s) if elapsed_s > 0 else 0.0


def session_load(
    mono_ms: NDArray[np.int64],
    bpm: NDArray[np.int16],
    profile: HeartProfile,
    from_ms: int,
    to_ms: int,
) -> SessionLoad:
    """Load of the samples in [from_ms, to_ms).

    `mono_ms` and `bpm` are (n,), in any order; bpm <= 0 is a gap; of two samples with one timestamp the
    first in the array counts. Raises ValueError if the shapes differ.
    """
    if mono_ms.shape != bpm.shape:
        raise ValueError(f"mono_ms has shape {mono_ms.shape}, bpm {bpm.shape}")
    valid = (bpm > 0) & (mono_ms >= from_ms) & (mono_ms < to_ms)
    at_ms, first = np.unique(mono_ms[valid], return_index=True)
    rate = np.minimum(bpm[valid][first].astype(np.int64), TABLE_BPM - 1)
    elapsed_s = max(0, to_ms - from_ms) / 1000.0

    dt_ms = np.diff(at_ms)
    credited = dt_ms <= CREDITED_GAP_MS
    dt_s = np.where(credited, dt_ms, 0) / 1000.0
    covered_s = float(dt_s.sum())
    # each interval belongs half to the sample at either end (trapezium rule)
    weight_s = np.zeros(len(at_ms))
    weight_s[:-1] += dt_s / 2
    weight_s[1:] += dt_s / 2

    banister, zones = banister_table(profile), zone_table(profile.hr_max_bpm)
    zone_s = [0.0] * ZONE_COUNT
    if zones is not None:
        zone_s = np.bincount(np.array(zones)[rate], weights=weight_s, minlength=ZONE_COUNT).tolist()
    above = rate > profile.hr_max_bpm if profile.hr_max_bpm is not None else np.zeros(len(rate), dtype=bool)
    return SessionLoad(
        banister_au=None if banister is None else float((np.array(banister)[rate] * weight_s).sum() / 60),
        edwards_au=None if zones is None else sum(z * s for z, s in enumerate(zone_s)) / 60,
        mean_bpm=float((rate * weight_s).sum() / covered_s) if covered_s > 0 else None,
        max_bpm=int(rate.max()) if len(rate) else None,
        zone_s=tuple(zone_s),
        covered_s=covered_s,
        estimated_s=float(dt_s[dt_ms > SILENT_GAP_MS].sum()),
        elapsed_s=elapsed_s,
        coverage=coverage_of(covered_s, elapsed_s),
        n=len(at_ms),
        above_max_s=float(weight_s[above].sum()),
    )
