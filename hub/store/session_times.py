"""When sessions recorded by this hub's own radio began and ended, on which boot's clock.

Imported sessions are on the civil clock, and those of other hubs are theirs to correct: neither is here.
"""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Connection


@dataclass(frozen=True, slots=True)
class Recorded:
    """`end_boot_no` and `end_mono_ms` say where it ended, None where that is not known, or not over."""

    session_id: str
    started_at_ms: int
    utc_offset_s: int
    ended_at_ms: int | None
    boot_no: int
    mono0_ms: int
    end_boot_no: int | None
    end_mono_ms: int | None


def recorded_here(db: Connection) -> list[Recorded]:
    """Every session of a boot of this hub's; an end in a later boot is where that edit was made."""
    rows = db.execute(
        "SELECT session_id, started_at_ms, utc_offset_s, ended_at_ms, boot_no, mono0_ms, mono1_ms"
        " FROM session WHERE boot_no > 0 AND hub_id IS NULL AND NOT is_removed"
    ).fetchall()
    found = []
    for session_id, started_at_ms, offset_s, ended_at_ms, boot_no, mono0_ms, mono1_ms in rows:
        end = (boot_no, mono1_ms) if mono1_ms is not None else _ended_elsewhere(db, session_id)
        found.append(Recorded(session_id, started_at_ms, offset_s, ended_at_ms, boot_no, mono0_ms, *end))
    return found


def _ended_elsewhere(db: Connection, session_id: str) -> tuple[int | None, int | None]:
    row = db.execute(
        "SELECT boot_no, mono_ms FROM outbox WHERE tbl = 'session' AND pk = ?"
        " AND json_type(fields, '$.mono1_ms') = 'null' AND json_type(fields, '$.ended_at_ms') = 'integer'"
        " ORDER BY seq LIMIT 1",
        (session_id,),
    ).fetchone()
    return (None, None) if row is None else (int(row[0]), int(row[1]))
