"""One link to one sensor, from connecting to closing: greet it, listen, watch for silence, read its battery.

It neither chooses the receiver nor tries again, and it never lets go of a client without closing it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace

from hub.devices.gatt import (
    BATTERY_LEVEL,
    BODY_LOCATION,
    HEART_RATE_MEASUREMENT,
    MAKER_NAME,
    MODEL_NUMBER,
    SERIAL_NUMBER,
)
from hub.devices.identity import clean_name, id_from_serial
from hub.devices.sensor import SensorKind
from hub.devices.sensors import KINDS
from hub.devices.source import Link, RadioSource, Sighting
from hub.devices.strap_watch import StrapWatch
from hub.errors import RadioError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Timing:
    """How patient the fleet is."""

    stall_s: float = 5.0
    connect_timeout_s: float = 8.0
    question_timeout_s: float = 5.0
    heard_within_s: float = 10.0
    backoff_s: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
    stable_s: float = 10.0
    lease_s: float = 20.0
    battery_first_s: float = 8.0
    battery_every_s: float = 300.0
    deaf_s: float = 5.0
    relay_deaf_s: float = 120.0
    scan_retry_s: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0)
    roll_call_s: float = 2.0
    decide_s: float = 0.25
    forget_s: float = 600.0

    def at_speed(self, speed: float) -> Timing:
        """For a recording played faster: what is slept in real time shrinks, what is compared does not."""
        return replace(self, decide_s=max(0.02, self.decide_s / speed))


class Keeper:
    """The work on one link; `speed` says how fast the clock that `now_mono_ms` reads runs."""

    def __init__(
        self,
        watch: StrapWatch,
        radio: RadioSource,
        now_mono_ms: Callable[[], int],
        timing: Timing,
        speed: float,
        on_heard: Callable[[], None],
    ) -> None:
        self._watch = watch
        self._radio = radio
        self._now_mono_ms = now_mono_ms
        self._timing = timing
        self._speed = speed
        self._on_heard = on_heard

    async def run(self, sighting: Sighting, on_connected: Callable[[], None]) -> None:
        """Connect and listen until the link ends, which raises RadioError, or until cancelled."""
        link: Link | None = None
        lost = asyncio.Event()
        try:
            link = await self._radio.connect(sighting, lost.set, self._timing.connect_timeout_s)
            await self._greet(link, sighting.adapter)
            on_connected()
            await self._listen(link, lost)
        finally:
            self._watch.connected_by = None
            if link is not None:
                await link.close()

    async def _greet(self, link: Link, receiver: str) -> None:
        """Check that it is a sensor of ours, learn who it is, and subscribe."""
        has_heart_rate = link.has(HEART_RATE_MEASUREMENT)
        kinds = [kind for kind in KINDS if link.has(kind.measurement)]
        if not has_heart_rate and not kinds:
            raise RadioError("the strap shows no heart rate measurement.")
        async with _patience(self._timing.question_timeout_s):
            if self._watch.strap_id is None:
                await self._learn_id(link)
            self._watch.last_value_ms = self._now_mono_ms()
            self._watch.connected_by = receiver
            if has_heart_rate:
                await link.subscribe(HEART_RATE_MEASUREMENT, self._on_heart_rate)
            for kind in kinds:
                await link.subscribe(kind.measurement, self._on_sensor_value(kind))
        self._watch.connections += 1

    async def _learn_id(self, link: Link) -> None:
        if link.has(SERIAL_NUMBER):
            serial = id_from_serial(await link.read(SERIAL_NUMBER))
            if serial is not None and self._watch.prove_id(serial, self._now_mono_ms()):
                return
        self._watch.settle_id()

    def _on_heart_rate(self, data: bytes) -> None:
        self._on_heard()
        self._watch.on_notification(data, self._now_mono_ms())

    def _on_sensor_value(self, kind: SensorKind) -> Callable[[bytes], None]:
        def on_value(data: bytes) -> None:
            self._on_heard()
            self._watch.on_sensor_value(kind, data, self._now_mono_ms())

        return on_value

    async def _listen(self, link: Link, lost: asyncio.Event) -> None:
        began_ms = self._now_mono_ms()
        battery_due_ms = began_ms + round(self._timing.battery_first_s * 1000)
        is_introduced = False
        while not lost.is_set():
            now_ms = self._now_mono_ms()
            stalls_ms = (self._watch.last_value_ms or began_ms) + round(self._timing.stall_s * 1000)
            if now_ms >= stalls_ms:
                raise RadioError(f"no measurement for {self._timing.stall_s:g} s.")
            if now_ms >= battery_due_ms:
                battery_due_ms = now_ms + round(self._timing.battery_every_s * 1000)
                await self._ask(link, BATTERY_LEVEL, self._watch.on_battery)
                if not is_introduced:
                    is_introduced = True
                    await self._be_introduced(link)
                continue
            wait_s = (min(stalls_ms, battery_due_ms) - now_ms) / 1000 / self._speed
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.01, wait_s)):
                    await lost.wait()
        raise RadioError("the link was lost.")

    async def _be_introduced(self, link: Link) -> None:
        """Maker, model and where it is worn, once a link; asked late, so that connecting stays quick."""

        def on_maker(data: bytes) -> None:
            self._watch.maker = clean_name(data.decode("utf-8", "replace")) or None

        def on_model(data: bytes) -> None:
            self._watch.model = clean_name(data.decode("utf-8", "replace")) or None

        await self._ask(link, MAKER_NAME, on_maker)
        await self._ask(link, MODEL_NUMBER, on_model)
        await self._ask(link, BODY_LOCATION, self._watch.on_location)

    async def _ask(self, link: Link, characteristic: str, on_answer: Callable[[bytes], None]) -> None:
        """A strap that does not answer this goes on being listened to."""
        if not link.has(characteristic):
            return
        try:
            async with _patience(self._timing.question_timeout_s):
                on_answer(await link.read(characteristic))
        except RadioError as error:
            log.info("strap %s: %s was not read: %s", self._watch.label, characteristic[4:8], error)


@contextlib.asynccontextmanager
async def _patience(seconds: float) -> AsyncIterator[None]:
    """`asyncio.timeout` whose end is a RadioError."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise RadioError("the strap did not answer in time.") from error
