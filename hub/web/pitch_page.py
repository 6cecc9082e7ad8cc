"""The pitch heat map of a session, and the grounds it lies on: shown, chosen, and given by their corners.

Corners are tapped on the recorded positions or typed; what is computed from them is the analytics' business.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID, uuid4

import numpy as np
from litestar import Response, get, post
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect, Template

from hub.analytics.errors import AnalyticsError
from hub.analytics.external import Floats
from hub.analytics.pitch import Degrees, Pitch, east_north_m
from hub.domain import Athlete, Session
from hub.errors import ActionRefused
from hub.results.external import everywhere, map_of, placed
from hub.results.grounds import Found, corners_of, pitch_for
from hub.store import grounds, sessions
from hub.store.grounds import Choice, Ground
from hub.web.ground_form import CORNERS, GroundForm, read_form, typed_from
from hub.web.parts import parts_of
from hub.web.pitch_view import PitchView, pitch_view
from hub.web.shell import SEE_OTHER, AnyRequest, Form, is_fragment, page

FITTED = "fitted"
MOST_POINTS = 3000
ROUND_THEM_M = 25.0


@dataclass(frozen=True, slots=True)
class MapShown:
    """A session's heat map, or why there is none."""

    session: Session
    athletes: tuple[Athlete, ...]
    grounds: tuple[Ground, ...]
    choice: Choice | None
    found: Found | None
    view: PitchView | None
    fault: str | None


@dataclass(frozen=True, slots=True)
class Cloud:
    """Where everybody was, in metres east and south of `origin_deg`, as the picture's path."""

    origin_deg: Degrees
    degrees_a_metre: Degrees
    box: str
    dots: str


def _shown(db: sqlite3.Connection, session_id: str, athlete_id: str) -> MapShown:
    session, people = sessions.session(db, session_id), placed(db, session_id)
    known, choice = tuple(grounds.all_grounds(db)), grounds.choice(db, session_id)
    found: Found | None = None
    view: PitchView | None = None
    fault: str | None = None
    chosen = [it for it in people if it.athlete.athlete_id == athlete_id] or people
    if people:
        try:
            found = pitch_for(db, session_id, everywhere(people))
            view = pitch_view(found, map_of(found.pitch, chosen), session.sport)
        except AnalyticsError as error:
            fault = str(error)
    athletes = tuple(it.athlete for it in people)
    return MapShown(session, athletes, known, choice, found, view, fault)


