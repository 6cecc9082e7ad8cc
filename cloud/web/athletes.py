"""The club's athletes, and one athlete's load by day and week.

What the numbers mean stays with the coach: nothing here is called fitness, fatigue or risk.
"""

from __future__ import annotations

from typing import Annotated

from litestar import Response, get
from litestar.params import FromPath, QueryParameter

from cloud import history
from cloud.clock import local_date, now_ms
from cloud.profiles import athletes_today
from cloud.store.database import fetch_all
from cloud.store.rows import AttendedRow, RecordedSession
from cloud.web.charts import load_chart
from cloud.web.met_page import just_settled, views
from cloud.web.shell import PageMissing, PageRequest, coach_of, page, parts_of

DAYS_SHOWN = 56


@get("/athletes", include_in_schema=False)
async def athletes_page(request: PageRequest) -> Response[str]:
    coach = await coach_of(request)
    async with parts_of(request).database.transaction() as db:
        rows = await athletes_today(db, coach.club_id, now_ms())
    return page("athletes.html", coach=coach, here="athletes", athletes=rows)


@get("/athletes/{athlete_id:str}", include_in_schema=False)
async def athlete_page(
    request: PageRequest,
    athlete_id: FromPath[str],
    settled: Annotated[str, QueryParameter(max_length=200)] = "",
) -> Response[str]:
    coach = await coach_of(request)
    key = {"club_id": coach.club_id, "athlete_id": athlete_id.replace("\0", "")}
    async with parts_of(request).database.transaction() as db:
        people = await athletes_today(db, coach.club_id, now_ms())
        attended = await fetch_all(db, "attended", AttendedRow, key)
        club = await fetch_all(db, "club_sessions_held", RecordedSession, key)
        met = await views(db, coach.club_id, now_ms(), key["athlete_id"])
        said = await just_settled(db, coach.club_id, now_ms(), settled, key["athlete_id"])
    found = [row for row in people if row.athlete_id == key["athlete_id"]]
    if not found:
        raise PageMissing("athlete")
    newest = max((session.started_at_ms, session.utc_offset_s) for session in club) if club else (0, 0)
    past = history.athlete_history(attended, club, local_date(now_ms(), newest[1]))
    days = past.days[-DAYS_SHOWN:]
    return page(
        "athlete.html",
        coach=coach,
        here="athletes",
        athlete=found[0],
        attended=attended,
        days=days,
        known_days=len(past.days),
        weeks=tuple(reversed(past.weeks))[:12],
        chart=load_chart(days),
        met=[it for it in met if not it.outcome],
        said=said,
        has_met=bool(met),
    )
