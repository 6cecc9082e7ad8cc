"""Which parameters hold on a day: what was first known of a person, then each dated change in turn.

Hub and cloud fold the same changes by this one rule. It checks no form and stores nothing: a field that
makes no sense is left out here, and refused where it is typed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any

from hub.analytics.custom_zones import EdgeUnit, ZoneEdges
from hub.analytics.errors import EdgesInvalid
from hub.analytics.parameters import Parameters
from hub.analytics.profile import HeartProfile, Sex
from hub.analytics.threshold_trimp import LactateFit

LEAST_BPM, MOST_BPM = 20, 255
LEAST_KG, MOST_KG = 20.0, 250.0
OLDEST_DAYS = 120 * 365
MOST_EDGES = 9
STEEPEST = 50.0
"""A lactate curve that rises faster than e^50 over the reserve is none."""
OF_THE_HEART = ("sex", "hr_max_bpm", "hr_rest_bpm")
RATES = ("hr_max_bpm", "hr_rest_bpm", "vt1_bpm", "vt2_bpm", "lthr_bpm")
FIELDS = (*RATES, "zones", "lactate", "mass_kg", "born_on", "sex")


class How(StrEnum):
    """How the values of a change were come by; only ESTIMATED marks the numbers made from them."""

    MEASURED = "measured"
    ESTIMATED = "estimated"
    TYPED = "typed"


@dataclass(frozen=True, slots=True)
class Change:
    """New values from a day on: `fields` holds only what changes, None where it becomes unknown.

    Of two changes from one day the one made later (`made_at_ms`, epoch ms) counts.
    """

    change_id: str
    valid_from: date
    how: How
    made_at_ms: int
    fields: Mapping[str, Any]

    @property
    def order(self) -> tuple[date, int, str]:
        return self.valid_from, self.made_at_ms, self.change_id


def parameters_on(base: Parameters, changes: Iterable[Change], day: date) -> Parameters:
    """The parameters of a person on a day; `base` is what holds before any change."""
    fields: dict[str, Any] = {}
    estimated = set(base.estimated)
    for change in sorted(changes, key=lambda it: it.order):
        if change.valid_from > day:
            break
        fields.update(change.fields)
        estimated -= change.fields.keys()
        if change.how is How.ESTIMATED:
            estimated |= {name for name, value in change.fields.items() if value is not None}
    heart = replace(base.heart, **{name: fields[name] for name in OF_THE_HEART if name in fields})
    others = {name: value for name, value in fields.items() if name not in OF_THE_HEART}
    if others.get("born_on") is not None and not 0 < (day - others["born_on"]).days <= OLDEST_DAYS:
        others["born_on"] = None
    return replace(base, heart=heart, **others, estimated=frozenset(estimated))


def base_parameters(sex: str | None, hr_max_bpm: int | None, hr_rest_bpm: int | None) -> Parameters:
    """What an athlete's record says; a heart rate nobody has is unknown."""
    return Parameters(HeartProfile(_sex(sex) or Sex.UNKNOWN, _rate(hr_max_bpm), _rate(hr_rest_bpm)))


def change_of(change_id: str, doc: Mapping[str, Any]) -> Change | None:
    """A change from its record; None where it was taken back or says no usable day."""
    valid_from = _day(doc.get("valid_from"))
    if doc.get("is_removed") or valid_from is None:
        return None
    fields = change_fields(doc)
    clears = doc.get("clears")
    if isinstance(clears, list):
        fields.update({name: None for name in clears if name in FIELDS and name not in fields})
    if "sex" in fields:
        fields["sex"] = fields["sex"] or Sex.UNKNOWN
    how, made_at_ms = doc.get("how"), doc.get("made_at_ms")
    return Change(
        change_id,
        valid_from,
        How(how) if how in tuple(How) else How.TYPED,
        made_at_ms if type(made_at_ms) is int else 0,
        fields,
    )


def change_fields(doc: Mapping[str, Any]) -> dict[str, Any]:
    """The usable values of a record, typed."""
    return {name: value for name, read in _READ.items() if (value := read(doc.get(name))) is not None}


def doc_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as a record holds them; what becomes unknown is named in `clears`."""
    doc = {name: _plain(value) for name, value in fields.items() if value is not None}
    clears = [name for name, value in fields.items() if value is None]
    return {**doc, "clears": clears} if clears else doc


def parameters_doc(parameters: Parameters) -> dict[str, Any]:
    """Parameters as plain values to keep beside a result: equal parameters give equal docs."""
    values = {name: _value(parameters, name) for name in FIELDS}
    doc = {name: _plain(value) for name, value in values.items() if value is not None}
    return {**doc, "estimated": sorted(parameters.estimated)}


def parameters_of(doc: Mapping[str, Any]) -> Parameters:
    """The parameters `parameters_doc` wrote."""
    fields = change_fields(doc)
    heart = HeartProfile(fields.get("sex", Sex.UNKNOWN), fields.get("hr_max_bpm"), fields.get("hr_rest_bpm"))
    others = {name: value for name, value in fields.items() if name not in OF_THE_HEART}
    estimated = doc.get("estimated")
    return Parameters(heart, **others, estimated=frozenset(estimated if isinstance(estimated, list) else ()))


def _value(parameters: Parameters, name: str) -> Any:
    return getattr(parameters.heart if name in OF_THE_HEART else parameters, name)


def _plain(value: Any) -> Any:
    if isinstance(value, ZoneEdges):
        return {"unit": value.unit.value, "edges": list(value.edges)}
    if isinstance(value, LactateFit):
        return {"a": value.a, "b": value.b, "r2": value.r2, "n": value.n,
                "measured_on": value.measured_on.isoformat()}  # fmt: skip
    if isinstance(value, date):
        return value.isoformat()
    return value.value if isinstance(value, StrEnum) else value


def _rate(value: Any) -> int | None:
    return value if type(value) is int and LEAST_BPM <= value <= MOST_BPM else None


def _mass(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and LEAST_KG <= value <= MOST_KG else None


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        return None


def _sex(value: Any) -> Sex | None:
    return Sex(value) if value in tuple(Sex) else None


def _zones(value: Any) -> ZoneEdges | None:
    if not isinstance(value, Mapping) or value.get("unit") not in tuple(EdgeUnit):
        return None
    edges = value.get("edges")
    if not isinstance(edges, list) or not 1 <= len(edges) <= MOST_EDGES:
        return None
    if not all(isinstance(edge, int | float) and not isinstance(edge, bool) for edge in edges):
        return None
    try:
        return ZoneEdges(EdgeUnit(value["unit"]), tuple(float(edge) for edge in edges))
    except (EdgesInvalid, OverflowError):
        return None


def _lactate(value: Any) -> LactateFit | None:
    if not isinstance(value, Mapping):
        return None
    numbers = [value.get(name) for name in ("a", "b", "r2")]
    day, n = _day(value.get("measured_on")), value.get("n")
    if day is None or type(n) is not int:
        return None
    if not all(isinstance(it, int | float) and not isinstance(it, bool) and 0 < it < 1e6 for it in numbers):
        return None
    a, b, r2 = (float(it) for it in numbers if it is not None)
    return LactateFit(a, b, r2, n, day) if b <= STEEPEST else None


_READ: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(RATES, _rate),
    "zones": _zones,
    "lactate": _lactate,
    "mass_kg": _mass,
    "born_on": _day,
    "sex": _sex,
}
