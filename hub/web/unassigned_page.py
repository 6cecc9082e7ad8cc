"""The bucket: what was heard on nobody, to be given to somebody, whole or in part, and to be taken back.

It computes nothing of it; results follow by themselves once a stretch is somebody's.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from litestar import get, post
from litestar.response import Template

from hub.domain import Athlete
from hub.errors import NotFound
from hub.store import athletes, put_aside, wearing_edits
from hub.store.wearing_edits import Edit
from hub.wearing import unassigned
from hub.wearing.stretches import Cell
from hub.wearing.unassigned import Stretch
from hub.web.auth import user_of
from hub.web.local_times import clock_text, near
from hub.web.parts import parts_of
from hub.web.shell import AnyRequest, Form, minutes_text, page

CURVE_HEIGHT = 24
LIVE_MS = 10_000
MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class StretchView:
    """One stretch in words; `curve` are the points of its small drawing, one run a part."""

    one: Stretch
    begin: str
    end: str
    duration: str
    curves: tuple[str, ...]
    spare_of: str
    is_heard_now: bool


@dataclass(frozen=True, slots=True)
class Bucket:
    """What the page shows: stretches of nobody, those of spare straps, and what can be taken back.

    `here` names the page itself, empty for the newest; `older` the next one, empty at the end.
    """

    strangers: tuple[StretchView, ...]
    spares: tuple[StretchView, ...]
    athletes: tuple[Athlete, ...]
    edits: tuple[Edit, ...]
    asides: tuple[tuple[str, str], ...]
    here: str
    older: str


def curves(values: tuple[int | None, ...]) -> tuple[str, ...]:
    """Polylines of a curve in a box of 60 by 24; a silence parts them."""
    known = [value for value in values if value is not None]
    low, span = min(known), max(1, max(known) - min(known))
    runs: list[list[str]] = [[]]
    for number, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            x = 60 * number / max(1, len(values) - 1)
            runs[-1].append(f"{x:.1f},{2 + (CURVE_HEIGHT - 4) * (1 - (value - low) / span):.1f}")
    return tuple(" ".join(run) for run in runs if len(run) > 1)


def stretch_view(one: Stretch, names: dict[str, str], now_wall_ms: int) -> StretchView:
    """One stretch in words."""
    end_ms = one.started_at_ms + one.to_ms - one.from_ms
    return StretchView(
        one=one,
        begin=clock_text(one.started_at_ms, one.utc_offset_s),
        end=clock_text(end_ms + 999, one.utc_offset_s),
        duration=minutes_text(one.seconds),
        curves=curves(one.curve),
        spare_of=names.get(one.spare_of or "", ""),
        is_heard_now=one.is_open and now_wall_ms - end_ms <= LIVE_MS,
    )


def _bucket(db: sqlite3.Connection, now_wall_ms: int, here: str) -> Bucket:
    people = athletes.all_athletes(db)
    names = {it.athlete_id: it.name for it in people}
    found = unassigned.page(db, here or None)
    views = [stretch_view(it, names, now_wall_ms) for it in found.stretches]
    asides = [(it.aside_id, name) for it, name in put_aside.recent(db)]
    return Bucket(
        strangers=tuple(view for view in views if not view.spare_of),
        spares=tuple(view for view in views if view.spare_of),
        athletes=tuple(people),
        edits=tuple(it for it in wearing_edits.recent(db) if it.undone_at_ms is None),
        asides=tuple(asides),
        here=here,
        older=found.older_than or "",
    )


async def _content(request: AnyRequest, name: str, here: str, done: str = "") -> Template:
    parts = parts_of(request)
    now_ms = parts.now_wall_ms()
    bucket = await parts.database.read(lambda db: _bucket(db, now_ms, here))
    return page(request, name, bucket=bucket, done=done)


async def _answer(request: AnyRequest, data: Form, done: str) -> Template:
    """The page a form stood on, as it is now."""
    return await _content(request, "_unassigned.html", data.get("older_than", ""), done)


async def _stretch(request: AnyRequest, data: Form) -> Stretch:
    """The stretch a form speaks of, as it is now; raises NotFound where it is somebody's meanwhile."""
    stream_id, from_ms = data.get("stream_id", ""), data.get("from_ms", "")
    if from_ms.isascii() and from_ms.isdecimal() and len(from_ms) <= MOST_DIGITS:
        found = await parts_of(request).database.read(
            lambda db: unassigned.stretch(db, stream_id, int(from_ms))
        )
        if found is not None:
            return found
    raise NotFound("this stretch", hint="It was given away meanwhile, or grew: open the page again.")


def chosen_cell(one: Stretch, data: Form) -> Cell:
    """The part of a stretch a form asks for; times at or beyond its ends mean its ends."""
    begin_ms = near(data.get("begin", ""), one.started_at_ms, one.utc_offset_s)
    end_ms = near(data.get("end", ""), one.started_at_ms, one.utc_offset_s)
    from_ms = max(one.from_ms, one.from_ms + begin_ms - one.started_at_ms)
    to_ms: int | None = min(one.to_ms, one.from_ms + end_ms - one.started_at_ms)
    if one.is_open and data.get("goes_on") == "yes":
        to_ms = None
    return Cell(one.stream_id, from_ms, to_ms, data.get("athlete_id") or None)


@get("/straps/unassigned", include_in_schema=False)
async def unassigned_page(request: AnyRequest) -> Template:
    """What was heard on nobody, the newest sessions first; `older_than` turns the page."""
    return await _content(request, "unassigned.html", request.query_params.get("older_than", ""))


@post("/straps/unassigned/give", status_code=200, include_in_schema=False)
async def give(request: AnyRequest, data: Form) -> Template:
    """Give a stretch, or the part between two times, to an athlete."""
    if not data.get("athlete_id"):
        raise NotFound("this athlete", hint="Choose who wore the strap.")
    one, user = await _stretch(request, data), user_of(request)
    by = "" if user is None else user.name
    done = await parts_of(request).wearing.give(one.session_id, chosen_cell(one, data), by)
    return await _answer(request, data, done.edit.words)


@post("/straps/unassigned/aside", status_code=200, include_in_schema=False)
async def aside(request: AnyRequest, data: Form) -> Template:
    """A stretch belongs to nobody; it is shown no more."""
    one = await _stretch(request, data)
    await parts_of(request).wearing.put_aside(one.stream_id, one.from_ms, one.to_ms)
    return await _answer(request, data, f"{one.strap_name}: put aside")


@post("/straps/unassigned/again", status_code=200, include_in_schema=False)
async def again(request: AnyRequest, data: Form) -> Template:
    """Show a stretch again that was put aside."""
    await parts_of(request).wearing.offer_again(data.get("aside_id", ""))
    return await _answer(request, data, "Shown again")


@post("/straps/unassigned/back", status_code=200, include_in_schema=False)
async def back(request: AnyRequest, data: Form) -> Template:
    """Take a correction back."""
    done = await parts_of(request).wearing.take_back(data.get("edit_id", ""))
    return await _answer(request, data, f"Taken back: {done.edit.words}")


HANDLERS = [unassigned_page, give, aside, again, back]
