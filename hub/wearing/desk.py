"""What people do about who wears what: give, swap, take back, ignore, stand by, hold to the hub.

It joins the recorder, the store and the radio's view; the rules stand in their own files.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from sqlite3 import Connection

from hub.domain import Session, StrapStatus
from hub.errors import ActionRefused, NotFound
from hub.recorder import Recorder
from hub.store import athletes, boots, ignored_straps, put_aside, sessions, straps
from hub.store.database import Database
from hub.store.ignored_straps import IgnoredStrap
from hub.store.put_aside import Aside
from hub.store.records import Moment
from hub.wearing.hold_to_hub import HELD_OPEN_MS, Proposal, Traces
from hub.wearing.reassignment import Corrected, reassign, take_back
from hub.wearing.stretches import Cell, end_ms

Changed = Callable[[str | None], Awaitable[None]]


def _nothing_to_let_go(_strap_ids: frozenset[str], _for_ms: int) -> None:
    """A radio without connections."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the desk stands on; `changed` is told of a session corrected after its end, or of None.

    `let_advertise` lets go of straps for so many ms.
    """

    database: Database
    recorder: Recorder
    straps: Callable[[], tuple[StrapStatus, ...]]
    moment: Callable[[], Moment]
    changed: Changed
    let_advertise: Callable[[frozenset[str], int], None] = _nothing_to_let_go


class WearingDesk:
    """The verbs of the pages on straps; each raises a HubError with a hint where it is refused."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._traces = Traces()

    # --- corrections

    async def give(self, session_id: str, cell: Cell, made_by: str) -> Corrected:
        """Give a stretch of a strap to an athlete, or to nobody."""

        def change(db: Connection, moment: Moment) -> Corrected:
            words = _given_words(db, session_id, cell)
            return reassign(db, moment, session_id, [cell], words, made_by)

        return await self._correct(change)

    async def swap(
        self, session_id: str, one_id: str, other_id: str, from_ms: int, made_by: str
    ) -> Corrected:
        """Two athletes wore each other's straps from a time of the session's own clock on."""
        if one_id == other_id:
            raise ActionRefused("That is one athlete.", hint="Choose two.")

        def change(db: Connection, moment: Moment) -> Corrected:
            session = sessions.session(db, session_id)
            cells = _exchanged(db, session, one_id, other_id, from_ms)
            names = [athletes.athlete(db, it).name for it in (one_id, other_id)]
            words = f"{names[0]} and {names[1]} swapped from {_time(session, from_ms)} on"
            return reassign(db, moment, session_id, cells, words, made_by)

        return await self._correct(change)

    async def take_back(self, edit_id: str) -> Corrected:
        """Undo a correction."""
        return await self._correct(lambda db, moment: take_back(db, moment, edit_id))

    async def _correct(self, change: Callable[[Connection, Moment], Corrected]) -> Corrected:
        done = await self._parts.recorder.correct(change)
        await self._parts.changed(done.edit.session_id)
        return done

    # --- the bucket

    async def put_aside(self, stream_id: str, from_ms: int, to_ms: int) -> None:
        """A stretch belongs to nobody; it is not offered any more."""
        moment = self._parts.moment()
        if to_ms <= from_ms:
            raise ActionRefused("That stretch has no length.", hint="Open the page again.")

        def change(db: Connection) -> None:
            if straps.stream_by_id(db, stream_id) is None:
                raise NotFound("this stretch of a strap", hint="Open the page again.")
            put_aside.keep(db, Aside(moment.new_id(), stream_id, from_ms, to_ms, moment.wall_ms))

        await self._parts.database.write(change)

    async def offer_again(self, aside_id: str) -> None:
        """Undo `put_aside`."""
        await self._parts.database.write(lambda db: put_aside.take_back(db, aside_id))

    # --- straps

    async def ignore(self, strap_id: str, made_by: str) -> None:
        """Another team's strap, not heard from now on. Raises ActionRefused for one that is worn."""
        at_ms = self._parts.moment().wall_ms
        live = {it.strap_id: it.name for it in self._parts.straps()}

        def change(db: Connection) -> None:
            known = straps.strap(db, strap_id)
            if known is not None and known.athlete_id is not None:
                raise ActionRefused(f"{known.name} is worn.", hint="Take it from its athlete first.")
            name = live.get(strap_id) or (known.name if known is not None else strap_id)
            ignored_straps.ignore(db, IgnoredStrap(strap_id, name, at_ms, made_by))

        await self._parts.database.write(change)
        await self._obey()

    async def hear_again(self, strap_id: str) -> None:
        """Undo `ignore`."""
        await self._parts.database.write(lambda db: ignored_straps.take_back(db, strap_id))
        await self._obey()

    async def stand_by(self, strap_id: str, athlete_id: str) -> None:
        """Give an athlete a second strap that steps in when the first falls silent."""
        await self._parts.recorder.stand_by(strap_id, athlete_id)
        await self._parts.changed(None)

    async def _obey(self) -> None:
        await self._parts.recorder.obey_ignored()
        await self._parts.changed(None)

    @property
    def is_recording(self) -> bool:
        """Whether letting go of a worn strap would lose seconds of a session."""
        return self._parts.recorder.session is not None

    def look(self, worn: frozenset[str]) -> Proposal:
        """Which strap is held to the hub now; to be asked about once a second. Pods give no heart rate.

        All but the `worn` ones are let go while this is asked, so that they advertise and can be told.
        """
        now_ms = self._parts.moment().mono_ms
        known = [it for it in self._parts.straps() if not (it.is_ignored or it.is_pod)]
        free = frozenset(it.strap_id for it in known) - worn
        self._parts.let_advertise(free, HELD_OPEN_MS)
        levels = {it.strap_id: float(max(dbm for _, dbm in it.receivers)) for it in known if it.receivers}
        self._traces.hear(levels, now_ms, free & {it.strap_id for it in known if it.is_connected})
        return self._traces.proposal(now_ms)


