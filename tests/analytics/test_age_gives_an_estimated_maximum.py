"""Maximum heart rate from age: the published lines, and that the answer says it is an estimate."""

from __future__ import annotations

import math

import pytest

from hub.analytics.errors import AnalyticsError, OutOfRange
from hub.analytics.flags import Flag
from hub.analytics.hr_max import HrMaxFormula, estimate_hr_max
from hub.analytics.profile import Sex


@pytest.mark.parametrize(
    ("formula", "at_20", "at_35"),
    [
        (HrMaxFormula.TANAKA, 194.0, 183.5),
        (HrMaxFormula.GELLISH, 193.0, 182.5),
        (HrMaxFormula.NES, 198.2, 188.6),
        (HrMaxFormula.FOX, 200.0, 185.0),
        (HrMaxFormula.GULATI, 188.4, 175.2),
    ],
)
def test_each_line_at_two_ages(formula: HrMaxFormula, at_20: float, at_35: float) -> None:
    assert estimate_hr_max(20, formula, Sex.FEMALE).bpm == pytest.approx(at_20, abs=1e-9)
    assert estimate_hr_max(35, formula, Sex.FEMALE).bpm == pytest.approx(at_35, abs=1e-9)


def test_the_answer_says_that_it_is_an_estimate_and_by_whom() -> None:
    estimate = estimate_hr_max(25)
    assert estimate.flags == (Flag.ESTIMATED,)
    assert estimate.formula is HrMaxFormula.TANAKA
    assert estimate.sd_bpm == 10


def test_a_minor_and_gulatis_line_for_others_than_women_are_flagged() -> None:
    assert Flag.NOT_VALIDATED_FOR_AGE in estimate_hr_max(17.9).flags
    assert Flag.NOT_VALIDATED_FOR_AGE not in estimate_hr_max(18).flags
    assert Flag.NOT_VALIDATED_FOR_SEX in estimate_hr_max(30, HrMaxFormula.GULATI, Sex.MALE).flags
    assert Flag.NOT_VALIDATED_FOR_SEX not in estimate_hr_max(30, HrMaxFormula.GULATI, Sex.FEMALE).flags


@pytest.mark.parametrize("age", [0, -1, 121, math.nan, math.inf])
def test_an_impossible_age_is_refused(age: float) -> None:
    with pytest.raises(OutOfRange, match="age"):
        estimate_hr_max(age)


def test_every_refusal_of_the_formulas_is_a_value_error() -> None:
    assert issubclass(AnalyticsError, ValueError)
    assert str(OutOfRange("age 0 years")) == "The value is outside the formula's range: age 0 years"
