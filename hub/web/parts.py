"""What the pages are given: the store, the board, and every action as a callable.

It names no concrete radio, recorder or relay; the composition root fills these fields.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from hub.board import Board
from hub.domain import Athlete, Session, StrapStatus
from hub.import_desk import ImportDesk
from hub.profiles import NewChange
from hub.recalculation import Progress
from hub.store.database import Database
from hub.web.live import Frames

if TYPE_CHECKING:
    from litestar.connection import ASGIConnection


@dataclass(frozen=True, slots=True)
class SyncView:
    """The relay's own view; state is idle, syncing, offline, failed or not enrolled."""

    is_enrolled: bool
    state: str
    detail: str
    last_error: str | None
    next_try_s: float | None


@dataclass(frozen=True, slots=True)
class Actions:
    """What the pages may do; each raises a HubError with a hint when it is refused."""

    start_session: Callable[[str, str], Awaitable[Session]]
    end_session: Callable[[], Awaitable[Session]]
    assign_strap: Callable[[str, str | None], Awaitable[None]]
    save_athlete: Callable[[str | None, dict[str, object]], Awaitable[Athlete]]
    change_values: Callable[[str, NewChange, str], Awaitable[str]]
    set_change_removed: Callable[[str, bool], Awaitable[None]]
    enrol: Callable[[str, str], Awaitable[None]]
    sync_now: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class WebParts:
    """Everything the pages stand on, made by the composition root."""

    database: Database
    board: Board
    actions: Actions
    imports: ImportDesk
    progress: Callable[[], Awaitable[Progress]]
    straps: Callable[[], tuple[StrapStatus, ...]]
    sync_view: Callable[[], SyncView]
    now_mono_ms: Callable[[], int]
    now_wall_ms: Callable[[], int]
    clock_is_verified: Callable[[], bool]
    version: str
    stopping: asyncio.Event
    frames: Frames


def parts_of(connection: ASGIConnection[Any, Any, Any, Any]) -> WebParts:
    """The parts the running application was made with."""
    return cast(WebParts, connection.app.state["parts"])
