"""Time-domain variability against other programs' numbers, closed forms and its own limits."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.analytics.errors import OutOfRange, ShapeMismatch
from hub.analytics.flags import Flag
from hub.analytics.hrv import plausible, rolling_week, swc_band, time_domain
from tests.analytics.synthetic_beats import RR_MS

BEATS = st.lists(st.tuples(st.integers(240, 2000), st.booleans()), max_size=60)


def test_three_hundred_made_up_beats_give_the_numbers_of_two_other_programs() -> None:
    result = time_domain(RR_MS)
    assert result.mean_rr_ms == pytest.approx(900.2533333333333, abs=1e-9)
    assert result.sdnn_ms == pytest.approx(40.57755061939777, abs=1e-9)
    assert result.rmssd_ms == pytest.approx(32.073024955028586, abs=1e-9)
    assert result.sdsd_ms == pytest.approx(32.12626530781316, abs=1e-9)
    assert result.ln_rmssd == pytest.approx(3.4680153327688417, abs=1e-9)
    assert result.nn50 == 38
    assert result.pnn50_percent == pytest.approx(12.709030100334449, abs=1e-9)
    assert (result.n, result.n_differences, result.coverage, result.flags) == (300, 299, 1.0, ())


def test_two_alternating_intervals_are_the_closed_form() -> None:
    result = time_domain(np.tile([800, 860], 50))
    assert result.rmssd_ms == pytest.approx(60)
    assert result.pnn50_percent == 100
    assert result.mean_bpm == pytest.approx(60_000 / 830)
    assert result.mean_instant_bpm == pytest.approx((75 + 60_000 / 860) / 2)


def test_exactly_fifty_milliseconds_are_not_more_than_fifty() -> None:
    assert time_domain(np.tile([800, 850], 20)).nn50 == 0
    assert time_domain(np.tile([800, 851], 20)).nn50 == 39


def test_differences_of_removed_beats_do_not_count() -> None:
    rr = np.array([800, 812, 790, 1600, 805, 798, 400, 410, 795, 801])
    valid = np.array([1, 1, 1, 0, 1, 1, 0, 0, 1, 1], dtype=bool)
    result = time_domain(rr, valid)
    assert result.rmssd_ms == pytest.approx(13.35102992281869, abs=1e-9)
    assert result.rmssd_ms == pytest.approx(math.sqrt((12**2 + 22**2 + 7**2 + 6**2) / 4))
    assert (result.n, result.n_differences, result.coverage) == (7, 4, 0.7)
    assert result.flags == (Flag.TOO_LITTLE_DATA,)


@given(BEATS)
def test_any_removal_leaves_the_differences_of_the_runs_it_cuts(beats: list[tuple[int, bool]]) -> None:
    rr = np.array([interval for interval, _ in beats], dtype=np.int64)
    valid = np.array([is_valid for _, is_valid in beats], dtype=bool)
    result = time_domain(rr, valid)
    squares = [float(b - a) ** 2 for (a, a_valid), (b, b_valid) in pairwise(beats) if a_valid and b_valid]
    assert result.n_differences == len(squares)
    if squares:
        assert result.rmssd_ms == pytest.approx(math.sqrt(sum(squares) / len(squares)))
    else:
        assert result.rmssd_ms is None


def test_young_hearts_at_210_are_plausible_and_the_edges_belong_to_them() -> None:
    assert plausible(np.array([310, 305, 298, 290, 285, 288, 295, 302, 310])).all()
    assert plausible(np.array([239, 240, 2000, 2001, 0, math.nan, -300])).tolist() == [
        False,
        True,
        True,
        *[False] * 4,
    ]


def test_an_implausible_or_missing_interval_is_removed_without_being_bridged() -> None:
    for wrong in (100, 3000, math.nan):
        result = time_domain(np.array([800, 810, wrong, 900, 910]))
        assert result.rmssd_ms == pytest.approx(10)
        assert (result.n, result.n_differences) == (4, 2)


def test_nothing_and_one_beat_are_undefined_and_not_zero() -> None:
    nothing, one = time_domain(np.zeros(0)), time_domain(np.array([800]))
    assert (nothing.mean_rr_ms, nothing.mean_bpm, nothing.rmssd_ms, nothing.coverage) == (None, None, None, 0)
    assert (one.mean_bpm, one.sdnn_ms, one.rmssd_ms, one.pnn50_percent) == (75, None, None, None)


def test_a_metronome_has_no_logarithm() -> None:
    result = time_domain(np.full(40, 800))
    assert (result.rmssd_ms, result.ln_rmssd, result.sdnn_ms) == (0, None, 0)


def test_a_mask_of_another_length_is_refused() -> None:
    with pytest.raises(ShapeMismatch):
        time_domain(np.full(3, 800), np.ones(2, dtype=bool))


def test_a_week_needs_three_values() -> None:
    week = rolling_week(np.array([4.0, math.nan, 4.2, 4.4, *[math.nan] * 6, 4.0]))
    assert week.n.tolist() == [1, 1, 2, 3, 3, 3, 3, 2, 2, 1, 1]
    assert np.isnan(week.mean).tolist() == [True] * 3 + [False] * 4 + [True] * 4
    assert week.mean[3] == pytest.approx(4.2)
    assert week.sd[3] == pytest.approx(0.2)
    assert week.cv_percent[3] == pytest.approx(100 * 0.2 / 4.2)
    assert len(rolling_week(np.zeros(0)).mean) == 0


def test_a_week_forgets_the_eighth_day() -> None:
    week = rolling_week(np.array([90.0, 1, 2, 3, 4, 5, 6, 7]))
    assert week.mean[-1] == pytest.approx(4)
    assert week.sd[-1] == pytest.approx(np.std(np.arange(1, 8), ddof=1))


def test_the_band_is_half_a_deviation_either_side_and_both_sides_are_told() -> None:
    band = swc_band(np.array([4.1, 4.18, 4.05, math.nan, 4.12, 4.2, 4.15]))
    assert [band.mean, band.sd, band.lo, band.hi] == pytest.approx(
        [4.133333333333333, 0.05501514942874079, 4.105825758618963, 4.160840908047703], abs=1e-9
    )
    assert (band.n, band.flags) == (6, (Flag.TOO_LITTLE_DATA,))
    assert [band.side_of(value) for value in (4.0, 4.13, 4.3)] == [-1, 0, 1]
    assert swc_band(np.arange(14.0)).flags == ()


def test_one_value_makes_no_band() -> None:
    band = swc_band(np.array([4.0, math.nan]))
    assert (band.mean, band.lo, band.n, band.side_of(4.0)) == (None, None, 1, None)
    with pytest.raises(OutOfRange):
        swc_band(np.arange(20.0), k=0)
