"""Several radios as one: each question goes to the radio whose receiver it names.

It has no opinion on which receiver is best.
"""

from __future__ import annotations

from collections.abc import Callable

from hub.devices.source import Link, RadioSource, Receiver, Scan, Sighting
from hub.errors import AdapterMissing


class RadiosTogether:
    """Adapters and relays side by side; receivers' names must differ."""

    def __init__(self, *radios: RadioSource) -> None:
        self._radios = radios

    def receivers(self) -> tuple[Receiver, ...]:
        """All receivers of all radios."""
        return tuple(receiver for radio in self._radios for receiver in radio.receivers())

    def foreign(self) -> int:
        """The sum over the radios."""
        return sum(radio.foreign() for radio in self._radios)

    async def start_scan(self, receiver: str, on_sighting: Callable[[Sighting], None]) -> Scan:
        """By the radio that has this receiver. Raises RadioError."""
        return await self._radio_of(receiver).start_scan(receiver, on_sighting)

    async def connect(self, sighting: Sighting, on_lost: Callable[[], None], timeout_s: float) -> Link:
        """By the radio whose receiver made the sighting. Raises RadioError."""
        return await self._radio_of(sighting.adapter).connect(sighting, on_lost, timeout_s)

    async def reset(self, receiver: str) -> None:
        """By the radio that has this receiver. Raises RadioError."""
        await self._radio_of(receiver).reset(receiver)

    async def close(self) -> None:
        """All of them."""
        for radio in self._radios:
            await radio.close()

    def _radio_of(self, receiver: str) -> RadioSource:
        for radio in self._radios:
            if any(one.name == receiver for one in radio.receivers()):
                return radio
        raise AdapterMissing(f"{receiver} has gone.")
