"""How long to wait before the next try: longer each time, never in step with others.

It does not sleep; whoever asks waits.
"""

from __future__ import annotations

from collections.abc import Callable

SPREAD = 0.2
"""A wait is up to this share shorter or longer than its step."""


class Backoff:
    """Walks up `steps_s` and stays on the last; `random` gives numbers in [0, 1)."""

    def __init__(self, steps_s: tuple[float, ...], random: Callable[[], float]) -> None:
        self._steps_s = steps_s
        self._random = random
        self._taken = 0

    def next_s(self) -> float:
        """Seconds to wait now."""
        step_s = self._steps_s[min(self._taken, len(self._steps_s) - 1)]
        self._taken += 1
        return step_s * (1 - SPREAD + 2 * SPREAD * self._random())

    def reset(self) -> None:
        """Things went well: begin at the first step again."""
        self._taken = 0
