"""Training impulse from the athlete's own laboratory thresholds (Lucia) or lactate fit (iTRIMP).

Without a test of that very athlete it gives nothing: no thresholds are assumed for anybody.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from hub.analytics.credit import CreditedTime, credited_time
from hub.analytics.errors import EdgesInvalid, FitRejected, OutOfRange, ProfileIncomplete, ShapeMismatch
from hub.analytics.flags import Flag

FIT_VALID_DAYS = 183
MIN_STAGES = 4
MIN_R2 = 0.9


@dataclass(frozen=True, slots=True)
class ThresholdLoad:
    """A load in arbitrary units with the time it rests on; `coverage` is 0 to 1."""

    load_au: float
    covered_s: float
    estimated_s: float
    coverage: float
    n: int
    flags: tuple[Flag, ...]


@dataclass(frozen=True, slots=True)
class LactateFit:
    """Blood lactate = a e^(b x) over the reserve fraction x, from n stages measured on one day."""

    a: float
    b: float
    r2: float
    n: int
    measured_on: date

    def is_valid_on(self, day: date) -> bool:
        """Whether the fit is from that day or up to six months (183 days) before it."""
        return self.measured_on <= day <= self.measured_on + timedelta(days=FIT_VALID_DAYS)


def lucia_au(below_vt1_min: float, between_min: float, above_vt2_min: float) -> float:
    """Minutes below VT1, from VT1 to VT2 and above VT2, weighted 1, 2, 3 (Lucia et al. 2003), in AU.

    Raises OutOfRange for negative or non-finite minutes.
    """
    minutes = (below_vt1_min, between_min, above_vt2_min)
    if not all(math.isfinite(value) and value >= 0 for value in minutes):
        raise OutOfRange(f"minutes {minutes}")
    return below_vt1_min + 2 * between_min + 3 * above_vt2_min


def lucia_load(
    mono_ms: NDArray[np.int64],
    bpm: NDArray[np.integer | np.floating],
    vt1_bpm: float,
    vt2_bpm: float,
    from_ms: int,
    to_ms: int,
) -> ThresholdLoad:
    """Lucia TRIMP over [from_ms, to_ms) from the ventilatory thresholds in bpm, gaps as in `credited_time`.

    `mono_ms` and `bpm` are (n,). A threshold itself belongs to the phase above it, as every zone edge does.
    Source: Lucia et al. (2003). Raises EdgesInvalid unless 0 < VT1 < VT2, and ShapeMismatch.
    """
    if not 0 < vt1_bpm < vt2_bpm < math.inf:
        raise EdgesInvalid(f"VT1 {vt1_bpm} bpm, VT2 {vt2_bpm} bpm")
    time = credited_time(mono_ms, bpm, from_ms, to_ms)
    phase = np.searchsorted(np.array([vt1_bpm, vt2_bpm]), time.bpm, side="right")
    below, between, above = (np.bincount(phase, time.weight_s, minlength=3) / 60).tolist()
    return _load(time, lucia_au(below, between, above))


def itrimp_au_per_min(
    bpm: NDArray[np.floating], hr_rest_bpm: float, hr_max_bpm: float, a: float, b: float
) -> NDArray[np.float64]:
    """The individual kernel x a e^(b x) per minute, x the reserve fraction clipped to 0..1.

    `bpm` is (n,), and so is the answer, in AU/min. Source: Manzi et al. (2009). Raises ProfileIncomplete
    where HRmax is not above HRrest.
    """
    if hr_max_bpm <= hr_rest_bpm:
        raise ProfileIncomplete(f"HRmax {hr_max_bpm} bpm, HRrest {hr_rest_bpm} bpm")
    x = np.clip((bpm - hr_rest_bpm) / (hr_max_bpm - hr_rest_bpm), 0.0, 1.0)
    return np.asarray(x * a * np.exp(b * x), dtype=np.float64)


def itrimp_load(
    mono_ms: NDArray[np.int64],
    bpm: NDArray[np.integer | np.floating],
    hr_rest_bpm: float,
    hr_max_bpm: float,
    fit: LactateFit,
    day: date,
    from_ms: int,
    to_ms: int,
) -> ThresholdLoad:
    """iTRIMP over [from_ms, to_ms) of a session on `day`, gaps as in `credited_time`.

    `mono_ms` and `bpm` are (n,). Source: Manzi et al. (2009). Raises FitRejected where the fit is not of
    the last six months, ProfileIncomplete and ShapeMismatch.
    """
    if not fit.is_valid_on(day):
        raise FitRejected(f"measured on {fit.measured_on}, session on {day}")
    time = credited_time(mono_ms, bpm, from_ms, to_ms)
    total = time.minutes_of(lambda rate: itrimp_au_per_min(rate, hr_rest_bpm, hr_max_bpm, fit.a, fit.b))
    flags = [Flag.ABOVE_MAX] if bool((time.bpm > hr_max_bpm).any()) else []
    if bool((time.bpm < hr_rest_bpm).any()):
        flags.append(Flag.BELOW_REST)
    return _load(time, total, tuple(flags))


def fit_lactate(
    reserve_fraction: NDArray[np.floating], lactate_mmol_l: NDArray[np.floating], measured_on: date
) -> LactateFit:
    """Least-squares line of ln lactate on the reserve fraction, both (n,), n >= 4 stages.

    r2 is that of the line in ln lactate. Source: Manzi et al. (2009). Raises ShapeMismatch, OutOfRange for
    lactate <= 0 or values not finite, FitRejected for fewer than 4 stages, no spread, or r2 < 0.9.
    """
    x, lactate = np.asarray(reserve_fraction, float), np.asarray(lactate_mmol_l, float)
    if x.shape != lactate.shape or x.ndim != 1:
        raise ShapeMismatch(f"fractions {x.shape}, lactate {lactate.shape}")
    if not (np.isfinite(x).all() and np.isfinite(lactate).all() and (lactate > 0).all()):
        raise OutOfRange("lactate must be positive and everything finite")
    if len(x) < MIN_STAGES:
        raise FitRejected(f"{len(x)} stages, {MIN_STAGES} needed")
    y = np.log(lactate)
    dx, dy = x - x.mean(), y - y.mean()
    if float(dx @ dx) == 0 or float(dy @ dy) == 0:
        raise FitRejected("the stages do not differ")
    slope = float(dx @ dy / (dx @ dx))
    r2 = float((dx @ dy) ** 2 / ((dx @ dx) * (dy @ dy)))
    if r2 < MIN_R2 or slope <= 0:
        raise FitRejected(f"r2 {r2:.3f}, b {slope:.3f}")
    return LactateFit(math.exp(float(y.mean() - slope * x.mean())), slope, r2, len(x), measured_on)


def _load(time: CreditedTime, load_au: float, flags: tuple[Flag, ...] = ()) -> ThresholdLoad:
    return ThresholdLoad(
        load_au, time.covered_s, time.estimated_s, time.coverage, time.n, (*time.flags, *flags)
    )
