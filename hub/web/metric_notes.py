"""How a number is computed: formula, source and limits, and what it rests on for everyone in one session.

It explains and edits nothing; the words are the catalogue's.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.params import FromPath, QueryParameter
from litestar.response import Template

from hub.analytics.catalogue import METRICS, ZONE_PREFIX, metric
from hub.analytics.doubt import doubt_text, doubtful_share
from hub.analytics.errors import UnknownMetric
from hub.analytics.external_results import external_results
from hub.analytics.flags import Flag
from hub.analytics.metric import Family
from hub.analytics.result import Parameter, Result
from hub.errors import NotFound
from hub.results.external import external_table
from hub.results.heart import TESTS, HeartTest, heart_table
from hub.results.kept import outcomes
from hub.results.speeds import speed_settings
from hub.store import athletes, boots, sessions
from hub.wearing.judgement import session_trust
from hub.web.parts import parts_of
from hub.web.shell import AnyRequest, is_fragment, minutes_text, page

WORDS = {
    "hr_max_bpm": ("HRmax", "bpm"),
    "hr_rest_bpm": ("HRrest", "bpm"),
    "vt1_bpm": ("VT1", "bpm"),
    "vt2_bpm": ("VT2", "bpm"),
    "lthr_bpm": ("LTHR", "bpm"),
    "mass_kg": ("mass", "kg"),
    "age_years": ("age", "years"),
    "high_speed_m_s": ("high speed from", "m/s"),
    "sprint_m_s": ("sprints from", "m/s"),
    "hard_m_s2": ("from", "m/s²"),
    "own_top_m_s": ("own top speed", "m/s"),
    "share": ("share of it", ""),
}
ONE_ZONE_ONLY = {"zone", "from_bpm", "to_bpm"}


@dataclass(frozen=True, slots=True)
class UsedView:
    """What one athlete's number rests on, in words."""

    name: str
    value: str
    inputs: str
    coverage: str
    notes: str


def value_text(result: Result) -> str:
    """The value as a coach reads it; a band where no single value is known, a dash where none."""
    if result.value is None:
        return "–" if result.band is None else f"{result.band[0]:.0f} to {result.band[1]:.0f} {result.unit}"
    if result.unit == "s":
        return minutes_text(result.value)
    if result.unit == "1":
        return f"{result.value:.2f}"
    if result.unit in ("m/s", "W/kg"):
        return f"{result.value:.2f} {result.unit}"
    return f"{result.value:.0f}{result.unit if result.unit == '%' else f' {result.unit}'}"


def input_text(name: str, value: Parameter, estimated: Sequence[str] = ()) -> str:
    """HRmax 195 bpm; an estimated one says so."""
    word, unit = WORDS.get(name, (name, ""))
    number = f"{value:.4g}" if isinstance(value, float) else str(value)
    guessed = " (estimated)" if name in estimated else ""
    return f"{word} {number}{f' {unit}' if unit else ''}{guessed}"


def used_view(name: str, results: Sequence[Result], doubt: str = "") -> UsedView:
    """One athlete's line out of one result, or out of all zones; `doubt` stands beside the coverage."""
    first = results[0]
    values = [value_text(it) for it in results]
    if first.metric_id.startswith(ZONE_PREFIX) and first.value is not None:
        values = [f"Z{zone} {text}" for zone, text in enumerate(values) if results[zone].value]
    hidden = ONE_ZONE_ONLY if len(results) > 1 else ()
    shared = [(key, value) for key, value in first.parameters if key not in hidden]
    covered = "" if first.coverage is None else f"{100 * first.coverage:.0f}%"
    flags: list[Flag] = list(dict.fromkeys(flag for it in results for flag in it.flags))
    return UsedView(
        name=name,
        value=" · ".join(values) if first.value is not None else values[0],
        inputs=", ".join(input_text(key, value, first.estimated) for key, value in shared) or "–",
        coverage="–" if first.coverage is None else ", ".join(filter(None, (covered, doubt))),
        notes="; ".join(flags),
    )


def _used(db: sqlite3.Connection, session_id: str, metric_id: str, now_mono_ms: int) -> list[UsedView]:
    """A line for everyone who wore a strap and has this metric. Raises NotFound."""
    if metric(metric_id).family is Family.EXTERNAL:
        return _used_motion(db, session_id, metric_id)
    if metric_id in TESTS:
        return _used_tests(db, session_id, metric_id, now_mono_ms)
    session = sessions.session(db, session_id)
    until = None
    if session.is_live:
        until = now_mono_ms + boots.shift_ms(db, boots.newest(db), session.boot_no)
    made = {it.athlete_id: it for it in outcomes(db, session, until)}
    trusts = session_trust(db, session)
    found = []
    for athlete in athletes.all_athletes(db, include_inactive=True):
        its = made.get(athlete.athlete_id)
        results = () if its is None else its.results
        wanted = [it for it in results if it.metric_id == metric_id or _is_zone(it.metric_id, metric_id)]
        if its is not None and wanted:
            doubtful_ms = trust.doubtful_ms if (trust := trusts.get(athlete.athlete_id)) else None
            doubt = doubt_text(doubtful_share(doubtful_ms, its.histogram.covered_s))
            found.append(used_view(athlete.name, wanted, doubt))
    return found


def _used_tests(db: sqlite3.Connection, session_id: str, metric_id: str, now_mono_ms: int) -> list[UsedView]:
    """The same for a test, of everyone whose stop was marked in the session."""
    rows = heart_table(db, session_id, now_mono_ms, HeartTest()).rows
    return [
        replace(
            used_view(row.athlete.name, [row.results[metric_id]]),
            inputs=f"stop at {minutes_text(row.stop_s)}",
        )
        for row in rows
        if metric_id in row.results and row.stop_s is not None
    ]


def _used_motion(db: sqlite3.Connection, session_id: str, metric_id: str) -> list[UsedView]:
    """The same for a metric of external load and everyone with motion."""
    settings = speed_settings(db)
    limits, tops = settings.limits, settings.tops_m_s
    found = []
    for row in external_table(db, session_id, tops, limits, with_power=metric_id == "metabolic_power"):
        own_top = tops.get(row.athlete.athlete_id)
        results = external_results(row.load, limits, own_top, row.power)
        wanted = [it for it in results if it.metric_id == metric_id]
        found += [used_view(row.athlete.name, wanted)] if wanted else []
    return found


def _is_zone(metric_id: str, wanted: str) -> bool:
    return wanted == ZONE_PREFIX and metric_id.startswith(f"{ZONE_PREFIX}_")


@get("/metrics", include_in_schema=False)
async def metric_list(request: AnyRequest) -> Template:
    """Every metric by family."""
    families = [(family.capitalize(), [it for it in METRICS if it.family is family]) for family in Family]
    return page(request, "metrics.html", families=families)


@get("/metrics/{metric_id:str}", include_in_schema=False)
async def metric_page(
    request: AnyRequest,
    metric_id: FromPath[str],
    session: Annotated[UUID | None, QueryParameter()] = None,
) -> Template:
    """One metric in full; for htmx the part about one session. Raises NotFound."""
    try:
        chosen = metric(metric_id)
    except UnknownMetric:
        raise NotFound(f"metric {metric_id}.") from None
    parts = parts_of(request)
    used: list[UsedView] = []
    if session is not None:
        now_mono_ms = parts.now_mono_ms()
        used = await parts.database.read(lambda db: _used(db, str(session), metric_id, now_mono_ms))
    template = "_metric_used.html" if is_fragment(request) else "metric.html"
    return page(request, template, it=chosen, used=used)


HANDLERS = [metric_list, metric_page]
