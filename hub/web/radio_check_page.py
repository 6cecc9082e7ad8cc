"""The radio check as a page that keeps itself up to date, and as JSON for programs.

It judges nothing itself; radio_check.py does.
"""

from __future__ import annotations

from sqlite3 import Connection
from typing import Any

import msgspec
from litestar import Request, get, post
from litestar.response import Template

from hub.domain import Athlete, Strap
from hub.radio_check import RadioCheck, Scene, radio_check
from hub.store import athletes, ignored_straps, strap_wishes, straps
from hub.store.last_worn import last_worn
from hub.web.parts import parts_of
from hub.web.shell import AnyRequest, Form, page
from hub.web.straps_page import hand_over


class FindingAnswer(msgspec.Struct, frozen=True):
    """One thing found; `weight` is bad, warn or note, ids are null where it concerns nobody in particular."""

    weight: str
    kind: str
    words: str
    hint: str
    athlete_id: str | None
    strap_id: str | None


class CheckAnswer(msgspec.Struct, frozen=True):
    """How many of the active athletes can start as they are, and what was found, the worst first."""

    ready: int
    athletes: int
    is_clear: bool
    findings: list[FindingAnswer]


Known = tuple[list[Athlete], list[Strap], dict[str, str], frozenset[str], frozenset[str]]


async def _check(request: Request[Any, Any, Any]) -> RadioCheck:
    parts = parts_of(request)

    def question(db: Connection) -> Known:
        wishes = strap_wishes.all_wishes(db).values()
        wanting = frozenset(
            it.strap_id for it in wishes if it.way == "connected" or (it.wants_rr and it.way == "auto")
        )
        people, known = athletes.all_athletes(db), straps.all_straps(db)
        return people, known, last_worn(db), ignored_straps.ids(db), wanting

    people, known, before, ignored, wanting = await parts.database.read(question)
    return radio_check(
        Scene(
            people, known, parts.straps(), parts.radio.receivers(), parts.now_mono_ms(), before,
            parts.radio.sharing(), ignored, wanting,
        )
    )  # fmt: skip


async def _context(request: AnyRequest) -> dict[str, Any]:
    parts = parts_of(request)
    shot = parts.board.snapshot(parts.now_mono_ms(), parts.now_wall_ms())
    return {"check": await _check(request), "is_running": shot.session is not None}


@get("/radio-check", include_in_schema=False)
async def radio_check_page(request: AnyRequest) -> Template:
    """What would spoil the session."""
    return page(request, "radio_check.html", **await _context(request))


@get("/radio-check/live", include_in_schema=False)
async def radio_check_live(request: AnyRequest) -> Template:
    """The same, to be morphed into the page every three seconds."""
    return page(request, "_radio_check.html", **await _context(request))


@post("/radio-check/give", status_code=200, include_in_schema=False)
async def take_offer(request: AnyRequest, data: Form) -> Template:
    """Do what a finding offers: give the strap to the athlete."""
    await hand_over(request, data.get("strap_id", ""), data.get("athlete_id") or None)
    return page(request, "_radio_check.html", **await _context(request))


@get("/radio-check.json", summary="Radio check", tags=["hub"])
async def radio_check_answer(request: Request[Any, Any, Any]) -> CheckAnswer:
    """Straps that are missing, weak, low, held, swapped or foreign, and receivers in trouble."""
    check = await _check(request)
    findings = [
        FindingAnswer(it.weight.value, it.kind.value, it.words, it.hint, it.athlete_id, it.strap_id)
        for it in check.findings
    ]
    return CheckAnswer(check.ready, check.athletes, check.is_clear, findings)


HANDLERS = [radio_check_page, radio_check_live, take_offer, radio_check_answer]
