"""The door to bleak: adapters that scan, connect and read, with bleak's many errors turned into RadioError.

It decides nothing: whom to connect, when to retry and what the bytes mean is for others.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bleak import BleakClient, BleakScanner
from bleak.args.bluez import BlueZClientArgs, BlueZScannerArgs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.exc import BleakBluetoothNotAvailableError, BleakError

from hub.devices.broadcast import POLAR_COMPANY
from hub.devices.gatt import BATTERY_SERVICE, DEVICE_INFORMATION_SERVICE, HEART_RATE_SERVICE
from hub.devices.scanning import ADVERTISED_BY_SENSORS, Scanning, ScanPlan
from hub.devices.sensors import SERVICES
from hub.devices.source import Link, RadioSource, Receiver, ReceiverKind, Scan, ScanMode, Sighting
from hub.errors import AdapterMissing, RadioError, SlotsTaken

__all__ = ["Backend", "BleakRadio", "Link", "Radio", "Scan", "Sighting"]

Radio = RadioSource

DEFAULT_ADAPTER = "default"
CLOSE_TIMEOUT_S = 2.0
ADAPTERS_FOLDER = Path("/sys/class/bluetooth")
WANTED_SERVICES = (HEART_RATE_SERVICE, BATTERY_SERVICE, DEVICE_INFORMATION_SERVICE, *sorted(SERVICES))
_HINT = "Plug in a Bluetooth adapter, check that bluetoothd runs, or start with virtual straps."
_WORDS_OF_A_FULL_RECEIVER = ("connection slot", "connection_limit", "connection limit", "no free ble")
TROUBLE = (BleakError, TimeoutError, OSError, EOFError)


@dataclass(frozen=True, slots=True)
class Backend:
    """A scanner and a client to use in place of the platform's own, and how an adapter is turned off and on.

    `hears_passively` says that a passive scan delivers names too, or may be tried at all.
    """

    scanner: type[BaseBleakScanner]
    client: type[BaseBleakClient]
    reset: Callable[[str], Awaitable[None]] | None = None
    hears_passively: bool = False


class BleakRadio:
    """bleak on the named adapters; where none is named, on all this machine has."""

    def __init__(
        self,
        adapters: tuple[str, ...] = (),
        backend: Backend | None = None,
        *,
        slots: int | None = None,
        plan: ScanPlan | None = None,
        folder: Path = ADAPTERS_FOLDER,
    ) -> None:
        self._named = adapters
        self._backend = backend
        self._slots = slots
        self._folder = folder
        is_passive = backend is None or backend.hears_passively
        self._plan = plan or ScanPlan(is_passive=is_passive)
        self._modes: dict[str, ScanMode] = {}
        self._foreign = 0

    def receivers(self) -> tuple[Receiver, ...]:
        """The adapters there are now, `DEFAULT_ADAPTER` standing for one that cannot be listed."""
        names = self._named or self._plugged_in() or (DEFAULT_ADAPTER,)
        return tuple(
            Receiver(name, ReceiverKind.ADAPTER, self._slots, self._modes.get(name, ScanMode.NONE))
            for name in names
        )

    def foreign(self) -> int:
        """Advertisements that were of no sensor; a passive scan never even delivers them."""
        return self._foreign

    async def start_scan(self, receiver: str, on_sighting: Callable[[Sighting], None]) -> Scan:
        """Scan until stopped. Raises AdapterMissing without Bluetooth, RadioError otherwise."""

        def on_advertisement(device: BLEDevice, data: AdvertisementData) -> None:
            sighting = sighting_of(receiver, device, data)
            if sighting.is_connectable or sighting.polar is not None:
                on_sighting(sighting)
            else:
                self._foreign += 1

        def make(mode: ScanMode) -> BleakScanner:
            arguments: BlueZScannerArgs = {} if receiver == DEFAULT_ADAPTER else {"adapter": receiver}
            if mode is ScanMode.PASSIVE:
                arguments["or_patterns"] = list(ADVERTISED_BY_SENSORS)
            return BleakScanner(
                on_advertisement,
                scanning_mode="passive" if mode is ScanMode.PASSIVE else "active",
                bluez=arguments,
                backend=None if self._backend is None else self._backend.scanner,
            )

        def note(mode: ScanMode) -> None:
            self._modes[receiver] = mode

        scanning = Scanning(make, self._plan, note)
        try:
            await scanning.start()
        except TROUBLE as error:
            raise radio_error(receiver, error) from error
        return scanning

    async def connect(self, sighting: Sighting, on_lost: Callable[[], None], timeout_s: float) -> Link:
        """A link with its services known; `on_lost` is called once if the other side ends it."""
        return await open_link(
            sighting,
            on_lost,
            timeout_s,
            backend=None if self._backend is None else self._backend.client,
            arguments={} if sighting.adapter == DEFAULT_ADAPTER else {"adapter": sighting.adapter},
        )

    async def reset(self, receiver: str) -> None:
        """Power-cycle the adapter, and its USB port where that does not help. Raises RadioError."""
        if self._backend is not None and self._backend.reset is not None:
            await self._backend.reset(receiver)
            return
        if not await _recovered(receiver, self._folder):
            raise RadioError(
                f"{receiver} could not be reset.", hint="Unplug the adapter and plug it in again."
            )

    async def close(self) -> None:
        """Nothing is held beyond scans and links, which their owners end."""

    def _plugged_in(self) -> tuple[str, ...]:
        if self._backend is not None or not self._folder.is_dir():
            return ()
        return tuple(sorted(path.name for path in self._folder.glob("hci*") if ":" not in path.name))


class BleakLink:
    """An open bleak client as a Link."""

    def __init__(self, client: BleakClient, receiver: str) -> None:
        self._client = client
        self._receiver = receiver

    def has(self, characteristic: str) -> bool:
        """Whether the sensor offers it."""
        return self._client.services.get_characteristic(characteristic) is not None

    async def read(self, characteristic: str) -> bytes:
        """Its value. Raises RadioError."""
        try:
            return bytes(await self._client.read_gatt_char(characteristic))
        except TROUBLE as error:
            raise radio_error(self._receiver, error) from error

    async def subscribe(self, characteristic: str, on_value: Callable[[bytes], None]) -> None:
        """Tell `on_value` each notification. Raises RadioError."""

        def on_notification(_characteristic: BleakGATTCharacteristic, value: bytearray) -> None:
            on_value(bytes(value))

        try:
            await self._client.start_notify(characteristic, on_notification)
        except TROUBLE as error:
            raise radio_error(self._receiver, error) from error

    async def close(self) -> None:
        """End the link and let go of everything it holds."""
        await _disconnect(self._client)


async def open_link(
    sighting: Sighting,
    on_lost: Callable[[], None],
    timeout_s: float,
    *,
    backend: type[BaseBleakClient] | None,
    arguments: BlueZClientArgs,
) -> Link:
    """Connect through bleak and learn the services; nothing stays open when it fails. Raises RadioError."""
    client: BleakClient | None = None
    try:
        client = BleakClient(
            sighting.device,
            lambda _client: on_lost(),
            WANTED_SERVICES,
            timeout=timeout_s,
            bluez=arguments,
            backend=backend,
        )
        async with asyncio.timeout(timeout_s):
            await client.connect()
    except BaseException as error:
        if client is not None:
            await _disconnect(client)
        if isinstance(error, TROUBLE):
            raise radio_error(sighting.adapter, error) from error
        raise
    return BleakLink(client, sighting.adapter)


async def _disconnect(client: BleakClient) -> None:
    """Always to be called, even for a link the strap has ended: bleak's D-Bus socket stays open without."""
    with contextlib.suppress(*TROUBLE):
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await client.disconnect()


