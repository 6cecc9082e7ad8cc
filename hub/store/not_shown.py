"""Records that pages cannot show as they are: kept as they came, noted with the reason, tried again.

One such record must stop nobody's feed. It judges no value: the store does, when a row is to be written.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from sqlite3 import Connection

__all__ = ["FAULTS", "NOT_SHOWN", "counts", "forget", "is_of_the_row", "keys", "note", "reasons", "words"]

NOT_SHOWN = """
-- records that cannot be shown here, with the reason; their content stands in base and outbox
CREATE TABLE not_shown(
    tbl TEXT NOT NULL, pk TEXT NOT NULL, reason TEXT NOT NULL, at_ms INTEGER NOT NULL,
    PRIMARY KEY(tbl, pk)) STRICT, WITHOUT ROWID
"""
MOST_WORDS = 200
FAULTS = (
    OverflowError, ValueError, TypeError, AttributeError, LookupError, RecursionError, sqlite3.DatabaseError
)  # fmt: skip
"""What a value may make Python or the store raise."""
_OF_THE_ROW = (
    sqlite3.SQLITE_ERROR, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_RANGE,
)  # fmt: skip


def is_of_the_row(error: BaseException) -> bool:
    """Whether a value is to blame, and not the disk, a neighbour or what else would hit the next row, too."""
    if not isinstance(error, sqlite3.DatabaseError):
        return True
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:  # raised by Python's own part, which binds the values
        return isinstance(error, sqlite3.DataError | sqlite3.IntegrityError | sqlite3.ProgrammingError)
    return code & 0xFF in _OF_THE_ROW


def words(error: BaseException) -> str:
    """The reason as it is kept."""
    said = str(error).encode("utf-8", "replace").decode().replace("\0", "")
    return f"{said or type(error).__name__}"[:MOST_WORDS]


def note(db: Connection, tbl: str, pk: str, reason: str, at_ms: int) -> None:
    """Remember that a record cannot be shown."""
    db.execute(
        "INSERT INTO not_shown VALUES (?, ?, ?, ?)"
        " ON CONFLICT(tbl, pk) DO UPDATE SET reason = excluded.reason",
        (tbl, pk, reason, at_ms),
    )


def forget(db: Connection, tbl: str, pk: str) -> None:
    """It is shown, or there is nothing to show any more."""
    db.execute("DELETE FROM not_shown WHERE tbl = ? AND pk = ?", (tbl, pk))


def keys(db: Connection) -> list[tuple[str, str]]:
    """All of them, by table and key."""
    return [(str(tbl), str(pk)) for tbl, pk in db.execute("SELECT tbl, pk FROM not_shown ORDER BY tbl, pk")]


def reasons(db: Connection) -> dict[tuple[str, str], str]:
    """Why each cannot be shown."""
    return {(tbl, pk): reason for tbl, pk, reason in db.execute("SELECT tbl, pk, reason FROM not_shown")}


def counts(db: Connection) -> Counter[str]:
    """How many there are of each table."""
    found = db.execute("SELECT tbl, count(*) FROM not_shown GROUP BY tbl")
    return Counter({str(tbl): int(n) for tbl, n in found})
