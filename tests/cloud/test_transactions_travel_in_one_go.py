"""A transaction is a pipeline: all of it is committed or nothing, and a failure says what it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import psycopg
import pytest

from cloud.errors import DatabaseUnavailable
from cloud.store.database import Connection, Database, fetch_value, send, together
from tests.cloud.conftest import run

Db = psycopg.Connection[tuple[object, ...]]
Story = Callable[[Database], Awaitable[None]]
CLUB = {"club_id": "club"}


def on(url: str, story: Story, size: int = 2) -> None:
    async def go() -> None:
        database = Database(url, size)
        try:
            await story(database)
        finally:
            await database.close()

    run(go())


def clubs(db: Db) -> list[object]:
    return [row[0] for row in db.execute("SELECT club_id FROM club_clock ORDER BY 1").fetchall()]


async def add(db: Connection, club_id: str) -> None:
    await db.execute("INSERT INTO club_clock(club_id) VALUES (%s)", (club_id,))


def test_what_was_sent_without_waiting_is_there_after_the_block_and_not_before(url: str, db: Db) -> None:
    async def story(database: Database) -> None:
        async with database.transaction() as one:
            await add(one, "club")
            await send(one, "clock_advance", {**CLUB, "n": 4})
            assert await fetch_value(one, "clock_seq", CLUB) == 4
            assert clubs(db) == []

    on(url, story)
    assert db.execute("SELECT club_id, seq FROM club_clock").fetchall() == [("club", 4)]


def test_an_exception_in_the_block_takes_everything_back_and_the_connection_goes_on(url: str, db: Db) -> None:
    async def lost(database: Database, number: int) -> None:
        async with database.transaction() as one:
            await add(one, f"lost {number}")
            await send(one, "clock_advance", {**CLUB, "n": 1})
            raise ZeroDivisionError

    async def story(database: Database) -> None:
        for number in range(8):  # statements are prepared meanwhile: none may be lost with a rollback
            with pytest.raises(ZeroDivisionError):
                await lost(database, number)
        async with database.transaction() as one:
            await add(one, "kept")
            assert await fetch_value(one, "clock_seq", {"club_id": "kept"}) == 0

    on(url, story, 1)
    assert clubs(db) == ["kept"]


def test_a_failure_nobody_waited_for_is_raised_as_itself_and_nothing_is_committed(url: str, db: Db) -> None:
    async def twice(database: Database, *, then_asks: bool) -> None:
        async with database.transaction() as one:
            await add(one, "club")
            await add(one, "club")
            await add(one, "other")
            if then_asks:
                await fetch_value(one, "clock_seq", CLUB)

    async def story(database: Database) -> None:
        for then_asks in (False, True, False):
            with pytest.raises(psycopg.errors.UniqueViolation):
                await twice(database, then_asks=then_asks)

    on(url, story)
    assert clubs(db) == []


def test_a_failure_somebody_swallowed_is_not_taken_for_a_commit(url: str, db: Db) -> None:
    async def deaf(database: Database) -> None:
        async with database.transaction() as one:
            await add(one, "club")
            with suppress(psycopg.Error):
                await fetch_value(one, "clock_seq", {"club_id": 5})

    async def story(database: Database) -> None:
        with pytest.raises(psycopg.Error):
            await deaf(database)

    on(url, story)
    assert clubs(db) == []


def test_questions_asked_together_reach_the_server_in_order(url: str) -> None:
    async def story(database: Database) -> None:
        async with database.transaction() as one:
            await add(one, "club")
            steps = [send(one, "clock_advance", {**CLUB, "n": 1}), fetch_value(one, "clock_seq", CLUB)]
            steps += [send(one, "clock_advance", {**CLUB, "n": 1}), fetch_value(one, "clock_seq", CLUB)]
            assert await together(*steps) == [None, 1, None, 2]

    on(url, story)


def test_a_connection_the_server_ended_is_not_handed_out(url: str, db: Db) -> None:
    async def story(database: Database) -> None:
        async with database.transaction() as one:
            pid = one.info.backend_pid
        db.execute("SELECT pg_terminate_backend(%s)", (pid,))
        await asyncio.sleep(0.3)
        async with database.transaction() as one:
            assert one.info.backend_pid != pid
            assert await fetch_value(one, "alive", {}) == 1

    on(url, story, 1)


def test_two_that_wait_for_one_another_are_told_to_try_again(url: str, db: Db) -> None:
    db.execute("INSERT INTO club_clock(club_id) VALUES ('a'), ('b')")

    async def story(database: Database) -> None:
        async def go(first: str, second: str) -> None:
            async with database.transaction() as one:
                await one.execute("SET LOCAL deadlock_timeout = '100ms'")
                await send(one, "clock_advance", {"club_id": first, "n": 1})
                await fetch_value(one, "alive", {})
                await asyncio.sleep(0.2)
                await send(one, "clock_advance", {"club_id": second, "n": 1})

        ended = await asyncio.gather(go("a", "b"), go("b", "a"), return_exceptions=True)
        assert sum(isinstance(it, DatabaseUnavailable) for it in ended) == 1, ended

    on(url, story)
    assert db.execute("SELECT seq FROM club_clock ORDER BY club_id").fetchall() == [(1,), (1,)]
