"""The form for an athlete's limits, thresholds and zones from a date: what was typed, read or faulted.

It checks what a person can mistype; whether the values fit each other is the profile's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from hub.analytics.custom_zones import EdgeUnit, ZoneEdges
from hub.analytics.effective import MOST_EDGES, RATES, How
from hub.analytics.errors import EdgesInvalid
from hub.analytics.profile import Sex
from hub.results.profiles import NewChange
from hub.web.lactate_form import Stages, StagesInvalid, read_stages

RATE_FIELDS = {
    "hr_max_bpm": ("HRmax", 120, 240),
    "hr_rest_bpm": ("Resting heart rate", 25, 120),
    "lthr_bpm": ("LTHR", 80, 230),
    "vt1_bpm": ("VT1", 70, 220),
    "vt2_bpm": ("VT2", 80, 230),
}
STANDARD = "standard"
HOWS = (
    (How.MEASURED, "Measured, or seen in training"),
    (How.ESTIMATED, "Estimated, as from age"),
    (How.TYPED, "Not known how"),
)
TYPED = ("valid_from", *RATES, "zone_unit", "edges", "stages", "mass_kg", "born_on", "sex", "how", "note")
CLEARABLE = (*RATES, "mass_kg", "born_on", "lactate")


@dataclass(frozen=True, slots=True)
class LimitsForm:
    """What was typed, as typed; the change it means, or what is wrong with it by field.

    `stages` are a lactate test's (bpm, mmol/l), to be fitted by the limits that hold on its day.
    """

    typed: dict[str, str]
    new: NewChange | None
    faults: dict[str, str]
    stages: Stages = ()


def typed_from(data: Mapping[str, str], today: date) -> dict[str, str]:
    """Every field as typed, empty where nothing was; the date is today unless given."""
    typed = {name: data.get(name, "").strip() for name in TYPED}
    typed["valid_from"] = typed["valid_from"] or today.isoformat()
    typed["how"] = typed["how"] if typed["how"] in tuple(How) else How.MEASURED.value
    return typed | {f"forget_{name}": "yes" for name in CLEARABLE if data.get(f"forget_{name}")}


def read_form(data: Mapping[str, str], today: date) -> LimitsForm:
    """Turn the form into a change, or into faults to show. An empty field changes nothing."""
    typed = typed_from(data, today)
    faults: dict[str, str] = {}
    fields: dict[str, Any] = {name: None for name in CLEARABLE if f"forget_{name}" in typed}
    for name, (label, low, high) in RATE_FIELDS.items():
        text = typed[name]
        if text and (not text.isascii() or not text.isdigit() or not low <= int(text[:6]) <= high):
            faults[name] = f"Give {label} as a whole number from {low} to {high} bpm, or leave it empty."
        elif text:
            fields[name] = int(text)
    _read_zones(typed, fields, faults)
    _read_person(typed, fields, faults)
    stages: Stages = ()
    if typed["stages"]:
        try:
            stages = read_stages(typed["stages"])
        except StagesInvalid as error:
            faults["stages"] = str(error)
    valid_from = _date(typed["valid_from"])
    if valid_from is None:
        faults["valid_from"] = "Give a date that exists, as year-month-day."
    if len(typed["note"]) > 200:
        faults["note"] = "The note may have at most 200 characters."
    if faults or valid_from is None:
        return LimitsForm(typed, None, faults)
    return LimitsForm(typed, NewChange(valid_from, How(typed["how"]), fields, typed["note"]), {}, stages)


def _read_zones(typed: dict[str, str], fields: dict[str, Any], faults: dict[str, str]) -> None:
    unit = typed["zone_unit"]
    if unit == STANDARD:
        fields["zones"] = None
        return
    if unit not in tuple(EdgeUnit):
        if typed["edges"]:
            faults["zone_unit"] = "Say what the edges are counted in."
        return
    numbers = [_number(part) for part in typed["edges"].replace(";", " ").replace(", ", " ").split()]
    numbers = numbers if len(numbers) > 1 else [_number(part) for part in typed["edges"].split(",")]
    edges = [number for number in numbers if number is not None]
    if len(edges) != len(numbers) or not edges:
        faults["edges"] = "Give the lower edge of zone 1, zone 2 and so on, as numbers with spaces between."
    elif len(edges) > MOST_EDGES:
        faults["edges"] = f"At most {MOST_EDGES} zones are possible."
    else:
        try:
            fields["zones"] = ZoneEdges(EdgeUnit(unit), tuple(edges))
        except EdgesInvalid:
            faults["edges"] = "Each edge must be above the one before it, and the first above 0."


def _read_person(typed: dict[str, str], fields: dict[str, Any], faults: dict[str, str]) -> None:
    if typed["mass_kg"]:
        mass = _number(typed["mass_kg"])
        if mass is None:
            faults["mass_kg"] = "Give the body mass in kg, such as 71.5, or leave it empty."
        else:
            fields["mass_kg"] = mass
    if typed["born_on"]:
        born_on = _date(typed["born_on"])
        if born_on is None:
            faults["born_on"] = "Give a date of birth that exists, as year-month-day."
        else:
            fields["born_on"] = born_on
    if typed["sex"] in tuple(Sex):
        fields["sex"] = Sex(typed["sex"])


def _number(text: str) -> float | None:
    """A plain decimal number, with a point or a comma."""
    plain = text.strip().replace(",", ".", 1)
    if not plain.isascii() or not plain.replace(".", "", 1).isdigit() or len(plain) > 8:
        return None
    return float(plain)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None
