"""Results of ended sessions as they were computed, with what they came from, and marks of what to redo.

A row is never changed but for being superseded; it computes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

SELECT = (
    "SELECT result_id, superseded_at_ms, superseded_why, session_id, athlete_id, computed_at_ms, why,"
    " versions, parameters, results, histogram, sustained_bpm, heard_key, inputs_key FROM session_result "
)


@dataclass(frozen=True, slots=True)
class NewResult:
    """What was computed of one athlete in one session.

    `versions`, `parameters` and `results` are JSON. `heard_key` is a digest of what was heard of whom and
    when, `inputs_key` of that with the parameters and versions.
    """

    session_id: str
    athlete_id: str
    computed_at_ms: int
    why: str
    versions: str
    parameters: str
    results: str
    histogram: bytes
    sustained_bpm: int | None
    heard_key: bytes
    inputs_key: bytes


@dataclass(frozen=True, slots=True)
class KeptResult:
    """A stored result; `superseded_why` says why it is no longer the current one, None while it is."""

    result_id: int
    superseded_at_ms: int | None
    superseded_why: str | None
    new: NewResult


@dataclass(frozen=True, slots=True)
class Mark:
    """A session to be recomputed; `mark` tells a newer reason from the one that is being served."""

    session_id: str
    mark: int
    why: str


@dataclass(frozen=True, slots=True)
class Held:
    """The highest rate an athlete held for 5 s in one session."""

    bpm: int
    session_id: str
    title: str
    started_at_ms: int
    utc_offset_s: int


def _kept(row: tuple[Any, ...]) -> KeptResult:
    return KeptResult(row[0], row[1], row[2], NewResult(*row[3:]))


def current(db: Connection, session_id: str) -> dict[str, KeptResult]:
    """A session's current results by athlete id."""
    rows = db.execute(
        SELECT + "WHERE session_id = ? AND is_current",
        (session_id,),
    )
    return {row[4]: _kept(row) for row in rows}


def history(db: Connection, session_id: str, athlete_id: str) -> list[KeptResult]:
    """Everything that was ever computed of one athlete in one session, newest first."""
    rows = db.execute(
        SELECT + "WHERE session_id = ? AND athlete_id = ? ORDER BY result_id DESC",
        (session_id, athlete_id),
    )
    return [_kept(row) for row in rows]


def recomputed(db: Connection, session_id: str) -> set[str]:
    """The athletes of a session of whom earlier results are kept."""
    rows = db.execute(
        "SELECT DISTINCT athlete_id FROM session_result WHERE session_id = ? AND NOT is_current",
        (session_id,),
    )
    return {row[0] for row in rows}


def keep(db: Connection, results: Iterable[NewResult]) -> None:
    """Make these the current results; what they replace is kept as superseded, for their reason."""
    for new in results:
        retire(db, new.session_id, new.athlete_id, new.computed_at_ms, new.why)
        db.execute(
            "INSERT INTO session_result(session_id, athlete_id, computed_at_ms, why, versions, parameters,"
            " results, histogram, sustained_bpm, heard_key, inputs_key, is_current)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
            (new.session_id, new.athlete_id, new.computed_at_ms, new.why, new.versions, new.parameters,
             new.results, new.histogram, new.sustained_bpm, new.heard_key, new.inputs_key),
        )  # fmt: skip


def retire(db: Connection, session_id: str, athlete_id: str, at_ms: int, why: str) -> None:
    """The current result is so no longer; it stays readable."""
    db.execute(
        "UPDATE session_result SET is_current = 0, superseded_at_ms = ?, superseded_why = ?"
        " WHERE session_id = ? AND athlete_id = ? AND is_current",
        (at_ms, why, session_id, athlete_id),
    )


