"""Energy from heart rate, a rough figure for steady work; and VO2max from two heart rates.

Neither is a measurement: every result is flagged, and nothing here is fit for stop-and-go play.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hub.analytics.credit import credited_time
from hub.analytics.errors import OutOfRange, ProfileIncomplete
from hub.analytics.flags import Flag
from hub.analytics.profile import Sex

KJ_PER_KCAL = 4.184
FITTED_AGE_YEARS = (18.0, 45.0)
FITTED_HR_MAX_SHARES = (0.57, 0.90)
# kJ/min = constant + bpm + kg + years; the women's weight does enter with a minus sign
_KEYTEL = {
    Sex.MALE: (-55.0969, 0.6309, 0.1988, 0.2017),
    Sex.FEMALE: (-20.4022, 0.4472, -0.1263, 0.0740),
}


@dataclass(frozen=True, slots=True)
class Energy:
    """Energy over the credited time, None where sex is unknown; `flags` always holds ROUGH."""

    kj: float | None
    kcal: float | None
    covered_s: float
    estimated_s: float
    coverage: float
    n: int
    flags: tuple[Flag, ...]


def keytel_kj_per_min(
    bpm: NDArray[np.floating], sex: Sex, mass_kg: float, age_years: float
) -> NDArray[np.float64] | None:
    """Energy rate in kJ/min at heart rates (n,), negative values set to 0; None where sex is unknown.

    Source: Keytel et al. (2005), the equations without VO2max. Raises OutOfRange for a mass outside
    20 to 250 kg or an age outside 0 to 120 years.
    """
    if not (20 <= mass_kg <= 250 and 0 < age_years <= 120):
        raise OutOfRange(f"{mass_kg} kg, {age_years} years")
    constants = _KEYTEL.get(sex)
    if constants is None:
        return None
    constant, per_bpm, per_kg, per_year = constants
    linear = constant + per_bpm * np.asarray(bpm, float) + per_kg * mass_kg + per_year * age_years
    return np.maximum(linear, 0.0)


def energy(
    mono_ms: NDArray[np.int64],
    bpm: NDArray[np.integer | np.floating],
    sex: Sex,
    mass_kg: float,
    age_years: float,
    from_ms: int,
    to_ms: int,
    *,
    hr_max_bpm: float | None = None,
) -> Energy:
    """Energy over [from_ms, to_ms), gaps as in `credited_time`; `mono_ms` and `bpm` are (n,).

    Flags ages outside 18 to 45 years, heart rates outside 57 to 90 % of HRmax where it is known, and
    rates at which the line went below zero. Source: Keytel et al. (2005). Raises OutOfRange, ShapeMismatch.
    """
    time = credited_time(mono_ms, bpm, from_ms, to_ms)
    rate = keytel_kj_per_min(time.bpm, sex, mass_kg, age_years)
    flags = [Flag.ROUGH, *time.flags]
    if rate is None:
        flags.append(Flag.SEX_UNKNOWN)
    elif bool((rate == 0).any()):
        flags.append(Flag.NEGATIVE_SET_TO_ZERO)
    if not FITTED_AGE_YEARS[0] <= age_years <= FITTED_AGE_YEARS[1]:
        flags.append(Flag.NOT_VALIDATED_FOR_AGE)
    if hr_max_bpm:
        lo, hi = (share * hr_max_bpm for share in FITTED_HR_MAX_SHARES)
        if bool(((time.bpm < lo) | (time.bpm > hi)).any()):
            flags.append(Flag.OUTSIDE_FITTED_RANGE)
    kj = None if rate is None else float((rate * time.weight_s).sum() / 60)
    kcal = None if kj is None else kj / KJ_PER_KCAL
    return Energy(kj, kcal, time.covered_s, time.estimated_s, time.coverage, time.n, tuple(flags))


def vo2max_ml_min_kg(hr_max_bpm: float, hr_rest_bpm: float) -> float:
    """15.3 HRmax/HRrest in ml/min/kg, for trained men only and off by default (Uth et al. 2004).

    Its standard error is 2.7 with a measured HRmax, 4.7 with a predicted one. Raises ProfileIncomplete
    unless HRmax > HRrest > 0.
    """
    if not 0 < hr_rest_bpm < hr_max_bpm < math.inf:
        raise ProfileIncomplete(f"HRmax {hr_max_bpm} bpm, HRrest {hr_rest_bpm} bpm")
    return 15.3 * hr_max_bpm / hr_rest_bpm
