"""Spare straps: give an athlete a second one that steps in when the first falls silent, or take it off again.

The recorder decides when it steps in.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from litestar import get, post
from litestar.response import Template

from hub.domain import Athlete
from hub.errors import NotFound
from hub.store import athletes, spare_straps, straps
from hub.web.parts import parts_of
from hub.web.shell import AnyRequest, Form, page


@dataclass(frozen=True, slots=True)
class Spare:
    """One strap that stands by, and the one that feeds its athlete now."""

    strap_id: str
    strap_name: str
    athlete_name: str
    feeder_name: str


@dataclass(frozen=True, slots=True)
class Spares:
    """What the page shows; `free` are (id, name) of straps nobody wears, `wearers` can be given one."""

    spares: tuple[Spare, ...]
    free: tuple[tuple[str, str], ...]
    wearers: tuple[Athlete, ...]


async def _content(request: AnyRequest, name: str, done: str = "") -> Template:
    parts = parts_of(request)
    heard = {it.strap_id: it.name for it in parts.straps() if not (it.is_ignored or it.is_pod)}

    def question(db: sqlite3.Connection) -> Spares:
        known, waiting = straps.all_straps(db), spare_straps.ids(db)
        people = {it.athlete_id: it for it in athletes.all_athletes(db)}
        feeders = {it.athlete_id: it.name for it in known if it.strap_id not in waiting}
        worn = {it.strap_id for it in known if it.athlete_id is not None}
        spares = [
            Spare(it.strap_id, it.name, people[it.athlete_id].name, feeders.get(it.athlete_id, "no strap"))
            for it in known
            if it.strap_id in waiting and it.athlete_id in people
        ]
        free = sorted(((k, v) for k, v in heard.items() if k not in worn), key=lambda it: it[1])
        return Spares(tuple(spares), tuple(free), tuple(p for k, p in people.items() if k in feeders))

    return page(request, name, them=await parts.database.read(question), done=done)


@get("/straps/spares", include_in_schema=False)
async def spares_page(request: AnyRequest) -> Template:
    """Who has a spare strap, and who could get one."""
    return await _content(request, "spares.html")


@post("/straps/spares/add", status_code=200, include_in_schema=False)
async def add(request: AnyRequest, data: Form) -> Template:
    """Give an athlete a spare strap."""
    strap_id = data.get("strap_id", "")
    if not any(it.strap_id == strap_id and not it.is_pod for it in parts_of(request).straps()):
        raise NotFound("this strap", hint="Choose one that is heard.")
    await parts_of(request).wearing.stand_by(strap_id, data.get("athlete_id", ""))
    return await _content(request, "_spares.html", "The strap stands by")


@post("/straps/spares/off", status_code=200, include_in_schema=False)
async def off(request: AnyRequest, data: Form) -> Template:
    """Take a spare strap off."""
    await parts_of(request).actions.assign_strap(data.get("strap_id", ""), None)
    return await _content(request, "_spares.html", "Nobody has this strap now")


HANDLERS = [spares_page, add, off]
