"""How long what waits for the cloud will take, by how fast it has been growing less.

It knows no link: what counts is what left the store, not what travelled, so zipping changes nothing. It never
sleeps and asks no clock.
"""

from __future__ import annotations

from collections import deque

LOOKS = 15
"""How many of the last looks count: half a minute at one every two seconds."""


class TimeLeft:
    """Told now and then how much waits; says when nothing will."""

    def __init__(self) -> None:
        self._seen: deque[tuple[int, int]] = deque(maxlen=LOOKS)

    def saw(self, mono_ms: int, waiting_bytes: int, *, is_moving: bool) -> None:
        """So much waits now; while nothing moves there is no speed."""
        if not is_moving:
            self._seen.clear()
        elif (
            self._seen and waiting_bytes > self._seen[-1][1]
        ):  # somebody recorded more: measure anew from here
            self._seen.clear()
        self._seen.append((mono_ms, waiting_bytes))

    @property
    def eta_s(self) -> float | None:
        """Seconds until all is sent at the speed of the last looks; None where nothing gets less."""
        if len(self._seen) < 2:
            return None
        (from_ms, before), (to_ms, now) = self._seen[0], self._seen[-1]
        gone, took_s = before - now, (to_ms - from_ms) / 1000
        return now / (gone / took_s) if gone > 0 and took_s > 0 and now else None
