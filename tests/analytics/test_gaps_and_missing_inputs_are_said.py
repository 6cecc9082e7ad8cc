"""What is not known is None, what was not heard is coverage: no load is guessed."""

from __future__ import annotations

import numpy as np
import pytest

from hub.analytics.credit import coverage_of
from hub.analytics.load import session_load
from hub.analytics.profile import HeartProfile, Sex
from tests.analytics.series import MAN, each_second, load_of


def test_no_sample_is_no_load_and_no_mean() -> None:
    load = load_of([], elapsed_ms=60_000)
    assert (load.banister_au, load.edwards_au, load.mean_bpm, load.max_bpm) == (0.0, 0.0, None, None)
    assert (load.n, load.coverage, load.elapsed_s) == (0, 0.0, 60.0)


def test_one_sample_spans_no_time() -> None:
    load = load_of([(5_000, 150)], elapsed_ms=60_000)
    assert (load.banister_au, load.covered_s, load.max_bpm, load.n) == (0.0, 0.0, 150, 1)
    assert load.mean_bpm is None


@pytest.mark.parametrize(
    ("gap_ms", "covered_s", "estimated_s"),
    [
        (10_000, 10.0, 0.0),
        (10_001, 10.001, 10.001),
        (60_000, 60.0, 60.0),
        (60_001, 0.0, 0.0),
    ],
)
def test_a_gap_is_bridged_to_10_s_estimated_to_60_s_and_then_lost(
    gap_ms: int, covered_s: float, estimated_s: float
) -> None:
    load = load_of([(0, 150), (gap_ms, 150)])
    assert load.covered_s == pytest.approx(covered_s)
    assert load.estimated_s == pytest.approx(estimated_s)


def test_a_bridge_is_straight_in_the_kernel() -> None:
    ends = [load_of(each_second([bpm] * 61)).banister_au or 0 for bpm in (120, 180)]
    bridged = load_of([(0, 120), (60_000, 180)])
    assert bridged.banister_au == pytest.approx(sum(ends) / 2)


def test_a_zero_is_a_gap_and_not_a_heart_at_rest() -> None:
    with_zeros = load_of([(0, 150), (1_000, 0), (2_000, 150)])
    assert with_zeros == load_of([(0, 150), (2_000, 150)])


def test_a_lost_quarter_of_an_hour_lowers_coverage_and_is_not_extrapolated() -> None:
    kept = [sample for sample in each_second([150] * 3601) if not 600_000 < sample[0] < 1_500_000]
    load = load_of(kept, elapsed_ms=3_600_001)
    assert load.coverage == pytest.approx(0.75, abs=1e-3)
    assert load.banister_au == pytest.approx(0.75 * (load_of(each_second([150] * 3601)).banister_au or 0))


def test_samples_outside_the_session_do_not_count_and_its_end_is_open() -> None:
    at_ms, bpm = np.array([999, 1_000, 2_000, 3_000], np.int64), np.full(4, 150, np.int16)
    load = session_load(at_ms, bpm, MAN, 1_000, 3_000)
    assert (load.n, load.covered_s, load.coverage) == (2, 1.0, 0.5)


def test_time_above_the_maximum_is_flagged() -> None:
    load = load_of(each_second([205] * 11))
    assert load.above_max_s == pytest.approx(10)
    assert load_of(each_second([200] * 11)).above_max_s == 0


@pytest.mark.parametrize(
    "profile",
    [
        HeartProfile(Sex.UNKNOWN, 200, 60),
        HeartProfile(Sex.MALE, None, 60),
        HeartProfile(Sex.MALE, 200, None),
        HeartProfile(Sex.FEMALE, 60, 60),
        HeartProfile(),
    ],
)
def test_without_sex_maximum_or_rest_there_is_no_banister_value(profile: HeartProfile) -> None:
    load = load_of(each_second([150] * 61), profile)
    assert load.banister_au is None
    assert (load.edwards_au is None) == (profile.hr_max_bpm is None)
    assert load.mean_bpm == pytest.approx(150)


def test_order_of_arrival_does_not_matter_and_the_first_of_two_at_once_counts() -> None:
    assert load_of([(2_000, 170), (0, 150), (1_000, 160)]) == load_of([(0, 150), (1_000, 160), (2_000, 170)])
    assert load_of([(0, 150), (1_000, 160), (1_000, 90)]) == load_of([(0, 150), (1_000, 160)])


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        session_load(np.zeros(2, np.int64), np.zeros(3, np.int16), MAN, 0, 1)


def test_coverage_is_a_share() -> None:
    assert (coverage_of(5, 10), coverage_of(11, 10), coverage_of(5, 0), coverage_of(0, -1)) == (0.5, 1, 0, 0)
