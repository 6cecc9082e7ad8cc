"""Heart-rate recovery and exercise heart rate: closed forms, and no value from a thin window."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hub.analytics.errors import OutOfRange, ShapeMismatch
from hub.analytics.flags import Flag
from hub.analytics.recovery import exercise_heart_rate, heart_rate_recovery

AT_MS = np.arange(400, dtype=np.int64) * 1000
STOP_MS = 200_000


def falling() -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """180 until the stop, then one bpm less every two seconds."""
    return np.where(AT_MS < STOP_MS, 180.0, 180.0 - (AT_MS - STOP_MS) / 2000)


def test_a_straight_fall_of_half_a_bpm_a_second() -> None:
    result = heart_rate_recovery(AT_MS, falling(), STOP_MS)
    assert result.end_bpm == 180
    assert result.after_60_s_bpm == pytest.approx(180 - 59.5 / 2)
    assert result.fall_bpm == pytest.approx(29.75)
    assert (result.coverage, result.n, result.flags) == (1.0, 15, ())


@pytest.mark.parametrize(("lost", "is_known"), [(2, True), (3, False)])
def test_eight_of_the_ten_seconds_must_be_there(lost: int, is_known: bool) -> None:
    bpm = falling()
    bpm[257 : 257 + lost] = 0
    result = heart_rate_recovery(AT_MS, bpm, STOP_MS)
    assert (result.fall_bpm is not None) == is_known
    assert (Flag.TOO_LITTLE_DATA in result.flags) != is_known


def test_order_repeats_and_nan_change_nothing() -> None:
    bpm = falling()
    shuffled = np.random.default_rng(1).permutation(len(AT_MS))
    at_ms = np.concatenate([AT_MS[shuffled], AT_MS[:9], [258_500]])
    messy = np.concatenate([bpm[shuffled], np.full(9, 99.0), [math.nan]])
    assert heart_rate_recovery(at_ms, messy, STOP_MS) == heart_rate_recovery(AT_MS, bpm, STOP_MS)


def test_nothing_recorded_is_no_recovery() -> None:
    result = heart_rate_recovery(np.zeros(0, np.int64), np.zeros(0), STOP_MS)
    assert (result.fall_bpm, result.coverage, result.n) == (None, 0.0, 0)
    with pytest.raises(ShapeMismatch):
        heart_rate_recovery(AT_MS, np.zeros(3), STOP_MS)


def test_exercise_heart_rate_is_the_mean_of_the_last_minute() -> None:
    result = exercise_heart_rate(AT_MS, np.arange(400.0) / 10 + 120, 0, 240_000)
    assert result.bpm == pytest.approx(120 + (180 + 239) / 20)
    assert (result.coverage, result.n, result.flags) == (1.0, 60, ())


def test_runs_of_another_length_are_said_and_too_short_ones_refused() -> None:
    assert exercise_heart_rate(AT_MS, falling(), 0, 120_000).flags == (Flag.UNUSUAL_DURATION,)
    assert exercise_heart_rate(AT_MS, falling(), 0, 301_000).flags == (Flag.UNUSUAL_DURATION,)
    with pytest.raises(OutOfRange):
        exercise_heart_rate(AT_MS, falling(), 0, 59_999)


def test_a_minute_mostly_unheard_gives_no_value() -> None:
    bpm = np.where(AT_MS < 200_000, 150, 0)
    result = exercise_heart_rate(AT_MS, bpm, 0, 240_000)
    assert (result.bpm, result.flags) == (None, (Flag.TOO_LITTLE_DATA,))
