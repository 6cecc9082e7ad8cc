"""Real hubs beside the real cloud: each with its own card (a folder), store, relay and key.

Only the wire is short: requests go straight into the service. A test copies, restores and cuts as it likes.
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from random import Random
from sqlite3 import Connection
from typing import Any, TypeVar

import httpx
import numpy as np
from litestar import Litestar
from litestar.testing import TestClient

from hub.store import boots, ledger, meta, segments
from hub.store.database import Database
from hub.store.outbox import StoreOutbox
from hub.store.records import Moment, propose
from hub.syncing.enrolment import adopt_next_key, enrol, load_key, load_next_key, rejoin
from hub.syncing.verify import Verification, verify
from sync import client as sync_client
from sync.client import CloudClient
from sync.lanes import FeedLane
from sync.relay import Relay, RelayReport
from sync.segments import Samples, Segment, seal
from tests.cloud.conftest import run

T = TypeVar("T")
URL = "http://cloud.test"
START_MS = 1_795_255_200_000
STEPS = itertools.count(1)


class Whole(httpx.AsyncByteStream):
    """A body in one piece."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.data


class Through(httpx.AsyncBaseTransport):
    """The way into the service; `is_down` is a cut."""

    def __init__(self, client: TestClient[Litestar]) -> None:
        self.client = client
        self.is_down = False
        self.asked: list[str] = []
        self.most: int | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        if self.is_down or (self.most is not None and len(self.asked) >= self.most):
            raise httpx.ConnectError("no route to host")
        self.asked.append(request.url.path)
        return await asyncio.to_thread(self._asked, request, body)

    def _asked(self, request: httpx.Request, body: bytes) -> httpx.Response:
        """The answer as it lies on the wire, zipped where it was."""
        headers = dict(request.headers)
        with self.client.stream(request.method, str(request.url), content=body, headers=headers) as answer:
            whole = Whole(b"".join(answer.iter_raw()))
        return httpx.Response(answer.status_code, headers=answer.headers, stream=whole)


