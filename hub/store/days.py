"""What happened on which local day, for one athlete: sessions on this hub, and the first day they are known.

A day is the session's own local date; it judges nothing about what is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Connection


@dataclass(frozen=True, slots=True)
class SessionDay:
    """An ended session: `took_part` says that the athlete wore something in it."""

    session_id: str
    day: str
    source: str
    took_part: bool


def sessions_between(db: Connection, athlete_id: str, from_day: str, to_day: str) -> list[SessionDay]:
    """Every ended session that began on these days, oldest first."""
    rows = db.execute(
        "SELECT session_id, date(started_at_ms / 1000 + utc_offset_s, 'unixepoch') AS day, source,"
        " EXISTS(SELECT 1 FROM stream_assignment worn WHERE worn.session_id = session.session_id"
        " AND worn.athlete_id = ? AND (worn.to_ms IS NULL OR worn.to_ms != worn.from_ms))"
        " FROM session WHERE ended_at_ms IS NOT NULL AND NOT is_removed AND day BETWEEN ? AND ?"
        " ORDER BY started_at_ms, session_id",
        (athlete_id, from_day, to_day),
    )
    return [SessionDay(row[0], row[1], row[2], bool(row[3])) for row in rows]


def first_day(db: Connection, athlete_id: str) -> str | None:
    """The first local day with a session or a daily value of the athlete."""
    row = db.execute(
        "SELECT min(day) FROM (SELECT date(started_at_ms / 1000 + utc_offset_s, 'unixepoch') AS day"
        " FROM session JOIN stream_assignment worn USING (session_id) WHERE worn.athlete_id = ?"
        " AND NOT is_removed UNION ALL SELECT min(date(date)) FROM daily_value"
        " WHERE athlete_id = ? AND NOT is_removed AND date >= '1900-01-01')",
        (athlete_id, athlete_id),
    ).fetchone()
    return None if row is None or row[0] is None else str(row[0])
