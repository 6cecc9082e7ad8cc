"""The live twin of `hrv` and `dfa`: one athlete's last two minutes of beats, advanced beat by beat.

It believes no interval that the strap's own clock contradicts, and smooths nothing. Sums are whole numbers
of 1/1024 s, so that folding the same beats again gives the same state to the bit.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from hub.analytics.artefacts import lipponen_tarvainen_squad
from hub.analytics.dfa import Alpha1, dfa_alpha1_squad
from hub.analytics.hrv import MIN_DIFFERENCES, PLAUSIBLE_RR_MS

WINDOW_MS = 120_000
REFRESH_MS = 5_000
WHOLE_WINDOW_MS = 110_000
"""What the unbroken beats must add up to before alpha1 is worked out of them."""
CLOCK_SLACK_MS = 2_000
"""How far the intervals' sum may part from the time they were heard at: a slow beat and a late radio."""
UNITS_PER_S = 1024
SHORTEST = math.ceil(PLAUSIBLE_RR_MS[0] * UNITS_PER_S / 1000)
LONGEST = PLAUSIBLE_RR_MS[1] * UNITS_PER_S // 1000


@dataclass(slots=True)
class LiveBeats:
    """Beats heard in the last 120 s, oldest first, with running sums; times are ms on one clock.

    `steps` holds (when the earlier beat was heard, squared difference) of adjacent plausible beats.
    `unbroken` of the newest beats follow each other without a break; `anchor_ms` is when their first
    notification was heard and `clock_1024` what the intervals heard since add up to.
    """

    source: str = ""
    heard_ms: deque[int] = field(default_factory=deque)
    rr_1024: deque[int] = field(default_factory=deque)
    steps: deque[tuple[int, int]] = field(default_factory=deque)
    sum_squares: int = 0
    unbroken: int = 0
    anchor_ms: int = 0
    clock_1024: int = 0
    last_ms: int | None = None

    @property
    def rmssd_ms(self) -> float | None:
        """RMSSD of the 120 s before the last beat heard; None under 30 differences (Task Force 1996)."""
        n = len(self.steps)
        return math.sqrt(self.sum_squares / n) * 1000 / UNITS_PER_S if n >= MIN_DIFFERENCES else None


def advance_beats(state: LiveBeats, mono_ms: int, rr_1024: Sequence[int], source: str = "") -> None:
    """Fold the intervals of one notification, oldest first, into `state`; constant time a beat.

    One not newer than the last is ignored, as a repeat. Another `source` (strap) is a break, and so are
    intervals whose sum parts from the time they were heard at by over 2 s: beats were lost or invented.
    """
    if not rr_1024 or (state.last_ms is not None and mono_ms <= state.last_ms):
        return
    state.clock_1024 += sum(rr_1024)
    parted = UNITS_PER_S * (mono_ms - state.anchor_ms) - 1000 * state.clock_1024
    if state.last_ms is None or source != state.source or abs(parted) > CLOCK_SLACK_MS * UNITS_PER_S:
        state.source, state.anchor_ms, state.clock_1024, state.unbroken = source, mono_ms, 0, 0
    previous = state.rr_1024[-1] if state.unbroken else 0
    previous_ms = state.heard_ms[-1] if state.unbroken else 0
    for rr in rr_1024:
        if SHORTEST <= rr <= LONGEST and SHORTEST <= previous <= LONGEST:
            square = (rr - previous) ** 2
            state.steps.append((previous_ms, square))
            state.sum_squares += square
        state.heard_ms.append(mono_ms)
        state.rr_1024.append(rr)
        previous, previous_ms = rr, mono_ms
    state.unbroken += len(rr_1024)
    state.last_ms = mono_ms
    _forget(state, mono_ms - WINDOW_MS)


def _forget(state: LiveBeats, until_ms: int) -> None:
    while state.heard_ms and state.heard_ms[0] <= until_ms:
        state.heard_ms.popleft()
        state.rr_1024.popleft()
    while state.steps and state.steps[0][0] <= until_ms:
        state.sum_squares -= state.steps.popleft()[1]
    state.unbroken = min(state.unbroken, len(state.rr_1024))


def unbroken_rr_1024(state: LiveBeats) -> NDArray[np.int64]:
    """A copy of the intervals (n,) in 1/1024 s since the last break, at most 120 s of them."""
    return np.array(state.rr_1024, dtype=np.int64)[len(state.rr_1024) - state.unbroken :]


def alpha1(state: LiveBeats) -> Alpha1:
    """DFA alpha1 of the last two minutes, with the gate of `alpha1_squad`."""
    return alpha1_squad([unbroken_rr_1024(state)])[0]


def alpha1_squad(squad: Sequence[NDArray[np.int64]]) -> list[Alpha1]:
    """DFA alpha1 of each of a squad's unbroken intervals in 1/1024 s, in one go.

    Beats are corrected by one pass of Lipponen and Tarvainen; raw artefacts over 3 %, or under 110 s without
    a break, give None and a flag. `n` counts corrected intervals. Always flagged experimental.
    """
    beats = [np.concatenate([[0], np.cumsum(rr[rr > 0])]) for rr in squad]
    is_whole = [int(it[-1]) * 1000 >= WHOLE_WINDOW_MS * UNITS_PER_S for it in beats]
    found = lipponen_tarvainen_squad(
        [it if whole else it[:1] for it, whole in zip(beats, is_whole, strict=True)]
    )
    percent = [it.artefact_percent if whole else None for it, whole in zip(found, is_whole, strict=True)]
    rr_ms = [np.diff(it.beat_ms) * (1000 / UNITS_PER_S) for it in found]
    answers = dfa_alpha1_squad(rr_ms, percent)
    return [
        it if whole else replace(it, n=len(rr))
        for it, whole, rr in zip(answers, is_whole, squad, strict=True)
    ]
