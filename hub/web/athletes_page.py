"""Athletes: the list, and one form that adds or edits.

It checks what a person can mistype; whether an edit is kept is the store's and the cloud's business.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template

from hub.analytics.profile import Sex
from hub.domain import Athlete
from hub.results.profiles import athletes_on, local_day
from hub.store import athletes, profile_changes, straps
from hub.web.auth import user_of
from hub.web.conflicts_page import just_settled, views
from hub.web.parts import parts_of
from hub.web.shell import SEE_OTHER, AnyRequest, Form, page
from hub.web.typed import is_unseen

SEXES = ((Sex.UNKNOWN, "Not given"), (Sex.FEMALE, "Female"), (Sex.MALE, "Male"))


@dataclass(frozen=True, slots=True)
class AthleteForm:
    """What was typed, as typed, and what is wrong with it by field."""

    typed: dict[str, str]
    fields: dict[str, object]
    faults: dict[str, str]


def _whole(text: str, low: int, high: int) -> tuple[int | None, str | None]:
    """A whole number in a range, None for empty, or the fault as a sentence."""
    if not text:
        return None, None
    if not text.isascii() or not text.isdigit() or not low <= int(text[:6]) <= high:
        return None, f"Give a whole number from {low} to {high}, or leave it empty."
    return int(text), None


def read_form(data: dict[str, str]) -> AthleteForm:
    """Turn the form into a record's fields, or into faults to show."""
    typed = {key: data.get(key, "").strip() for key in ("name", "shirt_number", "sex", "hr_max", "hr_rest")}
    typed["is_active"] = "yes" if "is_active" in data else ""
    number, number_fault = _whole(typed["shirt_number"], 0, 999)
    hr_max, max_fault = _whole(typed["hr_max"], 120, 240)
    hr_rest, rest_fault = _whole(typed["hr_rest"], 25, 120)
    if hr_max is not None and hr_rest is not None and hr_rest >= hr_max:
        rest_fault = "The resting heart rate must be below HRmax."
    name_fault = "Give the athlete's name." if is_unseen(typed["name"]) else None
    if len(typed["name"]) > 80:
        name_fault = "The name may have at most 80 characters."
    found = {"name": name_fault, "shirt_number": number_fault, "hr_max": max_fault, "hr_rest": rest_fault}
    sex = typed["sex"] if typed["sex"] in {known.value for known in Sex} else Sex.UNKNOWN.value
    fields: dict[str, object] = {
        "name": typed["name"],
        "shirt_number": number,
        "sex": sex,
        "hr_max_bpm": hr_max,
        "hr_rest_bpm": hr_rest,
        "is_active": typed["is_active"] == "yes",
    }
    return AthleteForm(typed, fields, {field: said for field, said in found.items() if said})


FIELD_OF = {"hr_max": "hr_max_bpm", "hr_rest": "hr_rest_bpm"}


def changed(form: AthleteForm, data: dict[str, str], now: Athlete) -> AthleteForm:
    """Only what was changed on the form, so that nothing set elsewhere meanwhile is put back.

    A field that both were changed is a fault, which says so once: saving again means it.
    """
    standing = typed_from(now)
    shown = {key: data.get(f"was_{key}", standing[key]) for key in standing}
    fields, faults = {}, dict(form.faults)
    for key, typed in form.typed.items():
        if typed == shown[key] or typed == standing[key]:
            continue
        fields[FIELD_OF.get(key, key)] = form.fields[FIELD_OF.get(key, key)]
        if standing[key] != shown[key] and key not in faults:
            value = standing[key] or "no"
            faults[key] = f"This was set to “{value}” while you typed. Save again to use yours."
    return AthleteForm(form.typed, fields, faults)


