"""Load over days for a whole squad at once: weeks, monotony, acute against chronic, and balance.

It describes and never judges: no ratio here has a colour or a threshold. A rest day is 0, a day whose
session left no data is NaN, and the days before an athlete joined lie outside the series; the three are
never taken for one another. Every array is (days, athletes), oldest day first, without a day left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hub.analytics.day_windows import (
    WEEK_DAYS,
    checked,
    clear,
    off_mean,
    one_week,
    quietly,
    ratio,
    series,
    stretches,
    three_weeks_before,
    window,
)
from hub.analytics.errors import OutOfRange, ShapeMismatch
from hub.analytics.smoothing import Smoothing, alpha_of, follow

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Pair = tuple[Floats, Floats] | Floats  # a sum and how many days in it are known

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
    convention: str = ACUTE_CHRONIC_WORDS


@dataclass(frozen=True, slots=True)
class Balance:
    """CTL, ATL and TSB in AU a day, (days, athletes): 42-day load, 7-day load and balance."""

    ctl_au: Floats
    atl_au: Floats
    tsb_au: Floats
    is_warming_up: NDArray[np.bool_]
    convention: str


WEEK_KINDS = (np.float64, np.float64, np.float64, np.int16)
MEANS_KINDS = (*[np.float64] * 5, np.int16, np.int16, np.bool_)
BALANCE_KINDS = (np.float64, np.float64, np.float64, np.bool_)


def columns_of(shape: tuple[int, ...], kinds: tuple[type[np.generic], ...]) -> list[Any]:
    """Arrays yet to be filled, one for each field of a result."""
    return [np.empty(shape, kind) for kind in kinds]


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


@quietly
def week_loads(daily_au: NDArray[np.floating], joined: NDArray[np.integer] | None = None) -> WeekLoads:
    """Rolling weekly load, monotony = mean / SD (ddof 0) of 7 days, and strain = load x monotony.

    `joined` (athletes,) is the row of each athlete's first day, 0 by default. Monotony and strain are NaN
    in a week that is not whole, has a missing day, or is flat. Source: Foster (1998).
    Raises ShapeMismatch, OutOfRange.
    """
    daily, first = checked(daily_au, joined)
    columns = columns_of(daily.shape, WEEK_KINDS)
    for it in stretches(daily, first, WEEK_DAYS - 1):
        week = WeekLoads(*(column[it.rows] for column in columns))
        one_week(it.load, out=week.load_au)
        days = len(week.load_au)
        fill_week(week, [it.load[back : back + days] for back in range(WEEK_DAYS)], one_week(it.known))
    return WeekLoads(*columns)


def fill_week(week: WeekLoads, loads: list[Floats], n: Floats) -> None:
    """Fill `week` from its sums in `load_au`, the loads of the 7 days, oldest first, and how many are known.

    A load not known is 0. The arrays are alike, of many days or of one; `n` may have a column for all.
    """
    mean = week.load_au / WEEK_DAYS
    sd = off_mean(loads, mean)
    sd /= WEEK_DAYS
    np.sqrt(sd, out=sd)
    np.divide(mean, sd, out=week.monotony)
    clear(week.monotony, (week.monotony >= 1 / FLAT_SHARE) | (n < WEEK_DAYS))
    clear(week.load_au, n == 0)
    np.multiply(week.load_au, week.monotony, out=week.strain_au)
    week.n[...] = n.astype(np.int16)


def strain_au(weekly_au: NDArray[np.floating], monotony: NDArray[np.floating]) -> Floats:
    """Weekly load times monotony, not rounded first, in AU, shapes alike (Foster 1998)."""
    return np.asarray(weekly_au, dtype=np.float64) * np.asarray(monotony, dtype=np.float64)


@quietly
def acute_chronic(daily_au: NDArray[np.floating], joined: NDArray[np.integer] | None = None) -> AcuteChronic:
    """Means of 7 and 28 days and their ratio: coupled, uncoupled (over days 8 to 28 back), and smoothed.

    The means are over the days with data and exist once 7 and 28 days have passed since joining (`joined`
    (athletes,), the row of the first day). The smoothed form has alpha 2/(N+1) and starts at the first
    day's load. No chronic load, no ratio. Sources: Hulin et al. (2014); Windt and Gabbett (2018); Williams
    et al. (2017). Raises ShapeMismatch, OutOfRange.
    """
    daily, first = checked(daily_au, joined)
    columns = columns_of(daily.shape, MEANS_KINDS)
    alphas = [alpha_of(Smoothing.SPAN, days) for days in (ACUTE_DAYS, CHRONIC_DAYS)]
    now = np.full((2, daily.shape[1]), np.nan)
    for it in stretches(daily, first, CHRONIC_DAYS - 1):
        found = AcuteChronic(*(column[it.rows] for column in columns))
        week, known = one_week(it.load), one_week(it.known)
        age = np.arange(it.rows.start + 1, it.rows.stop + 1)[:, None] - first
        last = week[3 * WEEK_DAYS :], known[3 * WEEK_DAYS :]
        fill_means(found, age, last, (three_weeks_before(week), three_weeks_before(known)))
        both = follow(it.load[CHRONIC_DAYS - 1 :], it.known[CHRONIC_DAYS - 1 :], alphas, now)
        ratio(both[:, 0], both[:, 1], out=found.ewma)
        now = both[-1]
    return AcuteChronic(*columns)


def fill_means(found: AcuteChronic, age: Counts, week: Pair, before: Pair) -> None:
    """Fill all of `found` but the smoothed ratio, of many days or of one.

    `age` is the day of membership, from 1; `week` the sum of 7 days and how many are known, `before` the
    same of the 21 days before, which is overwritten.
    """
    (total, n), (total_before, n_before) = week, before
    n_month = n + n_before
    np.less(age, CHRONIC_DAYS, out=found.is_warming_up)
    np.divide(total, n, out=found.acute_au)  # no known day: 0 / 0, NaN
    np.add(total, total_before, out=found.chronic_au)
    np.divide(found.chronic_au, n_month, out=found.chronic_au)
    total_before /= n_before
    clear(found.acute_au, age < ACUTE_DAYS)
    clear(found.chronic_au, found.is_warming_up)
    ratio(found.acute_au, found.chronic_au, out=found.coupled)
    ratio(found.acute_au, total_before, out=found.uncoupled)
    clear(found.uncoupled, found.is_warming_up)
    found.n_acute[...], found.n_chronic[...] = n.astype(np.int16), n_month.astype(np.int16)


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
    ctl, atl, tsb, is_warming_up = columns_of(daily.shape, BALANCE_KINDS)
    alphas = [alpha_of(convention, days) for days in (FITNESS_DAYS, FATIGUE_DAYS)]
    now = np.full((2, daily.shape[1]), float(seed_au))
    for it in stretches(daily, first, 0):
        rows, day = it.rows, np.arange(it.rows.start, it.rows.stop)[:, None]
        both = follow(it.load, it.known, alphas, now)
        now = both[-1]
        for column, smoothed in ((ctl, both[:, 0]), (atl, both[:, 1])):
            column[rows] = smoothed
            clear(column[rows], day < first)
        np.less(day, first + FITNESS_DAYS - 1, out=is_warming_up[rows])
        since = slice(max(0, rows.start - 1), rows.stop)
        tsb[rows] = balance_of(ctl[since], atl[since])[-len(day) :]
    return Balance(ctl, atl, tsb, is_warming_up, balance_words(convention, seed_au))


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


@quietly
def rolling_mean_au(
    daily_au: NDArray[np.floating], days: int, joined: NDArray[np.integer] | None = None
) -> Floats:
    """Mean over the days with data among the last `days`, NaN until as many have passed since joining.

    Raises ShapeMismatch; OutOfRange for `days` under 1.
    """
    if days < 1:
        raise OutOfRange(f"{days} days")
    daily, first = checked(daily_au, joined)
    load, known = series(daily, first, 0, len(daily))
    mean = window(load, days)
    mean /= window(known, days)
    clear(mean, np.arange(len(daily))[:, None] - first < days - 1)
    return mean
