"""Whether a receiver hangs: it connects nobody, or hears nothing though it did before.

It resets nothing; it says when a reset is due, and not again before the last one could have helped.
"""

from __future__ import annotations

from dataclasses import dataclass, field

FAILURES_THAT_HANG = 5
STRAPS_THAT_HANG = 2
DEAF_SPELLS_THAT_HANG = 3
RESET_WAITS_MS = (30_000, 60_000, 120_000, 300_000, 600_000)


@dataclass(slots=True)
class ReceiverHealth:
    """One receiver's record since it last did what it should."""

    failures: int = 0
    failed_straps: set[str] = field(default_factory=set)
    deaf_spells: int = 0
    has_heard: bool = False
    resets: int = 0
    _next_reset_ms: int = 0

    def heard(self) -> None:
        """An advertisement or a notification came in."""
        self.has_heard = True
        self.deaf_spells = 0

    def connected(self) -> None:
        """A link came about: all is well."""
        self.failures = 0
        self.failed_straps.clear()
        self.resets = 0

    def failed_to_connect(self, address: str) -> None:
        """A strap that was heard could not be connected."""
        self.failures += 1
        if len(self.failed_straps) < STRAPS_THAT_HANG:
            self.failed_straps.add(address)

    def fell_deaf(self) -> None:
        """A scan was begun again as nothing had been heard for a while."""
        self.deaf_spells += 1

    def is_hung(self) -> bool:
        """One strap that refuses is the strap's fault; several in a row are the receiver's."""
        connects_nobody = self.failures >= FAILURES_THAT_HANG and len(self.failed_straps) >= STRAPS_THAT_HANG
        return connects_nobody or (self.has_heard and self.deaf_spells >= DEAF_SPELLS_THAT_HANG)

    def is_reset_due(self, now_ms: int) -> bool:
        """Whether it hangs, and the last reset has had its time to help."""
        return self.is_hung() and now_ms >= self._next_reset_ms

    def should_reset(self, now_ms: int) -> bool:
        """Whether to reset it now; the books are cleared and the next wait is longer."""
        if not self.is_reset_due(now_ms):
            return False
        self._next_reset_ms = now_ms + RESET_WAITS_MS[min(self.resets, len(RESET_WAITS_MS) - 1)]
        self.resets += 1
        self.failures = 0
        self.failed_straps.clear()
        self.deaf_spells = 0
        return True
