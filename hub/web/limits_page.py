"""An athlete's limits and zones from a date: what holds, a change with its effect shown first, the history.

It applies nothing that was not shown; recomputing goes on behind the pages, with its progress on them.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template

from hub.analytics.effective import parameters_on
from hub.analytics.parameters import Parameters
from hub.domain import Athlete, Session
from hub.results import profiles
from hub.results.kept import kept_parameters, results_of
from hub.results.preview import Preview, numbers_of, preview, preview_removal
from hub.results.profiles import NewChange, athlete_parameters, base_of, local_day
from hub.results.recalculation import Progress
from hub.store import athletes, profile_changes, session_results, sessions
from hub.store.profile_changes import KeptChange
from hub.store.session_results import Held, KeptResult
from hub.web.auth import user_of
from hub.web.lactate_form import StagesInvalid, fitted
from hub.web.limits_form import CLEARABLE, HOWS, RATE_FIELDS, LimitsForm, read_form, typed_from
from hub.web.limits_view import (
    change_views,
    estimated_hr_max,
    preview_view,
    time_pieces,
    values_words,
    zone_picture,
    zones_words,
)
from hub.web.local_times import local_time
from hub.web.parts import parts_of
from hub.web.shell import SEE_OTHER, AnyRequest, Form, page, rounded

SUGGEST_DAYS = 365
UNITS = (
    ("", "As they are"),
    ("standard", "Five standard zones"),
    ("bpm", "Own edges in bpm"),
    ("%HRmax", "Own edges in % of HRmax"),
    ("%HRR", "Own edges in % of the reserve"),
    ("%LTHR", "Own edges in % of LTHR"),
)
SEXES = (("", "As it is"), ("F", "Female"), ("M", "Male"), ("U", "Not given"))


@dataclass(frozen=True, slots=True)
class _Standing:
    athlete: Athlete
    parameters: Parameters
    changes: list[KeptChange]
    held: Held | None


def _today(request: AnyRequest) -> date:
    return local_day(parts_of(request).now_wall_ms())


async def _standing(request: AnyRequest, athlete_id: str) -> _Standing:
    day = _today(request)
    since_ms = parts_of(request).now_wall_ms() - SUGGEST_DAYS * 86_400_000

    def question(db: sqlite3.Connection) -> _Standing:
        return _Standing(
            athletes.athlete(db, athlete_id),
            athlete_parameters(db, athlete_id, day),
            profile_changes.of_athlete(db, athlete_id),
            session_results.highest_held(db, athlete_id, since_ms),
        )

    return await parts_of(request).database.read(question)


async def _page(
    request: AnyRequest, athlete_id: str, typed: dict[str, str], faults: dict[str, str]
) -> Template:
    now, day = await _standing(request, athlete_id), _today(request)
    progress = await parts_of(request).progress()
    held = now.held
    hr_max = now.parameters.heart.hr_max_bpm
    return page(
        request,
        "limits.html",
        status=422 if faults else 200,
        athlete=now.athlete,
        parameters=now.parameters,
        zones=zone_picture(now.parameters),
        zones_words=zones_words(now.parameters.zones),
        history=change_views(now.changes),
        held=held if held is not None and (hr_max is None or held.bpm > hr_max) else None,
        held_day=None if held is None else local_day_of(held),
        estimate=estimated_hr_max(now.parameters, day),
        form=typed,
        forgotten={name for name in CLEARABLE if f"forget_{name}" in typed},
        faults=faults,
        rates=RATE_FIELDS,
        clearable=CLEARABLE,
        units=UNITS,
        sexes=SEXES,
        hows=HOWS,
        today=day.isoformat(),
        progress=progress if progress.is_running else Progress(),
    )


def local_day_of(held: Held) -> str:
    """The local day a rate was held on; empty for a time no calendar has."""
    at = local_time(held.started_at_ms, held.utc_offset_s)
    return "" if at is None else at.date().isoformat()


@get("/athletes/{athlete_id:uuid}/limits", include_in_schema=False)
async def limits_page(request: AnyRequest, athlete_id: FromPath[UUID]) -> Template:
    """What holds today, the form, and the history; a link may fill the form in."""
    typed = typed_from(dict(request.query_params), _today(request))
    return await _page(request, str(athlete_id), typed, {})


async def _judged(request: AnyRequest, athlete_id: str, data: Mapping[str, str]) -> LimitsForm:
    """The form with everything that is wrong with it."""
    day, form = _today(request), read_form(data, _today(request))
    new = form.new
    if new is None:
        return form
    if form.stages:
        then = await _then(request, athlete_id, new)
        try:
            fit = fitted(form.stages, then.heart, new.valid_from)
        except StagesInvalid as error:
            return LimitsForm(form.typed, new, {"stages": str(error)})
        new = replace(new, fields={**new.fields, "lactate": fit})
    wrong = await parts_of(request).database.read(lambda db: profiles.faults(db, athlete_id, new, day))
    return LimitsForm(form.typed, new, wrong)


async def _then(request: AnyRequest, athlete_id: str, new: NewChange) -> Parameters:
    """What would hold on the change's day."""
    now = await _standing(request, athlete_id)
    changes = [*profiles.changes_of(now.changes), new.as_change("new", 2**53)]
    return parameters_on(base_of(now.athlete), changes, new.valid_from)