def cloud(places_deg: Floats, beside_deg: Sequence[Degrees]) -> Cloud:
    """A picture of (n, 2) latitudes and longitudes, thinned to some thousand dots, with room for corners."""
    middle = np.median(places_deg, axis=0)
    origin = (float(middle[0]), float(middle[1]))
    step = max(1, len(places_deg) // MOST_POINTS)
    dots = east_north_m(places_deg[::step, 0], places_deg[::step, 1], origin)
    corners = np.array(beside_deg, np.float64)
    around = east_north_m(corners[:, 0], corners[:, 1], origin)
    low = np.minimum(np.quantile(dots, 0.01, axis=0), around.min(axis=0)) - ROUND_THEM_M
    high = np.maximum(np.quantile(dots, 0.99, axis=0), around.max(axis=0)) + ROUND_THEM_M
    dots = dots[((dots >= low) & (dots <= high)).all(axis=1)]
    one = east_north_m(np.array([origin[0] + 1e-3]), np.array([origin[1] + 1e-3]), origin)[0]
    return Cloud(
        origin_deg=origin,
        degrees_a_metre=(1e-3 / float(one[1]), 1e-3 / float(one[0])),
        box=f"{low[0]:.1f} {-high[1]:.1f} {high[0] - low[0]:.1f} {high[1] - low[1]:.1f}",
        dots="".join(f"M{x:.1f} {-y:.1f}h0" for x, y in dots.tolist()),
    )


def first_corners(places_deg: Floats, found: Pitch | None) -> tuple[Degrees, ...]:
    """Where the four marks stand at first: on the pitch found, or round most of the positions."""
    if found is not None:
        return corners_of(found)
    low, high = np.quantile(places_deg, [0.02, 0.98], axis=0).tolist()
    return (low[0], low[1]), (low[0], high[1]), (high[0], high[1]), (high[0], low[1])


@get("/sessions/{session_id:uuid}/pitch", include_in_schema=False)
async def pitch_map(
    request: AnyRequest,
    session_id: FromPath[UUID],
    athlete: Annotated[str, QueryParameter()] = "",
) -> Template:
    """Everybody's heat map, or one athlete's."""
    shown = await parts_of(request).database.read(lambda db: _shown(db, str(session_id), athlete))
    name = "_pitch.html" if is_fragment(request) else "pitch.html"
    return page(request, name, shown=shown, session=shown.session, chosen=athlete, fitted=FITTED)


@post("/sessions/{session_id:uuid}/pitch", include_in_schema=False)
async def choose_ground(request: AnyRequest, session_id: FromPath[UUID], data: Form) -> Response[Any]:
    """Say which ground a session was on, that it is to be fitted, or leave it open again."""
    ground_id, athlete = data.get("ground", ""), data.get("athlete", "")

    def change(db: sqlite3.Connection) -> MapShown:
        session = sessions.session(db, str(session_id))
        chosen: Choice | None = None
        if ground_id == FITTED:
            chosen = Choice(None)
        elif ground_id:
            chosen = Choice(grounds.ground(db, ground_id).ground_id)
        grounds.choose(db, session.session_id, chosen)
        return _shown(db, session.session_id, athlete)

    shown = await parts_of(request).database.write(change)
    if is_fragment(request):
        return page(request, "_pitch.html", shown=shown, session=shown.session, chosen=athlete, fitted=FITTED)
    return Redirect(f"/sessions/{session_id}/pitch", status_code=SEE_OTHER)


@get("/sessions/{session_id:uuid}/ground", include_in_schema=False)
async def ground_page(
    request: AnyRequest,
    session_id: FromPath[UUID],
    ground: Annotated[UUID | None, QueryParameter()] = None,
) -> Template:
    """The form for a new ground, or for one there is, on the positions of this session."""

    def question(db: sqlite3.Connection) -> tuple[Session, Floats, Ground | None, tuple[Degrees, ...]]:
        session, places = _positions(db, str(session_id))
        if ground is not None:
            edited = grounds.ground(db, str(ground))
            return session, places, edited, edited.corners_deg
        try:
            fitted = pitch_for(db, str(session_id), places).pitch
        except AnalyticsError:
            fitted = None
        return session, places, None, first_corners(places, fitted)

    session, places, edited, corners = await parts_of(request).database.read(question)
    form = GroundForm(typed_from(corners, edited), edited, {})
    return _ground_page(request, session, places, corners, form, edited)


@post("/sessions/{session_id:uuid}/ground", include_in_schema=False)
async def save_ground(
    request: AnyRequest,
    session_id: FromPath[UUID],
    data: Form,
    ground: Annotated[UUID | None, QueryParameter()] = None,
) -> Response[Any]:
    """Keep a ground and take it for this session, or show what is wrong."""
    parts = parts_of(request)
    form = read_form(data, str(ground or uuid4()))
    if form.ground is None:

        def question(db: sqlite3.Connection) -> tuple[Session, Floats, Ground | None]:
            edited = None if ground is None else grounds.ground(db, str(ground))
            return *_positions(db, str(session_id)), edited

        session, places, edited = await parts.database.read(question)
        return _ground_page(request, session, places, first_corners(places, None), form, edited)
    kept, at_ms = form.ground, parts.now_wall_ms()

    def change(db: sqlite3.Connection) -> None:
        if ground is not None:
            grounds.ground(db, str(ground))
        grounds.save(db, kept, at_ms)
        grounds.choose(db, sessions.session(db, str(session_id)).session_id, Choice(kept.ground_id))

    await parts.database.write(change)
    return Redirect(f"/sessions/{session_id}/pitch", status_code=SEE_OTHER)


@post("/grounds/{ground_id:uuid}/remove", include_in_schema=False)
async def remove_ground(request: AnyRequest, ground_id: FromPath[UUID], data: Form) -> Response[Any]:
    """Take a ground away; `session` is where to go back to."""

    def change(db: sqlite3.Connection) -> None:
        grounds.remove(db, grounds.ground(db, str(ground_id)).ground_id)

    await parts_of(request).database.write(change)
    try:
        back = f"/sessions/{UUID(data.get('session', ''))}/pitch"
    except ValueError:
        back = "/sessions"
    return Redirect(back, status_code=SEE_OTHER)


def _positions(db: sqlite3.Connection, session_id: str) -> tuple[Session, Floats]:
    session, places = sessions.session(db, session_id), everywhere(placed(db, session_id))
    if not len(places):
        raise ActionRefused(
            "this session has no positions to lay a pitch on.",
            hint="Open a session with recordings that hold positions.",
        )
    return session, places


def _ground_page(
    request: AnyRequest,
    session: Session,
    places: Floats,
    corners: Sequence[Degrees],
    form: GroundForm,
    edited: Ground | None,
) -> Template:
    return page(
        request,
        "ground.html",
        status=422 if form.faults else 200,
        session=session,
        cloud=cloud(places, corners),
        corners=list(CORNERS),
        typed=form.typed,
        faults=form.faults,
        ground=edited,
    )


HANDLERS = [pitch_map, choose_ground, ground_page, save_ground, remove_ground]
