"""All straps in earshot: scan on every adapter, keep each connectable strap connected, pass readings on.

It knows no athlete and stores nothing; a strap that only broadcasts is listened to without connecting.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from random import Random

from hub.devices.backoff import Backoff
from hub.devices.keeper import Desk, Keeper, Timing
from hub.devices.radio import Radio, Sighting
from hub.devices.strap_watch import StrapWatch
from hub.domain import Reading, StrapStatus
from hub.errors import RadioError

__all__ = ["Fleet", "Timing"]

log = logging.getLogger(__name__)


class Fleet:
    """The straps of a squad on one radio; `on_reading` is called in the event loop and must not wait."""

    def __init__(
        self,
        radio: Radio,
        on_reading: Callable[[Reading], None],
        now_mono_ms: Callable[[], int],
        *,
        slots_per_adapter: int | None = None,
        random: Callable[[], float] | None = None,
        timing: Timing | None = None,
    ) -> None:
        self._radio = radio
        self._on_reading = on_reading
        self._now_mono_ms = now_mono_ms
        self._slots_per_adapter = slots_per_adapter
        self._random = random or Random().random
        self._timing = timing or Timing()
        self._desks: dict[str, Desk] = {}
        self._watches: dict[str, StrapWatch] = {}
        self._kept: set[str] = set()
        self._trouble: dict[str, str] = {}

    @property
    def trouble(self) -> str | None:
        """Why an adapter cannot be used right now, in words for a page; None when all is well."""
        return next(iter(self._trouble.values()), None)

    def statuses(self) -> tuple[StrapStatus, ...]:
        """Every strap whose identity is known, by id."""
        known = (watch.status() for watch in self._watches.values())
        return tuple(sorted((status for status in known if status), key=lambda status: status.strap_id))

    async def run(self) -> None:
        """Until cancelled; then every scan is stopped and every client closed."""
        now_ms = self._now_mono_ms()
        self._desks = {name: Desk(name, self._slots_per_adapter, now_ms) for name in self._radio.adapters}
        self._kept.clear()
        async with asyncio.TaskGroup() as tasks:
            for desk in self._desks.values():
                tasks.create_task(self._keep_scanning(desk, tasks))

    async def _keep_scanning(self, desk: Desk, tasks: asyncio.TaskGroup) -> None:
        """Scan all the time; start again what failed or went deaf (an adapter that was unplugged)."""
        backoff = Backoff(self._timing.scan_retry_s, self._random)
        scanning = asyncio.current_task()

        def on_sighting(sighting: Sighting) -> None:
            if scanning is not None and not scanning.cancelling():
                self._on_sighting(sighting, desk, tasks)

        while True:
            try:
                scan = await self._radio.start_scan(desk.adapter, on_sighting)
            except Exception as error:
                self._note(desk, error)
                await asyncio.sleep(backoff.next_s())
                continue
            self._note(desk, None)
            backoff.reset()
            try:
                await self._until_deaf(desk)
            finally:
                await scan.stop()

    async def _until_deaf(self, desk: Desk) -> None:
        """Returns when nothing, neither advertisement nor measurement, has arrived for a while."""
        desk.last_heard_ms = self._now_mono_ms()
        while True:
            left_s = self._timing.deaf_s - (self._now_mono_ms() - desk.last_heard_ms) / 1000
            if left_s <= 0:
                return
            await asyncio.sleep(left_s)

    def _on_sighting(self, sighting: Sighting, desk: Desk, tasks: asyncio.TaskGroup) -> None:
        now_ms = desk.last_heard_ms = self._now_mono_ms()
        watch = self._watches.get(sighting.address)
        if watch is None:
            watch = self._watches[sighting.address] = StrapWatch(sighting, now_ms, self._deliver)
        watch.on_sighting(sighting, now_ms)
        if watch.is_connectable and watch.address not in self._kept:
            self._kept.add(watch.address)
            keeper = Keeper(
                watch,
                self._radio,
                self._desks,
                self._now_mono_ms,
                self._random,
                self._timing,
                self._is_id_taken,
            )
            tasks.create_task(keeper.run(), name=f"strap {watch.address}")

    def _is_id_taken(self, strap_id: str, by: StrapWatch) -> bool:
        """Whether another strap goes by this id: cheap ones share a serial."""
        return any(watch.strap_id == strap_id for watch in self._watches.values() if watch is not by)

    def _deliver(self, reading: Reading) -> None:
        """Whoever takes readings may fail; the radio's callbacks must not."""
        try:
            self._on_reading(reading)
        except Exception:
            log.exception("a reading of strap %s was not taken", reading.strap_id)

    def _note(self, desk: Desk, error: Exception | None) -> None:
        """Log when an adapter fails or comes back, not at every try."""
        if error is None:
            if self._trouble.pop(desk.adapter, None) is not None:
                log.info("adapter %s works again", desk.adapter)
        elif desk.adapter not in self._trouble:
            if isinstance(error, RadioError):
                words, unforeseen = f"{error} {error.hint}".strip(), None
            else:
                words, unforeseen = f"{type(error).__name__}: {error}", error
            log.warning("adapter %s: %s", desk.adapter, words, exc_info=unforeseen)
            self._trouble[desk.adapter] = words
