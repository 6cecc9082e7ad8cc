"""All sensors heard so far, by address: who each is, what people want of it, and when it is forgotten.

It connects nobody; strangers are kept in mind only as long as there is room for them.
"""

from __future__ import annotations

from collections.abc import Callable

from hub.devices.identity import Identities, Proof
from hub.devices.source import Sighting
from hub.devices.strap_watch import StrapWatch
from hub.devices.wishes import NO_WISH, Wish
from hub.domain import Reading, SensorReading

MOST_STRANGERS = 256
"""Sensors kept in mind without a link; beyond these the ones heard longest ago are forgotten."""


class Register:
    """`is_busy` says of an address that a link to it is open or being made: it is not forgotten then."""

    def __init__(
        self,
        on_reading: Callable[[Reading], None],
        on_sensor: Callable[[SensorReading], None],
        is_busy: Callable[[str], bool],
    ) -> None:
        self._on_reading = on_reading
        self._on_sensor = on_sensor
        self._is_busy = is_busy
        self._watches: dict[str, StrapWatch] = {}
        self._identities = Identities()
        self._wishes: dict[str, Wish] = {}
        self._remembered: dict[str, str] = {}

    def __getitem__(self, address: str) -> StrapWatch:
        return self._watches[address]

    def all(self) -> tuple[StrapWatch, ...]:
        """Every sensor in mind."""
        return tuple(self._watches.values())

    def hear(self, sighting: Sighting, now_ms: int) -> StrapWatch:
        """The sensor an advertisement is of, which has taken note of it."""
        watch = self._watches.get(sighting.address)
        if watch is None:
            watch = self._watches[sighting.address] = StrapWatch(
                sighting,
                now_ms,
                self._on_reading,
                self._on_sensor,
                self._claim,
                self.wish_of,
                self._remembered.get(sighting.address.upper()),
            )
        watch.on_sighting(sighting, now_ms)
        if watch.strap_id is not None:
            self._identities.heard(watch.strap_id, watch.address, now_ms)
        return watch

    def remember(self, strap_id: str, address: str) -> None:
        """A strap of earlier sessions, to be known again by its address."""
        if not strap_id.startswith("addr:"):
            self._remembered[address.upper()] = strap_id

    def wish(self, strap_id: str, wish: Wish) -> None:
        """What people want of a strap, known already or not."""
        self._wishes[strap_id] = wish
        for watch in self._watches.values():
            if watch.strap_id == strap_id:
                watch.wish = wish

    def wish_of(self, strap_id: str) -> Wish:
        """The wish, or none."""
        return self._wishes.get(strap_id, NO_WISH)

    def forget_some(self, before_ms: int) -> tuple[str, ...]:
        """Forget who was not heard since, and the strangers there is no room for; their addresses."""
        idle = [watch for watch in self._watches.values() if not self._is_busy(watch.address)]
        idle.sort(key=lambda watch: (watch.strap_id in self._wishes, watch.last_heard_ms))
        excess = max(0, len(idle) - MOST_STRANGERS)
        gone = [watch for rank, watch in enumerate(idle) if rank < excess or watch.last_heard_ms < before_ms]
        for watch in gone:
            del self._watches[watch.address]
            self._identities.forget(watch.address)
        return tuple(watch.address for watch in gone)

    @property
    def is_crowded(self) -> bool:
        """Whether there are so many that some should be forgotten now."""
        return len(self._watches) > 2 * MOST_STRANGERS

    def _claim(self, strap_id: str, address: str, proof: Proof, now_ms: int) -> bool:
        before = self._identities.holder(strap_id)
        if not self._identities.claim(strap_id, address, proof, now_ms):
            return False
        if before not in (None, address) and (loser := self._watches.get(before or "")) is not None:
            loser.lose_id()
        return True
