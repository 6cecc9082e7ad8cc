"""Zones of one's own: edges in four units, each left-closed, with time credited exactly as the load's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.analytics.credit import credited_time
from hub.analytics.custom_zones import (
    EdgeUnit,
    ZoneEdges,
    edges_in_bpm,
    target_bpm,
    time_in_zones,
    zone_between,
)
from hub.analytics.errors import EdgesInvalid, ProfileIncomplete, ShapeMismatch
from hub.analytics.flags import Flag
from hub.analytics.load import session_load
from hub.analytics.profile import HeartProfile, Sex
from tests.analytics.series import MAN

STANDARD = ZoneEdges(EdgeUnit.PERCENT_HR_MAX, (50, 60, 70, 80, 90))
SAMPLES = st.lists(st.tuples(st.integers(0, 400_000), st.integers(-1, 255)), max_size=80)


def test_a_target_is_karvonens() -> None:
    assert target_bpm(0.6, 60, 200) == pytest.approx(144)
    with pytest.raises(ProfileIncomplete):
        target_bpm(0.6, 60, 60)


@pytest.mark.parametrize(
    ("unit", "edges", "expected"),
    [
        (EdgeUnit.BPM, (120, 150.5), (120, 150.5)),
        (EdgeUnit.PERCENT_HR_MAX, (50, 75), (100, 150)),
        (EdgeUnit.PERCENT_RESERVE, (50, 75), (130, 165)),
        (EdgeUnit.PERCENT_LTHR, (80, 100), (136, 170)),
    ],
)
def test_edges_in_each_unit(unit: EdgeUnit, edges: tuple[float, ...], expected: tuple[float, ...]) -> None:
    assert edges_in_bpm(ZoneEdges(unit, edges), MAN, lthr_bpm=170) == expected


@pytest.mark.parametrize("edges", [(), (120, 120), (130, 120), (0, 1), (math.nan,), (100, math.inf), (-5, 5)])
def test_edges_that_do_not_rise_are_refused(edges: tuple[float, ...]) -> None:
    with pytest.raises(EdgesInvalid):
        ZoneEdges(EdgeUnit.BPM, edges)


@pytest.mark.parametrize(
    ("unit", "profile"),
    [
        (EdgeUnit.PERCENT_HR_MAX, HeartProfile()),
        (EdgeUnit.PERCENT_RESERVE, HeartProfile(Sex.MALE, 200, None)),
        (EdgeUnit.PERCENT_RESERVE, HeartProfile(Sex.MALE, 60, 60)),
        (EdgeUnit.PERCENT_LTHR, MAN),
    ],
)
def test_an_edge_relative_to_something_unknown_is_refused(unit: EdgeUnit, profile: HeartProfile) -> None:
    with pytest.raises(ProfileIncomplete):
        edges_in_bpm(ZoneEdges(unit, (50, 60)), profile)


def test_an_edge_belongs_to_the_zone_above_it() -> None:
    assert [zone_between(bpm, (100, 120)) for bpm in (99, 100, 119, 120, 250)] == [0, 1, 1, 2, 2]


@given(SAMPLES, st.integers(100, 230), st.integers(0, 200_000))
def test_the_standard_edges_give_the_standard_zones_and_the_same_credited_time(
    samples: list[tuple[int, int]], hr_max: int, from_ms: int
) -> None:
    at_ms = np.array([at for at, _ in samples], dtype=np.int64)
    bpm = np.array([rate for _, rate in samples], dtype=np.int16)
    profile = HeartProfile(hr_max_bpm=hr_max)
    load = session_load(at_ms, bpm, profile, from_ms, 300_000)
    zones = time_in_zones(at_ms, bpm, STANDARD, profile, from_ms, 300_000)
    assert zones.zone_s == load.zone_s
    assert (zones.covered_s, zones.estimated_s, zones.coverage, zones.n) == (
        load.covered_s,
        load.estimated_s,
        load.coverage,
        load.n,
    )
    assert sum(zones.zone_s) == pytest.approx(zones.covered_s)


def test_a_gap_over_a_minute_earns_nothing_and_one_over_ten_seconds_is_flagged() -> None:
    at_ms = np.array([0, 5_000, 25_000, 95_001], dtype=np.int64)
    zones = time_in_zones(at_ms, np.full(4, 130), ZoneEdges(EdgeUnit.BPM, (120,)), MAN, 0, 100_000)
    assert zones.zone_s == (0.0, 25.0)
    assert zones.estimated_s == 20
    assert zones.coverage == 0.25
    assert zones.flags == (Flag.PARTLY_ESTIMATED,)


def test_nan_and_zero_are_gaps_and_a_rate_above_the_maximum_is_flagged() -> None:
    at_ms = np.arange(5, dtype=np.int64) * 1000
    zones = time_in_zones(at_ms, np.array([150, math.nan, 0, 230, 150.0]), STANDARD, MAN, 0, 5_000)
    assert (zones.n, zones.covered_s) == (3, 4.0)
    assert zones.flags == (Flag.ABOVE_MAX,)


def test_nothing_and_one_sample_span_no_time() -> None:
    for n in (0, 1):
        zones = time_in_zones(np.zeros(n, np.int64), np.full(n, 150), STANDARD, MAN, 0, 1_000)
        assert (zones.n, zones.coverage, sum(zones.zone_s)) == (n, 0.0, 0.0)


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ShapeMismatch):
        credited_time(np.zeros(2, np.int64), np.zeros(3), 0, 1)
