"""Training impulse per minute at a heart rate, after Banister and after Edwards.

These are the kernels only; integrating them over time, with its gaps, is the business of `load`.
"""

from __future__ import annotations

import math
from functools import lru_cache

from hub.analytics.profile import HeartProfile, Sex
from hub.analytics.zones import zone_of

FORMULA_VERSION = "1"
TABLE_BPM = 256
"""Kernel tables run from 0 to 255 bpm; anything faster is read as 255 (and is above any HRmax)."""

BANISTER = {Sex.MALE: (0.64, 1.92), Sex.FEMALE: (0.86, 1.67)}
"""b and k of Banister's weight for men and women (Banister 1991; Morton et al. 1990)."""


def reserve_fraction(bpm: float, hr_rest_bpm: float, hr_max_bpm: float) -> float:
    """(HR - HRrest) / (HRmax - HRrest), clipped to 0..1 as the load formula needs (Karvonen 1957)."""
    return min(1.0, max(0.0, (bpm - hr_rest_bpm) / (hr_max_bpm - hr_rest_bpm)))


def banister_au_per_min(bpm: float, profile: HeartProfile) -> float | None:
    """Banister's x b e^(kx) with x the reserve fraction; None where sex, HRmax or HRrest is unknown.

    Constants: men b 0.64, k 1.92; women b 0.86, k 1.67 (Banister 1991; Morton et al. 1990).
    """
    constants = BANISTER.get(profile.sex)
    hr_max, hr_rest = profile.hr_max_bpm, profile.hr_rest_bpm
    if constants is None or hr_max is None or hr_rest is None or hr_max <= hr_rest:
        return None
    b, k = constants
    x = reserve_fraction(bpm, hr_rest, hr_max)
    return x * b * math.exp(k * x)


def edwards_au_per_min(bpm: float, profile: HeartProfile) -> float | None:
    """The zone number 0 to 5 (Edwards 1993); None where HRmax is unknown."""
    return None if profile.hr_max_bpm is None else float(zone_of(bpm, profile.hr_max_bpm))


@lru_cache(maxsize=1024)
def banister_table(profile: HeartProfile) -> tuple[float, ...] | None:
    """`banister_au_per_min` for 0..255 bpm, so that a live update is one look-up."""
    values = [banister_au_per_min(bpm, profile) for bpm in range(TABLE_BPM)]
    return None if values[0] is None else tuple(v for v in values if v is not None)


@lru_cache(maxsize=1024)
def zone_table(hr_max_bpm: int | None) -> tuple[int, ...] | None:
    """`zone_of` for 0..255 bpm; None where HRmax is unknown."""
    return None if hr_max_bpm is None else tuple(zone_of(bpm, hr_max_bpm) for bpm in range(TABLE_BPM))
