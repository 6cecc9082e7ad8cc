"""One stream for each strap, however many ways it is heard: links outrank broadcasts, repeats are dropped.

It judges no value; it only says whether one is new.
"""

from __future__ import annotations

from enum import Enum

from hub.domain import Contact

GATT_OUTRANKS_BROADCAST_MS = 3_000
FEWEST_MS_BETWEEN_BROADCASTS = 500
"""A strap sends a new value about once a second and repeats it; several receivers hear the repeats."""

REPEATED_WITHIN_MS = 200
"""No heart beats and no strap notifies twice in this time: the same bytes again were delivered twice."""

LATE_WITHIN_MS = 2_000
_COUNTER = 8
_FRAMES_BEHIND = 2


class Verdict(Enum):
    """What became of a value on its way into the stream. OUTRANKED says nothing against it."""

    NEW = "new"
    REPEATED = "repeated"
    LATE = "late"
    OUTRANKED = "outranked"


class Fuser:
    """What was taken of one strap so far."""

    def __init__(self) -> None:
        self._gatt_ms: int | None = None
        self._gatt_bytes = b""
        self._broadcast_ms: int | None = None
        self._frame: tuple[int, int | None, Contact] | None = None

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
        if heard == self._frame:
            return Verdict.REPEATED
        if self._frame is not None and self._broadcast_ms is not None:
            since_ms = now_ms - self._broadcast_ms
            is_behind = (self._frame[0] - frame) % _COUNTER in range(1, _FRAMES_BEHIND + 1)
            if since_ms < 0 or (is_behind and since_ms < LATE_WITHIN_MS):
                return Verdict.LATE
            if since_ms < FEWEST_MS_BETWEEN_BROADCASTS:
                return Verdict.REPEATED
        self._frame, self._broadcast_ms = heard, now_ms
        return Verdict.NEW
