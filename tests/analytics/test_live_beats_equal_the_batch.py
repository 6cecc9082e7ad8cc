"""Beats folded one notification at a time are the same beats taken all at once, to the bit."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hub.analytics.artefacts import lipponen_tarvainen
from hub.analytics.dfa import dfa_alpha1
from hub.analytics.flags import Flag
from hub.analytics.hrv import plausible, time_domain
from hub.analytics.live_hrv import LiveBeats, advance_beats, alpha1, alpha1_squad, unbroken_rr_1024
from tests.analytics.synthetic_beats import RR_MS

Note = tuple[int, tuple[int, ...], str]
INTERVALS = st.lists(
    st.integers(300, 1100) | st.sampled_from([0, 1, 245, 246, 2048, 2049, 65_535]), max_size=4
)
STEPS_MS = st.sampled_from([-5, 0, 250, 1_000, 2_900, 3_500, 30_000, 119_999, 120_000, 200_000])
NOTES = st.lists(
    st.tuples(st.none() | STEPS_MS, INTERVALS, st.sampled_from(["S1", "S1", "S1", "S1", "S2"])), max_size=80
)
"""Step since the last notification (None: just what the intervals add up to), intervals, strap."""


def timed(steps: list[tuple[int | None, list[int], str]]) -> list[Note]:
    notes, now_ms = [], 0
    for step_ms, rr, strap in steps:
        now_ms += round(sum(rr) * 1000 / 1024) if step_ms is None else step_ms
        notes.append((now_ms, tuple(rr), strap))
    return notes


def folded(notes: Sequence[Note]) -> LiveBeats:
    state = LiveBeats()
    for at_ms, rr, strap in notes:
        advance_beats(state, at_ms, rr, strap)
    return state


def runs_of(notes: Sequence[Note]) -> list[list[tuple[int, int]]]:
    """(heard, interval) of the beats between breaks, all at once from the definition."""
    runs: list[list[tuple[int, int]]] = []
    last_ms, strap, first_ms, told = -(1 << 60), "", 0, 0
    for at_ms, rr, source in notes:
        if not rr or at_ms <= last_ms:
            continue
        told += sum(rr)
        if not runs or source != strap or abs((at_ms - first_ms) / 1000 - told / 1024) > 2:
            runs.append([])
            first_ms, told = at_ms, 0
        runs[-1].extend((at_ms, it) for it in rr)
        last_ms, strap = at_ms, source
    return runs


@settings(max_examples=300)
@given(NOTES)
@example([])
@example([(1_000, [900], "S1"), (1_000, [2049], "S1"), (1_000, [900, 901], "S1")])
def test_sums_are_those_of_the_window_whatever_the_gaps(
    steps: list[tuple[int | None, list[int], str]],
) -> None:
    notes = timed(steps)
    state, runs = folded(notes), runs_of(notes)
    last_ms = max((at for run in runs for at, _ in run), default=0)
    windows = [[rr for at, rr in run if at > last_ms - 120_000] for run in runs]
    assert list(state.rr_1024) == [rr for window in windows for rr in window]
    assert unbroken_rr_1024(state).tolist() == (windows[-1] if windows else [])
    squares = []
    for window in windows:
        rr = np.array(window, dtype=np.int64)
        kept = plausible(rr * 1000 / 1024)
        squares.extend((np.diff(rr)[kept[1:] & kept[:-1]] ** 2).tolist())
    assert [square for _, square in state.steps] == squares
    assert state.sum_squares == sum(squares)
    if len(squares) < 30:
        assert state.rmssd_ms is None
    else:
        assert state.rmssd_ms == math.sqrt(sum(squares) / len(squares)) * 1000 / 1024


@given(NOTES, st.data())
def test_a_state_kept_and_gone_on_with_is_the_state_folded_from_nothing(
    steps: list[tuple[int | None, list[int], str]], data: st.DataObject
) -> None:
    notes = timed(steps)
    cut = data.draw(st.integers(0, len(notes)))
    state = copy.deepcopy(folded(notes[:cut]))
    for at_ms, rr, strap in notes[cut:]:
        advance_beats(state, at_ms, rr, strap)
    assert state == folded(notes)


@given(NOTES)
def test_hearing_every_notification_twice_changes_nothing(
    steps: list[tuple[int | None, list[int], str]],
) -> None:
    notes = timed(steps)
    assert folded([note for note in notes for _ in range(2)]) == folded(notes)


def heart(rr_ms: Sequence[int], *, lost: range = range(0), each: int = 2) -> list[Note]:
    """Notifications of `each` beats, without those of the beats `lost`."""
    ends_ms = np.cumsum(rr_ms)
    notes: list[Note] = []
    for first in range(0, len(rr_ms), each):
        beats = range(first, min(first + each, len(rr_ms)))
        if not set(beats) & set(lost):
            notes.append((int(ends_ms[beats[-1]]), tuple(round(rr_ms[i] * 1.024) for i in beats), "S1"))
    return notes


def test_two_minutes_of_a_heart_are_the_batch_formulas_of_those_two_minutes() -> None:
    state = folded(heart(RR_MS.tolist()))
    rr_1024 = np.array(state.rr_1024)
    assert 118_000 <= rr_1024.sum() / 1.024 <= 121_000
    assert state.rmssd_ms == pytest.approx(time_domain(rr_1024 / 1.024).rmssd_ms, abs=1e-12)
    assert state.rmssd_ms == pytest.approx(time_domain(RR_MS[-len(rr_1024) :]).rmssd_ms, rel=0.01)
    beats = np.concatenate([[0], np.cumsum(rr_1024)])
    one_pass = lipponen_tarvainen(beats)
    batch = dfa_alpha1(np.diff(one_pass.beat_ms) / 1.024, artefact_percent=one_pass.artefact_percent)
    live = alpha1(state)
    assert live.alpha1 == pytest.approx(batch.alpha1, abs=1e-12)
    assert live.flags == (Flag.EXPERIMENTAL,)
    assert live.n == len(rr_1024)
    assert live.convention == "13 scales 4-16, boxes from the start, linear detrending, log2 slope"


def test_a_squad_at_once_is_every_athlete_alone() -> None:
    rng = np.random.default_rng(3)
    squad = [
        unbroken_rr_1024(
            folded(heart((scale * RR_MS + rng.normal(0, noise, 300)).round().astype(int).tolist()))
        )
        for scale, noise in [(1, 0), (0.45, 2), (0.6, 40), (0.5, 1), (0.9, 5), (0.02, 1)]
    ]
    squad[4][::16] *= 2
    squad += [squad[0][:40], np.zeros(0, np.int64), np.full(200, 700)]
    together = alpha1_squad(squad)
    for rr, found in zip(squad, together, strict=True):
        (alone,) = alpha1_squad([rr])
        assert found.alpha1 == pytest.approx(alone.alpha1, abs=1e-12)
        assert (found.flags, found.n, found.artefact_percent) == (
            alone.flags,
            alone.n,
            alone.artefact_percent,
        )
    assert [found.alpha1 is None for found in together] == [False] * 4 + [True] * 5
    assert Flag.TOO_MANY_ARTEFACTS in together[4].flags
    assert Flag.TOO_LITTLE_DATA in together[6].flags
    assert Flag.NO_SPREAD in together[8].flags


def test_no_difference_bridges_beats_that_were_lost_on_the_way() -> None:
    whole, broken = heart(RR_MS.tolist()), heart(RR_MS.tolist(), lost=range(250, 256))
    state = folded(broken)
    assert len(whole) - len(broken) == 3
    assert state.unbroken == 300 - 256
    heard = [at for at, _, _ in broken]
    edge_ms = heard[125 - 1]
    assert [at for at, _ in state.steps if at == edge_ms] == [edge_ms]  # the last pair before the loss only
    assert state.rmssd_ms is not None
    assert alpha1(state).flags == (Flag.EXPERIMENTAL, Flag.TOO_LITTLE_DATA)


def test_an_implausible_beat_is_bridged_by_nothing_and_still_counts_for_the_artefact_gate() -> None:
    rr = RR_MS.tolist()
    merged = [*rr[:249], rr[249] + rr[250] + rr[251], *rr[252:]]  # two beats not seen: 2.7 s
    state = folded(heart(merged))
    assert state.unbroken == len(state.rr_1024)
    assert len(state.steps) == len(state.rr_1024) - 3
    assert state.rmssd_ms == pytest.approx(time_domain(np.array(state.rr_1024) / 1.024).rmssd_ms, abs=1e-12)
    percent = alpha1(state).artefact_percent
    assert percent is not None
    assert percent > 0


def test_another_strap_is_a_break() -> None:
    notes = heart(RR_MS.tolist())
    state = folded([*notes[:-10], *((at, rr, "S2") for at, rr, _ in notes[-10:])])
    assert state.unbroken == 20
    assert len(state.steps) == len(state.rr_1024) - 2


def test_a_strap_clock_a_ten_thousandth_fast_is_no_break_in_an_hour() -> None:
    notes = [(second * 1000, (1024 + (second % 10 == 0),), "S1") for second in range(3_600)]
    assert folded(notes).unbroken == 120