class HubOn:
    """A hub running from a card. Its clock moves a second an edit."""

    def __init__(self, card: Path, line: Through, boot_id: str = "boot-one") -> None:
        self.card, self.line = card, line
        self.store = Database.open(card / "hub.db")
        self.key_path = card / "hub.key"
        self.boot_no = self.store.write_now(lambda db: boots.register(db, boot_id))
        self.files: list[str] = []
        self.outbox = StoreOutbox(
            self.store, boot_id, self.moment, lambda anchor: None, lambda hashes: self.files.extend(hashes)
        )
        self.relay = self._relay()

    def moment(self) -> Moment:
        step = next(STEPS) * 1000
        return Moment(self.boot_no, step, START_MS + step, lambda: str(uuid.uuid4()))

    def _relay(self) -> Relay:
        ticks = itertools.count(1000, 7)
        return Relay(self.outbox, self.dial, lambda: next(ticks), lambda: START_MS, Random(1))

    def dial(self) -> CloudClient:
        hub_id = self.ask(lambda db: meta.value(db, "hub_id"))
        assert hub_id is not None
        return CloudClient(
            URL, hub_id, load_key(self.key_path), self.line, next_seed=load_next_key(self.key_path),
            on_next_key=lambda: adopt_next_key(self.key_path),
        )  # fmt: skip

    # --- doing

    def enrol(self, code: str) -> None:
        run(_through(self.line, lambda: enrol(self.store, self.key_path, URL, code, "1")))

    def rejoin(self, code: str) -> None:
        run(_through(self.line, lambda: rejoin(self.store, self.key_path, code, "1")))

    def edit(self, tbl: str, pk: str, **fields: Any) -> None:
        self.store.write_now(lambda db: propose(db, self.moment(), tbl, pk, fields))

    def athlete(self, name: str, number: int = 7) -> str:
        pk = str(uuid.uuid4())
        self.edit(
            "athlete",
            pk,
            name=name,
            shirt_number=number,
            sex="F",
            hr_max_bpm=190,
            hr_rest_bpm=50,
            is_active=True,
        )
        return pk

    def session(self, worn: dict[str, list[tuple[int, int]]], title: str = "Run", seconds: int = 600) -> str:
        """A recorded session: one strap, worn by athletes for spans in seconds; two segments of it."""
        session_id, stream_id, strap = str(uuid.uuid4()), str(uuid.uuid4()), uuid.uuid4().hex[:8].upper()
        self.edit(
            "session", session_id, title=title, sport="training", started_at_ms=START_MS, utc_offset_s=0,
            ended_at_ms=START_MS + seconds * 1000, boot_no=self.boot_no, mono0_ms=0, mono1_ms=seconds * 1000,
            source="gatt",
        )  # fmt: skip
        self.edit("strap", strap, name=strap, address="", athlete_id=next(iter(worn), None))
        self.edit("stream", stream_id, strap_id=strap, boot_no=self.boot_no, channel="hr")
        for athlete_id, spans in worn.items():
            for from_s, to_s in spans:
                self.edit(
                    "stream_assignment", str(uuid.uuid4()), stream_id=stream_id, athlete_id=athlete_id,
                    session_id=session_id, from_ms=from_s * 1000, to_ms=to_s * 1000,
                )  # fmt: skip
        for part in (0, seconds // 2):
            self.keep(steady(stream_id, self.boot_no, 140, part, seconds // 2))
        return session_id

    def keep(self, segment: Segment) -> None:
        self.store.write_now(lambda db: segments.add(db, segment))

    def sync(self) -> RelayReport:
        async def go() -> RelayReport:
            try:
                return await self.relay.run_once()
            finally:
                await self.relay.close()

        return run(go())

    def read_feed(self) -> int:
        """As a second reader beside the relay; how many entries came."""

        async def go() -> int:
            async with self.dial() as client:
                await client.open_session()
                return await FeedLane(self.outbox, lambda: next(STEPS)).drain(client)

        return run(go())

    def send_samples(self) -> int:
        """Every sealed segment before any edit, as the lanes of a weak link may; how many are stored now."""

        async def go() -> int:
            async with self.dial() as client:
                await client.open_session()
                ids = await self.outbox.unsent_segment_ids(100)
                answer = await client.send_segments(await self.outbox.segments(ids))
                await self.outbox.record_stored([bytes.fromhex(it) for it in answer.stored])
                return len(answer.stored)

        return run(go())

    def verify(self, sync: Callable[[], Awaitable[object]] | None = None) -> Verification:
        """Compare with the cloud; `sync` goes before, by default nothing."""

        async def nothing() -> None:
            return None

        async def go() -> Verification:
            async with self.dial() as client:
                return await verify(self.store, client, sync or nothing, lambda words, done, of: None)

        return run(go())

    def stop(self) -> None:
        self.store.close()

    def copy_card(self, to: Path) -> None:
        """What is on the card now, onto another one."""
        self.store.write_now(lambda db: db.execute("SELECT 1").fetchone())
        to.mkdir(parents=True, exist_ok=True)
        self.store.write_now(lambda db: _backup(db, to / "hub.db"))
        for file in self.card.glob("hub.key*"):
            shutil.copy(file, to / file.name)

    # --- asking

    def ask(self, question: Callable[[Connection], T]) -> T:
        return self.store.read_now(question)

    def rows(self, sql: str, *answers: Any) -> list[tuple[Any, ...]]:
        return self.ask(lambda db: db.execute(sql, answers).fetchall())

    def names(self) -> list[str]:
        return [row[0] for row in self.rows("SELECT name FROM athlete ORDER BY name")]

    @property
    def books(self) -> ledger.Ledger:
        return self.ask(ledger.sync_ledger)

    @property
    def epoch(self) -> int:
        return self.ask(lambda db: meta.number(db, "epoch", 1))

    @property
    def hub_id(self) -> str:
        return str(self.ask(lambda db: meta.value(db, "hub_id")))


def steady(stream_id: str, boot_no: int, bpm: int, from_s: int, seconds: int) -> Segment:
    """A segment of one heart rate, with one interval a second."""
    times = (np.arange(seconds, dtype=np.int64) + from_s) * 1000
    ones = np.ones(seconds, np.uint8)
    return seal(
        stream_id, boot_no,
        Samples(times, np.full(seconds, bpm, np.int16), ones * 2, ones, np.full(seconds, 440, np.uint16)),
    )  # fmt: skip


def _backup(db: Connection, to: Path) -> None:
    db.execute("COMMIT")  # a copy is taken between transactions
    try:
        db.execute("VACUUM INTO ?", (str(to),))
    finally:
        db.execute("BEGIN IMMEDIATE")


async def _through(line: Through, work: Callable[[], Any]) -> Any:
    """Enrolment dials by itself: let it come out at the service."""
    before = sync_client._open

    def opened(base_url: str, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
        return before(base_url, transport or line)

    sync_client._open = opened
    try:
        return await work()
    finally:
        sync_client._open = before


def docs(db: Any, tbl: str) -> dict[str, dict[str, Any]]:
    """What the cloud has confirmed of a table."""
    return dict(db.execute("SELECT pk, doc FROM row_state WHERE tbl = %s AND doc <> '{}'", (tbl,)).fetchall())


def same(hubs: Sequence[HubOn], tbl: str = "athlete") -> bool:
    """Whether all of them show the same."""
    shown = [hub.rows(f"SELECT * FROM {tbl} ORDER BY 1") for hub in hubs]
    return all(it == shown[0] for it in shown)
