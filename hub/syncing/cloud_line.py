"""The line to the cloud as this hub can vouch for it: what it knows of the date, and of the cloud's key.

It dials nothing and judges nothing; the transport it makes asks it at every handshake.
"""

from __future__ import annotations

from collections.abc import Sequence

from hub.clock import Clock
from hub.store import pins
from hub.store.database import Database
from sync.client_tls import Known, Transport, trusting_transport
from sync.trust import Time, with_announced, with_pin


class CloudLine:
    """One hub's; `load` it before the first use, and `keep` what was learnt now and then."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._pins: tuple[str, ...] = ()
        self._kept: tuple[str, ...] = ()
        self._is_sure = False  # of the last contact: it was checked in full, or the claim code vouched for it

    async def load(self) -> None:
        """What earlier contacts have taught."""
        self._pins = self._kept = await self._database.read(pins.known)

    async def keep(self) -> None:
        """Make durable what was seen since."""
        now = self._pins
        if now != self._kept:
            await self._database.write(lambda db: pins.put(db, now))
            self._kept = now

    def transport(self, url: str, mark: str = "") -> Transport | None:
        """What to dial this address on; None for one without TLS. `mark` is the key's in a claim code."""
        if not url.lower().startswith("https:"):
            return None
        return trusting_transport(Known(self.time, lambda: self._pins, self._seen, self._remembered, mark))

    def time(self) -> Time:
        """What the date is, as far as this hub knows; what a file told of it decides on no certificate."""
        clock = self._clock
        return Time(clock.wall_ms(), clock.is_exact, clock.least_ms)

    def announced(self, more: Sequence[str]) -> None:
        """Keys the cloud says its certificates have and will have: believed at a contact that is sure."""
        if self._is_sure:
            self._pins = with_announced(self._pins, more)

    def _seen(self, pin: str) -> None:
        self._is_sure, self._pins = True, with_pin(self._pins, pin)

    def _remembered(self) -> None:
        self._is_sure = False
