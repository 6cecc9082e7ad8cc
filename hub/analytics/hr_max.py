"""Maximum heart rate guessed from age, always marked as estimated.

It never replaces a measured maximum, and no formula here is better than about 10 bpm either way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from hub.analytics.errors import OutOfRange
from hub.analytics.flags import Flag
from hub.analytics.profile import Sex

SD_BPM = 10.0
"""Spread of single adults around any of these lines, about 9 to 10 bpm, rounded to the careful side."""

ADULT_YEARS = 18.0


class HrMaxFormula(StrEnum):
    """Published lines of maximum heart rate against age."""

    TANAKA = "Tanaka 2001"
    GELLISH = "Gellish 2007"
    NES = "Nes 2013"
    FOX = "Fox 1971"
    GULATI = "Gulati 2010"


_LINES = {
    HrMaxFormula.TANAKA: (208.0, 0.7),
    HrMaxFormula.GELLISH: (207.0, 0.7),
    HrMaxFormula.NES: (211.0, 0.64),
    HrMaxFormula.FOX: (220.0, 1.0),
    HrMaxFormula.GULATI: (206.0, 0.88),
}


@dataclass(frozen=True, slots=True)
class HrMaxEstimate:
    """An estimated maximum in bpm with its formula; `flags` always holds ESTIMATED."""

    bpm: float
    formula: HrMaxFormula
    sd_bpm: float
    flags: tuple[Flag, ...]


def estimate_hr_max(
    age_years: float, formula: HrMaxFormula = HrMaxFormula.TANAKA, sex: Sex = Sex.UNKNOWN
) -> HrMaxEstimate:
    """HRmax in bpm from age in years; below 18 and, for Gulati's line, other than women it is flagged.

    Sources: Tanaka et al. (2001) 208 - 0.7 age; Gellish et al. (2007) 207 - 0.7 age; Nes et al. (2013)
    211 - 0.64 age; Fox et al. (1971) 220 - age; Gulati et al. (2010), women, 206 - 0.88 age.
    Raises OutOfRange for an age outside 0 to 120 years.
    """
    if not (math.isfinite(age_years) and 0 < age_years <= 120):
        raise OutOfRange(f"age {age_years} years")
    intercept, slope = _LINES[formula]
    flags = [Flag.ESTIMATED]
    if age_years < ADULT_YEARS:
        flags.append(Flag.NOT_VALIDATED_FOR_AGE)
    if formula is HrMaxFormula.GULATI and sex is not Sex.FEMALE:
        flags.append(Flag.NOT_VALIDATED_FOR_SEX)
    return HrMaxEstimate(intercept - slope * age_years, formula, SD_BPM, tuple(flags))
