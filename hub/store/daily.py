"""Numbers of a person's day: what each import said of them, and the one value that counts.

The last word wins by the maker's own time of change, then by the export that reaches furthest, then by the
larger value; two sources are never averaged. It knows no names of measures.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from sqlite3 import Connection
from typing import Any

from hub.store.records import Moment, propose_many
from hub.store.steps import Steps, in_pieces

DAYS = uuid.UUID("f2a6c1d8-7b3e-5e90-9c4f-1d2b3a4c5e6f")
AT_ONCE = 50  # values in one step


@dataclass(frozen=True, slots=True)
class Told:
    """What one import says of one day of one person; `through` is the last day that import tells of."""

    import_id: str
    person_key: str
    date: str
    name: str
    athlete_id: str | None
    person_name: str
    provider: str
    value: float
    unit: str
    updated_at_ms: int
    through: str

    @property
    def who(self) -> str:
        """The athlete, or the person while they are unknown."""
        return self.athlete_id or self.person_key

    @property
    def record_id(self) -> str:
        """The record this is about: one a provider, person, day and name."""
        return str(uuid.uuid5(DAYS, f"{self.provider}\n{self.who}\n{self.date}\n{self.name}"))

    @property
    def weight(self) -> tuple[int, str, float]:
        """Larger wins."""
        return self.updated_at_ms, self.through, self.value


SELECT = (
    "SELECT import_id, person_key, date, name, athlete_id, person_name, provider, value, unit, updated_at_ms,"
    " through FROM daily_told "
)


def telling(db: Connection, moment: Moment, told: Iterable[Told]) -> Steps[None]:
    """Keep what an import says and show what now counts."""
    for rows in in_pieces(told, AT_ONCE):
        db.executemany(
            "INSERT OR REPLACE INTO daily_told VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (it.import_id, it.person_key, it.date, it.name, it.athlete_id, it.person_name, it.provider,
                 it.value, it.unit, it.updated_at_ms, it.through)
                for it in rows
            ),
        )  # fmt: skip
        _show(db, moment, rows)
        yield


def untelling(db: Connection, moment: Moment, import_id: str) -> Steps[int]:
    """Take back what an import said; the others' words count again. How many values it had said."""
    n = 0
    while gone := _found(db, f"WHERE import_id = ? LIMIT {AT_ONCE}", (import_id,)):
        db.executemany(
            "DELETE FROM daily_told WHERE import_id = ? AND person_key = ? AND date = ? AND name = ?",
            ((it.import_id, it.person_key, it.date, it.name) for it in gone),
        )
        _show(db, moment, gone)
        n += len(gone)
        yield
    return n


def assigning(db: Connection, moment: Moment, person_key: str, athlete_id: str | None) -> Steps[int]:
    """Everything told of a person is this athlete's from now on. How many values that were."""
    n, others = 0, f"WHERE person_key = ? AND athlete_id IS NOT ? LIMIT {AT_ONCE}"
    while before := _found(db, others, (person_key, athlete_id)):
        db.executemany(
            "UPDATE daily_told SET athlete_id = ?"
            " WHERE import_id = ? AND person_key = ? AND date = ? AND name = ?",
            ((athlete_id, it.import_id, it.person_key, it.date, it.name) for it in before),
        )
        _show(db, moment, [*before, *(replace(it, athlete_id=athlete_id) for it in before)])
        n += len(before)
        yield
    return n


def waiting(db: Connection) -> list[tuple[str, str, str, int]]:
    """(person key, name, provider, number of values) of people not known yet."""
    rows = db.execute(
        "SELECT person_key, max(person_name), max(provider), count(*) FROM daily_told"
        " WHERE athlete_id IS NULL GROUP BY person_key ORDER BY person_key"
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def people_waiting(db: Connection, import_id: str) -> list[str]:
    """The keys of people not known yet of whom an import tells."""
    rows = db.execute(
        "SELECT DISTINCT person_key FROM daily_told WHERE import_id = ? AND athlete_id IS NULL"
        " ORDER BY person_key",
        (import_id,),
    )
    return [str(row[0]) for row in rows]


def of_athlete(db: Connection, athlete_id: str, from_date: str, to_date: str) -> list[dict[str, Any]]:
    """An athlete's values by day and name: date, name, value, unit, source."""
    rows = db.execute(
        "SELECT date, name, value, unit, source FROM daily_value WHERE athlete_id = ? AND NOT is_removed"
        " AND date BETWEEN ? AND ? ORDER BY date, name, source",
        (athlete_id, from_date, to_date),
    )
    return [dict(zip(("date", "name", "value", "unit", "source"), row, strict=True)) for row in rows]


def _found(db: Connection, where: str, answers: tuple[Any, ...]) -> list[Told]:
    return [Told(*row) for row in db.execute(SELECT + where, answers)]


def _show(db: Connection, moment: Moment, concerned: Sequence[Told]) -> None:
    """Bring the records of these days in line with what is told of them."""
    days = {(it.provider, it.date, it.name) for it in concerned}
    keys = {it.record_id: it for it in concerned}
    people = {it.who for it in concerned}
    best: dict[str, Told] = {}
    for provider, date, name in sorted(days):
        where = "WHERE date = ? AND name = ? AND provider = ?"
        for it in _found(db, where, (date, name, provider)):
            if it.who not in people:
                continue
            record_id = it.record_id
            if record_id in keys and (record_id not in best or it.weight > best[record_id].weight):
                best[record_id] = it
    edits: dict[str, dict[str, Any]] = {}
    for record_id, it in keys.items():
        row = db.execute(
            "SELECT athlete_id, person_name, date, name, value, unit, source, import_id, updated_at_ms,"
            " is_removed FROM daily_value WHERE daily_value_id = ?",
            (record_id,),
        ).fetchone()
        now = _fields(best[record_id]) if record_id in best else None
        if now is None:
            if row is not None and not row[9]:
                edits[record_id] = _fields(it) | {"is_removed": True}
        elif row is None or (*row[:7], row[8], bool(row[9])) != _shown(now):
            edits[record_id] = now
    propose_many(db, moment, "daily_value", edits)


def _fields(it: Told) -> dict[str, Any]:
    return {
        "athlete_id": it.athlete_id, "person_name": it.person_name, "date": it.date, "name": it.name,
        "value": it.value, "unit": it.unit, "source": it.provider, "import_id": it.import_id,
        "updated_at_ms": it.updated_at_ms, "is_removed": False,
    }  # fmt: skip


def _shown(fields: dict[str, Any]) -> tuple[Any, ...]:
    """What of a record anybody sees; which of several imports said the same is all one."""
    return tuple(value for name, value in fields.items() if name != "import_id")
