"""The live twin of `daily_load`: one more day for a whole squad, from what the days before left behind.

It keeps only the sums the next day needs and gives the same numbers as the whole history, to the bit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hub.analytics.daily_load import (
    ACUTE_DAYS,
    CHRONIC_DAYS,
    FATIGUE_DAYS,
    FITNESS_DAYS,
    MEANS_KINDS,
    WEEK_KINDS,
    AcuteChronic,
    Balance,
    WeekLoads,
    balance_words,
    columns_of,
    fill_means,
    fill_week,
)
from hub.analytics.day_windows import (
    WEEK_DAYS,
    checked,
    clear,
    one_week,
    quietly,
    ratio,
    series,
    stretches,
    week_of,
)
from hub.analytics.errors import OutOfRange, ShapeMismatch
from hub.analytics.smoothing import Smoothing, alpha_of, follow

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(slots=True)
class DayState:
    """What `advance_day` goes on from, of every athlete.

    `days` (7, 2, athletes) and `weeks` (28, 2, athletes) are rings, day d in row d modulo their length: a
    day's load and whether it is known, and the sums of the 7 days up to it. `smoothed` (4, athletes) are the
    7 and 28 days of the smoothed ratio, 0 until it `has_begun`, CTL and ATL; `alphas` is as large.
    """

    day: int
    joined: Counts
    convention: Smoothing
    seed_au: float
    days: Floats
    weeks: Floats
    smoothed: Floats
    alphas: Floats
    has_begun: NDArray[np.bool_]


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
    count, athletes = daily.shape
    alphas = [alpha_of(Smoothing.SPAN, ACUTE_DAYS), alpha_of(Smoothing.SPAN, CHRONIC_DAYS)]
    alphas += [alpha_of(convention, FITNESS_DAYS), alpha_of(convention, FATIGUE_DAYS)]
    now = np.full((4, athletes), [[np.nan], [np.nan], [seed_au], [seed_au]])
    for it in stretches(daily, first, 0):
        now = follow(it.load, it.known, alphas, now)[-1]
    state = DayState(
        day=count,
        joined=np.zeros(athletes, dtype=np.int64) + first,
        convention=convention,
        seed_au=float(seed_au),
        days=np.zeros((WEEK_DAYS, 2, athletes)),
        weeks=np.zeros((CHRONIC_DAYS, 2, athletes)),
        smoothed=np.nan_to_num(now),
        alphas=np.repeat(np.array(alphas)[:, None], athletes, axis=1),
        has_begun=~np.isnan(now[0]),
    )
    for kind, rows in enumerate(series(daily, first, count - CHRONIC_DAYS - WEEK_DAYS + 1, count)):
        for ring, lasting in ((state.days, rows), (state.weeks, one_week(rows))):
            for back in range(1, len(ring) + 1):
                ring[(count - back) % len(ring), kind] = lasting[-back]
    return state


@quietly
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
    if age.min(initial=FITNESS_DAYS) >= FITNESS_DAYS:
        age = age[:1]  # nobody is new: one stands for all
    now = state.days[state.day % WEEK_DAYS]
    now[0], now[1] = load, is_known
    week, means = _windows(state, age)
    balance = _smoothed(state, now, age, means.ewma)
    state.day += 1
    return DayLoads(week, means, balance)


def _windows(state: DayState, age: Counts) -> tuple[WeekLoads, AcuteChronic]:
    """The week and the means up to the day that has just been put into `state.days`."""
    day, shape = state.day, state.joined.shape
    days = [state.days[(day - back) % WEEK_DAYS] for back in range(WEEK_DAYS - 1, -1, -1)]
    total = week_of(days, out=state.weeks[day % CHRONIC_DAYS])
    before = state.weeks[(day - 7) % CHRONIC_DAYS] + state.weeks[(day - 14) % CHRONIC_DAYS]
    before += state.weeks[(day - 21) % CHRONIC_DAYS]
    week = WeekLoads(*columns_of(shape, WEEK_KINDS))
    week.load_au[...] = total[0]
    fill_week(week, [it[0] for it in days], total[1])
    means = AcuteChronic(*columns_of(shape, MEANS_KINDS))
    fill_means(means, age, total, before)
    return week, means


def _smoothed(state: DayState, now: Floats, age: Counts, ewma: Floats) -> Balance:
    """Smooth one day on, `now` being its load and whether known; fills `ewma`."""
    is_first = now[1] > state.has_begun
    if np.count_nonzero(is_first):
        state.smoothed[:2, is_first] = now[0, is_first]
        state.has_begun |= is_first
    tsb = state.smoothed[2] - state.smoothed[3]
    clear(tsb, age <= (1 if state.day else np.inf))
    step = now[0] - state.smoothed
    step *= state.alphas * now[1]
    state.smoothed += step
    ratio(state.smoothed[0], state.smoothed[1], out=ewma)
    ctl, atl = kept = state.smoothed[2:].copy()
    clear(kept, age <= 0)
    is_warming_up = np.less(age, FITNESS_DAYS, out=np.empty(ctl.shape, np.bool_))
    words = balance_words(state.convention, state.seed_au)
    return Balance(ctl, atl, tsb, is_warming_up, words)
