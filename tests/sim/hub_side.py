"""A hub without pages and radio: its own store, outbox, relay and recorder, in memory and in made-up time.

It can be switched off at any point, started again on the same card, or on an old copy of it.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from random import Random
from sqlite3 import Connection
from tempfile import TemporaryDirectory
from typing import Any, TypeVar
from uuid import UUID

from hub.board import Board
from hub.clock import Clock
from hub.domain import Contact, Reading
from hub.errors import NotFound
from hub.recorder import Recorder
from hub.store import boots, meta
from hub.store.database import Database
from hub.store.outbox import StoreOutbox
from hub.store.records import Moment, propose
from hub.syncing.cloud_line import CloudLine
from hub.syncing.enrolment import load_key, rejoin
from sync.client import CloudClient
from sync.lanes import FeedLane
from sync.relay import Relay
from sync.wire import Anchor, SnapshotPage
from tests.hub.ground import Heard, sealed_and_open
from tests.sim.cloud_side import EPOCH_MS
from tests.sim.line import Line
from tests.sim.shelf import Shelf, put_into

T = TypeVar("T")
CLOUD_URL = "https://cloud.test"


@lru_cache(maxsize=1)
def empty_card() -> bytes:
    """A new hub's database, made by the product."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "hub.db"
        Database.open(path).close()
        db = sqlite3.connect(path)
        db.execute("PRAGMA journal_mode=DELETE")
        content = bytes(db.serialize())
        db.close()
    return content


@lru_cache(maxsize=1)
def cards() -> Shelf:
    """New cards, and old ones made as new."""
    return Shelf(empty_card(), _with_foreign_keys)


def _with_foreign_keys(db: Connection) -> None:
    db.execute("PRAGMA foreign_keys=ON")


class Noting(StoreOutbox):
    """The product's, which also says what came as pages of a snapshot."""

    on_snapshot: Callable[[SnapshotPage], None]

    async def take_page(self, page: SnapshotPage, after: tuple[str, str] | None = None) -> None:
        self.on_snapshot(page)
        await super().take_page(page, after)


class Card(Database):
    """The store on a card in memory; every step may let others run first, and power may fail at a commit."""

    def __init__(self, rng: Random, on_commit: Callable[[], None], content: bytes | None = None) -> None:
        super().__init__(Path("card"))
        self._connection = cards().take()
        if content is not None:
            put_into(self._connection, content)
        self._rng, self._on_commit = rng, on_commit
        self.fails_at_next: str | None = None

    def _read(self, question: Callable[[Connection], T]) -> T:
        """One connection, one thread: nothing can change while a question is asked."""
        assert self._connection is not None
        return question(self._connection)

    async def read(self, question: Callable[[Connection], T]) -> T:
        await self._others()
        return self._read(question)

    async def write(self, change: Callable[[Connection], T]) -> T:
        await self._others()
        fails, self.fails_at_next = self.fails_at_next, None

        def cut_off(db: Connection) -> T:
            answer = change(db)
            if fails == "before":
                raise asyncio.CancelledError
            return answer

        answer = self._write(cut_off)
        self._on_commit()
        if fails == "after":
            raise asyncio.CancelledError
        return answer

    def read_now(self, question: Callable[[Connection], T]) -> T:
        return self._read(question)

    def write_now(self, change: Callable[[Connection], T]) -> T:
        return self._write(change)

    async def _others(self) -> None:
        await asyncio.sleep((0.02 if self._rng.random() < 0.2 else 0.0001) * self._rng.random())

    def content(self) -> bytes:
        """A copy of the card."""
        assert self._connection is not None
        return bytes(self._connection.serialize())

    def throw_away(self) -> None:
        """Of no use any more."""
        assert self._connection is not None
        cards().give_back(self._connection)
        self._connection = None


