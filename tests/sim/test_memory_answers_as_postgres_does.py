"""The database in memory answers a hub as Postgres does: same requests, same answers, same tables."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from random import Random
from typing import Any
from unittest import mock
from uuid import UUID

import msgspec
import psycopg
import pytest

from cloud import accounts, clock
from cloud.compaction import compact
from cloud.erasure import erase
from cloud.store.database import Database
from sync import wire
from sync.client import CloudClient, enrol
from sync.errors import SyncError
from sync.segments import Segment, seal
from tests.cloud.conftest import server, template, url
from tests.cloud.sender import steady
from tests.sim.cloud_side import EPOCH_MS, Clear, CloudSide, cloud_time
from tests.sim.direct import Answered, Asked
from tests.sim.memory_postgres import Memory, json_columns

__all__ = ["server", "template", "url"]
TABLES = (
    "club_clock", "change_log", "row_state", "dead_letter", "segment", "hub_anchor", "session_stale",
    "erased_subject", "erased_row", "erased_stream", "erased_segment", "compacted_op",
    "bundle_key", "last_word", "former_name",
)  # fmt: skip
SUBJECT = "00000000-0000-4000-8000-000000000001"


class OnPostgres(CloudSide):
    """The same service on a real server."""

    def __init__(self, database: Database) -> None:
        super().__init__(Memory())
        self.database = database  # type: ignore[assignment]
        self._parts = replace(self._parts, database=database)

    async def serve(self, asked: Asked) -> Answered:
        self.database.dies_at, self.database.lives = 0, 1
        return await super().serve(asked)


async def story(cloud: CloudSide, rng: Random) -> list[str]:
    """A hub's life against one cloud; everything it was told."""
    told: list[str] = []
    database: Any = cloud.database
    async with database.transaction() as db:
        club = await accounts.ensure_club(db, "Rovers", EPOCH_MS)
        code = await accounts.new_claim_code(db, club, EPOCH_MS)
    seed = rng.randbytes(32)
    hub = await enrol("https://cloud.test", seed, code, transport=Clear(cloud))
    log = _log(rng)
    async with CloudClient("https://cloud.test", hub.hub_id, seed, Clear(cloud)) as client:
        await client.open_session()
        for step in range(40):
            try:
                told.append(_words(await _ask(client, log, rng)))
            except SyncError as error:
                told.append(repr(error))
            if step in (20, 30):
                async with database.transaction() as db:
                    if step == 20:
                        told.append(repr(await erase(db, club.club_id, SUBJECT, "coach", clock.now_ms())))
                    else:
                        told.append(repr(await compact(db, club.club_id, clock.now_ms() + 1, kept_ms=0)))
    return told


def _words(answer: Any) -> str:
    """An answer without the order of its keys, which jsonb does not keep."""
    return json.dumps(msgspec.to_builtins(answer), sort_keys=True)


async def _ask(client: CloudClient, log: list[wire.Op], rng: Random) -> Any:
    what = rng.choice(("push", "push", "push", "pull", "have", "send", "hello"))
    if what == "push":
        first = rng.randrange(0, 50)
        count = rng.randint(1, 8)
        push = client.push
        anchors = [wire.Anchor(boot_no=1, mono_ms=first, wall_ms=EPOCH_MS, err_ms=50, source="ntp")]
        return (
            await push(wire.PushRequest(epoch=1, ops=log[first : first + count], anchors=anchors))
            if (rng.random() < 0.3)
            else await _push_next(client, log, count)
        )
    if what == "pull":
        return await client.pull(rng.randrange(0, 20), rng.choice((300, 100_000)))
    parts = [_segment(number) for number in rng.sample(range(6), 3)]
    if what == "have":
        return sorted(await client.have([it.seg_id for it in parts]))
    if what == "send":
        return await client.send_segments(parts)
    return await client.hello(
        wire.HelloRequest(
            proto=[1],
            epoch=1,
            head_seq=len(log),
            feed_epoch=1,
            cursor=0,
            boot_no=1,
            boot_id="b",
            mono_ms=rng.randrange(10_000),
            wall_ms=0,
        )
    )


