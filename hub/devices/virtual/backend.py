"""bleak's scanner and client on the virtual radio, so that the hub runs the very code it runs on BlueZ.

It pairs with nobody and writes no descriptors of its own: straps need neither.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn, TypeVar
from uuid import UUID

from bleak.assigned_numbers import gatt_char_props_to_strs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakError
from bleak.uuids import normalize_uuid_16
from bumble.core import AdvertisingData, BaseBumbleError
from bumble.device import Connection, Peer
from bumble.hci import Address, AddressType

from hub.devices.radio import Backend
from hub.devices.virtual.adapter import (
    adapter_named,
    close_adapters,
    first_of,
    is_being_cancelled,
    open_adapter,
    reset_adapter,
)
from hub.devices.virtual.reports import SCAN_RESPONSE, Report

__all__ = ["VIRTUAL", "VirtualClient", "VirtualScanner", "close_adapters", "open_adapter"]

T = TypeVar("T")
_DEFAULT_MTU = 23
_DISCONNECT_TIMEOUT_S = 1.5
_NAMES = (AdvertisingData.COMPLETE_LOCAL_NAME, AdvertisingData.SHORTENED_LOCAL_NAME)
_SERVICES = (
    AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
    AdvertisingData.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
)


@dataclass(slots=True)
class _Heard:
    """What has been heard of one address: an advertisement and its scan response complete each other."""

    address: Address
    name: str | None = None
    service_uuids: list[str] = field(default_factory=list)
    manufacturer_data: dict[int, bytes] = field(default_factory=dict)

    raw_name: bytes = b""
    raw_services: bytes = b""

    def take(self, report: Report) -> None:
        for kind, value in report.parts:
            if kind in _NAMES:
                if value != self.raw_name:
                    self.raw_name, self.name = value, value.decode("utf-8", "replace")
            elif kind in _SERVICES:
                if value != self.raw_services:
                    self.raw_services, self.service_uuids = value, _uuids(value)
            elif kind == AdvertisingData.MANUFACTURER_SPECIFIC_DATA and len(value) >= 2:
                self.manufacturer_data = {int.from_bytes(value[:2], "little"): bytes(value[2:])}


class VirtualScanner(BaseBleakScanner):
    """Scans on the adapter named by `bluez={"adapter": ...}`, actively, without a duplicate filter."""

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: Literal["active", "passive"] = "active",
        **kwargs: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._adapter = adapter_named(kwargs.get("bluez", {}).get("adapter"))
        self._heard: dict[str, _Heard] = {}

    async def start(self) -> None:
        """Open the adapter if need be and listen."""
        self.seen_devices = {}
        self._heard.clear()
        await self._adapter.listen(self._on_advertisement)

    async def stop(self) -> None:
        """Listen no more."""
        await self._adapter.stop_listening(self._on_advertisement)

    def _on_advertisement(self, report: Report) -> None:
        address = report.address
        heard = self._heard.get(address)
        if heard is None:
            heard = self._heard[address] = _Heard(Address(address, AddressType(report.address_type)))
        known_name = heard.name
        heard.take(report)
        is_stale = report.kind == SCAN_RESPONSE and heard.name == known_name
        if is_stale or not self.is_allowed_uuid(heard.service_uuids):
            return
        data = AdvertisementData(
            local_name=heard.name,
            manufacturer_data=heard.manufacturer_data,
            service_data={},
            service_uuids=heard.service_uuids,
            tx_power=None,
            rssi=report.rssi_dbm,
            platform_data=(report,),
        )
        details = {"adapter": self._adapter.name, "address": heard.address}
        device = self.create_or_update_device(address, address, heard.name, details, data)
        self.call_detection_callbacks(device, data)


class VirtualClient(BaseBleakClient):
    """A GATT client on a Bumble link; every question ends when the link does.

    Like bleak's client on BlueZ, which has a D-Bus socket of its own, it holds a file descriptor from
    `connect` until `disconnect`, even when the strap ended the link or connecting failed: a caller who
    forgets can be caught.
    """

    def __init__(
        self,
        address_or_ble_device: BLEDevice | str,
        *,
        disconnected_callback: Callable[[], None] | None,
        timeout: float,
        services: set[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(address_or_ble_device, disconnected_callback=disconnected_callback, timeout=timeout)
        name = kwargs.get("bluez", {}).get("adapter")
        if isinstance(address_or_ble_device, BLEDevice):
            self._name = address_or_ble_device.name or self.address
            self._peer_address: Address = address_or_ble_device.details["address"]
            name = name or address_or_ble_device.details["adapter"]
        else:
            self._name = self.address
            self._peer_address = Address(self.address, Address.RANDOM_DEVICE_ADDRESS)
        self._adapter = adapter_named(name)
        self._wanted_services = services
        self._link: Connection | None = None
        self._peer: Peer | None = None
        self._gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._descriptor: int | None = None

    @property
    def name(self) -> str:
        """The advertised name."""
        return self._name

    @property
    def mtu_size(self) -> int:
        """Bytes of one ATT packet."""
        return int(self._peer.gatt_client.mtu) if self._peer is not None else _DEFAULT_MTU

    @property
    def is_connected(self) -> bool:
        """Whether the link stands."""
        return self._link is not None

    async def connect(self, pair: bool, **kwargs: Any) -> None:
        """Connect and discover the services."""
        if self._link is not None:
            raise BleakError("already connected")
        self._gone = asyncio.get_running_loop().create_future()
        self._let_descriptor_go()
        self._descriptor = os.open(os.devnull, os.O_RDONLY)
        try:
            async with asyncio.timeout(kwargs.get("timeout", self._timeout)):
                self._link = await self._adapter.connect(self._peer_address)
                self._link.on("disconnection", self._on_disconnection)
                self._peer = Peer(self._link)
                self.services = await self._ask(self._discover(self._peer))
        except BaseBumbleError as error:
            await self._end_link()
            raise BleakError(f"connecting failed: {error}") from error
        except BaseException:
            await self._end_link()
            raise

    async def disconnect(self) -> None:
        """End the link; nothing happens where there is none."""
        self._let_descriptor_go()
        await self._end_link()

    async def read_gatt_char(
        self, characteristic: BleakGATTCharacteristic, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        """The characteristic's value."""
        return bytearray(await self._ask(self._gatt().read_value(characteristic.obj)))

    async def read_gatt_descriptor(
        self, descriptor: BleakGATTDescriptor, *, use_cached: bool = False, **kwargs: Any
    ) -> bytearray:
        """The descriptor's value."""
        return bytearray(await self._ask(self._gatt().read_value(descriptor.obj)))

    async def write_gatt_char(
        self, characteristic: BleakGATTCharacteristic, data: Any, response: bool
    ) -> None:
        """Write, waiting for the answer if `response`."""
        await self._ask(self._gatt().write_value(characteristic.obj, bytes(data), with_response=response))

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: Any) -> None:
        """Write and wait for the answer."""
        await self._ask(self._gatt().write_value(descriptor.obj, bytes(data), with_response=True))

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: Callable[[bytearray], None], **kwargs: Any
    ) -> None:
        """Subscribe; `callback` gets each value."""

        def on_value(value: bytes) -> None:
            callback(bytearray(value))

        await self._ask(self._gatt().subscribe(characteristic.obj, on_value))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        """Unsubscribe."""
        await self._ask(self._gatt().unsubscribe(characteristic.obj))

    async def pair(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Not on this radio."""
        raise NotImplementedError("the virtual radio does not pair")

    async def unpair(self) -> NoReturn:
        """Not on this radio."""
        raise NotImplementedError("the virtual radio does not pair")

    async def _end_link(self) -> None:
        link, self._link = self._link, None
        if link is None:
            return
        with contextlib.suppress(BaseBumbleError, TimeoutError):
            async with asyncio.timeout(_DISCONNECT_TIMEOUT_S):
                ending: asyncio.Future[None] = asyncio.ensure_future(link.disconnect())
                try:
                    await first_of(ending, self._gone)
                finally:
                    _forget(ending)
        self._settle()

    def _gatt(self) -> Any:
        if self._peer is None or self._link is None:
            raise BleakError("not connected")
        return self._peer.gatt_client

    async def _ask(self, question: Coroutine[Any, Any, T]) -> T:
        """The answer, or BleakError when the strap refuses or the link ends before it comes."""
        asking = asyncio.ensure_future(question)
        try:
            await first_of(asking, self._gone)
            if not asking.done():
                raise BleakError("device disconnected")
            return asking.result()
        except BaseBumbleError as error:
            raise BleakError(f"the strap refused: {type(error).__name__}") from error
        except asyncio.CancelledError as error:
            if is_being_cancelled():
                raise
            raise BleakError("device disconnected") from error
        finally:
            _forget(asking)

    async def _discover(self, peer: Peer) -> BleakGATTServiceCollection:
        """The wanted services with their characteristics, as bleak describes them."""
        collection = BleakGATTServiceCollection()
        for service in await peer.discover_services():
            uuid = _uuid_text(service.uuid)
            if self._wanted_services is not None and uuid not in self._wanted_services:
                continue
            described = BleakGATTService(service, service.handle, uuid)
            collection.add_service(described)
            for characteristic in await service.discover_characteristics():
                # Subscribing looks for the configuration descriptor by itself.
                collection.add_characteristic(
                    BleakGATTCharacteristic(
                        characteristic,
                        characteristic.handle,
                        _uuid_text(characteristic.uuid),
                        list(gatt_char_props_to_strs(int(characteristic.properties))),
                        lambda: self.mtu_size - 3,
                        described,
                    )
                )
        return collection

    def _on_disconnection(self, _reason: int) -> None:
        was_wanted = self._link is None
        self._link = None
        self._settle()
        if not was_wanted and self._disconnected_callback is not None:
            self._disconnected_callback()

    def _let_descriptor_go(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _settle(self) -> None:
        self._peer = None
        if not self._gone.done():
            self._gone.set_result(None)


def _forget(task: asyncio.Future[Any]) -> None:
    """Cancel a question whose answer nobody awaits any more, and let its error go unseen."""
    if task.done():
        if not task.cancelled():
            task.exception()
    else:
        task.cancel()


def _uuids(value: bytes) -> list[str]:
    return [
        normalize_uuid_16(int.from_bytes(value[i : i + 2], "little")) for i in range(0, len(value) - 1, 2)
    ]


def _uuid_text(uuid: Any) -> str:
    return str(UUID(bytes=bytes(reversed(uuid.to_bytes(force_128=True)))))


VIRTUAL = Backend(scanner=VirtualScanner, client=VirtualClient, reset=reset_adapter)
"""To be given to BleakRadio after `open_adapter` named its adapters."""
