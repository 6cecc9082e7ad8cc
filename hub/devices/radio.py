"""The only door to bleak: scanning, connecting and reading, with its many errors turned into RadioError.

It decides nothing: whom to connect, when to retry and what the bytes mean is for others.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from bleak import BleakClient, BleakScanner
from bleak.args.bluez import BlueZClientArgs, BlueZScannerArgs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.exc import BleakBluetoothNotAvailableError, BleakError

from hub.devices.broadcast import POLAR_COMPANY
from hub.devices.gatt import BATTERY_SERVICE, DEVICE_INFORMATION_SERVICE, HEART_RATE_SERVICE
from hub.errors import AdapterMissing, RadioError

DEFAULT_ADAPTER = "default"
START_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 2.0
_WANTED_SERVICES = (HEART_RATE_SERVICE, BATTERY_SERVICE, DEVICE_INFORMATION_SERVICE)
_HINT = "Plug in a Bluetooth adapter, check that bluetoothd runs, or start with virtual straps."
_TROUBLE = (BleakError, TimeoutError, OSError, EOFError)


@dataclass(frozen=True, slots=True)
class Sighting:
    """An advertisement of a heart-rate strap heard by one adapter.

    `polar` is the manufacturer data of company 0x006B where there is any; `device` is bleak's own.
    """

    address: str
    name: str | None
    adapter: str
    rssi_dbm: int
    offers_heart_rate: bool
    polar: bytes | None
    device: BLEDevice


class Scan(Protocol):
    """A running scan."""

    async def stop(self) -> None: ...


class Link(Protocol):
    """An open connection to a strap; every question may raise RadioError."""

    def has(self, characteristic: str) -> bool: ...

    async def read(self, characteristic: str) -> bytes: ...

    async def subscribe(self, characteristic: str, on_value: Callable[[bytes], None]) -> None: ...

    async def close(self) -> None: ...


class Radio(Protocol):
    """One or more adapters that hear straps and connect to them."""

    @property
    def adapters(self) -> tuple[str, ...]: ...

    async def start_scan(self, adapter: str, on_sighting: Callable[[Sighting], None]) -> Scan: ...

    async def connect(self, sighting: Sighting, on_lost: Callable[[], None], timeout_s: float) -> Link: ...


@dataclass(frozen=True, slots=True)
class Backend:
    """A scanner and a client to use in place of the platform's own."""

    scanner: type[BaseBleakScanner]
    client: type[BaseBleakClient]


class BleakRadio:
    """bleak on the named adapters; on the system's default adapter where none is named."""

    def __init__(self, adapters: tuple[str, ...] = (), backend: Backend | None = None) -> None:
        self._adapters = adapters or (DEFAULT_ADAPTER,)
        self._backend = backend

    @property
    def adapters(self) -> tuple[str, ...]:
        """The adapters' names, `DEFAULT_ADAPTER` standing for the unnamed one."""
        return self._adapters

    async def start_scan(self, adapter: str, on_sighting: Callable[[Sighting], None]) -> Scan:
        """Scan until stopped. Raises AdapterMissing without Bluetooth, RadioError otherwise."""

        def on_advertisement(device: BLEDevice, data: AdvertisementData) -> None:
            sighting = _sighting(adapter, device, data)
            if sighting.offers_heart_rate or sighting.polar is not None:
                on_sighting(sighting)

        scanner: BleakScanner | None = None
        try:
            scanner = BleakScanner(
                on_advertisement,
                bluez=BlueZScannerArgs() if adapter == DEFAULT_ADAPTER else {"adapter": adapter},
                backend=None if self._backend is None else self._backend.scanner,
            )
            async with asyncio.timeout(START_TIMEOUT_S):
                await scanner.start()
        except BaseException as error:
            if scanner is not None:
                await _BleakScan(scanner).stop()
            if isinstance(error, _TROUBLE):
                raise _radio_error(adapter, error) from error
            raise
        return _BleakScan(scanner)

    async def connect(self, sighting: Sighting, on_lost: Callable[[], None], timeout_s: float) -> Link:
        """A link with its services known; `on_lost` is called once if the other side ends it."""
        client: BleakClient | None = None
        try:
            client = BleakClient(
                sighting.device,
                lambda _client: on_lost(),
                _WANTED_SERVICES,
                timeout=timeout_s,
                bluez=_client_arguments(sighting.adapter),
                backend=None if self._backend is None else self._backend.client,
            )
            async with asyncio.timeout(timeout_s):
                await client.connect()
        except BaseException as error:
            if client is not None:
                await _disconnect(client)
            if isinstance(error, _TROUBLE):
                raise _radio_error(sighting.adapter, error) from error
            raise
        return _BleakLink(client, sighting.adapter)


class _BleakScan:
    def __init__(self, scanner: BleakScanner) -> None:
        self._scanner = scanner

    async def stop(self) -> None:
        """Stop; an adapter that has gone meanwhile is no error."""
        with contextlib.suppress(*_TROUBLE):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._scanner.stop()


class _BleakLink:
    def __init__(self, client: BleakClient, adapter: str) -> None:
        self._client = client
        self._adapter = adapter

    def has(self, characteristic: str) -> bool:
        return self._client.services.get_characteristic(characteristic) is not None

    async def read(self, characteristic: str) -> bytes:
        try:
            return bytes(await self._client.read_gatt_char(characteristic))
        except _TROUBLE as error:
            raise _radio_error(self._adapter, error) from error

    async def subscribe(self, characteristic: str, on_value: Callable[[bytes], None]) -> None:
        def on_notification(_characteristic: BleakGATTCharacteristic, value: bytearray) -> None:
            on_value(bytes(value))

        try:
            await self._client.start_notify(characteristic, on_notification)
        except _TROUBLE as error:
            raise _radio_error(self._adapter, error) from error

    async def close(self) -> None:
        await _disconnect(self._client)


async def _disconnect(client: BleakClient) -> None:
    """Always to be called, even for a link the strap has ended: bleak's D-Bus socket stays open without."""
    with contextlib.suppress(*_TROUBLE):
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await client.disconnect()


def _client_arguments(adapter: str) -> BlueZClientArgs:
    return BlueZClientArgs() if adapter == DEFAULT_ADAPTER else {"adapter": adapter}


def _sighting(adapter: str, device: BLEDevice, data: AdvertisementData) -> Sighting:
    return Sighting(
        address=device.address,
        name=data.local_name or device.name,
        adapter=adapter,
        rssi_dbm=data.rssi,
        offers_heart_rate=HEART_RATE_SERVICE in data.service_uuids,
        polar=data.manufacturer_data.get(POLAR_COMPANY),
        device=device,
    )


def _radio_error(adapter: str, error: BaseException) -> RadioError:
    detail = f"{adapter}: {error}." if str(error) else f"{adapter}: {type(error).__name__}."
    if isinstance(error, BleakBluetoothNotAvailableError | FileNotFoundError | ConnectionRefusedError):
        reason = error.args[0] if isinstance(error, BleakBluetoothNotAvailableError) else str(error)
        return AdapterMissing(f"{adapter}: {reason}.", hint=_HINT)
    return RadioError(detail)