async def _push_next(client: CloudClient, log: list[wire.Op], count: int) -> Any:
    hello = wire.HelloRequest(
        proto=[1],
        epoch=1,
        head_seq=len(log),
        feed_epoch=1,
        cursor=0,
        boot_no=1,
        boot_id="b",
        mono_ms=5,
        wall_ms=0,
    )
    last_seq = (await client.hello(hello)).last_seq
    return await client.push(wire.PushRequest(epoch=1, ops=log[last_seq : last_seq + count]))


def _segment(number: int) -> Segment:
    return seal(str(UUID(int=100 + number % 3)), 1, steady(120 + number, 20, from_ms=number * 20_000))


def _log(rng: Random) -> list[wire.Op]:
    from sync.chain import CHAIN_0, next_chain

    chain, ops = CHAIN_0, []
    for seq in range(1, 120):
        op_id = str(UUID(int=rng.getrandbits(128), version=4))
        chain = next_chain(chain, op_id)
        tbl, pk, fields = rng.choice(
            (
                ("athlete", SUBJECT, {"name": f"A{seq}", "hr_max_bpm": rng.randint(150, 290)}),
                ("athlete", str(UUID(int=2)), {"name": f"B{seq}", "shirt_number": seq}),
                ("session", str(UUID(int=50)), {"title": "T", "boot_no": 1, "mono0_ms": 0}),
                ("stream", str(UUID(int=100 + seq % 3)), {"strap_id": "S", "boot_no": 1, "channel": "hr"}),
                ("stream_assignment", str(UUID(int=200 + seq % 2)), {
                    "stream_id": str(UUID(int=100)), "athlete_id": SUBJECT, "session_id": str(UUID(int=50)),
                    "from_ms": 0, "to_ms": None}),
                ("strap", "S", {"name": "S", "address": "", "athlete_id": SUBJECT}),
                ("no_such_table", "x", {"a": 1}),
            )
        )  # fmt: skip
        ops.append(
            wire.Op(
                seq=seq,
                op_id=op_id,
                tbl=tbl,
                pk=pk,
                fields=fields,
                after_ms=0,
                boot_no=1,
                mono_ms=seq,
                chain=chain,
            )
        )
    return ops


def _plain(table: str, names: list[str], row: tuple[Any, ...]) -> str:
    """A row in the form both databases give it."""
    del table
    return json.dumps(
        [
            json.loads(value) if name in json_columns() and isinstance(value, str) else
            bytes(value).hex() if isinstance(value, bytes | memoryview) else value
            for name, value in zip(names, row, strict=True)
        ],
        sort_keys=True,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_answers_and_tables_are_the_same(url: str, seed: int) -> None:
    on_memory = CloudSide(Memory.migrated())

    async def on_postgres() -> list[str]:
        database = Database(url)
        try:
            return await story(OnPostgres(database), Random(seed))
        finally:
            await database.close()

    def told(work: Any) -> list[str]:
        ids = Random(seed + 1000)
        times = iter(range(10_000))

        def new_id() -> UUID:
            return UUID(int=ids.getrandbits(128), version=4)

        with (
            mock.patch("uuid.uuid4", side_effect=new_id),
            mock.patch("cloud.bundle_keys.secrets.token_bytes", side_effect=ids.randbytes),
            mock.patch.object(clock, "time", cloud_time(lambda: next(times) * 0.1)),
        ):
            return asyncio.run(work())

    by_memory = told(lambda: story(on_memory, Random(seed)))
    by_postgres = told(on_postgres)
    assert by_memory == by_postgres
    with psycopg.connect(url) as db:
        for table in TABLES:
            there = db.execute(f"SELECT * FROM {table}".encode())
            names = [column.name for column in there.description or []]
            here = on_memory.rows(f"SELECT {', '.join(names)} FROM {table}")
            rows = sorted(_plain(table, names, row) for row in there.fetchall())
            assert sorted(_plain(table, names, row) for row in here) == rows, table
