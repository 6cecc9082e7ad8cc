"""A limit on failed tries, kept in this process: so many within a window, for each key.

It forgets at a restart and does not know other processes; guesses are slow anyway, this keeps them few.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from cloud.errors import TooManyTries

MAX_KEYS = 10_000


class TryLimit:
    """At most `tries` failures in `window_s` seconds for one key."""

    def __init__(self, tries: int, window_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._tries = tries
        self._window_s = window_s
        self._clock = clock
        self._failed: dict[str, deque[float]] = {}

    def check(self, key: str) -> None:
        """Raises TooManyTries when the key has used up its tries."""
        failed = self._failed.get(key)
        if failed is None:
            return
        while failed and failed[0] <= self._clock() - self._window_s:
            failed.popleft()
        if not failed:
            del self._failed[key]
        elif len(failed) >= self._tries:
            raise TooManyTries()

    def count(self, key: str) -> None:
        """One more failure."""
        if len(self._failed) >= MAX_KEYS and key not in self._failed:
            self._failed.pop(next(iter(self._failed)))
        self._failed.setdefault(key, deque()).append(self._clock())
