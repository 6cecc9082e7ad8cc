"""Who-wore-what as the imports change it: the spans that streams feed, changed by proposals, never deleted.

A recorded strap's own spans are kept aside before their first change, so that every choice can be taken
back. It ranks nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Connection
from uuid import UUID, uuid5

from hub.domain import Assignment
from hub.store.records import Moment, propose

FEEDS = UUID("3d6b2f4e-0a51-5c8e-8f0e-6a3d9c1b7e52")
FILE_PREFIX = "file:"


@dataclass(frozen=True, slots=True)
class Worn:
    """A recorded strap's assignment with the span it had before any file was chosen over it."""

    assignment: Assignment
    boot_no: int
    from_ms: int
    to_ms: int | None

    @property
    def is_own(self) -> bool:
        """Whether the recorder made it, and not a choice."""
        return self.to_ms is None or self.to_ms > self.from_ms


def of_stream(db: Connection, stream_id: str) -> list[Assignment]:
    """Every span a stream feeds or once fed, in a lasting order."""
    rows = db.execute(
        "SELECT assignment_id, stream_id, athlete_id, session_id, from_ms, to_ms FROM stream_assignment"
        " WHERE stream_id = ? ORDER BY rowid",
        (stream_id,),
    )
    return [Assignment(*row) for row in rows]


def recorded(db: Connection, session_id: str, athlete_id: str) -> list[Worn]:
    """What an athlete wore in a session recorded here, in order of time; what a choice added comes last."""
    rows = db.execute(
        "SELECT assignment_id, a.stream_id, a.athlete_id, a.session_id, a.from_ms, a.to_ms, stream.boot_no,"
        " CASE WHEN b.assignment_id IS NULL THEN a.from_ms ELSE b.from_ms END,"
        " CASE WHEN b.assignment_id IS NULL THEN a.to_ms ELSE b.to_ms END"
        " FROM stream_assignment a JOIN stream USING (stream_id)"
        " LEFT JOIN worn_before b USING (assignment_id)"
        " WHERE a.session_id = ? AND a.athlete_id = ? AND stream.channel = 'hr'"
        " AND stream.sensor_id NOT LIKE 'file:%' ORDER BY a.rowid",
        (session_id, athlete_id),
    )
    found = [Worn(Assignment(*row[:6]), *row[6:]) for row in rows]
    return sorted(found, key=lambda it: (not it.is_own, it.boot_no, it.from_ms))


def chosen_over(db: Connection, session_id: str) -> list[Worn]:
    """The recorded straps' spans in a session that a choice of files changed, with what they were before."""
    rows = db.execute(
        "SELECT assignment_id, a.stream_id, a.athlete_id, a.session_id, a.from_ms, a.to_ms, stream.boot_no,"
        " b.from_ms, b.to_ms FROM worn_before b JOIN stream_assignment a USING (assignment_id)"
        " JOIN stream USING (stream_id) WHERE a.session_id = ? ORDER BY a.rowid",
        (session_id,),
    )
    return [Worn(Assignment(*row[:6]), *row[6:]) for row in rows]


def forget_choice(db: Connection, assignment_id: str) -> None:
    """The span a recorded strap has now is its own."""
    db.execute("DELETE FROM worn_before WHERE assignment_id = ?", (assignment_id,))


def sessions_recorded(db: Connection, athlete_id: str, from_ms: int, to_ms: int) -> list[str]:
    """Ended sessions recorded here in which the athlete wore a strap, that began at about a time."""
    rows = db.execute(
        "SELECT DISTINCT session.session_id FROM stream_assignment JOIN session USING (session_id)"
        " JOIN stream USING (stream_id) WHERE stream_assignment.athlete_id = ? AND session.source != 'file'"
        " AND session.ended_at_ms IS NOT NULL AND NOT session.is_removed"
        " AND stream.sensor_id NOT LIKE 'file:%' AND session.started_at_ms BETWEEN ? AND ?",
        (athlete_id, from_ms, to_ms),
    )
    return [str(row[0]) for row in rows]


def set_spans(
    db: Connection, moment: Moment, stream_id: str, athlete_id: str, session_id: str,
    spans: list[tuple[int, int]],
) -> None:  # fmt: skip
    """Let a file's stream feed exactly these spans of its own time, nothing else and nowhere else."""
    rows = of_stream(db, stream_id)
    for row, span in zip(rows, spans, strict=False):
        _change(db, moment, row, athlete_id, session_id, span)
    for row in rows[len(spans) :]:
        _change(db, moment, row, row.athlete_id, row.session_id, (row.from_ms, row.from_ms))
    for number, span in enumerate(spans[len(rows) :], len(rows)):
        new_id = str(uuid5(FEEDS, f"{stream_id}:{number}"))
        _add(db, moment, new_id, Assignment(new_id, stream_id, athlete_id, session_id, *span))


def set_recorded_spans(
    db: Connection, moment: Moment, worn: list[Worn], spans: list[tuple[int, int | None]]
) -> None:
    """Let one recorded stream of an athlete in a session feed exactly these spans of its boot's time."""
    for it, span in zip(worn, spans, strict=False):
        _change_recorded(db, moment, it, span)
    for it in worn[len(spans) :]:
        _change_recorded(db, moment, it, (it.from_ms, it.from_ms))
    for number, span in enumerate(spans[len(worn) :], len(worn)):
        like = worn[0].assignment
        new_id = str(uuid5(FEEDS, f"{like.stream_id}:{like.session_id}:{like.athlete_id}:{number}"))
        db.execute("INSERT OR IGNORE INTO worn_before VALUES (?, ?, ?)", (new_id, span[0], span[0]))
        new = Assignment(new_id, like.stream_id, like.athlete_id, like.session_id, *span)
        _add(db, moment, new_id, new)


def _change_recorded(db: Connection, moment: Moment, it: Worn, span: tuple[int, int | None]) -> None:
    row = it.assignment
    if (row.from_ms, row.to_ms) != span:
        kept = (row.assignment_id, row.from_ms, row.to_ms)
        db.execute("INSERT OR IGNORE INTO worn_before VALUES (?, ?, ?)", kept)
        _change(db, moment, row, row.athlete_id, row.session_id, span)


def _change(
    db: Connection, moment: Moment, row: Assignment, athlete_id: str, session_id: str,
    span: tuple[int, int | None],
) -> None:  # fmt: skip
    wanted = {"athlete_id": athlete_id, "session_id": session_id, "from_ms": span[0], "to_ms": span[1]}
    changed = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    if changed:
        propose(db, moment, "stream_assignment", row.assignment_id, changed)


def _add(db: Connection, moment: Moment, new_id: str, new: Assignment) -> None:
    propose(db, moment, "stream_assignment", new_id, {
        "stream_id": new.stream_id, "athlete_id": new.athlete_id, "session_id": new.session_id,
        "from_ms": new.from_ms, "to_ms": new.to_ms,
    })  # fmt: skip
