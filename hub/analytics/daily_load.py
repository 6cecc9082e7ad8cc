"""Load over days for a whole squad at once: weeks, monotony, acute against chronic, and balance.

It describes and never judges: no ratio here has a colour or a threshold. A rest day is 0, a day whose
session left no data is NaN, and the days before an athlete joined lie outside the series; the three are
never taken for one another. Every array is (days, athletes), oldest day first, without a day left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hub.analytics.day_windows import (
    WEEK_DAYS,
    blocks,
    checked,
    one_week,
    present,
    ratio,
    series,
    whole_weeks,
    window,
)
from hub.analytics.errors import OutOfRange, ShapeMismatch
from hub.analytics.smoothing import Smoothing, alpha_of, smooth

Floats = NDArray[np.float64]

ACUTE_DAYS, CHRONIC_DAYS = 7, 28
FITNESS_DAYS, FATIGUE_DAYS = 42, 7
ACUTE_CHRONIC_WORDS = f"7:28 days, smoothed with alpha {Smoothing.SPAN}, starting at the first day"
FLAT_SHARE = 1e-6
"""A week whose SD is under this share of its mean is flat, and its monotony not defined."""


@dataclass(frozen=True, slots=True)
class WeekLoads:
    """The 7 days up to each day, (days, athletes); NaN where undefined.

    `load_au` sums the days with data, `n` counts them (label it n/7); `monotony` has no unit.
    """

    load_au: Floats
    monotony: Floats
    strain_au: Floats
    n: NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class AcuteChronic:
    """Acute and chronic load in AU a day with their three ratios, (days, athletes); NaN where undefined.

    `n_acute` and `n_chronic` count the days with data; while `is_warming_up` only `ewma` has values.
    """

    acute_au: Floats
    chronic_au: Floats
    coupled: Floats
    uncoupled: Floats
    ewma: Floats
    n_acute: NDArray[np.int16]
    n_chronic: NDArray[np.int16]
    is_warming_up: NDArray[np.bool_]
    convention: str


@dataclass(frozen=True, slots=True)
class Balance:
    """CTL, ATL and TSB in AU a day, (days, athletes): 42-day load, 7-day load and balance."""

    ctl_au: Floats
    atl_au: Floats
    tsb_au: Floats
    is_warming_up: NDArray[np.bool_]
    convention: str


def session_rpe_au(rpe: NDArray[np.floating], duration_min: NDArray[np.floating]) -> Floats:
    """RPE (0 to 10) times minutes, shapes alike; an RPE of 0 is one, and NaN stays NaN.

    Source: Foster et al. (2001). Raises ShapeMismatch; OutOfRange for an RPE outside 0 to 10 or minutes
    under 0.
    """
    effort, minutes = np.asarray(rpe, dtype=np.float64), np.asarray(duration_min, dtype=np.float64)
    if effort.shape != minutes.shape:
        raise ShapeMismatch(f"rpe {effort.shape}, duration_min {minutes.shape}")
    if bool(((effort < 0) | (effort > 10) | (minutes < 0) | np.isinf(minutes)).any()):
        raise OutOfRange("RPE is 0 to 10, minutes are not negative")
    return effort * minutes


def week_loads(daily_au: NDArray[np.floating], joined: NDArray[np.integer] | None = None) -> WeekLoads:
    """Rolling weekly load, monotony = mean / SD (ddof 0) of 7 days, and strain = load x monotony.

    `joined` (athletes,) is the row of each athlete's first day, 0 by default. Monotony and strain are NaN
    in a week that is not whole, has a missing day, or is flat. Source: Foster (1998).
    Raises ShapeMismatch, OutOfRange.
    """
    daily, first = checked(daily_au, joined)
    week = WeekLoads(
        load_au=np.empty(daily.shape),
        monotony=np.empty(daily.shape),
        strain_au=np.empty(daily.shape),
        n=np.empty(daily.shape, np.int16),
    )
    for part in blocks(daily):
        load, known, age = series(daily[:, part], first[part])
        total, n = one_week(load), one_week(known)
        mean = total / WEEK_DAYS
        squares, off = np.zeros_like(load), np.empty_like(load)
        for back in range(min(WEEK_DAYS, len(load))):
            np.subtract(load[: len(load) - back], mean[back:], out=off[back:])
            np.multiply(off[back:], off[back:], out=off[back:])
            squares[back:] += off[back:]
        sd = np.sqrt(squares / WEEK_DAYS)
        is_defined = (n == WEEK_DAYS) & (age >= WEEK_DAYS) & (sd > FLAT_SHARE * mean)
        monotony = ratio(mean, np.where(is_defined, sd, 0.0))
        weekly = np.where(n > 0, total, np.nan)
        week.load_au[:, part], week.n[:, part] = weekly, n
        week.monotony[:, part], week.strain_au[:, part] = monotony, weekly * monotony
    return week


def strain_au(weekly_au: NDArray[np.floating], monotony: NDArray[np.floating]) -> Floats:
    """Weekly load times monotony, not rounded first, in AU, shapes alike (Foster 1998)."""
    return np.asarray(weekly_au, dtype=np.float64) * np.asarray(monotony, dtype=np.float64)


def acute_chronic(daily_au: NDArray[np.floating], joined: NDArray[np.integer] | None = None) -> AcuteChronic:
    """Means of 7 and 28 days and their ratio: coupled, uncoupled (over days 8 to 28 back), and smoothed.

    The means are over the days with data and exist once 7 and 28 days have passed since joining (`joined`
    (athletes,), the row of the first day). The smoothed form has alpha 2/(N+1) and starts at the first
    day's load. No chronic load, no ratio. Sources: Hulin et al. (2014); Windt and Gabbett (2018); Williams
    et al. (2017). Raises ShapeMismatch, OutOfRange.
    """
    daily, first = checked(daily_au, joined)
    shape, values = daily.shape, present(daily, first)
    ewma, slow = (smooth(values, alpha_of(Smoothing.SPAN, n)) for n in (ACUTE_DAYS, CHRONIC_DAYS))
    np.copyto(slow, np.nan, where=~(slow > 0))
    ewma /= slow
    found = AcuteChronic(
        acute_au=np.empty(shape),
        chronic_au=np.empty(shape),
        coupled=np.empty(shape),
        uncoupled=np.empty(shape),
        ewma=ewma,
        n_acute=np.empty(shape, np.int16),
        n_chronic=np.empty(shape, np.int16),
        is_warming_up=np.empty(shape, np.bool_),
        convention=ACUTE_CHRONIC_WORDS,
    )
    for part in blocks(daily):
        load, known, age = series(daily[:, part], first[part])
        load_7, known_7 = one_week(load), one_week(known)
        load_21, known_21 = whole_weeks(load_7, 3), whole_weeks(known_7, 3)
        n_chronic, has_month = whole_weeks(known_7, 4), age >= CHRONIC_DAYS
        acute = ratio(load_7, np.where(age >= ACUTE_DAYS, known_7, 0))
        chronic = ratio(whole_weeks(load_7, 4), np.where(has_month, n_chronic, 0))
        before_sum, n_before = np.zeros_like(load_21), np.zeros_like(known_21)
        before_sum[ACUTE_DAYS:], n_before[ACUTE_DAYS:] = load_21[:-ACUTE_DAYS], known_21[:-ACUTE_DAYS]
        before = ratio(before_sum, np.where(has_month, n_before, 0))
        found.acute_au[:, part], found.chronic_au[:, part] = acute, chronic
        found.coupled[:, part], found.uncoupled[:, part] = ratio(acute, chronic), ratio(acute, before)
        found.n_acute[:, part], found.n_chronic[:, part] = known_7, n_chronic
        found.is_warming_up[:, part] = ~has_month
    return found


def balance(
    daily_au: NDArray[np.floating],
    joined: NDArray[np.integer] | None = None,
    convention: Smoothing = Smoothing.EXPONENTIAL,
    seed_au: float = 0.0,
) -> Balance:
    """Smoothed load over 42 and 7 days and yesterday's difference of the two, warming up for 42 days.

    `joined` (athletes,) is the row of the first day; smoothing starts from `seed_au` before it. A missing
    day leaves both as they were. Source: Coggan's performance management chart, as commonly implemented.
    Raises ShapeMismatch, OutOfRange.
    """
    daily, first = checked(daily_au, joined)
    values, seed = present(daily, first), np.full(daily.shape[1], float(seed_au))
    ctl = smooth(values, alpha_of(convention, FITNESS_DAYS), seed)
    atl = smooth(values, alpha_of(convention, FATIGUE_DAYS), seed)
    day = np.arange(len(daily))[:, None]
    if first.any():
        ctl[day < first], atl[day < first] = np.nan, np.nan
    words = balance_words(convention, seed_au)
    return Balance(ctl, atl, balance_of(ctl, atl), day < first + FITNESS_DAYS - 1, words)


def balance_words(convention: Smoothing, seed_au: float) -> str:
    """The convention of `balance`, as its results carry it."""
    return f"42 and 7 days, alpha {convention}, from {seed_au:g} AU, balance of the day before"


def balance_of(ctl_au: Floats, atl_au: Floats) -> Floats:
    """TSB of each day: CTL minus ATL of the day before, NaN on the first; first axis is days (Coggan).

    Raises ShapeMismatch.
    """
    if ctl_au.shape != atl_au.shape:
        raise ShapeMismatch(f"ctl_au {ctl_au.shape}, atl_au {atl_au.shape}")
    tsb = np.empty(ctl_au.shape)
    tsb[:1] = np.nan
    np.subtract(ctl_au[:-1], atl_au[:-1], out=tsb[1:])
    return tsb


def rolling_mean_au(
    daily_au: NDArray[np.floating], days: int, joined: NDArray[np.integer] | None = None
) -> Floats:
    """Mean over the days with data among the last `days`, NaN until as many have passed since joining.

    Raises ShapeMismatch; OutOfRange for `days` under 1.
    """
    if days < 1:
        raise OutOfRange(f"{days} days")
    daily, first = checked(daily_au, joined)
    load, known, age = series(daily, first)
    return ratio(window(load, days), np.where(age >= days, window(known, days), 0))
