"""Edits that met: whose value stands, with the other one a click away, and every choice can be taken back.

They come fifty a page. Choosing is an ordinary edit; which edits met was found when they arrived.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qs, urlencode, urlsplit

from litestar import Response, get, post
from litestar.params import FromPath, QueryParameter, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from cloud import meetings
from cloud.clock import now_ms
from cloud.errors import ChangedMeanwhile, NotThere
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


async def views(db: Connection, club_id: str, at_ms: int, athlete_id: str) -> list[MetView]:
    """Meetings about one athlete, those that ask for a word first; at most fifty."""
    shown = await meetings.page(db, club_id, athlete_id)
    return [_worded(it, at_ms) for it in shown.found]


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


async def just_settled(
    db: Connection, club_id: str, at_ms: int, two_edits_id: str, athlete_id: str | None = None
) -> MetView | None:
    """What the page was asked to confirm; None where it was opened again or changed by hand since.

    None, too, where it is not about this athlete.
    """
    if not two_edits_id:
        return None
    try:
        it = _worded(await meetings.one(db, club_id, two_edits_id.replace("\0", "")), at_ms)
    except NotThere:
        return None
    is_of_page = athlete_id in (None, it.athlete_id)
    return it if is_of_page and it.outcome and it.may_undo else None


@get(HERE, include_in_schema=False)
async def met_page(
    request: PageRequest,
    settled: Annotated[str, QueryParameter(max_length=200)] = "",
    after: Annotated[str, QueryParameter(max_length=200)] = "",
    before: Annotated[str, QueryParameter(max_length=200)] = "",
) -> Response[str]:
    return await _listed(request, await coach_of(request), {"after": after, "before": before}, settled)


async def _listed(
    request: PageRequest, coach: Coach, place: Mapping[str, str], settled: str = "",
    changed: ChangedMeanwhile | None = None,
) -> Response[str]:  # fmt: skip
    """A page of meetings; where a choice was not carried out, with what stands in its way."""
    at_ms = now_ms()
    async with parts_of(request).database.transaction() as db:
        shown = await meetings.page(db, coach.club_id, **place)
        total, n_open = await meetings.counts(db, coach.club_id)
        said = await just_settled(db, coach.club_id, at_ms, settled)
    found = [_worded(it, at_ms) for it in shown.found]
    asked = [it for it in found if not it.outcome]
    rest = [it for it in found if it.outcome and (said is None or it.two_edits_id != said.two_edits_id)]
    return page(
        "met.html", status=changed.status if changed else 200, coach=coach, here="hubs", said=said,
        asked=asked, settled=rest, back=_address(place), changed=changed, place=shown, n=len(found),
        total=total, n_open=n_open,
    )  # fmt: skip


def _address(place: Mapping[str, str], **more: str) -> str:
    asked = {key: value for key, value in {**place, **more}.items() if value}
    return f"{HERE}?{urlencode(asked)}" if asked else HERE


def _place(back: str) -> dict[str, str]:
    """The place a page of this list named in its own address."""
    named = parse_qs(urlsplit(back).query)
    return {key: named.get(key, [""])[0][:200] for key in ("after", "before")}


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
        return await _listed(request, coach, _place(data.back), changed=changed)
    on_arrival(request)
    if data.back.startswith("/athletes/"):
        address = f"{data.back.partition('?')[0]}?{urlencode({'settled': key})}"
    else:
        address = _address(_place(data.back), settled=key)
    return Redirect(address, status_code=303)


HANDLERS = [met_page, settle]
