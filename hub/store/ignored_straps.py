"""Straps of other teams, ignored for good until somebody takes one back.

It is this hub's own list; the radio and the recorder obey it and nothing here does.
"""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Connection


@dataclass(frozen=True, slots=True)
class IgnoredStrap:
    """One strap that is not ours; `ignored_by` is who said so."""

    strap_id: str
    name: str
    ignored_at_ms: int
    ignored_by: str


def ids(db: Connection) -> frozenset[str]:
    """The ids of all of them."""
    return frozenset(row[0] for row in db.execute("SELECT strap_id FROM ignored_strap"))


def all_ignored(db: Connection) -> list[IgnoredStrap]:
    """All of them, the latest first."""
    rows = db.execute(
        "SELECT strap_id, name, ignored_at_ms, ignored_by FROM ignored_strap"
        " ORDER BY ignored_at_ms DESC, strap_id"
    )
    return [IgnoredStrap(*row) for row in rows]


def ignore(db: Connection, strap: IgnoredStrap) -> None:
    """From now on; one that is ignored already stays so."""
    db.execute(
        "INSERT OR IGNORE INTO ignored_strap VALUES (?, ?, ?, ?)",
        (strap.strap_id, strap.name, strap.ignored_at_ms, strap.ignored_by),
    )


def take_back(db: Connection, strap_id: str) -> None:
    """It is heard again."""
    db.execute("DELETE FROM ignored_strap WHERE strap_id = ?", (strap_id,))
