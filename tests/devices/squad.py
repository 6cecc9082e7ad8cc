"""A fleet on the virtual radio with everything it says written down; the radio is the real one, watched."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from random import Random

from hub.devices.fleet import Fleet, Timing
from hub.devices.radio import BleakRadio
from hub.devices.source import Link, Receiver, Scan, Sighting
from hub.devices.virtual.backend import VIRTUAL, close_adapters, open_adapter
from hub.domain import MotionReading, Reading, StrapStatus, Via

BRISK = Timing(stall_s=2.0, backoff_s=(0.2, 0.4, 0.8), battery_first_s=1.0, deaf_s=2.0)


def strap_id(number: int) -> str:
    """The id printed on virtual strap `number`."""
    return f"{0xA0000000 + number:08X}"


def now_mono_ms() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


class WatchedRadio:
    """Passes everything to a BleakRadio and counts what is open."""

    def __init__(self, adapters: tuple[str, ...]) -> None:
        self._radio = BleakRadio(adapters, VIRTUAL)
        self.connecting: dict[str, int] = defaultdict(int)
        self.most_connecting: dict[str, int] = defaultdict(int)
        self.opened = 0
        self.closed = 0

    def receivers(self) -> tuple[Receiver, ...]:
        return self._radio.receivers()

    def foreign(self) -> int:
        return self._radio.foreign()

    async def reset(self, receiver: str) -> None:
        await self._radio.reset(receiver)

    async def close(self) -> None:
        await self._radio.close()

    async def start_scan(self, adapter: str, on_sighting: Callable[[Sighting], None]) -> Scan:
        return await self._radio.start_scan(adapter, on_sighting)

    async def connect(self, sighting: Sighting, on_lost: Callable[[], None], timeout_s: float) -> Link:
        adapter = sighting.adapter
        self.connecting[adapter] += 1
        self.most_connecting[adapter] = max(self.most_connecting[adapter], self.connecting[adapter])
        try:
            link = await self._radio.connect(sighting, on_lost, timeout_s)
        finally:
            self.connecting[adapter] -= 1
        self.opened += 1
        return WatchedLink(link, self)


class WatchedLink:
    def __init__(self, link: Link, radio: WatchedRadio) -> None:
        self._link = link
        self._radio = radio

    def has(self, characteristic: str) -> bool:
        return self._link.has(characteristic)

    async def read(self, characteristic: str) -> bytes:
        return await self._link.read(characteristic)

    async def subscribe(self, characteristic: str, on_value: Callable[[bytes], None]) -> None:
        await self._link.subscribe(characteristic, on_value)

    async def close(self) -> None:
        await self._link.close()
        self._radio.closed += 1


class Squad:
    """What came out of the fleet so far."""

    def __init__(self, radio: WatchedRadio, timing: Timing, slots_per_adapter: int | None) -> None:
        self.radio = radio
        self.readings: dict[str, list[Reading]] = defaultdict(list)
        self.motion: list[MotionReading] = []
        self.fleet = Fleet(
            radio,
            lambda reading: self.readings[reading.strap_id].append(reading),
            now_mono_ms,
            on_sensor=self.motion.append,
            slots_per_adapter=slots_per_adapter,
            random=Random(7).random,
            timing=timing,
        )

    def status(self, number: int) -> StrapStatus:
        """The fleet's word on strap `number`, which it must know."""
        return {status.strap_id: status for status in self.fleet.statuses()}[strap_id(number)]

    def is_connected(self, number: int) -> bool:
        """Whether strap `number` is known and connected."""
        wanted = strap_id(number)
        return any(status.is_connected for status in self.fleet.statuses() if status.strap_id == wanted)

    def connected(self) -> int:
        """How many straps are connected."""
        return sum(status.is_connected for status in self.fleet.statuses())

    def latest(self, number: int) -> Reading:
        """The last reading of strap `number`, of which there must be one."""
        return self.readings[strap_id(number)][-1]

    def count(self, number: int, via: Via) -> int:
        """How many readings of strap `number` came this way."""
        return sum(reading.via is via for reading in self.readings[strap_id(number)])

    async def until(self, claim: Callable[[], bool], within_s: float) -> float:
        """Wait for a claim to become true; how long it took."""
        began_s = time.monotonic()
        while not claim():
            assert time.monotonic() - began_s < within_s, self.fleet.statuses()
            await asyncio.sleep(0.02)
        return time.monotonic() - began_s


@contextlib.asynccontextmanager
async def squad_on(
    *ports: int, timing: Timing = BRISK, slots_per_adapter: int | None = None
) -> AsyncIterator[Squad]:
    """A fleet at work on the pitch at `ports`, one adapter each; everything is closed afterwards."""
    adapters = tuple(f"virtual{index}" for index in range(len(ports)))
    for adapter, port in zip(adapters, ports, strict=True):
        await open_adapter(adapter, f"tcp-client:127.0.0.1:{port}")
    squad = Squad(WatchedRadio(adapters), timing, slots_per_adapter)
    work = asyncio.create_task(squad.fleet.run())
    try:
        yield squad
    finally:
        work.cancel()
        await asyncio.wait({work})
        await close_adapters()
    assert work.cancelled()
    assert squad.radio.opened == squad.radio.closed
