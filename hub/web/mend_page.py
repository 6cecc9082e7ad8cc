"""Mend a refused edit: its plain values in a small form, sent again as a new edit.

A page of its own, since the sync page is drawn afresh every few seconds. The cloud judges the new values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template

from hub.store.dead_letters import DeadLetter
from hub.web import letters
from hub.web.auth import user_of
from hub.web.parts import parts_of
from hub.web.shell import SEE_OTHER, AnyRequest, Form, ago_text, page


@dataclass(frozen=True, slots=True)
class Input:
    """One value to mend, with what is wrong with what was typed."""

    value: letters.Value
    text: str
    fault: str | None


async def _shown(
    request: AnyRequest, letter: DeadLetter, typed: dict[str, str], faults: dict[str, str]
) -> Template:
    parts = parts_of(request)
    it = await parts.database.read(lambda db: letters.worded(db, letter))
    made = "" if it.made_ms is None else ago_text(it.made_ms, parts.now_wall_ms())
    inputs = [
        Input(each, typed.get(each.field, each.text), faults.get(each.field))
        for each in letters.values(letter.fields)
    ]
    status = 422 if faults else 200
    return page(request, "mend.html", status=status, it=it, made=made, inputs=inputs)


@get("/sync/letters/{op_id:str}/mend", include_in_schema=False)
async def mend_page(request: AnyRequest, op_id: FromPath[str]) -> Template:
    """The values that were refused, to be mended."""
    return await _shown(request, await parts_of(request).desk.letter(op_id), {}, {})


@post("/sync/letters/{op_id:str}/mend", include_in_schema=False)
async def send_mended(request: AnyRequest, op_id: FromPath[str], data: Form) -> Response[Any]:
    """Send it again with what was typed, or say what is wrong with that."""
    desk, user = parts_of(request).desk, user_of(request)
    letter = await desk.letter(op_id)
    fields, faults = letters.mended(letter.fields, data)
    if faults:
        return await _shown(request, letter, data, faults)
    await desk.retry(op_id, user.name if user else "", fields)
    return Redirect("/sync", status_code=SEE_OTHER)


HANDLERS = [mend_page, send_mended]
