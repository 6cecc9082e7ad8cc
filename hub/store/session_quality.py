"""What was judged of the heart rates behind a session's results, kept under the digest of what was heard.

It judges nothing; a row whose digest differs is out of date and simply not used.
"""

from __future__ import annotations

from collections.abc import Iterable
from sqlite3 import Connection


def kept(db: Connection, session_id: str) -> dict[str, tuple[bytes, str]]:
    """By athlete the digest of what was judged, and the judgement as JSON."""
    rows = db.execute(
        "SELECT athlete_id, heard_key, doc FROM session_quality WHERE session_id = ?", (session_id,)
    )
    return {row[0]: (bytes(row[1]), row[2]) for row in rows}


def keep(db: Connection, session_id: str, docs: Iterable[tuple[str, bytes, str]]) -> None:
    """Keep judgements (athlete, digest, JSON) in place of the former ones."""
    db.executemany(
        "INSERT OR REPLACE INTO session_quality VALUES (?, ?, ?, ?)",
        ((session_id, *doc) for doc in docs),
    )


def mark_missing(db: Connection) -> None:
    """Mark ended sessions that straps recorded here and nobody judged yet, to be served like changed ones."""
    db.execute(
        "INSERT OR IGNORE INTO result_stale(session_id, why)"
        " SELECT DISTINCT session_id, 'not judged before' FROM stream_assignment worn"
        " JOIN session USING (session_id) JOIN stream USING (stream_id)"
        " WHERE ended_at_ms IS NOT NULL AND NOT is_removed AND session.hub_id IS NULL"
        " AND stream.boot_no > 0 AND channel = 'hr' AND sensor_id NOT LIKE 'file:%'"
        " AND (worn.to_ms IS NULL OR worn.to_ms > worn.from_ms)"
        " AND session_id NOT IN (SELECT session_id FROM session_quality)"
    )
