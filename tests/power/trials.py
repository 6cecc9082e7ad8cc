"""Runs of a real hub on the diary disk, and what must be true of every disk a power cut can leave behind.

A run is recorded once and cut at many points; the cut disk is opened by the product's own store on the
standard library's SQLite, exactly as after a real reboot.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from sqlite3 import Connection
from tempfile import TemporaryDirectory
from unittest import mock

from hub import recorder
from hub.errors import StoreUnavailable
from hub.store.database import Database
from hub.store.records import propose
from sync.chain import CHAIN_0, next_chain
from tests.hub.ground import Ground, Heard, sealed_and_open
from tests.power.connection import stored_on
from tests.power.disk import Disk, Event, Mark, cut, diary

SEAL_AFTER_MS = 15_000
STRAPS = {"S1": 141, "S2": 152, "S3": 97}
LOST_AT_MOST_MS = 1_000


@dataclass(slots=True)
class Tally:
    """What the trials of one kind found; every count but `trials` should be 0."""

    trials: int = 0
    edits_lost: int = 0
    corrupt: int = 0
    samples_lost: int = 0
    samples_doubled: int = 0
    words: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """No trial lost, doubled or damaged anything it must not."""
        return not (self.edits_lost or self.corrupt or self.samples_lost or self.samples_doubled)

    def __iadd__(self, other: Tally) -> Tally:
        for name in ("trials", "edits_lost", "corrupt", "samples_lost", "samples_doubled"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.words += other.words
        return self


class RecordedGround(Ground):
    """A ground that notes what it heard and what the store has promised."""

    disk: Disk

    def hear(self, strap_id: str, bpm: int | None, rr: tuple[int, ...] = ()) -> Heard:
        heard = super().hear(strap_id, bpm, rr)
        self.disk.mark("heard", heard)
        return heard

    async def edit(self, number: int, rng: Random) -> None:
        """Change an athlete; the edit counts from the moment the store has answered."""
        moment = self.moment()
        made: list[str] = []

        def new_id() -> str:
            made.append(moment.new_id())
            return made[-1]

        noted = type(moment)(moment.boot_no, moment.mono_ms, moment.wall_ms, new_id)
        fields = {"hr_max_bpm": rng.randint(170, 210)}
        await self.store.write(lambda db: propose(db, noted, "athlete", f"a{number}", fields))
        self.disk.mark("edited", made[0])


def recorded(folder: Path, seed: int, synchronous: str = "FULL") -> list[Event]:
    """The diary of a short training: a squad, edits, ticks, seals, an end, on a new disk."""
    rng = Random(seed)
    with diary() as disk, stored_on(disk, synchronous), mock.patch.object(recorder, "SEAL_MS", SEAL_AFTER_MS):
        ground = RecordedGround(folder)
        ground.disk = disk
        try:
            asyncio.run(_training(ground, rng))
        finally:
            ground.close()
    return list(disk.events)


async def _training(ground: RecordedGround, rng: Random) -> None:
    await ground.add_squad(len(STRAPS))
    await ground.start()
    ground.disk.mark("began", ground.mono_ms)
    for _ in range(rng.randint(20, 45)):
        await ground.train(1, STRAPS)
        ground.disk.mark("ticked", ground.mono_ms)
        if rng.random() < 0.4:
            await ground.edit(rng.randint(1, len(STRAPS)), rng)
        if rng.random() < 0.03:
            await ground.restart()
    if rng.random() < 0.5:
        await ground.recorder.end_session()


def cuts(events: list[Event], count: int, rng: Random) -> Iterator[int]:
    """Points to cut the power at, all of them after the squad was there."""
    began = next(at for at, event in enumerate(events) if isinstance(event, Mark) and event.what == "began")
    for _ in range(count):
        yield rng.randint(began + 1, len(events))


def try_cuts(events: list[Event], count: int, rng: Random) -> Tally:
    """Cut the power at `count` points and judge what is left."""
    tally = Tally()
    for at in cuts(events, count, rng):
        tally += try_cut(events, at, rng)
    return tally


def try_cut(events: list[Event], at: int, rng: Random) -> Tally:
    """Cut the power before event `at`; judged in memory where the system has such a folder."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        return _judged(Path(folder), cut(events, at, {}, rng), events[:at], at)


def _judged(folder: Path, left: dict[str, bytes], before: list[Event], at: int) -> Tally:
    for name in ("hub.db", "hub.db-wal", "hub.db-shm"):
        (folder / name).unlink(missing_ok=True)
    for name, data in left.items():
        (folder / name).write_bytes(data)
    tally = Tally(trials=1)
    marks = [event for event in before if isinstance(event, Mark)]
    try:
        database = Database.open(folder / "hub.db")
    except (sqlite3.DatabaseError, StoreUnavailable) as error:
        return Tally(trials=1, corrupt=1, words=[f"cut {at}: {error}"])
    try:
        fault, op_ids, kept = database.read_now(_content)
    except (sqlite3.DatabaseError, StoreUnavailable, ValueError) as error:
        return Tally(trials=1, corrupt=1, words=[f"cut {at}: {error}"])
    finally:
        database.close()
    if fault:
        tally.corrupt, tally.words = 1, [f"cut {at}: {fault}"]
    tally.edits_lost = len({mark.value for mark in marks if mark.what == "edited"} - op_ids)
    _judge_samples(tally, marks, kept)
    return tally


def _content(db: Connection) -> tuple[str, set[str], Counter[Heard]]:
    """What is wrong with the file, the edits in its log, and every sample it holds."""
    found = db.execute("PRAGMA integrity_check").fetchone()[0]
    chain, op_ids = CHAIN_0, set()
    for op_id, said in db.execute("SELECT op_id, chain FROM outbox ORDER BY seq"):
        chain = next_chain(chain, op_id)
        op_ids.add(op_id)
        if chain != said:
            found = "the log's chain is broken"
    return ("" if found == "ok" else found), op_ids, sealed_and_open(db)


def _judge_samples(tally: Tally, marks: list[Mark], kept: Counter[Heard]) -> None:
    heard = [mark.value for mark in marks if mark.what == "heard"]
    tally.samples_doubled = sum((kept - Counter(heard)).values())
    missing = Counter(heard) - kept
    now_ms = max((it[2] for it in heard), default=0)
    tally.samples_lost = sum(n for it, n in missing.items() if it[2] <= now_ms - LOST_AT_MOST_MS)
    ticked_ms = max((mark.value for mark in marks if mark.what == "ticked"), default=0)
    tally.samples_lost += sum(n for it, n in missing.items() if now_ms - LOST_AT_MOST_MS < it[2] <= ticked_ms)
