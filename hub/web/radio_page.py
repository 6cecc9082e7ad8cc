"""Straps and how each is heard: three ways in on one page, receivers, and one strap with its wishes.

It talks to no radio; it reads the radio's live view and asks for assignments and wishes.
"""

from __future__ import annotations

from dataclasses import replace
from sqlite3 import Connection
from typing import Annotated

from litestar import get, post
from litestar.params import QueryParameter
from litestar.response import Template

from hub.domain import Athlete, Strap
from hub.errors import NotFound
from hub.store import athletes, ignored_straps, strap_wishes, straps
from hub.store.strap_wishes import WAYS, StrapWish
from hub.web.parts import parts_of
from hub.web.shell import AnyRequest, Form, page
from hub.web.straps_page import hand_over
from hub.web.straps_view import (
    StrapDetail,
    StrapsView,
    label,
    motion_text,
    strap_detail,
    strap_row,
    straps_view,
)

Choices = tuple[tuple[str, str, str], ...]


async def _view(request: AnyRequest) -> StrapsView:
    parts = parts_of(request)

    def question(db: Connection) -> tuple[list[Athlete], list[Strap], frozenset[str]]:
        return athletes.all_athletes(db), straps.all_straps(db), ignored_straps.ids(db)

    people, known, ignored = await parts.database.read(question)
    radio = parts.radio
    return straps_view(
        people, known, parts.straps(), radio.receivers(), ignored, radio.pod_wearers(), radio.pods(),
        radio.foreign(), parts.now_mono_ms(),
    )  # fmt: skip


async def _one(request: AnyRequest, strap_id: str) -> tuple[StrapDetail, Choices]:
    """The strap, and who it can go to: athlete, label, what they wear now. Raises NotFound."""
    parts, radio = parts_of(request), parts_of(request).radio

    def question(db: Connection) -> tuple[list[Athlete], list[Strap], StrapWish]:
        return athletes.all_athletes(db), straps.all_straps(db), strap_wishes.wish(db, strap_id)

    people, known, wish = await parts.database.read(question)
    status = next((it for it in parts.straps() if it.strap_id == strap_id), None)
    kept = next((it for it in known if it.strap_id == strap_id), None)
    pod_wearers = radio.pod_wearers()
    is_pod = (status is not None and status.is_pod) or (status is None and strap_id in pod_wearers)
    if status is None and kept is None and strap_id not in pod_wearers:
        raise NotFound(f"strap {strap_id}.", hint="It is no longer heard; open the straps page again.")
    strap_wearers = {it.strap_id: it.athlete_id for it in known if it.athlete_id is not None}
    worn = pod_wearers if is_pod else strap_wearers
    names = {athlete.athlete_id: label(athlete) for athlete in people}
    title = status.name if status is not None else kept.name if kept is not None else strap_id
    row = strap_row(
        strap_id, title, status, names.get(worn.get(strap_id, ""), ""), parts.now_mono_ms(),
        motion_text(radio.pods().get(strap_id)),
    )  # fmt: skip
    detail = strap_detail(row, status, wish, radio.receivers(), worn.get(strap_id))
    return replace(detail, is_pod=is_pod), _choices(people, worn, strap_id)


def _choices(people: list[Athlete], worn: dict[str, str], strap_id: str) -> Choices:
    """Those without one first."""
    has = {who: it for it, who in worn.items()}
    mine = worn.get(strap_id)

    def words(athlete_id: str) -> str:
        if athlete_id not in has:
            return ""
        if athlete_id == mine:
            return "wears it"
        return "replaces theirs" if mine is None else "swap"

    found = [(it.athlete_id, label(it), words(it.athlete_id)) for it in people if it.is_active]
    return tuple(sorted(found, key=lambda it: it[2] not in ("", "wears it")))


async def _fragment(request: AnyRequest, strap_id: str) -> Template:
    detail, choices = await _one(request, strap_id)
    return page(request, "_strap.html", it=detail, choices=choices)


@get("/straps", include_in_schema=False)
async def straps_and_receivers(request: AnyRequest) -> Template:
    """Every strap with its way in, and every receiver."""
    return page(request, "straps.html", view=await _view(request))


@get("/straps/live", include_in_schema=False)
async def straps_live(request: AnyRequest) -> Template:
    """The same, to be morphed into the page every two seconds."""
    return page(request, "_radio.html", view=await _view(request))


@get("/straps/one", include_in_schema=False)
async def one_strap(request: AnyRequest, strap: Annotated[str, QueryParameter()] = "") -> Template:
    """One strap: what is known, who wears it, what is wanted of it."""
    detail, choices = await _one(request, strap)
    return page(request, "strap.html", it=detail, choices=choices)


@get("/straps/one/live", include_in_schema=False)
async def one_strap_live(request: AnyRequest, strap: Annotated[str, QueryParameter()] = "") -> Template:
    """The same, to be morphed in."""
    return await _fragment(request, strap)


@post("/straps/one/give", status_code=200, include_in_schema=False)
async def give(request: AnyRequest, data: Form) -> Template:
    """Give the strap or pod to an athlete, or take it back with no athlete."""
    strap_id, athlete_id = data.get("strap_id", ""), data.get("athlete_id") or None
    detail, _ = await _one(request, strap_id)
    if detail.is_pod:
        await parts_of(request).radio.assign_pod(strap_id, athlete_id)
    else:
        await hand_over(request, strap_id, athlete_id)
    return await _fragment(request, strap_id)


@post("/straps/one/wish", status_code=200, include_in_schema=False)
async def wish(request: AnyRequest, data: Form) -> Template:
    """Pin a way or a receiver, or want beats; what the form does not name stays as it was."""
    strap_id = data.get("strap_id", "")
    detail, _ = await _one(request, strap_id)
    wanted = detail.wish
    if data.get("way") in WAYS:
        wanted = replace(wanted, way=data["way"])
    if "receiver" in data:
        named = data["receiver"]
        wanted = replace(wanted, receiver=named if named in detail.receivers else None)
    if "wants_rr" in data:
        wanted = replace(wanted, wants_rr=data["wants_rr"] == "yes")
    if data.get("nothing") == "yes":
        wanted = StrapWish(strap_id)
    await parts_of(request).radio.keep_wish(wanted)
    return await _fragment(request, strap_id)


HANDLERS = [straps_and_receivers, straps_live, one_strap, one_strap_live, give, wish]
