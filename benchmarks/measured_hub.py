"""One whole hub measured from inside: what its radio hands on, how soon, and what the process costs.

The hub is the product's own, radio to pages; only the radio is passed through a meter, which reads the time
of sending that the straps put into what they say. It chooses no numbers of straps and judges nothing.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from sqlite3 import Connection
from typing import Any
from uuid import uuid4

from hub.app import Hub
from hub.clock import mono_ms
from hub.config import HubSettings
from hub.devices.gatt import HEART_RATE_MEASUREMENT
from hub.devices.source import Link, RadioSource, Receiver, Scan, Sighting
from hub.devices.virtual.strap_address import static_address
from hub.memory import give_back_what_is_freed
from hub.radio import close_radio, open_radio
from hub.store import worn
from hub.store.database import Database
from hub.store.records import Moment, propose

SETTLE_S = 3.0
SQUAD_UP_S = 120.0
EDGE_MS = 300
HAS_ENERGY, IS_WIDE = 0x08, 0x01
NOTIFIED, BROADCAST = 1 << 16, 1 << 8
"""The time of sending is told modulo 65,536 ms in a notification and modulo 256 in an advertisement."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to measure: a pitch at `port`, so many straps, for so long; or reconnects instead of samples."""

    folder: str
    port: int
    straps: int
    adapters: int
    seconds: float
    reconnects: int = 0
    backend: str = "virtual"


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found. Latency is from the strap's sending to the live state advanced, over two processes."""

    squad_up_s: float
    expected: int
    stored: int
    lost: int
    p50_ms: float
    p99_ms: float
    worst_ms: float
    cpu_percent: float
    rss_mb: float
    peak_mb: float
    fds_before: int
    fds_after: int
    reconnects: int


class MeteredRadio:
    """The radio, with the time each value took from its strap to the end of all that is done with it.

    It runs in the process it measures, so what it keeps of a value is a few bytes.
    """

    def __init__(self, radio: RadioSource) -> None:
        self._radio = radio
        self.latencies_ms: Counter[int] = Counter()
        self.heard: dict[str, array[int]] = defaultdict(lambda: array("q"))
        self._frames: dict[str, int] = {}
        self.is_counting = False

    def receivers(self) -> tuple[Receiver, ...]:
        """The radio's own."""
        return self._radio.receivers()

    def foreign(self) -> int:
        """The radio's own."""
        return self._radio.foreign()

    async def start_scan(self, receiver: str, on_sighting: Callable[[Sighting], None]) -> Scan:
        """Scan; the first advertisement with a new value is timed."""

        def on_heard(sighting: Sighting) -> None:
            on_sighting(sighting)
            polar = sighting.polar
            if polar is None or sighting.offers_heart_rate:
                return
            if self._frames.get(sighting.address) != (frame := polar[0] >> 2 & 0x07):
                self._frames[sighting.address] = frame
                self._note(sighting.address, polar[1], BROADCAST)

        return await self._radio.start_scan(receiver, on_heard)

    async def connect(self, sighting: Sighting, on_lost: Callable[[], None], timeout_s: float) -> Link:
        """Connect; every notification is timed."""
        link = await self._radio.connect(sighting, on_lost, timeout_s)
        return _MeteredLink(link, lambda stamp: self._note(sighting.address, stamp, NOTIFIED))

    async def reset(self, receiver: str) -> None:
        """The radio's own."""
        await self._radio.reset(receiver)

    async def close(self) -> None:
        """The radio's own."""
        await self._radio.close()

    def _note(self, address: str, stamp: int, modulus: int) -> None:
        now_ms = mono_ms()
        self.heard[address].append(now_ms)
        if self.is_counting:
            self.latencies_ms[(now_ms - stamp) % modulus] += 1


class _MeteredLink:
    def __init__(self, link: Link, note: Callable[[int], None]) -> None:
        self._link = link
        self._note = note

    def has(self, characteristic: str) -> bool:
        return self._link.has(characteristic)

    async def read(self, characteristic: str) -> bytes:
        return await self._link.read(characteristic)

    async def subscribe(self, characteristic: str, on_value: Callable[[bytes], None]) -> None:
        def on_timed(value: bytes) -> None:
            on_value(value)
            if characteristic == HEART_RATE_MEASUREMENT and value[0] & HAS_ENERGY:
                at = 3 if value[0] & IS_WIDE else 2
                self._note(int.from_bytes(value[at : at + 2], "little"))

        await self._link.subscribe(characteristic, on_timed)

    async def close(self) -> None:
        await self._link.close()


def measure(order: Order) -> Measured:
    """Run a hub beside the pitch and say what was found; it ends when the measurement does."""
    give_back_what_is_freed()
    return asyncio.run(_measure(order))


async def _measure(order: Order) -> Measured:
    names = tuple(f"hci{number}" for number in range(order.adapters))
    settings = HubSettings(
        data=Path(order.folder), port=_free_port(), backend=order.backend, adapters=names,
        virtual_port=order.port, watched=(),
    )  # fmt: skip
    database = Database.open(settings.database_path)
    radio = MeteredRadio(await open_radio(settings))
    hub = Hub(settings, database, radio)
    athletes = _make_squad(database, hub, order.straps)
    is_up = asyncio.Event()
    running = asyncio.create_task(hub.run(is_up.set))
    try:
        await is_up.wait()
        began_s = time.monotonic()
        await _until(lambda: len(radio.heard) >= order.straps, SQUAD_UP_S)
        squad_up_s = time.monotonic() - began_s
        if order.reconnects:
            return await _count_descriptors(hub, order, squad_up_s)
        return await _count_samples(hub, radio, order, squad_up_s, athletes)
    finally:
        hub.stopping.set()
        await running
        await close_radio(settings)
        database.close()


