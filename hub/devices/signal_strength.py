"""How loudly each receiver hears a strap, smoothed, and which one hears it best without wavering.

One advertisement says little: a body turns and 15 dB are gone.
"""

from __future__ import annotations

from dataclasses import dataclass

NEW_SHARE = 0.3
"""Weight of a new value in the moving average."""

STALE_MS = 10_000
"""After such a silence the strap may be anywhere: the average begins anew."""


@dataclass(slots=True)
class Heard:
    """One receiver's ear on one strap."""

    dbm: float
    last_ms: int


class Signals:
    """All receivers' ears on one strap; `best` changes only for a receiver `margin_db` louder."""

    def __init__(self, margin_db: float = 6.0) -> None:
        self._margin_db = margin_db
        self._heard: dict[str, Heard] = {}
        self._best: str | None = None

    def hear(self, receiver: str, dbm: int, now_ms: int) -> None:
        """One advertisement. A value no radio can measure (127, 0 or above) counts as barely heard."""
        value = float(dbm) if -127 <= dbm < 0 else -127.0
        known = self._heard.get(receiver)
        if known is None or now_ms - known.last_ms > STALE_MS:
            self._heard[receiver] = Heard(value, now_ms)
        else:
            known.dbm += NEW_SHARE * (value - known.dbm)
            known.last_ms = now_ms

    def dbm(self, receiver: str) -> float | None:
        """The smoothed strength at this receiver."""
        heard = self._heard.get(receiver)
        return None if heard is None else heard.dbm

    def since(self, since_ms: int) -> dict[str, float]:
        """Strength at each receiver that heard the strap later than `since_ms`."""
        return {name: heard.dbm for name, heard in self._heard.items() if heard.last_ms > since_ms}

    def last_ms(self) -> int | None:
        """When anybody heard it last."""
        return max((heard.last_ms for heard in self._heard.values()), default=None)

    def best(self, since_ms: int) -> str | None:
        """The receiver that hears it best, kept until another is clearly better or it falls silent."""
        fresh = self.since(since_ms)
        if not fresh:
            self._best = None
            return None
        loudest = max(fresh, key=lambda name: (fresh[name], name))
        kept = self._best
        if kept is None or kept not in fresh or fresh[loudest] >= fresh[kept] + self._margin_db:
            self._best = loudest
        return self._best

    def forget(self, before_ms: int) -> None:
        """Drop receivers that have not heard the strap since."""
        self._heard = {name: heard for name, heard in self._heard.items() if heard.last_ms >= before_ms}
