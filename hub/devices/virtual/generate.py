"""A whole session of a virtual squad written straight into a recording, without a radio and in no time.

It models no adapter: every strap is connected when it is in range, as with slots for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random

from hub.devices.gatt import BATTERY_LEVEL, HEART_RATE_MEASUREMENT, SERIAL_NUMBER
from hub.devices.recording import HEART_RATE, MOST_BYTES, RecordingWriter
from hub.devices.virtual.brands import BRANDS, FOREIGN_FROM, MIXED, POLAR, Brand
from hub.devices.virtual.squad import SEED, chance_of, serial_of
from hub.devices.virtual.strap_address import static_address
from hub.devices.virtual.training import PLAN, Drill, Heart
from hub.devices.virtual.values import measurement_of, polar_record_of

FAULTS = ("dropouts", "swaps", "batteries")
_ADAPTER = "hci0"
_CONNECTS_AFTER_MS = 700
_FAULTS_PER_STRAP_AND_HOUR = 6.0
_AWAY_S = (4.0, 40.0)
_FOREVER_MS = 1 << 60


@dataclass(frozen=True, slots=True)
class Script:
    """What to generate: `fitness` above 0 lowers all hearts' answer to the plan, below 0 raises it (bpm)."""

    athletes: int = 24
    minutes: float = 90.0
    broadcast: int = 0
    foreign: int = 0
    faults: tuple[str, ...] = ()
    brands: str = "polar"
    fitness: float = 0.0
    drills: tuple[Drill, ...] = PLAN
    seed: int = SEED
    started_at_ms: int = 0


class _Pod:
    """One strap of the script, going through the session second by second."""

    def __init__(
        self, number: int, heart: Heart, brand: Brand, random: Random, *, is_broadcast: bool
    ) -> None:
        self.heart = heart
        self.is_broadcast = is_broadcast
        self.away_until_ms = 0
        self._number = number
        self._brand = brand
        self._address = static_address(number)
        self._name = brand.name_of(serial_of(number)) or None
        self._phase_ms = random.randrange(1_000)
        self._back_ms = random.randrange(3_000)
        self._is_linked = False
        self._frame = 0
        self._battery_percent = random.randint(35, 100)
        self._random = random

    def leave(self, until_ms: int, now_ms: int, writer: RecordingWriter) -> None:
        self.away_until_ms = until_ms
        self._back_ms = until_ms
        if self._is_linked:
            self._is_linked = False
            writer.add([now_ms, "d", self._address])

    def second(self, now_ms: int, writer: RecordingWriter) -> None:
        """Everything this strap does in the second that begins now."""
        self.heart.train(1.0)
        self._frame += 1
        if now_ms < self.away_until_ms:
            self.heart.beats(1.0)
            return
        value = measurement_of(self.heart, self._brand, 1.0, in_contact=True)
        if self._is_linked:
            writer.add([now_ms, "n", self._address, HEART_RATE_MEASUREMENT, value.hex()])
            return
        self._advertise(now_ms, writer)
        if not self.is_broadcast and now_ms - self._back_ms >= _CONNECTS_AFTER_MS:
            self._is_linked = True
            writer.add([now_ms, "c", _ADAPTER, self._address])
            serial, battery = serial_of(self._number).encode().hex(), bytes([self._battery_percent]).hex()
            writer.add([now_ms, "r", self._address, SERIAL_NUMBER, serial])
            writer.add([now_ms, "r", self._address, BATTERY_LEVEL, battery])
            writer.add([now_ms, "n", self._address, HEART_RATE_MEASUREMENT, value.hex()])

    def _advertise(self, now_ms: int, writer: RecordingWriter) -> None:
        record = None
        if self._brand.broadcasts:
            record = polar_record_of(self.heart, self._frame, in_contact=True).hex()
        flags = 0 if self.is_broadcast else HEART_RATE
        dbm = -60 - self._random.randrange(25)
        writer.add([now_ms, "s", _ADAPTER, self._address, self._name, dbm, flags, record])

    @property
    def phase_ms(self) -> int:
        return self._phase_ms


def generate(path: Path, script: Script, most_bytes: int = MOST_BYTES) -> int:
    """Write the session to a new file; how many events it holds. Same script, same bytes."""
    random = Random(script.seed)
    pods = [_pod(number, script) for number in range(1, script.athletes + 1)]
    pods += [_foreign(number) for number in range(1, script.foreign + 1)]
    writer = RecordingWriter(path, (_ADAPTER,), script.started_at_ms, most_bytes)
    by_phase = sorted(pods, key=lambda pod: pod.phase_ms)
    for second in range(round(script.minutes * 60)):
        for pod in by_phase:
            now_ms = second * 1_000 + pod.phase_ms
            if script.faults and random.random() < _FAULTS_PER_STRAP_AND_HOUR / 3_600:
                _go_wrong(pod, pods[: script.athletes], now_ms, script.faults, random, writer)
            pod.second(now_ms, writer)
    writer.close()
    return writer.events


def _pod(number: int, script: Script) -> _Pod:
    brands = MIXED if script.brands == "mixed" else (BRANDS[script.brands],)
    is_broadcast = number > script.athletes - script.broadcast
    brand = POLAR if is_broadcast else brands[(number - 1) % len(brands)]
    random = chance_of(number, script.seed)
    heart = Heart(random, script.drills)
    heart.rest_bpm -= script.fitness
    return _Pod(number, heart, brand, random, is_broadcast=is_broadcast)


def _foreign(number: int) -> _Pod:
    """The other team's straps are heard and never connected: their own hub holds them."""
    random = Random(FOREIGN_FROM + number)
    return _Pod(FOREIGN_FROM + number, Heart(random), POLAR, random, is_broadcast=True)


def _go_wrong(
    pod: _Pod,
    squad: list[_Pod],
    now_ms: int,
    faults: tuple[str, ...],
    random: Random,
    writer: RecordingWriter,
) -> None:
    fault = random.choice(faults)
    if fault == "swaps":
        other = random.choice(squad)
        pod.heart, other.heart = other.heart, pod.heart
    elif fault == "batteries":
        pod.leave(_FOREVER_MS, now_ms, writer)
    else:
        pod.leave(now_ms + round(random.uniform(*_AWAY_S) * 1000), now_ms, writer)
