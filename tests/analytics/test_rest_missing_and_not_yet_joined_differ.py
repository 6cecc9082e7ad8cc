"""Load over days: closed forms, other programs' numbers, and three kinds of day without load."""

from __future__ import annotations

import math
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hub.analytics.daily_load import (
    acute_chronic,
    balance,
    balance_of,
    rolling_mean_au,
    session_rpe_au,
    strain_au,
    week_loads,
)
from hub.analytics.day_windows import stretches
from hub.analytics.errors import OutOfRange, ShapeMismatch
from hub.analytics.smoothing import Smoothing, alpha_of, impulse_response, smooth

DAYS_35 = (
    *(300, 0, 450, 200, 0, 600, 0, 350, 0, 500, 250, 0, 650, 0, 400, 0, 550, 300),
    *(0, 700, 0, 450, 0, 600, 350, 0, 750, 0, 900, 0, 800, 500, 0, 950, 0),
)
LOADS = st.lists(st.none() | st.integers(0, 2000), min_size=1, max_size=60)


def one(*loads: float) -> NDArray[np.float64]:
    """The days of one athlete as a column."""
    return np.array(loads, dtype=np.float64)[:, None]


def test_session_rpe_is_effort_times_minutes_and_an_effort_of_zero_is_known() -> None:
    assert session_rpe_au(np.array([6, 7, 0]), np.array([90, 45, 60])).tolist() == [540, 315, 0]
    assert math.isnan(session_rpe_au(np.array([math.nan]), np.array([60.0]))[0])
    for rpe, minutes in ((11, 60), (-1, 60), (5, -1)):
        with pytest.raises(OutOfRange):
            session_rpe_au(np.array([rpe]), np.array([minutes]))
    with pytest.raises(ShapeMismatch):
        session_rpe_au(np.ones(2), np.ones(3))


def test_a_week_with_rest_days() -> None:
    week = week_loads(one(400, 0, 560, 320, 0, 700, 450))
    assert week.load_au[-1, 0] == 2430
    assert week.monotony[-1, 0] == pytest.approx(1.408938338363236, abs=1e-9)
    assert week.strain_au[-1, 0] == pytest.approx(3423.7201622226635, abs=1e-9)
    assert np.isnan(week.monotony[:-1]).all()
    assert week.n[:, 0].tolist() == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("load", [0, 300, 83.7])
def test_a_flat_week_has_no_monotony_however_long_it_goes_on(load: float) -> None:
    week = week_loads(one(1000, 3, *[load] * 400))
    assert np.isnan(week.monotony[8:]).all()
    assert np.isnan(week.strain_au[8:]).all()


def test_strain_is_load_times_monotony() -> None:
    assert strain_au(np.array([3400.0]), np.array([1.26]))[0] == pytest.approx(4284)


def test_a_missing_day_is_not_a_rest_day() -> None:
    week = week_loads(one(400, 0, 560, math.nan, 0, 700, 450))
    assert (week.load_au[-1, 0], week.n[-1, 0]) == (2110, 6)
    assert math.isnan(week.monotony[-1, 0])
    mean = rolling_mean_au(one(100, math.nan, 200), 3)[-1, 0]
    assert mean == 150
    assert rolling_mean_au(one(100, 0, 200), 3)[-1, 0] == 100


def test_days_before_joining_are_outside_the_series() -> None:
    daily = np.column_stack([np.r_[np.full(10, 999.0), np.full(30, 50.0)], np.full(40, 50.0)])
    joined = np.array([10, 0])
    week = week_loads(daily, joined)
    assert np.isnan(week.load_au[:10, 0]).all()
    assert (week.load_au[10, 0], week.n[10, 0]) == (50, 1)
    ratio = acute_chronic(daily, joined)
    assert np.flatnonzero(~ratio.is_warming_up[:, 0])[0] == 37
    assert np.flatnonzero(~ratio.is_warming_up[:, 1])[0] == 27
    assert ratio.chronic_au[37, 0] == 50
    assert np.isnan(balance(daily, joined).ctl_au[9, 0])
    assert balance(daily, joined).ctl_au[10, 0] == balance(daily, joined).ctl_au[0, 1]


def test_three_steady_weeks_and_a_hard_one_have_closed_ratios() -> None:
    ratio = acute_chronic(one(*[300] * 21, *[450] * 7))
    assert ratio.coupled[-1, 0] == pytest.approx(450 / 337.5)
    assert ratio.uncoupled[-1, 0] == pytest.approx(1.5)
    fast, slow = 0.75**7, (27 / 29) ** 7
    assert ratio.ewma[-1, 0] == pytest.approx((450 - 150 * fast) / (450 - 150 * slow))
    assert ratio.convention == "7:28 days, smoothed with alpha 2/(N+1), starting at the first day"


def test_the_smoothed_ratio_on_four_days() -> None:
    ewma = acute_chronic(one(*DAYS_35)).ewma[[6, 13, 27, 34], 0]
    assert ewma == pytest.approx(
        [0.829381869320109, 0.8963710016159404, 0.9963706175758, 1.0906308573685615], abs=1e-9
    )


def test_the_half_life_form_is_another_number() -> None:
    fast, slow = (smooth(one(*DAYS_35), alpha_of(Smoothing.HALF_LIFE, days)) for days in (3.5, 14))
    assert (fast / slow)[[27, 34], 0] == pytest.approx([1.0117950672074258, 1.1475365873635572], abs=1e-9)


