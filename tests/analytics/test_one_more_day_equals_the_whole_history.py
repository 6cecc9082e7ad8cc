"""A day added to a kept state gives the row the whole history gives, to the bit, on every column."""

from __future__ import annotations

import copy
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hub.analytics.daily_load import acute_chronic, balance, week_loads
from hub.analytics.daily_step import DayLoads, DayState, advance_day, day_state
from hub.analytics.errors import OutOfRange, ShapeMismatch
from hub.analytics.smoothing import Smoothing

ATHLETES = 3
DAY = st.lists(
    st.one_of(st.just(float("nan")), st.just(0.0), st.floats(0.1, 2000)), min_size=ATHLETES, max_size=ATHLETES
)
HISTORY = st.lists(DAY, min_size=1, max_size=70)


def rows_agree(found: Any, batch: Any, day: int) -> None:
    for it in fields(batch):
        whole, row = getattr(batch, it.name), getattr(found, it.name)
        if it.name == "convention":
            assert row == whole
        else:
            assert row.dtype == whole.dtype
            assert np.array_equal(row, whole[day], equal_nan=row.dtype == np.float64), it.name


def all_agree(found: DayLoads, daily: NDArray[np.float64], joined: NDArray[np.int64], day: int) -> None:
    rows_agree(found.week, week_loads(daily, joined), day)
    rows_agree(found.acute_chronic, acute_chronic(daily, joined), day)
    rows_agree(found.balance, balance(daily, joined, Smoothing.ONE_OVER_N, 40), day)


def same_state(one: DayState, other: DayState) -> bool:
    return all(
        np.array_equal(getattr(one, it.name), getattr(other, it.name), equal_nan=it.name in ("fast", "slow"))
        for it in fields(one)
    )


@settings(max_examples=60)
@given(HISTORY, st.lists(st.integers(0, 40), min_size=ATHLETES, max_size=ATHLETES), st.data())
def test_every_column_of_every_day_from_wherever_one_goes_on(
    history: list[list[float]], joined: list[int], data: st.DataObject
) -> None:
    daily, first = np.array(history), np.array(joined)
    start = data.draw(st.integers(0, len(daily) - 1))
    state = day_state(daily[:start], first, Smoothing.ONE_OVER_N, 40)
    for day in range(start, len(daily)):
        all_agree(advance_day(state, daily[day]), daily, first, day)
    assert same_state(state, day_state(daily, first, Smoothing.ONE_OVER_N, 40))


def test_two_years_day_by_day_end_where_the_whole_history_ends() -> None:
    rng = np.random.default_rng(7)
    daily = np.where(rng.random((730, ATHLETES)) < 0.57, rng.gamma(2, 250, (730, ATHLETES)), 0.0)
    daily[rng.random(daily.shape) < 0.05] = np.nan
    joined = np.array([0, 10, 400])
    state = day_state(daily[:1], joined, Smoothing.ONE_OVER_N, 40)
    for day in range(1, 730):
        found = advance_day(state, daily[day])
        if day in (6, 27, 41, 410, 441, 729):
            all_agree(found, daily, joined, day)


def test_a_refused_day_leaves_the_state_as_it_was() -> None:
    state = day_state(np.full((30, 2), 300.0))
    before = copy.deepcopy(state)
    for bad in (np.array([-1.0, 0.0]), np.array([np.inf, 0.0])):
        with pytest.raises(OutOfRange):
            advance_day(state, bad)
    with pytest.raises(ShapeMismatch):
        advance_day(state, np.zeros(3))
    assert same_state(state, before)


def test_a_history_with_a_negative_load_is_refused_by_every_formula() -> None:
    bad = np.array([[100.0], [-1.0]])
    for formula in (week_loads, acute_chronic, balance, day_state):
        with pytest.raises(OutOfRange):
            formula(bad)
