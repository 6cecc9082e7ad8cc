"""Who wore which strap the last time: what a radio check compares today's assignments with."""

from __future__ import annotations

from sqlite3 import Connection


def last_worn(db: Connection) -> dict[str, str]:
    """Strap to athlete, as the last session recorded by this hub left it."""
    rows = db.execute(
        "SELECT stream.sensor_id, worn.athlete_id FROM stream_assignment worn"
        " JOIN stream ON stream.stream_id = worn.stream_id AND stream.channel = 'hr'"
        " WHERE worn.session_id = (SELECT session_id FROM session WHERE ended_at_ms IS NOT NULL"
        " AND source = 'gatt' AND hub_id IS NULL AND NOT is_removed ORDER BY started_at_ms DESC LIMIT 1)"
        " AND (worn.to_ms IS NULL OR worn.to_ms > worn.from_ms) ORDER BY worn.from_ms"
    )
    return {strap_id: athlete_id for strap_id, athlete_id in rows}
