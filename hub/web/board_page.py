"""The board: tiles rendered once by the server, then patched by the stream; start and end a session.

It words nothing itself; tiles.py does.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from litestar import Response, get, post
from litestar.response import Redirect, Stream, Template

from hub.web.live import stream
from hub.web.parts import parts_of
from hub.web.shell import SEE_OTHER, AnyRequest, Form, page
from hub.web.tiles import BoardView, board_view

SPORTS = ("training", "match", "running", "gym", "other")


def _view(request: AnyRequest) -> BoardView:
    parts = parts_of(request)
    return board_view(parts.board.snapshot(parts.now_mono_ms(), parts.now_wall_ms()))


def default_title(now_wall_ms: int) -> str:
    """Training and the day in the hub's zone, so that starting needs no typing."""
    day = datetime.fromtimestamp(now_wall_ms / 1000, tz=UTC).astimezone()
    return f"Training {day.strftime('%a %-d %b')}"


def _context(request: AnyRequest) -> dict[str, Any]:
    parts = parts_of(request)
    return {
        "board": _view(request),
        "sports": SPORTS,
        "default_title": default_title(parts.now_wall_ms()),
    }


@get("/", include_in_schema=False)
async def board(request: AnyRequest) -> Template:
    """The page a tablet stays on."""
    return page(request, "board.html", **_context(request))


@get("/board", include_in_schema=False)
async def board_fragment(request: AnyRequest) -> Template:
    """The board alone, fetched when athletes or the session have changed."""
    return page(request, "_board.html", **_context(request))


@get("/board/stream", include_in_schema=False)
async def board_stream(request: AnyRequest) -> Stream:
    """One frame a second as server-sent events."""
    parts = parts_of(request)
    if parts.frames.is_empty:
        parts.frames.publish(parts.board.snapshot(parts.now_mono_ms(), parts.now_wall_ms()))
    return Stream(
        stream(parts.frames, parts.stopping),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


@post("/session/start", include_in_schema=False)
async def start_session(request: AnyRequest, data: Form) -> Response[Any]:
    """Start recording under the given title."""
    parts = parts_of(request)
    title = data.get("title", "").strip()[:80] or default_title(parts.now_wall_ms())
    sport = data.get("sport", "training")
    await parts.actions.start_session(title, sport if sport in SPORTS else "other")
    return Redirect("/", status_code=SEE_OTHER)


@post("/session/end", include_in_schema=False)
async def end_session(request: AnyRequest) -> Response[Any]:
    """End the running session and show its result at once."""
    session = await parts_of(request).actions.end_session()
    return Redirect(f"/sessions/{session.session_id}", status_code=SEE_OTHER)


HANDLERS = [board, board_fragment, board_stream, start_session, end_session]
