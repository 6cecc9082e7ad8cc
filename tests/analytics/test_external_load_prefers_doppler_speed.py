"""Distance, bands, bouts, top speed, accelerometer load and metabolic power: closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hub.analytics.errors import EdgesInvalid, OutOfOrder, OutOfRange, ShapeMismatch
from hub.analytics.external import accelerometer_load, bouts, haversine_m, speed_load, top_speed_m_s
from hub.analytics.flags import Flag
from hub.analytics.metabolic_power import PowerModel, metabolic_power
from tests.analytics.test_shared_vectors import vectors

__all__ = ["vectors"]

TENTHS = np.arange(101) / 10


def test_a_thousandth_of_a_degree_of_latitude() -> None:
    assert haversine_m((59.911491, 10.757933), (59.912491, 10.757933)) == pytest.approx(111.19508, abs=1e-5)
    assert haversine_m((0, 0), (0, 180)) == pytest.approx(math.pi * 6_371_008.8)
    assert haversine_m((10, 20), (10, 20)) == 0


def test_a_steady_acceleration_is_the_area_under_it_by_band() -> None:
    load = speed_load(TENTHS, TENTHS)
    assert load.distance_m == pytest.approx(50)
    assert sum(load.band_m) == pytest.approx(load.distance_m)
    assert load.band_m[1] == pytest.approx((7**2 - 5.5**2) / 2, abs=0.1)
    assert (load.coverage, load.flags) == (1.0, ())


def test_an_edge_belongs_to_the_band_above_it() -> None:
    assert speed_load(TENTHS, np.full(101, 5.5)).band_m == pytest.approx((0, 55, 0))


def test_impossible_speeds_are_dropped_and_said_and_long_gaps_earn_nothing() -> None:
    speed = np.full(101, 5.0)
    speed[[3, 50]] = 40.0, math.nan
    load = speed_load(TENTHS, speed)
    assert load.distance_m == pytest.approx(50)
    assert (load.n, load.flags) == (99, (Flag.FAST_POINTS_DROPPED,))
    gap = speed_load(np.array([0, 1, 2.5, 3]), np.full(4, 4.0))
    assert (gap.distance_m, gap.covered_s, gap.coverage) == (6, 1.5, 0.5)


def test_nothing_and_one_point_are_no_distance() -> None:
    for n in (0, 1):
        load = speed_load(np.zeros(n), np.full(n, 5.0))
        assert (load.distance_m, load.coverage, load.n) == (0, 0, n)


def test_bouts_are_joined_over_short_gaps_and_must_last() -> None:
    speed = np.zeros(101)
    speed[10:16] = speed[19:25] = speed[50:55] = 8.0
    assert bouts(TENTHS, speed, 7.0) == [(1.0, 2.4)]
    assert bouts(TENTHS, speed, 7.0, dwell_s=0.4, merge_s=0.1) == [(1.0, 1.5), (1.9, 2.4), (5.0, 5.4)]
    assert bouts(TENTHS, np.full(101, 7.0), 7.0) == [(0.0, 10.0)]
    assert bouts(np.zeros(0), np.zeros(0), 7.0) == []


def test_top_speed_is_held_and_no_spike() -> None:
    speed = np.full(101, 6.0)
    speed[40] = 11.0
    assert top_speed_m_s(TENTHS, speed, 10) == 6
    assert top_speed_m_s(TENTHS, np.minimum(TENTHS, 8.0), 10) == 8
    assert top_speed_m_s(TENTHS[:2], speed[:2], 10) is None
    with pytest.raises(OutOfRange):
        top_speed_m_s(TENTHS, speed, 1)


def test_accelerometer_load_of_five_samples() -> None:
    xyz = np.array([[0, 0, 1], [0.1, 0, 1.2], [0.3, -0.1, 0.8], [0.2, 0.1, 1.1], [0, 0, 1]])
    assert accelerometer_load(xyz) == pytest.approx(0.013009790802012748, abs=1e-12)
    assert accelerometer_load(np.zeros((0, 3))) == accelerometer_load(xyz[:1]) == 0
    with pytest.raises(ShapeMismatch):
        accelerometer_load(np.zeros((3, 2)))
    with pytest.raises(OutOfRange):
        accelerometer_load(np.full((2, 3), math.nan))


def test_power_of_running_steadily_and_speeding_up() -> None:
    result = metabolic_power(np.array([4.0, 5.0, 5.0, math.nan]), np.array([0.0, 2.0, -2.0, 0.0]))
    assert result.w_kg[:3] == pytest.approx([18.576, 60.13452630293084, 11.905207018328055], abs=1e-9)
    assert (result.n, result.flags) == (3, (Flag.EXPERIMENTAL,))


def test_the_later_model_walks_and_is_another_number() -> None:
    result = metabolic_power(
        np.array([1.0, 2.0, 5.0, 5.0]), np.array([0.0, 0.0, 2.0, -2.0]), PowerModel.DI_PRAMPERO_2018
    )
    expected = [2.0313567240472725, 6.196292740095506, 50.929497806486154, 9.725839692625657]
    assert result.w_kg == pytest.approx(expected, abs=1e-9)
    assert result.model is PowerModel.DI_PRAMPERO_2018


def test_unsorted_times_and_edges_are_refused() -> None:
    with pytest.raises(OutOfOrder):
        speed_load(np.array([0, 2, 1.0]), np.ones(3))
    with pytest.raises(ShapeMismatch):
        bouts(np.ones(2), np.ones(3), 1)
    with pytest.raises(EdgesInvalid):
        speed_load(TENTHS, TENTHS, (7.0, 5.5))
    with pytest.raises(ShapeMismatch):
        metabolic_power(np.ones(2), np.ones(3))


def test_the_scientists_vectors(vectors: dict[str, dict[str, dict[str, list[float]]]]) -> None:
    given = vectors["gps.haversine"]["input"]
    metres = haversine_m((given["a"][0], given["a"][1]), (given["b"][0], given["b"][1]))
    assert metres == pytest.approx(vectors["gps.haversine"]["expected"], abs=1e-6)
    load = accelerometer_load(np.array(vectors["imu.accel_load"]["input"]["xyz"]))
    assert load == pytest.approx(vectors["imu.accel_load"]["expected"], abs=1e-12)
    models = {"2010": PowerModel.OSGNACH_2010, "2018": PowerModel.DI_PRAMPERO_2018}
    for year, model in models.items():
        vector = vectors[f"gps.metabolic_power_{year}"]
        power = metabolic_power(np.array(vector["input"]["v"]), np.array(vector["input"]["a"]), model).w_kg
        assert power == pytest.approx(vector["expected"], abs=1e-9)
