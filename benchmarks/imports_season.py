"""How fast a season comes in on a running hub, and what the board's tick feels of it; prints only.

A real hub with thirty virtual readings a second and a session running imports 1,000 small FIT files, 2,500
nights and a team's table of 500 sessions. Each tick is timed from when it was due to when its frame was
published. Bar: 99 of 100 ticks less than 100 ms late. It plays no radio.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import numpy as np

from hub.app import TICK_S, Hub
from hub.board import BoardSnapshot
from hub.config import HubSettings
from hub.devices.source import RadioSource
from hub.domain import Contact, Reading, Via
from hub.imports.jobs import Incoming
from hub.store import aliases
from hub.store.aliases import Alias
from hub.store.database import Database
from hub.store.records import propose
from tests.devices.exports.fit_writer import Body
from tests.journeys.world import free_port

ATHLETES, FILES, MINUTES = 30, 1000, 10
NIGHTS, EVENINGS = 2500, 20
NIGHT = (
    "Sleep performance %", "Respiratory rate (rpm)", "Asleep duration (min)", "In bed duration (min)",
    "Light sleep duration (min)", "Deep (SWS) duration (min)", "REM duration (min)", "Awake duration (min)",
    "Sleep need (min)", "Sleep debt (min)", "Sleep efficiency %", "Sleep consistency %",
)  # fmt: skip
BAR_MS = 100
FIT_EPOCH_S = 631_065_600
START = datetime(2026, 1, 5, 17, 0, tzinfo=UTC)


class SilentRadio:
    """A radio without receivers; the readings are handed to the recorder."""

    def receivers(self) -> tuple[Any, ...]:
        return ()

    def foreign(self) -> tuple[Any, ...]:
        return ()


def fit_file(number: int) -> bytes:
    """Ten minutes of one athlete at 1 Hz: place, heart rate, distance, speed."""
    evening, athlete = divmod(number, ATHLETES)
    began = int((START + timedelta(days=evening)).timestamp()) - FIT_EPOCH_S
    body = Body().define(0, 0, [(0, 1, 0), (1, 2, 0x84), (3, 4, 0x8C), (4, 4, 0x86)])
    body.add(0, "<BHII", 4, 1, 1000 + athlete, began)
    body.define(1, 20, [(253, 4, 0x86), (0, 4, 0x85), (1, 4, 0x85), (3, 1, 2), (5, 4, 0x86), (6, 2, 0x84)])
    for s in range(MINUTES * 60):
        place = 600_000_000 + 90 * s, 100_000_000 - 70 * s
        body.add(1, "<IiiBIH", began + s, *place, 110 + (s + 7 * athlete) % 70, 310 * s, 3100 + s % 90)
    return body.file()


def nights_table() -> str:
    """Thirteen numbers of each of 2,500 nights, as WHOOP writes them."""
    head = "Cycle start time,Cycle end time,Cycle timezone,Sleep onset,Wake onset," + ",".join(NIGHT) + ",Nap"
    rows = []
    for day in range(NIGHTS):
        slept, woke = (START + timedelta(days=day - NIGHTS, hours=h) for h in (5, 13))
        times = f"{slept:%F %T},{slept + timedelta(days=1):%F %T},UTC+01:00,{slept:%F %T},{woke:%F %T}"
        rows.append(f"{times}," + ",".join(str(50 + day * i % 47) for i in range(len(NIGHT))) + ",false")
    return "\n".join([head, *rows, ""])


def team_table() -> str:
    """Twenty evenings of twenty-five players."""
    head = (
        "Session Date,Session Title,Player Name,HML Time,High Speed Running (Absolute),Sprints,Total Time,"
        "Total Distance"
    )
    rows = (
        f"{START + timedelta(days=evening):%d/%m/%Y},Training,Player {player},0:03:10,310,5,1:02:00,"
        f"{5000 + player}"
        for evening in range(EVENINGS)
        for player in range(25)
    )
    return "\n".join([head, *rows, ""])


async def prepared(hub: Hub) -> None:
    """Thirty athletes with their straps, and a session running."""
    moment = hub.moment()

    def roster(db: Any) -> None:
        for number in range(ATHLETES):
            propose(db, moment, "athlete", f"a{number}", {
                "name": f"Player {number}", "shirt_number": number + 1, "sex": "F", "hr_max_bpm": 195,
                "hr_rest_bpm": 55, "is_active": True,
            })  # fmt: skip

        for number in range(ATHLETES):
            aliases.remember(db, Alias("serial", "", str(1000 + number)), f"a{number}")

    await hub.database.write(roster)
    await hub.recorder.roster_changed(set())
    for number in range(ATHLETES):
        await hub.recorder.assign(f"S{number}", f"a{number}")
    await hub.recorder.start_session("Training", "football", 0)


async def beat(hub: Hub) -> None:
    """Every strap once a second, spread over it."""
    s = 0
    while True:
        for number in range(ATHLETES):
            bpm = 120 + (s + 5 * number) % 60
            hub.recorder.hear(
                Reading(f"S{number}", hub.clock.mono_ms(), bpm, (1024 * 60 // bpm,), Contact.YES, Via.GATT)
            )
            await asyncio.sleep(1 / ATHLETES)
        s += 1


class Lateness:
    """Milliseconds from when each tick was due to when its frame was out."""

    def __init__(self, hub: Hub) -> None:
        self.ms: list[float] = []
        self._due = self._ended = 0.0
        self._publish, self._tick = hub.frames.publish, hub.recorder.tick
        hub.frames.publish = self._published  # type: ignore[method-assign]
        hub.recorder.tick = self._began  # type: ignore[method-assign]

    async def _began(self) -> None:
        now = asyncio.get_running_loop().time()
        self._due = max(self._due + TICK_S, self._ended) if self._due else now
        await self._tick()

    def _published(self, snapshot: BoardSnapshot) -> None:
        self._publish(snapshot)
        if self._due:
            self._ended = asyncio.get_running_loop().time()
            self.ms.append((self._ended - self._due) * 1000)

    def line(self) -> str:
        """The median, the 99th percentile and the worst."""
        if not self.ms:
            return "no tick"
        p50, p99, worst = (float(np.percentile(self.ms, p)) for p in (50, 99, 100))
        verdict = "met" if p99 < BAR_MS else "MISSED"
        late = f"late p50 {p50:3.0f} ms, p99 {p99:3.0f} ms, max {worst:3.0f} ms"
        return f"{len(self.ms):4} ticks, {late}: bar {verdict}"


async def brought_in(hub: Hub, files: list[Incoming]) -> float:
    """All of these through the desk; the seconds it took."""
    began = time.monotonic()
    batch_id = hub.imports.submit(files)
    async for progress in hub.imports.events(batch_id):
        last = progress
    statuses = Counter(it.status for file in last.files for it in file.outcomes)
    print(f"  {dict(statuses)}; {last.files[-1].outcomes[-1].detail}")
    return time.monotonic() - began


async def season(folder: Path) -> None:
    """Everything, on one hub."""
    settings = HubSettings(data=folder / "data", port=free_port(), watched=())
    settings.database_path.parent.mkdir(parents=True)
    database = Database.open(settings.database_path)
    hub = Hub(settings, database, cast(RadioSource, SilentRadio()))
    ready = asyncio.Event()
    running = asyncio.create_task(hub.run(ready.set))
    await ready.wait()
    await prepared(hub)
    beating = asyncio.create_task(beat(hub))
    for name, files, things in sets(folder):
        await asyncio.sleep(2)
        late = Lateness(hub)
        took_s = await brought_in(hub, files) if files else await rested()
        print(f"{name:34} {took_s:6.1f} s, {things / took_s:7.1f} a second; {late.line()}", flush=True)
    beating.cancel()
    hub.stopping.set()
    await running
    database.close()


async def rested() -> float:
    """Nothing, for comparison."""
    await asyncio.sleep(15)
    return 15.0


def sets(folder: Path) -> list[tuple[str, list[Incoming], int]]:
    """What is brought in, with how many things that are."""
    fit = [(f"{number:04}.fit", fit_file(number)) for number in range(FILES)]
    tables = {"nights.csv": nights_table(), "team.csv": team_table()}
    for name, data in [*fit, *((name, text.encode()) for name, text in tables.items())]:
        (folder / name).write_bytes(data)
    return [
        ("nothing", [], 0),
        (f"{FILES} FIT files", [Incoming(folder / name, name) for name, _ in fit], FILES),
        ("a history of daily values", [Incoming(folder / "nights.csv", "sleeps.csv")], NIGHTS * len(NIGHT)),
        ("a team's table", [Incoming(folder / "team.csv", "team.csv")], EVENINGS * 25),
    ]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        asyncio.run(season(Path(scratch)))
