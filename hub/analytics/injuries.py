"""How often and how long a squad is injured, with exact limits, and episodes out of daily reports.

It counts what happened; it holds no diagnosis and predicts nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from hub.analytics.errors import OutOfRange
from hub.analytics.flags import Flag

SEVERITY_DAYS = (0, 7, 28)
_STEPS = 200


@dataclass(frozen=True, slots=True)
class Incidence:
    """New injuries per 1000 h with an exact interval; None without exposure. `n` is the injuries."""

    per_1000_h: float | None
    lo: float | None
    hi: float | None
    n: int
    exposure_h: float
    confidence: float
    flags: tuple[Flag, ...]


@dataclass(frozen=True, slots=True)
class Episode:
    """First and last day reported, and the days reported in between, both counted."""

    first: date
    last: date
    days: int


def incidence(injuries: int, exposure_h: float, confidence: float = 0.95) -> Incidence:
    """Injuries per 1000 exposure hours with the exact Poisson interval (Garwood 1936; Bahr et al. 2020).

    Raises OutOfRange for negative counts or hours, or a confidence outside (0, 1).
    """
    if injuries < 0 or not (math.isfinite(exposure_h) and exposure_h >= 0) or not 0 < confidence < 1:
        raise OutOfRange(f"{injuries} injuries in {exposure_h} h, confidence {confidence}")
    if exposure_h == 0:
        return Incidence(None, None, None, injuries, 0.0, confidence, (Flag.NO_EXPOSURE,))
    lo, hi = poisson_interval(injuries, confidence)
    scale = 1000 / exposure_h
    return Incidence(injuries * scale, lo * scale, hi * scale, injuries, exposure_h, confidence, ())


def poisson_interval(count: int, confidence: float = 0.95) -> tuple[float, float]:
    """Exact limits of a Poisson mean given a count: each tail holds half of what is left (Garwood 1936).

    Raises OutOfRange for a negative count or a confidence outside (0, 1).
    """
    if count < 0 or not 0 < confidence < 1:
        raise OutOfRange(f"count {count}, confidence {confidence}")
    tail = (1 - confidence) / 2
    top = count + 10.0
    while _at_most(count, top) > tail:
        top *= 2
    hi = _falls_to(lambda mean: _at_most(count, mean), tail, top)
    lo = _falls_to(lambda mean: _at_most(count - 1, mean), 1 - tail, top) if count else 0.0
    return lo, hi


def burden_days_per_1000_h(days_lost: float, exposure_h: float) -> float | None:
    """Days lost per 1000 exposure hours, None without exposure (Bahr et al. 2020). Raises OutOfRange."""
    if not (days_lost >= 0 and exposure_h >= 0):
        raise OutOfRange(f"{days_lost} days in {exposure_h} h")
    return 1000 * days_lost / exposure_h if exposure_h > 0 else None


def severity_band(days_lost: int) -> str:
    """ "0", "1-7", "8-28" or ">28" days lost (Bahr et al. 2020). Raises OutOfRange for negative days."""
    if days_lost < 0:
        raise OutOfRange(f"{days_lost} days lost")
    bands = ("0", "1-7", "8-28", ">28")
    return bands[sum(days_lost > limit for limit in SEVERITY_DAYS)]


def episodes(reported: Iterable[date], min_gap_days: int) -> list[Episode]:
    """Episodes of one athlete: a report at least `min_gap_days` after the last one begins a new one.

    `reported` are the days with an injury report, in any order, repeats ignored; two days running are one
    day apart. Own rule (daily reports are no events). Raises OutOfRange for a gap under 1 day.
    """
    if min_gap_days < 1:
        raise OutOfRange(f"gap {min_gap_days} days")
    found: list[Episode] = []
    for day in sorted(set(reported)):
        if found and (day - found[-1].last).days < min_gap_days:
            found[-1] = Episode(found[-1].first, day, found[-1].days + 1)
        else:
            found.append(Episode(day, day, 1))
    return found


def _at_most(count: int, mean: float) -> float:
    """P(X <= count) of a Poisson mean, summed term by term in logarithms."""
    if mean == 0:
        return 1.0
    return math.fsum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(count + 1))


def _falls_to(share: Callable[[float], float], target: float, top: float) -> float:
    """Where a falling function meets the target, between 0 and `top`, by bisection."""
    low, high = 0.0, top
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if share(middle) > target else (low, middle)
    return (low + high) / 2
