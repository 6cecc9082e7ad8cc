"""Everything the cloud refused, fifty a page: one by one, or all of a reason put away, with an Undo.

It works without script; the sync page lists only the newest of them. It words nothing itself.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from sqlite3 import Connection
from typing import Annotated
from urllib.parse import urlencode

from litestar import get, post
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect, Template

from hub.errors import ActionRefused, HubError
from hub.store import dead_letters, refused_stretches
from hub.syncing.words import reason_words
from hub.web.auth import user_of
from hub.web.letters import Letter, worded
from hub.web.parts import parts_of
from hub.web.shell import SEE_OTHER, AnyRequest, Form, ago_text, page
from hub.web.sync_view import RefusedStretch, refused_words

HERE = "/sync/refused"
A_PAGE = 50
Number = Annotated[int | None, QueryParameter(ge=0, le=2**62)]
Word = Annotated[str, QueryParameter(max_length=100)]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the pages before and behind this one begin; None where there is none."""

    newer: int | None
    older: int | None


@dataclass(frozen=True, slots=True)
class RefusedPage:
    """A page of refused edits, with how many there are by reason."""

    letters: list[Letter]
    place: Place
    reasons: list[tuple[str, str, int]]
    away: list[Letter]


def _gather(db: Connection, before: int | None, after: int | None) -> RefusedPage:
    found = dead_letters.newest(db, A_PAGE, before=before)
    if after is not None and len(newer := dead_letters.newer(db, A_PAGE, after)) == A_PAGE:
        found = newer
    elif after is not None:
        found = dead_letters.newest(db, A_PAGE)
    has_newer = bool(found and dead_letters.newer(db, 1, found[0].seq))
    has_older = bool(found and dead_letters.newest(db, 1, before=found[-1].seq))
    place = Place(found[0].seq if has_newer else None, found[-1].seq if has_older else None)
    reasons = [(code, reason_words(code), n) for code, n in dead_letters.counts(db).items()]
    away = [worded(db, it) for it in dead_letters.away(db, A_PAGE)]
    return RefusedPage([worded(db, it) for it in found], place, reasons, away)


@get(HERE, include_in_schema=False)
async def refused_page(
    request: AnyRequest, before: Number = None, after: Number = None, done: Word = "", at: Number = None,
    n: Number = None,
) -> Template:  # fmt: skip
    """The newest, or those before or behind an edit; `done` tells what was just put away, to be undone."""
    parts = parts_of(request)
    it = await parts.database.read(lambda db: _gather(db, before, after))
    ago = partial(ago_text, now_ms=parts.now_wall_ms())
    said = {"code": done, "reason": reason_words(done), "at": at, "n": n} if at and n else None
    return page(request, "refused.html", it=it, ago=ago, said=said, here=_place(before, after))


def _place(before: int | None, after: int | None) -> str:
    asked = {"before": before, "after": after}
    return urlencode({key: value for key, value in asked.items() if value is not None})


@post(HERE + "/{op_id:str}", include_in_schema=False)
async def settle(request: AnyRequest, op_id: FromPath[str], data: Form) -> Redirect:
    """Send one once more, put it away, or take it out again; back to the same page."""
    desk, user, choice = parts_of(request).desk, user_of(request), data.get("choice")
    by = user.name if user else ""
    if choice == "retry":
        await desk.retry(op_id, by)
    elif choice == "drop":
        await desk.drop(op_id, by)
    elif choice == "back":
        await desk.take_out(op_id, by)
    else:
        raise ActionRefused("Nothing was chosen.", hint="Try it again, put it away, or take it out.")
    numbers = {key: data[key] for key in ("before", "after") if data.get(key, "").isdigit()}
    return Redirect(f"{HERE}?{urlencode(numbers)}", status_code=SEE_OTHER)


@get(HERE + "/away", include_in_schema=False)
async def away_page(request: AnyRequest, reason: Word = "") -> Template:
    """The question before all of a reason are put away."""
    n = (await parts_of(request).database.read(dead_letters.counts)).get(reason, 0)
    return page(request, "refused_away.html", reason=reason, words=reason_words(reason), n=n)


@post(HERE + "/away", include_in_schema=False)
async def put_all_away(request: AnyRequest, data: Form) -> Redirect:
    """Put them away, and offer to undo it."""
    user, reason = user_of(request), data.get("reason", "")
    n, at_ms = await parts_of(request).desk.drop_all(reason, user.name if user else "")
    said = urlencode({"done": reason, "at": at_ms, "n": n})
    return Redirect(f"{HERE}?{said}", status_code=SEE_OTHER)


@post(HERE + "/back", include_in_schema=False)
async def take_all_out(request: AnyRequest, data: Form) -> Redirect:
    """Undo it: all that were put away in that go wait again."""
    user, at = user_of(request), data.get("at", "")
    if not (at.isascii() and at.isdigit() and len(at) < 17):
        raise ActionRefused("It is not known what was put away.", hint="Take them out one by one.")
    await parts_of(request).desk.take_out_all(data.get("reason", ""), int(at), user.name if user else "")
    return Redirect(HERE, status_code=SEE_OTHER)


@get(HERE + "/recordings", include_in_schema=False)
async def recordings_page(request: AnyRequest, away: Word = "", page_no: Number = None) -> Template:
    """Recordings the cloud refused, or those put away."""
    parts, is_away, first = parts_of(request), away == "yes", (page_no or 0) * A_PAGE

    def question(db: Connection) -> tuple[list[RefusedStretch], int]:
        found = [it for it in refused_stretches.stretches(db) if it.is_put_away is is_away]
        return [refused_words(db, it) for it in found[first : first + A_PAGE]], len(found)

    found, total = await parts.database.read(question)
    ago = partial(ago_text, now_ms=parts.now_wall_ms())
    return page(request, "refused_recordings.html", found=found, total=total, first=first, is_away=is_away,
                ago=ago, page_no=page_no or 0)  # fmt: skip


@post(HERE + "/recordings/{stretch_id:str}", include_in_schema=False)
async def settle_recording(request: AnyRequest, stretch_id: FromPath[str], data: Form) -> Redirect:
    """Send one once more, keep it here only, or take that back."""
    parts, choice = parts_of(request), data.get("choice")
    if choice == "retry":
        await parts.desk.resend(stretch_id)
        with suppress(HubError):  # paused, or out of reach: it goes when there is a way
            await parts.actions.sync_now()
    elif choice in ("keep", "back"):
        await parts.desk.keep_here(stretch_id, is_kept=choice == "keep")
    away = "?away=yes" if choice == "back" else ""
    return Redirect(f"{HERE}/recordings{away}", status_code=SEE_OTHER)


HANDLERS = [
    *(refused_page, settle, away_page, put_all_away, take_all_out),
    *(recordings_page, settle_recording),
]
