"""Refused edits: what a hub wanted to change and why it was not taken; tried again, put away, or saved.

None of them stands in a hub's way. What is put away stays known and is not taken when it comes again.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from cloud import letters
from cloud.clock import now_ms
from cloud.store.rows import LetterRow
from cloud.web.hubs import KIND_WORDS, REFUSED_WORDS
from cloud.web.shell import PageRequest, check_origin, coach_of, on_arrival, page, parts_of
from cloud.web.words import ago

MOST_FIELDS = 6


class Choice(Struct, frozen=True):
    """What the form sends."""

    choice: str = ""


@dataclass(frozen=True, slots=True)
class LetterView:
    """A refused edit in words."""

    op_id: str
    kind: str
    what: str
    hub: str
    reason: str
    detail: str
    when: str


def _view(row: LetterRow, at_ms: int) -> LetterView:
    op = _content(row)
    fields = op.get("fields") or {}
    shown = [f"{name.replace('_', ' ')} {_short(value)}" for name, value in fields.items()]
    more = f" and {len(shown) - MOST_FIELDS} more" if len(shown) > MOST_FIELDS else ""
    tbl = str(op.get("tbl", ""))
    return LetterView(
        row.op_id, KIND_WORDS.get(tbl, tbl.replace("_", " ").capitalize()),
        ", ".join(shown[:MOST_FIELDS]) + more, row.hub_id[:8], REFUSED_WORDS.get(row.code, row.code),
        row.detail, ago(row.received_ms, at_ms),
    )  # fmt: skip


def _content(row: LetterRow) -> dict[str, Any]:
    try:
        found = json.loads(row.payload)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:39]}…"


@get("/letters", include_in_schema=False)
async def letters_list(request: PageRequest) -> Response[str]:
    coach, at_ms = await coach_of(request), now_ms()
    async with parts_of(request).database.transaction() as db:
        rows = await letters.waiting(db, coach.club_id)
    return page("letters.html", coach=coach, here="hubs", letters=[_view(it, at_ms) for it in rows], said="")


@post("/letters/{op_id:str}", include_in_schema=False, status_code=200)
async def settle(
    request: PageRequest, op_id: FromPath[str], data: URLEncodedBody[Choice]
) -> Response[str] | Redirect:
    """Judge it again, or put it away."""
    check_origin(request)
    coach, at_ms = await coach_of(request), now_ms()
    async with parts_of(request).database.transaction() as db:
        key = op_id.replace("\0", "")
        refusal = None
        if data.choice == "retry":
            refusal = await letters.retry(db, coach.club_id, key, at_ms)
        elif data.choice == "drop":
            await letters.discard(db, coach.club_id, key, at_ms)
        rows = await letters.waiting(db, coach.club_id)
    if refusal is None:
        on_arrival(request)
        return Redirect("/letters", status_code=303)
    said = f"It still cannot be taken: {refusal.detail}."
    shown = [_view(it, at_ms) for it in rows]
    return page("letters.html", status=422, coach=coach, here="hubs", letters=shown, said=said)


@get("/letters.json", include_in_schema=False)
async def letters_file(request: PageRequest) -> Response[bytes]:
    """Every refused edit nobody has decided about, whole, as a file."""
    coach = await coach_of(request)
    async with parts_of(request).database.transaction() as db:
        rows = await letters.waiting(db, coach.club_id)
    found = [{**asdict(it), "payload": _content(it)} for it in rows]
    headers = {
        "Content-Disposition": 'attachment; filename="refused-edits.json"',
        "Cache-Control": "no-store",
    }
    content = json.dumps(found, ensure_ascii=False, indent=1).encode()
    return Response(content, media_type="application/json", headers=headers)


HANDLERS = [letters_list, settle, letters_file]