async def _recovered(adapter: str, folder: Path) -> bool:
    """Whether the adapter works again; needs the relays' libraries and the network administration right."""
    try:
        from bluetooth_auto_recovery import recover_adapter
    except ImportError:
        return False
    if not adapter.removeprefix("hci").isdigit():
        return False
    with contextlib.suppress(OSError):
        address = (folder / adapter / "address").read_text("ascii").strip()
        return bool(await recover_adapter(int(adapter.removeprefix("hci")), address, gone_silent=True))
    return False


def sighting_of(receiver: str, device: BLEDevice, data: AdvertisementData) -> Sighting:
    """What bleak heard, in our words."""
    return Sighting(
        address=device.address,
        name=data.local_name or device.name,
        adapter=receiver,
        rssi_dbm=data.rssi,
        offers_heart_rate=HEART_RATE_SERVICE in data.service_uuids,
        polar=data.manufacturer_data.get(POLAR_COMPANY),
        device=device,
        offers_sensor=not SERVICES.isdisjoint(data.service_uuids),
        is_private=is_private_address(device.address, device.details),
    )


def is_private_address(address: str, details: Any) -> bool:
    """Whether the address is random and resolvable (top bits 01): it changes every quarter of an hour."""
    if not isinstance(details, dict):
        return False
    kind = details.get("address_type", details.get("props", {}).get("AddressType"))
    is_random = kind in (1, "random")
    return is_random and address[:1].upper() in {"4", "5", "6", "7"}


def radio_error(receiver: str, error: BaseException) -> RadioError:
    """bleak's error as one of ours, naming the receiver."""
    detail = f"{receiver}: {error}." if str(error) else f"{receiver}: {type(error).__name__}."
    if isinstance(error, BleakBluetoothNotAvailableError | FileNotFoundError | ConnectionRefusedError):
        reason = error.args[0] if isinstance(error, BleakBluetoothNotAvailableError) else str(error)
        return AdapterMissing(f"{receiver}: {reason}.", hint=_HINT)
    is_full = any(words in detail.casefold() for words in _WORDS_OF_A_FULL_RECEIVER)
    return SlotsTaken(detail) if is_full else RadioError(detail)
