"""Lucia's load and iTRIMP against closed forms, and what they refuse to do without a recent test."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pytest

from hub.analytics.errors import EdgesInvalid, FitRejected, OutOfRange, ProfileIncomplete, ShapeMismatch
from hub.analytics.flags import Flag
from hub.analytics.threshold_trimp import (
    LactateFit,
    fit_lactate,
    itrimp_au_per_min,
    itrimp_load,
    lucia_au,
    lucia_load,
)

TESTED = date(2026, 3, 1)
FIT = LactateFit(a=0.2445, b=3.411, r2=0.98, n=5, measured_on=TESTED)


def seconds(rates: list[int]) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], list[int]]:
    return np.arange(len(rates), dtype=np.int64) * 1000, rates


def test_lucia_weighs_the_three_phases_1_2_3() -> None:
    assert lucia_au(20, 15, 5) == 65
    with pytest.raises(OutOfRange):
        lucia_au(-1, 0, 0)


def test_lucia_of_a_series_is_that_of_its_minutes() -> None:
    at_ms, rates = seconds([120] * 1200 + [150] * 900 + [180] * 301)
    load = lucia_load(at_ms, np.array(rates), 140, 170, 0, 2_401_000)
    assert load.load_au == pytest.approx(lucia_au(20, 15, 5), abs=0.05)  # half a second at each change
    assert load.coverage == pytest.approx(2400 / 2401)


def test_a_threshold_belongs_to_the_phase_above_it() -> None:
    at_ms, rates = seconds([140] * 61)
    assert lucia_load(at_ms, np.array(rates), 140, 170, 0, 61_000).load_au == pytest.approx(2)
    assert lucia_load(at_ms, np.array(rates), 141, 170, 0, 61_000).load_au == pytest.approx(1)
    assert lucia_load(at_ms, np.array(rates), 100, 140, 0, 61_000).load_au == pytest.approx(3)


@pytest.mark.parametrize(("vt1", "vt2"), [(170, 140), (150, 150), (0, 150), (math.nan, 150)])
def test_thresholds_in_the_wrong_order_are_refused(vt1: float, vt2: float) -> None:
    with pytest.raises(EdgesInvalid):
        lucia_load(np.zeros(1, np.int64), np.ones(1), vt1, vt2, 0, 1)


def test_five_stages_of_two_minutes_with_an_individual_curve() -> None:
    rates = np.array([120, 150, 180, 165, 130], dtype=float)
    total = 2 * itrimp_au_per_min(rates, 60, 200, 0.2445, 3.411).sum()
    assert total == pytest.approx(17.60281181972652, abs=1e-9)


def test_a_steady_hour_is_the_closed_form() -> None:
    at_ms, rates = seconds([151] * 3601)
    load = itrimp_load(at_ms, np.array(rates), 60, 200, FIT, TESTED, 0, 3_601_000)
    x = 91 / 140
    assert load.load_au == pytest.approx(60 * x * 0.2445 * math.exp(3.411 * x), rel=1e-12)
    assert load.flags == ()


def test_rates_outside_rest_and_max_are_clipped_and_flagged() -> None:
    kernel = itrimp_au_per_min(np.array([40.0, 60.0, 200.0, 230.0]), 60, 200, 1.0, 0.0)
    assert kernel.tolist() == [0, 0, 1, 1]
    load = itrimp_load(np.array([0, 1000]), np.array([40, 230]), 60, 200, FIT, TESTED, 0, 2_000)
    assert load.flags == (Flag.ABOVE_MAX, Flag.BELOW_REST)
    with pytest.raises(ProfileIncomplete):
        itrimp_au_per_min(np.array([100.0]), 60, 60, 1.0, 1.0)


def test_a_fit_expires_after_six_months_and_does_not_reach_back() -> None:
    assert FIT.is_valid_on(TESTED)
    assert FIT.is_valid_on(date(2026, 8, 31))
    assert not FIT.is_valid_on(date(2026, 9, 1))
    with pytest.raises(FitRejected):
        itrimp_load(np.zeros(1, np.int64), np.ones(1), 60, 200, FIT, date(2026, 2, 28), 0, 1)


def test_a_curve_without_noise_is_found_again() -> None:
    x = np.array([0.3, 0.5, 0.7, 0.8, 0.95])
    fit = fit_lactate(x, 0.3 * np.exp(3.0 * x), TESTED)
    assert [fit.a, fit.b, fit.r2] == pytest.approx([0.3, 3.0, 1.0])
    assert (fit.n, fit.measured_on) == (5, TESTED)


@pytest.mark.parametrize(
    ("fractions", "lactate"),
    [
        ([0.3, 0.5, 0.7], [1, 2, 4]),
        ([0.3, 0.5, 0.7, 0.9], [4, 1, 5, 2]),
        ([0.3, 0.5, 0.7, 0.9], [8, 4, 2, 1]),
        ([0.5, 0.5, 0.5, 0.5], [1, 2, 3, 4]),
        ([0.3, 0.5, 0.7, 0.9], [2, 2, 2, 2]),
    ],
)
def test_a_poor_test_gives_no_curve(fractions: list[float], lactate: list[float]) -> None:
    with pytest.raises(FitRejected):
        fit_lactate(np.array(fractions), np.array(lactate, dtype=float), TESTED)


def test_lactate_must_be_positive_and_paired() -> None:
    with pytest.raises(OutOfRange):
        fit_lactate(np.arange(4.0), np.array([1, 0, 2, 3.0]), TESTED)
    with pytest.raises(ShapeMismatch):
        fit_lactate(np.arange(4.0), np.arange(5.0), TESTED)
