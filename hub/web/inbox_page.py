"""The inbox: people whose data came in and whom nobody knows yet, each given to an athlete by a human.

It only suggests; nothing here assigns by likeness.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any

from litestar import Response, get, post
from litestar.response import Redirect, Template

from hub.analytics.profile import Sex
from hub.domain import Athlete
from hub.errors import ActionRefused
from hub.imports import inbox
from hub.imports.inbox import Given
from hub.imports.whose import Waiting
from hub.store import athletes, imports, sources
from hub.web.parts import parts_of
from hub.web.shell import SEE_OTHER, AnyRequest, Form, is_fragment, page

LONGEST_NAME = 80
MOST_FILES = 3


@dataclass(frozen=True, slots=True)
class PersonView:
    """Somebody who waits: what they are known by, and when and in which files they were seen."""

    it: Waiting
    known_by: tuple[str, ...]
    first_ms: int | None
    last_ms: int | None
    utc_offset_s: int
    files: tuple[str, ...]
    n_more_files: int

    @property
    def is_nameless(self) -> bool:
        """Whether nothing in the file says who it is, so that nothing could be remembered."""
        return self.it.key.startswith("file:")


@dataclass(frozen=True, slots=True)
class InboxView:
    """Everybody who waits, and everybody they could be."""

    people: list[PersonView]
    athletes: list[Athlete]


def inbox_view(db: sqlite3.Connection) -> InboxView:
    """The inbox with the files that brought it."""
    rows = {it.source_id: it for it in sources.waiting(db)}
    people = [_person(db, it, rows) for it in inbox.inbox(db)]
    return InboxView(people, athletes.all_athletes(db))


def _person(db: sqlite3.Connection, it: Waiting, rows: dict[str, sources.SourceRow]) -> PersonView:
    mine = [rows[key] for key in it.source_ids if key in rows]
    person = it.person
    named = [("account", person.account), ("device serial", person.device_serial)]
    files = list(dict.fromkeys(row.import_id for row in mine))
    return PersonView(
        it,
        tuple(f"{word} {value}" for word, value in named if value),
        min((row.started_at_ms for row in mine), default=None),
        max((row.started_at_ms for row in mine), default=None),
        mine[0].utc_offset_s if mine else 0,
        tuple(imports.one(db, key).filename for key in files[:MOST_FILES]),
        max(0, len(files) - MOST_FILES),
    )


def given_text(given: Given, name: str) -> str:
    """What an athlete was given, as a sentence."""
    n = len(given.sources)
    parts = [f"{n} recording{'s' * (n != 1)}"] if n else []
    parts += [f"{given.n_daily} daily value{'s' * (given.n_daily != 1)}"] if given.n_daily else []
    text = f"{' and '.join(parts) or 'Nothing more'} went to {name}."
    filled_s = sum(it.filled_s for it in given.repairs)
    if filled_s:
        text += f" {filled_s / 60:.0f} min that the hub did not hear are filled."
    if given.questions:
        text += " Its times look shifted by whole hours: please decide on the Import page."
    return text


async def _shown(request: AnyRequest, done: str = "") -> Template:
    view = await parts_of(request).database.read(inbox_view)
    return page(request, "_inbox.html" if is_fragment(request) else "inbox.html", inbox=view, done=done)


@get("/inbox", include_in_schema=False)
async def inbox_page(request: AnyRequest) -> Template:
    """Everybody who waits."""
    return await _shown(request)


@get("/inbox/count", include_in_schema=False)
async def inbox_count(request: AnyRequest) -> Template:
    """How many people wait, for the menu."""
    n_waiting = len(await parts_of(request).database.read(inbox.inbox))
    return page(request, "_inbox_count.html", n_waiting=n_waiting)


@post("/inbox/assign", status_code=200, include_in_schema=False)
async def assign(request: AnyRequest, data: Form) -> Response[Any] | Template:
    """Give all of one person's data to an athlete, or to a new one of the name typed."""
    parts = parts_of(request)
    key, name = data.get("key", ""), data.get("name", "").strip()
    if "new" in data:
        if not name or len(name) > LONGEST_NAME:
            raise ActionRefused("The new athlete needs a name.", hint=f"At most {LONGEST_NAME} characters.")
        athlete = await parts.actions.save_athlete(None, new_fields(name))
    else:
        athlete_id = data.get("athlete_id") or data.get("other_id", "")
        if not athlete_id:
            raise ActionRefused("No athlete was chosen.", hint="Choose whose data these are.")
        athlete = await parts.database.read(lambda db: athletes.athlete(db, athlete_id))
    before = await _of(request, key)
    given = await parts.imports.assign(key, athlete.athlete_id, "remember" in data)
    done = given_text(given, athlete.name) if before else f"Its data went to {athlete.name}."
    if not is_fragment(request):
        return Redirect("/inbox", status_code=SEE_OTHER)
    return await _shown(request, done)


async def _of(request: AnyRequest, key: str) -> bool:
    """Whether anybody still waits under this key; adding an athlete of that name may have settled it."""
    waiting = await parts_of(request).database.read(inbox.inbox)
    return any(it.key == key for it in waiting)


def new_fields(name: str) -> dict[str, object]:
    """The record of an athlete of whom only the name is known."""
    return {
        "name": name,
        "shirt_number": None,
        "sex": Sex.UNKNOWN.value,
        "hr_max_bpm": None,
        "hr_rest_bpm": None,
        "is_active": True,
    }


HANDLERS = [inbox_page, inbox_count, assign]
