"""Insights: what the cloud concluded each week, with the numbers it rests on.

It writes none; they come down the feed.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, get
from litestar.response import Template

from hub.store import insights
from hub.web.parts import parts_of
from hub.web.shell import page


@get("/insights", include_in_schema=False)
async def insights_page(request: Request[Any, Any, Any]) -> Template:
    """The latest ten."""
    return page(request, "insights.html", insights=await parts_of(request).database.read(insights.recent))


HANDLERS = [insights_page]
