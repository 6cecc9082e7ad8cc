"""Refused edits: what a hub wanted to change and why it was not taken; tried again, put away, or saved.

None of them stands in a hub's way. What is put away stays known and is not taken when it comes again; its hub
hears of it, and it can be taken out again on either side.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.params import FromPath, QueryParameter, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from cloud import letters, letters_by_reason
from cloud.clock import now_ms
from cloud.store.database import Connection
from cloud.web.hubs import REFUSED_WORDS
from cloud.web.letter_view import LetterView, away, content, views
from cloud.web.met_page import name_of
from cloud.web.shell import PageMissing, PageRequest, check_origin, coach_of, on_arrival, page, parts_of
from cloud.web.words import ago

Place = Annotated[str, QueryParameter(max_length=100)]


Moment = Annotated[int, QueryParameter(ge=0, le=2**62)]


Done = tuple[str, int]
"""A reason all of which was put away, and when."""


class Choice(Struct, frozen=True):
    """What the form sends."""

    choice: str = ""


@get("/letters", include_in_schema=False)
async def letters_list(
    request: PageRequest, after: Place = "", before: Place = "", done: Place = "", at: Moment = 0
) -> Response[str]:
    """Fifty a page, oldest first; those put away below. `done` and `at` tell what was just put away."""
    coach, at_ms, done = await coach_of(request), now_ms(), done.replace("\0", "")
    async with parts_of(request).database.transaction() as db:
        found = await _found(db, coach.club_id, at_ms, after, before, (done, at))
    return page("letters.html", coach=coach, here="hubs", **found, said="")


async def _found(
    db: Connection, club_id: str, at_ms: int, after: str = "", before: str = "", done: Done = ("", 0)
) -> dict[str, Any]:
    """What the page lists: those that wait, how many of which reason, and those put away."""
    shown = await letters.page(db, club_id, after=after, before=before)
    words = await views(db, club_id, shown.letters, at_ms)
    reasons = [(it.code, _why(it.code), it.n) for it in await letters_by_reason.reasons(db, club_id)]
    n = len(await letters_by_reason.put_away_at(db, club_id, *done)) if done[1] else 0
    undo = {"code": done[0], "words": _why(done[0]), "at": done[1], "n": n} if n else None
    together = [
        {"code": it.code, "words": _why(it.code), "at": it.at_ms, "n": it.n, "ago": ago(it.at_ms, at_ms)}
        for it in await letters_by_reason.together(db, club_id)
        if (it.code, it.at_ms) != done
    ]
    return {
        "letters": words, "place": shown, "reasons": reasons, "undo": undo, "together": together,
        "away": await away(db, club_id, at_ms),
    }  # fmt: skip


def _why(code: str) -> str:
    return REFUSED_WORDS.get(code, code)


@get("/letters/{op_id:str}/drop", include_in_schema=False)
async def drop_page(request: PageRequest, op_id: FromPath[str]) -> Response[str]:
    """The second question before an edit is put away."""
    coach = await coach_of(request)
    async with parts_of(request).database.transaction() as db:
        one = await _one(db, coach.club_id, op_id, now_ms())
    if one is None:
        raise PageMissing("refused edit; it was tried again or put away meanwhile")
    return page("letter_drop.html", coach=coach, here="hubs", letter=one)


async def _one(db: Connection, club_id: str, op_id: str, at_ms: int) -> LetterView | None:
    """The one of this name if nobody has decided about it, in words."""
    found = await letters.one(db, club_id, op_id.replace("\0", ""))
    return None if found is None else (await views(db, club_id, [found], at_ms))[0]


@post("/letters/{op_id:str}", include_in_schema=False, status_code=200)
async def settle(
    request: PageRequest, op_id: FromPath[str], data: URLEncodedBody[Choice]
) -> Response[str] | Redirect:
    """Judge it again, put it away, or take it out again."""
    check_origin(request)
    coach, at_ms = await coach_of(request), now_ms()
    async with parts_of(request).database.transaction() as db:
        key = op_id.replace("\0", "")
        refusal = None
        if data.choice == "retry":
            refusal = await letters.retry(db, coach.club_id, key, at_ms)
        elif data.choice == "drop":
            await letters.discard(db, coach.club_id, key, at_ms, name_of(coach))
        elif data.choice == "back":
            await letters.take_out(db, coach.club_id, key, at_ms, name_of(coach))
        if refusal is not None:
            one, shown = await _one(db, coach.club_id, key, at_ms), await _found(db, coach.club_id, at_ms)
    if refusal is None:
        on_arrival(request)
        return Redirect("/letters", status_code=303)
    about = "This edit" if one is None else one.whose or one.kind
    said = f"{about}: it still cannot be taken: {refusal.detail}."
    return page("letters.html", status=422, coach=coach, here="hubs", **shown, said=said)


@get("/letters.json", include_in_schema=False)
async def letters_file(request: PageRequest) -> Response[bytes]:
    """Every refused edit nobody has decided about, whole, as a file."""
    coach = await coach_of(request)
    async with parts_of(request).database.transaction() as db:
        rows = await letters.waiting(db, coach.club_id)
    found = [{**asdict(it), "payload": content(it)} for it in rows]
    headers = {
        "Content-Disposition": 'attachment; filename="refused-edits.json"',
        "Cache-Control": "no-store",
    }
    written = json.dumps(found, ensure_ascii=False, indent=1).encode()
    return Response(written, media_type="application/json", headers=headers)


HANDLERS = [letters_list, drop_page, settle, letters_file]
