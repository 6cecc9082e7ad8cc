"""Questions about sessions and who wore which stream in them."""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from hub.domain import Assignment, Session, Via
from hub.errors import NotFound


def _from_row(row: tuple[Any, ...]) -> Session:
    return Session(
        session_id=row[0],
        title=row[1],
        sport=row[2],
        started_at_ms=row[3],
        utc_offset_s=row[4],
        ended_at_ms=row[5],
        boot_no=row[6],
        mono0_ms=row[7],
        mono1_ms=row[8],
        source=Via(row[9]) if row[9] in tuple(Via) else Via.FILE,  # another hub may know more words
        hub_id=row[10],
    )


def recent(db: Connection, limit: int = 50) -> list[Session]:
    """Sessions, newest first, without those whose imports were undone or joined another."""
    rows = db.execute(
        "SELECT session_id, title, sport, started_at_ms, utc_offset_s, ended_at_ms, boot_no, mono0_ms,"
        " mono1_ms, source, hub_id FROM session WHERE NOT is_removed ORDER BY started_at_ms DESC LIMIT ?",
        (limit,),
    )
    return [_from_row(row) for row in rows]


def recorded(db: Connection, before_id: str | None, limit: int) -> list[Session]:
    """Sessions recorded on this hub, newest first, from the one before `before_id` on where it is given."""
    rows = db.execute(
        "SELECT session_id, title, sport, started_at_ms, utc_offset_s, ended_at_ms, boot_no, mono0_ms,"
        " mono1_ms, source, hub_id FROM session WHERE NOT is_removed AND hub_id IS NULL AND boot_no > 0"
        " AND (?1 IS NULL OR (started_at_ms, session_id) <"
        " (SELECT started_at_ms, session_id FROM session WHERE session_id = ?1))"
        " ORDER BY started_at_ms DESC, session_id DESC LIMIT ?2",
        (before_id, limit),
    )
    return [_from_row(row) for row in rows]


def reaching(db: Connection, boot_no: int) -> list[Session]:
    """Sessions recorded on this hub that began in a boot, or before it and did not end in their own."""
    rows = db.execute(
        "SELECT session_id, title, sport, started_at_ms, utc_offset_s, ended_at_ms, boot_no, mono0_ms,"
        " mono1_ms, source, hub_id FROM session WHERE NOT is_removed AND hub_id IS NULL AND boot_no > 0"
        " AND (boot_no = ?1 OR (boot_no < ?1 AND mono1_ms IS NULL)) ORDER BY boot_no DESC, mono0_ms DESC",
        (boot_no,),
    )
    return [_from_row(row) for row in rows]


def session(db: Connection, session_id: str) -> Session:
    """One session; raises NotFound."""
    row = db.execute(
        "SELECT session_id, title, sport, started_at_ms, utc_offset_s, ended_at_ms, boot_no, mono0_ms,"
        " mono1_ms, source, hub_id FROM session WHERE session_id = ? AND NOT is_removed",
        (session_id,),
    ).fetchone()
    if row is None:
        raise NotFound(f"session {session_id}", hint="Open the sessions page and choose again.")
    return _from_row(row)


@dataclass(frozen=True, slots=True)
class Kept:
    """A session as it is kept, removed or not; `age` is smaller the longer it is known here."""

    session: Session
    is_removed: bool
    age: int


def kept(db: Connection, session_id: str) -> Kept | None:
    """A session even where it was removed, or None."""
    row = db.execute(
        "SELECT session_id, title, sport, started_at_ms, utc_offset_s, ended_at_ms, boot_no, mono0_ms,"
        " mono1_ms, source, hub_id, is_removed, rowid FROM session WHERE session_id = ?",
        (session_id,),
    ).fetchone()
    return None if row is None else Kept(_from_row(row), bool(row[11]), row[12])


def live(db: Connection) -> Session | None:
    """The session that is running on this hub, if one is."""
    row = db.execute(
        "SELECT session_id, title, sport, started_at_ms, utc_offset_s, ended_at_ms, boot_no, mono0_ms,"
        " mono1_ms, source, hub_id FROM session WHERE ended_at_ms IS NULL AND NOT is_removed"
        " AND hub_id IS NULL ORDER BY started_at_ms DESC LIMIT 1"
    ).fetchone()
    return None if row is None else _from_row(row)


def assignments(db: Connection, session_id: str) -> list[Assignment]:
    """Who wore which stream in a session, in order of time; a span made empty is left out."""
    rows = db.execute(
        "SELECT assignment_id, stream_id, athlete_id, session_id, from_ms, to_ms FROM stream_assignment"
        " WHERE session_id = ? AND (to_ms IS NULL OR to_ms != from_ms) ORDER BY from_ms, assignment_id",
        (session_id,),
    )
    return [Assignment(*row) for row in rows]