def _exchanged(db: Connection, session: Session, one_id: str, other_id: str, from_ms: int) -> list[Cell]:
    cells: list[Cell] = []
    for it in sessions.assignments(db, session.session_id):
        stream = straps.stream_by_id(db, it.stream_id)
        if it.athlete_id not in (one_id, other_id) or stream is None or stream.strap_id.startswith("file:"):
            continue
        begin = max(it.from_ms, from_ms - boots.shift_ms(db, stream.boot_no, session.boot_no))
        if stream.channel == straps.CHANNEL and begin < end_ms(it):
            to_id = other_id if it.athlete_id == one_id else one_id
            cells.append(Cell(it.stream_id, begin, it.to_ms, to_id))
    return cells


def _given_words(db: Connection, session_id: str, cell: Cell) -> str:
    session = sessions.session(db, session_id)
    stream = straps.stream_by_id(db, cell.stream_id)
    strap = straps.strap(db, stream.strap_id) if stream is not None else None
    shift = boots.shift_ms(db, stream.boot_no, session.boot_no) if stream is not None else 0
    to = "nobody" if cell.athlete_id is None else athletes.athlete(db, cell.athlete_id).name
    until = "on" if cell.to_ms is None else f"to {_time(session, cell.to_ms + shift)}"
    name = strap.name if strap is not None else "The strap"
    return f"{name} given to {to} from {_time(session, cell.from_ms + shift)} {until}"


def _time(session: Session, mono_ms: int) -> str:
    """A moment of the session's own clock as local time."""
    at_ms = session.started_at_ms + mono_ms - session.mono0_ms + session.utc_offset_s * 1000
    minute, second = divmod(at_ms // 1000 % 86_400, 60)
    return f"{minute // 60:02}:{minute % 60:02}:{second:02}"
