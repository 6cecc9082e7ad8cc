"""The kept histogram: exact in bytes, order-free, additive, refused when damaged, quick to recompute from."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.analytics.errors import AnalyticsError, HistogramDamaged, OutOfRange, ShapeMismatch
from hub.analytics.histogram import HeartHistogram, heart_histogram, merged, pack, unpack
from hub.analytics.histogram_loads import loads_of
from hub.analytics.load import session_load
from hub.analytics.parameters import Parameters
from hub.analytics.profile import HeartProfile, Sex
from hub.analytics.session_results import results_from_histogram
from tests.analytics.series import FIT, FULLY_TESTED, ON

samples = st.lists(st.tuples(st.integers(0, 300_000), st.integers(0, 300)), max_size=60)


def histogram_of(heard: list[tuple[int, float]], to_ms: int = 300_000) -> HeartHistogram:
    at_ms = np.array([at for at, _ in heard], dtype=np.int64)
    return heart_histogram(at_ms, np.array([rate for _, rate in heard]), 0, to_ms)


def match(minutes: int = 90, seed: int = 1) -> HeartHistogram:
    bpm = np.random.default_rng(seed).normal(145, 18, minutes * 60).clip(60, 200).astype(np.int16)
    return heart_histogram(np.arange(minutes * 60) * 1000, bpm, 0, minutes * 60_000)


@given(samples)
def test_packing_and_unpacking_is_the_identity(heard: list[tuple[int, float]]) -> None:
    histogram = histogram_of(heard)
    back = unpack(pack(histogram))
    assert back == histogram
    assert np.array_equal(back.seconds, histogram.seconds)
    assert (back.coverage, back.n, back.max_bpm) == (histogram.coverage, histogram.n, histogram.max_bpm)


@given(samples)
def test_it_holds_the_credited_time_of_the_load(heard: list[tuple[int, float]]) -> None:
    histogram = histogram_of(heard)
    at_ms = np.array([at for at, _ in heard], dtype=np.int64)
    load = session_load(at_ms, np.array([rate for _, rate in heard], np.int16), HeartProfile(), 0, 300_000)
    assert histogram.covered_s == pytest.approx(load.covered_s, abs=1e-9)
    assert histogram.seconds.sum() == pytest.approx(load.covered_s, abs=1e-9)
    assert histogram.estimated_s == pytest.approx(load.estimated_s, abs=1e-9)
    assert (histogram.elapsed_s, histogram.n, histogram.max_bpm) == (load.elapsed_s, load.n, load.max_bpm)


@given(samples, samples)
def test_two_spans_add_up_whichever_comes_first(one: Any, other: Any) -> None:
    first, second = histogram_of(one), histogram_of(other)
    both = merged(first, second)
    assert both == merged(second, first)
    assert both.n == first.n + second.n
    assert np.array_equal(both.half_ms, first.half_ms + second.half_ms)
    assert unpack(pack(both)) == both


def test_a_match_takes_a_few_hundred_bytes() -> None:
    assert len(pack(match())) < 500


def test_equal_histograms_are_equal_and_hash_alike() -> None:
    assert match() == match()
    assert len({match(), match(), match(seed=2)}) == 2
    assert match() != "something else"


@given(st.binary(max_size=60))
@settings(max_examples=300)
def test_any_other_bytes_are_refused_by_a_typed_error(data: bytes) -> None:
    with contextlib.suppress(HistogramDamaged):
        assert pack(unpack(data)) == data


@pytest.mark.parametrize("cut", range(0, 300, 7))
def test_bytes_that_break_off_are_refused(cut: int) -> None:
    with pytest.raises(HistogramDamaged):
        unpack(pack(match())[:cut])


def test_another_layout_is_refused() -> None:
    with pytest.raises(HistogramDamaged):
        unpack(b"\x02" + pack(match())[1:])


@pytest.mark.parametrize(
    "data",
    [
        b"\x01\x00\x00\x01\x79\x78\x00",
        b"\x01\x00\x00\x01\x78\x80\x02" + bytes(137),
        b"\x01\x00\x00\x01\x78\x78\x80\x00",
        b"\x01\x00\x00\x01\x78\x78" + b"\xff" * 9 + b"\x01",
        b"\x01\x00\x00\x01\x78",
        b"\x01\x00\x00\x00\x78\x78\x05",
    ],
    ids=[
        "high before low",
        "beyond the table",
        "a longer zero",
        "a huge number",
        "half a range",
        "time of none",
    ],
)
def test_numbers_that_cannot_be_are_refused(data: bytes) -> None:
    with pytest.raises(HistogramDamaged):
        unpack(data)


@pytest.mark.parametrize(
    "change",
    [
        {"half_ms": np.zeros(255, np.int64)},
        {"half_ms": np.full(256, -1)},
        {"n": 0},
        {"n": -1},
        {"min_bpm": None},
        {"min_bpm": 150},
        {"max_bpm": 256},
        {"estimated_ms": -1},
    ],
)
def test_a_histogram_that_contradicts_itself_cannot_be_made(change: dict[str, Any]) -> None:
    with pytest.raises(AnalyticsError):
        replace(histogram_of([(0, 120), (1000, 121)]), **change)


def test_its_times_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValueError, match="read-only"):
        match().half_ms[100] = 1


@pytest.mark.parametrize(
    ("heard", "n", "covered_s"),
    [
        ([], 0, 0.0),
        ([(0, 120.0)], 1, 0.0),
        ([(0, 0.0), (1000, 0.0)], 0, 0.0),
        ([(0, float("nan")), (1000, 120.0), (2000, float("inf")), (3000, 120.0)], 2, 2.0),
        ([(2000, 120.0), (0, 120.0), (2000, 180.0), (1000, 120.0)], 3, 2.0),
        ([(0, 400.0), (1000, 400.0)], 2, 1.0),
        ([(0, 120.0), (60_001, 120.0)], 2, 0.0),
    ],
    ids=["empty", "one sample", "zeros", "NaN", "unsorted and repeated", "beyond a byte", "long gap"],
)
def test_bad_input_earns_nothing(heard: list[tuple[int, float]], n: int, covered_s: float) -> None:
    histogram = histogram_of(heard)
    assert (histogram.n, histogram.covered_s) == (n, covered_s)
    assert histogram.seconds[121:255].sum() == 0


def test_columns_that_differ_are_refused() -> None:
    with pytest.raises(ShapeMismatch):
        heart_histogram(np.arange(3), np.arange(2), 0, 1)
    with pytest.raises(ShapeMismatch):
        loads_of(np.zeros((2, 256)), [Parameters()])
    with pytest.raises(OutOfRange):
        HeartHistogram(np.ones(256, np.int64), 0, 0, 0, None, None)


people = st.builds(
    Parameters,
    heart=st.builds(
        HeartProfile, st.sampled_from(Sex), st.none() | st.integers(0, 220), st.none() | st.integers(35, 90)
    ),
    vt1_bpm=st.none() | st.integers(100, 160),
    vt2_bpm=st.none() | st.integers(140, 180),
    lactate=st.none() | st.just(FIT),
)


@given(st.lists(people, min_size=1, max_size=6))
@settings(max_examples=60)
def test_many_sessions_at_once_equal_one_at_a_time(squad: list[Parameters]) -> None:
    kept = [match(3, seed) for seed in range(len(squad))]
    loads = loads_of(np.stack([it.seconds for it in kept]), squad, ON)
    for row, (histogram, person) in enumerate(zip(kept, squad, strict=True)):
        if person.heart.hr_max_bpm == 0:
            assert np.isnan(loads.edwards_au[row])
            continue
        found = {it.metric_id: it.value for it in results_from_histogram(histogram, person, ON)}
        for metric_id, values in (
            ("banister_trimp", loads.banister_au),
            ("edwards_trimp", loads.edwards_au),
            ("lucia_trimp", loads.lucia_au),
            ("itrimp", loads.itrimp_au),
            ("time_in_zone_3", loads.zone_s[:, 3]),
            ("time_above_hr_max", loads.above_max_s),
        ):
            value = found.get(metric_id)
            assert values[row] == pytest.approx(np.nan if value is None else value, abs=1e-9, nan_ok=True)


def best_s(job: Callable[[], object], times: int = 15) -> float:
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        job()
        taken.append(time.perf_counter() - start)
    return min(taken)


def test_a_squads_session_is_recomputed_ten_times_faster_than_from_its_samples() -> None:
    at_ms = np.arange(5400) * 1000
    bpm = np.random.default_rng(3).integers(90, 190, (30, 5400)).astype(np.int16)
    seconds = np.stack([heart_histogram(at_ms, row, 0, 5_400_000).seconds for row in bpm])
    squad = [replace(FULLY_TESTED, heart=HeartProfile(Sex.MALE, 180 + i, 50)) for i in range(30)]
    new = best_s(lambda: loads_of(seconds, squad, ON))
    pairs = list(zip(bpm, squad, strict=True))
    old = best_s(lambda: [session_load(at_ms, row, it.heart, 0, 5_400_000) for row, it in pairs], 3)
    assert old / new > 10
