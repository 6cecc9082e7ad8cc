"""What was known of an athlete on a day: the athlete's record and the dated changes, by the formulas' rule.

It reads and proposes changes, and says what is wrong with one; it recomputes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from sqlite3 import Connection
from typing import Any

from hub.analytics.custom_zones import edges_in_bpm
from hub.analytics.effective import (
    LEAST_KG,
    MOST_KG,
    Change,
    How,
    base_parameters,
    change_of,
    doc_of,
    parameters_on,
)
from hub.analytics.errors import ProfileIncomplete
from hub.analytics.parameters import Parameters
from hub.domain import Athlete, Session
from hub.errors import ActionRefused
from hub.store import athletes, field_limits, profile_changes
from hub.store.profile_changes import KeptChange
from hub.store.records import Moment, propose

FIRST_DAY = date(1990, 1, 1)


@dataclass(frozen=True, slots=True)
class NewChange:
    """A change somebody wants to make; `fields` as in `Change`."""

    valid_from: date
    how: How
    fields: Mapping[str, Any]
    note: str = ""

    def as_change(self, change_id: str, made_at_ms: int) -> Change:
        """The change as it would count."""
        return Change(change_id, self.valid_from, self.how, made_at_ms, self.fields)


def day_of(session: Session) -> date:
    """The local date a session began on; the first or last there may be where no calendar has it."""
    try:
        return datetime.fromtimestamp(session.started_at_ms / 1000 + session.utc_offset_s, UTC).date()
    except (OverflowError, ValueError, OSError):
        return field_limits.LAST_DAY if session.started_at_ms > 0 else field_limits.FIRST_DAY


def local_day(wall_ms: int) -> date:
    """The hub's own local date at an epoch time."""
    return datetime.fromtimestamp(wall_ms / 1000, UTC).astimezone().date()


def base_of(athlete: Athlete) -> Parameters:
    """What holds before any change."""
    return base_parameters(athlete.sex.value, athlete.hr_max_bpm, athlete.hr_rest_bpm)


def changes_of(kept: Iterable[KeptChange]) -> list[Change]:
    """Those of the recorded changes that stand."""
    read = (change_of(it.change_id, it.doc) for it in kept if not it.is_removed)
    return [it for it in read if it is not None]


def athlete_parameters(db: Connection, athlete_id: str, day: date) -> Parameters:
    """One athlete's parameters on a day. Raises NotFound."""
    changes = changes_of(profile_changes.of_athlete(db, athlete_id))
    return parameters_on(base_of(athletes.athlete(db, athlete_id)), changes, day)


def all_parameters(db: Connection, day: date) -> dict[str, Parameters]:
    """Everybody's parameters on a day by athlete id."""
    standing = profile_changes.standing(db)
    return {
        it.athlete_id: parameters_on(base_of(it), changes_of(standing.get(it.athlete_id, [])), day)
        for it in athletes.all_athletes(db, include_inactive=True)
    }


def athletes_on(db: Connection, day: date, *, include_inactive: bool = False) -> list[Athlete]:
    """The roster in shirt-number order with the sex and limits that held on a day."""
    known = all_parameters(db, day)
    roster = athletes.all_athletes(db, include_inactive=include_inactive)
    return [_with(it, known[it.athlete_id]) for it in roster]


def _with(athlete: Athlete, parameters: Parameters) -> Athlete:
    heart = parameters.heart
    try:
        zones = parameters.zones
        edges = edges_in_bpm(zones, heart, parameters.lthr_bpm) if zones is not None else ()
    except ProfileIncomplete:
        edges = ()
    return replace(
        athlete,
        sex=heart.sex,
        hr_max_bpm=heart.hr_max_bpm,
        hr_rest_bpm=heart.hr_rest_bpm,
        zone_edges_bpm=edges,
    )


