"""A session's results against the single formulas, against their histogram, and with bad input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.analytics.custom_zones import EdgeUnit, ZoneEdges, time_in_zones
from hub.analytics.energy import energy
from hub.analytics.errors import AnalyticsError, OutOfRange, ShapeMismatch
from hub.analytics.flags import Flag
from hub.analytics.histogram import heart_histogram
from hub.analytics.load import session_load
from hub.analytics.parameters import Parameters
from hub.analytics.profile import HeartProfile, Sex
from hub.analytics.result import Result
from hub.analytics.session_results import STANDARD_ZONES, results_from_histogram, session_results
from hub.analytics.threshold_trimp import itrimp_load, lucia_load
from hub.analytics.zones import zone_of
from tests.analytics.series import FIT, FULLY_TESTED, ON

EMPTY = np.array([], dtype=np.int64)


def by_id(results: Sequence[Result]) -> dict[str, Result]:
    found = {it.metric_id: it for it in results}
    assert len(found) == len(results), "one result a metric"
    return found


def steady(
    bpm: float, parameters: Parameters = FULLY_TESTED, seconds: int = 600, **tests: Any
) -> dict[str, Result]:
    at_ms = np.arange(seconds + 1) * 1000
    return by_id(
        session_results(at_ms, np.full(seconds + 1, bpm), parameters, 0, seconds * 1000 + 1, ON, **tests)
    )


samples = st.lists(
    st.tuples(st.integers(0, 400_000), st.sampled_from([0, *range(40, 256)])), min_size=0, max_size=80
)
people = st.builds(
    Parameters,
    heart=st.builds(
        HeartProfile,
        st.sampled_from(Sex),
        st.none() | st.integers(150, 220),
        st.none() | st.integers(35, 90),
    ),
    vt1_bpm=st.none() | st.integers(110, 140),
    vt2_bpm=st.none() | st.integers(145, 180),
    zones=st.none() | st.just(ZoneEdges(EdgeUnit.BPM, (110.0, 140.5, 171.0))),
    lactate=st.none() | st.just(FIT),
    mass_kg=st.none() | st.floats(50, 110),
    born_on=st.none() | st.dates(date(1980, 1, 1), date(2012, 1, 1)),
)


@given(samples, people)
@settings(max_examples=60)
def test_results_equal_the_formulas_they_come_from(heard: list[tuple[int, int]], person: Parameters) -> None:
    at_ms = np.array([at for at, _ in heard], dtype=np.int64)
    bpm = np.array([rate for _, rate in heard], dtype=np.int16)
    span = (0, 390_000)
    found = by_id(session_results(at_ms, bpm, person, *span, ON))
    load = session_load(at_ms, bpm, person.heart, *span)
    expected: dict[str, float | None] = {
        "banister_trimp": load.banister_au,
        "edwards_trimp": load.edwards_au,
        "mean_bpm": load.mean_bpm,
        "time_above_hr_max": load.above_max_s if person.heart.hr_max_bpm else None,
        **{name: it.load_au for name, it in _own_tests(at_ms, bpm, person, span).items()},
        **_zones(at_ms, bpm, person, span),
    }
    if person.mass_kg is not None and person.born_on is not None:
        age = (ON - person.born_on).days / 365.2425
        rough = energy(
            at_ms, bpm, person.heart.sex, person.mass_kg, age, *span, hr_max_bpm=person.heart.hr_max_bpm
        )
        expected["energy"] = rough.kcal
        if load.covered_s > 0:
            assert set(found["energy"].flags) == set(rough.flags)
    for metric_id, value in expected.items():
        if load.covered_s == 0 or value is None:
            assert found[metric_id].value is None, metric_id
            assert found[metric_id].flags, f"{metric_id} says why"
        else:
            assert found[metric_id].value == pytest.approx(value, rel=1e-9, abs=1e-9), metric_id
    assert found["max_bpm"].value == load.max_bpm
    assert found["coverage"].value == pytest.approx(100 * load.coverage)
    assert {"lucia_trimp", "itrimp", "energy"} & set(found) == {"lucia_trimp", "itrimp", "energy"} & set(
        expected
    )


def _own_tests(at_ms: Any, bpm: Any, person: Parameters, span: tuple[int, int]) -> dict[str, Any]:
    found, heart = {}, person.heart
    if person.vt1_bpm is not None and person.vt2_bpm is not None:
        found["lucia_trimp"] = lucia_load(at_ms, bpm, person.vt1_bpm, person.vt2_bpm, *span)
    if person.lactate is not None:
        rest, most = heart.hr_rest_bpm, heart.hr_max_bpm
        found["itrimp"] = (
            replace(session_of(), load_au=None)
            if rest is None or most is None
            else itrimp_load(at_ms, bpm, rest, most, person.lactate, ON, *span)
        )
    return found


def session_of() -> Any:
    return lucia_load(EMPTY, EMPTY, 1, 2, 0, 1)


def _zones(at_ms: Any, bpm: Any, person: Parameters, span: tuple[int, int]) -> dict[str, float | None]:
    zones = person.zones or STANDARD_ZONES
    if zones.unit is not EdgeUnit.BPM and person.heart.hr_max_bpm is None:
        return {f"time_in_zone_{zone}": None for zone in range(6)}
    times = time_in_zones(at_ms, bpm, zones, person.heart, *span)
    return {f"time_in_zone_{zone}": seconds for zone, seconds in enumerate(times.zone_s)}


@given(samples, people, st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_the_kept_histogram_gives_the_same_results_in_any_order(
    heard: list[tuple[int, int]], person: Parameters, random: Any
) -> None:
    heard = list({at: (at, rate) for at, rate in heard}.values())
    shuffled = random.sample(heard, len(heard))
    arrays = [
        (np.array([at for at, _ in it], dtype=np.int64), np.array([rate for _, rate in it], dtype=np.int16))
        for it in (heard, shuffled)
    ]
    direct = session_results(*arrays[0], person, 0, 390_000, ON)
    assert results_from_histogram(heart_histogram(*arrays[1], 0, 390_000), person, ON) == direct


@pytest.mark.parametrize("hr_max", range(100, 231, 5))
def test_the_standard_edges_are_those_of_the_zones(hr_max: int) -> None:
    person = Parameters(HeartProfile(Sex.MALE, hr_max, 40))
    for bpm in {hr_max * share // 100 + more for share in (50, 60, 70, 80, 90) for more in (-1, 0, 1)}:
        times = [steady(bpm, person, seconds=2)[f"time_in_zone_{zone}"].value for zone in range(6)]
        assert times.index(2.0) == zone_of(bpm, hr_max)


def test_a_result_states_what_it_was_computed_with() -> None:
    it = steady(150)["banister_trimp"]
    assert dict(it.parameters) == {"hr_max_bpm": 190, "hr_rest_bpm": 55, "sex": "M", "b": 0.64, "k": 1.92}
    assert it.coverage == pytest.approx(1, abs=1e-4)
    assert (it.n, it.flags, it.estimated) == (601, (), ())
    fraction = (150 - 55) / (190 - 55)
    assert it.value == pytest.approx(10 * fraction * 0.64 * math.exp(1.92 * fraction))


def test_an_estimated_limit_is_named_in_what_it_touched_and_nowhere_else() -> None:
    found = steady(150, replace(FULLY_TESTED, estimated=frozenset({"hr_max_bpm"})))
    assert found["edwards_trimp"].estimated == ("hr_max_bpm",)
    assert Flag.ESTIMATED in found["time_in_zone_3"].flags
    assert found["lucia_trimp"].estimated == ()
    assert Flag.ESTIMATED not in found["mean_bpm"].flags


def test_unknown_sex_gives_a_band_between_both_constants_and_no_value() -> None:
    found = {sex: steady(160, Parameters(HeartProfile(sex, 190, 55)))["banister_trimp"] for sex in Sex}
    unknown = found[Sex.UNKNOWN]
    assert unknown.value is None
    assert Flag.SEX_UNKNOWN in unknown.flags
    assert unknown.band == (
        min(found[Sex.MALE].value or 0, found[Sex.FEMALE].value or 0),
        max(found[Sex.MALE].value or 0, found[Sex.FEMALE].value or 0),
    )


def test_missing_limits_give_no_value_and_say_which() -> None:
    found = steady(150, Parameters(HeartProfile(Sex.FEMALE)))
    assert found["edwards_trimp"].value is None
    assert Flag.HR_MAX_UNKNOWN in found["time_in_zone_1"].flags
    assert {Flag.HR_MAX_UNKNOWN, Flag.HR_REST_UNKNOWN} <= set(found["banister_trimp"].flags)
    assert found["mean_bpm"].value == 150
    assert not {"lucia_trimp", "itrimp", "energy", "hrr60", "hrex"} & set(found)


def test_custom_zones_replace_the_standard_ones_but_not_edwards() -> None:
    person = replace(FULLY_TESTED, zones=ZoneEdges(EdgeUnit.PERCENT_LTHR, (80.0, 90.0, 100.0)))
    found = steady(160, person)
    assert found["time_in_zone_2"].value == 600
    assert "time_in_zone_4" not in found
    assert dict(found["time_in_zone_2"].parameters) == {
        "lthr_bpm": 170, "zone": 2, "edges": "80 90 100 %LTHR", "from_bpm": 153.0, "to_bpm": 170.0,
    }  # fmt: skip
    assert found["edwards_trimp"].value == pytest.approx(10 * zone_of(160, 190))


def test_custom_zones_without_their_threshold_say_so() -> None:
    person = replace(FULLY_TESTED, lthr_bpm=None, zones=ZoneEdges(EdgeUnit.PERCENT_LTHR, (80.0, 100.0)))
    it = steady(160, person)["time_in_zone_1"]
    assert it.value is None
    assert Flag.THRESHOLD_UNKNOWN in it.flags


def test_an_expired_lactate_fit_is_not_used() -> None:
    assert "itrimp" in steady(150)
    assert "itrimp" not in steady(
        150, replace(FULLY_TESTED, lactate=replace(FIT, measured_on=date(2026, 1, 1)))
    )
    assert "itrimp" not in steady(
        150, replace(FULLY_TESTED, lactate=replace(FIT, measured_on=date(2026, 12, 1)))
    )


def test_field_tests_are_given_only_when_their_times_are() -> None:
    found = steady(150, stop_ms=300_000, run_ms=(0, 240_000))
    assert (found["hrr60"].value, found["hrex"].value) == (0, 150)
    assert dict(found["hrex"].parameters) == {"run_from_ms": 0, "run_to_ms": 240_000}
    late = steady(150, stop_ms=599_000)["hrr60"]
    assert (late.value, late.flags) == (None, (Flag.TOO_LITTLE_DATA,))


def test_gaps_that_were_bridged_are_marked_on_every_number_of_time() -> None:
    at_ms = np.array([0, 1000, 31_000, 32_000])
    found = by_id(session_results(at_ms, np.full(4, 120), FULLY_TESTED, 0, 64_000, ON))
    assert Flag.PARTLY_ESTIMATED in found["banister_trimp"].flags
    assert found["coverage"].value == 50
    assert found["edwards_trimp"].coverage == 0.5


def test_rates_above_the_maximum_are_flagged_and_their_seconds_counted() -> None:
    found = steady(195)
    assert found["time_above_hr_max"].value == 600
    for metric_id in ("banister_trimp", "edwards_trimp", "itrimp", "peak_percent_hr_max"):
        assert Flag.ABOVE_MAX in found[metric_id].flags, metric_id
    assert found["peak_percent_hr_max"].value == pytest.approx(100 * 195 / 190)
    assert found["banister_trimp"].value == pytest.approx(steady(190)["banister_trimp"].value)
    assert Flag.ABOVE_MAX not in found["lucia_trimp"].flags


def test_rates_at_the_limits_are_within_them() -> None:
    for bpm in (55, 190):
        assert steady(bpm)["banister_trimp"].flags == ()


def test_energy_says_outside_which_bounds_it_was_worked_out() -> None:
    assert steady(150)["energy"].flags == (Flag.ROUGH,)
    for bpm in (108, 172):
        assert Flag.OUTSIDE_FITTED_RANGE in steady(bpm)["energy"].flags
    assert Flag.NEGATIVE_SET_TO_ZERO in steady(45)["energy"].flags
    child = replace(FULLY_TESTED, born_on=date(2012, 5, 1))
    assert Flag.NOT_VALIDATED_FOR_AGE in steady(150, child)["energy"].flags


def test_rates_below_rest_are_flagged_where_rest_counts() -> None:
    found = steady(50)
    assert found["banister_trimp"].value == 0
    assert Flag.BELOW_REST in found["banister_trimp"].flags
    assert Flag.BELOW_REST not in found["edwards_trimp"].flags


@pytest.mark.parametrize("limits", [(150, 150), (60, 190)])
def test_a_maximum_not_above_rest_gives_no_banister_and_says_so(limits: tuple[int, int]) -> None:
    found = steady(120, replace(FULLY_TESTED, heart=HeartProfile(Sex.MALE, *limits)))
    for metric_id in ("banister_trimp", "itrimp"):
        assert found[metric_id].value is None
        assert Flag.LIMITS_CONTRADICT in found[metric_id].flags
    assert Flag.LIMITS_CONTRADICT in found["edwards_trimp"].flags
    unsexed = steady(120, Parameters(HeartProfile(Sex.UNKNOWN, *limits)))["banister_trimp"]
    assert (unsexed.value, unsexed.band) == (None, None)


def test_thresholds_the_wrong_way_round_give_no_lucia() -> None:
    it = steady(150, replace(FULLY_TESTED, vt1_bpm=170, vt2_bpm=150))["lucia_trimp"]
    assert it.value is None
    assert Flag.LIMITS_CONTRADICT in it.flags


@pytest.mark.parametrize(
    "person",
    [
        Parameters(HeartProfile(Sex.MALE, 0, 60)),
        Parameters(HeartProfile(Sex.MALE, -190, 60)),
        Parameters(HeartProfile(Sex.MALE, 190, 0)),
        Parameters(HeartProfile(Sex.MALE, 900, 60)),
        replace(FULLY_TESTED, vt1_bpm=-1),
        replace(FULLY_TESTED, lthr_bpm=0),
        replace(FULLY_TESTED, mass_kg=math.nan),
        replace(FULLY_TESTED, mass_kg=7.0),
        replace(FULLY_TESTED, born_on=date(2027, 1, 1)),
    ],
)
def test_limits_nobody_has_are_refused_by_a_typed_error(person: Parameters) -> None:
    with pytest.raises(OutOfRange):
        steady(150, person)


def test_a_day_without_any_heart_rate_is_missing_and_not_zero() -> None:
    found = by_id(session_results(EMPTY, EMPTY, FULLY_TESTED, 0, 60_000, ON))
    assert {it.value for it in found.values() if it.metric_id != "coverage"} == {None}
    assert found["coverage"].value == 0
    assert all(Flag.TOO_LITTLE_DATA in it.flags and it.n == 0 for it in found.values())


def test_one_sample_has_a_rate_but_no_time() -> None:
    found = by_id(session_results(np.array([5000]), np.array([150]), FULLY_TESTED, 0, 60_000, ON))
    assert found["max_bpm"].value == found["min_bpm"].value == 150
    assert found["banister_trimp"].value is found["mean_bpm"].value is found["time_in_zone_3"].value is None
    assert Flag.TOO_LITTLE_DATA in found["max_bpm"].flags


def test_order_repeats_zeros_and_nan_change_nothing() -> None:
    at_ms, bpm = np.arange(61) * 1000, np.linspace(120, 180, 61).round()
    clean = session_results(at_ms, bpm, FULLY_TESTED, 0, 61_000, ON)
    dirty_at = np.concatenate([at_ms, at_ms, at_ms + 500, at_ms + 400])[::-1]
    dirty = np.concatenate([bpm, bpm, np.zeros(61), np.full(61, np.nan)])[::-1]
    assert session_results(dirty_at, dirty, FULLY_TESTED, 0, 61_000, ON) == clean


def test_infinite_rates_are_gaps_and_rates_beyond_a_byte_are_held_at_its_end() -> None:
    at_ms = np.array([0, 1000, 2000])
    found = by_id(session_results(at_ms, np.array([300.0, np.inf, 300.0]), FULLY_TESTED, 0, 2001, ON))
    assert (found["max_bpm"].value, found["max_bpm"].n) == (255, 2)
    assert Flag.ABOVE_MAX in found["edwards_trimp"].flags


def test_samples_without_a_time_are_no_samples() -> None:
    at_ms = np.array([0, np.nan, 1000, np.inf, 2000])
    found = by_id(session_results(at_ms, np.full(5, 120), FULLY_TESTED, 0, 2001, ON))
    assert (found["mean_bpm"].value, found["mean_bpm"].n) == (120, 3)


@pytest.mark.parametrize("hr_max", [0, -190])
def test_a_maximum_of_nothing_is_refused_by_the_load_too(hr_max: int) -> None:
    with pytest.raises(OutOfRange):
        session_load(np.arange(2), np.full(2, 120, np.int16), HeartProfile(Sex.MALE, hr_max, 60), 0, 2)


def test_a_session_that_ends_before_it_begins_has_nothing() -> None:
    found = by_id(session_results(np.arange(2), np.full(2, 120), FULLY_TESTED, 5000, 0, ON))
    assert (found["banister_trimp"].value, found["coverage"].value) == (None, 0)


@pytest.mark.parametrize("bpm", [np.zeros(3), np.zeros((2, 2))])
def test_columns_of_different_shape_are_refused(bpm: Any) -> None:
    with pytest.raises(ShapeMismatch):
        session_results(np.arange(2), bpm, FULLY_TESTED, 0, 1000, ON)


def test_a_run_shorter_than_its_last_minute_is_refused() -> None:
    with pytest.raises(AnalyticsError):
        steady(150, run_ms=(0, 59_999))
