"""What is wrong with a strap's values: counted for each strap, flagged on each reading, nothing thrown away.

It corrects nothing and judges no RR interval by itself; artefacts are the analysis's concern.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass

from hub.domain import Contact, Flaw

NOMINAL_MS = 1_000
"""Straps give a value a second."""

_GAP_MS = 1_750
_LOSS_WINDOW_MS = 60_000
_BIN_MS = 5_000
_FLAT_MS = 30_000
_JUMP_BPM = 20
_JUMP_BPM_PER_S = 10
_JUMP_MEMORY_MS = 5_000
_BELIEVED_AFTER = 5
_RR_TOLERANCE = 1.5
_RR_JITTER_MS = 300.0
_RR_FOLLOW = 0.05


@dataclass(frozen=True, slots=True)
class Observed:
    """One value as it came, before any judgement; `counter` is the broadcast's 0..7 where there is one."""

    mono_ms: int
    bpm: int | None
    contact: Contact
    rr_1024: tuple[int, ...] = ()
    is_malformed: bool = False
    counter: int | None = None
    energy_kj: int | None = None


class Quality:
    """The record of one strap. `judge` is to be called for every new value in the order of arrival."""

    def __init__(self) -> None:
        self.counts: Counter[Flaw] = Counter()
        self.missed = 0
        self.taken = 0
        self._last: Observed | None = None
        self._bins: deque[list[int]] = deque()
        self._rate = _BelievedRate()
        self._flat = _FlatLine()
        self._beats = _BeatClock()

    def judge(self, seen: Observed) -> tuple[Flaw, ...]:
        """The flaws of this value, also counted."""
        missed = self._missed_before(seen)
        flaws = [
            flaw
            for flaw, is_there in (
                (Flaw.MALFORMED, seen.is_malformed),
                (Flaw.REORDERED, self._is_reordered(seen)),
                (Flaw.GAP, missed > 0),
                (Flaw.CONTACT_LOST, seen.contact is Contact.NO),
                (Flaw.SEARCHING, seen.bpm is None and seen.contact is not Contact.NO),
                (Flaw.RR_GAP, self._beats.has_gap(seen)),
                (Flaw.JUMP, self._rate.is_jump(seen)),
                (Flaw.FLAT, self._flat.is_flat(seen)),
            )
            if is_there
        ]
        self._note(seen.mono_ms, missed)
        self.counts.update(flaws)
        self._last = seen
        return tuple(flaws)

    def count(self, flaw: Flaw) -> None:
        """A value that never became a reading: malformed through and through, repeated, or late."""
        self.counts[flaw] += 1

    def loss(self, now_ms: int) -> float | None:
        """Share of the last minute's values that are missing, silence till now counted; None at first."""
        if self._last is None:
            return None
        recent = [one for one in self._bins if one[0] > now_ms - _LOSS_WINDOW_MS]
        silent_ms = min(now_ms - self._last.mono_ms, _LOSS_WINDOW_MS)
        missing = sum(one[2] for one in recent) + (silent_ms // NOMINAL_MS - 1 if silent_ms > _GAP_MS else 0)
        missing = min(missing, _LOSS_WINDOW_MS // NOMINAL_MS)
        taken = sum(one[1] for one in recent)
        return missing / (missing + taken) if missing + taken else None

    def _missed_before(self, seen: Observed) -> int:
        """How many values should have come since the last one; a counter that moved by one says none."""
        last = self._last
        if last is None or seen.mono_ms - last.mono_ms <= _GAP_MS:
            return 0
        steps = round((seen.mono_ms - last.mono_ms) / NOMINAL_MS)
        if seen.counter is not None and last.counter is not None:
            by_counter = (seen.counter - last.counter) % 8
            turns = range(steps // 8 + 2)
            nearest = min((by_counter + 8 * turn for turn in turns), key=lambda n: abs(n - steps))
            if abs(nearest - steps) <= 1:  # further off, it stood still or began anew: a strap that was dead
                steps = nearest
        return max(0, steps - 1)

    def _is_reordered(self, seen: Observed) -> bool:
        """Time or the energy total went back; an energy of zero is a reset."""
        last = self._last
        if last is None:
            return False
        return seen.mono_ms < last.mono_ms or 0 < (seen.energy_kj or 0) < (last.energy_kj or 0)

    def _note(self, now_ms: int, missed: int) -> None:
        self.taken += 1
        self.missed += missed
        if not self._bins or now_ms - self._bins[-1][0] >= _BIN_MS:
            self._bins.append([now_ms, 0, 0])
        self._bins[-1][1] += 1
        self._bins[-1][2] += missed
        while self._bins[0][0] <= now_ms - _LOSS_WINDOW_MS - _BIN_MS:
            self._bins.popleft()


class _BelievedRate:
    """A rate far from the believed one is a jump until it has lasted."""

    def __init__(self) -> None:
        self._bpm: int | None = None
        self._at_ms = 0
        self._stranger: tuple[int, int] | None = None

    def is_jump(self, seen: Observed) -> bool:
        if seen.bpm is None or seen.contact is Contact.NO:
            return False
        is_known = self._bpm is not None and seen.mono_ms - self._at_ms <= _JUMP_MEMORY_MS
        if not is_known or self._is_near(seen.bpm, self._bpm, seen.mono_ms - self._at_ms):
            return self._believe(seen)
        last, times = self._stranger or (seen.bpm, 0)
        times = times + 1 if abs(seen.bpm - last) <= _JUMP_BPM else 1
        if times >= _BELIEVED_AFTER:
            return self._believe(seen)
        self._stranger = (seen.bpm, times)
        return True

    def _believe(self, seen: Observed) -> bool:
        self._bpm, self._at_ms, self._stranger = seen.bpm, seen.mono_ms, None
        return False

    def _is_near(self, bpm: int, believed: int | None, since_ms: int) -> bool:
        return believed is None or abs(bpm - believed) <= _JUMP_BPM + _JUMP_BPM_PER_S * since_ms / 1000


class _FlatLine:
    """The same rate for half a minute without one beat differing from another is no living heart."""

    def __init__(self) -> None:
        self._bpm: int | None = None
        self._since_ms = 0
        self._rr: int | None = None

    def is_flat(self, seen: Observed) -> bool:
        """A rate without skin contact is none: it is not stored as one, and judging again must agree."""
        bpm = None if seen.contact is Contact.NO else seen.bpm
        beats = {*seen.rr_1024, *(() if self._rr is None else (self._rr,))}
        if bpm is None or bpm != self._bpm or len(beats) > 1:
            self._bpm, self._since_ms, self._rr = bpm, seen.mono_ms, None
        if bpm is not None and seen.rr_1024:
            self._rr = seen.rr_1024[-1]
        return bpm is not None and seen.mono_ms - self._since_ms >= _FLAT_MS


class _BeatClock:
    """Intervals must add up to the time that passed; where suddenly they do not, beats are lost or doubled.

    Intervals run across packets, so single packets are never compared with a second.
    """

    def __init__(self) -> None:
        self._began_ms: int | None = None
        self._sum_ms = 0.0
        self._lag_ms = 0.0

    def has_gap(self, seen: Observed) -> bool:
        if seen.contact is Contact.NO or seen.bpm is None:
            self._began_ms = None
            return False
        if not seen.rr_1024:
            return False
        if self._began_ms is None or seen.mono_ms < self._began_ms:
            self._began_ms, self._sum_ms, self._lag_ms = seen.mono_ms, 0.0, 0.0
            return False
        heard_ms = [rr * 1000 / 1024 for rr in seen.rr_1024]
        self._sum_ms += sum(heard_ms)
        lag_ms = seen.mono_ms - self._began_ms - self._sum_ms
        off_ms = lag_ms - self._lag_ms
        longest_ms = max(*heard_ms, 60_000 / seen.bpm)
        if abs(off_ms) > _RR_TOLERANCE * longest_ms + _RR_JITTER_MS:
            self._began_ms, self._sum_ms, self._lag_ms = seen.mono_ms, 0.0, 0.0
            return True
        self._lag_ms += _RR_FOLLOW * off_ms
        return False
