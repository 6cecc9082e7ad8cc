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
from tests.power.slow_card import SlowCard

SEAL_AFTER_MS = 15_000
STRAPS = {"S1": 141, "S2": 152, "S3": 97}
TICK_MS = LOST_AT_MOST_MS = 1_000


@dataclass(slots=True)
class Tally:
    """What the trials of one kind found; every count but `trials` should be 0."""

    trials: int = 0
    edits_lost: int = 0
    corrupt: int = 0
    samples_lost: int = 0
    samples_doubled: int = 0
    lost_ms: int = 0
    """The oldest sample any cut has lost, and what of its age was before the commit in hand began."""
    lost_before_ms: int = 0
    words: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """No trial lost, doubled or damaged anything it must not."""
        return not (self.edits_lost or self.corrupt or self.samples_lost or self.samples_doubled)

    def __iadd__(self, other: Tally) -> Tally:
        for name in ("trials", "edits_lost", "corrupt", "samples_lost", "samples_doubled"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.lost_ms = max(self.lost_ms, other.lost_ms)
        self.lost_before_ms = max(self.lost_before_ms, other.lost_before_ms)
        self.words += other.words
        return self


class RecordedGround(Ground):
    """A ground that notes what it heard and what the store has promised."""

    disk: Disk
    next_word_ms: dict[str, int]

    def hear(self, strap_id: str, bpm: int | None, rr: tuple[int, ...] = ()) -> Heard:
        heard = super().hear(strap_id, bpm, rr)
        self.disk.mark("heard", heard)
        return heard

    def pass_until(self, ms: int) -> None:
        """Let time pass; every strap speaks once a second in a moment of its own."""
        while (due := min(self.next_word_ms, key=self.next_word_ms.__getitem__)) and (
            at_ms := self.next_word_ms[due]
        ) <= ms:
            self.pass_ms(max(0, at_ms - self.mono_ms))
            self.hear(due, STRAPS[due], (60 * 1024 // STRAPS[due],))
            self.next_word_ms[due] = at_ms + 1_000
        self.pass_ms(max(0, ms - self.mono_ms))
        self.disk.mark("now", self.mono_ms)

    async def tick(self) -> None:
        """A tick of the recorder, from its beginning to its end."""
        began_ms = self.mono_ms
        self.disk.mark("ticking", began_ms)
        await self.recorder.tick()
        self.disk.mark("ticked", (began_ms, self.mono_ms))

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
    """The diary of a short training: a squad, edits, ticks, seals, an end, on a new disk.

    Odd seeds have a slow card, on which straps speak and people edit while commits are under way.
    """
    rng = Random(seed)
    with diary() as disk, stored_on(disk, synchronous), mock.patch.object(recorder, "SEAL_MS", SEAL_AFTER_MS):
        ground = RecordedGround(folder)
        ground.disk = disk
        try:
            asyncio.run(_slow_training(ground, rng) if seed % 2 else _training(ground, rng))
        finally:
            ground.close()
    return list(disk.events)


async def _training(ground: RecordedGround, rng: Random) -> None:
    await ground.add_squad(len(STRAPS))
    await ground.start()
    ground.disk.mark("began", ground.mono_ms)
    for _ in range(rng.randint(20, 45)):
        await ground.train(1, STRAPS)
        ground.disk.mark("ticked", (ground.mono_ms, ground.mono_ms))
        if rng.random() < 0.4:
            await ground.edit(rng.randint(1, len(STRAPS)), rng)
        if rng.random() < 0.03:
            await ground.restart()
    if rng.random() < 0.5:
        await ground.recorder.end_session()


async def _slow_training(ground: RecordedGround, rng: Random) -> None:
    """As a hub does it: a tick each second, and at once where the one before took longer than that.

    Somebody's edit may have the card just then, and the tick waits for it.
    """
    await ground.add_squad(len(STRAPS))
    await ground.start()
    card = SlowCard(ground.disk, rng)
    ground.next_word_ms = {strap_id: ground.mono_ms + rng.randint(1, 1_000) for strap_id in STRAPS}
    ground.disk.mark("began", ground.mono_ms)
    next_ms = ground.mono_ms
    for _ in range(rng.randint(20, 45)):
        next_ms = max(next_ms + TICK_MS, ground.mono_ms)
        ground.pass_until(next_ms)
        edits = [ground.edit(rng.randint(1, len(STRAPS)), rng)] if rng.random() < 0.4 else []
        await card.through(*edits, ground.tick(), now_ms=lambda: ground.mono_ms, pass_until=ground.pass_until)
        if rng.random() < 0.03:
            await ground.recorder.close()
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
    now_ms = max([now_ms, *(mark.value for mark in marks if mark.what == "now")])
    ticks = [mark.value for mark in marks if mark.what == "ticked"]
    began_ms, ended_ms = ticks[-1] if ticks else (0, 0)
    begun = [mark.value for mark in marks if mark.what == "ticking"]
    in_hand_ms = begun[-1] if len(begun) > sum(mark.what == "ticked" for mark in marks) else now_ms
    # Where an edit has the card for longer, the next tick waits for it here and begins late; a hub's is due.
    in_hand_ms = min(in_hand_ms, max(ended_ms, began_ms + TICK_MS)) if ticks else in_hand_ms
    since_ms = in_hand_ms - max(LOST_AT_MOST_MS, ended_ms - began_ms)
    tally.samples_lost = sum(n for it, n in missing.items() if it[2] <= max(since_ms, began_ms))
    tally.lost_ms = max((now_ms - it[2] for it in missing), default=0)
    tally.lost_before_ms = max((in_hand_ms - it[2] for it in missing), default=0)