@get("/athletes/{athlete_id:uuid}/limits/zones", include_in_schema=False)
async def limits_zones(request: AnyRequest, athlete_id: FromPath[UUID]) -> Template:
    """The zones the form would give, as a picture; what is half typed is passed over."""
    form = read_form(dict(request.query_params), _today(request))
    if form.new is not None:
        then = await _then(request, str(athlete_id), form.new)
    else:
        then = (await _standing(request, str(athlete_id))).parameters
    return page(request, "_zones.html", zones=zone_picture(then), zones_words=zones_words(then.zones))


@post("/athletes/{athlete_id:uuid}/limits/preview", status_code=200, include_in_schema=False)
async def preview_change(request: AnyRequest, athlete_id: FromPath[UUID], data: Form) -> Template:
    """What the change would do; nothing is written."""
    form = await _judged(request, str(athlete_id), data)
    new, parts = form.new, parts_of(request)
    if form.faults or new is None:
        return await _page(request, str(athlete_id), form.typed, form.faults)
    at_ms = parts.now_wall_ms()

    def question(db: sqlite3.Connection) -> tuple[Athlete, Preview]:
        return athletes.athlete(db, str(athlete_id)), preview(db, str(athlete_id), new, at_ms)

    athlete, found = await parts.database.read(question)
    return page(
        request,
        "limits_preview.html",
        athlete=athlete,
        title="Preview",
        lead=f"From {new.valid_from.isoformat()}: {values_words(dict(new.fields))}",
        preview=preview_view(found),
        hidden={name: text for name, text in form.typed.items() if text},
        action=f"/athletes/{athlete_id}/limits",
        verb="Apply",
    )


@post("/athletes/{athlete_id:uuid}/limits", include_in_schema=False)
async def apply_change(request: AnyRequest, athlete_id: FromPath[UUID], data: Form) -> Response[Any]:
    """Record the change; the sessions it touches are recomputed from here on."""
    form = await _judged(request, str(athlete_id), data)
    if form.faults or form.new is None:
        return await _page(request, str(athlete_id), form.typed, form.faults)
    user = user_of(request)
    await parts_of(request).actions.change_values(str(athlete_id), form.new, user.name if user else "")
    return Redirect(f"/athletes/{athlete_id}/limits", status_code=SEE_OTHER)


