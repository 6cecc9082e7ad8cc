"""Which heart rates to doubt, and how much of the time heard they make up: one rule wherever they are judged.

A doubtful rate stays in every load; this only says how much of one rests on it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STANDS_FOR_MS = 1_750
"""A sample stands for the time up to the next one, and no longer than this: then a value is missing."""

LEAST_MS = 1_000
"""Less than this is not worth a word."""

_FLAT_MS = 30_000
_JUMP_BPM = 20
_JUMP_BPM_PER_S = 10
_JUMP_MEMORY_MS = 5_000
_BELIEVED_AFTER = 5


class BelievedRate:
    """A rate far from the believed one is a jump until it has lasted."""

    def __init__(self) -> None:
        self._bpm: int | None = None
        self._at_ms = 0
        self._stranger: tuple[int, int] | None = None

    def is_jump(self, mono_ms: int, bpm: int | None) -> bool:
        """Of the next value in the order of arrival; `bpm` None where there is no rate to believe."""
        if bpm is None:
            return False
        is_known = self._bpm is not None and mono_ms - self._at_ms <= _JUMP_MEMORY_MS
        if not is_known or self._is_near(bpm, mono_ms - self._at_ms):
            return self._believe(mono_ms, bpm)
        last, times = self._stranger or (bpm, 0)
        times = times + 1 if abs(bpm - last) <= _JUMP_BPM else 1
        if times >= _BELIEVED_AFTER:
            return self._believe(mono_ms, bpm)
        self._stranger = (bpm, times)
        return True

    def _believe(self, mono_ms: int, bpm: int) -> bool:
        self._bpm, self._at_ms, self._stranger = bpm, mono_ms, None
        return False

    def _is_near(self, bpm: int, since_ms: int) -> bool:
        return self._bpm is None or abs(bpm - self._bpm) <= _JUMP_BPM + _JUMP_BPM_PER_S * since_ms / 1000


class FlatLine:
    """The same rate for half a minute without one beat differing from another is no living heart."""

    def __init__(self) -> None:
        self._bpm: int | None = None
        self._since_ms = 0
        self._rr: int | None = None

    def is_flat(self, mono_ms: int, bpm: int | None, rr_1024: tuple[int, ...]) -> bool:
        """Of the next value in the order of arrival; `bpm` None where there is no rate to believe."""
        beats = {*rr_1024, *(() if self._rr is None else (self._rr,))}
        if bpm is None or bpm != self._bpm or len(beats) > 1:
            self._bpm, self._since_ms, self._rr = bpm, mono_ms, None
        if bpm is not None and rr_1024:
            self._rr = rr_1024[-1]
        return bpm is not None and mono_ms - self._since_ms >= _FLAT_MS


def doubtful_rates(
    mono_ms: NDArray[np.int64],
    bpm: NDArray[np.integer],
    is_off_skin: NDArray[np.bool_],
    rr_count: NDArray[np.integer],
    rr_1024: NDArray[np.integer],
) -> NDArray[np.bool_]:
    """Which of one strap's values (n,) in the order of arrival have a doubtful rate.

    `bpm` 0 is none; `rr_1024` (sum of rr_count,) are all intervals one after the other. The walk through the
    values is only taken where something could be found.
    """
    found = np.zeros(len(mono_ms), dtype=np.bool_)
    rates = np.where(is_off_skin, 0, bpm).astype(np.int64)
    if not (_may_jump(mono_ms, rates) or _may_be_flat(mono_ms, rates)):
        return found
    believed, flat = BelievedRate(), FlatLine()
    intervals, at = rr_1024.tolist(), 0
    rows = zip(mono_ms.tolist(), rates.tolist(), rr_count.tolist(), strict=True)
    for number, (at_ms, rate, count) in enumerate(rows):
        is_jump = believed.is_jump(at_ms, rate or None)
        found[number] = flat.is_flat(at_ms, rate or None, tuple(intervals[at : at + count])) or is_jump
        at += count
    return found


def _may_jump(mono_ms: NDArray[np.int64], rates: NDArray[np.int64]) -> bool:
    """Whether any rate is far from the one before; if none is, each is believed in its turn."""
    at_ms, bpm = mono_ms[rates > 0], rates[rates > 0]
    since_ms = np.diff(at_ms)
    is_far = np.abs(np.diff(bpm)) > _JUMP_BPM + _JUMP_BPM_PER_S * since_ms / 1000
    return bool((is_far & (since_ms <= _JUMP_MEMORY_MS)).any())


def _may_be_flat(mono_ms: NDArray[np.int64], rates: NDArray[np.int64]) -> bool:
    """Whether one rate stands for half a minute, whatever the intervals say."""
    if not len(rates) or (np.diff(mono_ms) < 0).any():
        return bool(len(rates))
    first = np.flatnonzero(np.diff(rates, prepend=-1) != 0)
    last = np.append(first[1:], len(rates)) - 1
    return bool(((mono_ms[last] - mono_ms[first] >= _FLAT_MS) & (rates[first] > 0)).any())


@dataclass(slots=True)
class HeardTime:
    """How long good and doubtful rates were heard, in ms. A fold: `advance` takes the next rate."""

    good_ms: int = 0
    doubtful_ms: int = 0
    last_ms: int | None = None
    was_doubtful: bool = False

    def advance(self, mono_ms: int, *, is_doubtful: bool) -> None:
        """The next rate; the one before stood up to it. A late one is left out."""
        if self.last_ms is not None:
            if mono_ms <= self.last_ms:
                return
            stood_ms = min(mono_ms - self.last_ms, STANDS_FOR_MS)
            if self.was_doubtful:
                self.doubtful_ms += stood_ms
            else:
                self.good_ms += stood_ms
        self.last_ms, self.was_doubtful = mono_ms, is_doubtful


def heard_time(mono_ms: NDArray[np.int64], is_doubtful: NDArray[np.bool_], to_ms: int) -> HeardTime:
    """The time of rates (n,), in any order and all before `to_ms`, where the last one stops standing."""
    order = np.lexsort((is_doubtful, mono_ms))
    stood_ms = np.minimum(np.diff(mono_ms[order], append=to_ms), STANDS_FOR_MS)
    is_doubtful = is_doubtful[order]
    return HeardTime(int(stood_ms[~is_doubtful].sum()), int(stood_ms[is_doubtful].sum()))


def time_so_far(mono_ms: NDArray[np.int64], is_doubtful: NDArray[np.bool_]) -> HeardTime:
    """The fold of rates (n,), in any order, to go on from."""
    if not len(mono_ms):
        return HeardTime()
    last = int(np.lexsort((is_doubtful, mono_ms))[-1])
    time = heard_time(mono_ms, is_doubtful, int(mono_ms[last]))
    time.last_ms, time.was_doubtful = int(mono_ms[last]), bool(is_doubtful[last])
    return time


def doubtful_share(doubtful_ms: int | None, covered_s: float | None) -> float | None:
    """The doubtful share (0 to 1) of the time a load covers; None where it is unknown or under a second."""
    if doubtful_ms is None or not covered_s or doubtful_ms < LEAST_MS:
        return None
    return min(1.0, doubtful_ms / 1000 / covered_s)


def doubt_text(share: float | None) -> str:
    """What stands beside a coverage: "2 % of it doubtful"; empty where nothing is."""
    if share is None:
        return ""
    return f"{'<1' if share < 0.01 else f'{100 * share:.0f}'} % of it doubtful"
