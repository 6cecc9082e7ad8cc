"""Which files of watched folders and sticks were imported already, by path, size and time."""

from __future__ import annotations

from sqlite3 import Connection


def knows(db: Connection, path: str, size_bytes: int, mtime_ns: int) -> bool:
    """Whether exactly this file was taken before."""
    row = db.execute(
        "SELECT 1 FROM taken_file WHERE path = ? AND size_bytes = ? AND mtime_ns = ?",
        (path, size_bytes, mtime_ns),
    ).fetchone()
    return row is not None


def remember(db: Connection, path: str, size_bytes: int, mtime_ns: int, at_ms: int) -> None:
    """It was taken now; an earlier state of the same path is forgotten."""
    db.execute(
        "INSERT INTO taken_file VALUES (?, ?, ?, ?) ON CONFLICT(path) DO UPDATE SET"
        " size_bytes = excluded.size_bytes, mtime_ns = excluded.mtime_ns, taken_at_ms = excluded.taken_at_ms",
        (path, size_bytes, mtime_ns, at_ms),
    )
