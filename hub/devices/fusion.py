"""One stream for each strap, however many ways it is heard: links outrank broadcasts, repeats are dropped.

Broadcasts are told apart by what they say and by the strap's own counter, not by when they come in. It
judges no value; it only says whether one is new.
"""

from __future__ import annotations

from enum import Enum

from hub.domain import Contact

GATT_OUTRANKS_BROADCAST_MS = 3_000
FEWEST_MS_BETWEEN_BROADCASTS = 500
"""A strap sends a new value about once a second and repeats it. What follows sooner is new only where the
counter moved on after a gap: adapters, D-Bus and relays hand on in bunches what was sent a second apart."""

NOMINAL_MS = 1_000
MOST_IN_A_ROW = 16
"""Taken within that many times the fewest ms; a counter that moves with each repeat gets no further."""

REPEATED_WITHIN_MS = 200
"""No heart beats and no strap notifies twice in this time: the same bytes again were delivered twice."""

LATE_WITHIN_MS = 2_000
REMEMBERED_MS = 5_000
"""How long a value counts as heard already; the counter comes round after eight seconds."""

COUNTER = 8
_FRAMES_BEHIND = 2


class Verdict(Enum):
    """What became of a value on its way into the stream. OUTRANKED says nothing against it.

    BUNCHED is a value of its own that came close behind the one before it: to be taken like a new one.
    """

    NEW = "new"
    BUNCHED = "bunched"
    REPEATED = "repeated"
    LATE = "late"
    OUTRANKED = "outranked"


class Fuser:
    """What was taken of one strap so far."""

    def __init__(self) -> None:
        self._gatt_ms: int | None = None
        self._gatt_bytes = b""
        self._taken: tuple[tuple[int, tuple[int, int | None, Contact]], ...] = ()
        self._held_up = 0  # how many values may still come close behind, after a gap

    def notification(self, data: bytes, now_ms: int) -> Verdict:
        """A notification over a link; time that goes backwards is late."""
        if self._gatt_ms is not None:
            if now_ms < self._gatt_ms:
                return Verdict.LATE
            if data == self._gatt_bytes and now_ms - self._gatt_ms < REPEATED_WITHIN_MS:
                return Verdict.REPEATED
        self._gatt_ms, self._gatt_bytes = now_ms, data
        return Verdict.NEW

    def broadcast(
        self, frame: int, bpm: int | None, contact: Contact, now_ms: int, *, is_linked: bool
    ) -> Verdict:
        """An advertisement with a counter that moves with each value (0..7), heard by any receiver."""
        if is_linked or (self._gatt_ms is not None and now_ms - self._gatt_ms < GATT_OUTRANKS_BROADCAST_MS):
            return Verdict.OUTRANKED
        heard = (frame, bpm, contact)
        verdict = self._beside_the_last(heard, now_ms) if self._taken else Verdict.NEW
        if verdict in (Verdict.NEW, Verdict.BUNCHED):
            self._taken = (*self._taken[1 - MOST_IN_A_ROW :], (now_ms, heard))
        return verdict

    def _beside_the_last(self, heard: tuple[int, int | None, Contact], now_ms: int) -> Verdict:
        last_ms, last = self._taken[-1]
        if heard == last:
            return Verdict.REPEATED
        since_ms, steps = now_ms - last_ms, (heard[0] - last[0]) % COUNTER
        is_behind = steps >= COUNTER - _FRAMES_BEHIND
        if since_ms < 0 or (is_behind and since_ms < LATE_WITHIN_MS):
            return Verdict.LATE
        if steps and self._was_taken(heard, now_ms):
            return Verdict.REPEATED
        if since_ms >= FEWEST_MS_BETWEEN_BROADCASTS:
            self._held_up = -(-since_ms // NOMINAL_MS) if since_ms > NOMINAL_MS else 0
            return Verdict.NEW
        if not 0 < steps <= self._held_up or self._is_too_fast(now_ms):
            return Verdict.REPEATED
        self._held_up -= steps
        return Verdict.BUNCHED

    def _was_taken(self, heard: tuple[int, int | None, Contact], now_ms: int) -> bool:
        """Whether another receiver brought it already, in this turn of the counter."""
        turn = self._taken[1 - COUNTER :]
        return any(it == heard and now_ms - at_ms < REMEMBERED_MS for at_ms, it in turn)

    def _is_too_fast(self, now_ms: int) -> bool:
        """More values than a strap sends, whatever its counter says."""
        is_full = len(self._taken) == MOST_IN_A_ROW
        return is_full and now_ms - self._taken[0][0] < MOST_IN_A_ROW * FEWEST_MS_BETWEEN_BROADCASTS
