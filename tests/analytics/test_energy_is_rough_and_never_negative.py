"""Keytel's energy against worked examples of both sexes, and the reservations it carries."""

from __future__ import annotations

import numpy as np
import pytest

from hub.analytics.energy import energy, keytel_kj_per_min, vo2max_ml_min_kg
from hub.analytics.errors import OutOfRange, ProfileIncomplete
from hub.analytics.flags import Flag
from hub.analytics.profile import Sex

HALF_HOUR = np.arange(1801, dtype=np.int64) * 1000


@pytest.mark.parametrize(
    ("sex", "mass_kg", "age", "kcal"),
    [(Sex.MALE, 75, 35, 441.02007648183564), (Sex.FEMALE, 62, 24, 291.27533460803056)],
)
def test_half_an_hour_at_150(sex: Sex, mass_kg: float, age: float, kcal: float) -> None:
    result = energy(HALF_HOUR, np.full(1801, 150), sex, mass_kg, age, 0, 1_800_001)
    assert result.kcal == pytest.approx(kcal, abs=1e-9)
    assert result.kj == pytest.approx(kcal * 4.184, abs=1e-9)
    assert result.flags == (Flag.ROUGH,)


def test_a_heavier_woman_spends_less_as_published() -> None:
    light = keytel_kj_per_min(np.array([150.0]), Sex.FEMALE, 60, 25)
    heavy = keytel_kj_per_min(np.array([150.0]), Sex.FEMALE, 70, 25)
    assert light is not None
    assert heavy is not None
    assert heavy[0] - light[0] == pytest.approx(-1.263)


def test_below_zero_is_zero_and_said() -> None:
    result = energy(HALF_HOUR, np.full(1801, 40), Sex.MALE, 75, 35, 0, 1_800_001)
    assert result.kj == 0
    assert Flag.NEGATIVE_SET_TO_ZERO in result.flags


def test_without_a_sex_there_is_no_energy() -> None:
    result = energy(HALF_HOUR, np.full(1801, 150), Sex.UNKNOWN, 75, 35, 0, 1_800_001)
    assert (result.kj, result.kcal) == (None, None)
    assert Flag.SEX_UNKNOWN in result.flags


def test_other_ages_and_intensities_than_the_fitted_are_said() -> None:
    def flags(age: float, bpm: int) -> tuple[Flag, ...]:
        return energy(HALF_HOUR, np.full(1801, bpm), Sex.MALE, 75, age, 0, 1_800_001, hr_max_bpm=200).flags

    assert flags(18, 114) == flags(45, 180) == (Flag.ROUGH,)
    assert Flag.NOT_VALIDATED_FOR_AGE in flags(17, 150)
    assert Flag.NOT_VALIDATED_FOR_AGE in flags(46, 150)
    assert Flag.OUTSIDE_FITTED_RANGE in flags(30, 113)
    assert Flag.OUTSIDE_FITTED_RANGE in flags(30, 181)


def test_nothing_recorded_is_no_energy_with_no_coverage() -> None:
    result = energy(np.zeros(0, np.int64), np.zeros(0), Sex.MALE, 75, 35, 0, 60_000)
    assert (result.kj, result.coverage, result.n) == (0, 0, 0)


@pytest.mark.parametrize(("mass_kg", "age"), [(0, 30), (300, 30), (75, 0), (75, 130), (float("nan"), 30)])
def test_impossible_people_are_refused(mass_kg: float, age: float) -> None:
    with pytest.raises(OutOfRange):
        keytel_kj_per_min(np.array([150.0]), Sex.MALE, mass_kg, age)


def test_uths_ratio() -> None:
    assert vo2max_ml_min_kg(190, 50) == pytest.approx(58.14)
    with pytest.raises(ProfileIncomplete):
        vo2max_ml_min_kg(50, 50)