class SimClock(Clock):
    """A boot's clock: runs a little fast or slow, and may believe any wall time."""

    def __init__(self, boot_no: int, now_s: Callable[[], float], rng: Random, known: Anchor | None) -> None:
        self._now_s, self._began_s, self._rng = now_s, now_s(), rng
        self._drift = 1 + rng.uniform(-5e-5, 5e-5)
        self._start_ms = rng.randint(5_000, 60_000)
        self._wrong_ms = rng.choice((0, 0, -20 * 365 * 86_400_000, 10 * 365 * 86_400_000, -3_600_000))
        self._is_synchronised = self._wrong_ms == 0 and rng.random() < 0.5
        super().__init__(boot_no, known)

    def mono_ms(self) -> int:
        return self._start_ms + round((self._now_s() - self._began_s) * 1000 * self._drift)

    def system_anchor(self) -> Anchor:
        return Anchor(
            boot_no=self.boot_no,
            mono_ms=self.mono_ms(),
            wall_ms=EPOCH_MS + round(self._now_s() * 1000) + self._wrong_ms,
            err_ms=100 if self._is_synchronised else 3_600_000,
            source="ntp" if self._is_synchronised else "system",
        )

    def tablet_anchor(self) -> Anchor:
        """What a tablet's clock says, which may be an hour wrong."""
        wrong_ms = self._rng.choice((-3_600_000, -20_000, 20_000, 3_600_000))
        wall_ms = EPOCH_MS + round(self._now_s() * 1000) + wrong_ms
        mono_ms = self.mono_ms() + 1
        return Anchor(boot_no=self.boot_no, mono_ms=mono_ms, wall_ms=wall_ms, err_ms=60_000, source="tablet")

    def wall_ms(self) -> int:
        return self.anchor.wall_ms + self.mono_ms() - self.anchor.mono_ms


class _Way(CloudLine):
    """To the cloud without TLS, over a made-up line."""

    def __init__(self, card: Card, sim_clock: Clock, line: Line) -> None:
        super().__init__(card, sim_clock)
        self._made_up = line

    def transport(self, _url: str, _mark: str = "") -> Any:
        return self._made_up


