"""What a strap's contact bit is worth: some makes say "not in contact" all their life, on a beating heart.

Only beats overrule it; it judges no rate, and a bit that has ever said "in contact" is believed for good.
"""

from __future__ import annotations

from statistics import median

from hub.domain import Contact

PROOF_BEATS = 12
"""As many intervals in a row must be a heart's before the bit is taken for one that does not work."""

_PROOF_WITHIN_MS = 30_000
_SILENT_AFTER_MS = 10_000
"""Without a beat for so long the strap is off the skin, whatever its bit is worth."""
_SHORTEST_MS, _LONGEST_MS = 270.0, 2_000.0
_AGREES_WITHIN = 0.15


class ContactBit:
    """One strap's bit. `believed` is to be called for every new value in the order of arrival.

    A worn Wahoo Blue HR sends flags 0x14, that is contact supported and not detected, with a good rate and
    good intervals; a chest strap taken off the skin sends its last rate on, but no new beats.
    """

    def __init__(self) -> None:
        self._has_said_yes = False
        self._is_broken = False
        self._beats: tuple[tuple[int, float], ...] = ()  # when each came and its interval, ms; the last few

    def believed(self, said: Contact, mono_ms: int, bpm: int | None, rr_1024: tuple[int, ...]) -> Contact:
        """The contact to go by: what was said, or UNSUPPORTED where the bit has proved worthless."""
        self._has_said_yes |= said is Contact.YES
        if said is not Contact.NO or self._has_said_yes:
            return said
        self._hear(mono_ms, rr_1024)
        self._is_broken = self._is_broken or self._is_a_heart(mono_ms, bpm)
        is_beating = bool(self._beats) and mono_ms - self._beats[-1][0] <= _SILENT_AFTER_MS
        return Contact.UNSUPPORTED if self._is_broken and is_beating else said

    def _hear(self, mono_ms: int, rr_1024: tuple[int, ...]) -> None:
        for rr in rr_1024:
            rr_ms = rr * 1000 / 1024
            if _SHORTEST_MS <= rr_ms <= _LONGEST_MS:
                self._beats = (*self._beats[1 - PROOF_BEATS :], (mono_ms, rr_ms))
            else:
                self._beats = ()

    def _is_a_heart(self, mono_ms: int, bpm: int | None) -> bool:
        if bpm is None or len(self._beats) < PROOF_BEATS or mono_ms - self._beats[0][0] > _PROOF_WITHIN_MS:
            return False
        intervals = [rr_ms for _, rr_ms in self._beats]
        agrees = abs(median(intervals) * bpm / 60_000 - 1) <= _AGREES_WITHIN
        return agrees and len(set(intervals)) > 1  # a heart never beats like a clock
