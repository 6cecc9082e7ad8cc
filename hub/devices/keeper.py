"""Keeps one strap connected: waits until it is heard, connects, listens, closes, waits, again.

It connects only while it holds its adapter's turn, and it never lets go of a client without closing it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from hub.devices.backoff import Backoff
from hub.devices.gatt import BATTERY_LEVEL, HEART_RATE_MEASUREMENT, SERIAL_NUMBER
from hub.devices.identity import id_from_address, id_from_serial
from hub.devices.radio import Link, Radio, Sighting
from hub.devices.strap_watch import StrapWatch
from hub.errors import RadioError

log = logging.getLogger(__name__)

_NO_LIMIT = 1_000
_DBM_PER_LINK = 2


@dataclass(frozen=True, slots=True)
class Timing:
    """How patient the fleet is."""

    stall_s: float = 5.0
    connect_timeout_s: float = 20.0
    question_timeout_s: float = 5.0
    heard_within_s: float = 10.0
    backoff_s: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
    stable_s: float = 60.0
    battery_first_s: float = 8.0
    battery_every_s: float = 300.0
    deaf_s: float = 5.0
    scan_retry_s: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0)


@dataclass(slots=True)
class Desk:
    """One adapter's side of the work: its turn to connect, its slots, and when it last heard anything."""

    adapter: str
    slots: int | None
    last_heard_ms: int
    links: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    slot: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self.slot = asyncio.Semaphore(self.slots or _NO_LIMIT)


class Keeper:
    """The task of one connectable strap."""

    def __init__(
        self,
        watch: StrapWatch,
        radio: Radio,
        desks: dict[str, Desk],
        now_mono_ms: Callable[[], int],
        random: Callable[[], float],
        timing: Timing,
        is_id_taken: Callable[[str, StrapWatch], bool],
    ) -> None:
        self._watch = watch
        self._radio = radio
        self._desks = desks
        self._now_mono_ms = now_mono_ms
        self._timing = timing
        self._is_id_taken = is_id_taken
        self._backoff = Backoff(timing.backoff_s, random)
        self._tried_until_ms = -1
        self._trouble = ""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            desk = (await self._heard()).adapter
            try:
                await self._try(self._desks[desk])
            except RadioError as error:
                self._note(str(error))
            except Exception:
                log.exception("strap %s: an unforeseen error; it is tried again", self._watch.label)
            else:
                continue  # not heard any more when its turn came
            self._tried_until_ms = self._now_mono_ms()
            await asyncio.sleep(self._backoff.next_s())

    async def _heard(self) -> Sighting:
        """The best sighting later than the last try; waits until there is one."""
        while (sighting := self._best_sighting()) is None:
            self._watch.heard.clear()
            await self._watch.heard.wait()
        return sighting

    def _best_sighting(self, adapter: str | None = None) -> Sighting | None:
        since_ms = max(self._tried_until_ms, self._now_mono_ms() - round(self._timing.heard_within_s * 1000))
        candidates = [
            sighting
            for sighting in self._watch.sightings_since(since_ms)
            if sighting.adapter in self._desks and adapter in (None, sighting.adapter)
        ]
        return max(candidates, key=self._worth, default=None)

    def _worth(self, sighting: Sighting) -> float:
        """Loud is good, and so is an adapter with room."""
        desk = self._desks[sighting.adapter]
        penalty = 1_000 if desk.slot.locked() else 0
        return sighting.rssi_dbm - _DBM_PER_LINK * desk.links - penalty

    async def _try(self, desk: Desk) -> None:
        """Connect and listen until the link ends, which raises RadioError."""
        link: Link | None = None
        lost = asyncio.Event()
        async with desk.slot:
            try:
                async with desk.turn:
                    sighting = self._best_sighting(desk.adapter)
                    if sighting is None:
                        return
                    link = await self._radio.connect(sighting, lost.set, self._timing.connect_timeout_s)
                    desk.links += 1
                    await self._greet(link, desk)
                await self._listen(link, lost)
            finally:
                self._watch.connected_by = None
                if link is not None:
                    desk.links -= 1
                    await link.close()

    async def _greet(self, link: Link, desk: Desk) -> None:
        """Check that it is a strap, learn who it is, and subscribe."""
        if not link.has(HEART_RATE_MEASUREMENT):
            raise RadioError("the strap shows no heart rate measurement.")
        async with _patience(self._timing.question_timeout_s):
            if self._watch.strap_id is None:
                self._watch.strap_id = await self._identity(link)
            self._watch.last_value_ms = self._now_mono_ms()
            self._watch.connected_by = desk.adapter
            await link.subscribe(HEART_RATE_MEASUREMENT, self._on_value(desk))
        self._watch.connections += 1
        self._note("")

    async def _identity(self, link: Link) -> str:
        by_address = id_from_address(self._watch.address)
        if not link.has(SERIAL_NUMBER):
            return by_address
        serial = id_from_serial(await link.read(SERIAL_NUMBER))
        if serial is None or self._is_id_taken(serial, self._watch):
            return by_address
        return serial

    def _on_value(self, desk: Desk) -> Callable[[bytes], None]:
        def on_value(data: bytes) -> None:
            now_ms = self._now_mono_ms()
            desk.last_heard_ms = now_ms
            self._watch.on_notification(data, now_ms)

        return on_value

    async def _listen(self, link: Link, lost: asyncio.Event) -> None:
        began_ms = self._now_mono_ms()
        battery_due_ms = began_ms + round(self._timing.battery_first_s * 1000)
        while not lost.is_set():
            now_ms = self._now_mono_ms()
            if now_ms - began_ms >= self._timing.stable_s * 1000:
                self._backoff.reset()
            stalls_ms = (self._watch.last_value_ms or began_ms) + round(self._timing.stall_s * 1000)
            if now_ms >= stalls_ms:
                raise RadioError(f"no measurement for {self._timing.stall_s:g} s.")
            if now_ms >= battery_due_ms:
                battery_due_ms = now_ms + round(self._timing.battery_every_s * 1000)
                await self._read_battery(link)
                continue
            await _wait_for(lost, (min(stalls_ms, battery_due_ms) - now_ms) / 1000)
        raise RadioError("the link was lost.")

    async def _read_battery(self, link: Link) -> None:
        """A strap without a battery level, or one that does not answer in time, is no reason to part."""
        if not link.has(BATTERY_LEVEL):
            return
        try:
            async with _patience(self._timing.question_timeout_s):
                self._watch.on_battery(await link.read(BATTERY_LEVEL))
        except RadioError as error:
            log.info("strap %s: the battery was not read: %s", self._watch.label, error)

    def _note(self, trouble: str) -> None:
        """Log when things change, not each time."""
        if bool(trouble) != bool(self._trouble) or not trouble:
            level = logging.WARNING if trouble and self._watch.connections else logging.INFO
            log.log(level, "strap %s: %s", self._watch.label, trouble or "connected")
        self._trouble = trouble


@contextlib.asynccontextmanager
async def _patience(seconds: float) -> AsyncIterator[None]:
    """`asyncio.timeout` whose end is a RadioError."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise RadioError("the strap did not answer in time.") from error


async def _wait_for(event: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(max(0.01, seconds)):
            await event.wait()
