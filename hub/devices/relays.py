"""Relays round the pitch: ESP32 boards with ESPHome's Bluetooth proxy, spoken to over the network.

The libraries speak the protocol; when to connect again and which relay to use is decided elsewhere.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aioesphomeapi.client import APIClient
from aioesphomeapi.core import (
    APIConnectionError,
    InvalidEncryptionKeyAPIError,
    RequiresEncryptionAPIError,
    ResolveAPIError,
    SocketAPIError,
)
from bleak.backends.client import BaseBleakClient
from bleak_esphome import connect_scanner
from bleak_esphome.backend.client import ESPHomeClient, ESPHomeClientData
from habluetooth import BluetoothScanningMode, BluetoothServiceInfoBleak

from hub.devices.broadcast import POLAR_COMPANY
from hub.devices.gatt import HEART_RATE_SERVICE
from hub.devices.radio import is_private_address, open_link
from hub.devices.relay_manager import RelayManager
from hub.devices.sensors import SERVICES
from hub.devices.source import Link, Receiver, ReceiverKind, Scan, ScanMode, Sighting
from hub.errors import RadioError, RelaySilent, SettingInvalid

PORT = 6053
CONNECT_TIMEOUT_S = 8.0
CLOSE_TIMEOUT_S = 2.0
KEEPALIVE_S = 5.0
_TROUBLE = (APIConnectionError, TimeoutError, OSError)
_HINT_OF_KEYS = "Write its key behind a / in TOUCHLINE_RELAYS."
_REASONS: tuple[tuple[type[BaseException], tuple[str, str]], ...] = (
    (
        InvalidEncryptionKeyAPIError,
        ("its key is another one", _HINT_OF_KEYS),
    ),
    (RequiresEncryptionAPIError, ("it wants a key", _HINT_OF_KEYS)),
    (ResolveAPIError, ("its name is not known in this network", "Write its address instead.")),
    (SocketAPIError, ("nobody answers there", "Check its power and its network.")),
    (TimeoutError, ("it does not answer", "Check its power and its network.")),
)
_MODES = {
    BluetoothScanningMode.ACTIVE: ScanMode.ACTIVE,
    BluetoothScanningMode.PASSIVE: ScanMode.PASSIVE,
}


@dataclass(frozen=True, slots=True)
class Relay:
    """Where a relay is reached; `key` is its encryption key in base64, as ESPHome shows it."""

    name: str
    host: str
    port: int = PORT
    key: str | None = None


def relays_from_text(text: str) -> tuple[Relay, ...]:
    """ "north=10.0.0.11, south=10.0.0.12:6053/KEY" as relays. Raises SettingInvalid."""
    relays = []
    for part in (part.strip() for part in text.split(",") if part.strip()):
        name, equals, where = part.partition("=")
        place, _, key = where.partition("/")
        host, _, port = place.partition(":")
        if not (name.strip() and equals and host.strip()) or not (port or str(PORT)).isdigit():
            raise SettingInvalid(
                f"the relay {part!r} in TOUCHLINE_RELAYS.",
                hint="Write name=host, name=host:port or name=host/key.",
            )
        relays.append(Relay(name.strip(), host.strip(), int(port or PORT), key.strip() or None))
    if len({relay.name for relay in relays}) < len(relays):
        raise SettingInvalid(
            "two relays of one name in TOUCHLINE_RELAYS.", hint="Give every relay a name of its own."
        )
    return tuple(relays)


class RelayRadio:
    """The relays as one radio; each is connected to when its scan is started."""

    def __init__(self, relays: tuple[Relay, ...]) -> None:
        self._relays = {relay.name: relay for relay in relays}
        self._sessions: dict[str, _Session] = {}
        self._manager: RelayManager | None = None

    def receivers(self) -> tuple[Receiver, ...]:
        """Each relay, with no slots while it is not reached."""
        return tuple(
            session.receiver() if (session := self._sessions.get(name)) else _unreached(name)
            for name in self._relays
        )

    def foreign(self) -> int:
        """New advertisements that were of no sensor."""
        return 0 if self._manager is None else int(self._manager.unwanted)

    async def start_scan(self, receiver: str, on_sighting: Callable[[Sighting], None]) -> Scan:
        """Reach the relay and listen through it. Raises AdapterMissing where it does not answer."""
        if self._manager is None:
            self._manager = RelayManager(_is_sensor)
            self._manager.set_up()
        await self.reset(receiver)
        session = _Session(self._relays[receiver], self._manager)
        await session.open(on_sighting)
        self._sessions[receiver] = session
        return session

    async def connect(self, sighting: Sighting, on_lost: Callable[[], None], timeout_s: float) -> Link:
        """A link through the relay that made the sighting. Raises RadioError."""
        session = self._sessions.get(sighting.adapter)
        if session is None or session.client_class is None:
            raise RadioError(f"{sighting.adapter} is not reached.")
        return await open_link(sighting, on_lost, timeout_s, backend=session.client_class, arguments={})

    async def reset(self, receiver: str) -> None:
        """Hang up; the relay then drops every link it held for us."""
        session = self._sessions.pop(receiver, None)
        if session is not None:
            await session.stop()

    async def close(self) -> None:
        """Hang up everywhere."""
        for name in tuple(self._sessions):
            await self.reset(name)
        if self._manager is not None:
            self._manager.tear_down()
            self._manager = None


class _Session:
    """One connection to one relay, from reaching it until either side hangs up."""

    def __init__(self, relay: Relay, manager: RelayManager) -> None:
        self.client_class: type[BaseBleakClient] | None = None
        self._relay = relay
        self._manager = manager
        self._api = APIClient(relay.host, relay.port, None, noise_psk=relay.key, keepalive=KEEPALIVE_S)
        self._data: ESPHomeClientData | None = None
        self._undo: list[Callable[[], None]] = []
        self._gone = asyncio.Event()

    async def open(self, on_sighting: Callable[[Sighting], None]) -> None:
        """Reach it and begin to listen. Raises AdapterMissing."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._api.connect(self._on_stop, log_errors=False)
                info = await self._api.device_info()
                self._listen(info, on_sighting)
        except BaseException as error:
            await self.stop()
            if isinstance(error, _TROUBLE):
                raise self._unreachable(error) from error
            raise

    def receiver(self) -> Receiver:
        """The relay with the slots it reports, none if it takes no connections."""
        if self._data is None or self._data.scanner is None or self._gone.is_set():
            return _unreached(self._relay.name)
        scanner = self._data.scanner
        allocations = scanner.get_allocations()
        slots = allocations.slots if allocations is not None else 0
        mode = _MODES.get(scanner.current_mode or BluetoothScanningMode.PASSIVE, ScanMode.PASSIVE)
        return Receiver(self._relay.name, ReceiverKind.RELAY, slots, mode)

    async def ended(self) -> None:
        """Returns when the relay has gone."""
        await self._gone.wait()

    async def stop(self) -> None:
        """Hang up; nothing of the session stays behind."""
        self._let_go()
        with contextlib.suppress(*_TROUBLE):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._api.disconnect()

    def _listen(self, info: Any, on_sighting: Callable[[Sighting], None]) -> None:
        data = connect_scanner(self._api, info, True)
        scanner = data.scanner
        if scanner is None:
            raise RadioError(f"{self._relay.name} has no Bluetooth.")
        self._data = data

        def on_packet(packet: BluetoothServiceInfoBleak) -> None:
            on_sighting(_sighting(self._relay.name, packet))

        self._undo = [
            scanner.async_setup(),
            self._manager.async_register_scanner(scanner),
            self._manager.listen(scanner.source, on_packet),
        ]
        self.client_class = _client_class(data)

    async def _on_stop(self, _is_expected: bool) -> None:
        self._let_go()

    def _let_go(self) -> None:
        """Tell every open link that it is lost, and the library that the relay has gone."""
        self._gone.set()
        data, self._data, self.client_class = self._data, None, None
        if data is not None:
            data.bluetooth_device.async_set_unavailable()
            for lose_link in tuple(data.disconnect_callbacks):
                lose_link()
        while self._undo:
            self._undo.pop()()

    def _unreachable(self, error: BaseException) -> RelaySilent:
        reason, hint = next(
            (said for kind, said in _REASONS if isinstance(error, kind)),
            (str(error) or type(error).__name__, "Check its power, its network and its key."),
        )
        return RelaySilent(f"relay {self._relay.name} ({self._relay.host}): {reason}.", hint=hint)


