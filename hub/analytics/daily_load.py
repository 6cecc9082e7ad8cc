"""Load over days for a whole squad at once: weeks, monotony, acute against chronic, and balance.

It describes and never judges: no ratio here has a colour or a threshold. A rest day is 0, a day whose
session left no data is NaN, and the days before an athlete joined lie outside the series; the three are
never taken for one another. Every array is (days, athletes), oldest day first, without a day left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hub.analytics.errors import OutOfRange, ShapeMismatch
from hub.analytics.smoothing import Smoothing, alpha_of, smooth

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

WEEK_DAYS = 7
ACUTE_DAYS, CHRONIC_DAYS = 7, 28
FITNESS_DAYS, FATIGUE_DAYS = 42, 7
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
    n: Counts


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
    n_acute: Counts
    n_chronic: Counts
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
    load, known, age = _series(daily_au, joined)
    total, n = _window(load, WEEK_DAYS), _window(known, WEEK_DAYS)
    mean = total / WEEK_DAYS
    squares = np.zeros_like(load)
    for back in range(min(WEEK_DAYS, len(load))):
        squares[back:] += (load[: len(load) - back] - mean[back:]) ** 2
    sd = np.sqrt(squares / WEEK_DAYS)
    is_defined = (n == WEEK_DAYS) & (age >= WEEK_DAYS) & (sd > FLAT_SHARE * mean)
    monotony = _ratio(mean, np.where(is_defined, sd, 0.0))
    weekly = np.where(n > 0, total, np.nan)
    return WeekLoads(weekly, monotony, strain_au(weekly, monotony), n.astype(np.int64))


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
    load, known, age = _series(daily_au, joined)
    acute_sum, chronic_sum = _window(load, ACUTE_DAYS), _window(load, CHRONIC_DAYS)
    n_acute, n_chronic = _window(known, ACUTE_DAYS), _window(known, CHRONIC_DAYS)
    has_week, has_month = age >= ACUTE_DAYS, age >= CHRONIC_DAYS
    acute = _ratio(acute_sum, np.where(has_week, n_acute, 0.0))
    chronic = _ratio(chronic_sum, np.where(has_month, n_chronic, 0.0))
    before_sum, n_before = np.zeros_like(load), np.zeros_like(load)
    before_days = CHRONIC_DAYS - ACUTE_DAYS
    before_sum[ACUTE_DAYS:] = _window(load, before_days)[:-ACUTE_DAYS]
    n_before[ACUTE_DAYS:] = _window(known, before_days)[:-ACUTE_DAYS]
    before = _ratio(before_sum, np.where(has_month, n_before, 0.0))
    present = np.where(known > 0, load, np.nan)
    fast = smooth(present, alpha_of(Smoothing.SPAN, ACUTE_DAYS))
    slow = smooth(present, alpha_of(Smoothing.SPAN, CHRONIC_DAYS))
    return AcuteChronic(
        acute_au=acute,
        chronic_au=chronic,
        coupled=_ratio(acute, chronic),
        uncoupled=_ratio(acute, before),
        ewma=_ratio(fast, slow),
        n_acute=n_acute.astype(np.int64),
        n_chronic=n_chronic.astype(np.int64),
        is_warming_up=~has_month,
        convention=f"7:28 days, smoothed with alpha {Smoothing.SPAN}, starting at the first day",
    )


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
    load, known, age = _series(daily_au, joined)
    present = np.where(known > 0, load, np.nan)
    seed = np.full(load.shape[1], float(seed_au))
    ctl = smooth(present, alpha_of(convention, FITNESS_DAYS), seed)
    atl = smooth(present, alpha_of(convention, FATIGUE_DAYS), seed)
    ctl[age <= 0], atl[age <= 0] = np.nan, np.nan
    words = f"42 and 7 days, alpha {convention}, from {seed_au:g} AU, balance of the day before"
    return Balance(ctl, atl, balance_of(ctl, atl), age < FITNESS_DAYS, words)


def balance_of(ctl_au: Floats, atl_au: Floats) -> Floats:
    """TSB of each day: CTL minus ATL of the day before, NaN on the first; first axis is days (Coggan).

    Raises ShapeMismatch.
    """
    if ctl_au.shape != atl_au.shape:
        raise ShapeMismatch(f"ctl_au {ctl_au.shape}, atl_au {atl_au.shape}")
    tsb = np.full(ctl_au.shape, np.nan)
    tsb[1:] = ctl_au[:-1] - atl_au[:-1]
    return tsb


def rolling_mean_au(
    daily_au: NDArray[np.floating], days: int, joined: NDArray[np.integer] | None = None
) -> Floats:
    """Mean over the days with data among the last `days`, NaN until as many have passed since joining.

    Raises ShapeMismatch; OutOfRange for `days` under 1.
    """
    if days < 1:
        raise OutOfRange(f"{days} days")
    load, known, age = _series(daily_au, joined)
    return _ratio(_window(load, days), np.where(age >= days, _window(known, days), 0.0))


def _series(
    daily_au: NDArray[np.floating], joined: NDArray[np.integer] | None
) -> tuple[Floats, Floats, Counts]:
    """Loads with 0 for what is not known, 1 or 0 for known, and the day of membership, from 1."""
    daily = np.asarray(daily_au, dtype=np.float64)
    if daily.ndim != 2 or (joined is not None and joined.shape != daily.shape[1:]):
        raise ShapeMismatch(f"daily_au {daily.shape}, joined {None if joined is None else joined.shape}")
    first = np.zeros(daily.shape[1], dtype=np.int64) if joined is None else joined.astype(np.int64)
    age = np.arange(1, len(daily) + 1)[:, None] - first
    is_known = ~np.isnan(daily) & (age > 0)
    load = np.where(is_known, daily, 0.0)
    if bool(((load < 0) | np.isinf(load)).any()):
        raise OutOfRange("a day's load is negative or infinite")
    return load, is_known.astype(np.float64), age


def _window(values: Floats, days: int) -> Floats:
    """Sum of each day and the days - 1 before it, added afresh in every window: nothing accumulates."""
    step = WEEK_DAYS if days > WEEK_DAYS and days % WEEK_DAYS == 0 else 1
    part = _window(values, WEEK_DAYS) if step > 1 else values
    total = part.copy()
    for back in range(step, min(days, len(values)), step):
        total[back:] += part[: len(part) - back]
    return total


def _ratio(upper: Floats, lower: Floats) -> Floats:
    ratio = np.full(upper.shape, np.nan)
    np.divide(upper, lower, out=ratio, where=lower > 0)
    return ratio
