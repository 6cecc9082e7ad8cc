"""Which of an athlete's limits hold on a day: the record's, folded with every dated change, as on the hub.

It decides no formula and stores nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from cloud.clock import local_date
from cloud.store.database import Connection, fetch_all
from cloud.store.rows import AthleteRow, ChangeRow, WornRow
from hub.analytics.effective import base_parameters, change_of, parameters_on
from hub.analytics.parameters import Parameters


def parameters_of(athlete: AthleteRow | WornRow, recorded: Iterable[ChangeRow], on: date) -> Parameters:
    """What held for the athlete on a local day, by the same rule as on the hub; others' changes are passed
    over.
    """
    own = [it for it in recorded if it.athlete_id == athlete.athlete_id]
    changes = [change for it in own if (change := change_of(it.change_id, it.doc)) is not None]
    base = base_parameters(athlete.sex, athlete.hr_max_bpm, athlete.hr_rest_bpm)
    return parameters_on(base, changes, on)


async def athletes_today(db: Connection, club_id: str, at_ms: int) -> list[AthleteRow]:
    """The club's athletes with the sex and limits that hold today where they last trained."""
    rows = await fetch_all(db, "athletes", AthleteRow, {"club_id": club_id})
    asked = {"club_id": club_id, "athlete_ids": [row.athlete_id for row in rows]}
    changes = await fetch_all(db, "profile_changes", ChangeRow, asked)
    return [_held(row, changes, at_ms) for row in rows]


def _held(row: AthleteRow, changes: list[ChangeRow], at_ms: int) -> AthleteRow:
    heart = parameters_of(row, changes, local_date(at_ms, row.last_utc_offset_s or 0)).heart
    return replace(row, sex=heart.sex.value, hr_max_bpm=heart.hr_max_bpm, hr_rest_bpm=heart.hr_rest_bpm)
