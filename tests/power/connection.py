"""APSW's connection in the clothes of the standard library's, as far as the hub's store looks.

Rows are fetched at once; errors are the standard library's. The SQLite underneath is APSW's own.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest import mock

import apsw

from hub.store import database
from tests.power.disk import Disk


class Rows:
    """What an execute answered."""

    def __init__(self, rows: list[tuple[Any, ...]], names: Any, lastrowid: int, rowcount: int) -> None:
        self._rows, self.description, self.lastrowid, self.rowcount = iter(rows), names, lastrowid, rowcount

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self._rows

    def fetchone(self) -> tuple[Any, ...] | None:
        return next(self._rows, None)

    def fetchall(self) -> list[tuple[Any, ...]]:
        return list(self._rows)

    def close(self) -> None:
        self._rows = iter(())


class Worn:
    """The connection; `changed` lets a mutant rewrite a statement."""

    isolation_level = None

    def __init__(self, inner: apsw.Connection, synchronous: str) -> None:
        self._inner, self._synchronous = inner, synchronous

    @property
    def in_transaction(self) -> bool:
        return self._inner.in_transaction

    def execute(self, sql: str, params: Any = ()) -> Rows:
        if sql == "PRAGMA synchronous=FULL":
            sql = f"PRAGMA synchronous={self._synchronous}"
        with _as_sqlite3():
            cursor = self._inner.cursor()
            names: list[Any] = []

            def before(asked: apsw.Cursor, *_: Any) -> bool:
                names[:] = asked.get_description()
                return True

            cursor.exec_trace = before  # the one moment at which an empty answer has names
            rows = list(cursor.execute(sql, params))
        return Rows(rows, names, self._inner.last_insert_rowid(), self._inner.changes())

    def executemany(self, sql: str, rows: Iterable[Any]) -> Rows:
        with _as_sqlite3():
            self._inner.cursor().executemany(sql, list(rows)).fetchall()
        return Rows([], None, self._inner.last_insert_rowid(), self._inner.changes())

    def close(self) -> None:
        self._inner.close()


@contextmanager
def _as_sqlite3() -> Iterator[None]:
    try:
        yield
    except apsw.ConstraintError as error:
        raise sqlite3.IntegrityError(str(error)) from error
    except apsw.Error as error:
        raise sqlite3.OperationalError(str(error)) from error


@contextmanager
def stored_on(disk: Disk, synchronous: str = "FULL") -> Iterator[None]:
    """Every hub database opened inside the block lies on `disk`; its writer folds its log in often."""

    def connect(path: Any, *, uri: bool = False, timeout: float = 5.0, **_: Any) -> Worn:
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | (apsw.SQLITE_OPEN_URI if uri else 0)
        inner = apsw.Connection(str(path), flags, vfs=disk.name)
        inner.set_busy_timeout(round(timeout * 1000))
        inner.wal_autocheckpoint(40)
        return Worn(inner, synchronous)

    with mock.patch.object(database, "sqlite3", SimpleNamespace(**{**vars(sqlite3), "connect": connect})):
        yield
