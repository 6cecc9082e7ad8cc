"""A hub's core without radio and pages: real store, board and recorder under a clock that is moved by hand.

The store can be told to fail after a change has run, as a full disk does at the commit.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from sqlite3 import Connection
from typing import Any, TypeVar
from uuid import uuid4

from hub.board import Board, LiveState
from hub.domain import Contact, LoadRow, Reading, Session
from hub.errors import HubError
from hub.recorder import Recorder
from hub.results.loads import load_table
from hub.store import boots, journal, segments, sessions
from hub.store.database import Database
from hub.store.records import Moment, propose
from sync.segments import Segment, unseal
from sync.wire import Anchor

T = TypeVar("T")
START_WALL_MS = 1_795_255_200_000
Heard = tuple[str, int, int, int, tuple[int, ...]]
"""Strap, boot, mono_ms, bpm (0 none) and RR intervals of one sample."""


class TestedStore(Database):
    """A store whose commits fail while `trouble` is set, and wait while the gate is shut."""

    __test__ = False
    trouble: HubError | None = None

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.gate, self.is_waiting = threading.Event(), threading.Event()
        self.gate.set()

    async def reached_the_gate(self) -> None:
        """Until a commit waits at the shut gate."""
        assert await asyncio.to_thread(self.is_waiting.wait, 10)

    def _write(self, change: Callable[[Connection], T]) -> T:
        def failing(db: Connection) -> T:
            answer = change(db)
            if not self.gate.is_set():
                self.is_waiting.set()
                assert self.gate.wait(10)
            if self.trouble is not None:
                raise self.trouble
            return answer

        return super()._write(failing)


class Ground:
    """One hub through its life: sessions, restarts and reboots. Both clocks move only by `pass_ms`."""

    def __init__(self, folder: Path) -> None:
        opened = TestedStore.open(folder / "hub.db")
        assert isinstance(opened, TestedStore)
        self.store: TestedStore = opened
        self.mono_ms, self.wall_ms = 1_000_000, START_WALL_MS
        self._start_boot("boot-1")
        self.board = Board()
        self.recorder = Recorder(self.store, self.board, self.moment)

    def _start_boot(self, boot_id: str) -> None:
        self.boot_no = self.store.write_now(lambda db: boots.register(db, boot_id))
        anchor = Anchor(
            boot_no=self.boot_no, mono_ms=self.mono_ms, wall_ms=self.wall_ms, err_ms=100, source="ntp"
        )
        self.store.write_now(lambda db: boots.add_anchor(db, anchor))

    def moment(self) -> Moment:
        return Moment(self.boot_no, self.mono_ms, self.wall_ms, lambda: str(uuid4()))

    def pass_ms(self, ms: int) -> None:
        self.mono_ms += ms
        self.wall_ms += ms

    def add_athlete(self, number: int) -> str:
        """Someone with a full profile; their id is `a1`, `a2` ..."""
        fields: dict[str, object] = {
            "name": f"Athlete {number}", "shirt_number": number, "sex": "F" if number % 2 else "M",
            "hr_max_bpm": 185 + number, "hr_rest_bpm": 50, "is_active": True,
        }  # fmt: skip
        self.store.write_now(lambda db: propose(db, self.moment(), "athlete", f"a{number}", fields))
        return f"a{number}"

    async def add_squad(self, count: int, *, with_straps: bool = True) -> None:
        """Athletes a1.. wearing S1.."""
        for number in range(1, count + 1):
            self.add_athlete(number)
        await self.recorder.restore()
        for number in range(1, count + 1 if with_straps else 1):
            await self.recorder.assign(f"S{number}", f"a{number}")

    async def start(self) -> Session:
        return await self.recorder.start_session("Training", "training", 3600)

    def hear(self, strap_id: str, bpm: int | None, rr: tuple[int, ...] = ()) -> Heard:
        """One reading now."""
        self.recorder.hear(Reading(strap_id, self.mono_ms, bpm, rr, Contact.YES))
        return strap_id, self.boot_no, self.mono_ms, bpm or 0, rr

    async def train(self, seconds: int, rates: dict[str, int], *, tick: bool = True) -> list[Heard]:
        """Every strap speaks once a second, and the hub ticks as often."""
        heard = []
        for _ in range(seconds):
            self.pass_ms(1_000)
            heard += [self.hear(strap_id, bpm, (60 * 1024 // bpm,)) for strap_id, bpm in rates.items()]
            if tick:
                await self.recorder.tick()
        return heard

    async def restart(self) -> None:
        """A new process on the same data in the same boot; what was not ticked is gone with the old one."""
        self.board = Board()
        self.recorder = Recorder(self.store, self.board, self.moment)
        await self.recorder.restore()

    async def reboot(self, off_ms: int = 40_000) -> None:
        """Power off and on: the monotonic clock starts anew, true time has gone on."""
        self.wall_ms += off_ms
        self.mono_ms = 20_000
        self._start_boot(f"boot-{self.boot_no + 1}")
        await self.restart()

    def add_stream(self, session: Session, athlete_id: str, channel: str, *sealed: Segment) -> None:
        """An imported stream, on the clock of its segments' boot, all of it the athlete's in the session."""
        first, last = sealed[0], sealed[-1]
        stream = {"strap_id": f"file:{first.stream_id}", "boot_no": first.boot_no, "channel": channel}
        worn = {"stream_id": first.stream_id, "athlete_id": athlete_id, "session_id": session.session_id,
                "from_ms": first.mono0_ms, "to_ms": last.mono1_ms + 1}  # fmt: skip

        def change(db: Connection) -> None:
            propose(db, self.moment(), "stream", first.stream_id, stream)
            propose(db, self.moment(), "stream_assignment", str(uuid4()), worn)
            for segment in sealed:
                segments.add(db, segment)

        self.store.write_now(change)

    # --- what came of it

    def stored(self) -> Counter[Heard]:
        """Every sample at rest, in segments and in the open journal."""
        return self.store.read_now(sealed_and_open)

    def count(self, table: str) -> int:
        return int(self.store.read_now(lambda db: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]))

    def spans(self, session: Session) -> list[tuple[str, int, int | None]]:
        """(athlete, from, to) of every assignment of a session, in ms since its start where boots agree."""
        worn = self.store.read_now(lambda db: sessions.assignments(db, session.session_id))
        start = session.mono0_ms
        return [
            (a.athlete_id, a.from_ms - start, None if a.to_ms is None else a.to_ms - start)
            for a in sorted(worn, key=lambda a: (a.from_ms, a.athlete_id))
        ]

    def table(self, session: Session) -> dict[str, LoadRow]:
        now = self.mono_ms
        rows = self.store.read_now(lambda db: load_table(db, session.session_id, now))
        return {row.athlete_id: row for row in rows}

    def live(self) -> dict[str, LiveState]:
        return {s.athlete.athlete_id: s for s in self.board.snapshot(self.mono_ms, self.wall_ms).athletes}

    def close(self) -> None:
        self.store.close()


def sealed_and_open(db: Connection) -> Counter[Heard]:
    """Every sample of a store, in segments and in the open journal."""
    found: Counter[Heard] = Counter()
    straps = dict(db.execute("SELECT stream_id, sensor_id FROM stream").fetchall())
    by_no = dict(db.execute("SELECT stream_no, sensor_id FROM stream").fetchall())
    for row in db.execute("SELECT seg_id, stream_id, boot_no, mono0, mono1, n, codec, blob FROM segment"):
        segment = Segment(*row)
        samples = unseal(segment)
        at = 0
        for mono_ms, bpm, rr_n in zip(
            samples.mono_ms.tolist(), samples.bpm.tolist(), samples.rr_count.tolist(), strict=True
        ):
            rr = tuple(samples.rr_1024[at : at + rr_n].tolist())
            found[straps[segment.stream_id], segment.boot_no, mono_ms, bpm, rr] += 1
            at += rr_n
    for _row_id, boot_no, open_samples in journal.open_samples(db):
        for s in open_samples:
            found[by_no[s.stream_no], boot_no, s.mono_ms, s.bpm, s.rr_1024] += 1
    return found


def run(story: Coroutine[Any, Any, T]) -> T:
    """Tell a story on a fresh event loop."""
    return asyncio.run(story)
