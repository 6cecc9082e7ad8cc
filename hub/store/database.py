"""One SQLite file with one writer thread and read-only readers.

The writer is the only connection that writes and checkpoints (which also avoids the WAL-reset fault of
SQLite before 3.51.3); every change is one transaction with FULL durability. It knows no tables.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from sqlite_utils import Database as Schema

from hub.errors import DiskFull, StoreUnavailable
from hub.store.migrations import hub_schema

T = TypeVar("T")
READERS = 4
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
