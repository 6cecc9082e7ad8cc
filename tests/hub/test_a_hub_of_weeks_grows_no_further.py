"""Memory over a simulated training, from what a radio hands on to the sealed segment: it must not grow.

Counted are the bytes Python holds, which no other program on the machine disturbs.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator

import pytest

from hub.devices.register import Register
from hub.devices.source import Sighting
from hub.domain import SensorReading
from hub.memory import give_back_what_is_freed
from hub.recorder import SEAL_MS
from hub.web.live import Frames
from tests.hub.ground import Ground, run

LINKED, BROADCASTING = 2, 1
STRAPS = LINKED + BROADCASTING
TICK_S = 10
SEAL_S = SEAL_MS // 1_000
MEASURED_S = 4 * SEAL_S
MOST_GROWTH_A_READING = 8
MOST_A_READING_UNSEALED = 40


class Squad:
    """Straps on the radio's end of a ground; each second one value of every strap, each tenth a tick."""

    def __init__(self, ground: Ground) -> None:
        self.ground, self.frames, self.second = ground, Frames(), 0
        self.register = Register(ground.recorder.hear, _no_sensor, lambda address: address < _address(LINKED))
        for number in range(LINKED):
            self._advertise(number, None)
            self.register[_address(number)].connected_by = "hci0"

    async def train(self, seconds: int) -> None:
        for _ in range(seconds // TICK_S):
            for _ in range(TICK_S):
                self.second += 1
                self.ground.pass_ms(1_000)
                self._speak()
            await self.ground.recorder.tick()
            if self.second % 60 == 0:
                await self.ground.recorder.refresh_alpha1()
            shot = self.ground.board.snapshot(self.ground.mono_ms, self.ground.wall_ms)
            self.frames.publish(shot)
            await self.ground.store.fold_log()

    def _speak(self) -> None:
        bpm = 100 + self.second * 7 % 60
        rr = (60 * 1024 // bpm).to_bytes(2, "little")
        for number in range(LINKED):
            watch = self.register[_address(number)]
            watch.on_notification(bytes([0x16, bpm + number]) + rr + rr, self.ground.mono_ms)
        for number in range(LINKED, STRAPS):
            self._advertise(number, bytes([0x23 | self.second % 8 << 2, 0, bpm + number]))
        self.register.forget_some(self.ground.mono_ms - 600_000)

    def _advertise(self, number: int, polar: bytes | None) -> None:
        sighting = Sighting(
            _address(number), f"Polar H10 {_strap(number)}", "hci0", -60, polar is None, polar, None
        )
        self.register.hear(sighting, self.ground.mono_ms)


async def _squad_in_session(ground: Ground) -> Squad:
    await ground.add_squad(STRAPS, with_straps=False)
    for number in range(STRAPS):
        await ground.recorder.assign(_strap(number), f"a{number + 1}")
    await ground.start()
    return Squad(ground)


def _strap(number: int) -> str:
    return f"{0xA0000000 + number:08X}"


def _address(number: int) -> str:
    return f"C0:{number:02X}"


def _no_sensor(_reading: SensorReading) -> None:
    raise AssertionError("these straps are no pods")


def _held_bytes() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


@pytest.fixture
def tracing() -> Iterator[None]:
    tracemalloc.start(1)
    yield
    tracemalloc.stop()


def test_recording_on_and_on_holds_no_more_memory(ground: Ground, tracing: None) -> None:
    async def story() -> int:
        squad = await _squad_in_session(ground)
        await squad.train(2 * SEAL_S)
        before = _held_bytes()
        await squad.train(MEASURED_S)
        return _held_bytes() - before

    assert run(story()) < MOST_GROWTH_A_READING * STRAPS * MEASURED_S


def test_what_waits_to_be_sealed_is_kept_as_columns(ground: Ground, tracing: None) -> None:
    seconds = SEAL_S - 2 * TICK_S

    async def story() -> int:
        squad = await _squad_in_session(ground)
        await squad.train(SEAL_S + TICK_S)  # the first segments are just sealed
        before = _held_bytes()
        await squad.train(seconds)
        return _held_bytes() - before

    assert run(story()) < MOST_A_READING_UNSEALED * STRAPS * seconds


def test_the_c_library_is_told_to_give_back_what_is_freed() -> None:
    assert give_back_what_is_freed()
