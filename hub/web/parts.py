"""What the pages are given: the store, the board, and every action as a callable.

It names no concrete radio, recorder or relay; the composition root fills these fields.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from hub.board import Board
from hub.domain import Athlete, Session, StrapStatus
from hub.errors import ActionRefused
from hub.import_desk import ImportDesk
from hub.results.profiles import NewChange
from hub.results.recalculation import Progress
from hub.store.database import Database
from hub.syncing.bundle_desk import BundleDesk
from hub.syncing.desk import SyncDesk
from hub.web.live import Frames
from hub.web.radio_parts import NO_RADIO, RadioParts
from hub.web.wearing_parts import WearingVerbs

if TYPE_CHECKING:
    from litestar.connection import ASGIConnection


@dataclass(frozen=True, slots=True)
class SyncView:
    """The relay's own view; state is idle, syncing, offline, busy, failed, paused, waiting, copied
    or not enrolled.

    `busy`: the cloud asked the hub to wait.
    `copied`: another machine with a copy of this hub's card has taken its place.
    `waiting` is for the network people chose: `only_network` is the one asked for, `network` the one the hub
    is on. `cap_kbit_s` None is no limit of speed; `eta_s` is None unless something is on its way.
    """

    is_enrolled: bool
    state: str
    detail: str
    last_error: str | None
    next_try_s: float | None
    is_paused: bool = False
    cap_kbit_s: int | None = None
    only_network: str | None = None
    network: str | None = None
    eta_s: float | None = None
    bytes_pending: int = 0
    bytes_sent: int = 0


class SaveAthlete(Protocol):
    """Sets these fields of an athlete, or adds one with them; `by` is who does."""

    def __call__(
        self, athlete_id: str | None, fields: dict[str, object], by: str = ""
    ) -> Awaitable[Athlete]: ...


async def _no_cloud(claim_code: str) -> str:
    raise ActionRefused("This hub belongs to no club yet.", hint="Enrol it on the sync page.")


@dataclass(frozen=True, slots=True)
class Actions:
    """What the pages may do; each raises a HubError with a hint when it is refused."""

    start_session: Callable[[str, str], Awaitable[Session]]
    end_session: Callable[[], Awaitable[Session]]
    assign_strap: Callable[[str, str | None], Awaitable[None]]
    save_athlete: SaveAthlete
    change_values: Callable[[str, NewChange, str], Awaitable[str]]
    set_change_removed: Callable[[str, bool], Awaitable[None]]
    stop_effort: Callable[[str | None, str], Awaitable[None]]
    take_stop_back: Callable[[str, str | None], Awaitable[None]]
    enrol: Callable[[str, str], Awaitable[None]]
    sync_now: Callable[[], Awaitable[None]]
    pause_sync: Callable[[bool], Awaitable[None]]
    limit_sync: Callable[[int | None, str | None], Awaitable[None]]
    rejoin: Callable[[str], Awaitable[str]] = _no_cloud


async def _no_time(question_id: str, is_believed: bool) -> int:
    raise ActionRefused("This hub has no clock to set.", hint="Answer on the hub that recorded it.")


@dataclass(frozen=True, slots=True)
class WebParts:
    """Everything the pages stand on, made by the composition root."""

    database: Database
    board: Board
    actions: Actions
    imports: ImportDesk
    bundles: BundleDesk
    desk: SyncDesk
    progress: Callable[[], Awaitable[Progress]]
    straps: Callable[[], tuple[StrapStatus, ...]]
    sync_view: Callable[[], SyncView]
    now_mono_ms: Callable[[], int]
    now_wall_ms: Callable[[], int]
    clock_is_verified: Callable[[], bool]
    version: str
    stopping: asyncio.Event
    frames: Frames
    wearing: WearingVerbs
    radio: RadioParts = NO_RADIO
    hear_tablet: Callable[[str, int], None] = lambda tablet, said_ms: None
    answer_time: Callable[[str, bool], Awaitable[int]] = _no_time
    clock_err_ms: Callable[[], int] = lambda: 0


def parts_of(connection: ASGIConnection[Any, Any, Any, Any]) -> WebParts:
    """The parts the running application was made with."""
    return cast(WebParts, connection.app.state["parts"])
