"""One SQLite file with one writer thread and read-only readers.

The writer is the only connection that writes and checkpoints (which also avoids the WAL-reset fault of
SQLite before 3.51.3); every change is one transaction with FULL durability. It knows no tables.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from hub.errors import DiskFull, StoreUnavailable
from hub.store.migrations import hub_schema
from hub.store.schema_library import Schema
from hub.store.steps import Steps

T = TypeVar("T")
READERS = 4
STEP_S = 0.01
STEP_WEIGHT = 20
FOLD_AT = 300
FOLD_BY_ITSELF_PAGES = 8000
"""A log of 32 MB is folded in mid-change, where nothing asks for it at a better time."""
BUSY_TIMEOUT_S = 10.0
LEAST_FREE_BYTES = 32 << 20
DISK_TROUBLE = (
    sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB
)  # fmt: skip


class Database:
    """The hub's store. Open it with `Database.open`, close it with `close`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._connection: sqlite3.Connection | None = None
        self._unfolded = 0
        self.on_commit: Callable[[], None] = lambda: None
        """Called on the writer's thread when a change has become durable; must be quick and raise nothing."""

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Database:
        """Open or create the file and bring its schema up to date; beside a running hub only to read.

        Raises DiskFull with under 32 MiB free and StoreUnavailable when the file cannot be used.
        """
        if read_only:
            return cls(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(path.parent).free < LEAST_FREE_BYTES:
            raise DiskFull(str(path.parent), hint="Free at least 32 MiB, or set TOUCHLINE_DATA elsewhere.")
        database = cls(path)
        try:
            database._writer.submit(database._open_writer).result()
        except sqlite3.Error as error:
            database._writer.shutdown()
            raise StoreUnavailable(
                f"{path}: {error}", hint="Check that the folder is writable and the file is a hub's database."
            ) from error
        return database

    def _open_writer(self) -> None:
        connection = sqlite3.connect(
            self.path, isolation_level=None, timeout=BUSY_TIMEOUT_S, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute(f"PRAGMA wal_autocheckpoint={FOLD_BY_ITSELF_PAGES}")
            hub_schema.apply(Schema(connection))
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(
                f"{self.path.resolve().as_uri()}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S,
                isolation_level=None, check_same_thread=False,
            )  # fmt: skip
            connection.execute("PRAGMA query_only=ON")
            self._local.connection = connection
            self._opened.append(connection)
        return connection

    def _read(self, question: Callable[[sqlite3.Connection], T]) -> T:
        try:
            db = self._reader()
            db.execute("BEGIN")
            try:
                return question(db)
            finally:
                db.execute("ROLLBACK")
        except sqlite3.DatabaseError as error:
            raise _translated(error, self.path) from error

    def _write(self, change: Callable[[sqlite3.Connection], T]) -> T:
        db = self._connection
        if db is None:
            raise StoreUnavailable(f"{self.path} is not open for writing.")
        try:
            db.execute("BEGIN IMMEDIATE")
            answer = change(db)
            db.execute("COMMIT")
            self._unfolded += 1
            self.on_commit()
            return answer
        except BaseException as error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            if isinstance(error, sqlite3.DatabaseError):
                raise _translated(error, self.path) from error
            raise

    def read_now(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """`read` for callers without an event loop; blocks."""
        return self._readers.submit(self._read, question).result()

    def write_now(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """`write` for callers without an event loop; blocks."""
        return self._writer.submit(self._write, change).result()

    async def read(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """Ask on a read-only connection in a worker thread; one consistent view for the whole question."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, question)

    async def write(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Make a change on the writer thread: all of it durable when this returns, or none of it."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._write, change)

    async def write_in_steps(
        self, change: Callable[[sqlite3.Connection], Steps[T]], step_s: float = STEP_S
    ) -> T:
        """Make a long change as transactions of about `step_s` each; other changes come in between.

        `change` yields where it may be parted. Each step is durable or not as `write` is; what a change that
        raises or is cut off has left is the caller's to put right.
        """
        begun: list[Steps[T]] = []
        answer: list[T] = []

        def step(db: sqlite3.Connection) -> None:
            self._unfolded += STEP_WEIGHT
            if not begun:
                begun.append(change(db))
            until = time.monotonic() + step_s
            try:
                next(begun[0])
                while time.monotonic() < until:
                    next(begun[0])
            except StopIteration as end:
                answer.append(end.value)

        while not answer:
            await self.write(step)
        return answer[0]

    async def fold_log(self) -> None:
        """Fold a log that has grown long into the file: slow, so asked for when nothing is due soon."""
        if self._unfolded >= FOLD_AT:
            await asyncio.get_running_loop().run_in_executor(self._writer, self._fold)

    def _fold(self) -> None:
        if self._connection is not None:
            self._unfolded = 0
            with suppress(sqlite3.DatabaseError):  # the next change meets the same trouble, and says so
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        """Finish what was asked, fold the log into the file and close."""
        self._readers.shutdown()
        for connection in self._opened:
            connection.close()
        self._writer.shutdown()
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _translated(error: sqlite3.DatabaseError, path: Path) -> Exception:
    """What the disk or a neighbour did as a HubError; a fault of our own SQL stays what it is."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return DiskFull(f"{path.parent}", hint="Free some space; nothing already stored is lost.")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN):
        return StoreUnavailable(f"{path}: {error}", hint="Is another hub using this data folder?")
    if code in DISK_TROUBLE:
        return StoreUnavailable(f"{path}: {error}", hint="Check the disk or memory card and its mount.")
    return error
