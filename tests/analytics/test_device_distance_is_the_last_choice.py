"""Limits of a club, the device's own counter, and metabolic power over a session."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hub.analytics.catalogue import metric
from hub.analytics.errors import OutOfRange
from hub.analytics.external_load import USUAL_LIMITS, SpeedLimits, device_distance, external_load
from hub.analytics.external_results import external_results
from hub.analytics.flags import Flag
from hub.analytics.metabolic_power import metabolic_power
from hub.analytics.running_power import running_power

SECONDS = np.arange(61.0)
TENTHS = np.arange(601) / 10


def test_the_counter_counts_only_where_there_is_no_speed_and_no_position() -> None:
    counted = {"distance_m": 2.5 * SECONDS}
    alone = external_load(SECONDS, counted, 0, 60.001)
    assert (alone.distance_m, alone.n, alone.flags) == (150, 61, (Flag.DISTANCE_FROM_DEVICE,))
    assert alone.coverage == pytest.approx(1, abs=1e-4)
    assert (alone.high_speed_m, alone.sprints, alone.top_speed_m_s, alone.metres_a_minute) == (None,) * 4
    both = external_load(SECONDS, counted | {"speed_mps": np.full(61, 3.0)}, 0, 60.001)
    assert both.distance_m == pytest.approx(180)
    assert (both.sprints, both.flags) == (0, (Flag.ROUGH,))
    places = {"latitude_deg": 59.9 + SECONDS / 111_195.08, "longitude_deg": np.full(61, 10.0)}
    placed = external_load(SECONDS, counted | places, 0, 60.001)
    assert placed.distance_m == pytest.approx(60, rel=1e-3)
    assert Flag.DISTANCE_FROM_DEVICE not in placed.flags


def test_a_counter_that_falls_began_anew_and_one_that_leaps_earns_nothing() -> None:
    steps = np.full(60, 2.0)
    steps[20], steps[40] = -39.0, 500.0
    metres, covered_s = device_distance(SECONDS, np.concatenate(([0.0], np.cumsum(steps))))
    assert (metres, covered_s) == (116, 58)
    gone = np.where((SECONDS > 9) & (SECONDS < 40), np.nan, SECONDS)
    assert device_distance(SECONDS, gone) == (60, 29)
    assert device_distance(SECONDS, np.full(61, np.nan)) == (0, 0)
    assert device_distance(SECONDS[:1], np.ones(1)) == (0, 0)


def test_the_limits_given_decide_what_is_fast_and_hard() -> None:
    speed = {"speed_mps": 8 * np.sin(math.pi * TENTHS / 20) ** 2}
    usual = external_load(TENTHS, speed, 0, 60)
    slow = external_load(TENTHS, speed, 0, 60, 8.0, SpeedLimits(2.0, 4.0, 0.95, 1.0))
    assert slow.distance_m == usual.distance_m
    assert (slow.high_speed_m or 0) > (usual.high_speed_m or 0) > (usual.sprint_m or 0) > 0
    assert (usual.accelerations, slow.accelerations, slow.decelerations) == (0, 3, 3)
    assert (usual.own_sprints, slow.own_sprints) == (None, 3)


@pytest.mark.parametrize(
    "limits", [(0, 7, 0.85, 3), (7, 5.5, 0.85, 3), (5.5, 13, 0.85, 3), (5.5, 7, 85, 3), (5.5, 7, 0.85, 0),
               (math.nan, 7, 0.85, 3), (5.5, 7, 0.85, math.inf)],
)  # fmt: skip
def test_limits_that_mean_nothing_are_refused(limits: tuple[float, ...]) -> None:
    with pytest.raises(OutOfRange):
        SpeedLimits(*limits)


def test_the_mean_power_of_a_steady_run_is_the_formulas() -> None:
    found = running_power(TENTHS, {"speed_mps": np.full(601, 4.0)}, 0, 120.2)
    (steady,) = metabolic_power(np.array([4.0]), np.array([0.0])).w_kg
    assert found.mean_w_kg == pytest.approx(steady)
    assert found.coverage == pytest.approx(0.5, abs=0.01)
    assert found.flags == (Flag.EXPERIMENTAL,)


def test_a_slow_recording_has_no_power() -> None:
    found = running_power(SECONDS, {"speed_mps": np.full(61, 4.0)}, 0, 60)
    assert (found.mean_w_kg, found.n, found.coverage) == (None, 0, 0)
    assert Flag.TOO_LITTLE_DATA in found.flags
    assert running_power(np.zeros(0), {}, 0, 60).mean_w_kg is None


def test_results_carry_the_limits_they_rest_on() -> None:
    columns = {"speed_mps": np.full(601, 6.0)}
    load = external_load(TENTHS, columns, 0, 60, 7.0, USUAL_LIMITS)
    results = external_results(load, USUAL_LIMITS, 7.0, running_power(TENTHS, columns, 0, 60))
    by_id = {it.metric_id: it for it in results}
    assert by_id["distance"].value == load.distance_m
    assert by_id["high_speed_bouts"].parameters == (("high_speed_m_s", 5.5),)
    assert by_id["own_sprints"].parameters == (("own_top_m_s", 7.0), ("share", 0.85))
    assert by_id["own_sprints"].value == 1
    assert Flag.EXPERIMENTAL in by_id["metabolic_power"].flags
    assert all(
        (it.unit, it.version) == (metric(it.metric_id).unit, metric(it.metric_id).version) for it in results
    )
    assert "metabolic_power" not in {it.metric_id for it in external_results(load, USUAL_LIMITS)}
