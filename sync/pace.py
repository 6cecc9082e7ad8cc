"""How much to send at once, and how long to wait after a failure.

Batches double until the link pushes back, then grow by steps and are halved on every failure; they aim at
about three seconds of what the link was seen to carry. It measures nothing itself and never sleeps.
"""

from __future__ import annotations

from random import Random

START_BYTES = 8 << 10
MIN_BYTES = 1 << 10
MAX_BYTES = 1 << 20
TARGET_S = 3.0
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 300.0


class Pace:
    """The size of the next batch, in bytes."""

    def __init__(self) -> None:
        self.limit_bytes = START_BYTES
        self.ceiling_bytes = MAX_BYTES
        self._is_probing = True

    def cap(self, ceiling_bytes: int) -> None:
        """Never go beyond what the cloud takes."""
        self.ceiling_bytes = min(MAX_BYTES, max(MIN_BYTES, ceiling_bytes))
        self.limit_bytes = min(self.limit_bytes, self.ceiling_bytes)

    def hold(self, most_bytes: int) -> None:
        """For now no more than this, whatever the link was seen to carry."""
        self.limit_bytes = min(self.limit_bytes, max(MIN_BYTES, most_bytes))

    def succeeded(self, sent_bytes: int, took_s: float) -> None:
        """Learn from a batch that arrived; one that was not nearly full says nothing about the link."""
        if 2 * sent_bytes < self.limit_bytes:
            return
        wanted = int(sent_bytes / max(took_s, 0.001) * TARGET_S)
        grown = 2 * self.limit_bytes if self._is_probing else self.limit_bytes + START_BYTES
        if wanted < grown:
            self._is_probing = False
        self.limit_bytes = max(MIN_BYTES, min(grown, wanted, self.ceiling_bytes))

    def failed(self) -> None:
        """Halve the batch and grow carefully from now on."""
        self._is_probing = False
        self.limit_bytes = max(MIN_BYTES, self.limit_bytes // 2)


def wait_s(failures: int, rng: Random, asked_s: float | None = None) -> float:
    """Back-off with full jitter after the nth failure in a row: 1 s up to 5 minutes.

    `asked_s` is what the cloud itself asked for; it is honoured within the same 5 minutes.
    """
    longest = min(LONGEST_WAIT_S, FIRST_WAIT_S * float(1 << min(failures, 16)))
    jittered = FIRST_WAIT_S + rng.random() * (longest - FIRST_WAIT_S)
    return max(jittered, min(asked_s or 0.0, LONGEST_WAIT_S))
