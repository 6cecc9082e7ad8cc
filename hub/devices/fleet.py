"""All straps in earshot: scan by every receiver, carry out what the scheduler decides, pass readings on.

It knows no athlete and stores nothing; a strap that only broadcasts is listened to without connecting.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from random import Random

from hub.devices.backoff import Backoff
from hub.devices.keeper import Keeper, Timing
from hub.devices.receiver_health import ReceiverHealth
from hub.devices.register import MOST_STRANGERS, Register
from hub.devices.scheduler import Connect, Policy, Release, Scheduler
from hub.devices.slots import SlotLedger
from hub.devices.source import RadioSource, Receiver, ReceiverKind, Scan, Sighting
from hub.devices.strap_watch import StrapWatch
from hub.devices.wishes import Wish
from hub.domain import Reading, ReceiverStatus, SensorReading, StrapStatus
from hub.errors import RadioError, SlotsTaken

__all__ = ["MOST_STRANGERS", "Fleet", "Timing"]

log = logging.getLogger(__name__)


class _Ear:
    """One receiver at work: its record, its scan, when it last heard anything."""

    def __init__(self, now_ms: int) -> None:
        self.health = ReceiverHealth()
        self.last_heard_ms = now_ms
        self.scanning: asyncio.Task[None] | None = None

    def heard(self, now_ms: int) -> None:
        self.last_heard_ms = now_ms
        self.health.heard()


class Fleet:
    """The straps of a squad on one radio; the callbacks are called in the event loop and must not wait.

    `speed` is how fast the clock of `now_mono_ms` runs: more than 1 only for a recording.
    """

    def __init__(
        self,
        radio: RadioSource,
        on_reading: Callable[[Reading], None],
        now_mono_ms: Callable[[], int],
        *,
        on_sensor: Callable[[SensorReading], None] | None = None,
        slots_per_adapter: int | None = None,
        random: Callable[[], float] | None = None,
        timing: Timing | None = None,
        speed: float = 1.0,
    ) -> None:
        self._radio = radio
        self._on_reading = on_reading
        self._on_sensor = on_sensor
        self._now_mono_ms = now_mono_ms
        self._slots_per_adapter = slots_per_adapter
        self._random = random or Random().random
        self._timing = (timing or Timing()).at_speed(speed)
        self._speed = speed
        self._scheduler = self._new_scheduler()
        self._receivers: dict[str, Receiver] = {}
        self._ears: dict[str, _Ear] = {}
        self._links: dict[str, asyncio.Task[None]] = {}
        self._register = Register(self._deliver, self._deliver_sensor, self._links.__contains__)
        self._trouble: dict[str, str] = {}
        self._said: dict[str, bool] = {}
        self._decide_now = asyncio.Event()

    # --- what others may ask

    @property
    def trouble(self) -> str | None:
        """Why a receiver cannot be used right now, in words for a page; None when all is well."""
        return next(iter(self._trouble.values()), None)

    def receivers(self) -> tuple[tuple[Receiver, int, str], ...]:
        """Each receiver, the links it holds, and its trouble in words."""
        ledger = self._scheduler.ledger
        return tuple(
            (receiver, ledger.links(name), self._trouble.get(name, ""))
            for name, receiver in sorted(self._receivers.items())
        )

    def receiver_statuses(self) -> tuple[ReceiverStatus, ...]:
        """The receivers for the pages, with as many slots as were said or found out."""
        ledger = self._scheduler.ledger
        return tuple(
            ReceiverStatus(
                name=receiver.name,
                kind=receiver.kind.value,
                slots=None if (free := ledger.free(receiver.name)) is None else free + used,
                used=used,
                mode=receiver.mode.value,
                trouble=trouble,
            )
            for receiver, used, trouble in self.receivers()
        )

    @property
    def foreign(self) -> int:
        """Advertisements heard of other things than sensors."""
        return self._radio.foreign()

    def statuses(self) -> tuple[StrapStatus, ...]:
        """Every strap whose identity is known, by id."""
        now_ms = self._now_mono_ms()
        known = (self._status(watch, now_ms) for watch in self._register.all())
        return tuple(sorted((status for status in known if status), key=lambda status: status.strap_id))

    def remember(self, strap_id: str, address: str) -> None:
        """A strap of earlier sessions: heard at this address it is known at once, without name or serial."""
        self._register.remember(strap_id, address)

    def wish(self, strap_id: str, wish: Wish) -> None:
        """What people want of a strap, known already or not; obeyed from now on."""
        self._register.wish(strap_id, wish)
        for watch in self._register.all():
            self._scheduler.wish(watch.address, watch.wish)
        self._decide_now.set()

    def let_advertise(self, strap_ids: frozenset[str], for_ms: int) -> None:
        """Let go of these straps, and connect none of them for a while: a connected one falls silent else."""
        resting = frozenset(it.address for it in self._register.all() if it.strap_id in strap_ids)
        self._scheduler.rest(resting, self._now_mono_ms() + for_ms)
        self._decide_now.set()

    # --- running

    async def run(self) -> None:
        """Until cancelled; then every scan is stopped and every client closed."""
        self._scheduler = self._new_scheduler()
        self._ears.clear()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._call_the_roll(tasks))
            tasks.create_task(self._decide(tasks))

    async def _call_the_roll(self, tasks: asyncio.TaskGroup) -> None:
        """Receivers come and go, and so do straps."""
        while True:
            self._receivers = {receiver.name: receiver for receiver in self._radio.receivers()}
            slots = {name: self._slots(receiver) for name, receiver in self._receivers.items()}
            for address in self._scheduler.ledger.set_receivers(slots):
                self._let_go(address, "its receiver has gone")
            for name in [name for name in self._ears if name not in slots]:
                ear = self._ears.pop(name)
                if ear.scanning is not None:
                    ear.scanning.cancel()
                self._trouble.pop(name, None)
            for name in slots:
                if name not in self._ears:
                    ear = self._ears[name] = _Ear(self._now_mono_ms())
                    ear.scanning = tasks.create_task(self._keep_scanning(name, ear))
            self._forget_the_gone()
            await self._sleep(self._timing.roll_call_s)

    def _slots(self, receiver: Receiver) -> int | None:
        known = [slots for slots in (receiver.slots, self._slots_per_adapter) if slots is not None]
        return min(known) if known else None

    async def _keep_scanning(self, name: str, ear: _Ear) -> None:
        """Scan all the time; begin again what failed or went deaf, reset what hangs."""
        backoff = Backoff(self._timing.scan_retry_s, self._random)
        scanning = asyncio.current_task()

        def on_sighting(sighting: Sighting) -> None:
            if scanning is not None and not scanning.cancelling():
                ear.heard(self._now_mono_ms())
                self._on_sighting(sighting)

        while True:
            try:
                scan = await self._radio.start_scan(name, on_sighting)
            except Exception as error:
                self._note(name, error)
                await self._sleep(backoff.next_s())
                continue
            self._note(name, None)
            backoff.reset()
            try:
                await self._until_deaf(name, ear, scan)
            finally:
                await scan.stop()
            ear.health.fell_deaf()
            await self._reset_if_hung(name, ear)

    async def _until_deaf(self, name: str, ear: _Ear, scan: Scan) -> None:
        """Returns when nothing, neither advertisement nor measurement, has arrived for a while.

        A relay says itself that it is alive, and a quiet corner of the pitch may have nothing to tell.
        """
        is_relay = self._receivers[name].kind is ReceiverKind.RELAY
        deaf_s = self._timing.relay_deaf_s if is_relay else self._timing.deaf_s
        ear.last_heard_ms = self._now_mono_ms()
        ended = asyncio.ensure_future(scan.ended())
        try:
            while not ended.done():
                left_s = deaf_s - (self._now_mono_ms() - ear.last_heard_ms) / 1000
                if left_s <= 0 or ear.health.is_reset_due(self._now_mono_ms()):
                    return
                await asyncio.wait({ended}, timeout=min(left_s, 1.0) / self._speed)
        finally:
            ended.cancel()

    async def _reset_if_hung(self, name: str, ear: _Ear) -> None:
        if not ear.health.should_reset(self._now_mono_ms()):
            return
        ledger = self._scheduler.ledger
        if any(self._is_alive(address) for address in ledger.held_by(name)):
            log.info("%s holds %d links and seems to take no more", name, ledger.links(name))
            ledger.guess_full(name, self._now_mono_ms())
            return
        log.warning("%s hangs and is reset", name)
        for address in ledger.held_by(name):
            self._let_go(address, f"{name} is reset")
        try:
            await self._radio.reset(name)
        except RadioError as error:
            self._note(name, error)

    def _is_alive(self, address: str) -> bool:
        value_ms = self._register[address].last_value_ms
        return value_ms is not None and self._now_mono_ms() - value_ms < self._timing.stall_s * 1000

    # --- straps

    def _on_sighting(self, sighting: Sighting) -> None:
        now_ms = self._now_mono_ms()
        watch = self._register.hear(sighting, now_ms)
        self._scheduler.see(
            sighting.address,
            sighting.adapter,
            sighting.rssi_dbm,
            now_ms,
            is_connectable=sighting.is_connectable,
            broadcasts=sighting.polar is not None,
        )
        self._scheduler.wish(watch.address, watch.wish)
        if self._register.is_crowded:
            self._forget_the_gone()

    def _forget_the_gone(self) -> None:
        before_ms = self._now_mono_ms() - round(self._timing.forget_s * 1000)
        self._scheduler.ledger.forget_learnt(before_ms)
        self._scheduler.ledger.doubt_guesses(self._now_mono_ms())
        for address in self._register.forget_some(before_ms):
            self._said.pop(address, None)
            self._scheduler.forget(address)

    def _status(self, watch: StrapWatch, now_ms: int) -> StrapStatus | None:
        return watch.status(
            now_ms,
            self._receivers,
            self._scheduler.strengths(watch.address, now_ms),
            self._scheduler.best_receiver(watch.address, now_ms),
            is_refusing=self._scheduler.is_refusing(watch.address),
        )

    # --- links

    async def _decide(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            self._decide_now.clear()
            for move in self._scheduler.moves(self._now_mono_ms()):
                if isinstance(move, Release):
                    self._let_go(move.address, move.reason)
                else:
                    self._links[move.address] = tasks.create_task(
                        self._keep(move), name=f"strap {move.address}"
                    )
            await self._first_of_now_or(self._timing.decide_s)

    async def _first_of_now_or(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._decide_now.wait()
        except TimeoutError:
            return

    async def _keep(self, move: Connect) -> None:
        """One link from beginning to end; the scheduler learns what became of it."""
        watch, ear = self._register[move.address], self._ears.get(move.receiver)
        is_connected = is_refused = False

        def on_connected() -> None:
            nonlocal is_connected
            is_connected = True
            self._scheduler.connected(move.address, self._now_mono_ms())
            if ear is not None:
                ear.health.connected()
            self._scheduler.wish(watch.address, watch.wish)
            self._say(watch, "")
            self._decide_now.set()

        def on_heard() -> None:
            if ear is not None:
                ear.heard(self._now_mono_ms())

        keeper = Keeper(watch, self._radio, self._now_mono_ms, self._timing, self._speed, on_heard)
        try:
            sighting = watch.latest_sighting(move.receiver)
            if sighting is not None:
                await keeper.run(sighting, on_connected)
        except RadioError as error:
            is_refused = True
            self._say(watch, str(error))
            if isinstance(error, SlotsTaken):
                self._scheduler.ledger.learn_full(move.receiver, self._now_mono_ms())
        except Exception:
            is_refused = True
            log.exception("strap %s: an unforeseen error; it is tried again", watch.label)
        finally:
            self._links.pop(move.address, None)
            if is_connected:
                self._scheduler.ended(move.address, self._now_mono_ms())
            else:
                self._scheduler.failed(move.address, self._now_mono_ms(), is_refusal=is_refused)
                if ear is not None and is_refused:
                    ear.health.failed_to_connect(move.address)
            self._decide_now.set()

    def _let_go(self, address: str, reason: str) -> None:
        link = self._links.get(address)
        if link is not None:
            log.info("strap %s is let go: %s", self._register[address].label, reason)
            link.cancel()

    def _say(self, watch: StrapWatch, trouble: str) -> None:
        """Log when things change, not each time."""
        if not trouble or not self._said.get(watch.address, False):
            level = logging.WARNING if trouble and watch.connections else logging.INFO
            log.log(level, "strap %s: %s", watch.label, trouble or "connected")
        self._said[watch.address] = bool(trouble)

    # --- passing on

    def _deliver(self, reading: Reading) -> None:
        """Whoever takes readings may fail; the radio's callbacks must not."""
        try:
            self._on_reading(reading)
        except Exception:
            log.exception("a reading of strap %s was not taken", reading.strap_id)

    def _deliver_sensor(self, reading: SensorReading) -> None:
        if self._on_sensor is None:
            return
        try:
            self._on_sensor(reading)
        except Exception:
            log.exception("a reading of sensor %s was not taken", reading.strap_id)

    def _note(self, name: str, error: Exception | None) -> None:
        """Log when a receiver fails or comes back, not at every try."""
        if error is None:
            if self._trouble.pop(name, None) is not None:
                log.info("adapter %s works again", name)
        elif name not in self._trouble:
            if isinstance(error, RadioError):
                words, unforeseen = f"{error} {error.hint}".strip(), None
            else:
                words, unforeseen = f"{type(error).__name__}: {error}", error
            log.warning("adapter %s: %s", name, words, exc_info=unforeseen)
            self._trouble[name] = words

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._speed)

    def _new_scheduler(self) -> Scheduler:
        timing = self._timing
        policy = Policy(
            heard_within_ms=round(timing.heard_within_s * 1000),
            lease_ms=round(timing.lease_s * 1000),
            stable_ms=round(timing.stable_s * 1000),
            backoff_s=timing.backoff_s,
        )
        return Scheduler(SlotLedger(), self._random, policy)
