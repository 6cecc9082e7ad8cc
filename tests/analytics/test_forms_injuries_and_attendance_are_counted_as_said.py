"""Wellness forms, injuries, attendance and control charts: published examples and closed forms."""

from __future__ import annotations

import math
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.analytics.anomalies import ewma_chart, robust_z
from hub.analytics.attendance import Availability, PlannedSession, attendance, presence_intervals
from hub.analytics.errors import OutOfRange, ShapeMismatch
from hub.analytics.flags import Flag
from hub.analytics.injuries import (
    burden_days_per_1000_h,
    episodes,
    incidence,
    poisson_interval,
    severity_band,
)
from hub.analytics.wellness import Scale, own_z, wellness_total

DAY = date(2026, 3, 1)


def test_the_two_forms_add_up_and_point_opposite_ways() -> None:
    hooper = {"sleep": 3, "stress": 4, "fatigue": 2, "soreness": 3}
    mclean = {"fatigue": 3, "sleep": 4, "soreness": 2, "stress": 4, "mood": 4}
    assert wellness_total(Scale.HOOPER, hooper).points == 12
    assert wellness_total(Scale.MCLEAN, mclean).points == 17
    assert (Scale.HOOPER.higher_is_better, Scale.MCLEAN.higher_is_better) == (False, True)


def test_a_partial_form_has_no_total() -> None:
    total = wellness_total(Scale.MCLEAN, {"fatigue": 3, "sleep": 4, "soreness": None, "stress": 4, "mood": 4})
    assert (total.points, total.n, total.coverage, total.flags) == (None, 4, 0.8, (Flag.ITEMS_MISSING,))


@pytest.mark.parametrize("answers", [{"mood": 3}, {"sleep": 0}, {"sleep": 8}, {"sleep": math.nan}])
def test_answers_the_form_does_not_know_are_refused(answers: dict[str, float]) -> None:
    with pytest.raises(OutOfRange):
        wellness_total(Scale.HOOPER, answers)


def test_a_days_answer_is_held_against_the_athletes_own_days() -> None:
    before = np.array([100.0, *[2, 4] * 14])  # the 29th day back no longer counts
    score = own_z(before, 5, higher_is_better=False)
    assert score.z == pytest.approx(2 / math.sqrt(28 / 27))
    assert score.good_z == pytest.approx(-2 / math.sqrt(28 / 27))
    assert (score.n, score.coverage) == (28, 1.0)


def test_steady_answers_use_the_smallest_scale_and_few_answers_none() -> None:
    steady = own_z(np.full(28, 3.0), 2, higher_is_better=True)
    assert (steady.z, steady.flags) == (-2, (Flag.MINIMUM_SCALE_USED,))
    assert own_z(np.array([*[3.0] * 9, math.nan]), 2, higher_is_better=True).z is None
    assert own_z(np.full(28, 3.0), None, higher_is_better=True).flags == (Flag.ITEMS_MISSING,)


def test_no_injury_in_800_hours_is_not_no_risk() -> None:
    none = incidence(0, 800)
    assert (none.per_1000_h, none.lo) == (0, 0)
    assert none.hi == pytest.approx(4.611099317642419, abs=1e-9)
    assert none.hi == pytest.approx(-math.log(0.025) / 0.8)


def test_the_interval_is_the_printed_table_of_garwood() -> None:
    for count, lo, hi in ((1, 0.0253, 5.5716), (5, 1.6235, 11.6683), (10, 4.7954, 18.3904)):
        assert poisson_interval(count) == pytest.approx((lo, hi), abs=6e-5)


