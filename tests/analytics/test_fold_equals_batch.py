"""The live load, sample by sample, is the load of the same samples all at once."""

from __future__ import annotations

import copy
from itertools import accumulate
from random import Random

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


@settings(max_examples=300)
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
    assert live.mean_bpm == pytest.approx(batch.mean_bpm)
    assert live.max_bpm == batch.max_bpm
    assert live.n == batch.n
    first_of_each = dict(reversed([sample for sample in samples if sample[1]]))
    assert live.min_bpm == min((min(bpm, 255) for bpm in first_of_each.values()), default=None)


@given(SERIES, PROFILES, st.data())
def test_going_on_from_a_kept_state_is_folding_from_nothing_to_the_bit(
    steps: list[tuple[int, int]], profile: HeartProfile, data: st.DataObject
) -> None:
    times = accumulate(step for step, _ in steps)
    samples = [(at, bpm) for at, (_, bpm) in zip(times, steps, strict=True)]
    cut = data.draw(st.integers(0, len(samples)))
    state = copy.deepcopy(folded(samples[:cut], profile))
    for at_ms, bpm in samples[cut:]:
        advance(state, at_ms, bpm)
    assert state == folded(samples, profile)


@given(st.lists(SERIES, min_size=2, max_size=4), PROFILES, st.randoms(use_true_random=False))
def test_the_order_athletes_are_heard_in_changes_nothing(
    squad: list[list[tuple[int, int]]], profile: HeartProfile, random: Random
) -> None:
    heard = []
    for athlete, steps in enumerate(squad):
        times = accumulate(step for step, _ in steps)
        heard.append([(athlete, at, bpm) for at, (_, bpm) in zip(times, steps, strict=True)])
    mixed, waiting = [], [series[:] for series in heard if series]
    while waiting:
        series = random.choice(waiting)
        mixed.append(series.pop(0))
        waiting = [it for it in waiting if it]
    states = [LiveLoad(profile) for _ in squad]
    for athlete, at_ms, bpm in mixed:
        advance(states[athlete], at_ms, bpm)
    assert states == [folded([(at, bpm) for _, at, bpm in series], profile) for series in heard]


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
