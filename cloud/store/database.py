"""Connections to Postgres: a small pool, one transaction at a time on each, rolled back on any exception.

A transaction is a pipeline: statements leave without waiting for one another, and the commit goes with the
last of them. It knows no table; the questions live in queries/*.sql and the rows in rows.py.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, TypeVar

import psycopg
from psycopg.rows import class_row, scalar_row

from cloud.config import CloudSettings
from cloud.errors import DatabaseUnavailable
from cloud.store.embedded import embedded_server
from cloud.store.queries import SQL

Row = TypeVar("Row")
Params = Mapping[str, Any]

POOL_SIZE = 8
CLOSE_S = 5.0
PREPARED_AFTER = 2
"""A statement is parsed and planned once a connection from its third use on."""


class Connection(psycopg.AsyncConnection[Any]):
    """One connection; `line` is the pipeline while a transaction is open on it."""

    line: psycopg.AsyncPipeline | None = None


@contextmanager
def database_url(settings: CloudSettings) -> Iterator[str]:
    """The configured server's address, or that of the embedded one, which runs as long as the block does."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    with embedded_server(settings.postgres_dir) as url:
        yield url


class Database:
    """A pool that opens connections when needed and drops the ones that broke."""

    def __init__(self, url: str, size: int = POOL_SIZE) -> None:
        self._url = url
        self._idle: list[Connection] = []
        self._size = size
        self._slots = asyncio.Semaphore(size)

    async def close(self) -> None:
        """Wait a moment for transactions under way, then close every connection."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                for _ in range(self._size):
                    await self._slots.acquire()
        while self._idle:
            await self._idle.pop().close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """One transaction: committed at the end of the block, rolled back if it raises.

        Raises DatabaseUnavailable when the server is gone, or gave up on a lock; trying again may help.
        """
        async with self._slots:
            db = await self._take()
            try:
                async with _begun(db):
                    yield db
            except psycopg.errors.PipelineAborted:  # somebody swallowed a failure and went on
                raise
            except psycopg.OperationalError as error:
                raise DatabaseUnavailable(str(error).strip().splitlines()[0]) from error
            finally:
                if db.broken:
                    await db.close()
                if not db.closed:
                    self._idle.append(db)

    async def _take(self) -> Connection:
        while self._idle:
            db = self._idle.pop()
            if not _has_news(db):
                return db
            await db.close()
        return await connect(self._url)


@asynccontextmanager
async def _begun(db: Connection) -> AsyncIterator[None]:
    """BEGIN and COMMIT travel with what is between them; a connection whose state is in doubt is closed."""
    try:
        async with db.pipeline() as db.line:
            await db.execute(b"BEGIN")
            yield
            ended = await db.execute(b"COMMIT")
        if ended.statusmessage != "COMMIT":  # somebody swallowed a failure: the server rolled back
            raise psycopg.DatabaseError("the transaction had failed")
    except (psycopg.Error, asyncio.CancelledError):
        await db.close()
        raise
    except BaseException:
        await _rolled_back(db)
        raise
    finally:
        db.line = None


async def _rolled_back(db: Connection) -> None:
    try:
        await db.rollback()
    except psycopg.Error:
        await db.close()


def _has_news(db: Connection) -> bool:
    """Whether an idle connection has something to say, which can only be that it ends."""
    waiting = select.poll()
    waiting.register(db.fileno(), select.POLLIN)
    return bool(waiting.poll(0))


async def connect(url: str) -> Connection:
    """A connection in autocommit mode (transactions are opened explicitly). Raises DatabaseUnavailable."""
    try:
        return await Connection.connect(
            url, autocommit=True, prepare_threshold=PREPARED_AFTER, connect_timeout=10
        )
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(str(error).strip().splitlines()[-1]) from error


async def together(*questions: Coroutine[Any, Any, Any]) -> list[Any]:
    """Ask all of these on one connection before waiting for the first answer; the answers in order.

    Each reaches the server in the order given, statement by statement. Raises what the first to fail raised,
    when all are done.
    """
    answers = await asyncio.gather(*questions, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return answers


async def ask(db: Connection, name: str, kind: type[Row], params: Params) -> psycopg.AsyncCursor[Row]:
    """Put a named question without waiting: its rows are the cursor's to give, when they are wanted."""
    cursor = db.cursor(row_factory=class_row(kind))
    await cursor.execute(SQL[name], params)
    return cursor


async def send(db: Connection, name: str, params: Params) -> None:
    """Run a named statement without waiting for it; its failure shows at the next answer, or the commit."""
    await db.execute(SQL[name], params)


async def execute(db: Connection, name: str, params: Params) -> int:
    """Run a named statement; the number of rows it touched."""
    done = await db.execute(SQL[name], params)
    line = getattr(db, "line", None)
    if line is not None:
        await line.sync()
    return done.rowcount


async def execute_many(db: Connection, name: str, rows: Sequence[Params]) -> None:
    """Run a named statement once a row, in one round trip."""
    if rows:
        async with db.cursor() as cursor:
            await cursor.executemany(SQL[name], rows)


async def fetch_all(db: Connection, name: str, kind: type[Row], params: Params) -> list[Row]:
    """All rows of a named question, each as a frozen `kind`."""
    async with db.cursor(row_factory=class_row(kind)) as cursor:
        await cursor.execute(SQL[name], params)
        return await cursor.fetchall()


async def fetch_one(db: Connection, name: str, kind: type[Row], params: Params) -> Row | None:
    """The first row of a named question, or None."""
    async with db.cursor(row_factory=class_row(kind)) as cursor:
        await cursor.execute(SQL[name], params)
        return await cursor.fetchone()


async def fetch_values(db: Connection, name: str, params: Params) -> list[Any]:
    """The first column of a named question."""
    async with db.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(SQL[name], params)
        return await cursor.fetchall()


async def fetch_value(db: Connection, name: str, params: Params) -> Any:
    """The first column of the first row, or None."""
    values = await fetch_values(db, name, params)
    return values[0] if values else None
