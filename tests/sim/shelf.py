"""Databases in memory that are emptied and used again, since a new one must learn every statement anew.

What is taken from the shelf holds exactly what its template held; nothing else is promised.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from sqlite3 import Connection

MOST = 6


class Shelf:
    """Connections whose content was `content` when they were taken; `ready` sets up a new one."""

    def __init__(self, content: bytes, ready: Callable[[Connection], None] = lambda _: None) -> None:
        self._content, self._ready = content, ready
        self._free: list[Connection] = []
        with_content = new_connection(content)
        names = with_content.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        self._tables = [name for (name,) in names if name == "sqlite_sequence" or name[:7] != "sqlite_"]
        self._rows = {
            name: rows
            for name in self._tables
            if (rows := with_content.execute(f'SELECT * FROM "{name}"').fetchall())
        }
        self._schema = _schema(with_content)
        with_content.close()

    def take(self) -> Connection:
        """A connection as new."""
        if not self._free:
            db = new_connection(self._content)
            self._ready(db)
            return db
        db = self._free.pop()
        db.execute("PRAGMA foreign_keys=OFF")
        db.execute("BEGIN")
        for name in self._tables:
            db.execute(f'DELETE FROM "{name}"')
        for name, rows in self._rows.items():
            db.executemany(f'INSERT INTO "{name}" VALUES ({", ".join("?" * len(rows[0]))})', rows)
        db.execute("COMMIT")
        self._ready(db)
        return db

    def give_back(self, db: Connection) -> None:
        """It is of no use any more to who took it, and no transaction is open on it."""
        if len(self._free) < MOST and not db.in_transaction and _schema(db) == self._schema:
            self._free.append(db)
        else:
            db.close()


def _schema(db: Connection) -> str:
    return str(db.execute("SELECT group_concat(sql, ';') FROM sqlite_master").fetchone()[0])


def new_connection(content: bytes | None = None) -> Connection:
    """A database in memory, with this content."""
    db = sqlite3.connect(":memory:", isolation_level=None, cached_statements=512)
    if content is not None:
        put_into(db, content)
    return db


def put_into(db: Connection, content: bytes) -> None:
    """Replace all a database holds."""
    source = sqlite3.connect(":memory:")
    source.deserialize(content)
    source.backup(db)
    source.close()
