"""Edits that met: whose value stands, with the other one a tap away, and every choice can be taken back.

They come fifty a page. Choosing is an ordinary edit; which edits met is found by the cloud.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Annotated
from urllib.parse import parse_qs, urlencode, urlsplit

from litestar import get, post
from litestar.datastructures import Cookie
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect, Template

from hub.domain import User
from hub.errors import ActionRefused, NotFound
from hub.store import meta, two_edits
from hub.store.two_edits import KEPT, OTHER, Meeting, Place, Side
from hub.web.auth import user_of
from hub.web.parts import WebParts, parts_of
from hub.web.shell import SEE_OTHER, AnyRequest, Form, ago_text, page

HERE = "/sync/edits"
JUST_SETTLED = "just_settled"
TOLD_S = 15 * 60
PlaceText = Annotated[str, QueryParameter(max_length=200)]


@dataclass(frozen=True, slots=True)
class MetView:
    """One meeting in words; `outcome` is empty while it is open."""

    two_edits_id: str
    field: str
    called: str
    address: str
    stands: str
    stands_by: str
    other: str
    other_by: str
    outcome: str
    may_undo: bool
    shown: str


async def views(parts: WebParts, of: tuple[str, str]) -> list[MetView]:
    """Meetings about one athlete or record, those that ask for a word first; at most fifty."""
    found, own = await parts.database.read(
        lambda db: (two_edits.page(db, of).found, meta.value(db, "hub_id"))
    )
    return [_worded(it, own, parts.now_wall_ms()) for it in found]


def _worded(it: Meeting, own: str | None, now_ms: int) -> MetView:
    edits = it.edits
    return MetView(
        edits.two_edits_id, it.field_words, it.called,
        f"/athletes/{edits.athlete_id}" if edits.athlete_id else "",
        it.stands_words, _by(edits.stands, own, now_ms), it.other_words, _by(edits.other, own, now_ms),
        it.outcome, edits.state in (KEPT, OTHER), it.shown,
    )  # fmt: skip


def _by(side: Side, own: str | None, now_ms: int) -> str:
    """Who set it, where and when."""
    where = "online" if side.hub_id is None else "here" if side.hub_id == own else f"on hub {side.hub_id[:8]}"
    about = "" if side.is_sure else "about "
    return f"{side.by or 'somebody'}, {where}, {about}{ago_text(side.at_ms, now_ms)}"


def _name(user: User | None) -> str:
    return user.name if user else ""


@get(HERE, include_in_schema=False)
async def list_page(request: AnyRequest, after: PlaceText = "", before: PlaceText = "") -> Template:
    """Those that ask for a word, then those that were settled; fifty a page."""
    return await _listed(request, {"after": after, "before": before})


async def _listed(
    request: AnyRequest, place: Mapping[str, str], refused: ActionRefused | None = None
) -> Template:
    """A page of them; where a choice was not carried out, with what stands in its way."""
    parts, now_ms = parts_of(request), parts_of(request).now_wall_ms()
    after, before = _place(place["after"]), _place(place["before"])

    def question(db: Connection) -> tuple[two_edits.MetPage, str | None, int, int]:
        shown = two_edits.page(db, after=after, before=before)
        return shown, meta.value(db, "hub_id"), two_edits.count(db), two_edits.count_open(db)

    shown, own, total, n_open = await parts.database.read(question)
    said = await just_settled(request)
    found = [_worded(it, own, now_ms) for it in shown.found]
    return page(
        request, "conflicts.html", status=422 if refused else 200, said=said, refused=refused,
        asked=[it for it in found if not it.outcome], n=len(found), total=total, n_open=n_open,
        settled=[it for it in found if it.outcome and (not said or it.two_edits_id != said.two_edits_id)],
        back=_address(place), before=_text(shown.before), after=_text(shown.after),
    )  # fmt: skip


def _text(place: Place | None) -> str:
    return f"{int(place.is_open)}:{place.at_ms}:{place.two_edits_id}" if place else ""


def _place(text: str) -> Place | None:
    """What `_text` wrote; None where it is none."""
    is_open, _, rest = text.partition(":")
    ms, _, two_edits_id = rest.partition(":")
    is_one = is_open in ("0", "1") and ms.isascii() and ms.isdigit() and len(ms) < 17
    return Place(is_open == "1", int(ms), two_edits_id) if is_one else None


def _address(place: Mapping[str, str]) -> str:
    asked = {key: value for key, value in place.items() if value}
    return f"{HERE}?{urlencode(asked)}" if asked else HERE


def _named(back: str) -> dict[str, str]:
    """The place that a page of this list named in its own address."""
    named = parse_qs(urlsplit(back).query)
    return {key: named.get(key, [""])[0][:200] for key in ("after", "before")}


@post(HERE + "/{two_edits_id:str}", include_in_schema=False)
async def settle(request: AnyRequest, two_edits_id: FromPath[str], data: Form) -> Redirect | Template:
    """Keep the value, use the other one, or open the question again."""
    by, choice, shown = _name(user_of(request)), data.get("choice", ""), data.get("shown")
    back = data.get("back", HERE)
    try:
        await parts_of(request).desk.settle(two_edits_id, choice, by, shown)
    except ActionRefused as refused:
        return await _listed(request, _named(back), refused)
    is_athletes = back.startswith("/athletes/")
    told = Cookie(
        key=JUST_SETTLED,
        value=two_edits_id,
        path="/athletes" if is_athletes else HERE,
        max_age=TOLD_S,
        httponly=True,
        samesite="strict",
    )
    address = back if is_athletes else _address(_named(back))
    return Redirect(address, status_code=SEE_OTHER, cookies=[told])


async def just_settled(request: AnyRequest, athlete_id: str | None = None) -> MetView | None:
    """The one this tablet has just settled, so that the page can say so and offer to undo it.

    None where it is not about this athlete.
    """
    parts, name = parts_of(request), request.cookies.get(JUST_SETTLED)
    if not name:
        return None
    try:
        found, own = await parts.database.read(lambda db: (two_edits.one(db, name), meta.value(db, "hub_id")))
    except NotFound:
        return None
    it = _worded(found, own, parts.now_wall_ms())
    is_of_page = athlete_id in (None, found.edits.athlete_id)
    return it if is_of_page and it.outcome and it.may_undo else None


HANDLERS = [list_page, settle]
