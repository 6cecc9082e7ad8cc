"""Two straps on one athlete: when the one that feeds falls silent, the spare steps in from that very moment.

It only says when; it neither assigns nor stores. A strap that came back stays spare, so that they do not
take turns.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from hub.domain import Reading

SILENT_MS = 5_000
"""Without a rate to be believed for so long a strap is silent; then its tile would grey."""

ALIVE_MS = 3_000
"""A spare strap that gave a rate to be believed so lately can stand in."""


@dataclass(frozen=True, slots=True)
class Turn:
    """From `from_ms` on `to_strap` feeds in place of `from_strap`; `latest` is what it said last.

    `from_ms` None is from after whatever was stored of the other one, which this process never heard.
    """

    from_strap: str | None
    to_strap: str
    from_ms: int | None
    latest: Reading


class Watch:
    """Remembers of straps that come in pairs when each last gave a rate to be believed."""

    def __init__(self) -> None:
        self._pairs: dict[str, tuple[str | None, tuple[str, ...]]] = {}
        self._watched: frozenset[str] = frozenset()
        self._good: dict[str, Reading] = {}
        self._since_ms: dict[str | None, int] = {}

    def __contains__(self, strap_id: str) -> bool:
        return strap_id in self._watched

    def follow(self, wearer: Mapping[str, str], spares: Collection[str]) -> None:
        """Who wears which strap, and which of them are spare."""
        by_athlete: dict[str, list[str]] = {}
        for strap_id in sorted(spares):
            if strap_id in wearer:
                by_athlete.setdefault(wearer[strap_id], []).append(strap_id)
        feeders = {a: s for s, a in wearer.items() if a in by_athlete and s not in spares}
        self._pairs = {a: (feeders.get(a), tuple(own)) for a, own in by_athlete.items()}
        self._watched = frozenset((*(s for own in by_athlete.values() for s in own), *feeders.values()))
        self._good = {s: it for s, it in self._good.items() if s in self._watched}

    def hear(self, reading: Reading) -> None:
        """One reading of a watched strap."""
        if reading.bpm is not None and not reading.is_doubtful:
            self._good[reading.strap_id] = reading

    def turns(self, now_ms: int) -> list[Turn]:
        """Who is to step in now: for each athlete whose strap is silent, the spare heard last."""
        found: list[Turn] = []
        feeders = {feeder for feeder, _ in self._pairs.values()}
        self._since_ms = {it: self._since_ms.get(it, now_ms) for it in feeders}
        for feeder, own in self._pairs.values():
            last = None if feeder is None else self._good.get(feeder)
            heard_ms = self._since_ms[feeder] if last is None else last.mono_ms
            if now_ms - heard_ms <= SILENT_MS:
                continue
            alive = [it for s in own if (it := self._good.get(s)) and now_ms - it.mono_ms <= ALIVE_MS]
            if alive:
                latest = max(alive, key=lambda it: it.mono_ms)
                from_ms = None if last is None else last.mono_ms + 1
                found.append(Turn(feeder, latest.strap_id, from_ms, latest))
        return found