def _unreached(name: str) -> Receiver:
    return Receiver(name, ReceiverKind.RELAY, 0, ScanMode.NONE)


def _client_class(data: ESPHomeClientData) -> type[BaseBleakClient]:
    """A bleak client that goes through this relay and no other."""

    class RelayClient(ESPHomeClient):
        def __init__(self, *arguments: Any, **keywords: Any) -> None:
            super().__init__(*arguments, client_data=data, **keywords)

    return RelayClient


def _is_sensor(packet: BluetoothServiceInfoBleak) -> bool:
    services = packet.service_uuids
    is_offered = HEART_RATE_SERVICE in services or not SERVICES.isdisjoint(services)
    return is_offered or POLAR_COMPANY in packet.manufacturer_data


def _sighting(relay: str, packet: BluetoothServiceInfoBleak) -> Sighting:
    """A packet in our words; where the library knows no name it gives the address."""
    return Sighting(
        address=packet.address,
        name=None if packet.name == packet.address else packet.name,
        adapter=relay,
        rssi_dbm=packet.rssi,
        offers_heart_rate=HEART_RATE_SERVICE in packet.service_uuids,
        polar=packet.manufacturer_data.get(POLAR_COMPANY),
        device=packet.device,
        offers_sensor=not SERVICES.isdisjoint(packet.service_uuids),
        is_private=is_private_address(packet.address, packet.device.details),
    )
