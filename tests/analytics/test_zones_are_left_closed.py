"""Zones and Edwards TRIMP: every edge belongs to the upper zone, and zone 0 is counted."""

from __future__ import annotations

import pytest

from hub.analytics.profile import HeartProfile
from hub.analytics.zones import zone_of
from tests.analytics.series import each_second, load_of

ONLY_MAX = HeartProfile(hr_max_bpm=200)


@pytest.mark.parametrize(("edge_bpm", "zone"), [(100, 1), (120, 2), (140, 3), (160, 4), (180, 5)])
def test_a_rate_on_an_edge_is_in_the_upper_zone(edge_bpm: int, zone: int) -> None:
    assert zone_of(edge_bpm, 200) == zone
    assert zone_of(edge_bpm - 1, 200) == zone - 1
    assert zone_of(edge_bpm - 0.001, 200) == zone - 1


@pytest.mark.parametrize("bpm", [200, 201, 255])
def test_at_and_above_the_maximum_it_stays_zone_5(bpm: int) -> None:
    assert zone_of(bpm, 200) == 5


@pytest.mark.parametrize("hr_max", range(150, 231))
def test_an_edge_that_is_a_whole_number_holds_for_every_maximum(hr_max: int) -> None:
    for zone, tenths in enumerate((5, 6, 7, 8, 9), start=1):
        if hr_max * tenths % 10 == 0:
            assert zone_of(hr_max * tenths // 10, hr_max) == zone


def test_edwards_weighs_minutes_by_zone() -> None:
    # minutes 5, 10, 20, 30, 15, 5 below 50 % and in zones 1 to 5; edges cost half a second on each side
    minutes = zip((5, 10, 20, 30, 15, 5), (90, 110, 130, 150, 170, 190), strict=True)
    load = load_of(each_second([bpm for count, bpm in minutes for _ in range(count * 60)]), ONLY_MAX)
    assert load.edwards_au == pytest.approx(225.0, abs=0.1)
    assert sum(load.zone_s) == pytest.approx(load.covered_s)
    assert load.zone_s == pytest.approx([300, 600, 1200, 1800, 900, 300], abs=1)


def test_edwards_needs_only_the_maximum() -> None:
    load = load_of(each_second([150] * 61), ONLY_MAX)
    assert load.edwards_au == pytest.approx(3.0)
    assert load.banister_au is None


def test_time_below_half_the_maximum_is_kept_as_zone_0_and_earns_nothing() -> None:
    load = load_of(each_second([80] * 61), ONLY_MAX)
    assert load.zone_s[0] == 60
    assert load.edwards_au == 0
