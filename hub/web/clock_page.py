"""Where a page tells the hub what time its tablet has, for a hub that has nobody better to ask.

It believes nothing itself: who is heard, and how far, is `hub.tablet_time`'s to say.
"""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, post
from litestar.params import JSONBody

from hub.web.auth import cookie_name, digest
from hub.web.parts import parts_of


class TabletTime(msgspec.Struct, frozen=True):
    """The tablet's clock, epoch ms UTC."""

    now_ms: int


@post("/clock", status_code=204, include_in_schema=False)
async def tell_time(request: Request[Any, Any, Any], data: JSONBody[TabletTime]) -> None:
    """Hear what a signed-in tablet says; one tablet is told from another by its sign-in."""
    parts_of(request).hear_tablet(digest(request.cookies.get(cookie_name(request), "")).hex(), data.now_ms)


HANDLERS = [tell_time]