def typed_from(athlete: Athlete | None) -> dict[str, str]:
    """The form's texts for an athlete, or an empty form for a new one."""
    if athlete is None:
        return dict.fromkeys(("name", "shirt_number", "hr_max", "hr_rest"), "") | {
            "sex": "U",
            "is_active": "yes",
        }

    def text(value: int | None) -> str:
        return "" if value is None else str(value)

    return {
        "name": athlete.name,
        "shirt_number": text(athlete.shirt_number),
        "sex": athlete.sex.value,
        "hr_max": text(athlete.hr_max_bpm),
        "hr_rest": text(athlete.hr_rest_bpm),
        "is_active": "yes" if athlete.is_active else "",
    }


async def _form_page(
    request: AnyRequest,
    athlete_id: str | None,
    form: dict[str, str],
    faults: dict[str, str],
    was: dict[str, str] | None = None,
) -> Template:
    kept = await parts_of(request).database.read(lambda db: profile_changes.of_athlete(db, athlete_id or ""))
    days = [it.doc["valid_from"] for it in kept if not it.is_removed]
    met = await views(parts_of(request), ("athlete", athlete_id)) if athlete_id else []
    return page(
        request,
        "athlete.html",
        status=422 if faults else 200,
        athlete_id=athlete_id,
        form=form,
        faults=faults,
        sexes=SEXES,
        first_change=min(days, default=None),
        was=was or form,
        met=[it for it in met if not it.outcome],
        settled=await just_settled(request, athlete_id) if met else None,
        has_met=bool(met),
    )


@get("/athletes", include_in_schema=False)
async def athlete_list(request: AnyRequest) -> Template:
    """Everybody with today's limits, the inactive ones last."""
    today = local_day(parts_of(request).now_wall_ms())

    def question(db: sqlite3.Connection) -> tuple[list[Athlete], dict[str, str]]:
        worn = {s.athlete_id: s.name for s in straps.all_straps(db) if s.athlete_id}
        return athletes_on(db, today, include_inactive=True), worn

    people, worn = await parts_of(request).database.read(question)
    ordered = sorted(people, key=lambda athlete: not athlete.is_active)
    return page(request, "athletes.html", athletes=ordered, worn=worn)


@get("/athletes/new", include_in_schema=False)
async def new_athlete(request: AnyRequest) -> Template:
    """An empty form."""
    return await _form_page(request, None, typed_from(None), {})


@post("/athletes/new", include_in_schema=False)
async def add_athlete(request: AnyRequest, data: Form) -> Response[Any]:
    """Add, or show what is wrong; `again` keeps the form open for the next one."""
    form = read_form(data)
    if form.faults:
        return await _form_page(request, None, form.typed, form.faults)
    user = user_of(request)
    await parts_of(request).actions.save_athlete(None, form.fields, by=user.name if user else "")
    return Redirect("/athletes/new" if "again" in data else "/athletes", status_code=SEE_OTHER)


@get("/athletes/{athlete_id:uuid}", include_in_schema=False)
async def athlete_form(request: AnyRequest, athlete_id: FromPath[UUID]) -> Template:
    """One athlete's form."""
    athlete = await parts_of(request).database.read(lambda db: athletes.athlete(db, str(athlete_id)))
    return await _form_page(request, athlete.athlete_id, typed_from(athlete), {})


@post("/athletes/{athlete_id:uuid}", include_in_schema=False)
async def edit_athlete(request: AnyRequest, athlete_id: FromPath[UUID], data: Form) -> Response[Any]:
    """Save, or show what is wrong."""
    parts, pk, user = parts_of(request), str(athlete_id), user_of(request)
    now = await parts.database.read(lambda db: athletes.athlete(db, pk))
    form = changed(read_form(data), data, now)
    if form.faults:
        return await _form_page(request, pk, form.typed, form.faults, typed_from(now))
    await parts.actions.save_athlete(pk, form.fields, by=user.name if user else "")
    return Redirect("/athletes", status_code=SEE_OTHER)


HANDLERS = [athlete_list, new_athlete, add_athlete, athlete_form, edit_athlete]
