"""When several independent signs have lasted for days, a talk with the athlete is worth asking for.

It states what was measured and names no condition: no sign here means anything by itself, and all of them
together are a reason to ask and no finding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from hub.analytics.errors import OutOfRange, ShapeMismatch
from hub.analytics.hrv import SwcBand, rolling_week

Floats = NDArray[np.float64]

MIN_SIGNS, MIN_DAYS = 2, 3
LONGEST_SILENCE_DAYS = 7
"""Readings further apart than this are no longer one run, and an older one is no longer news."""
LOW_Z, MIN_LOW_ITEMS = -1.5, 2
RATIO_SHARE, RATIO_DAYS, MIN_RATIOS = 0.9, 60, 14


class Kind(StrEnum):
    """Kinds of sign that do not follow from one another; two of one kind count once."""

    VARIABILITY = "heart-rate variability"
    HEART_RATE = "exercise or resting heart rate"
    WELLNESS = "wellness"
    EFFORT = "effort for the load"
    PERFORMANCE = "performance test"


@dataclass(frozen=True, slots=True)
class Usual:
    """The athlete's own level and the error of one measurement, in the value's unit."""

    level: float
    error: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.level) and math.isfinite(self.error) and self.error > 0):
            raise OutOfRange(f"level {self.level}, error {self.error}")


@dataclass(frozen=True, slots=True)
class Sign:
    """One daily marker: which way it lay beyond its limit each day, and the words that go with a day.

    `side` is (days,): -1 below, 1 above, 0 within, NaN for a day without a reading. `value` (days,) and the
    limits `lo` and `hi` (days,) are what is quoted; a limit that does not apply is NaN.
    """

    kind: Kind
    name: str
    unit: str
    side: Floats
    value: Floats
    lo: Floats
    hi: Floats


@dataclass(frozen=True, slots=True)
class LastingSign:
    """A sign's present run: `days` from its first to its last reading, both counted, and where they lie."""

    kind: Kind
    text: str
    first_day: int
    last_day: int
    days: int
    readings: int


@dataclass(frozen=True, slots=True)
class Prompt:
    """What to ask about and why; `n` independent kinds of sign."""

    headline: str
    facts: tuple[LastingSign, ...]
    n: int


def conversation_prompt(signs: Sequence[Sign]) -> Prompt | None:
    """A prompt when signs of 2 kinds or more have each lasted 3 days or more, else None.

    The last row of every sign is today. Of several signs of one kind the longest is quoted first. Own rule,
    after Meeusen et al. (2013): no single marker will do. Raises ShapeMismatch.
    """
    if len({len(sign.side) for sign in signs}) > 1:
        raise ShapeMismatch(f"days {[len(sign.side) for sign in signs]}")
    lasting = [found for sign in signs if (found := lasting_sign(sign)) is not None]
    lasting.sort(key=lambda it: (list(Kind).index(it.kind), -it.days))
    kinds = {it.kind for it in lasting}
    if len(kinds) < MIN_SIGNS:
        return None
    headline = f"Worth asking how things are: {len(kinds)} kinds of sign have lasted {MIN_DAYS} days or more."
    return Prompt(headline, tuple(lasting), len(kinds))


def lasting_sign(sign: Sign) -> LastingSign | None:
    """The run of readings on one side that reaches up to the latest reading, if it is long enough.

    It needs 3 days from its first to its last reading, so 2 readings at least; a reading within the limit,
    or on the other side, ends it, and so does a silence of more than 7 days. Own rule.
    """
    days = np.flatnonzero(np.isfinite(sign.side))
    if len(days) == 0 or len(sign.side) - 1 - days[-1] > LONGEST_SILENCE_DAYS:
        return None
    last, side = int(days[-1]), sign.side[days[-1]]
    first, readings = last, 0
    for day in days[::-1].tolist():
        if side == 0 or sign.side[day] != side or first - day > LONGEST_SILENCE_DAYS:
            break
        first, readings = day, readings + 1
    length = last - first + 1
    if length < MIN_DAYS:
        return None
    return LastingSign(sign.kind, _words(sign, last, length, readings), first, last, length, readings)


def variability_sign(ln_rmssd: NDArray[np.floating], band: SwcBand) -> Sign:
    """7-day mean of (days,) morning lnRMSSD, NaN for a day without, against the own band, either way.

    Sources: Plews et al. (2013); Buchheit (2014). Raises ShapeMismatch.
    """
    daily = _daily(ln_rmssd)
    mean = np.where(np.isfinite(daily), rolling_week(daily).mean, np.nan)
    lo, hi = band.lo, band.hi
    if lo is None or hi is None:
        mean, lo, hi = np.full(len(daily), np.nan), math.nan, math.nan
    return _sign(Kind.VARIABILITY, "7-day lnRMSSD", "ln ms", mean, lo, hi)


