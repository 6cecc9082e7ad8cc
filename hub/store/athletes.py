"""Questions about athletes."""

from __future__ import annotations

from sqlite3 import Connection
from typing import Any

from hub.domain import Athlete, Sex
from hub.errors import NotFound


def _from_row(row: tuple[Any, ...]) -> Athlete:
    sex = Sex(row[3]) if row[3] in tuple(Sex) else Sex.UNKNOWN  # a newer cloud may know more words
    return Athlete(row[0], row[1], row[2], sex, row[4], row[5], bool(row[6]))


def all_athletes(db: Connection, *, include_inactive: bool = False) -> list[Athlete]:
    """Everyone in shirt-number order, those without a number last and by name."""
    rows = db.execute(
        "SELECT athlete_id, name, shirt_number, sex, hr_max_bpm, hr_rest_bpm, is_active FROM athlete"
        " WHERE is_active OR ? ORDER BY shirt_number IS NULL, shirt_number, name",
        (include_inactive,),
    )
    return [_from_row(row) for row in rows]


def athlete(db: Connection, athlete_id: str) -> Athlete:
    """One athlete; raises NotFound."""
    row = db.execute(
        "SELECT athlete_id, name, shirt_number, sex, hr_max_bpm, hr_rest_bpm, is_active FROM athlete"
        " WHERE athlete_id = ?",
        (athlete_id,),
    ).fetchone()
    if row is None:
        raise NotFound(f"athlete {athlete_id}", hint="Open the athletes page and choose again.")
    return _from_row(row)
