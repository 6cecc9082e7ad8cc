"""Hold a strap to the hub: choose an athlete, hold the strap close, confirm the one that was found, or undo.

The rule that finds it stands in `hub.wearing.hold_to_hub`; a proposal stays until somebody answers it.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Annotated

from litestar import get, post
from litestar.params import QueryParameter
from litestar.response import Template

from hub.domain import Athlete, Strap
from hub.errors import NotFound
from hub.store import athletes, spare_straps, straps
from hub.wearing.hold_to_hub import Finding
from hub.web.parts import parts_of
from hub.web.shell import AnyRequest, Form, page

WORDS = {
    Finding.NOTHING: (
        "Hold the strap to the hub",
        "Moisten it, put a thumb on each electrode, bring it here from a step away, and hold it there.",
    ),
    Finding.CLOSER: ("Hold it closer", "No strap is clearly the nearest yet. Touch the hub with it."),
    Finding.TWO: ("One at a time", "Two straps are held to the hub. Take one of them away."),
    Finding.FOUND: ("Found", ""),
}


@dataclass(frozen=True, slots=True)
class Person:
    """One athlete and the strap that feeds them, in words."""

    athlete_id: str
    name: str
    strap_name: str


@dataclass(frozen=True, slots=True)
class Look:
    """What the page says now: the strap found, who wears it, and the athlete's own where there is another."""

    athlete: Athlete
    title: str
    text: str
    names: tuple[str, ...]
    strap_id: str = ""
    strap_name: str = ""
    wearer: str = ""
    own: Strap | None = None
    let_go: int = 0
    is_recording: bool = False
    is_every: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """What was done, with all that is needed to undo it."""

    athlete: Athlete
    strap_id: str
    strap_name: str
    wearer_id: str
    own_id: str
    is_spare: bool


async def _known(request: AnyRequest) -> tuple[list[Athlete], list[Strap]]:
    """Everybody, and every strap; of an athlete's straps the one that feeds comes first."""

    def question(db: sqlite3.Connection) -> tuple[list[Athlete], list[Strap]]:
        spares = spare_straps.ids(db)
        return athletes.all_athletes(db), sorted(straps.all_straps(db), key=lambda it: it.strap_id in spares)

    return await parts_of(request).database.read(question)


def _named(request: AnyRequest, known: list[Strap], strap_id: str) -> str:
    live = {it.strap_id: it.name for it in parts_of(request).straps()}
    kept = {it.strap_id: it.name for it in known}
    return live.get(strap_id) or kept.get(strap_id) or strap_id


def _athlete(people: list[Athlete], athlete_id: str) -> Athlete:
    for it in people:
        if it.athlete_id == athlete_id:
            return it
    raise NotFound("this athlete", hint="Choose again.")


async def _look(request: AnyRequest, athlete_id: str, among: str) -> Look:
    """Worn straps are looked among, too, where that is asked for and no session runs."""
    people, known = await _known(request)
    athlete, desk = _athlete(people, athlete_id), parts_of(request).wearing
    is_every = among == "every" and not desk.is_recording
    worn = frozenset() if is_every else frozenset(it.strap_id for it in known if it.athlete_id is not None)
    found = desk.look(worn)
    title, text = WORDS[found.finding]
    names = tuple(_named(request, known, it) for it in found.strap_ids)
    if found.finding is not Finding.FOUND:
        return Look(
            athlete, title, text, names,
            let_go=len(found.let_go), is_recording=desk.is_recording, is_every=is_every,
        )  # fmt: skip
    (strap_id,) = found.strap_ids
    wearer_of = {it.strap_id: it.athlete_id for it in known}
    wearers = {it.athlete_id: it.name for it in people}
    own = next((it for it in known if it.athlete_id == athlete_id and it.strap_id != strap_id), None)
    return Look(
        athlete, title, text, names, strap_id, names[0], wearers.get(wearer_of.get(strap_id) or "", ""), own
    )


async def _start(
    request: AnyRequest, athlete_id: str, given: Given | None = None, done: str = "", among: str = ""
) -> Template:
    people, known = await _known(request)
    own = {it.athlete_id: [one.name for one in known if one.athlete_id == it.athlete_id] for it in people}
    rows = [Person(it.athlete_id, it.name, ", spare ".join(own[it.athlete_id])) for it in people]
    rows.sort(key=lambda it: bool(it.strap_name))
    look = await _look(request, athlete_id, among) if athlete_id else None
    whole = "_hold.html" if request.headers.get("hx-request") == "true" else "hold.html"
    return page(request, whole, people=rows, look=look, given=given, done=done)


@get("/straps/hold", include_in_schema=False)
async def hold_page(
    request: AnyRequest,
    athlete: Annotated[str, QueryParameter()] = "",
    among: Annotated[str, QueryParameter()] = "",
) -> Template:
    """Who is to get a strap, and then which strap is held; `among=every` looks among worn straps, too."""
    return await _start(request, athlete, among=among)


@get("/straps/hold/look", include_in_schema=False)
async def look_now(
    request: AnyRequest,
    athlete: Annotated[str, QueryParameter()] = "",
    among: Annotated[str, QueryParameter()] = "",
) -> Template:
    """What is held to the hub now; asked about once a second."""
    return page(request, "_hold_look.html", look=await _look(request, athlete, among))


@post("/straps/hold/confirm", status_code=200, include_in_schema=False)
async def confirm(request: AnyRequest, data: Form) -> Template:
    """Give the strap that was found to the athlete, in place of their own or beside it."""
    people, known = await _known(request)
    athlete = _athlete(people, data.get("athlete_id", ""))
    strap_id, is_spare = data.get("strap_id", ""), data.get("as") == "spare"
    if not any(it.strap_id == strap_id and not it.is_pod for it in parts_of(request).straps()):
        raise NotFound("this strap", hint="Hold it to the hub once more.")
    wearer = next((it.athlete_id for it in known if it.strap_id == strap_id), None)
    own = next((it.strap_id for it in known if it.athlete_id == athlete.athlete_id), "")
    name = _named(request, known, strap_id)
    if is_spare:
        await parts_of(request).wearing.stand_by(strap_id, athlete.athlete_id)
    else:
        await parts_of(request).actions.assign_strap(strap_id, athlete.athlete_id)
    own_id = "" if own == strap_id or is_spare else own
    return await _start(request, "", Given(athlete, strap_id, name, wearer or "", own_id, is_spare))


@post("/straps/hold/undo", status_code=200, include_in_schema=False)
async def undo(request: AnyRequest, data: Form) -> Template:
    """Put both straps back where they were."""
    assign = parts_of(request).actions.assign_strap
    await assign(data.get("strap_id", ""), data.get("wearer_id") or None)
    if data.get("own_id"):
        await assign(data["own_id"], data.get("athlete_id") or None)
    return await _start(request, "", done="The strap is where it was before")


HANDLERS = [hold_page, look_now, confirm, undo]
