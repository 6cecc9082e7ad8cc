"""Editing an athlete online: one form, which sets only what was changed on it.

The hubs get it with the feed. What a hub changes meanwhile and the form did not show is said, and never
overwritten unseen.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from cloud import edits, fence
from cloud.clock import now_ms
from cloud.errors import AthleteErased, NotThere
from cloud.store import feed
from cloud.store.database import Connection
from cloud.web.met_page import name_of
from cloud.web.shell import (
    PageMissing,
    PageRequest,
    check_origin,
    coach_of,
    on_arrival,
    page,
    parts_of,
)

SEXES = (("U", "Not given"), ("F", "Female"), ("M", "Male"))
NUMBERS = {"shirt_number": (0, 999), "hr_max_bpm": (120, 240), "hr_rest_bpm": (25, 120)}
MOST_NAME = 80
BLANKS = "\u115f\u1160\u2800\u3164\uffa0"
"""Counted among letters and signs, and drawn as nothing."""


class AthleteForm(Struct, frozen=True):
    """What the form sends: each field as typed, and as it was shown."""

    name: str = ""
    shirt_number: str = ""
    sex: str = "U"
    hr_max_bpm: str = ""
    hr_rest_bpm: str = ""
    is_active: str = ""
    was_name: str | None = None
    was_shirt_number: str | None = None
    was_sex: str | None = None
    was_hr_max_bpm: str | None = None
    was_hr_rest_bpm: str | None = None
    was_is_active: str | None = None


FIELDS = ("name", "shirt_number", "sex", "hr_max_bpm", "hr_rest_bpm", "is_active")


def texts(doc: dict[str, Any]) -> dict[str, str]:
    """A record as the form's texts."""

    def text(name: str) -> str:
        return "" if doc.get(name) is None else str(doc[name])

    plain = {name: text(name) for name in FIELDS}
    return plain | {"sex": doc.get("sex") or "U", "is_active": "yes" if doc.get("is_active", True) else ""}


def read(form: AthleteForm, standing: dict[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The fields that were changed, as a record's values, and what is wrong by field."""
    fields: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for name in FIELDS:
        typed = getattr(form, name).strip()
        shown = standing[name] if getattr(form, f"was_{name}") is None else getattr(form, f"was_{name}")
        if typed in (shown, standing[name]):
            continue
        value, fault = _value(name, typed)
        if fault is None and standing[name] != shown:
            fault = f"This was set to “{standing[name] or 'no'}” while you typed. Save again to use yours."
        if fault is not None:
            faults[name] = fault
        fields[name] = value
    most, rest = (_whole(getattr(form, name)) for name in ("hr_max_bpm", "hr_rest_bpm"))
    if most is not None and rest is not None and rest >= most:
        faults.setdefault("hr_rest_bpm", "The resting heart rate must be below HRmax.")
    return fields, faults


def _value(name: str, typed: str) -> tuple[Any, str | None]:
    if name == "name":
        if typed and not _can_be_seen(typed):
            return typed, "Nothing of this name can be seen. Give one with letters."
        return typed, None if 0 < len(typed) <= MOST_NAME else f"Give a name of 1 to {MOST_NAME} characters."
    if name == "is_active":
        return typed == "yes", None
    if name == "sex":
        known = typed in {value for value, _ in SEXES}
        return typed, None if known else "Choose one of the list."
    low, high = NUMBERS[name]
    number = _whole(typed)
    if typed and (number is None or not low <= number <= high):
        return None, f"Give a whole number from {low} to {high}, or leave it empty."
    return number, None


def _can_be_seen(text: str) -> bool:
    """Whether anything in it is drawn: not spaces, joiners, lone marks or blank letters alone."""
    return any(unicodedata.category(it)[0] in "LNPS" and it not in BLANKS for it in text)


def _whole(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else None


async def _standing(request: PageRequest, club_id: str, athlete_id: str) -> dict[str, str]:
    try:
        async with parts_of(request).database.transaction() as db:
            record = await edits.record(db, club_id, "athlete", athlete_id.replace("\0", ""))
    except NotThere as error:
        raise PageMissing("athlete") from error
    return texts(record.doc)


@dataclass(frozen=True, slots=True)
class Saving:
    """What became of a form: `fields` are set, unless `faults` says what is wrong, by field."""

    standing: dict[str, str]
    fields: dict[str, Any]
    faults: dict[str, str]


async def save(
    db: Connection, club_id: str, athlete_id: str, form: AthleteForm, by: str, at_ms: int
) -> Saving:
    """Set what was changed on the form, inside the caller's transaction. Raises NotThere or EditRefused.

    What stands is compared with what the form showed while nobody else can write it.
    """
    await fence.hold_erasures(db, club_id)
    if await edits.is_erased(db, club_id, athlete_id):
        raise AthleteErased()
    await feed.lock_records(db, club_id, [("athlete", athlete_id)])
    standing = texts((await edits.record(db, club_id, "athlete", athlete_id)).doc)
    fields, faults = read(form, standing)
    if fields and not faults:
        await edits.make(db, club_id, [edits.Edit("athlete", athlete_id, fields)], by, at_ms)
    return Saving(standing, fields, faults)


@get("/athletes/{athlete_id:str}/edit", include_in_schema=False)
async def edit_page(request: PageRequest, athlete_id: FromPath[str]) -> Response[str]:
    coach = await coach_of(request)
    form = await _standing(request, coach.club_id, athlete_id)
    return page(
        "athlete_form.html", coach=coach, here="athletes", athlete_id=athlete_id, form=form, was=form,
        faults={}, sexes=SEXES,
    )  # fmt: skip


@post("/athletes/{athlete_id:str}/edit", include_in_schema=False, status_code=200)
async def edit(
    request: PageRequest, athlete_id: FromPath[str], data: URLEncodedBody[AthleteForm]
) -> Response[str] | Redirect:
    check_origin(request)
    coach = await coach_of(request)
    try:
        async with parts_of(request).database.transaction() as db:
            key = athlete_id.replace("\0", "")
            saving = await save(db, coach.club_id, key, data, name_of(coach), now_ms())
    except NotThere as error:
        raise PageMissing("athlete") from error
    if saving.faults:
        form = {name: getattr(data, name).strip() for name in FIELDS}
        return page(
            "athlete_form.html", status=422, coach=coach, here="athletes", athlete_id=athlete_id,
            form=form, was=saving.standing, faults=saving.faults, sexes=SEXES,
        )  # fmt: skip
    if saving.fields:
        on_arrival(request)
    return Redirect(f"/athletes/{athlete_id}", status_code=303)


HANDLERS = [edit_page, edit]