class HubSide:
    """One hub through its life. `line` gives what each client dials on."""

    def __init__(
        self,
        name: str,
        hub_id: str,
        seed: bytes,
        rng: Random,
        line: Callable[[], Line],
        on_commit: Callable[[HubSide], None],
        is_whole: bool = True,
        club_id: str = "",
    ) -> None:
        self.name, self.hub_id, self._seed, self.rng, self._club_id = name, hub_id, seed, rng, club_id
        self._line, self._on_commit, self._is_whole = line, on_commit, is_whole
        self.snapshot: SnapshotPage | None = None  # the last page of one that it took
        self._tasks: list[asyncio.Task[None]] = []
        self._ids = 0
        self.boots = 0
        self.heard: Counter[Heard] = Counter()
        self.safe: Counter[Heard] = Counter()
        self.card = Card(rng, lambda: on_commit(self))
        self.card._write(self._join)
        self.wake = asyncio.Event()

    def _join(self, db: Connection) -> None:
        meta.put(db, "hub_id", self.hub_id)
        meta.put(db, "club_id", self._club_id)
        meta.put(db, "cloud_url", CLOUD_URL)
        meta.put(db, "feed_epoch", 1)

    @property
    def is_on(self) -> bool:
        return bool(self._tasks)

    def asked(self, question: Callable[[Connection], T]) -> T:
        """Look behind the hub."""
        return self.card._read(question)

    # --- life

    async def boot(self) -> None:
        """Power on: a new boot, a new process, a clock that may be wrong."""
        self.boots += 1
        boot_id = f"{self.name}-boot-{self.boots}-{self.rng.randrange(1 << 30)}"
        now_s = asyncio.get_running_loop().time
        boot_no = self.card._write(lambda db: boots.register(db, boot_id))
        known = self.asked(lambda db: boots.best_anchor(db, boot_no))
        self.clock = SimClock(boot_no, now_s, self.rng, known)
        self.card._write(lambda db: boots.add_anchor(db, self.clock.system_anchor()))
        if self.rng.random() < 0.2:
            self.card._write(lambda db: boots.add_anchor(db, self.clock.tablet_anchor()))
        self.recorder = Recorder(self.card, Board(), self.moment)
        outbox = Noting(
            self.card, boot_id, self.moment, self.clock.learn, on_athletes=self.recorder.roster_changed
        )
        outbox.on_snapshot = self._took_snapshot
        self.relay = Relay(
            outbox, self._client, self.clock.mono_ms, self.clock.wall_ms, Random(self.rng.random()),
            period_s=self.rng.choice((20.0, 80.0)),
        )  # fmt: skip
        await self.recorder.restore()
        self._tasks = [asyncio.create_task(self.relay.run(self.wake))]
        if self.rng.random() < 0.3:
            self._tasks.append(asyncio.create_task(self._read_beside(FeedLane(outbox, self.clock.mono_ms))))

    def _took_snapshot(self, page: SnapshotPage) -> None:
        self.snapshot = page

    def _client(self) -> CloudClient:
        line = self._line()
        client = CloudClient(CLOUD_URL, self.hub_id, self._seed, line)
        if not self._is_whole:
            line.shorten(client)
        return client

    async def _read_beside(self, lane: FeedLane) -> None:
        """A second reader of the feed, so that an echo may come before its answer."""
        client = self._client()
        try:
            while True:
                await asyncio.sleep(20 * self.rng.random())
                try:
                    await lane.drain(client)
                except Exception:  # whatever it is, the relay meets it, too
                    continue
        finally:
            await client.close()

    async def power_off(self) -> None:
        """Every task ends where it stands."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.card.fails_at_next = None

    def put_in(self, content: bytes) -> None:
        """Another card, while the power is off."""
        self.card.throw_away()
        self.card = Card(self.rng, lambda: self._on_commit(self), content)

    def copied(self, name: str, rng: Random, line: Callable[[], Line]) -> HubSide:
        """A second machine with a copy of this hub's card; the power is off."""
        other = HubSide(
            name, self.hub_id, self._seed, rng, line, self._on_commit, self._is_whole, self._club_id
        )
        other.heard, other.safe, other.boots = self.heard.copy(), self.safe.copy(), self.boots
        other.put_in(self.card.content())
        return other

    def is_told_of_a_copy(self) -> bool:
        """Whether its page says that two machines run under its name."""
        return "rejoin" in self.relay.status.hint

    async def rejoin(self, code: str, line: Line) -> None:
        """Become a hub of its own by the product's command, while the power is off."""
        with TemporaryDirectory() as folder:
            key_path = Path(folder) / "hub.key"
            key_path.write_bytes(self._seed)
            key_path.chmod(0o600)
            await rejoin(self.card, key_path, code, "1", _Way(self.card, self.clock, line))
            self._seed = load_key(key_path)
        self.hub_id = self.asked(lambda db: meta.value(db, "hub_id")) or ""

    def moment(self) -> Moment:
        return Moment(self.clock.boot_no, self.clock.mono_ms(), self.clock.wall_ms(), self.new_id)

    def new_id(self) -> str:
        return str(UUID(int=self.rng.getrandbits(128), version=4))

    # --- what people do

    async def edit(self, tbl: str, pk: str, fields: dict[str, object]) -> None:
        """Change a record as the pages do."""
        moment = self.moment()
        await self.card.write(lambda db: propose(db, moment, tbl, pk, fields))

    async def lay_on(self, strap: str, athlete_id: str | None) -> None:
        """Give a strap to an athlete, or take it back; nobody is troubled where the athlete is not known."""
        with suppress(NotFound):
            await self.recorder.assign(strap, athlete_id)

    def update(self) -> None:
        """Another version of the product, while the power is off: a record has one more field."""
        if "boot_size" not in self.columns():
            self.card._write(
                lambda db: db.execute("ALTER TABLE athlete ADD COLUMN boot_size INTEGER") and None
            )

    def columns(self) -> set[str]:
        """What this version knows of an athlete."""
        question = "SELECT name FROM pragma_table_info('athlete')"
        return {row[0] for row in self.asked(lambda db: db.execute(question).fetchall())}

    async def train(self, seconds: int, straps: tuple[str, ...]) -> None:
        """Straps speak once a second and the recorder ticks as often."""
        if self.recorder.session is None:
            await self.recorder.start_session("Training", "training", 0)
        for _ in range(seconds):
            await asyncio.sleep(1)
            new: Counter[Heard] = Counter()
            for strap in straps:
                bpm = self.rng.randint(90, 190)
                reading = Reading(strap, self.clock.mono_ms(), bpm, (60 * 1024 // bpm,), Contact.YES)
                new[strap, self.clock.boot_no, reading.mono_ms, bpm, reading.rr_1024] += 1
                self.recorder.hear(reading)
            self.heard += new
            await self.recorder.tick()
            self.safe += new

    def kept(self) -> Counter[Heard]:
        """Every sample on the card."""
        return self.asked(sealed_and_open)