@get("/athletes/{athlete_id:uuid}/limits/{change_id:uuid}/undo", include_in_schema=False)
async def preview_undo(
    request: AnyRequest, athlete_id: FromPath[UUID], change_id: FromPath[UUID]
) -> Template:
    """What taking a change back would do."""

    def question(db: sqlite3.Connection) -> tuple[Athlete, KeptChange, Preview]:
        kept = profile_changes.change(db, str(change_id))
        return athletes.athlete(db, kept.athlete_id), kept, preview_removal(db, str(change_id))

    athlete, kept, found = await parts_of(request).database.read(question)
    (view,) = change_views([kept])
    return page(
        request,
        "limits_preview.html",
        athlete=athlete,
        title="Preview: undo",
        lead=f"Take back what was set from {kept.doc['valid_from']}: {view.words}",
        preview=preview_view(found),
        hidden={},
        action=f"/athletes/{athlete_id}/limits/{change_id}/undo",
        verb="Undo this change",
    )


@post("/athletes/{athlete_id:uuid}/limits/{change_id:uuid}/undo", include_in_schema=False)
async def undo_change(
    request: AnyRequest, athlete_id: FromPath[UUID], change_id: FromPath[UUID]
) -> Response[Any]:
    """Take a change back."""
    await parts_of(request).actions.set_change_removed(str(change_id), True)
    return Redirect(f"/athletes/{athlete_id}/limits", status_code=SEE_OTHER)


@post("/athletes/{athlete_id:uuid}/limits/{change_id:uuid}/restore", include_in_schema=False)
async def restore_change(
    request: AnyRequest, athlete_id: FromPath[UUID], change_id: FromPath[UUID]
) -> Response[Any]:
    """Put back a change that was taken back."""
    await parts_of(request).actions.set_change_removed(str(change_id), False)
    return Redirect(f"/athletes/{athlete_id}/limits", status_code=SEE_OTHER)


@get("/recalculation", include_in_schema=False)
async def recalculation(request: AnyRequest) -> Template:
    """How far the recomputing is, asked again while it runs."""
    return page(request, "_recalculation.html", progress=await parts_of(request).progress())


@dataclass(frozen=True, slots=True)
class EarlierView:
    """One set of kept results in words."""

    kept: KeptResult
    banister: str
    edwards: str
    zones: Any
    inputs: str


def earlier_view(kept: KeptResult) -> EarlierView:
    """A kept result as a line of the table."""
    numbers, its = numbers_of(results_of(kept.new.results)), kept_parameters(kept)
    known = {"hr_max_bpm": its.heart.hr_max_bpm, "hr_rest_bpm": its.heart.hr_rest_bpm, "zones": its.zones}
    words = values_words({**known, "sex": its.heart.sex})
    guessed = ", ".join(sorted(name.split("_bpm")[0].replace("_", "") for name in its.estimated))
    return EarlierView(
        kept,
        rounded(numbers.banister_au),
        rounded(numbers.edwards_au),
        time_pieces(numbers.zone_s),
        f"{words} (estimated: {guessed})" if guessed else words,
    )


@get("/sessions/{session_id:uuid}/athletes/{athlete_id:uuid}/earlier", include_in_schema=False)
async def earlier_values(
    request: AnyRequest, session_id: FromPath[UUID], athlete_id: FromPath[UUID]
) -> Template:
    """Everything that was ever computed of one athlete in one session, newest first."""

    def question(db: sqlite3.Connection) -> tuple[Session, Athlete, list[KeptResult]]:
        return (
            sessions.session(db, str(session_id)),
            athletes.athlete(db, str(athlete_id)),
            session_results.history(db, str(session_id), str(athlete_id)),
        )

    session, athlete, rows = await parts_of(request).database.read(question)
    views = [earlier_view(row) for row in rows]
    versions = {row.result_id: json.loads(row.new.versions).get("banister_trimp", "") for row in rows}
    return page(request, "earlier.html", session=session, athlete=athlete, rows=views, versions=versions)


HANDLERS = [
    limits_page,
    limits_zones,
    preview_change,
    apply_change,
    preview_undo,
    undo_change,
    restore_change,
    recalculation,
    earlier_values,
]
