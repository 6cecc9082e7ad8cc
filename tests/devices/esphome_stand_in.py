"""An ESP32 relay as software: ESPHome's real wire protocol in front of a receiver on the virtual pitch.

It implements the plaintext frames and the Bluetooth messages of the native API, with the kept library's own
message classes; it knows nothing of how the hub uses them.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from aioesphomeapi import api_pb2
from aioesphomeapi.core import MESSAGE_TYPE_TO_PROTO
from bumble import hci
from bumble.core import BaseBumbleError
from bumble.device import Advertisement, Device, DeviceConfiguration, Peer
from bumble.transport.common import Transport

from hub.devices.virtual.field import Field, Receiver

pb: Any = api_pb2  # its names are made at run time
NUMBER_OF = {message: number for number, message in MESSAGE_TYPE_TO_PROTO.items()}
FEATURES = (
    1 | 2 | 4 | 32 | 64
)  # passive scan, connections, remote caching, raw advertisements, state and mode
BATCH = 16
NOTIFY_OR_INDICATE = 0x30
PREFIX = "BLUETOOTH_DEVICE_REQUEST_TYPE_"
CONNECTS = (
    pb.BluetoothDeviceRequestType.Value(f"{PREFIX}CONNECT_V3_WITH_CACHE"),
    pb.BluetoothDeviceRequestType.Value(f"{PREFIX}CONNECT_V3_WITHOUT_CACHE"),
)
DISCONNECT = pb.BluetoothDeviceRequestType.Value(f"{PREFIX}DISCONNECT")


def varint(number: int) -> bytes:
    out = bytearray()
    while True:
        number, low = number >> 7, number & 0x7F
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)


def framed(message: Any) -> bytes:
    """A plaintext frame: 0, length, type, body."""
    body: bytes = message.SerializeToString()
    return b"\0" + varint(len(body)) + varint(NUMBER_OF[type(message)]) + body


def number_of_address(text: str) -> int:
    return int(text.replace(":", ""), 16)


def address_of_number(number: int) -> str:
    return number.to_bytes(6, "big").hex(":").upper()


def uuid_halves(uuid: Any) -> list[int]:
    value = int.from_bytes(uuid.to_bytes(force_128=True), "little")
    return [value >> 64, value & (2**64 - 1)]


class StandInRelay:
    """One relay; `port` is where it listens on loopback once started."""

    def __init__(self, field: Field, number: int, *, slots: int = 3, place: tuple[float, float]) -> None:
        self.name = f"relay{number}"
        self.mac = f"AA:BB:CC:00:00:{number:02X}"
        self.slots = slots
        self.port = 0
        self.links: dict[int, Peer | None] = {}
        self.most_links = 0
        self._receiver = Receiver(self.name, field, self.mac, slots)
        field.place(self._receiver, *place)
        wire = Transport(self._receiver, self._receiver)
        own = hci.Address(f"E0:BB:CC:00:00:{number:02X}", hci.Address.RANDOM_DEVICE_ADDRESS)
        self._device = Device.from_config_with_hci(
            DeviceConfiguration(name=self.name, address=own), wire.source, wire.sink
        )
        self._device.on("advertisement", self._on_advertisement)
        self._heard: list[Any] = []
        self._writer: asyncio.StreamWriter | None = None
        self._is_told_slots = False
        self._is_told_advertisements = False
        self._connecting = asyncio.Lock()
        self._chores: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Power on; a port it had before is kept."""
        await self._device.power_on()
        await self._device.start_scanning(legacy=True, active=True, filter_duplicates=False)
        await self.open_door()
        self._later(self._flush())

    async def open_door(self) -> None:
        """Listen for the hub."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close_door(self) -> None:
        """The network is pulled: the hub's connection breaks and no new one is taken."""
        if self._server is not None:
            self._server.close()
        if self._writer is not None:
            self._writer.transport.abort()
        await self._drop_links()

    async def stop(self) -> None:
        """Power off."""
        await self.close_door()
        for chore in tuple(self._chores):
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)

    def send_bytes(self, data: bytes) -> None:
        """Anything at all, as a broken relay might."""
        if self._writer is not None:
            self._writer.write(data)

    def advertise(self, address: str, data: bytes, rssi: int = -60) -> None:
        """Make believe an advertisement was heard."""
        self._heard.append(
            pb.BluetoothLERawAdvertisement(
                address=number_of_address(address), rssi=rssi, address_type=1, data=data
            )
        )

    def _send(self, message: Any) -> None:
        self.send_bytes(framed(message))

    def _on_advertisement(self, advertisement: Advertisement) -> None:
        if self._is_told_advertisements and len(self._heard) < 500:
            address = advertisement.address.to_string(with_type_qualifier=False)
            self.advertise(address, bytes(advertisement.data), advertisement.rssi)

    async def _flush(self) -> None:
        """The firmware sends what it heard in batches."""
        while True:
            await asyncio.sleep(0.1)
            while self._heard:
                batch, self._heard = self._heard[:BATCH], self._heard[BATCH:]
                self._send(pb.BluetoothLERawAdvertisementsResponse(advertisements=batch))

    def _tell_slots(self) -> None:
        if self._is_told_slots:
            self._send(
                pb.BluetoothConnectionsFreeResponse(
                    free=self.slots - len(self.links), limit=self.slots, allocated=list(self.links)
                )
            )

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

        async def number() -> int:
            value = shift = 0
            while True:
                byte = (await reader.readexactly(1))[0]
                value |= (byte & 0x7F) << shift
                shift += 7
                if not byte & 0x80:
                    return value

        try:
            while await reader.readexactly(1) == b"\0":
                length, kind = await number(), await number()
                message = MESSAGE_TYPE_TO_PROTO[kind]()
                message.ParseFromString(await reader.readexactly(length))
                self._later(self._answer(message))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._is_told_slots = self._is_told_advertisements = False
            if self._writer is writer:
                self._writer = None
            writer.close()
            await self._drop_links()

    async def _drop_links(self) -> None:
        """The firmware drops every link when its subscriber has gone."""
        for peer in tuple(self.links.values()):
            if peer is not None:
                with contextlib.suppress(BaseBumbleError):
                    await peer.connection.disconnect()

    async def _answer(self, message: Any) -> None:
        answer = getattr(self, f"_on_{type(message).__name__}", None)
        if answer is not None:
            await answer(message)

    async def _on_HelloRequest(self, _message: Any) -> None:
        self._send(
            pb.HelloResponse(
                api_version_major=1, api_version_minor=14, server_info="stand-in", name=self.name
            )
        )

    async def _on_PingRequest(self, _message: Any) -> None:
        self._send(pb.PingResponse())

    async def _on_DisconnectRequest(self, _message: Any) -> None:
        self._send(pb.DisconnectResponse())

    async def _on_DeviceInfoRequest(self, _message: Any) -> None:
        self._send(
            pb.DeviceInfoResponse(
                name=self.name,
                mac_address=self.mac,
                bluetooth_mac_address=self.mac,
                esphome_version="2026.8.0",
                model="stand-in",
                bluetooth_proxy_feature_flags=FEATURES,
            )
        )

    async def _on_SubscribeBluetoothLEAdvertisementsRequest(self, _message: Any) -> None:
        self._is_told_advertisements = True
        self._send(
            pb.BluetoothScannerStateResponse(
                state=pb.BluetoothScannerState.Value("BLUETOOTH_SCANNER_STATE_RUNNING"),
                mode=pb.BluetoothScannerMode.Value("BLUETOOTH_SCANNER_MODE_ACTIVE"),
            )
        )

    async def _on_UnsubscribeBluetoothLEAdvertisementsRequest(self, _message: Any) -> None:
        self._is_told_advertisements = False

    async def _on_SubscribeBluetoothConnectionsFreeRequest(self, _message: Any) -> None:
        self._is_told_slots = True
        self._tell_slots()

    async def _on_BluetoothDeviceRequest(self, message: Any) -> None:
        if message.request_type in CONNECTS:
            await self._connect(message.address)
        elif message.request_type == DISCONNECT:
            peer = self.links.get(message.address)
            if peer is None:
                self._send(pb.BluetoothDeviceConnectionResponse(address=message.address, connected=False))
            else:
                with contextlib.suppress(BaseBumbleError):
                    await peer.connection.disconnect()

    async def _connect(self, address: int) -> None:
        if len(self.links) >= self.slots:
            self._send(pb.BluetoothDeviceConnectionResponse(address=address, connected=False, error=0x80))
            return
        self.links[address] = None
        self.most_links = max(self.most_links, len(self.links))
        self._tell_slots()
        try:
            async with self._connecting, asyncio.timeout(10):
                link = await self._device.connect(
                    hci.Address(address_of_number(address), hci.Address.RANDOM_DEVICE_ADDRESS),
                    own_address_type=hci.OwnAddressType.RANDOM,
                    timeout=None,
                )
                peer = self.links[address] = Peer(link)
                await peer.discover_services()
                for service in peer.services:
                    for characteristic in await service.discover_characteristics():
                        if int(characteristic.properties) & NOTIFY_OR_INDICATE:
                            await characteristic.discover_descriptors()
        except (BaseBumbleError, TimeoutError, asyncio.CancelledError):
            self.links.pop(address, None)
            self._tell_slots()
            self._send(pb.BluetoothDeviceConnectionResponse(address=address, connected=False, error=0x3E))
            return

        def on_gone(reason: int) -> None:
            self.links.pop(address, None)
            self._send(pb.BluetoothDeviceConnectionResponse(address=address, connected=False, error=reason))
            self._tell_slots()

        link.on("disconnection", on_gone)
        mtu = peer.gatt_client.mtu
        self._send(pb.BluetoothDeviceConnectionResponse(address=address, connected=True, mtu=mtu))

    def _peer(self, address: int) -> Peer:
        peer = self.links[address]
        assert peer is not None
        return peer

    async def _on_BluetoothGATTGetServicesRequest(self, message: Any) -> None:
        for service in self._peer(message.address).services:
            told = pb.BluetoothGATTService(uuid=uuid_halves(service.uuid), handle=service.handle)
            for characteristic in service.characteristics:
                part = told.characteristics.add(
                    handle=characteristic.handle,
                    properties=int(characteristic.properties),
                    uuid=uuid_halves(characteristic.uuid),
                )
                for descriptor in characteristic.descriptors:
                    part.descriptors.add(handle=descriptor.handle, uuid=uuid_halves(descriptor.type))
            self._send(pb.BluetoothGATTGetServicesResponse(address=message.address, services=[told]))
        self._send(pb.BluetoothGATTGetServicesDoneResponse(address=message.address))

    async def _on_BluetoothGATTNotifyRequest(self, message: Any) -> None:
        address, handle = message.address, message.handle

        def on_value(value: bytes) -> None:
            self._send(pb.BluetoothGATTNotifyDataResponse(address=address, handle=handle, data=bytes(value)))

        if message.enable:
            subscribers = self._peer(address).gatt_client.notification_subscribers
            subscribers.setdefault(handle, set()).add(on_value)
        self._send(pb.BluetoothGATTNotifyResponse(address=address, handle=handle))

    async def _on_BluetoothGATTWriteDescriptorRequest(self, message: Any) -> None:
        client = self._peer(message.address).gatt_client
        await client.write_value(message.handle, message.data, with_response=True)
        self._send(pb.BluetoothGATTWriteResponse(address=message.address, handle=message.handle))

    async def _on_BluetoothGATTReadRequest(self, message: Any) -> None:
        value = await self._peer(message.address).gatt_client.read_value(message.handle)
        self._send(
            pb.BluetoothGATTReadResponse(address=message.address, handle=message.handle, data=bytes(value))
        )

    def _later(self, chore: Any) -> None:
        task = asyncio.create_task(chore)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)
