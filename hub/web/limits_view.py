"""Limits, zones and the effect of a change in words and shapes: bars as numbers a template can draw.

It computes no load and decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import fmean
from typing import Any

from hub.analytics.catalogue import metric
from hub.analytics.custom_zones import EdgeUnit, ZoneEdges, edges_in_bpm
from hub.analytics.effective import change_of
from hub.analytics.errors import ProfileIncomplete
from hub.analytics.hr_max import HrMaxFormula, estimate_hr_max
from hub.analytics.metric import Metric
from hub.analytics.parameters import Parameters
from hub.analytics.profile import Sex
from hub.analytics.session_results import STANDARD_ZONES
from hub.results.preview import LOADS, Preview, SessionEffect
from hub.store.profile_changes import KeptChange
from hub.web.lactate_form import fit_words
from hub.web.shell import rounded
from hub.web.zone_colours import zone_css

BAR_SESSIONS = 24
Pair = tuple[float | None, float | None]
"""A load before and after; None where it is not known."""
SEX_WORDS = {Sex.FEMALE: "female", Sex.MALE: "male", Sex.UNKNOWN: "not given"}
NAMES = {
    "hr_max_bpm": "HRmax", "hr_rest_bpm": "rest", "vt1_bpm": "VT1", "vt2_bpm": "VT2", "lthr_bpm": "LTHR",
}  # fmt: skip
ALWAYS = ("banister_trimp", "edwards_trimp")


@dataclass(frozen=True, slots=True)
class ZonePiece:
    """One zone in a picture: its colour's class, where it lies in per cent of the width, and its words."""

    css: str
    name: str
    start: str
    width: str
    words: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One session's pair of bars, in units of the picture (100 high)."""

    x: float
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class EffectRow:
    """One session's line of a preview."""

    effect: SessionEffect
    loads: tuple[tuple[str, str], ...]
    zones_before: tuple[ZonePiece, ...]
    zones_after: tuple[ZonePiece, ...]


@dataclass(frozen=True, slots=True)
class PreviewView:
    """A preview in words; `columns` are the loads somebody has, `bars` are of `measure`, the newest last."""

    reached: int
    rows: tuple[EffectRow, ...]
    columns: tuple[str, ...]
    summary: str
    measure: Metric
    top: str
    width: float
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class ChangeView:
    """One line of the history."""

    kept: KeptChange
    words: str


def zone_picture(parameters: Parameters) -> tuple[ZonePiece, ...]:
    """The zones from below the first edge to HRmax, or a little beyond the last edge; none without limits."""
    try:
        edges = edges_in_bpm(parameters.zones or STANDARD_ZONES, parameters.heart, parameters.lthr_bpm)
    except ProfileIncomplete:
        return ()
    top = max(parameters.heart.hr_max_bpm or 0, edges[-1] + 10)
    low = max(0.0, edges[0] - 0.25 * (top - edges[0]))
    bounds, count = [low, *edges, top], len(edges)
    pieces = []
    for zone in range(count + 1):
        first, last = math.ceil(bounds[zone]), math.ceil(bounds[zone + 1]) - 1
        words = f"below {last + 1}" if zone == 0 else f"from {first}" if zone == count else f"{first}–{last}"
        start, end = (100 * (it - low) / (top - low) for it in (bounds[zone], bounds[zone + 1]))
        pieces.append(
            ZonePiece(zone_css(zone, count), f"Z{zone}", f"{start:.2f}", f"{end - start:.2f}", words)
        )
    return tuple(pieces)


def time_pieces(zone_s: Sequence[float]) -> tuple[ZonePiece, ...]:
    """Time in zones as a bar; none where no time has a zone."""
    total, start, pieces = sum(zone_s), 0.0, []
    for zone, seconds in enumerate(zone_s):
        if total and seconds:
            share = 100 * seconds / total
            words = f"{seconds / 60:.0f} min"
            css = zone_css(zone, len(zone_s) - 1)
            pieces.append(ZonePiece(css, f"Z{zone}", f"{start:.2f}", f"{share:.2f}", words))
            start += share
    return tuple(pieces)


def zones_words(zones: ZoneEdges | None) -> str:
    """The edges as a person would say them."""
    if zones is None:
        return "five standard zones (50, 60, 70, 80, 90 %HRmax)"
    unit = " bpm" if zones.unit is EdgeUnit.BPM else f" {zones.unit.value}"
    return f"zones at {', '.join(f'{edge:g}' for edge in zones.edges)}{unit}"


