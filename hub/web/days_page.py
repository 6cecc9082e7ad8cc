"""An athlete's days: what is worth asking, morning variability, resting heart rate and load, in numbers.

A fragment of the athlete's page; the acute:chronic ratio is shown only when it is asked for, and nothing here
has a colour that judges.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import numpy as np
from litestar import get
from litestar.params import FromPath, QueryParameter
from litestar.response import Template

from hub.analytics.catalogue import metric
from hub.results.days import AthleteDays, Loads, athlete_days
from hub.results.profiles import local_day
from hub.web.parts import parts_of
from hub.web.shell import AnyRequest, is_fragment, page

MORNINGS_SHOWN, LOADS_SHOWN = 60, 28
LATELY = 28


@dataclass(frozen=True, slots=True)
class DaysView:
    """The section in words; None where there is nothing to say."""

    morning_text: str | None
    resting_text: str | None
    load_name: str | None
    load_text: str | None
    ratio_text: str | None
    facts: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def days_view(it: AthleteDays) -> DaysView:
    """Everything the section says."""
    facts = () if it.prompt is None else tuple(fact.text for fact in it.prompt.facts)
    name = None if it.loads.metric_id is None else metric(it.loads.metric_id).name
    return DaysView(
        _morning_text(it),
        _resting_text(it),
        name,
        _load_text(it.loads),
        _ratio_text(it.loads),
        facts,
        _rows(it),
    )


def _morning_text(it: AthleteDays) -> str | None:
    found = it.mornings
    if found.source is None:
        return None
    week = float(found.week[-1])
    said = f"From {found.source}. " + (
        "Fewer than 3 of the last 7 days have a value, so there is no weekly mean."
        if math.isnan(week)
        else f"7-day mean {week:.2f}"
    )
    if not found.has_band:
        return (
            f"{said.rstrip('.')}. The own band is drawn once 14 days of the 60 before this week have a value."
        )
    lo, hi, side = found.band.lo, found.band.hi, found.band.side_of(week)
    where = {-1: ", below", 0: ", inside", 1: ", above"}.get(side if side is not None else 2, "")
    return f"{said.rstrip('.')}{where}; own band {lo:.2f} to {hi:.2f}, from {found.band.n} days."


def _resting_text(it: AthleteDays) -> str | None:
    found = it.resting
    if found.source is None:
        return None
    known = np.flatnonzero(np.isfinite(found.bpm))
    said = f"From {found.source}."
    if len(known):
        said += f" Last value {found.bpm[known[-1]]:.0f} bpm on {_short(it.days[int(known[-1])])}."
    if found.usual is not None:
        return f"{said} Usually {found.usual.level:.0f} bpm, give or take {found.usual.error:.1f}."
    return f"{said} What is usual is said once 14 days of the 60 before this week have a value."


def _load_text(loads: Loads) -> str | None:
    if loads.metric_id is None:
        return None
    week, before, text = float(loads.week_au[-1]), float(loads.week_au[-8]), metric("weekly_load").text
    said = f"Last 7 days {text(week)} ({int(loads.week_n[-1])}/7 days with data)"
    if not math.isnan(week) and not math.isnan(before):
        said += f", {'+' if week >= before else '−'}{text(abs(week - before))} against the 7 days before"
    if np.isfinite(loads.week_au).any():
        said += f"; largest 7 days in 12 weeks {text(float(np.nanmax(loads.week_au[-84:])))}"
    warming = " The chronic line begins after 28 days." if loads.is_warming_up else ""
    return f"{said}.{warming}"


def _ratio_text(loads: Loads) -> str:
    ratio = float(loads.uncoupled[-1])
    if math.isnan(ratio):
        return "Not defined yet: it needs 28 days, and load in the three weeks before the last one."
    return f"{ratio:.2f}: the mean day of the last week over the mean day of the three weeks before it."


def _rows(it: AthleteDays) -> tuple[tuple[str, ...], ...]:
    """The numbers behind the charts, the newest day first."""
    columns = (
        (it.mornings.ln_rmssd, 2), (it.mornings.week, 2), (it.resting.bpm, 0), (it.loads.daily_au, 0),
        (it.loads.acute_au, 0), (it.loads.chronic_au, 0),
    )  # fmt: skip
    return tuple(
        (_short(it.days[place]), *(_text(float(column[place]), digits) for column, digits in columns))
        for place in range(len(it.days) - 1, len(it.days) - 1 - LATELY, -1)
    )


def _short(day: date) -> str:
    return day.strftime("%-d %b")


def _text(value: float, digits: int) -> str:
    return "–" if math.isnan(value) else f"{value:.{digits}f}"


def _list(values: np.ndarray[Any, np.dtype[np.float64]], shown: int, digits: int) -> list[float | None]:
    return [None if math.isnan(it) else round(it, digits) for it in values[-shown:].tolist()]


@get("/athletes/{athlete_id:uuid}/days", include_in_schema=False)
async def days_section(
    request: AnyRequest,
    athlete_id: FromPath[UUID],
    ratio: Annotated[str, QueryParameter()] = "",
) -> Template:
    """The section; with `ratio=yes` the acute:chronic ratio too."""
    found = await _days(request, athlete_id)
    name = "_days.html" if is_fragment(request) else "days.html"
    return page(
        request,
        name,
        athlete=found.athlete,
        prompt=found.prompt,
        view=days_view(found),
        with_ratio=ratio == "yes",
    )


@get("/athletes/{athlete_id:uuid}/days.json", summary="An athlete's last weeks by day", tags=["athletes"])
async def days_series(request: AnyRequest, athlete_id: FromPath[UUID]) -> dict[str, Any]:
    """Variability and resting heart rate of 60 days, load of 28, oldest first; null for a day without."""
    it = await _days(request, athlete_id)
    band, usual = it.mornings.band if it.mornings.has_band else None, it.resting.usual
    days = [day.isoformat() for day in it.days]
    return {
        "mornings": {
            "days": days[-MORNINGS_SHOWN:],
            **_named("ln_rmssd", "ln_rmssd_week"),
            "ln_rmssd": _list(it.mornings.ln_rmssd, MORNINGS_SHOWN, 3),
            "week": _list(it.mornings.week, MORNINGS_SHOWN, 3),
            "band": None if band is None else [band.lo, band.hi],
        },
        "resting": {
            "days": days[-MORNINGS_SHOWN:],
            "bpm": _list(it.resting.bpm, MORNINGS_SHOWN, 1),
            "band": None if usual is None else [usual.level - usual.error, usual.level + usual.error],
        },
        "load": {
            "days": days[-LOADS_SHOWN:],
            "metric": it.loads.metric_id,
            **_named(it.loads.metric_id or "edwards_trimp", "acute_load", "chronic_load"),
            "daily": _list(it.loads.daily_au, LOADS_SHOWN, 1),
            "acute": _list(it.loads.acute_au, LOADS_SHOWN, 1),
            "chronic": _list(it.loads.chronic_au, LOADS_SHOWN, 1),
        },
    }


def _named(*metric_ids: str) -> dict[str, list[str]]:
    """What the series are, in the catalogue's words."""
    found = [metric(it) for it in metric_ids]
    return {
        "metrics": list(metric_ids),
        "names": [it.heading for it in found],
        "units": [it.unit for it in found],
    }


async def _days(request: AnyRequest, athlete_id: UUID) -> AthleteDays:
    parts = parts_of(request)
    today = local_day(parts.now_wall_ms())
    return await parts.database.read(lambda db: athlete_days(db, str(athlete_id), today))


HANDLERS = [days_section, days_series]
