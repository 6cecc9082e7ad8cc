"""Crowds, impostors and absurd names: counted, shown once, never fatal, and the memory stays flat."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Callable
from random import Random

import pytest

from hub.devices.fleet import MOST_STRANGERS, Fleet, Timing
from hub.devices.gatt import HEART_RATE_MEASUREMENT
from hub.devices.source import Link, Receiver, ReceiverKind, Scan, ScanMode, Sighting
from hub.devices.wishes import Wish
from hub.domain import Reading, Via
from hub.errors import RadioError
from tests.devices.pitch_process import PitchProcess
from tests.devices.squad import now_mono_ms, squad_on, strap_id


class Pulse:
    """A link that says seventy, five times a second, until it is closed."""

    def __init__(self, on_close: Callable[[], None]) -> None:
        self._on_close = on_close
        self._beating: asyncio.Task[None] | None = None

    def has(self, characteristic: str) -> bool:
        return characteristic == HEART_RATE_MEASUREMENT

    async def read(self, characteristic: str) -> bytes:
        raise RadioError("nothing to read.")

    async def subscribe(self, characteristic: str, on_value: Callable[[bytes], None]) -> None:
        async def beat() -> None:
            while True:
                await asyncio.sleep(0.2)
                on_value(b"\x06\x46")

        self._beating = asyncio.create_task(beat())

    async def close(self) -> None:
        if self._beating is not None:
            self._beating.cancel()
        self._on_close()


class Air:
    """A receiver that hears whatever a test says, at whatever time; it holds `slots` links."""

    def __init__(self, slots: int = 0) -> None:
        self.slots = slots
        self.links = 0
        self.now_ms = 1_000
        self.tell: Callable[[Sighting], None] = lambda _sighting: None
        self.attempts = 0
        self.resets: list[str] = []

    def receivers(self) -> tuple[Receiver, ...]:
        return (Receiver("hci0", ReceiverKind.ADAPTER, None, ScanMode.PASSIVE),)

    def foreign(self) -> int:
        return 0

    async def start_scan(self, receiver: str, on_sighting: Callable[[Sighting], None]) -> Scan:
        self.tell = on_sighting
        return self

    async def connect(self, sighting: Sighting, on_lost: Callable[[], None], timeout_s: float) -> Link:
        self.attempts += 1
        if self.links >= self.slots:
            raise RadioError("nobody takes a connection here.")
        self.links += 1
        return Pulse(self._on_close)

    def _on_close(self) -> None:
        self.links -= 1

    async def reset(self, receiver: str) -> None:
        self.resets.append(receiver)

    async def close(self) -> None:
        return

    async def ended(self) -> None:
        await asyncio.Event().wait()

    async def stop(self) -> None:
        return


def polar(
    address: str, name: str | None, frame: int, bpm: int = 90, *, connectable: bool = False
) -> Sighting:
    record = bytes([0x23 | (frame & 7) << 2, 0, bpm, bpm])
    return Sighting(address, name, "hci0", -60, connectable, record, None)


def address_of(number: int) -> str:
    return "C0:00:" + number.to_bytes(4, "big").hex(":").upper()


async def with_fleet(air: Air, story: Callable[[Fleet, dict[str, list[Reading]]], None]) -> None:
    """A fleet at work on this air; the story runs once it listens."""
    readings: dict[str, list[Reading]] = {}
    fleet = Fleet(
        air,
        lambda reading: readings.setdefault(reading.strap_id, []).append(reading),
        lambda: air.now_ms,
        timing=Timing(deaf_s=1e9),
    )
    work = asyncio.create_task(fleet.run())
    await asyncio.sleep(0.05)
    story(fleet, readings)
    await asyncio.sleep(0.05)
    assert not work.done()
    work.cancel()
    await asyncio.wait({work})


def test_an_impostor_with_our_straps_name_gets_no_say() -> None:
    air = Air()

    def story(fleet: Fleet, readings: dict[str, list[Reading]]) -> None:
        for second in range(20):
            air.tell(polar(address_of(1), "Polar H10 A0000001", second, bpm=90))
            air.tell(polar(address_of(2), "Polar H10 A0000001", second, bpm=190))
            air.now_ms += 1_000
        assert {reading.bpm for reading in readings["A0000001"]} == {90}
        assert {reading.bpm for reading in readings[f"addr:{address_of(2)}"]} == {190}
        assert len(fleet.statuses()) == 2

    asyncio.run(with_fleet(air, story))


def test_an_impostor_with_our_straps_address_is_said_and_left_out(caplog: pytest.LogCaptureFixture) -> None:
    air = Air()

    def story(fleet: Fleet, readings: dict[str, list[Reading]]) -> None:
        for second in range(20):
            air.tell(polar(address_of(1), "Polar H10 A0000001", second, bpm=90))
            air.tell(polar(address_of(1), "Polar H10 BADBAD01", second, bpm=190))
            air.now_ms += 1_000
        assert set(readings) == {"A0000001"}
        assert {reading.bpm for reading in readings["A0000001"]} == {90}
        assert fleet.statuses()[0].trouble == "another device uses this strap's address"

    asyncio.run(with_fleet(air, story))
    assert sum("advertises as strap" in record.getMessage() for record in caplog.records) == 1


def test_made_up_straps_push_nobody_of_ours_out_and_the_memory_stays_flat() -> None:
    air = Air()
    chance = Random(3)

    def flood(rounds: range) -> None:
        for number in rounds:
            name = chance.choice([None, "", "\x00" * 30, "Polar H10 " + "F" * 200, f"Polar H10 {number:08X}"])
            data = chance.randbytes(chance.randrange(30))
            address = address_of(number + 100)
            air.tell(Sighting(address, name, "hci0", chance.randint(-128, 127), number % 2 == 0, data, None))
            if number % 50 == 0:
                air.tell(polar(address_of(1), "Polar H10 A0000001", number // 50))
                air.now_ms += 1_000

    def story(fleet: Fleet, readings: dict[str, list[Reading]]) -> None:
        fleet.wish("A0000001", Wish(wants_rr=True))
        flood(range(3_000))
        readings.clear()
        gc.collect()
        tracemalloc.start()
        flood(range(3_000, 6_000))
        readings.clear()
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        flood(range(6_000, 14_000))
        assert "A0000001" in readings
        readings.clear()
        gc.collect()
        after = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert len(fleet.statuses()) <= 2 * MOST_STRANGERS + 1
        assert after - before < 200_000  # eight thousand more strangers

    asyncio.run(with_fleet(air, story))


def test_names_on_the_page_are_fit_for_it() -> None:
    air = Air()

    def story(fleet: Fleet, _readings: dict[str, list[Reading]]) -> None:
        for second in range(6):
            name = "<script>\x07\u202e" + "x" * 300
            air.tell(polar(address_of(7), name, second))
            air.now_ms += 1_000
        (status,) = fleet.statuses()
        assert status.name.isprintable()
        assert len(status.name) <= 40

    asyncio.run(with_fleet(air, story))


def test_a_strap_that_takes_no_connection_is_said_to_be_held() -> None:
    air = Air()

    async def story() -> None:
        fleet = Fleet(
            air, lambda _reading: None, now_mono_ms, timing=Timing(backoff_s=(0.05,), decide_s=0.02)
        )
        work = asyncio.create_task(fleet.run())
        await asyncio.sleep(0.05)
        for frame in range(40):
            air.tell(polar(address_of(1), "Polar H10 A0000001", frame, connectable=True))
            await asyncio.sleep(0.02)
        (status,) = fleet.statuses()
        work.cancel()
        await asyncio.wait({work})
        assert air.attempts >= 3
        assert status.is_held
        assert "watch" in status.trouble

    asyncio.run(story())


def test_a_receiver_that_connects_nobody_is_reset() -> None:
    air = Air()

    async def story() -> None:
        timing = Timing(backoff_s=(0.02,), decide_s=0.02, deaf_s=1e9)
        fleet = Fleet(air, lambda _reading: None, now_mono_ms, timing=timing)
        work = asyncio.create_task(fleet.run())
        await asyncio.sleep(0.05)
        for frame in range(100):
            for number in (1, 2):
                name = f"Polar H10 A000000{number}"
                air.tell(polar(address_of(number), name, frame, connectable=True))
            await asyncio.sleep(0.02)
            if air.resets:
                break
        work.cancel()
        await asyncio.wait({work})
        assert air.resets == ["hci0"]

    asyncio.run(story())


def test_slots_nobody_declared_are_learnt_and_the_receiver_is_left_alone() -> None:
    air = Air(slots=3)

    async def story() -> None:
        timing = Timing(backoff_s=(0.05,), decide_s=0.02, deaf_s=1e9)
        fleet = Fleet(air, lambda _reading: None, now_mono_ms, timing=timing)
        work = asyncio.create_task(fleet.run())
        attempts = []
        for frame in range(120):
            for number in range(1, 7):
                air.tell(polar(address_of(number), f"Polar H10 A000000{number}", frame, connectable=True))
            await asyncio.sleep(0.02)
            attempts.append(air.attempts)
        connected = sum(status.is_connected for status in fleet.statuses())
        work.cancel()
        await asyncio.wait({work})
        assert (connected, air.resets) == (3, [])
        assert attempts[-1] == attempts[-25]  # it has stopped asking

    asyncio.run(story())
    assert air.links == 0


def test_a_strap_of_earlier_sessions_is_known_by_its_address_at_once() -> None:
    air = Air()

    def story(fleet: Fleet, readings: dict[str, list[Reading]]) -> None:
        fleet.remember("HRM-0042", address_of(5).lower())
        air.tell(polar(address_of(5), None, 1))
        air.tell(
            Sighting("4E:00:00:00:00:01", None, "hci0", -60, False, b"\x33\x00\x00\x38", None, False, True)
        )
        assert set(readings) == {"HRM-0042"}

    asyncio.run(with_fleet(air, story))


def test_a_thousand_spectators_do_not_keep_the_squad_from_the_board() -> None:
    async def story(port: int) -> None:
        async with squad_on(port) as squad:
            await squad.until(lambda: squad.connected() == 4, 20)
            await squad.until(lambda: squad.fleet.foreign > 1_500, 15)
            counts = {number: squad.count(number, Via.GATT) for number in range(1, 5)}
            await asyncio.sleep(3.2)
            for number, count in counts.items():
                assert squad.count(number, Via.GATT) - count >= 3
            assert {status.strap_id for status in squad.fleet.statuses()} == {
                strap_id(n) for n in range(1, 5)
            }

    with PitchProcess("--athletes", "4", "--crowd", "1000") as pitch:
        asyncio.run(story(pitch.port))
