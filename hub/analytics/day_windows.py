"""Daily loads of a squad cut into stretches of days and summed over weeks: the arithmetic under `daily_load`.

It knows no metric and no convention.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hub.analytics.errors import OutOfRange, ShapeMismatch

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

WEEK_DAYS = 7
STRETCH_VALUES, STRETCH_DAYS = 64_000, 56
"""About as many loads as stay in the cache; not fewer days, or most of the work is looking back."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some days on end of a whole squad with the days they look back on, few enough for the cache.

    `load` (back + days, athletes) has 0 for what is not known; `known` is 1 or 0, and (back + days, 1)
    where it is the same for everybody. `rows` are the days without those looked back on.
    """

    rows: slice
    load: Floats
    known: Floats


def checked(daily_au: NDArray[np.floating], joined: NDArray[np.integer] | None) -> tuple[Floats, Counts]:
    """Daily loads as floats, and the row of each athlete's first day, (1,) where all have been there."""
    daily = np.asarray(daily_au, dtype=np.float64)
    if daily.ndim != 2 or (joined is not None and joined.shape != daily.shape[1:]):
        raise ShapeMismatch(f"daily_au {daily.shape}, joined {None if joined is None else joined.shape}")
    first = np.zeros(1, dtype=np.int64) if joined is None else joined.astype(np.int64)
    return daily, first


def stretches(daily: Floats, first: Counts, back: int) -> Iterator[Stretch]:
    """All days in turn, each stretch with the `back` days before it. Raises OutOfRange."""
    days, athletes = daily.shape
    step = max(STRETCH_DAYS, STRETCH_VALUES // max(1, athletes))
    for start in range(0, days, step):
        rows = slice(start, min(start + step, days))
        yield Stretch(rows, *series(daily, first, start - back, rows.stop))


def series(daily: Floats, first: Counts, start: int, stop: int) -> tuple[Floats, Floats]:
    """`load` and `known` of the days `start` to `stop`; nothing is known of days before the first row.

    Raises OutOfRange.
    """
    load, day = daily[max(0, start) : stop], np.arange(start, stop)[:, None]
    known = (day >= 0).astype(np.float64)
    if load.size and not (first.max() <= max(0, start) and load.min() >= 0):
        is_known = ~np.isnan(load) & (day[-len(load) :] >= first)
        load = np.where(is_known, load, 0.0)
        known = np.zeros((len(day), load.shape[1]))
        known[len(day) - len(load) :] = is_known
    if load.size and not (load.min() >= 0 and load.max() < np.inf):
        raise OutOfRange("a day's load is negative or infinite")
    if start < 0:
        load = np.concatenate([np.zeros((-start, load.shape[1])), load])
    return load, known


def window(values: Floats, days: int) -> Floats:
    """Sum of each day and the days - 1 before it, added afresh in every window: nothing accumulates."""
    total = values.copy()
    for back in range(1, min(days, len(values))):
        np.add(total[back:], values[: len(values) - back], out=total[back:])
    return total


def one_week(values: Floats, out: Floats | None = None) -> Floats:
    """Sum of each day from the seventh and the six before it, afresh in every week: nothing accumulates."""
    days = len(values) - WEEK_DAYS + 1
    two = values[1:] + values[:-1]
    total = np.add(two[5:], two[3:-2], out=out)
    total += two[1 : 1 + days]
    total += values[:days]
    return total


def week_of(days: list[Floats], out: Floats) -> Floats:
    """`one_week` of just 7 days, oldest first: the same sum in the same order."""
    np.add(days[6], days[5], out=out)
    out += days[4] + days[3]
    out += days[2] + days[1]
    out += days[0]
    return out


def three_weeks_before(week: Floats) -> Floats:
    """Sum of the three weeks before each week, from those of one week; the first 21 have none."""
    total = week[2 * WEEK_DAYS : -WEEK_DAYS] + week[WEEK_DAYS : -2 * WEEK_DAYS]
    total += week[: -3 * WEEK_DAYS]
    return total


def off_mean(days: list[Floats], mean: Floats) -> Floats:
    """Squared distances of some days from their mean, added up."""
    off = days[0] - mean
    squares = off * off
    for load in days[1:]:
        np.subtract(load, mean, out=off)
        np.multiply(off, off, out=off)
        squares += off
    return squares


quietly = np.errstate(divide="ignore", invalid="ignore")
"""For functions that divide by what may be 0 and make NaN of it."""


def ratio(upper: Floats, lower: Floats, out: Floats) -> None:
    """upper / lower, neither of them negative; NaN where there is nothing to divide by. To call `quietly`."""
    np.divide(upper, lower, out=out)
    clear(out, np.isinf(out))


def clear(values: Floats, where: NDArray[np.bool_]) -> None:
    """Make NaN of the values `where` says so, for each of them or for rows or columns of them."""
    if np.count_nonzero(where):
        np.copyto(values, np.nan, where=where)
