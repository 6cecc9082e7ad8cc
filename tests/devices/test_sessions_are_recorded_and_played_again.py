"""A recording plays as it was heard, at any speed, cut off anywhere, and never outgrows its bound."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections import defaultdict
from pathlib import Path
from random import Random

import pytest

from hub.devices.fleet import Fleet
from hub.devices.radio import BleakRadio
from hub.devices.recording import Event, RecordingRadio, RecordingWriter, read_events, read_header
from hub.devices.replay import REPLAY_TIMING, ReplayClock, ReplayRadio
from hub.devices.source import Sighting
from hub.devices.virtual.backend import VIRTUAL, close_adapters, open_adapter
from hub.devices.virtual.generate import Script, generate
from hub.domain import Reading, StrapStatus, Via
from hub.errors import DecodeError
from tests.devices.pitch_process import PitchProcess
from tests.devices.squad import BRISK, now_mono_ms, strap_id

Readings = dict[str, list[Reading]]


async def played(path: Path, speed: float) -> tuple[Readings, tuple[StrapStatus, ...]]:
    """Everything a fleet reads from the recording at this speed."""
    readings: Readings = defaultdict(list)
    clock = ReplayClock(speed)
    radio = ReplayRadio(path, clock)
    fleet = Fleet(
        radio,
        lambda reading: readings[reading.strap_id].append(reading),
        clock.now_ms,
        random=Random(1).random,
        timing=REPLAY_TIMING,
        speed=speed,
    )
    work = asyncio.create_task(fleet.run())
    await radio.finished.wait()
    statuses = fleet.statuses()
    work.cancel()
    await asyncio.wait({work})
    await radio.close()
    return readings, statuses


class TurnClock:
    """The time at which this turn of the loop began to ask: all that one event causes has one time."""

    def __init__(self) -> None:
        self._turn_ms: int | None = None

    def now_ms(self) -> int:
        if self._turn_ms is None:
            self._turn_ms = now_mono_ms()
            asyncio.get_running_loop().call_soon(self._turn)
        return self._turn_ms

    def _turn(self) -> None:
        self._turn_ms = None


def over_links(readings: Readings) -> dict[str, list[tuple[int, int | None, tuple[int, ...]]]]:
    """What came over links, without what only the day of the recording knew."""
    return {
        strap: sorted((one.mono_ms, one.bpm, one.rr_1024) for one in said if one.via is Via.GATT)
        for strap, said in readings.items()
    }


def test_a_live_session_played_at_twenty_times_its_speed_gives_the_same_readings(tmp_path: Path) -> None:
    path = tmp_path / "live.radio"

    async def live(pitch: PitchProcess) -> Readings:
        readings: Readings = defaultdict(list)
        await open_adapter("virtual0", f"tcp-client:127.0.0.1:{pitch.port}")
        writer = RecordingWriter(path, ("virtual0",), 0)
        now_ms = TurnClock().now_ms
        radio = RecordingRadio(BleakRadio(("virtual0",), VIRTUAL), writer, now_ms)
        fleet = Fleet(radio, lambda reading: readings[reading.strap_id].append(reading), now_ms, timing=BRISK)
        work = asyncio.create_task(fleet.run())
        await asyncio.sleep(4)
        pitch.say("drop 1")
        await asyncio.sleep(4)
        work.cancel()
        await asyncio.wait({work})
        writer.close()
        await close_adapters()
        return readings

    with PitchProcess("--athletes", "4", "--broadcast", "1") as pitch:
        heard = asyncio.run(live(pitch))
    began_s = time.monotonic()
    again, statuses = asyncio.run(played(path, 20))
    assert time.monotonic() - began_s < 3
    before, after = over_links(heard), over_links(again)
    assert sum(len(said) for said in before.values()) > 15
    for strap, said in before.items():
        assert after[strap] == said  # to the millisecond
    broadcasts = [[one.bpm for one in readings[strap_id(4)]] for readings in (heard, again)]
    assert broadcasts[0] == broadcasts[1]
    assert {status.receiver_kind for status in statuses} == {"replay"}


def test_a_card_that_is_slow_to_write_holds_up_no_reading(tmp_path: Path) -> None:
    source = tmp_path / "source"
    generate(source, Script(athletes=2, minutes=0.2, broadcast=1))

    class SlowCard(RecordingWriter):
        """Takes two seconds of the clock for every event."""

        def add(self, event: Event) -> None:
            super().add(event)
            clock.waited_ms += 2_000

    class Clock:
        waited_ms = 0

        def now_ms(self) -> int:
            return played_at.now_ms() + self.waited_ms

    async def story() -> tuple[list[tuple[int, int]], int]:
        came: list[tuple[int, int]] = []
        writer = SlowCard(tmp_path / "again", ("hci0",), 0)
        inner = ReplayRadio(source, played_at)
        radio = RecordingRadio(inner, writer, clock.now_ms)

        def on_sighting(sighting: Sighting) -> None:
            came.append((clock.now_ms(), writer.events))

        await radio.start_scan("hci0", on_sighting)
        await inner.finished.wait()
        await radio.close()
        return came, writer.events

    clock, played_at = Clock(), ReplayClock(60)
    came, events = asyncio.run(story())
    recorded = [event[0] for event in read_events(tmp_path / "again")]
    assert len(recorded) == events == len(came) > 10
    assert [at_ms for at_ms, _ in came] == recorded
    assert [before for _, before in came] == list(range(events))


def test_a_generated_session_loses_nothing_at_sixty_times_its_speed(tmp_path: Path) -> None:
    path = tmp_path / "made.radio"
    generate(path, Script(athletes=20, minutes=3, broadcast=4, foreign=2))
    said = sum(event[1] == "n" for event in read_events(path))
    readings, statuses = asyncio.run(played(path, 60))
    assert sum(one.via is Via.GATT for them in readings.values() for one in them) == said
    assert said > 16 * 170
    assert len(statuses) == 22
    assert len(readings[strap_id(20)]) >= 175


def test_speed_changes_no_reading(tmp_path: Path) -> None:
    path = tmp_path / "made.radio"
    generate(path, Script(athletes=6, minutes=1, faults=("dropouts", "swaps", "batteries"), seed=3))
    fast = asyncio.run(played(path, 60))[0]
    slower = asyncio.run(played(path, 20))[0]
    assert over_links(fast) == over_links(slower)


@pytest.mark.parametrize("seed", [1, 3, 5])
def test_a_machine_that_stalls_again_and_again_loses_no_reading(tmp_path: Path, seed: int) -> None:
    path, chance = tmp_path / "made.radio", Random(seed)
    generate(path, Script(athletes=6, minutes=1, faults=("dropouts", "swaps", "batteries"), seed=3))

    async def stall() -> None:
        while True:
            await asyncio.sleep(chance.uniform(0.01, 0.1))
            time.sleep(chance.uniform(0.1, 0.5))  # noqa: ASYNC251 (that is the point)

    async def stalled() -> Readings:
        stalling = asyncio.create_task(stall())
        try:
            return (await played(path, 60))[0]
        finally:
            stalling.cancel()

    said = sum(event[1] == "n" for event in read_events(path))
    readings = asyncio.run(stalled())
    assert sum(one.via is Via.GATT for them in readings.values() for one in them) == said
    assert over_links(readings) == over_links(asyncio.run(played(path, 20))[0])


def test_the_same_script_is_the_same_file_and_faults_leave_marks(tmp_path: Path) -> None:
    script = Script(athletes=12, minutes=30, faults=("dropouts", "swaps", "batteries"))
    generate(tmp_path / "a", script)
    generate(tmp_path / "b", script)
    generate(tmp_path / "c", Script(athletes=12, minutes=30))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert sum(event[1] == "d" for event in read_events(tmp_path / "a")) >= 5
    assert sum(event[1] == "d" for event in read_events(tmp_path / "c")) == 0


def test_a_recording_says_what_it_is_and_explains_its_lines(tmp_path: Path) -> None:
    generate(tmp_path / "made", Script(athletes=1, minutes=0.1, started_at_ms=1_700_000_000_000))
    header = read_header(tmp_path / "made")
    assert (header["format"], header["version"]) == ("touchline-radio", 1)
    assert header["started_at_ms"] == 1_700_000_000_000
    assert any("an advertisement" in line for line in header["lines"])


def test_a_recording_cut_off_anywhere_is_good_up_to_the_cut(tmp_path: Path) -> None:
    generate(tmp_path / "whole", Script(athletes=5, minutes=2))
    whole = (tmp_path / "whole").read_bytes()
    events = list(read_events(tmp_path / "whole"))
    cut = tmp_path / "cut"
    for share in (0.2, 0.5, 0.9, 0.999):
        cut.write_bytes(whole[: int(len(whole) * share)])
        kept = list(read_events(cut))
        assert kept == events[: len(kept)]
        assert len(kept) >= len(events) * (share - 0.15)


def test_a_recording_stops_at_its_bound_and_says_so(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "full", ("hci0",), 0, most_bytes=20_000)
    chance = Random(1)
    for second in range(5_000):
        writer.add([second * 1_000, "n", "C0:00:00:00:00:01", "2a37", chance.randbytes(20).hex()])
    writer.close()
    assert "has reached" in writer.trouble
    assert writer.events + writer.lost == 5_000
    assert (tmp_path / "full").stat().st_size < 25_000
    assert len(list(read_events(tmp_path / "full"))) == writer.events


@pytest.mark.parametrize("damage", ["nothing", "text", "another gzip", "later version", "no events"])
def test_what_is_no_recording_is_refused_in_a_sentence(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "file"
    contents = {
        "nothing": b"",
        "text": b"time,bpm\n",
        "another gzip": gzip.compress(b"hello\n"),
        "later version": gzip.compress(b'{"format":"touchline-radio","version":9}\n'),
        "no events": gzip.compress(b'{"format":"touchline-radio","version":1,"receivers":[]}\n'),
    }
    path.write_bytes(contents[damage])

    async def story() -> None:
        ReplayRadio(path, ReplayClock(1))

    with pytest.raises(DecodeError):
        asyncio.run(story())


def test_nonsense_lines_end_a_recording_quietly(tmp_path: Path) -> None:
    path = tmp_path / "file"
    good = b'[1,"d","C0:00"]\n'
    for line in (
        b"[]",
        b'[1,"s"]',
        b'{"a":1}',
        b'["x","d","y"]',
        b"[1,[],2]",
        b'[1,"s",1,2,3,4,5,6]',
        b"\xff",
    ):
        header = b'{"format":"touchline-radio","version":1,"receivers":["hci0"]}\n'
        path.write_bytes(gzip.compress(header + good + line + b"\n" + good))
        assert list(read_events(path)) == [[1, "d", "C0:00"]]


@pytest.mark.parametrize("speed", [0, -1, 61])
def test_a_speed_out_of_range_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        ReplayClock(speed)