def faults(db: Connection, athlete_id: str, new: NewChange, today: date) -> dict[str, str]:
    """What is wrong with a change, as sentences by field; empty when nothing is. Raises NotFound."""
    said: dict[str, str] = {}
    if not new.fields:
        said["fields"] = "Give at least one new value."
    if new.valid_from > today:
        said["valid_from"] = "This date lies in the future: choose today or a day before."
    elif new.valid_from < FIRST_DAY:
        said["valid_from"] = f"Choose a date from {FIRST_DAY.year} on."
    mass = new.fields.get("mass_kg")
    if mass is not None and not LEAST_KG <= mass <= MOST_KG:
        said["mass_kg"] = f"Give a body mass from {LEAST_KG:.0f} to {MOST_KG:.0f} kg."
    born_on = new.fields.get("born_on")
    if born_on is not None and not (date(today.year - 110, 1, 1) <= born_on < today):
        said["born_on"] = "The date of birth must lie before today."
    if said:
        return said
    changes = changes_of(profile_changes.of_athlete(db, athlete_id))
    base = base_of(athletes.athlete(db, athlete_id))
    with_it = [*changes, new.as_change("new", 2**53)]
    later = sorted({it.valid_from for it in with_it if it.valid_from >= new.valid_from})
    for day in later:  # a value that fits today may contradict one that was entered for a later day
        wrong = contradictions(parameters_on(base, with_it, day))
        then = "." if day == new.valid_from else f" (from {day.isoformat()} on)."
        said.update({field: f"{text[:-1]}{then}" for field, text in wrong.items() if field not in said})
    return said


def contradictions(parameters: Parameters) -> dict[str, str]:
    """Limits of one person that cannot all be true, as sentences by field."""
    heart, said = parameters.heart, {}
    hr_max, hr_rest = heart.hr_max_bpm, heart.hr_rest_bpm
    if hr_max is not None and hr_rest is not None and hr_max <= hr_rest:
        said["hr_max_bpm"] = f"HRmax must be above the resting heart rate: {hr_max} is not above {hr_rest}."
    rates = (("vt1_bpm", "VT1", parameters.vt1_bpm), ("vt2_bpm", "VT2", parameters.vt2_bpm),
             ("lthr_bpm", "LTHR", parameters.lthr_bpm))  # fmt: skip
    for field, name, bpm in rates:
        if bpm is not None and hr_max is not None and bpm >= hr_max:
            said[field] = f"{name} must be below HRmax: {bpm} is not below {hr_max}."
        elif bpm is not None and hr_rest is not None and bpm <= hr_rest:
            said[field] = f"{name} must be above the resting heart rate: {bpm} is not above {hr_rest}."
    vt1, vt2 = parameters.vt1_bpm, parameters.vt2_bpm
    if vt1 is not None and vt2 is not None and vt1 >= vt2:
        said["vt2_bpm"] = f"VT2 must be above VT1: {vt2} is not above {vt1}."
    if parameters.zones is not None:
        try:
            edges = edges_in_bpm(parameters.zones, heart, parameters.lthr_bpm)
        except ProfileIncomplete:
            if "hr_max_bpm" not in said:
                said["edges"] = (
                    f"Zones in {parameters.zones.unit} need that value: it is not known on this day."
                )
        else:
            if edges[-1] > 255:
                said["edges"] = f"The highest edge would be {edges[-1]:.0f} bpm, which no heart reaches."
    return said


def propose_change(
    db: Connection, moment: Moment, athlete_id: str, new: NewChange, made_by: str, today: date
) -> str:
    """Record a change; its id. Raises NotFound, and ActionRefused with the first thing that is wrong."""
    wrong = faults(db, athlete_id, new, today)
    if wrong:
        raise ActionRefused(next(iter(wrong.values())), hint="Correct it and try again.")
    change_id = moment.new_id()
    fields = {
        "athlete_id": athlete_id, "valid_from": new.valid_from.isoformat(), "how": new.how.value,
        "note": new.note, "made_at_ms": moment.wall_ms, "made_by": made_by, "is_removed": False,
        **doc_of(new.fields),
    }  # fmt: skip
    propose(db, moment, profile_changes.TABLE, change_id, fields)
    return change_id


def set_removed(db: Connection, moment: Moment, change_id: str, is_removed: bool) -> str:
    """Take a change back, or put it back; whose it is. Raises NotFound."""
    kept = profile_changes.change(db, change_id)
    if kept.is_removed != is_removed:
        propose(db, moment, profile_changes.TABLE, change_id, {"is_removed": is_removed})
    return kept.athlete_id
