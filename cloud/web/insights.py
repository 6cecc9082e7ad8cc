"""The weekly insights as they went to the hubs, newest first.

They were written when the data arrived; reading them computes nothing.
"""

from __future__ import annotations

from litestar import Response, get

from cloud.store.database import fetch_all
from cloud.store.rows import InsightRow
from cloud.web.shell import PageRequest, coach_of, page, parts_of


@get("/insights", include_in_schema=False)
async def insights_page(request: PageRequest) -> Response[str]:
    coach = await coach_of(request)
    async with parts_of(request).database.transaction() as db:
        rows = await fetch_all(db, "insights", InsightRow, {"club_id": coach.club_id})
    return page("insights.html", coach=coach, here="insights", insights=rows)
