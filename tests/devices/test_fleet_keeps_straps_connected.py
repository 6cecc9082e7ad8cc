"""The fleet against real Bluetooth protocol: a squad in its own process, only the air between is modelled."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import subprocess
import sys
import time

import psutil  # type: ignore[import-untyped]
import pytest

from hub.devices.fleet import Fleet
from hub.devices.gatt import SERIAL_NUMBER
from hub.devices.radio import BleakRadio, Sighting
from hub.devices.virtual.backend import VIRTUAL, close_adapters, open_adapter
from hub.domain import Contact, Reading, Via
from hub.errors import AdapterMissing, RadioError
from tests.devices.pitch_process import ROOT, PitchNotReady, PitchProcess
from tests.devices.squad import Squad, now_mono_ms, squad_on, strap_id

SIX = range(1, 7)


def pitch_with_two_receivers(athletes: int) -> PitchProcess:
    """They listen on neighbouring ports, and the port after a free one may be taken."""
    for _attempt in range(3):
        with PitchProcess("--athletes", "1") as scout:
            port = scout.port
        with contextlib.suppress(PitchNotReady):
            return PitchProcess("--athletes", str(athletes), "--adapters", "2", port=port)
    pytest.fail("no two neighbouring ports are free")


def everyone_reads_by(squad: Squad, numbers: range, mono_ms: int) -> bool:
    """Whether each of these straps has given a heart rate over its link later than `mono_ms`."""
    latest = [squad.latest(number) for number in numbers]
    return all(reading.mono_ms > mono_ms and reading.via is Via.GATT for reading in latest)


def test_every_strap_delivers_connected_or_not() -> None:
    async def story(port: int) -> None:
        async with squad_on(port) as squad:
            await squad.until(lambda: all(squad.count(number, Via.GATT) >= 3 for number in range(1, 6)), 15)
            await squad.until(lambda: squad.count(6, Via.BROADCAST) >= 3, 5)
            await squad.until(lambda: all(squad.status(number).battery_percent for number in range(1, 6)), 5)
            assert set(squad.readings) == {strap_id(number) for number in SIX}
            for number in range(1, 6):
                status, latest = squad.status(number), squad.latest(number)
                assert (status.is_connected, status.via, status.reconnects) == (True, Via.GATT, 0)
                assert status.name == f"Polar H10 {strap_id(number)}"
                assert latest.contact is Contact.YES
                assert latest.bpm is not None
                assert 40 < latest.bpm < 210
            assert (squad.status(6).is_connected, squad.status(6).via) == (False, Via.BROADCAST)
            assert squad.count(6, Via.GATT) == 0
            beats = squad.readings[strap_id(6)]
            assert min(b.mono_ms - a.mono_ms for a, b in itertools.pairwise(beats)) >= 500

    with PitchProcess("--athletes", "6", "--broadcast", "1") as pitch:
        asyncio.run(story(pitch.port))


def test_a_silent_strap_is_let_go_and_comes_back() -> None:
    async def story(pitch: PitchProcess) -> None:
        async with squad_on(pitch.port) as squad:
            await squad.until(lambda: squad.count(1, Via.GATT) > 0 and squad.count(2, Via.GATT) > 0, 10)
            pitch.say("silence 2")
            await squad.until(lambda: not squad.is_connected(2), 6)
            said_before = len(squad.readings[strap_id(2)])
            await asyncio.sleep(1.5)
            assert len(squad.readings[strap_id(2)]) == said_before
            pitch.say("wake 2")
            await squad.until(lambda: squad.count(2, Via.GATT) > said_before, 8)
            assert squad.status(2).reconnects >= 1
            assert squad.status(1).reconnects == 0

    with PitchProcess("--athletes", "2") as pitch:
        asyncio.run(story(pitch))


def test_a_rate_off_the_skin_and_a_stray_byte_are_handled_for_what_they_are() -> None:
    async def story(pitch: PitchProcess) -> None:
        async with squad_on(pitch.port) as squad:
            await squad.until(lambda: squad.count(1, Via.GATT) > 0 and squad.count(2, Via.GATT) > 0, 10)
            pitch.say("takeoff 1")
            pitch.say("garble 2")
            await squad.until(lambda: squad.latest(1).contact is Contact.NO, 4)
            assert (squad.latest(1).bpm, squad.latest(1).rr_1024) == (None, ())
            pitch.say("puton 1")
            await squad.until(lambda: squad.latest(1).bpm is not None, 4)
            garbled_at_ms = squad.latest(2).mono_ms
            await squad.until(lambda: squad.latest(2).mono_ms > garbled_at_ms, 3)
            assert squad.latest(2).bpm is not None
            assert squad.connected() == 2

    with PitchProcess("--athletes", "2") as pitch:
        asyncio.run(story(pitch))


def test_a_radio_that_dies_and_comes_back_is_used_again() -> None:
    async def story(pitch: PitchProcess) -> None:
        async with squad_on(pitch.port) as squad:
            await squad.until(lambda: squad.connected() == 6, 15)
            pitch.kill()
            await squad.until(lambda: squad.connected() == 0, 3)
            await squad.until(lambda: squad.fleet.trouble is not None, 6)
            with PitchProcess("--athletes", "6", port=pitch.port):
                now_ms = max(reading.mono_ms for said in squad.readings.values() for reading in said)
                await squad.until(lambda: everyone_reads_by(squad, SIX, now_ms), 15)
                assert squad.fleet.trouble is None

    with PitchProcess("--athletes", "6") as pitch:
        asyncio.run(story(pitch))


def test_a_radio_that_hangs_is_hung_up_on_and_used_again() -> None:
    async def story(pitch: PitchProcess) -> None:
        async with squad_on(pitch.port) as squad:
            await squad.until(lambda: squad.connected() == 3, 10)
            pitch.signal(signal.SIGSTOP)
            await squad.until(lambda: squad.connected() == 0, 8)
            await squad.until(lambda: squad.fleet.trouble is not None, 8)
            pitch.signal(signal.SIGCONT)
            await squad.until(lambda: squad.connected() == 3, 12)

    with PitchProcess("--athletes", "3") as pitch:
        asyncio.run(story(pitch))


def test_a_reading_nobody_can_take_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    taken: list[Reading] = []
    enough = asyncio.Event()

    def refuse_the_first(reading: Reading) -> None:
        taken.append(reading)
        if len(taken) == 1:
            raise OSError("the disk is full")
        if len(taken) == 3:
            enough.set()

    async def story(port: int) -> None:
        await open_adapter("virtual0", f"tcp-client:127.0.0.1:{port}")
        fleet = Fleet(BleakRadio(("virtual0",), VIRTUAL), refuse_the_first, now_mono_ms)
        work = asyncio.create_task(fleet.run())
        await asyncio.wait_for(enough.wait(), 10)
        work.cancel()
        await asyncio.wait({work})
        await close_adapters()

    with PitchProcess("--athletes", "1") as pitch:
        asyncio.run(story(pitch.port))
    assert [record.message for record in caplog.records if record.exc_info] == [
        "a reading of strap A0000001 was not taken"
    ]


def test_straps_outlive_a_killed_hub_and_take_the_next_at_once() -> None:
    other_hub = "\n".join(
        [
            "import asyncio, sys",
            "from tests.devices.squad import squad_on",
            "async def main():",
            "    async with squad_on(int(sys.argv[1])) as squad:",
            "        await squad.until(lambda: squad.connected() == 6, 20)",
            "        print('connected', flush=True)",
            "        await asyncio.sleep(60)",
            "asyncio.run(main())",
        ]
    )

    async def story(port: int) -> None:
        async with squad_on(port) as squad:
            await squad.until(lambda: squad.connected() == 6, 10)

    with pitch_with_two_receivers(6) as pitch:
        command = [sys.executable, "-c", other_hub, str(pitch.port)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as hub:
            assert hub.stdout is not None
            assert hub.stdout.readline() == b"connected\n"
            hub.kill()
        asyncio.run(story(pitch.port + 1))  # through another receiver: the straps themselves let go
        asyncio.run(story(pitch.port))


def test_lost_links_leave_nothing_open() -> None:
    async def story(pitch: PitchProcess) -> None:
        async with squad_on(pitch.port) as squad:
            await squad.until(lambda: squad.connected() == 4, 10)
            descriptors = psutil.Process().num_fds()
            for lost in range(1, 6):
                for number in range(1, 5):
                    pitch.say(f"drop {number}")
                await squad.until(lambda lost=lost: squad.radio.closed >= 4 * lost, 4)  # type: ignore[misc]
                await squad.until(lambda: squad.connected() == 4, 8)
            assert squad.radio.opened == squad.radio.closed + 4
            assert psutil.Process().num_fds() == descriptors

    with PitchProcess("--athletes", "4") as pitch:
        asyncio.run(story(pitch))


def test_a_connect_that_fails_leaves_nothing_open_and_the_next_one_works() -> None:
    async def story(pitch: PitchProcess) -> None:
        await open_adapter("virtual0", f"tcp-client:127.0.0.1:{pitch.port}")
        radio = BleakRadio(("virtual0",), VIRTUAL)
        heard: asyncio.Queue[Sighting] = asyncio.Queue()
        scan = await radio.start_scan("virtual0", heard.put_nowait)
        sighting = await asyncio.wait_for(heard.get(), 5)
        descriptors = psutil.Process().num_fds()
        pitch.say("leave 1")
        await asyncio.sleep(0.2)
        began_s = time.monotonic()
        with pytest.raises(RadioError):
            await radio.connect(sighting, lambda: None, 0.5)
        assert time.monotonic() - began_s < 1.2
        assert psutil.Process().num_fds() == descriptors
        pitch.say("return 1")
        link = await radio.connect(sighting, lambda: None, 5)
        assert await link.read(SERIAL_NUMBER) == strap_id(1).encode()
        await link.close()
        with pytest.raises(RadioError):
            await link.read(SERIAL_NUMBER)
        await scan.stop()
        await close_adapters()

    with PitchProcess("--athletes", "1") as pitch:
        asyncio.run(story(pitch))


def test_an_adapter_connects_one_strap_at_a_time_and_two_share_the_work() -> None:
    async def story(port: int) -> None:
        async with squad_on(port, port + 1) as squad:
            await squad.until(lambda: squad.connected() == 8, 15)
            assert dict(squad.radio.most_connecting) == {"virtual0": 1, "virtual1": 1}
            assert {status.adapter for status in squad.fleet.statuses()} == {"virtual0", "virtual1"}

    with pitch_with_two_receivers(8) as pitch:
        asyncio.run(story(pitch.port))


def test_straps_beyond_the_slots_are_still_heard() -> None:
    async def story(port: int) -> None:
        async with squad_on(port, slots_per_adapter=2) as squad:
            await squad.until(lambda: squad.connected() == 2, 10)
            unconnected = [number for number in range(1, 5) if not squad.is_connected(number)]
            assert len(unconnected) == 2
            heard = {number: squad.count(number, Via.BROADCAST) for number in unconnected}
            await squad.until(
                lambda: all(squad.count(n, Via.BROADCAST) >= heard[n] + 2 for n in unconnected), 6
            )
            assert squad.connected() == 2

    with PitchProcess("--athletes", "4") as pitch:
        asyncio.run(story(pitch.port))


def test_stopping_closes_everything_within_three_seconds() -> None:
    async def story(port: int) -> float:
        async with squad_on(port) as squad:
            await squad.until(lambda: squad.connected() == 6, 15)
            stopping_s = time.monotonic()
        return time.monotonic() - stopping_s

    with PitchProcess("--athletes", "6") as pitch:
        assert asyncio.run(story(pitch.port)) < 3


def test_without_bluetooth_the_radio_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: os.PathLike[str]
) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/nobody")

    async def story() -> None:
        radio = BleakRadio()
        with pytest.raises(AdapterMissing) as refusal:
            await radio.start_scan(radio.receivers()[0].name, lambda _sighting: None)
        assert "Plug in a Bluetooth adapter" in refusal.value.hint

    asyncio.run(story())
