"""Edits that met: whose value stands, with the other one a tap away, and every choice can be taken back.

Choosing is an ordinary edit; which edits met is found by the cloud.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from litestar import get, post
from litestar.datastructures import Cookie
from litestar.params import FromPath
from litestar.response import Redirect, Template

from hub.domain import User
from hub.errors import ActionRefused
from hub.store import meta
from hub.store.two_edits import KEPT, OTHER, Meeting, Side, meetings
from hub.web.auth import user_of
from hub.web.parts import WebParts, parts_of
from hub.web.shell import SEE_OTHER, AnyRequest, Form, ago_text, page

HERE = "/sync/edits"
JUST_SETTLED = "just_settled"
TOLD_S = 15 * 60


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


async def views(parts: WebParts, of: tuple[str, str] | None = None) -> list[MetView]:
    """Every meeting, or those about one athlete or record, the newest first."""
    found, own = await parts.database.read(lambda db: (meetings(db, of), meta.value(db, "hub_id")))
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
async def list_page(request: AnyRequest) -> Template:
    """Those that ask for a word, then those that were settled."""
    return await _listed(request)


async def _listed(request: AnyRequest, refused: ActionRefused | None = None) -> Template:
    """All of them; where a choice was not carried out, with what stands in its way."""
    found = await views(parts_of(request))
    asked = [it for it in found if not it.outcome]
    settled = [it for it in found if it.outcome]
    status = 422 if refused else 200
    return page(
        request, "conflicts.html", status=status, asked=asked, settled=settled, back=HERE, refused=refused
    )


@post(HERE + "/{two_edits_id:str}", include_in_schema=False)
async def settle(request: AnyRequest, two_edits_id: FromPath[str], data: Form) -> Redirect | Template:
    """Keep the value, use the other one, or open the question again."""
    by, choice, shown = _name(user_of(request)), data.get("choice", ""), data.get("shown")
    try:
        await parts_of(request).desk.settle(two_edits_id, choice, by, shown)
    except ActionRefused as refused:
        return await _listed(request, refused)
    back = data.get("back", HERE)
    if not back.startswith("/athletes/"):
        return Redirect(HERE, status_code=SEE_OTHER)
    told = Cookie(
        key=JUST_SETTLED,
        value=two_edits_id,
        path="/athletes",
        max_age=TOLD_S,
        httponly=True,
        samesite="strict",
    )
    return Redirect(back, status_code=SEE_OTHER, cookies=[told])


def just_settled(request: AnyRequest, found: Sequence[MetView]) -> MetView | None:
    """The one this tablet has just settled, so that the page can say so and offer to undo it."""
    name = request.cookies.get(JUST_SETTLED)
    return next((it for it in found if it.two_edits_id == name and it.outcome and it.may_undo), None)


HANDLERS = [list_page, settle]
