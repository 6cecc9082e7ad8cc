"""Relays through the kept libraries, against a stand-in that speaks their real protocol to virtual straps."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from random import Random

import bleak
import pytest

from hub.devices.fleet import Fleet
from hub.devices.gatt import HEART_RATE_MEASUREMENT, SERIAL_NUMBER
from hub.devices.relays import Relay, RelayRadio, relays_from_text
from hub.devices.source import ReceiverKind, ScanMode, Sighting
from hub.devices.virtual.field import Field
from hub.devices.virtual.strap import VirtualStrap
from hub.domain import Reading, StrapStatus, Via
from hub.errors import AdapterMissing, SettingInvalid
from tests.devices.esphome_stand_in import StandInRelay
from tests.devices.squad import BRISK, now_mono_ms, strap_id

CORNERS = ((0.0, 0.0), (105.0, 68.0), (0.0, 68.0), (105.0, 0.0))


class Ground:
    """Straps and relays of one pitch in this process, and what a fleet heard through the relays."""

    def __init__(self, straps: int, relays: int, slots: int, broadcasting: int) -> None:
        self.field = Field(Random(1))
        self.straps = {
            number: VirtualStrap(
                self.field, number, Random(number), is_broadcast=number > straps - broadcasting
            )
            for number in range(1, straps + 1)
        }
        self.relays = [
            StandInRelay(self.field, number, slots=slots, place=CORNERS[number]) for number in range(relays)
        ]
        self.readings: dict[str, list[Reading]] = defaultdict(list)
        self.radio = RelayRadio(())
        self.fleet = Fleet(self.radio, self._take, now_mono_ms)

    def _take(self, reading: Reading) -> None:
        self.readings[reading.strap_id].append(reading)

    async def start(self) -> None:
        for relay in self.relays:
            await relay.start()
        for strap in self.straps.values():
            await strap.start()
        self.radio = RelayRadio(tuple(Relay(relay.name, "127.0.0.1", relay.port) for relay in self.relays))
        self.fleet = Fleet(self.radio, self._take, now_mono_ms, random=Random(7).random, timing=BRISK)

    async def stop(self) -> None:
        await self.radio.close()
        for relay in self.relays:
            await relay.stop()
        for strap in self.straps.values():
            await strap.stop()

    def status(self, number: int) -> StrapStatus | None:
        return next((one for one in self.fleet.statuses() if one.strap_id == strap_id(number)), None)

    def connected(self) -> int:
        return sum(status.is_connected for status in self.fleet.statuses())

    def count(self, number: int, via: Via) -> int:
        return sum(reading.via is via for reading in self.readings[strap_id(number)])

    async def until(self, claim: Callable[[], bool], within_s: float) -> None:
        began_ms = now_mono_ms()
        while not claim():
            assert now_mono_ms() - began_ms < within_s * 1000, self.fleet.statuses()
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def ground(straps: int, relays: int, slots: int = 3, broadcasting: int = 0) -> AsyncIterator[Ground]:
    """A fleet at work through relays; everything is closed afterwards."""
    place = Ground(straps, relays, slots, broadcasting)
    await place.start()
    work = asyncio.create_task(place.fleet.run())
    try:
        yield place
    finally:
        work.cancel()
        await asyncio.wait({work})
        await place.stop()
    assert work.cancelled()


def test_a_link_through_a_relay_reads_the_serial_and_hears_every_heartbeat() -> None:
    async def story() -> None:
        place = Ground(1, 1, 3, 0)
        await place.start()
        heard: asyncio.Queue[Sighting] = asyncio.Queue()
        values: asyncio.Queue[bytes] = asyncio.Queue()
        scan = await place.radio.start_scan("relay0", heard.put_nowait)
        sighting = await asyncio.wait_for(heard.get(), 5)
        assert (sighting.adapter, sighting.offers_heart_rate, sighting.is_private) == ("relay0", True, False)
        await place.until(lambda: place.radio.receivers()[0].slots == 3, 2)
        assert place.radio.receivers()[0].kind is ReceiverKind.RELAY
        assert place.radio.receivers()[0].mode is ScanMode.ACTIVE
        link = await place.radio.connect(sighting, lambda: None, 5)
        assert await link.read(SERIAL_NUMBER) == strap_id(1).encode()
        await link.subscribe(HEART_RATE_MEASUREMENT, values.put_nowait)
        assert (await asyncio.wait_for(values.get(), 3))[0] & 0x06 == 0x06
        await link.close()
        await place.until(lambda: not place.relays[0].links, 2)
        await scan.stop()
        await place.stop()

    asyncio.run(story())


def test_the_library_leaves_bleak_itself_alone() -> None:
    before = (bleak.BleakClient, bleak.BleakScanner)

    async def story() -> None:
        async with ground(1, 1) as place:
            await place.until(lambda: place.connected() == 1, 8)
            assert (bleak.BleakClient, bleak.BleakScanner) == before

    asyncio.run(story())


def test_straps_fill_the_relays_slots_and_the_rest_are_heard_broadcasting() -> None:
    async def story() -> None:
        async with ground(8, 2, slots=3, broadcasting=1) as place:
            await place.until(lambda: place.connected() == 6, 15)
            await place.until(lambda: place.count(8, Via.BROADCAST) >= 2, 6)
            statuses = place.fleet.statuses()
            assert {one.receiver_kind for one in statuses} == {"relay"}
            assert {one.adapter for one in statuses if one.is_connected} == {"relay0", "relay1"}
            assert [relay.most_links for relay in place.relays] == [3, 3]
            unconnected = next(n for n in range(1, 8) if not (s := place.status(n)) or not s.is_connected)
            await place.until(lambda: place.count(unconnected, Via.BROADCAST) >= 3, 6)
            assert place.connected() == 6

    asyncio.run(story())


def test_a_strap_heard_by_four_relays_is_one_stream_without_repeats() -> None:
    async def story() -> None:
        async with ground(1, 4, broadcasting=1) as place:
            await place.until(lambda: place.count(1, Via.BROADCAST) >= 6, 12)
            readings = place.readings[strap_id(1)]
            span_s = (readings[-1].mono_ms - readings[0].mono_ms) / 1000
            assert len(readings) <= span_s + 2
            status = place.status(1)
            assert status is not None
            assert {name for name, _dbm in status.receivers} == {"relay0", "relay1", "relay2", "relay3"}

    asyncio.run(story())


def test_a_relay_that_vanishes_gives_its_straps_to_another_and_is_used_again() -> None:
    async def story() -> None:
        async with ground(2, 2) as place:
            await place.until(lambda: place.connected() == 2, 10)
            await place.relays[0].close_door()
            await place.until(lambda: place.fleet.trouble is not None, 8)
            await place.until(
                lambda: all((s := place.status(n)) and s.adapter == "relay1" for n in (1, 2)), 15
            )
            await place.until(lambda: place.connected() == 2, 10)
            await place.relays[0].open_door()
            await place.until(lambda: place.fleet.trouble is None, 10)
            await place.until(lambda: place.radio.receivers()[0].slots == 3, 5)

    asyncio.run(story())


def test_a_relay_sending_garbage_is_left_and_tried_again() -> None:
    async def story() -> None:
        async with ground(1, 1) as place:
            await place.until(lambda: place.connected() == 1, 8)
            chance = Random(5)
            for _ in range(300):  # advertisements of nonsense
                place.relays[0].advertise("C1:00:00:00:00:09", chance.randbytes(chance.randint(0, 40)))
            heard = place.count(1, Via.GATT)
            await place.until(lambda: place.count(1, Via.GATT) >= heard + 2, 5)
            assert place.connected() == 1
            place.relays[0].send_bytes(chance.randbytes(500))  # not even a frame
            await place.until(lambda: place.connected() == 0, 5)
            await place.until(lambda: place.connected() == 1, 15)

    asyncio.run(story())


def test_a_relay_nobody_answers_at_is_said_with_its_name() -> None:
    async def story() -> None:
        radio = RelayRadio((Relay("north", "127.0.0.1", 1),))
        with pytest.raises(AdapterMissing) as refusal:
            await radio.start_scan("north", lambda _sighting: None)
        assert "relay north (127.0.0.1)" in str(refusal.value)
        assert radio.receivers()[0].slots == 0
        await radio.close()

    asyncio.run(story())


def test_relays_are_written_as_name_and_place() -> None:
    assert relays_from_text("north=10.0.0.11, south=pi.local:6054/abc=") == (
        Relay("north", "10.0.0.11", 6053, None),
        Relay("south", "pi.local", 6054, "abc="),
    )
    assert relays_from_text("") == ()


@pytest.mark.parametrize("text", ["north", "=10.0.0.1", "north=", "north=a:b", "a=1,a=2"])
def test_a_relay_that_cannot_be_understood_is_refused(text: str) -> None:
    with pytest.raises(SettingInvalid):
        relays_from_text(text)
