"""The club's hubs: when each was last heard and what it has sent.

Enrolment itself is done on the command line for now.
"""

from __future__ import annotations

from litestar import Response, get

from cloud.clock import now_ms
from cloud.store.database import fetch_all
from cloud.store.rows import HubStatus
from cloud.web.shell import PageRequest, coach_of, page, parts_of
from cloud.web.words import ago


@get("/hubs", include_in_schema=False)
async def hubs_page(request: PageRequest) -> Response[str]:
    coach = await coach_of(request)
    async with parts_of(request).database.transaction() as db:
        rows = await fetch_all(db, "hub_statuses", HubStatus, {"club_id": coach.club_id})
    at_ms = now_ms()
    seen = {row.hub_id: ago(row.seen_ms, at_ms) for row in rows}
    return page("hubs.html", coach=coach, here="hubs", hubs=rows, seen=seen)
