"""Recovery while a session runs: one tap says that a hard effort ended, a minute later the fall is there.

A fragment of the board, of the session's page and of an athlete's; it computes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from litestar import get, post
from litestar.params import QueryParameter
from litestar.response import Template

from hub.analytics.catalogue import metric
from hub.board import LiveState
from hub.domain import Session
from hub.store import effort_stops
from hub.store.effort_stops import EffortStop
from hub.web.auth import user_of
from hub.web.parts import parts_of
from hub.web.shell import AnyRequest, Form, minutes_text, page
from hub.web.tiles import NOTHING

COUNTED_S = 60
HEARD_S = 10


@dataclass(frozen=True, slots=True)
class RecoveryView:
    """One athlete's row in words; `stop_id` is the last stop, empty where there is none to take back."""

    athlete_id: str
    number: str
    name: str
    value: str
    detail: str
    stop_id: str
    is_heard: bool
    is_counting: bool


@dataclass(frozen=True, slots=True)
class SquadStop:
    """The last stop that was said of several at once."""

    stop_id: str
    text: str


def value_and_detail(state: LiveState) -> tuple[str, str]:
    """The seconds that are left or the result, and what it is made of."""
    found, stopped_s = state.hrr60, state.stopped_s
    if stopped_s is None:
        return "", ""
    if found is None and stopped_s < COUNTED_S:
        return f"{math.ceil(COUNTED_S - stopped_s)} s", "counting"
    if found is None:
        return "…", "the last seconds"
    if found.fall_bpm is None or found.end_bpm is None or found.after_60_s_bpm is None:
        return NOTHING, "; ".join(found.flags)
    return metric("hrr60").text(found.fall_bpm), f"{found.end_bpm:.0f} → {found.after_60_s_bpm:.0f}"


def recovery_view(state: LiveState, stop: EffortStop | None, session: Session) -> RecoveryView:
    """Words for one athlete."""
    value, detail = value_and_detail(state)
    athlete = state.athlete
    if stop is not None:
        detail = f"{detail} · at {_at(stop, session)}"
    return RecoveryView(
        athlete.athlete_id,
        "" if athlete.shirt_number is None else str(athlete.shirt_number),
        athlete.name,
        value,
        detail,
        "" if stop is None else stop.stop_id,
        state.age_s is not None and state.age_s <= HEARD_S,
        state.stopped_s is not None and state.hrr60 is None,
    )


def squad_stop(stops: Sequence[EffortStop], session: Session) -> SquadStop | None:
    """The last stop of several, where nothing was said after it."""
    if not stops or len(stops[-1].athlete_ids) < 2:
        return None
    return SquadStop(stops[-1].stop_id, f"{len(stops[-1].athlete_ids)} stopped at {_at(stops[-1], session)}")


def _at(stop: EffortStop, session: Session) -> str:
    return minutes_text(max(0, stop.mono_ms - session.mono0_ms) // 1000)


async def _content(request: AnyRequest, athlete_id: str) -> Template:
    parts = parts_of(request)
    shot = parts.board.snapshot(parts.now_mono_ms(), parts.now_wall_ms())
    session = shot.session
    rows, squad = [], None
    if session is not None:
        stops = await parts.database.read(
            lambda db: effort_stops.of_session(db, session.session_id, session.boot_no)
        )
        last = {each: stop for stop in stops for each in stop.athlete_ids}
        rows = [
            recovery_view(it, last.get(it.athlete.athlete_id), session)
            for it in shot.athletes
            if athlete_id in ("", it.athlete.athlete_id) and (it.strap_id or it.stopped_s is not None)
        ]
        squad = None if athlete_id else squad_stop(stops, session)
    return page(
        request, "_recovery.html", rows=rows, squad=squad, of_one=athlete_id, is_running=session is not None
    )


@get("/board/recovery", include_in_schema=False)
async def live_recovery(request: AnyRequest, athlete: Annotated[str, QueryParameter()] = "") -> Template:
    """Everyone who wears a strap, or one of them, fetched anew every second by the page that shows it."""
    return await _content(request, athlete)


@post("/board/recovery/stop", status_code=200, include_in_schema=False)
async def stop(request: AnyRequest, data: Form) -> Template:
    """The hard effort ends now: that of `athlete_id`, or everybody's without one."""
    user = user_of(request)
    await parts_of(request).actions.stop_effort(data.get("athlete_id") or None, user.name if user else "")
    return await _content(request, data.get("of_one", ""))


@post("/board/recovery/undo", status_code=200, include_in_schema=False)
async def undo(request: AnyRequest, data: Form) -> Template:
    """Take a stop back, for one athlete or for everybody it was said of."""
    await parts_of(request).actions.take_stop_back(data.get("stop_id", ""), data.get("athlete_id") or None)
    return await _content(request, data.get("of_one", ""))


HANDLERS = [live_recovery, stop, undo]