def test_before_28_days_there_is_no_ratio_of_means() -> None:
    ratio = acute_chronic(one(*DAYS_35[:20]))
    assert np.isnan(ratio.coupled).all()
    assert np.isnan(ratio.uncoupled).all()
    assert ratio.is_warming_up.all()
    assert not np.isnan(ratio.ewma).any()


def test_coming_back_from_a_long_lay_off() -> None:
    ratio = acute_chronic(one(*[0] * 28, 400))
    assert ratio.coupled[-1, 0] == pytest.approx(4)
    assert math.isnan(ratio.uncoupled[-1, 0])
    assert math.isnan(ratio.coupled[-2, 0])
    assert math.isnan(ratio.ewma[-2, 0])


def test_fitness_and_fatigue_under_two_conventions() -> None:
    daily = one(100, 0, 80, 120, 0, 60, 150)
    by_n = balance(daily, convention=Smoothing.ONE_OVER_N)
    assert by_n.ctl_au[[0, 6], 0] == pytest.approx([2.380952380952381, 11.414031859237314], abs=1e-9)
    assert by_n.atl_au[[0, 6], 0] == pytest.approx([14.285714285714285, 51.405148243625405], abs=1e-9)
    usual = balance(daily)
    assert usual.ctl_au[6, 0] == pytest.approx(11.287382230134229, abs=1e-9)
    assert usual.tsb_au[[1, 3, 6], 0] == pytest.approx(
        [-10.959378690206, -16.527908993643, -25.501401201937], abs=1e-9
    )
    assert math.isnan(usual.tsb_au[0, 0])
    assert usual.convention == "42 and 7 days, alpha 1-exp(-1/N), from 0 AU, balance of the day before"


def test_smoothing_goes_on_from_its_last_row() -> None:
    daily = one(*DAYS_35)
    whole = smooth(daily, 0.2)
    assert smooth(daily[20:], 0.2, whole[19]).tolist() == whole[20:].tolist()


def test_a_missing_day_leaves_the_smoothed_load_as_it_was() -> None:
    assert smooth(one(math.nan, 100, math.nan, 0), 0.5)[1:, 0].tolist() == [100, 100, 50]


@given(LOADS, LOADS)
def test_every_athlete_is_computed_alone_and_no_ratio_is_infinite(
    a: list[int | None], b: list[int | None]
) -> None:
    days = min(len(a), len(b))
    columns = [np.array([math.nan if x is None else x for x in it[:days]], dtype=float) for it in (a, b)]
    both = acute_chronic(np.column_stack(columns))
    alone = acute_chronic(columns[1][:, None])
    for name in ("acute_au", "chronic_au", "coupled", "uncoupled", "ewma"):
        assert np.array_equal(getattr(both, name)[:, 1:], getattr(alone, name), equal_nan=True)
        assert not np.isinf(getattr(both, name)).any()
    coupled = both.coupled[~np.isnan(both.coupled) & (both.n_chronic == 28)]
    assert (coupled <= 4 + 1e-9).all()


def test_a_squad_too_large_to_be_worked_out_at_once_gets_what_each_athlete_gets_alone() -> None:
    rng = np.random.default_rng(3)
    daily = np.where(rng.random((200, 1500)) < 0.6, rng.gamma(2, 250, (200, 1500)), 0.0)
    daily[:, 1][rng.random(200) < 0.2] = np.nan
    daily[100:, 2] = np.nan
    joined = np.zeros(1500, np.int64)
    joined[[3, 4, 5]] = 30, 56, 190
    assert len(list(stretches(daily, joined, 0))) > 2
    assert len(list(stretches(daily[:, :1], joined[:1], 0))) == 1
    for formula in (week_loads, acute_chronic, balance):
        whole = formula(daily, joined)
        for athlete in (*range(7), 1499):
            alone = formula(daily[:, [athlete]], joined[[athlete]])
            for it in fields(alone):
                if it.name != "convention":
                    found, expected = getattr(whole, it.name)[:, [athlete]], getattr(alone, it.name)
                    assert np.array_equal(found, expected, equal_nan=found.dtype == np.float64), it.name


def test_the_published_impulse_response() -> None:
    performance = impulse_response(np.full(10, 100.0), p0=500, k1=1, k2=2, tau1_days=27, tau2_days=10)
    assert performance[[0, 1, 2, 10]] == pytest.approx(
        [500, 400, 315.39656082293675, 22.772983058092905], abs=1e-9
    )
    with pytest.raises(OutOfRange):
        impulse_response(np.ones(2), p0=0, k1=1, k2=1, tau1_days=0, tau2_days=1)


def test_senseless_input_is_refused() -> None:
    for wrong in (-1.0, math.inf):
        with pytest.raises(OutOfRange):
            week_loads(one(100, wrong))
    with pytest.raises(ShapeMismatch):
        week_loads(np.ones(7))
    with pytest.raises(ShapeMismatch):
        acute_chronic(np.ones((7, 2)), np.zeros(3, np.int64))
    with pytest.raises(ShapeMismatch):
        balance_of(np.ones(2), np.ones(3))
    with pytest.raises(OutOfRange):
        alpha_of(Smoothing.SPAN, 0)
    with pytest.raises(OutOfRange):
        smooth(np.ones((2, 1)), 0)
    with pytest.raises(OutOfRange):
        rolling_mean_au(np.ones((2, 1)), 0)


def test_no_days_and_no_athletes_are_empty_answers() -> None:
    for shape in ((0, 3), (5, 0)):
        assert week_loads(np.ones(shape)).load_au.shape == shape
        assert acute_chronic(np.ones(shape)).ewma.shape == shape
        assert balance(np.ones(shape)).tsb_au.shape == shape