def heart_rate_sign(daily_bpm: NDArray[np.floating], usual: Usual, name: str = "Resting heart rate") -> Sign:
    """(days,) resting heart rate or HRex in bpm, NaN for a day without, beyond its own error either way.

    Source: Buchheit (2014). Raises ShapeMismatch.
    """
    lo, hi = usual.level - usual.error, usual.level + usual.error
    return _sign(Kind.HEART_RATE, name, "bpm", _daily(daily_bpm), lo, hi)


def wellness_sign(good_z: NDArray[np.floating]) -> Sign:
    """Items of (items, days) own z-scores, turned so that up is good, below -1.5: two or more on one day.

    A day without any answer is NaN throughout. Own rule. Raises ShapeMismatch.
    """
    z = np.asarray(good_z, dtype=np.float64)
    if z.ndim != 2:
        raise ShapeMismatch(f"good_z {z.shape}, (items, days) needed")
    count = np.where(np.isfinite(z).any(axis=0), (z < LOW_Z).sum(axis=0), np.nan)
    return _sign(
        Kind.WELLNESS, f"Wellness items below {LOW_Z:g} SD", "", count, math.nan, MIN_LOW_ITEMS - 0.5
    )


def effort_sign(srpe_au: NDArray[np.floating], trimp_au: NDArray[np.floating]) -> Sign:
    """sRPE over TRIMP of (days,) loads above the 90th percentile of the own 60 days before, 14 at least.

    Days without either load, or with no TRIMP, are no reading. Own rule. Raises ShapeMismatch.
    """
    effort, load = _daily(srpe_au), _daily(trimp_au)
    if effort.shape != load.shape:
        raise ShapeMismatch(f"srpe_au {effort.shape}, trimp_au {load.shape}")
    ratio = np.full(len(effort), np.nan)
    np.divide(effort, load, out=ratio, where=np.isfinite(effort) & (load > 0))
    limit = np.full(len(ratio), np.nan)
    if len(ratio):
        padded = np.concatenate([np.full(RATIO_DAYS, np.nan), ratio[:-1]])
        for day, before in enumerate(sliding_window_view(padded, RATIO_DAYS)):
            known = before[np.isfinite(before)]
            if len(known) >= MIN_RATIOS:
                limit[day] = np.quantile(known, RATIO_SHARE)
    value = np.where(np.isfinite(limit), ratio, np.nan)
    return _sign(Kind.EFFORT, "sRPE:TRIMP ratio", "", value, math.nan, limit)


def performance_sign(
    tests: NDArray[np.floating], usual: Usual, unit: str, *, higher_is_better: bool = True
) -> Sign:
    """(days,) test results, NaN for a day without, worse than usual by more than the test's own error.

    Own rule. Raises ShapeMismatch.
    """
    lo = usual.level - usual.error if higher_is_better else math.nan
    hi = math.nan if higher_is_better else usual.level + usual.error
    return _sign(Kind.PERFORMANCE, "Performance test", unit, _daily(tests), lo, hi)


def _daily(values: NDArray[np.floating]) -> Floats:
    daily = np.asarray(values, dtype=np.float64)
    if daily.ndim != 1:
        raise ShapeMismatch(f"daily values {daily.shape}")
    return np.where(np.isfinite(daily), daily, np.nan)


def _sign(kind: Kind, name: str, unit: str, value: Floats, lo: float, hi: float | Floats) -> Sign:
    low, high = np.broadcast_to(lo, value.shape), np.broadcast_to(hi, value.shape)
    side = (value > high).astype(np.float64) - (value < low)
    return Sign(kind, name, unit, np.where(np.isnan(value), np.nan, side), value, low, high)


def _words(sign: Sign, day: int, days: int, readings: int) -> str:
    """Resting heart rate 58 bpm, above own limit 54 bpm, for 5 days (4 readings)."""
    unit = f" {sign.unit}" if sign.unit else ""
    if sign.kind is Kind.WELLNESS:
        return f"{sign.name}: {sign.value[day]:.0f} on the last day, for {days} days ({readings} readings)"
    limit, where = (sign.lo[day], "below") if sign.side[day] < 0 else (sign.hi[day], "above")
    digits = 0 if abs(sign.value[day]) >= 100 else 2 if sign.kind in (Kind.VARIABILITY, Kind.EFFORT) else 1
    quoted, bound = f"{sign.value[day]:.{digits}f}{unit}", f"{limit:.{digits}f}{unit}"
    return f"{sign.name} {quoted}, {where} own limit {bound}, for {days} days ({readings} readings)"
