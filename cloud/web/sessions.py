"""The club's sessions, and one of them with everybody's load.

The loads were computed before; a page only reads them.
"""

from __future__ import annotations

from dataclasses import dataclass

from litestar import Response, get
from litestar.params import FromPath

from cloud import clock_words
from cloud.store.database import Params, fetch_all
from cloud.store.rows import Coach, LoadRow, SessionRow
from cloud.web.shell import PageMissing, PageRequest, coach_of, page, parts_of
from cloud.web.words import DASH, doubt, duration, minutes, number, percent

LIMIT = 200


@dataclass(frozen=True, slots=True)
class LoadView:
    """One line of the load table, in words."""

    athlete_id: str
    shirt: str
    name: str
    mean_bpm: str
    max_bpm: str
    banister: str
    edwards: str
    coverage: str
    coverage_share: float
    doubt: str
    zones: tuple[str, ...]
    note: str


@get("/", include_in_schema=False)
async def sessions_page(request: PageRequest) -> Response[str]:
    coach = await coach_of(request)
    params: Params = {"club_id": coach.club_id, "session_id": None, "limit": LIMIT}
    async with parts_of(request).database.transaction() as db:
        rows = await fetch_all(db, "sessions", SessionRow, params)
    lengths = {row.session_id: duration(row.started_at_ms, row.ended_at_ms) for row in rows}
    return page("sessions.html", coach=coach, here="sessions", sessions=rows, lengths=lengths, limit=LIMIT)


@get("/sessions/{session_id:str}", include_in_schema=False)
async def session_page(request: PageRequest, session_id: FromPath[str]) -> Response[str]:
    coach = await coach_of(request)
    session, rows = await session_of(request, coach, session_id)
    async with parts_of(request).database.transaction() as db:
        time_doubt = await clock_words.of_session(db, coach.club_id, session.session_id)
    return page(
        "session.html",
        coach=coach,
        here="sessions",
        session=session,
        length=duration(session.started_at_ms, session.ended_at_ms),
        loads=[load_view(row) for row in rows],
        time_doubt=time_doubt,
    )


async def session_of(request: PageRequest, coach: Coach, session_id: str) -> tuple[SessionRow, list[LoadRow]]:
    """A session of the coach's club with everybody's load. Raises PageMissing."""
    params: Params = {"club_id": coach.club_id, "session_id": session_id.replace("\0", ""), "limit": 1}
    async with parts_of(request).database.transaction() as db:
        found = await fetch_all(db, "sessions", SessionRow, params)
        rows = await fetch_all(db, "session_loads", LoadRow, params)
    if not found:
        raise PageMissing("session")
    return found[0], rows


def load_view(row: LoadRow) -> LoadView:
    """A load in words; a note where the number needs one."""
    zones = row.zone_s if row.zone_s and sum(row.zone_s) > 0 else None
    return LoadView(
        athlete_id=row.athlete_id,
        shirt=DASH if row.shirt_number is None else str(row.shirt_number),
        name=row.name,
        mean_bpm=number(row.mean_bpm),
        max_bpm=number(row.max_bpm),
        banister=number(row.banister_au) if row.n else DASH,
        edwards=number(row.edwards_au) if row.n else DASH,
        coverage=percent(row.coverage),
        coverage_share=row.coverage or 0.0,
        doubt=doubt(row.doubtful_ms, row.covered_s),
        zones=tuple(minutes(seconds) for seconds in zones[1:]) if zones else (DASH,) * 5,
        note=note(row),
    )


def note(row: LoadRow) -> str:
    """What to know before trusting the line."""
    if not row.n:
        return "no data"
    if row.banister_au is None and row.edwards_au is None:
        return "HRmax unknown"
    if row.banister_au is None:
        return "HRrest or sex unknown"
    if row.coverage is not None and row.coverage < 0.8:
        return "gaps: load may be too low"
    if row.above_max_s is not None and row.above_max_s > 5:
        return "above HRmax: check it"
    return ""