def values_words(fields: dict[str, Any]) -> str:
    """What a change changes, in one line."""
    said = [
        f"{name} {'not known' if fields[field] is None else fields[field]}"
        for field, name in NAMES.items()
        if field in fields
    ]
    if "zones" in fields:
        said.append(zones_words(fields["zones"]))
    if "lactate" in fields:
        said.append(fit_words(fields["lactate"]) if fields["lactate"] else "no lactate test")
    if "mass_kg" in fields:
        said.append("mass not known" if fields["mass_kg"] is None else f"{fields['mass_kg']:g} kg")
    if "born_on" in fields:
        said.append(f"born {fields['born_on'] or 'not known'}")
    if "sex" in fields:
        said.append(f"sex {SEX_WORDS[fields['sex']]}")
    return " · ".join(said) or "nothing that is known here"


def change_views(kept: Iterable[KeptChange]) -> list[ChangeView]:
    """The history in words, in the order given."""
    views = []
    for it in kept:
        change = change_of(it.change_id, {**it.doc, "is_removed": False})
        views.append(ChangeView(it, values_words(dict(change.fields)) if change else "not readable here"))
    return views


def preview_view(found: Preview) -> PreviewView:
    """The effect as a table, a picture and one sentence."""
    changed = found.changed
    columns = tuple(name for name in LOADS if name in ALWAYS or any(_has(it, name) for it in changed))
    measure = metric(_measure(changed, columns))
    pairs = [_pair(it, measure.metric_id) for it in changed]
    top = max((value for pair in pairs for value in pair if value is not None), default=0.0) or 1.0
    newest = pairs[-BAR_SESSIONS:]
    bars = [
        Bar(12.0 * at, 100 * (before or 0.0) / top, 100 * (after or 0.0) / top)
        for at, (before, after) in enumerate(newest)
    ]
    return PreviewView(
        reached=len(found.effects),
        rows=tuple(_row(it, columns) for it in reversed(changed)),
        columns=columns,
        summary=_summary(found, pairs, measure.heading),
        measure=measure,
        top=f"{top:.0f}",
        width=max(12.0 * len(newest), 12.0),
        bars=tuple(bars),
    )


def _has(effect: SessionEffect, name: str) -> bool:
    return effect.before.load_au(name) is not None or effect.after.load_au(name) is not None


def _moves(effect: SessionEffect, name: str) -> bool:
    return effect.before.load_au(name) != effect.after.load_au(name)


def _measure(changed: Sequence[SessionEffect], columns: Sequence[str]) -> str:
    """The first load that changes anywhere, else the first that anybody has."""
    moved = [
        name for name in columns if any(it.before.load_au(name) != it.after.load_au(name) for it in changed)
    ]
    known = [name for name in columns if any(_has(it, name) for it in changed)]
    return next(iter([*moved, *known, *columns]))


def _pair(effect: SessionEffect, name: str) -> Pair:
    return effect.before.load_au(name), effect.after.load_au(name)


def _row(effect: SessionEffect, columns: Sequence[str]) -> EffectRow:
    before, after = effect.before, effect.after
    return EffectRow(
        effect,
        tuple((rounded(before.load_au(name)), rounded(after.load_au(name))) for name in columns),
        time_pieces(before.zone_s),
        time_pieces(after.zone_s),
    )


def _summary(found: Preview, pairs: list[Pair], measure: str) -> str:
    reached = len(found.effects)
    if not reached:
        return "No session lies on or after this day: only later sessions will use the new values."
    sessions = f"{reached} session{'' if reached == 1 else 's'}"
    if not pairs:
        return f"No number changes in the {sessions} from this day on."
    before, after = (_mean_text([pair[side] for pair in pairs]) for side in (0, 1))
    return (
        f"Numbers change in {len(pairs)} of {sessions} from this day on."
        f" Mean {measure} load of these: {before} before, {after} after."
    )


def _mean_text(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{fmean(known):.0f}" if known else "not known"


def estimated_hr_max(parameters: Parameters, day: date) -> int | None:
    """HRmax from age by Tanaka's line, None without a date of birth."""
    if parameters.born_on is None or not 0 < (age := (day - parameters.born_on).days / 365.2425) <= 120:
        return None
    return round(estimate_hr_max(age, HrMaxFormula.TANAKA).bpm)
