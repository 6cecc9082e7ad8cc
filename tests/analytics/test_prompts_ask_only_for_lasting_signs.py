"""When a talk is worth asking for: two kinds of sign, three days, two readings, and never a verdict."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from hub.analytics.errors import OutOfRange, ShapeMismatch
from hub.analytics.hrv import swc_band
from hub.analytics.prompts import (
    Kind,
    Sign,
    Usual,
    conversation_prompt,
    effort_sign,
    heart_rate_sign,
    lasting_sign,
    performance_sign,
    variability_sign,
    wellness_sign,
)

NO = np.nan
REST = Usual(50, 4)
BAND = swc_band(np.array([4.0, 4.2] * 14))


def resting(*bpm: float) -> Sign:
    return heart_rate_sign(np.array(bpm), REST)


def wellness(*low_items: float) -> Sign:
    """Four items a day, of which so many are low; NaN is a day without a form."""
    days = [[-2.0] * int(n) + [0.0] * (4 - int(n)) if n == n else [NO] * 4 for n in low_items]
    return wellness_sign(np.array(days).T)


def test_two_kinds_that_last_are_worth_asking_about() -> None:
    prompt = conversation_prompt([resting(50, 50, 58, 57, 58), wellness(0, 0, 2, NO, 3)])
    assert prompt is not None
    assert prompt.n == 2
    assert prompt.headline.startswith("Worth asking")
    assert [fact.text for fact in prompt.facts] == [
        "Resting heart rate 58.0 bpm, above own limit 54.0 bpm, for 3 days (3 readings)",
        "Wellness items below -1.5 SD: 3 on the last day, for 3 days (2 readings)",
    ]


def test_one_kind_alone_is_never_enough_however_many_signs_it_has() -> None:
    rest = resting(58, 58, 58, 58)
    hrex = heart_rate_sign(np.array([160.0, 160, 160, 160]), Usual(150, 3), "HRex")
    assert conversation_prompt([rest, hrex]) is None
    prompt = conversation_prompt([rest, hrex, wellness(2, 2, 2, 2)])
    assert prompt is not None
    assert (prompt.n, len(prompt.facts)) == (2, 3)


@pytest.mark.parametrize(
    ("bpm", "days"),
    [
        ((58, 58, 58), 3),
        ((58, NO, 58), 3),
        ((58, 50, 58, 58, 58), 3),
        ((58, 58), None),
        ((NO, NO, 58), None),
        ((58, 58, 58, 50), None),
        ((58, 58, 58, NO), 3),
        ((42, 58, 58), None),
        ((42, 42, 42), 3),
        ((58, 58, 58, *[NO] * 8), None),
        ((58, *[NO] * 8, 58), None),
        ((58, *[NO] * 6, 58), 8),
        ((NO, NO, NO), None),
        ((), None),
    ],
    ids=[
        "three days", "two readings over three days", "a new run", "two days", "one reading", "back to usual",
        "no reading today", "changed sides", "below counts too", "old news", "silence ends a run",
        "a week without", "no readings", "no days",
    ],
)  # fmt: skip
def test_a_run_is_three_days_and_two_readings_up_to_the_latest(
    bpm: Sequence[float], days: int | None
) -> None:
    found = lasting_sign(resting(*bpm))
    assert (found.days if found else None) == days


def test_a_value_on_the_limit_is_within_it() -> None:
    assert lasting_sign(resting(54, 54, 54)) is None
    assert lasting_sign(resting(46, 46, 46)) is None


def test_the_weeks_variability_counts_on_both_sides_of_the_own_band() -> None:
    for level, word in ((3.2, "below"), (5.0, "above")):
        found = lasting_sign(variability_sign(np.full(9, level), BAND))
        assert found is not None
        assert word in found.text
        assert f"7-day lnRMSSD {level:.2f} ln ms" in found.text
        assert found.readings == 7, "the first two days have too few readings for a week"
    assert lasting_sign(variability_sign(np.full(9, 4.1), BAND)) is None


def test_without_a_band_or_readings_variability_says_nothing() -> None:
    assert lasting_sign(variability_sign(np.full(9, 3.0), swc_band(np.array([4.0])))) is None
    assert lasting_sign(variability_sign(np.full(9, NO), BAND)) is None


def test_one_low_item_is_no_sign_and_a_missing_form_is_no_reading() -> None:
    assert lasting_sign(wellness(1, 1, 1, 1)) is None
    assert np.isnan(wellness(NO, 2).side[0])


def test_effort_counts_against_the_own_ninetieth_percentile_of_the_days_before() -> None:
    load = np.full(30, 100.0)
    usual = np.tile([380.0, 400, 420], 9)
    found = lasting_sign(effort_sign(np.concatenate([usual, [600, 610, 620]]), load))
    assert found is not None
    assert (found.kind, found.days) == (Kind.EFFORT, 3)
    assert "sRPE:TRIMP ratio 6.20" in found.text
    assert lasting_sign(effort_sign(np.concatenate([usual, [400, 400, 400]]), load)) is None


def test_a_day_without_a_morning_reading_is_none_of_variability() -> None:
    daily = np.array([*[3.2] * 8, NO, NO])
    assert np.flatnonzero(np.isnan(variability_sign(daily, BAND).side)).tolist() == [0, 1, 8, 9]


def test_a_day_is_not_part_of_the_history_it_is_held_against() -> None:
    efforts = np.arange(80.0) ** 2
    limit = effort_sign(efforts, np.ones(80)).hi
    assert np.isnan(limit[:14]).all()
    assert limit[14] == np.quantile(efforts[:14], 0.9)
    assert limit[79] == np.quantile(efforts[19:79], 0.9)


def test_effort_needs_a_history_and_a_load_to_divide_by() -> None:
    assert lasting_sign(effort_sign(np.array([400.0] * 10 + [900] * 3), np.full(13, 100.0))) is None
    assert np.isnan(effort_sign(np.full(20, 400.0), np.zeros(20)).side).all()
    assert len(effort_sign(np.array([]), np.array([])).side) == 0


def test_a_worse_test_counts_and_a_better_one_does_not() -> None:
    jump = Usual(40, 2)
    assert lasting_sign(performance_sign(np.array([37.0, NO, 36]), jump, "cm")) is not None
    assert lasting_sign(performance_sign(np.array([44.0, NO, 45]), jump, "cm")) is None
    sprint = Usual(1.80, 0.05)
    slow = lasting_sign(performance_sign(np.array([1.9, NO, 1.92]), sprint, "s", higher_is_better=False))
    assert slow is not None
    assert "above" in slow.text


def test_no_text_names_a_condition() -> None:
    prompt = conversation_prompt(
        [
            resting(58, 58, 58, 58, 58, 58, 58),
            wellness(2, 2, 2, 2, 2, 2, 2),
            variability_sign(np.full(7, 3.0), BAND),
            performance_sign(np.array([NO, NO, 30, NO, NO, 31, NO]), Usual(40, 2), "cm"),
        ]
    )
    assert prompt is not None
    assert prompt.n == 4
    said = " ".join([prompt.headline, *(fact.text for fact in prompt.facts)]).lower()
    assert not [word for word in ("overtrain", "overreach", "injur", "risk", "sick", "must") if word in said]
    assert all(any(letter.isdigit() for letter in fact.text) for fact in prompt.facts)


def test_no_signs_give_no_prompt() -> None:
    assert conversation_prompt([]) is None
    assert conversation_prompt([resting(), wellness_sign(np.zeros((4, 0)))]) is None


def test_bad_shapes_and_errors_are_refused() -> None:
    with pytest.raises(ShapeMismatch):
        conversation_prompt([resting(50, 50), resting(50)])
    with pytest.raises(ShapeMismatch):
        wellness_sign(np.zeros(3))
    with pytest.raises(ShapeMismatch):
        heart_rate_sign(np.zeros((2, 2)), REST)
    with pytest.raises(ShapeMismatch):
        effort_sign(np.zeros(3), np.zeros(2))
    for level, error in ((50, 0), (50, -1), (NO, 1), (50, NO)):
        with pytest.raises(OutOfRange):
            Usual(level, error)


def test_infinite_values_are_no_reading() -> None:
    assert lasting_sign(resting(np.inf, np.inf, np.inf)) is None
