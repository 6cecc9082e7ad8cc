"""The straps drawer: which are heard, who wears them, one tap to give one to an athlete.

It talks to no radio; it reads the radio's live view and asks for assignments. How each strap is heard is
shown by the page in radio_page.py.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Annotated

from litestar import get, post
from litestar.params import QueryParameter
from litestar.response import Template

from hub.domain import Athlete, Strap, StrapStatus
from hub.store import athletes, straps
from hub.web.parts import parts_of
from hub.web.shell import AnyRequest, Form, page
from hub.web.tiles import age_text

MOST_WAITING = 24
"""Straps nobody wears that the drawer lists."""


@dataclass(frozen=True, slots=True)
class StrapView:
    """One strap in words."""

    strap_id: str
    name: str
    athlete_id: str | None
    wearer: str
    detail: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One athlete a strap can be given to; `strap_name` is what they wear now."""

    athlete_id: str
    label: str
    strap_name: str


@dataclass(frozen=True, slots=True)
class Drawer:
    """The drawer's content: straps without an athlete first, and who the chosen one can go to.

    `more` straps without an athlete are farther away and not listed.
    """

    waiting: tuple[StrapView, ...]
    worn: tuple[StrapView, ...]
    chosen: StrapView | None
    choices: tuple[Choice, ...]
    more: int = 0


def _detail(status: StrapStatus | None, now_mono_ms: int) -> str:
    if status is None:
        return "not heard yet"
    said = []
    if status.last_reading_mono_ms is None:
        said.append("no reading yet")
    else:
        age_s = max(0, now_mono_ms - status.last_reading_mono_ms) / 1000
        said.append("live" if age_s <= 5 else f"silent for {age_text(age_s)}")
    if status.battery_percent is not None:
        said.append(f"battery {status.battery_percent} %")
    if status.rssi_dbm is not None:
        said.append("good signal" if status.rssi_dbm > -75 else "weak signal")
    return " · ".join(said)


def _label(athlete: Athlete) -> str:
    return athlete.name if athlete.shirt_number is None else f"{athlete.shirt_number} {athlete.name}"


def drawer(
    people: list[Athlete],
    known: list[Strap],
    heard: tuple[StrapStatus, ...],
    chosen_id: str,
    now_mono_ms: int,
) -> Drawer:
    """Join what the store knows with what the radio hears; the first waiting strap is chosen by default."""
    names = {athlete.athlete_id: _label(athlete) for athlete in people}
    wearer_of = {strap.strap_id: strap.athlete_id for strap in known}
    live = {status.strap_id: status for status in heard if not (status.is_pod or status.is_ignored)}
    titles = {strap.strap_id: strap.name for strap in known} | {s.strap_id: s.name for s in live.values()}
    views = []
    for strap_id, title in sorted(titles.items(), key=lambda item: (item[1], item[0])):
        athlete_id = wearer_of.get(strap_id)
        wearer = names.get(athlete_id or "", "")
        if wearer or strap_id in live:
            detail = _detail(live.get(strap_id), now_mono_ms)
            views.append(StrapView(strap_id, title, athlete_id if wearer else None, wearer, detail))
    loose = [view for view in views if view.athlete_id is None]
    waiting = _nearest(loose, live, chosen_id)
    worn = tuple(view for view in views if view.athlete_id is not None)
    default = waiting[0] if waiting else None
    chosen = next((view for view in views if view.strap_id == chosen_id), default)
    strap_of = {view.athlete_id: view.name for view in worn}
    choices = [Choice(a.athlete_id, _label(a), strap_of.get(a.athlete_id, "")) for a in people]
    choices.sort(key=lambda choice: bool(choice.strap_name))
    return Drawer(waiting, worn, chosen, tuple(choices), len(loose) - len(waiting))


def _nearest(loose: list[StrapView], live: dict[str, StrapStatus], chosen_id: str) -> tuple[StrapView, ...]:
    """As many straps as fit a drawer, however many advertise: those heard best, and the chosen one."""

    def order(view: StrapView) -> tuple[bool, int, str]:
        status = live.get(view.strap_id)
        dbm = -127 if status is None else status.rssi_dbm or -127
        return view.strap_id != chosen_id, -dbm, view.strap_id

    kept = {view.strap_id for view in sorted(loose, key=order)[:MOST_WAITING]}
    return tuple(view for view in loose if view.strap_id in kept)


async def _drawer(request: AnyRequest, chosen_id: str) -> Drawer:
    parts = parts_of(request)

    def question(db: sqlite3.Connection) -> tuple[list[Athlete], list[Strap]]:
        return athletes.all_athletes(db), straps.all_straps(db)

    people, known = await parts.database.read(question)
    return drawer(people, known, parts.straps(), chosen_id, parts.now_mono_ms())


@get("/straps/drawer", include_in_schema=False)
async def straps_drawer(request: AnyRequest, strap: Annotated[str, QueryParameter()] = "") -> Template:
    """The drawer's content; `strap` is the one to choose an athlete for."""
    return page(request, "_straps.html", drawer=await _drawer(request, strap))


@post("/straps/assign", status_code=200, include_in_schema=False)
async def assign(request: AnyRequest, data: Form) -> Template:
    """Give a strap to an athlete, take it back (no athlete), or swap when both already wear one."""
    await hand_over(request, data.get("strap_id", ""), data.get("athlete_id") or None)
    return page(request, "_straps.html", drawer=await _drawer(request, ""))


async def hand_over(request: AnyRequest, strap_id: str, athlete_id: str | None) -> None:
    """Give the strap, take it back with None; two athletes who both wear one swap."""
    assign_strap = parts_of(request).actions.assign_strap
    known = await parts_of(request).database.read(straps.all_straps)
    before = next((s.athlete_id for s in known if s.strap_id == strap_id), None)
    other = next((s.strap_id for s in known if athlete_id and s.athlete_id == athlete_id), None)
    if other is not None and other != strap_id:
        await assign_strap(other, None)
    await assign_strap(strap_id, athlete_id)
    if other is not None and other != strap_id and before is not None:
        await assign_strap(other, before)


HANDLERS = [straps_drawer, assign]
