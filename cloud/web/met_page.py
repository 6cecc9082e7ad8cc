"""Edits that met: whose value stands, with the other one a click away, and every choice can be taken back.

Choosing is an ordinary edit; which edits met was found when they arrived.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from litestar import Response, get, post
from litestar.params import FromPath, QueryParameter, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from cloud import meetings
from cloud.clock import now_ms
from cloud.errors import ChangedMeanwhile
from cloud.store.database import Connection
from cloud.store.rows import Coach
from cloud.web.shell import PageRequest, check_origin, coach_of, on_arrival, page, parts_of
from cloud.web.words import ago
from sync.two_edits import KEPT, OTHER, Meeting, Side

HERE = "/edits"


class Choice(Struct, frozen=True):
    """What the form sends."""

    choice: str = ""
    shown: str | None = None
    back: str = HERE


@dataclass(frozen=True, slots=True)
class MetView:
    """One meeting in words; `outcome` is empty while it is open."""

    two_edits_id: str
    field: str
    called: str
    athlete_id: str | None
    stands: str
    stands_by: str
    other: str
    other_by: str
    outcome: str
    may_undo: bool
    shown: str


def name_of(coach: Coach) -> str:
    """What a coach is called where an edit names them."""
    return coach.email.partition("@")[0]


async def views(db: Connection, club_id: str, at_ms: int, athlete_id: str | None = None) -> list[MetView]:
    """Every meeting, or those about one athlete, the newest first."""
    return [_worded(it, at_ms) for it in await meetings.meetings(db, club_id, athlete_id)]


def _worded(it: Meeting, at_ms: int) -> MetView:
    found = it.edits
    return MetView(
        found.two_edits_id, it.field_words, it.called, found.athlete_id, it.stands_words,
        _by(found.stands, at_ms), it.other_words, _by(found.other, at_ms), it.outcome,
        found.state in (KEPT, OTHER), it.shown,
    )  # fmt: skip


def _by(side: Side, at_ms: int) -> str:
    where = "online" if side.hub_id is None else f"on hub {side.hub_id[:8]}"
    about = "" if side.is_sure else "about "
    return f"{side.by or 'somebody'}, {where}, {about}{ago(side.at_ms, at_ms)}"


def just_settled(found: Sequence[MetView], two_edits_id: str) -> MetView | None:
    """What the page was asked to confirm; None where it was opened again or changed by hand since."""
    return next((it for it in found if it.two_edits_id == two_edits_id and it.outcome and it.may_undo), None)


@get(HERE, include_in_schema=False)
async def met_page(
    request: PageRequest, settled: Annotated[str, QueryParameter(max_length=200)] = ""
) -> Response[str]:
    return await _listed(request, await coach_of(request), settled)


async def _listed(
    request: PageRequest, coach: Coach, settled: str = "", changed: ChangedMeanwhile | None = None
) -> Response[str]:
    """Every meeting; where a choice was not carried out, with what stands in its way."""
    async with parts_of(request).database.transaction() as db:
        found = await views(db, coach.club_id, now_ms())
    said = just_settled(found, settled)
    asked = [it for it in found if not it.outcome]
    rest = [it for it in found if it.outcome and it is not said]
    return page(
        "met.html", status=changed.status if changed else 200, coach=coach, here="hubs", said=said,
        asked=asked, settled=rest, back=HERE, changed=changed,
    )  # fmt: skip


@post(HERE + "/{two_edits_id:str}", include_in_schema=False, status_code=303)
async def settle(
    request: PageRequest, two_edits_id: FromPath[str], data: URLEncodedBody[Choice]
) -> Response[str] | Redirect:
    check_origin(request)
    coach, key = await coach_of(request), two_edits_id.replace("\0", "")
    try:
        async with parts_of(request).database.transaction() as db:
            by = name_of(coach)
            await meetings.settle(db, coach.club_id, key, data.choice, by, now_ms(), data.shown)
    except ChangedMeanwhile as changed:
        return await _listed(request, coach, changed=changed)
    on_arrival(request)
    back = data.back if data.back.startswith("/athletes/") else HERE
    return Redirect(f"{back.partition('?')[0]}?{urlencode({'settled': key})}", status_code=303)


HANDLERS = [met_page, settle]
