"""Values judged in one go, as the cloud does, are doubted exactly where they were doubted one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.analytics.doubt import (
    BelievedRate,
    FlatLine,
    HeardTime,
    doubt_text,
    doubtful_rates,
    doubtful_share,
    heard_time,
    time_so_far,
)

STEPS = st.sampled_from((-2000, 0, 700, 1000, 1000, 1000, 4000, 5001, 31_000))
RATES = st.one_of(st.sampled_from((0, 120, 120, 140, 141, 230)), st.integers(30, 240))
ROWS = st.lists(
    st.tuples(STEPS, RATES, st.booleans(), st.lists(st.sampled_from((500, 1000)), max_size=2)), max_size=60
)


@given(ROWS)
def test_in_one_go_or_one_by_one_the_same_rates_are_doubted(
    rows: list[tuple[int, int, bool, list[int]]],
) -> None:
    believed, flat, at_ms = BelievedRate(), FlatLine(), 0
    one_by_one, times = [], []
    for step_ms, bpm, is_off, rr in rows:
        at_ms += step_ms
        times.append(at_ms)
        rate = None if is_off or not bpm else bpm
        is_jump = believed.is_jump(at_ms, rate)
        one_by_one.append(flat.is_flat(at_ms, rate, tuple(rr)) or is_jump)
    found = doubtful_rates(
        np.array(times, dtype=np.int64),
        np.array([bpm for _, bpm, _, _ in rows], dtype=np.int16),
        np.array([is_off for _, _, is_off, _ in rows], dtype=np.bool_),
        np.array([len(rr) for _, _, _, rr in rows], dtype=np.uint8),
        np.array([it for _, _, _, rr in rows for it in rr], dtype=np.uint16),
    )
    assert found.tolist() == one_by_one


def test_a_beating_heart_at_one_rate_is_no_flat_line_and_one_without_beats_is() -> None:
    n = 60
    times, rates = np.arange(n, dtype=np.int64) * 1000, np.full(n, 60, dtype=np.int16)
    nobody_off, ones = np.zeros(n, dtype=np.bool_), np.ones(n, dtype=np.uint8)
    beats = 1000 + np.arange(n, dtype=np.uint16) % 3
    assert not doubtful_rates(times, rates, nobody_off, ones, beats).any()
    assert doubtful_rates(times, rates, nobody_off, ones * 0, beats[:0]).sum() == 30


@given(st.lists(st.tuples(st.integers(1, 4000), st.booleans()), max_size=40))
def test_the_running_account_is_that_of_the_whole(rows: list[tuple[int, bool]]) -> None:
    running, at_ms, times = HeardTime(), 0, []
    for step_ms, is_doubtful in rows:
        at_ms += step_ms
        times.append(at_ms)
        running.advance(at_ms, is_doubtful=is_doubtful)
    doubtful = np.array([it for _, it in rows], dtype=np.bool_)
    whole = heard_time(np.array(times, dtype=np.int64), doubtful, at_ms)
    assert (running.good_ms, running.doubtful_ms) == (whole.good_ms, whole.doubtful_ms)
    assert time_so_far(np.array(times, dtype=np.int64), doubtful) == running


@pytest.mark.parametrize(
    ("doubtful_ms", "covered_s", "words"),
    [
        (2_000, 100.0, "2 % of it doubtful"),
        (5_000, 4.0, "100 % of it doubtful"),
        (1_000, 1_000.0, "<1 % of it doubtful"),
        (999, 1.0, ""),
        (5_000, 0.0, ""),
        (None, None, ""),
    ],
)
def test_beside_a_coverage_stands_how_much_of_it_is_doubtful(
    doubtful_ms: int | None, covered_s: float | None, words: str
) -> None:
    assert doubt_text(doubtful_share(doubtful_ms, covered_s)) == words