def stale(db: Connection, limit: int = 50) -> list[Mark]:
    """Sessions to recompute, the newest first."""
    rows = db.execute(
        "SELECT result_stale.session_id, mark, why FROM result_stale LEFT JOIN session USING (session_id)"
        " ORDER BY started_at_ms DESC LIMIT ?",
        (limit,),
    )
    return [Mark(*row) for row in rows]


def stale_count(db: Connection) -> int:
    """How many sessions wait."""
    return int(db.execute("SELECT count(*) FROM result_stale").fetchone()[0])


def clear(db: Connection, mark: Mark) -> bool:
    """Take a mark away; False where a newer reason came meanwhile and it must be served again."""
    done = db.execute(
        "DELETE FROM result_stale WHERE session_id = ? AND mark = ?", (mark.session_id, mark.mark)
    )
    return done.rowcount > 0


def mark_outdated(db: Connection, versions: str) -> int:
    """Mark ended sessions without a result, or with one of other versions; how many sessions now wait."""
    db.execute(
        "INSERT OR IGNORE INTO result_stale(session_id, why)"
        " SELECT session_id, 'not computed before' FROM session"
        " WHERE ended_at_ms IS NOT NULL AND NOT is_removed AND session_id IN"
        " (SELECT session_id FROM stream_assignment) AND session_id NOT IN"
        " (SELECT session_id FROM session_result WHERE is_current)"
        " UNION SELECT session_id, 'the formulas have a new version' FROM session_result"
        " WHERE is_current AND versions != ?",
        (versions,),
    )
    return stale_count(db)


def heard(
    db: Connection, session_id: str, channel: str
) -> list[tuple[str, str, int, int | None, int, bytes]]:
    """(athlete, stream, from, to, boot, segment id or nothing) of all that was worn in a session, in order.

    The segments are those of one channel; two equal answers mean that the very same was heard.
    """
    rows = db.execute(
        "SELECT worn.athlete_id, worn.stream_id, worn.from_ms, worn.to_ms, coalesce(stream.boot_no, 0),"
        " coalesce(segment.seg_id, x'') FROM stream_assignment worn LEFT JOIN stream USING (stream_id)"
        " LEFT JOIN segment ON segment.stream_id = worn.stream_id AND stream.channel = ?"
        " AND segment.mono1 >= worn.from_ms AND (worn.to_ms IS NULL OR segment.mono0 < worn.to_ms)"
        " WHERE worn.session_id = ? AND (worn.to_ms IS NULL OR worn.to_ms != worn.from_ms)"
        " ORDER BY worn.athlete_id, worn.from_ms, worn.assignment_id, segment.mono0, segment.seg_id",
        (channel, session_id),
    )
    return [(row[0], row[1], row[2], row[3], row[4], bytes(row[5])) for row in rows]


def sessions_of(db: Connection, athlete_id: str, from_day: str) -> list[str]:
    """Ended sessions an athlete took part in whose local day is `from_day` or later, oldest first."""
    rows = db.execute(
        "SELECT session_id FROM session WHERE ended_at_ms IS NOT NULL AND NOT is_removed"
        " AND date(started_at_ms / 1000 + utc_offset_s, 'unixepoch') >= ? AND session_id IN"
        " (SELECT session_id FROM stream_assignment WHERE athlete_id = ?) ORDER BY started_at_ms, session_id",
        (from_day, athlete_id),
    )
    return [row[0] for row in rows]


def highest_held(db: Connection, athlete_id: str, since_ms: int) -> Held | None:
    """The highest rate an athlete held for 5 s in any session since then."""
    row = db.execute(
        "SELECT sustained_bpm, session_id, title, started_at_ms, utc_offset_s FROM session_result"
        " JOIN session USING (session_id) WHERE athlete_id = ? AND is_current AND sustained_bpm IS NOT NULL"
        " AND started_at_ms >= ? AND NOT is_removed ORDER BY sustained_bpm DESC, started_at_ms LIMIT 1",
        (athlete_id, since_ms),
    ).fetchone()
    return None if row is None else Held(*row)