@given(st.integers(0, 300), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_the_count_lies_in_its_interval_and_each_tail_is_half_of_the_rest(n: int, confidence: float) -> None:
    lo, hi = poisson_interval(n, confidence)
    assert lo <= n <= hi
    upper_tail = sum(math.exp(k * math.log(hi) - hi - math.lgamma(k + 1)) for k in range(n + 1))
    assert upper_tail == pytest.approx((1 - confidence) / 2, rel=1e-6)


def test_without_exposure_there_is_no_rate() -> None:
    assert incidence(2, 0).flags == (Flag.NO_EXPOSURE,)
    assert incidence(2, 0).per_1000_h is None
    assert burden_days_per_1000_h(60, 0) is None
    assert burden_days_per_1000_h(60, 2500) == 24
    for count, hours, confidence in ((-1, 10.0, 0.95), (1, -1.0, 0.95), (1, math.nan, 0.95), (1, 10.0, 1.0)):
        with pytest.raises(OutOfRange):
            incidence(count, hours, confidence)
    with pytest.raises(OutOfRange):
        burden_days_per_1000_h(-1, 1)


def test_severity_bands_end_where_they_say() -> None:
    bands = [severity_band(days) for days in (0, 1, 7, 8, 28, 29)]
    assert bands == ["0", "1-7", "1-7", "8-28", "8-28", ">28"]


def test_daily_reports_are_few_episodes() -> None:
    days = [DAY + timedelta(days=n) for n in (0, 1, 3, 6, 13, 13)]
    assert [(it.first, it.days) for it in episodes(reversed(days), 3)] == [
        (days[0], 3),
        (days[3], 1),
        (days[4], 1),
    ]
    assert len(episodes(days, 7)) == 2
    assert episodes([], 7) == []
    with pytest.raises(OutOfRange):
        episodes(days, 0)


def test_attendance_counts_illness_apart_from_absence() -> None:
    planned = [
        PlannedSession(0, Availability.AVAILABLE, None),
        PlannedSession(100_000, Availability.AVAILABLE, 100_000),
        PlannedSession(200_000, Availability.INJURED, None),
        PlannedSession(300_000, Availability.ON_DUTY, 420_000),
        PlannedSession(400_000, Availability.AVAILABLE, 430_000),
    ]
    result = attendance(planned, grace_s=60)
    assert (result.availability_percent, result.participation_percent) == (80, 75)
    assert result.late_percent == pytest.approx(100 / 3)
    assert (result.mean_lateness_s, result.streak, result.n_late, result.n) == (120, 3, 1, 5)
    assert attendance(planned[::-1], grace_s=60) == result


def test_nothing_planned_is_no_percentage() -> None:
    nothing = attendance([])
    assert (nothing.availability_percent, nothing.participation_percent, nothing.late_percent) == (None,) * 3
    with pytest.raises(OutOfRange):
        attendance([], grace_s=-1)


def test_a_short_silence_does_not_end_a_stay() -> None:
    assert presence_intervals([70_000, 0, 10_000, 131_000], 60_000) == [(0, 70_000), (131_000, 131_000)]
    assert presence_intervals([], 0) == []
    with pytest.raises(OutOfRange):
        presence_intervals([1], -1)


def test_a_robust_score_ignores_one_wild_day() -> None:
    score = robust_z(np.array([*range(1, 20), 1000.0]), 40)
    assert score.z == pytest.approx((40 - 10.5) / (1.4826 * 5))
    assert score.is_unusual
    assert not robust_z(np.arange(1.0, 20), 12).is_unusual


def test_no_spread_is_undefined_or_has_a_smallest_scale() -> None:
    steady = np.full(14, 3.0)
    assert (robust_z(steady, 2).z, robust_z(steady, 2).flags) == (None, (Flag.NO_SPREAD,))
    assert robust_z(steady, 2, 0.5).z == -2
    assert robust_z(steady[:13], 2).flags == (Flag.TOO_LITTLE_DATA,)
    assert robust_z(np.zeros(0), 2).coverage == 0
    for today, scale in ((math.nan, None), (2.0, 0.0)):
        with pytest.raises(OutOfRange):
            robust_z(steady, today, scale)


def test_the_chart_has_closed_limits_and_alarms_both_ways() -> None:
    for shift in (1.0, -1.0):
        chart = ewma_chart(np.full(40, 10 + shift), 10, 1)
        assert chart.smoothed[-1] == pytest.approx(10 + shift * (1 - 0.9**40))
        assert chart.upper[0] == pytest.approx(10.27)
        assert chart.upper[-1] == pytest.approx(10 + 2.7 * math.sqrt(0.1 / 1.9), abs=1e-3)
        assert chart.is_out[-1]
        assert not chart.is_out[0]


def test_a_day_without_a_value_moves_nothing() -> None:
    chart = ewma_chart(np.array([math.nan, 11, math.nan]), 10, 1)
    assert chart.smoothed == pytest.approx([10, 10.1, 10.1])
    assert (chart.upper[0], chart.n) == (10, 1)
    with pytest.raises(OutOfRange):
        ewma_chart(np.ones(2), 10, 0)
    with pytest.raises(ShapeMismatch):
        ewma_chart(np.ones((2, 2)), 10, 1)