def _make_squad(database: Database, hub: Hub, straps: int) -> dict[str, str]:
    """So many athletes, each with the strap of the same number; the athlete of each strap's address."""
    wearers: dict[str, str] = {}
    now = hub.moment()
    moment = Moment(now.boot_no, now.mono_ms, now.wall_ms, lambda: str(uuid4()))
    for number in range(1, straps + 1):
        athlete_id = moment.new_id()
        athlete = {
            "name": f"Athlete {number}", "shirt_number": number, "sex": "F" if number % 2 else "M",
            "hr_max_bpm": 185 + number % 15, "hr_rest_bpm": 50, "is_active": True,
        }  # fmt: skip
        strap = {"name": f"Strap {number}", "address": "", "athlete_id": athlete_id}
        strap_id = f"{0xA0000000 + number:08X}"
        database.write_now(partial(_keep, moment, {athlete_id: athlete}, {strap_id: strap}))
        wearers[static_address(number)] = athlete_id
    return wearers


def _keep(
    moment: Moment, athletes: dict[str, dict[str, Any]], straps: dict[str, dict[str, Any]], db: Connection
) -> None:
    for table, rows in (("athlete", athletes), ("strap", straps)):
        for pk, row in rows.items():
            propose(db, moment, table, pk, row)


async def _count_samples(
    hub: Hub, radio: MeteredRadio, order: Order, squad_up_s: float, athletes: dict[str, str]
) -> Measured:
    await asyncio.sleep(SETTLE_S)
    began = await hub.recorder.start_session("Measured", "training", 0)
    assert began.mono0_ms is not None
    from_ms, fds_before = began.mono0_ms + 500, _descriptors()
    radio.is_counting, cpu_before_s, wall_before_s = True, time.process_time(), time.monotonic()
    await asyncio.sleep(order.seconds)
    cpu_percent = 100 * (time.process_time() - cpu_before_s) / (time.monotonic() - wall_before_s)
    rss_mb, peak_mb, fds_after = _memory_mb("VmRSS"), _memory_mb("VmHWM"), _descriptors()
    radio.is_counting, to_ms = False, mono_ms()
    ended = await hub.recorder.end_session()
    stored = await hub.database.read(lambda db: worn.heart_rates(db, ended))
    counts = [
        _counted(at_ms, stored.get(athletes[address]), from_ms, to_ms)
        for address, at_ms in radio.heard.items()
    ]
    expected, kept = (sum(column) for column in zip(*counts, strict=True))
    latencies = sorted(radio.latencies_ms.elements())
    return Measured(
        squad_up_s=squad_up_s, expected=expected, stored=kept, lost=expected - kept,
        p50_ms=_share(latencies, 0.5), p99_ms=_share(latencies, 0.99), worst_ms=_share(latencies, 1.0),
        cpu_percent=cpu_percent, rss_mb=rss_mb, peak_mb=peak_mb, fds_before=fds_before, fds_after=fds_after,
        reconnects=sum(status.reconnects for status in hub.fleet.statuses()),
    )  # fmt: skip


async def _count_descriptors(hub: Hub, order: Order, squad_up_s: float) -> Measured:
    """Whoever runs the pitch drops links until this has seen enough reconnects."""
    fds_before = _descriptors()

    def reconnects() -> int:
        return sum(status.reconnects for status in hub.fleet.statuses())

    print("drop links", flush=True)
    await _until(lambda: reconnects() >= order.reconnects, order.seconds)
    print("enough", flush=True)
    await _until(lambda: all(status.is_connected for status in hub.fleet.statuses()), 60)
    await asyncio.sleep(SETTLE_S)
    return Measured(
        squad_up_s, 0, 0, 0, 0, 0, 0, 0, _memory_mb("VmRSS"), _memory_mb("VmHWM"), fds_before, _descriptors(),
        reconnects(),
    )  # fmt: skip


def _counted(
    heard_ms: array[int], stored: worn.HeartRates | None, from_ms: int, to_ms: int
) -> tuple[int, int]:
    """One strap's values: how many it sent from the first heard in the window to the last, how many are kept.

    A strap that falls silent goes on being expected. What is stored was stamped just before it was metered.
    """
    within = [ms for ms in heard_ms if from_ms + EDGE_MS <= ms < to_ms - EDGE_MS]
    if not within:
        return round((to_ms - from_ms) / 1000), 0
    silent_s = max(0.0, (to_ms - within[-1]) / 1000 - 2) + max(0.0, (within[0] - from_ms) / 1000 - 2)
    expected = round((within[-1] - within[0]) / 1000) + 1 + round(silent_s)
    if stored is None:
        return expected, 0
    is_counted = (stored.mono_ms >= within[0] - EDGE_MS) & (stored.mono_ms <= within[-1])
    return expected, int(is_counted.sum())


def _share(ordered: list[int], share: float) -> float:
    return float(ordered[min(len(ordered) - 1, int(share * len(ordered)))]) if ordered else 0.0


async def _until(claim: Callable[[], bool], within_s: float) -> None:
    """Wait for a claim; what is not true in time shows in the figures."""
    deadline = time.monotonic() + within_s
    while not claim() and time.monotonic() < deadline:  # noqa: ASYNC110 -- the claim is anybody's
        await asyncio.sleep(0.05)


def _descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def _memory_mb(name: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) / 1024
    return 0.0


def _free_port() -> int:
    from hub.serving import listening_socket

    with listening_socket("127.0.0.1", 0) as probe:
        return int(probe.getsockname()[1])


def run(order_json: str) -> None:
    """The process's whole work: the order as JSON in, the measurement as the last line out."""
    logging.getLogger().setLevel(logging.ERROR)  # dropped links are the work here
    print(json.dumps(asdict(measure(Order(**json.loads(order_json))))), flush=True)
