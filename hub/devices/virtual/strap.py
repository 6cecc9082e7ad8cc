"""A chest strap as a complete Bluetooth device: advertises, serves heart rate, battery and serial, trains.

It never knows a hub: it notifies whoever subscribed, once a second, as the real one does.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine
from random import Random
from typing import Any

from bumble.controller import Controller
from bumble.core import UUID, AdvertisingData, BaseBumbleError
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.hci import Address
from bumble.transport.common import Transport

from hub.devices.virtual.brands import POLAR, Brand
from hub.devices.virtual.field import Field, keep_to_legacy_commands
from hub.devices.virtual.squad import serial_of
from hub.devices.virtual.strap_address import static_address
from hub.devices.virtual.training import Heart
from hub.devices.virtual.values import measurement_of, polar_record_of

ADVERTISING_INTERVAL_S = 0.12
BROADCAST_INTERVAL_S = 0.3
_TICK_S = 1.0
_READ = Characteristic.Properties.READ
_NOTIFY = Characteristic.Properties.NOTIFY
_READABLE = Characteristic.READABLE


class VirtualStrap:
    """Strap number `number` on its athlete, training at `speed` times real time."""

    service = 0x180D
    measurement = 0x2A37
    location = b"\x01"
    address_offset = 0

    def __init__(
        self,
        field: Field,
        number: int,
        random: Random,
        *,
        speed: float = 1.0,
        is_broadcast: bool = False,
        brand: Brand = POLAR,
        heart: Heart | None = None,
    ) -> None:
        self.number = number
        self.brand = brand
        self.serial = serial_of(number)
        self.name = brand.name_of(self.serial)
        self.address = static_address(number + self.address_offset)
        self.is_broadcast = is_broadcast
        self.is_silent = False
        self.is_garbling = False
        self.is_stamping = False
        self.in_contact = True
        self.heart = heart or Heart(random)
        self._random = random
        self._speed = speed
        self._field = field
        self._battery_percent = random.randint(35, 100)
        self._frame = 0
        self.is_held = False
        self._links = 0
        self._chores: set[asyncio.Task[None]] = set()
        self._controller = Controller(f"strap {number}", link=field)
        keep_to_legacy_commands(self._controller)
        self._controller.random_address = Address(self.address, Address.RANDOM_DEVICE_ADDRESS)
        self._place = (random.uniform(5, 100), random.uniform(5, 63))
        self._measurement = Characteristic(
            UUID(self.measurement), _NOTIFY, Characteristic.Permissions(0), b""
        )
        self._device = self._device_with_services()

    async def start(self) -> None:
        """Come alive: advertise, then train until stopped."""
        await self._device.power_on()
        self._device.on("connection", self._on_link)
        if self.is_broadcast:
            self._later(self._broadcast())
        else:
            await self._advertise()
        self._later(self._train())

    async def stop(self) -> None:
        """Battery out."""
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        self._controller.le_legacy_advertiser.stop()

    def die(self) -> None:
        """The battery is empty: one last percent, then nothing more is heard."""
        self._battery_percent = 1
        self.is_silent = True
        self.leave_range()

    def revive(self) -> None:
        """A new battery."""
        self._battery_percent = 100
        self.is_silent = False
        self.come_back()

    def swap_wearers(self, other: VirtualStrap) -> None:
        """Two athletes exchange their straps: each pod now lies on the other heart."""
        self.heart, other.heart = other.heart, self.heart

    def hold_to_hub(self) -> None:
        """Somebody holds the strap to the hub, and keeps it there."""
        self.is_held = True
        self._field.put_beside_the_hub(self._controller)

    def leave_range(self) -> None:
        """The athlete walks off: links are lost, nothing is heard."""
        self._field.take_out_of_range(self._controller)

    def come_back(self) -> None:
        """The athlete is back on the pitch."""
        self._field.bring_into_range(self._controller)

    def drop_link(self) -> None:
        """Lose the link once, as a body in the way does; the strap advertises again at once."""
        self._field.cut_links(self._controller)

    async def _train(self) -> None:
        loop = asyncio.get_running_loop()
        due_s = loop.time() + self._random.random() * _TICK_S
        while True:
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            due_s += _TICK_S
            self.heart.train(self._speed * _TICK_S)
            self._run_about()
            if self.is_silent:
                continue
            self._frame += 1
            value = self._notification()
            if self._links:
                with contextlib.suppress(BaseBumbleError):
                    await self._device.notify_subscribers(self._measurement, value)
            self._controller.le_legacy_advertiser.advertising_data = self._advertisement()

    async def _broadcast(self) -> None:
        while True:
            await asyncio.sleep(BROADCAST_INTERVAL_S * self._random.uniform(0.97, 1.03))
            if not self.is_silent:
                self._field.broadcast(self._controller, self._broadcast_advertisement())

    async def _advertise(self) -> None:
        self._device.advertising_data = self._advertisement()
        name = [_complete_name(self.name)] if self.name else []
        self._device.scan_response_data = bytes(AdvertisingData(name))
        await self._device.start_advertising(auto_restart=False)

    def _on_link(self, link: Connection) -> None:
        self._links += 1
        link.on("disconnection", self._on_link_lost)

    def _on_link_lost(self, _reason: int) -> None:
        self._links -= 1
        if not self._links:
            self._later(self._advertise())

    def _run_about(self) -> None:
        if self.is_held:
            return
        x_m = min(102.0, max(3.0, self._place[0] + self._random.gauss(0, 2.5)))
        y_m = min(66.0, max(2.0, self._place[1] + self._random.gauss(0, 2.5)))
        self._place = (x_m, y_m)
        self._field.place(self._controller, x_m, y_m)

    def _notification(self) -> bytes:
        """This second's measurement."""
        stamp = _now_ms() & 0xFFFF if self.is_stamping else None
        value = measurement_of(self.heart, self.brand, _TICK_S, in_contact=self.in_contact, energy_kj=stamp)
        return value + b"\x00" if self.is_garbling else value

    def _polar_record(self) -> tuple[int, bytes]:
        record = polar_record_of(
            self.heart,
            self._frame,
            in_contact=self.in_contact,
            is_battery_ok=self._battery_percent > 10,
            stamp_ms=_now_ms() if self.is_stamping else 0,
        )
        return (AdvertisingData.MANUFACTURER_SPECIFIC_DATA, b"\x6b\x00" + record)

    def _advertisement(self) -> bytes:
        services = AdvertisingData.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS
        parts: list[tuple[int, bytes]] = [(AdvertisingData.FLAGS, b"\x06")]
        parts.append((services, self.service.to_bytes(2, "little")))
        if self.brand.broadcasts:
            parts.append(self._polar_record())
        return bytes(AdvertisingData(parts))

    def _broadcast_advertisement(self) -> bytes:
        """Without a service list, as a strap whose links are all taken advertises."""
        parts = [(AdvertisingData.FLAGS, b"\x06"), self._polar_record(), _complete_name(self.name)]
        return bytes(AdvertisingData(parts))

    def _device_with_services(self) -> Device:
        # The library takes the interval as milliseconds where HCI counts 0.625 ms.
        interval = int(ADVERTISING_INTERVAL_S * 1000 * 0.625)
        configuration = DeviceConfiguration(
            name=self.name,
            address=Address(self.address, Address.RANDOM_DEVICE_ADDRESS),
            advertising_interval_min=interval,
            advertising_interval_max=interval,
            classic_enabled=False,
            le_enabled=True,
        )
        wire = Transport(self._controller, self._controller)
        device = Device.from_config_with_hci(configuration, wire.source, wire.sink)
        device.add_services(self._services())
        return device

    def _services(self) -> list[Service]:
        battery = CharacteristicValue(read=lambda _link: bytes([self._battery_percent]))
        return [
            Service(UUID(self.service), [self._measurement, _constant(0x2A38, self.location)]),
            Service(UUID(0x180F), [Characteristic(UUID(0x2A19), _READ | _NOTIFY, _READABLE, battery)]),
            Service(
                UUID(0x180A),
                [
                    _constant(0x2A29, self.brand.maker.encode()),
                    _constant(0x2A24, self.brand.model.encode()),
                    _constant(0x2A25, self.serial.encode()),
                ],
            ),
        ]

    def _later(self, chore: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(chore)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)


def _now_ms() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def _constant(uuid: int, value: bytes) -> Characteristic[bytes]:
    return Characteristic(UUID(uuid), _READ, _READABLE, value)


def _complete_name(name: str) -> tuple[int, bytes]:
    return (AdvertisingData.COMPLETE_LOCAL_NAME, name.encode())
