"""Work done in a session: distance, fast running and hard changes of speed for everyone with motion.

A fragment of the session's page; who has no motion has no row, and without any there is nothing at all.
"""

from __future__ import annotations

import sqlite3
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect, Template

from hub.analytics.errors import OutOfRange
from hub.analytics.external import MAX_SPEED_M_S
from hub.analytics.external_load import SpeedLimits
from hub.domain import Athlete, Session
from hub.results.external import ExternalRow, external_table
from hub.results.speeds import SpeedSettings, save_limits, save_tops, speed_settings
from hub.store import athletes, sessions
from hub.web.external_view import external_view, limits_text
from hub.web.parts import parts_of
from hub.web.shell import SEE_OTHER, AnyRequest, Form, is_fragment, page

METRICS = (
    "distance", "high_speed_distance", "high_speed_bouts", "sprint_distance", "sprints", "own_sprints",
    "top_speed", "accelerations", "decelerations",
)  # fmt: skip
LIMIT_FIELDS = {
    "high_speed_m_s": ("High speed from", "m/s", 2.0, 10.0),
    "sprint_m_s": ("Sprints from", "m/s", 3.0, 11.0),
    "own_share": ("Own sprints from", "% of own top speed", 50.0, 100.0),
    "hard_m_s2": ("Hard acceleration from", "m/s²", 1.0, 6.0),
}
PERCENT = 100.0

WORK = "/sessions/{session_id:uuid}/work"


@get(WORK, include_in_schema=False)
async def work_done(
    request: AnyRequest,
    session_id: FromPath[UUID],
    power: Annotated[str, QueryParameter()] = "",
) -> Template:
    """The table, with metabolic power only where it is asked for."""
    return await _work(request, session_id, with_power=power == "yes")


async def _work(request: AnyRequest, session_id: UUID, *, with_power: bool = False) -> Template:
    def question(db: sqlite3.Connection) -> tuple[Session, SpeedSettings, list[ExternalRow]]:
        session, settings = sessions.session(db, str(session_id)), speed_settings(db)
        rows = external_table(db, str(session_id), settings.tops_m_s, settings.limits, with_power=with_power)
        return session, settings, rows

    session, settings, rows = await parts_of(request).database.read(question)
    return page(
        request,
        "_work.html" if is_fragment(request) else "work.html",
        session=session,
        views=[external_view(row, settings) for row in rows],
        limits=limits_text(settings.limits),
        metrics=METRICS,
        with_power=with_power,
        has_places=any(row.has_places for row in rows),
    )


@get("/speeds", include_in_schema=False)
async def speeds_page(
    request: AnyRequest, session: Annotated[UUID | None, QueryParameter()] = None
) -> Template:
    """The club's limits and everyone's confirmed top speed."""
    _, settings = await _known(request)
    return await _speeds_page(request, _typed(settings), {}, None if session is None else str(session))


@post("/speeds", include_in_schema=False)
async def save_speeds(request: AnyRequest, data: Form) -> Response[Any]:
    """Keep the limits and top speeds, or show what is wrong; `session` is where to go back to."""
    people, _ = await _known(request)
    back = _session_id(data)
    typed = {name: data.get(name, "").strip() for name in [*LIMIT_FIELDS, *(_top(it) for it in people)]}
    numbers: dict[str, float | None] = {}
    faults: dict[str, str] = {}
    for name, text in typed.items():
        _, unit, low, high = LIMIT_FIELDS.get(name, ("The top speed", "m/s", 3.0, MAX_SPEED_M_S))
        numbers[name] = _number(text)
        if (text or name in LIMIT_FIELDS) and not low <= (numbers[name] or 0.0) <= high:
            faults[name] = f"Give a number from {low:g} to {high:g} {unit}."
    limits: SpeedLimits | None = None
    if not faults:
        try:
            limits = _limits(numbers)
        except OutOfRange:
            faults["sprint_m_s"] = "Sprints must begin above high speed."
    if limits is None:
        return await _speeds_page(request, typed, faults, back)
    tops = {it.athlete_id: numbers[_top(it)] for it in people}
    kept = limits

    def change(db: sqlite3.Connection) -> None:
        save_limits(db, kept)
        save_tops(db, tops)

    await parts_of(request).database.write(change)
    return Redirect(f"/sessions/{back}" if back else "/speeds", status_code=SEE_OTHER)


@post(f"{WORK}/top", include_in_schema=False)
async def confirm_top(request: AnyRequest, session_id: FromPath[UUID], data: Form) -> Response[Any]:
    """Take an athlete's top speed of this session, as it was computed, for their own from now on."""
    who = data.get("athlete_id", "")

    def change(db: sqlite3.Connection) -> None:
        athletes.athlete(db, who)
        settings = speed_settings(db)
        for row in external_table(db, str(session_id), settings.tops_m_s, settings.limits):
            view = external_view(row, settings)
            if row.athlete.athlete_id == who and view.new_top_m_s is not None:
                save_tops(db, {who: round(view.new_top_m_s, 2)})

    await parts_of(request).database.write(change)
    if is_fragment(request):
        return await _work(request, session_id)
    return Redirect(f"/sessions/{session_id}", status_code=SEE_OTHER)


async def _known(request: AnyRequest) -> tuple[list[Athlete], SpeedSettings]:
    return await parts_of(request).database.read(lambda db: (athletes.all_athletes(db), speed_settings(db)))


async def _speeds_page(
    request: AnyRequest, typed: dict[str, str], faults: dict[str, str], back: str | None
) -> Template:
    people, settings = await _known(request)
    fields = [(name, label, unit) for name, (label, unit, _, _) in LIMIT_FIELDS.items()]
    return page(
        request,
        "speeds.html",
        status=422 if faults else 200,
        fields=fields,
        people=[(_top(it), it) for it in people],
        typed=typed,
        faults=faults,
        back=back,
        limits=limits_text(settings.limits),
    )


def _typed(settings: SpeedSettings) -> dict[str, str]:
    limits = settings.limits
    typed = {name: f"{getattr(limits, name):g}" for name in LIMIT_FIELDS}
    typed["own_share"] = f"{PERCENT * limits.own_share:g}"
    return typed | {f"top-{who}": f"{top:g}" for who, top in settings.tops_m_s.items()}


def _limits(numbers: dict[str, float | None]) -> SpeedLimits:
    given = {name: value for name in LIMIT_FIELDS if (value := numbers[name]) is not None}
    return SpeedLimits(**given | {"own_share": given["own_share"] / PERCENT})


def _top(athlete: Athlete) -> str:
    return f"top-{athlete.athlete_id}"


def _number(text: str) -> float | None:
    """A plain decimal number, with a point or a comma."""
    plain = text.replace(",", ".", 1)
    if not plain.isascii() or not plain.replace(".", "", 1).isdigit() or len(plain) > 8:
        return None
    return float(plain)


def _session_id(data: dict[str, str]) -> str | None:
    try:
        return str(UUID(data.get("session", "")))
    except ValueError:
        return None


HANDLERS = [work_done, speeds_page, save_speeds, confirm_top]
