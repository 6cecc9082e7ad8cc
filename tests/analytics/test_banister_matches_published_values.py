"""Banister TRIMP against the published session, other runtimes' numbers and the closed form.

Constants were computed outside this project; the published one is Clarke and Skiba (2013), their
spreadsheet's session of 60.46 min at a mean of 137.76 bpm.
"""

from __future__ import annotations

import math

import pytest

from hub.analytics.profile import HeartProfile, Sex
from hub.analytics.trimp import banister_au_per_min, reserve_fraction
from tests.analytics.series import MAN, WOMAN, each_second, load_of

INTERVALS = ([190] * 240 + [110] * 240) * 4
"""4 x (4 min at 190, 4 min at 110), a sample a second."""


def per_min(bpm: float, profile: HeartProfile) -> float:
    value = banister_au_per_min(bpm, profile)
    assert value is not None
    return value


def test_the_published_session_in_its_mean_form() -> None:
    published = HeartProfile(Sex.MALE, 190, 45)
    assert 60.46471 * per_min(137.7619718309859, published) == pytest.approx(84.5524682840095, abs=1e-9)


def test_five_stages_of_two_minutes_for_a_man() -> None:
    stages = [120, 150, 180, 165, 130]
    assert sum(2 * per_min(bpm, MAN) for bpm in stages) == pytest.approx(15.488092621675213, abs=1e-9)


def test_women_have_their_own_two_constants() -> None:
    assert 10 * per_min(149, WOMAN) == pytest.approx(15.80614846238315, abs=1e-9)


def test_reserve_fraction_is_karvonens_and_is_clipped() -> None:
    assert reserve_fraction(144, 60, 200) == pytest.approx(0.6)
    assert reserve_fraction(40, 60, 200) == 0
    assert reserve_fraction(230, 60, 200) == 1


def test_rates_outside_rest_and_max_count_as_rest_and_max() -> None:
    minutes = sum(per_min(bpm, MAN) for bpm in (40, 60, 200, 230))
    assert minutes == pytest.approx(8.73082684069216, abs=1e-9)


def test_intervals_are_credited_sample_by_sample() -> None:
    # one closing sample makes the series periodic, and the trapezium rule exact
    load = load_of(each_second([*INTERVALS, INTERVALS[0]]))
    assert load.banister_au == pytest.approx(63.805913091554466, abs=1e-9)


def test_the_mean_of_the_same_intervals_would_lose_29_percent() -> None:
    mean = sum(INTERVALS) / len(INTERVALS)
    from_mean = 32 * per_min(mean, MAN)
    assert from_mean == pytest.approx(45.23638596283899, abs=1e-9)
    assert from_mean / 63.805913091554466 == pytest.approx(0.709, abs=1e-3)


@pytest.mark.parametrize(("profile", "b", "k"), [(MAN, 0.64, 1.92), (WOMAN, 0.86, 1.67)])
def test_a_steady_hour_is_the_closed_form(profile: HeartProfile, b: float, k: float) -> None:
    load = load_of(each_second([151] * 3601), profile)
    x = (151 - 60) / 140
    assert load.banister_au == pytest.approx(60 * x * b * math.exp(k * x), rel=1e-12)
    assert load.mean_bpm == pytest.approx(151)
    assert load.max_bpm == 151
    assert load.covered_s == 3600


def test_ten_times_the_samples_are_not_ten_times_the_load() -> None:
    once = load_of(each_second([150] * 601)).banister_au
    dense = load_of([(at, 150) for at in range(0, 600_001, 100)]).banister_au
    assert dense == pytest.approx(once)
