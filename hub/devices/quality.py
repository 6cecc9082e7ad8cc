"""What is wrong with a strap's values: counted for each strap, flagged on each reading, nothing thrown away.

It corrects nothing and judges no RR interval by itself; artefacts are the analysis's concern. Which rates are
doubtful is the analysis's rule too, so that the cloud judges alike.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from hub.analytics.doubt import BelievedRate, FlatLine
from hub.domain import Contact, Flaw

NOMINAL_MS = 1_000
"""Straps give a value a second."""

_GAP_MS = 1_750
_BUNCH_MS = 500
_LOSS_WINDOW_MS = 60_000
_BIN_MS = 5_000
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
        self._owed = 0
        self._last: Observed | None = None
        self._bins: list[list[int]] = []
        self._rate = BelievedRate()
        self._flat = FlatLine()
        self._beats = _BeatClock()

    def judge(self, seen: Observed) -> tuple[Flaw, ...]:
        """The flaws of this value, also counted."""
        missed = self._missed_before(seen)
        rate = None if seen.contact is Contact.NO else seen.bpm
        flaws = [
            flaw
            for flaw, is_there in (
                (Flaw.MALFORMED, seen.is_malformed),
                (Flaw.REORDERED, self._is_reordered(seen)),
                (Flaw.GAP, missed > 0),
                (Flaw.CONTACT_LOST, seen.contact is Contact.NO),
                (Flaw.SEARCHING, seen.bpm is None and seen.contact is not Contact.NO),
                (Flaw.RR_GAP, self._beats.has_gap(seen)),
                (Flaw.JUMP, self._rate.is_jump(seen.mono_ms, rate)),
                (Flaw.FLAT, self._flat.is_flat(seen.mono_ms, rate, seen.rr_1024)),
            )
            if is_there
        ]
        self._note(seen.mono_ms, missed or -self._made_good(seen))
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
        missing = max(0, sum(one[2] for one in recent)) + (
            silent_ms // NOMINAL_MS - 1 if silent_ms > _GAP_MS else 0
        )
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
            if abs(nearest - steps) <= 1:
                steps = nearest
            else:  # it stood still or began anew, a strap that was dead; or more was held up and is to come
                self._owed = max(0, steps - by_counter)
        return max(0, steps - 1)

    def _made_good(self, seen: Observed) -> int:
        """How many of those counted as missing in the gap before were only held up, as the counter shows."""
        last, owed = self._last, self._owed
        if not owed or last is None or seen.counter is None or last.counter is None:
            return 0
        is_close = seen.mono_ms - last.mono_ms < _BUNCH_MS
        here = min(owed, (seen.counter - last.counter) % 8) if is_close else 0
        self._owed = owed - here if is_close else 0
        return here

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
            del self._bins[0]


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
