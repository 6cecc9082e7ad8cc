"""Which files of watched folders and sticks were imported already, by path, size and time.

Of a path only its hash is kept: a file is often called after its athlete, who may be erased one day.
"""

from __future__ import annotations

import hashlib
from sqlite3 import Connection

__all__ = ["hash_paths", "knows", "remember"]


def knows(db: Connection, path: str, size_bytes: int, mtime_ns: int) -> bool:
    """Whether exactly this file was taken before."""
    row = db.execute(
        "SELECT 1 FROM taken_file WHERE path_sha256 = ? AND size_bytes = ? AND mtime_ns = ?",
        (_sha256(path), size_bytes, mtime_ns),
    ).fetchone()
    return row is not None


def remember(db: Connection, path: str, size_bytes: int, mtime_ns: int, at_ms: int) -> None:
    """It was taken now; an earlier state of the same path is forgotten."""
    db.execute(
        "INSERT INTO taken_file VALUES (?, ?, ?, ?) ON CONFLICT(path_sha256) DO UPDATE SET"
        " size_bytes = excluded.size_bytes, mtime_ns = excluded.mtime_ns, taken_at_ms = excluded.taken_at_ms",
        (_sha256(path), size_bytes, mtime_ns, at_ms),
    )


def hash_paths(db: Connection) -> None:
    """For a store of before, which kept the paths themselves."""
    known = [path for (path,) in db.execute("SELECT path FROM taken_file")]
    db.execute("ALTER TABLE taken_file RENAME COLUMN path TO path_sha256")
    db.executemany(
        "UPDATE taken_file SET path_sha256 = ? WHERE path_sha256 = ?", ((_sha256(it), it) for it in known)
    )


def _sha256(path: str) -> str:
    return hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()
