"""Daily loads of a squad cut into athletes, weeks and days of membership: the arithmetic under `daily_load`.

It knows no metric and no convention.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from hub.analytics.errors import OutOfRange, ShapeMismatch

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Number = TypeVar("Number", bound=np.number)

WEEK_DAYS = 7
BLOCK_VALUES = 100_000


def checked(daily_au: NDArray[np.floating], joined: NDArray[np.integer] | None) -> tuple[Floats, Counts]:
    """Daily loads as floats, and the row of each athlete's first day."""
    daily = np.asarray(daily_au, dtype=np.float64)
    if daily.ndim != 2 or (joined is not None and joined.shape != daily.shape[1:]):
        raise ShapeMismatch(f"daily_au {daily.shape}, joined {None if joined is None else joined.shape}")
    first = np.zeros(daily.shape[1], dtype=np.int64) if joined is None else joined.astype(np.int64)
    return daily, first


def blocks(daily: Floats) -> list[slice]:
    """Athletes a few at a time: what is worked out for them then stays in the processor's cache."""
    step = max(1, BLOCK_VALUES // max(1, len(daily)))
    return [slice(start, start + step) for start in range(0, daily.shape[1], step)]


def series(daily: Floats, first: Counts) -> tuple[Floats, NDArray[np.int16], Counts]:
    """Loads with 0 for what is not known, 1 or 0 for known, and the day of membership, from 1."""
    age = np.arange(1, len(daily) + 1)[:, None] - first
    is_known = ~np.isnan(daily) & (age > 0)
    load = np.where(is_known, daily, 0.0)
    if load.size and not (load.min() >= 0 and load.max() < np.inf):
        raise OutOfRange("a day's load is negative or infinite")
    return load, is_known.astype(np.int16), age


def present(daily: Floats, first: Counts) -> Floats:
    """Loads with NaN before joining too. Raises OutOfRange."""
    values = np.where(np.arange(len(daily))[:, None] >= first, daily, np.nan) if first.any() else daily
    if bool((values < 0).any()) or bool((values == np.inf).any()):
        raise OutOfRange("a day's load is negative or infinite")
    return values


def window(values: NDArray[Number], days: int) -> NDArray[Number]:
    """Sum of each day and the days - 1 before it, added afresh in every window: nothing accumulates."""
    total = values.copy()
    for back in range(1, min(days, len(values))):
        np.add(total[back:], values[: len(values) - back], out=total[back:])
    return total


def one_week(values: NDArray[Number]) -> NDArray[Number]:
    return window(values, WEEK_DAYS)


def whole_weeks(week: NDArray[Number], count: int) -> NDArray[Number]:
    """Sums of `count` whole weeks from those of one week."""
    total = week.copy()
    for back in range(WEEK_DAYS, min(count * WEEK_DAYS, len(week)), WEEK_DAYS):
        np.add(total[back:], week[: len(week) - back], out=total[back:])
    return total


def ratio(upper: Floats, lower: NDArray[np.number]) -> Floats:
    """upper / lower, NaN where there is nothing to divide by."""
    return np.asarray(upper / np.where(lower > 0, lower, np.nan))
