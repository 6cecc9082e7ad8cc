"""Straps of other teams: ignored for good with one tap, and listed so that each can be taken back.

It talks to no radio; the radio obeys the list.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from litestar import get, post
from litestar.response import Template

from hub.domain import StrapStatus
from hub.store import ignored_straps, straps
from hub.store.ignored_straps import IgnoredStrap
from hub.web.auth import user_of
from hub.web.parts import parts_of
from hub.web.shell import AnyRequest, Form, page


@dataclass(frozen=True, slots=True)
class Foreign:
    """What is heard and worn by nobody, and what is ignored already."""

    heard: tuple[StrapStatus, ...]
    ignored: tuple[IgnoredStrap, ...]


async def _content(request: AnyRequest, name: str) -> Template:
    parts = parts_of(request)

    def question(db: sqlite3.Connection) -> tuple[set[str], list[IgnoredStrap]]:
        worn = {it.strap_id for it in straps.all_straps(db) if it.athlete_id is not None}
        return worn, ignored_straps.all_ignored(db)

    worn, ignored = await parts.database.read(question)
    left = worn | {it.strap_id for it in ignored}
    heard = [it for it in parts.straps() if it.strap_id not in left and not it.is_pod]
    heard.sort(key=lambda it: (it.rssi_dbm is None, -(it.rssi_dbm or 0), it.strap_id))
    return page(request, name, foreign=Foreign(tuple(heard), tuple(ignored)))


@get("/straps/foreign", include_in_schema=False)
async def foreign_page(request: AnyRequest) -> Template:
    """Straps nobody here wears, and those ignored for good."""
    return await _content(request, "foreign.html")


@post("/straps/foreign/ignore", status_code=200, include_in_schema=False)
async def ignore(request: AnyRequest, data: Form) -> Template:
    """Ignore a strap for good."""
    user = user_of(request)
    await parts_of(request).wearing.ignore(data.get("strap_id", ""), "" if user is None else user.name)
    return await _content(request, "_foreign.html")


@post("/straps/foreign/hear", status_code=200, include_in_schema=False)
async def hear(request: AnyRequest, data: Form) -> Template:
    """Take an ignored strap back."""
    await parts_of(request).wearing.hear_again(data.get("strap_id", ""))
    return await _content(request, "_foreign.html")


HANDLERS = [foreign_page, ignore, hear]
