"""The live twin of `daily_load`: one more day for a whole squad, from what the days before left behind.

It keeps only the sums the next day needs and gives the same numbers as the whole history, to the bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hub.analytics.daily_load import (
    ACUTE_CHRONIC_WORDS,
    ACUTE_DAYS,
    CHRONIC_DAYS,
    FATIGUE_DAYS,
    FITNESS_DAYS,
    FLAT_SHARE,
    AcuteChronic,
    Balance,
    WeekLoads,
    balance_words,
)
from hub.analytics.day_windows import WEEK_DAYS, checked, one_week, present, ratio, series
from hub.analytics.errors import OutOfRange, ShapeMismatch
from hub.analytics.smoothing import Smoothing, alpha_of, smooth

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(slots=True)
class DayState:
    """What `advance_day` goes on from; every row is (athletes,).

    `loads` and `known` (7, athletes), `week_au` and `week_n` (28, athletes) are rings: day d is in row d
    modulo their length. `fast` and `slow` are the smoothed 7 and 28 days, `ctl` and `atl` those of 42 and 7
    from a seed.
    """

    day: int
    joined: Counts
    convention: Smoothing
    seed_au: float
    loads: Floats
    known: Floats
    week_au: Floats
    week_n: Floats
    fast: Floats
    slow: Floats
    ctl: Floats
    atl: Floats


@dataclass(frozen=True, slots=True)
class DayLoads:
    """One day's row of each result of `daily_load`, (athletes,)."""

    week: WeekLoads
    acute_chronic: AcuteChronic
    balance: Balance


def day_state(
    daily_au: NDArray[np.floating],
    joined: NDArray[np.integer] | None = None,
    convention: Smoothing = Smoothing.EXPONENTIAL,
    seed_au: float = 0.0,
) -> DayState:
    """The state after (days, athletes) of loads, arguments as for `balance`; no days at all are fine.

    `joined` may lie behind the last day. Raises ShapeMismatch, OutOfRange.
    """
    daily, first = checked(daily_au, joined)
    days, athletes = daily.shape
    load, known, _ = series(daily, first)
    state = DayState(
        day=days,
        joined=first,
        convention=convention,
        seed_au=float(seed_au),
        loads=np.zeros((WEEK_DAYS, athletes)),
        known=np.zeros((WEEK_DAYS, athletes)),
        week_au=np.zeros((CHRONIC_DAYS, athletes)),
        week_n=np.zeros((CHRONIC_DAYS, athletes)),
        fast=np.full(athletes, np.nan),
        slow=np.full(athletes, np.nan),
        ctl=np.full(athletes, float(seed_au)),
        atl=np.full(athletes, float(seed_au)),
    )
    rings = (
        (state.loads, load),
        (state.known, known),
        (state.week_au, one_week(load)),
        (state.week_n, one_week(known)),
    )
    for ring, rows in rings:
        for day in range(max(0, days - len(ring)), days):
            ring[day % len(ring)] = rows[day]
    if days:
        values, seed = present(daily, first), state.ctl
        state.fast = smooth(values, alpha_of(Smoothing.SPAN, ACUTE_DAYS))[-1]
        state.slow = smooth(values, alpha_of(Smoothing.SPAN, CHRONIC_DAYS))[-1]
        state.ctl = smooth(values, alpha_of(convention, FITNESS_DAYS), seed)[-1]
        state.atl = smooth(values, alpha_of(convention, FATIGUE_DAYS), seed)[-1]
    return state


def advance_day(state: DayState, today_au: NDArray[np.floating]) -> DayLoads:
    """Fold (athletes,) loads of the next day into `state`; NaN is a day without data, 0 a rest day.

    Raises ShapeMismatch; OutOfRange for a load negative or infinite, `state` being left as it was.
    """
    today = np.asarray(today_au, dtype=np.float64)
    if today.shape != state.joined.shape:
        raise ShapeMismatch(f"today_au {today.shape}, athletes {state.joined.shape}")
    age = state.day + 1 - state.joined
    is_known = ~np.isnan(today) & (age > 0)
    load = np.where(is_known, today, 0.0)
    if load.size and not (load.min() >= 0 and load.max() < np.inf):
        raise OutOfRange("a day's load is negative or infinite")
    state.loads[state.day % WEEK_DAYS], state.known[state.day % WEEK_DAYS] = load, is_known
    week, month = _week(state, age), _acute_chronic(state, load, is_known, age)
    found = DayLoads(week, month, _balance(state, load, is_known, age))
    state.day += 1
    return found


