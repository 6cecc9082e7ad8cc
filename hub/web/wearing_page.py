"""Who wore what in a session, and corrections of it: swap two athletes, move a stretch, take either back.

It shows how much of each athlete's time was good, doubtful and missing, and computes none of it itself.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Template

from hub.domain import Athlete, Session
from hub.errors import ActionRefused
from hub.store import athletes, boots, sessions, straps, wearing_edits
from hub.store.wearing_edits import Edit
from hub.wearing.judgement import Trust, session_trust
from hub.wearing.stretches import Cell
from hub.web.auth import user_of
from hub.web.local_times import clock_text, near
from hub.web.parts import parts_of
from hub.web.shell import AnyRequest, Form, page
from hub.web.trust_words import flaws_text


@dataclass(frozen=True, slots=True)
class Span:
    """One strap on one athlete for a time, in words."""

    stream_id: str
    strap_name: str
    begin: str
    end: str


@dataclass(frozen=True, slots=True)
class Wearer:
    """One athlete's straps in the session, and how far what they said can be trusted."""

    athlete: Athlete
    spans: tuple[Span, ...]
    trust: Trust | None
    doubts: str


@dataclass(frozen=True, slots=True)
class Wearing:
    """What the page shows; `streams` are (id, name) of every strap heard in the session."""

    session: Session
    wearers: tuple[Wearer, ...]
    athletes: tuple[Athlete, ...]
    streams: tuple[tuple[str, str], ...]
    begin: str
    edits: tuple[Edit, ...]


def _wearing(db: sqlite3.Connection, session_id: str, now_mono_ms: int) -> Wearing:
    session = sessions.session(db, session_id)
    now_ms = now_mono_ms + boots.shift_ms(db, boots.newest(db), session.boot_no)
    trust = session_trust(db, session, now_ms)
    names = {it.strap_id: it.name for it in straps.all_straps(db)}
    spans: dict[str, list[Span]] = {}
    streams: dict[str, str] = {}
    for it in sessions.assignments(db, session_id):
        stream = straps.stream_by_id(db, it.stream_id)
        if stream is None or stream.channel != straps.CHANNEL or stream.strap_id.startswith("file:"):
            continue
        shift = boots.shift_ms(db, stream.boot_no, session.boot_no)
        name = streams[it.stream_id] = names.get(stream.strap_id, stream.strap_id)
        end = "now" if it.to_ms is None else _text(session, it.to_ms + shift)
        span = Span(it.stream_id, name, _text(session, max(it.from_ms + shift, session.mono0_ms)), end)
        spans.setdefault(it.athlete_id, []).append(span)
    wearers = [
        Wearer(who, tuple(spans[who.athlete_id]), its, flaws_text(its) if its else "")
        for who in athletes.all_athletes(db, include_inactive=True)
        if who.athlete_id in spans
        for its in (trust.get(who.athlete_id),)
    ]
    edits = [it for it in wearing_edits.of_session(db, session_id) if it.undone_at_ms is None]
    people = athletes.all_athletes(db)
    begin = clock_text(session.started_at_ms, session.utc_offset_s)
    return Wearing(session, tuple(wearers), tuple(people), tuple(sorted(streams.items(), key=lambda s: s[1])),
                   begin, tuple(edits))  # fmt: skip


def _text(session: Session, mono_ms: int) -> str:
    return clock_text(session.started_at_ms + mono_ms - session.mono0_ms, session.utc_offset_s)


async def _content(request: AnyRequest, session_id: UUID, name: str, done: str = "") -> Template:
    parts = parts_of(request)
    now_ms = parts.now_mono_ms()
    found = await parts.database.read(lambda db: _wearing(db, str(session_id), now_ms))
    return page(request, name, wearing=found, session=found.session, done=done)


async def _session_ms(request: AnyRequest, session: Session, text: str) -> int:
    """A time of day in or near the session, on the session's own clock."""
    now_ms = session.ended_at_ms or parts_of(request).now_wall_ms()
    middle_ms = (session.started_at_ms + now_ms) // 2
    return session.mono0_ms + near(text, middle_ms, session.utc_offset_s) - session.started_at_ms


def _by(request: AnyRequest) -> str:
    user = user_of(request)
    return "" if user is None else user.name


@get("/sessions/{session_id:uuid}/wearing", include_in_schema=False)
async def wearing_page(request: AnyRequest, session_id: FromPath[UUID]) -> Template:
    """Who wore what, and how far it can be trusted."""
    return await _content(request, session_id, "wearing.html")


@post("/sessions/{session_id:uuid}/wearing/swap", status_code=200, include_in_schema=False)
async def swap(request: AnyRequest, session_id: FromPath[UUID], data: Form) -> Template:
    """Two athletes wore each other's straps from a time on."""
    parts = parts_of(request)
    session = await parts.database.read(lambda db: sessions.session(db, str(session_id)))
    from_ms = await _session_ms(request, session, data.get("begin", ""))
    done = await parts.wearing.swap(
        session.session_id, data.get("one_id", ""), data.get("other_id", ""), from_ms, _by(request)
    )
    return await _content(request, session_id, "_wearing.html", done.edit.words)


@post("/sessions/{session_id:uuid}/wearing/move", status_code=200, include_in_schema=False)
async def move(request: AnyRequest, session_id: FromPath[UUID], data: Form) -> Template:
    """A strap was somebody else's, or nobody's, from a time on or between two times."""
    parts, stream_id = parts_of(request), data.get("stream_id", "")

    def question(db: sqlite3.Connection) -> tuple[Session, int]:
        session = sessions.session(db, str(session_id))
        stream = straps.stream_by_id(db, stream_id)
        if stream is None:
            raise ActionRefused("No strap was chosen.", hint="Choose one.")
        return session, boots.shift_ms(db, session.boot_no, stream.boot_no)

    session, shift = await parts.database.read(question)
    from_ms = await _session_ms(request, session, data.get("begin", "")) + shift
    to_ms = await _session_ms(request, session, data["end"]) + shift if data.get("end") else None
    cell = Cell(stream_id, from_ms, to_ms, data.get("athlete_id") or None)
    done = await parts.wearing.give(session.session_id, cell, _by(request))
    return await _content(request, session_id, "_wearing.html", done.edit.words)


@post("/sessions/{session_id:uuid}/wearing/back", status_code=200, include_in_schema=False)
async def back(request: AnyRequest, session_id: FromPath[UUID], data: Form) -> Template:
    """Take a correction back."""
    done = await parts_of(request).wearing.take_back(data.get("edit_id", ""))
    return await _content(request, session_id, "_wearing.html", f"Taken back: {done.edit.words}")


HANDLERS = [wearing_page, swap, move, back]
