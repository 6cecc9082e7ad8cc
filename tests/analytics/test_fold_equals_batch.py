"""The live load, sample by sample, is the load of the same samples all at once."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hub.analytics.live_load import LiveLoad, advance
from hub.analytics.profile import HeartProfile, Sex
from tests.analytics.series import load_of

PROFILES = st.builds(
    HeartProfile,
    st.sampled_from(Sex),
    st.none() | st.integers(120, 230),
    st.none() | st.integers(30, 130),
)
STEPS_MS = st.sampled_from([0, 0, 1, 250, 999, 1_000, 1_000, 1_001, 9_999, 10_000, 10_001, 60_000, 60_001])
SERIES = st.lists(st.tuples(STEPS_MS | st.integers(0, 200_000), st.integers(0, 300)), max_size=60)


def folded(samples: list[tuple[int, int]], profile: HeartProfile) -> LiveLoad:
    state = LiveLoad(profile)
    for at_ms, bpm in samples:
        advance(state, at_ms, bpm or None)
    return state


@settings(max_examples=300, deadline=None)
@given(SERIES, PROFILES)
@example([], HeartProfile(Sex.MALE, 200, 60))
@example([(0, 150), (0, 90), (1_000, 0), (0, 160)], HeartProfile(Sex.MALE, 200, 60))
def test_fold_equals_batch_whatever_the_gaps(steps: list[tuple[int, int]], profile: HeartProfile) -> None:
    times = accumulate(step for step, _ in steps)
    samples = [(at, bpm) for at, (_, bpm) in zip(times, steps, strict=True)]
    live, batch = folded(samples, profile), load_of(samples, profile)
    assert live.banister == pytest.approx(batch.banister_au)
    assert live.edwards == pytest.approx(batch.edwards_au)
    assert live.zone_s == pytest.approx(list(batch.zone_s))
    assert live.covered_s == pytest.approx(batch.covered_s)
    assert live.estimated_s == pytest.approx(batch.estimated_s)
    assert live.n == batch.n


@given(SERIES)
def test_hearing_every_sample_twice_changes_nothing(steps: list[tuple[int, int]]) -> None:
    times = list(accumulate(step for step, _ in steps))
    samples = [(at, bpm) for at, (_, bpm) in zip(times, steps, strict=True)]
    twice = [sample for sample in samples for _ in range(2)]
    profile = HeartProfile(Sex.FEMALE, 195, 50)
    assert folded(twice, profile) == folded(samples, profile)


def test_a_late_repeat_of_an_older_sample_is_ignored() -> None:
    profile = HeartProfile(Sex.MALE, 200, 60)
    assert folded([(0, 150), (2_000, 150), (1_000, 190)], profile) == folded(
        [(0, 150), (2_000, 150)], profile
    )
