"""Questions about the dated changes of athletes' values; what they mean is the formulas' business."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from hub.errors import NotFound

TABLE = "profile_change"
VALUES = (
    "valid_from", "hr_max_bpm", "hr_rest_bpm", "vt1_bpm", "vt2_bpm", "lthr_bpm", "zones", "lactate",
    "mass_kg", "born_on", "sex", "clears", "how", "made_at_ms",
)  # fmt: skip
IN_JSON = ("zones", "lactate", "clears")
SELECT = (
    "SELECT change_id, athlete_id, note, made_by, is_removed, valid_from, hr_max_bpm, hr_rest_bpm, vt1_bpm,"
    " vt2_bpm, lthr_bpm, zones, lactate, mass_kg, born_on, sex, clears, how, made_at_ms FROM profile_change "
)


@dataclass(frozen=True, slots=True)
class KeptChange:
    """One change as recorded; `doc` holds its values by name, those it does not touch left out."""

    change_id: str
    athlete_id: str
    note: str
    made_by: str
    is_removed: bool
    doc: dict[str, Any]


def of_athlete(db: Connection, athlete_id: str) -> list[KeptChange]:
    """An athlete's changes, taken back or not, the newest day first."""
    rows = db.execute(
        SELECT + "WHERE athlete_id = ? ORDER BY valid_from DESC, made_at_ms DESC, change_id",
        (athlete_id,),
    )
    return [_kept(row) for row in rows]


def standing(db: Connection) -> dict[str, list[KeptChange]]:
    """Everybody's changes that were not taken back, by athlete id."""
    found: dict[str, list[KeptChange]] = defaultdict(list)
    for row in db.execute(SELECT + "WHERE NOT is_removed ORDER BY athlete_id, valid_from, made_at_ms"):
        found[row[1]].append(_kept(row))
    return found


def change(db: Connection, change_id: str) -> KeptChange:
    """One change; raises NotFound."""
    row = db.execute(SELECT + "WHERE change_id = ?", (change_id,)).fetchone()
    if row is None:
        raise NotFound(f"change {change_id}", hint="Open the athlete's page and choose again.")
    return _kept(row)


def _kept(row: tuple[Any, ...]) -> KeptChange:
    values = dict(zip(VALUES, row[5:], strict=True))
    doc = {
        name: json.loads(value) if name in IN_JSON else value
        for name, value in values.items()
        if value is not None
    }
    return KeptChange(row[0], row[1], row[2], row[3], bool(row[4]), doc)
