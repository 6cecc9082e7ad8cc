"""Eight writers, a reader that never looks back: a counter locked last loses nothing, a sequence does."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import pytest

from cloud.store import feed
from cloud.store.database import Connection, Database, connect, fetch_values
from tests.cloud.conftest import run

WRITERS, SECONDS = 8, 3.0
CLUB = "club"
Append = Callable[[Connection, list[feed.Entry]], Awaitable[object]]


async def by_counter(db: Connection, entries: list[feed.Entry]) -> object:
    """The product's own way."""
    return await feed.append(db, CLUB, entries)


async def by_sequence(db: Connection, entries: list[feed.Entry]) -> object:
    """The usual way, and the mistake: numbers are given out in one order and seen in another."""
    rows = []
    for entry in entries:
        cursor = await db.execute(b"SELECT nextval('mutant_seq')")
        (seq,) = await cursor.fetchone() or (0,)
        rows.append({"seq": seq, "op_id": entry.op_id})
    async with db.cursor() as many:
        await many.executemany(
            b"INSERT INTO change_log(club_id, seq, op_id, kind, tbl, pk, fields, stamp_ms, quality)"
            b" VALUES ('club', %(seq)s, %(op_id)s, 'set', 'athlete', 'x', '{}', 1, 1)",
            rows,
        )
    return None


async def write(database: Database, append: Append, seed: int, until_s: float) -> int:
    """Transactions that do a little work after taking their numbers, as any real one may."""
    rng, written = Random(seed), 0
    while time.monotonic() < until_s:
        count = rng.randint(1, 5)
        entries = [
            feed.Entry(str(uuid.uuid4()), "set", "athlete", f"{seed}-{rng.randrange(40)}", {"n": n}, 1)
            for n in range(count)
        ]
        async with database.transaction() as db:
            if append is by_counter:
                await db.execute("SELECT pg_sleep(%s)", (rng.random() * 0.004,))
                await append(db, entries)
            else:
                await append(db, entries)
                await db.execute("SELECT pg_sleep(%s)", (rng.random() * 0.004,))
        written += count
    return written


async def read(url: str, writers: asyncio.Task[Any]) -> list[int]:
    """Every number a reader sees who asks only for what is behind its cursor."""
    db = await connect(url)
    seen: list[int] = []
    cursor = 0
    try:
        while True:
            is_last = writers.done()
            found = await fetch_values(db, "feed_after", {"club_id": CLUB, "after": cursor, "limit": 1000})
            seen += found
            if found:
                cursor = found[-1]
            elif is_last:
                return seen
            await asyncio.sleep(0.001)
    finally:
        await db.close()


async def raced(url: str, append: Append) -> tuple[int, list[int]]:
    """How many entries were written, and the numbers the reader saw."""
    database = Database(url, WRITERS)
    try:
        async with database.transaction() as db:
            await db.execute(b"INSERT INTO club_clock(club_id) VALUES ('club')")
            await db.execute(b"CREATE SEQUENCE mutant_seq")
        until_s = time.monotonic() + SECONDS
        work = asyncio.create_task(_all(database, append, until_s))
        seen = await read(url, work)
        return await work, seen
    finally:
        await database.close()


async def _all(database: Database, append: Append, until_s: float) -> int:
    return sum(await asyncio.gather(*(write(database, append, seed, until_s) for seed in range(WRITERS))))


def test_under_eight_writers_a_reader_sees_every_entry_in_order_without_gaps(url: str) -> None:
    written, seen = run(raced(url, by_counter))
    print(f"\n{written} entries, {written / SECONDS:.0f}/s")
    assert written > 200
    assert seen == list(range(1, written + 1))


def test_numbers_from_a_sequence_would_lose_entries_in_the_same_race(url: str) -> None:
    written, seen = run(raced(url, by_sequence))
    print(f"\n{written - len(seen)} of {written} entries never seen")
    assert len(seen) < written


@pytest.mark.parametrize("count", [1])
def test_a_transaction_rolled_back_leaves_no_gap(url: str, count: int) -> None:
    async def story() -> list[int]:
        database = Database(url)
        try:
            async with database.transaction() as db:
                await db.execute(b"INSERT INTO club_clock(club_id) VALUES ('club')")
            for number in range(6):
                try:
                    async with database.transaction() as db:
                        await feed.append(
                            db, CLUB, [feed.Entry(str(uuid.uuid4()), "set", "t", "x", {}, 1)] * count
                        )
                        if number % 2:
                            raise ZeroDivisionError
                except ZeroDivisionError:
                    continue
            async with database.transaction() as db:
                return await fetch_values(db, "feed_after", {"club_id": CLUB, "after": 0, "limit": 100})
        finally:
            await database.close()

    assert run(story()) == [1, 2, 3]
