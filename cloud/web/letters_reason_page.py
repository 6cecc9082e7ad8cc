"""All refused edits of one reason put away after a question that says how many, with an Undo.

What comes while the question is on the screen stays where it is. It lists no edit.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from litestar import Response, get, post
from litestar.params import QueryParameter, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from cloud import letters_by_reason
from cloud.clock import now_ms
from cloud.letters_by_reason import Shown
from cloud.store.rows import Coach
from cloud.web.hubs import REFUSED_WORDS
from cloud.web.met_page import name_of
from cloud.web.shell import PageRequest, check_origin, coach_of, on_arrival, page, parts_of


class Answer(Struct, frozen=True):
    """What the question's form sends back of what it showed."""

    reason: str = ""
    n: int = 0
    upto: str = ""


class Undo(Struct, frozen=True):
    """What was put away in one go, and when."""

    reason: str = ""
    at: int = 0


@get("/letters/away", include_in_schema=False)
async def away_page(
    request: PageRequest, reason: Annotated[str, QueryParameter(max_length=100)] = ""
) -> Response[str]:
    """The question before all of a reason are put away."""
    return await _asked(request, await coach_of(request), reason)


async def _asked(request: PageRequest, coach: Coach, reason: str, *, is_again: bool = False) -> Response[str]:
    code = reason.replace("\0", "")
    async with parts_of(request).database.transaction() as db:
        shown = await letters_by_reason.shown(db, coach.club_id, code)
    words, status = REFUSED_WORDS.get(code, code), 409 if is_again else 200
    return page(
        "letters_away.html", status=status, coach=coach, here="hubs", it=shown, words=words, is_again=is_again
    )


@post("/letters/away", include_in_schema=False, status_code=200)
async def put_all_away(request: PageRequest, data: URLEncodedBody[Answer]) -> Response[str] | Redirect:
    """Put away what was shown; the question comes again where there are more of it than it said."""
    check_origin(request)
    coach, at_ms, code = await coach_of(request), now_ms(), data.reason.replace("\0", "")
    shown = Shown(code, data.n, data.upto)
    database = parts_of(request).database
    n = await letters_by_reason.put_away(database, coach.club_id, shown, at_ms, name_of(coach))
    if n is None:
        return await _asked(request, coach, code, is_again=True)
    on_arrival(request)
    return Redirect(f"/letters?{urlencode({'done': code, 'at': at_ms})}", status_code=303)


@post("/letters/back", include_in_schema=False, status_code=303)
async def take_all_out(request: PageRequest, data: URLEncodedBody[Undo]) -> Redirect:
    """Undo it: all that were put away in that go wait again."""
    check_origin(request)
    coach, code = await coach_of(request), data.reason.replace("\0", "")
    at_ms, by = data.at if 0 < data.at < 2**62 else 0, name_of(coach)
    await letters_by_reason.take_out(parts_of(request).database, coach.club_id, code, at_ms, now_ms(), by)
    on_arrival(request)
    return Redirect("/letters", status_code=303)


HANDLERS = [away_page, put_all_away, take_all_out]