def _back(ring: Floats, day: int, days: int) -> Floats:
    """The row of the day `days` before `day`."""
    row: Floats = ring[(day - days) % len(ring)]
    return row


def _week(state: DayState, age: Counts) -> WeekLoads:
    day = state.day
    total, n = _back(state.loads, day, 0).copy(), _back(state.known, day, 0).copy()
    for back in range(1, WEEK_DAYS):
        total += _back(state.loads, day, back)
        n += _back(state.known, day, back)
    state.week_au[day % CHRONIC_DAYS], state.week_n[day % CHRONIC_DAYS] = total, n
    mean = total / WEEK_DAYS
    squares = np.zeros_like(mean)
    for back in range(WEEK_DAYS):
        squares += (_back(state.loads, day, back) - mean) ** 2
    sd = np.sqrt(squares / WEEK_DAYS)
    is_defined = (n == WEEK_DAYS) & (age >= WEEK_DAYS) & (sd > FLAT_SHARE * mean)
    monotony = ratio(mean, np.where(is_defined, sd, 0.0))
    weekly = np.where(n > 0, total, np.nan)
    return WeekLoads(weekly, monotony, weekly * monotony, n.astype(np.int16))


def _three_weeks_before(ring: Floats, day: int) -> Floats:
    return _back(ring, day, 7) + _back(ring, day, 14) + _back(ring, day, 21)


def _acute_chronic(state: DayState, load: Floats, is_known: NDArray[np.bool_], age: Counts) -> AcuteChronic:
    day, has_month = state.day, age >= CHRONIC_DAYS
    acute_sum, n_acute = _back(state.week_au, day, 0), _back(state.week_n, day, 0)
    chronic_sum, n_chronic = acute_sum.copy(), n_acute.copy()
    for back in range(WEEK_DAYS, CHRONIC_DAYS, WEEK_DAYS):
        chronic_sum += _back(state.week_au, day, back)
        n_chronic += _back(state.week_n, day, back)
    acute = ratio(acute_sum, np.where(age >= ACUTE_DAYS, n_acute, 0.0))
    chronic = ratio(chronic_sum, np.where(has_month, n_chronic, 0.0))
    n_before = np.where(has_month, _three_weeks_before(state.week_n, day), 0.0)
    before = ratio(_three_weeks_before(state.week_au, day), n_before)
    for name, days in (("fast", ACUTE_DAYS), ("slow", CHRONIC_DAYS)):
        now: Floats = getattr(state, name)
        is_first = is_known & np.isnan(now)
        setattr(state, name, _smoothed(np.where(is_first, load, now), load, is_known, Smoothing.SPAN, days))
    return AcuteChronic(
        acute_au=acute,
        chronic_au=chronic,
        coupled=ratio(acute, chronic),
        uncoupled=ratio(acute, before),
        ewma=ratio(state.fast, state.slow),
        n_acute=n_acute.astype(np.int16),
        n_chronic=n_chronic.astype(np.int16),
        is_warming_up=~has_month,
        convention=ACUTE_CHRONIC_WORDS,
    )


def _balance(state: DayState, load: Floats, is_known: NDArray[np.bool_], age: Counts) -> Balance:
    has_joined, had_joined = age > 0, age > 1
    tsb = np.where(had_joined & (state.day > 0), state.ctl - state.atl, np.nan)
    state.ctl = _smoothed(state.ctl, load, is_known, state.convention, FITNESS_DAYS)
    state.atl = _smoothed(state.atl, load, is_known, state.convention, FATIGUE_DAYS)
    return Balance(
        ctl_au=np.where(has_joined, state.ctl, np.nan),
        atl_au=np.where(has_joined, state.atl, np.nan),
        tsb_au=tsb,
        is_warming_up=age < FITNESS_DAYS,
        convention=balance_words(state.convention, state.seed_au),
    )


def _smoothed(
    now: Floats, load: Floats, is_known: NDArray[np.bool_], convention: Smoothing, days: int
) -> Floats:
    return np.asarray(now + (load - now) * np.where(is_known, alpha_of(convention, days), 0.0))
