"""HRR60 folded reading by reading is HRR60 of all readings at once."""

from __future__ import annotations

from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.analytics.live_recovery import LiveRecovery, advance_recovery, stop_effort
from hub.analytics.recovery import HeartRateRecovery, heart_rate_recovery

STEPS_MS = st.sampled_from([0, 500, 980, 1_000, 1_000, 1_000, 1_020, 2_500, 6_000])
SERIES = st.lists(st.tuples(STEPS_MS, st.integers(0, 220)), min_size=90, max_size=140)


def folded(samples: list[tuple[int, int]], stop_ms: int, said_ms: int) -> HeartRateRecovery | None:
    """The result after all readings, the stop being said at `said_ms`."""
    state = LiveRecovery()
    is_said = False
    for at_ms, bpm in samples:
        if not is_said and at_ms > said_ms:
            stop_effort(state, stop_ms)
            is_said = True
        advance_recovery(state, at_ms, bpm or None)
    return state.result


@settings(max_examples=200)
@given(SERIES, st.integers(6_000, 25_000), st.integers(0, 9_000))
def test_the_fold_equals_the_batch_however_late_the_stop_is_said(
    steps: list[tuple[int, int]], stop_ms: int, late_ms: int
) -> None:
    times = accumulate(step for step, _ in steps)
    samples = [(at, bpm) for at, (_, bpm) in zip(times, steps, strict=True)]
    heard = {at: bpm for at, bpm in reversed(samples) if bpm > 0}  # the first of equal times counts
    live = folded(samples, stop_ms, stop_ms + late_ms)
    if not heard or max(heard) < stop_ms + 65_500:
        assert live is None
        return
    at_ms, bpm = np.array(list(heard), dtype=np.int64), np.array(list(heard.values()), dtype=np.int64)
    assert live == heart_rate_recovery(at_ms, bpm, stop_ms)


def test_a_fall_of_forty_is_forty_and_needs_few_readings() -> None:
    samples = [(1_000 * at, 180 if at < 600 else max(130, 180 - (at - 600) * 2 // 3)) for at in range(700)]
    state = LiveRecovery()
    for at_ms, bpm in samples:
        if at_ms == 600_000:
            stop_effort(state, 600_000)
        advance_recovery(state, at_ms, bpm)
        assert len(state._near) <= 17
    assert state.result is not None
    assert state.result.fall_bpm == pytest.approx(40, abs=1)


def test_a_second_stop_begins_anew_and_says_nothing_at_first() -> None:
    state = LiveRecovery()
    for at in range(80):
        advance_recovery(state, 1_000 * at, 150)
    stop_effort(state, 80_000)
    assert state.result is None


@settings(max_examples=100)
@given(SERIES, st.integers(6_000, 15_000), st.integers(500, 80_000))
def test_a_second_stop_at_any_time_after_the_first_equals_the_batch(
    steps: list[tuple[int, int]], first_ms: int, later_ms: int
) -> None:
    times = accumulate(step for step, _ in steps)
    samples = [(at, bpm) for at, (_, bpm) in zip(times, steps, strict=True)]
    state, said, second_ms = LiveRecovery(), 0, first_ms + later_ms
    for at_ms, bpm in samples:
        for number, stop_ms in enumerate((first_ms, second_ms), start=1):
            if said < number and at_ms > stop_ms:
                stop_effort(state, stop_ms)
                said = number
        advance_recovery(state, at_ms, bpm or None)
    heard = {at: bpm for at, bpm in reversed(samples) if bpm > 0}
    if said < 2 or not heard or max(heard) < second_ms + 65_500:
        return
    at_ms_all, bpm_all = np.array(list(heard), dtype=np.int64), np.array(list(heard.values()), dtype=np.int64)
    assert state.result == heart_rate_recovery(at_ms_all, bpm_all, second_ms)


def test_a_strap_that_falls_silent_is_judged_by_the_clock() -> None:
    state = LiveRecovery()
    for at in range(70):
        advance_recovery(state, 1_000 * at, 150)
    stop_effort(state, 69_000)
    assert state.result_at(135_400) is None
    found = state.result_at(135_600)
    assert state.result is None
    assert found is not None
    assert (found.fall_bpm, found.end_bpm) == (None, 150)
