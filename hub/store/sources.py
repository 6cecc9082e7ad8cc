"""Sources: what one file says of one athlete's session. A session has one or more, its streams stay theirs.

Which of them feeds what stands in the assignments; nothing here decides it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from sqlite3 import Connection
from typing import Any

from hub.errors import NotFound
from hub.store.records import Moment, propose

JSON_FIELDS = ("laps", "stated")
FLAGS = ("may_fill", "is_removed")


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One source. Times are epoch ms UTC, already moved by `shifted_s` where a zone was corrected.

    `athlete_id` None waits in the inbox. `hr_chosen_at_ms` and `motion_chosen_at_ms` say that somebody chose
    this source, the latest choice wins; without `may_fill` it fills no gap of another.
    """

    source_id: str
    import_id: str
    session_id: str | None
    athlete_id: str | None
    sha256: str
    number: int
    provider: str
    format: str
    identity: str
    device: str
    device_serial: str
    person_name: str
    account: str
    sport: str
    title: str
    started_at_ms: int
    elapsed_s: float
    timer_s: float | None
    distance_m: float | None
    energy_kcal: float | None
    utc_offset_s: int
    offset_known_by: str
    records: int
    laps: tuple[dict[str, Any], ...]
    stated: tuple[dict[str, Any], ...]
    hr_n: int
    hr_mean: float | None
    hr_max: int | None
    rr_n: int
    hr_stream_id: str | None
    motion_stream_id: str | None
    shifted_s: int = 0
    hr_chosen_at_ms: int | None = None
    motion_chosen_at_ms: int | None = None
    may_fill: bool = True
    is_removed: bool = False
    rows_end_ms: int | None = None

    @property
    def ended_at_ms(self) -> int:
        """Start plus elapsed time, or its last row where that is later than the file says it ended."""
        return max(self.started_at_ms + round(self.elapsed_s * 1000), self.rows_end_ms or 0)


COLUMNS = tuple(field.name for field in fields(SourceRow))
SELECT = (
    "SELECT source_id, import_id, session_id, athlete_id, sha256, number, provider, format, identity, device,"
    " device_serial, person_name, account, sport, title, started_at_ms, elapsed_s, timer_s, distance_m,"
    " energy_kcal, utc_offset_s, offset_known_by, records, laps, stated, hr_n, hr_mean, hr_max, rr_n,"
    " hr_stream_id, motion_stream_id, shifted_s, hr_chosen_at_ms, motion_chosen_at_ms, may_fill, is_removed,"
    " rows_end_ms"
    " FROM source "
)
LONGEST_MS = 31 * 86_400_000
ENDED = "max(started_at_ms + cast(round(elapsed_s * 1000) AS INTEGER), coalesce(rows_end_ms, 0))"
BESIDE = f"""
SELECT source_id FROM source WHERE sha256 = :sha256 AND started_at_ms BETWEEN :early AND :end
    AND {ENDED} >= :start AND NOT is_removed
UNION SELECT source_id FROM source WHERE identity = :identity AND identity != '' AND NOT is_removed
UNION SELECT source_id FROM source WHERE athlete_id = :athlete AND started_at_ms BETWEEN :early AND :end
    AND {ENDED} >= :start AND NOT is_removed
UNION SELECT source_id FROM source WHERE session_id = :session AND NOT is_removed
"""


def _found(db: Connection, where: str, answers: tuple[Any, ...]) -> list[SourceRow]:
    return [_from_row(row) for row in db.execute(SELECT + where, answers)]


def _from_row(row: tuple[Any, ...]) -> SourceRow:
    values = dict(zip(COLUMNS, row, strict=True))
    for name in JSON_FIELDS:
        values[name] = () if values[name] == "[]" else tuple(json.loads(values[name]))
    for name in FLAGS:
        values[name] = bool(values[name])
    return SourceRow(**values)


def source(db: Connection, source_id: str) -> SourceRow:
    """One source, removed or not; raises NotFound."""
    found = _found(db, "WHERE source_id = ?", (source_id,))
    if not found:
        raise NotFound(f"source {source_id}", hint="Open the session again and choose one of its sources.")
    return found[0]


def maybe(db: Connection, source_id: str) -> SourceRow | None:
    """One source, removed or not, or None."""
    found = _found(db, "WHERE source_id = ?", (source_id,))
    return found[0] if found else None


def of_session(db: Connection, session_id: str) -> list[SourceRow]:
    """The sources of a session that stand, in order of time."""
    where = "WHERE session_id = ? AND NOT is_removed ORDER BY started_at_ms, source_id"
    return _found(db, where, (session_id,))


def of_import(db: Connection, import_id: str) -> list[SourceRow]:
    """What an import brought that stands, in the file's order."""
    return _found(db, "WHERE import_id = ? AND NOT is_removed ORDER BY number", (import_id,))


def beside(db: Connection, it: SourceRow) -> list[str]:
    """The ids of standing sources that may be one session with this: of its file, athlete and time, of its
    identity, or in its session now; itself among them."""
    asked = {
        "sha256": it.sha256, "identity": it.identity, "athlete": it.athlete_id, "session": it.session_id,
        "start": it.started_at_ms, "end": it.ended_at_ms, "early": it.started_at_ms - LONGEST_MS,
    }  # fmt: skip
    return [str(row[0]) for row in db.execute(BESIDE, asked)]


def is_told_otherwise(db: Connection, session_id: str, import_id: str) -> bool:
    """Whether a source of another import stands in this session."""
    where = "SELECT 1 FROM source WHERE session_id = ? AND import_id != ? AND NOT is_removed LIMIT 1"
    return db.execute(where, (session_id, import_id)).fetchone() is not None


def of_athlete(db: Connection, athlete_id: str, from_ms: int, to_ms: int) -> list[SourceRow]:
    """An athlete's sources that touch a time and stand."""
    where = f"WHERE athlete_id = ? AND started_at_ms BETWEEN ? AND ? AND {ENDED} >= ? AND NOT is_removed"
    return _found(db, where, (athlete_id, from_ms - LONGEST_MS, to_ms, from_ms))


def waiting(db: Connection) -> list[SourceRow]:
    """The inbox: sources of nobody known yet, oldest first."""
    where = "WHERE athlete_id IS NULL AND NOT is_removed ORDER BY started_at_ms, source_id"
    return _found(db, where, ())


def save(db: Connection, moment: Moment, before: SourceRow | None, after: SourceRow) -> None:
    """Propose what has changed of a source, all of it where it is new."""
    changed = {
        name: value
        for name in COLUMNS[1:]
        if (value := getattr(after, name)) != getattr(before, name, None) or before is None
    }
    changed |= {name: list(changed[name]) for name in JSON_FIELDS if name in changed}
    if changed:
        propose(db, moment, "source", after.source_id, changed)
