"""Stretches of streams that somebody said belong to nobody, so that they are not offered again and again.

The samples stay where they are; times are of the stream's own boot.
"""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Connection


@dataclass(frozen=True, slots=True)
class Aside:
    """One stretch [from_ms, to_ms) nobody needs."""

    aside_id: str
    stream_id: str
    from_ms: int
    to_ms: int
    at_ms: int


def of_stream(db: Connection, stream_id: str) -> list[Aside]:
    """Those of one stream, in order of time."""
    rows = db.execute(
        "SELECT aside_id, stream_id, from_ms, to_ms, at_ms FROM put_aside WHERE stream_id = ?"
        " ORDER BY from_ms",
        (stream_id,),
    )
    return [Aside(*row) for row in rows]


def recent(db: Connection, limit: int = 20) -> list[tuple[Aside, str]]:
    """The latest with their straps' names, newest first."""
    rows = db.execute(
        "SELECT aside_id, stream_id, from_ms, to_ms, at_ms, coalesce(strap.name, sensor_id) FROM put_aside"
        " JOIN stream USING (stream_id) LEFT JOIN strap ON strap_id = sensor_id"
        " ORDER BY at_ms DESC, aside_id LIMIT ?",
        (limit,),
    )
    return [(Aside(*row[:5]), row[5]) for row in rows]


def keep(db: Connection, aside: Aside) -> None:
    """Put a stretch aside."""
    db.execute(
        "INSERT INTO put_aside VALUES (?, ?, ?, ?, ?)",
        (aside.aside_id, aside.stream_id, aside.from_ms, aside.to_ms, aside.at_ms),
    )


def take_back(db: Connection, aside_id: str) -> None:
    """Offer it again."""
    db.execute("DELETE FROM put_aside WHERE aside_id = ?", (aside_id,))
