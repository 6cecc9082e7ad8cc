"""The seam behind which every radio stands: receivers that hear sensors, and links opened to them.

It names shapes only; which receivers there are, and how one is driven, each driver knows for itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol


class ReceiverKind(StrEnum):
    """What hears: a Bluetooth adapter of this machine, a relay on the network, or a recording."""

    ADAPTER = "adapter"
    RELAY = "relay"
    REPLAY = "replay"


class ScanMode(StrEnum):
    """How a receiver listens. An active scan asks for names, and BlueZ then hides repeated advertisements."""

    NONE = "not scanning"
    PASSIVE = "passive"
    ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class Receiver:
    """One adapter or relay; `slots` are the links it can hold, None where nobody has said."""

    name: str
    kind: ReceiverKind
    slots: int | None = None
    mode: ScanMode = ScanMode.NONE


@dataclass(frozen=True, slots=True)
class Sighting:
    """An advertisement of a sensor heard by one receiver, named in `adapter`.

    `polar` is the manufacturer data of company 0x006B where there is any; `device` is the driver's own.
    `is_private` says that the address changes by itself and identifies nothing.
    """

    address: str
    name: str | None
    adapter: str
    rssi_dbm: int
    offers_heart_rate: bool
    polar: bytes | None
    device: Any
    offers_sensor: bool = False
    is_private: bool = False

    @property
    def is_connectable(self) -> bool:
        """A strap that takes a connection advertises its service; one in use by another does not."""
        return self.offers_heart_rate or self.offers_sensor


class Scan(Protocol):
    """A running scan."""

    async def ended(self) -> None:
        """Returns when the scan has ended by itself, which a relay that vanished makes it do."""

    async def stop(self) -> None:
        """Stop; a receiver that has gone meanwhile is no error."""


class Link(Protocol):
    """An open connection to a sensor; every question may raise RadioError."""

    def has(self, characteristic: str) -> bool: ...

    async def read(self, characteristic: str) -> bytes: ...

    async def subscribe(self, characteristic: str, on_value: Callable[[bytes], None]) -> None: ...

    async def close(self) -> None: ...


class RadioSource(Protocol):
    """Receivers that come and go. Every coroutine may raise RadioError."""

    def receivers(self) -> tuple[Receiver, ...]: ...

    def foreign(self) -> int:
        """How many advertisements of other things than sensors were heard so far."""

    async def start_scan(self, receiver: str, on_sighting: Callable[[Sighting], None]) -> Scan: ...

    async def connect(self, sighting: Sighting, on_lost: Callable[[], None], timeout_s: float) -> Link: ...

    async def reset(self, receiver: str) -> None:
        """Turn a receiver that hangs off and on again; its links and its scan are lost."""

    async def close(self) -> None:
        """Let go of everything; the radio is not used again."""
