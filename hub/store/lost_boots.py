"""Sessions recorded here in boots that neither network time nor the cloud ever told the time.

A boot is bounded by its neighbours that know better. What another hub recorded is its own to put right.
"""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Connection

from hub.domain import Session
from hub.store import boots, sessions


@dataclass(frozen=True, slots=True)
class LostPart:
    """Where an athlete wore a strap in such a boot: the session began at `mono0_ms` of it, as far as is
    believed at `started_at_ms`; the boot lies between the two bounds (epoch ms, None: not known)."""

    session_id: str
    boot_no: int
    mono0_ms: int
    started_at_ms: int
    not_before_ms: int | None
    not_after_ms: int | None


def is_lost(db: Connection, boot_no: int) -> bool:
    """Whether nobody sure has told this boot the time, GPS included."""
    known = boots.best_anchor(db, boot_no)
    return boot_no != boots.CIVIL_BOOT and (known is None or boots.rank(known.source) == 0)


def worn_in(db: Connection, athlete_id: str) -> list[LostPart]:
    """Where an athlete wore a strap in the boot a session began in, oldest boot first."""
    rows = db.execute(
        "SELECT DISTINCT session.session_id, session.boot_no, session.mono0_ms, session.started_at_ms"
        " FROM stream_assignment JOIN session USING (session_id) JOIN stream USING (stream_id)"
        " WHERE stream_assignment.athlete_id = ? AND session.source != 'file' AND session.hub_id IS NULL"
        " AND session.boot_no > 0 AND NOT session.is_removed AND stream.channel = 'hr'"
        " AND stream.boot_no = session.boot_no AND stream.sensor_id NOT LIKE 'file:%'"
        " ORDER BY session.boot_no, session.mono0_ms",
        (athlete_id,),
    ).fetchall()
    return [
        LostPart(session_id, boot_no, mono0_ms, started_at_ms, *_bounds(db, boot_no))
        for session_id, boot_no, mono0_ms, started_at_ms in rows
        if is_lost(db, boot_no)
    ]


def _bounds(db: Connection, boot_no: int) -> tuple[int | None, int | None]:
    before, after = db.execute(
        "SELECT max(iif(boot_no < ?1, wall_ms, NULL)), min(iif(boot_no > ?1, wall_ms, NULL)) FROM anchor"
        " WHERE source IN ('ntp', 'cloud') AND boot_no > 0",
        (boot_no,),
    ).fetchone()
    return before, after


def n_sessions(db: Connection, boot_no: int) -> int:
    """How many sessions stand that this boot's clock places."""
    row = db.execute(
        "SELECT count(*) FROM session WHERE boot_no = ? AND hub_id IS NULL AND NOT is_removed", (boot_no,)
    ).fetchone()
    return int(row[0])


def session(db: Connection, session_id: str) -> Session | None:
    """A session that stands, or None."""
    kept = sessions.kept(db, session_id)
    return None if kept is None or kept.is_removed else kept.session
