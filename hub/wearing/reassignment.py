"""Correcting who wore what in a session, past or running: as records, with a diary entry to take it back.

It computes no load; whoever owns the session refolds it, and stored results are marked by the store itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from sqlite3 import Connection

from hub.domain import Assignment, Session
from hub.errors import ActionRefused, NotFound
from hub.store import athletes, boots, feeds, segments, sessions, straps, wearing_edits
from hub.store.records import Moment, propose
from hub.store.wearing_edits import Change, Edit
from hub.wearing.stretches import Cell, after, given, painted, whose


@dataclass(frozen=True, slots=True)
class Corrected:
    """What a correction touched: everyone who won or lost a stretch, and the streams concerned."""

    edit: Edit
    athlete_ids: frozenset[str]
    stream_ids: frozenset[str]


def reassign(
    db: Connection, moment: Moment, session_id: str, wanted: Sequence[Cell], words: str, made_by: str
) -> Corrected:
    """Give stretches of streams to athletes, or to nobody; whatever else they wore meanwhile gives way.

    Stretches are cut to the session. Raises NotFound for an unknown session, stream or athlete and
    ActionRefused where nothing would change or another hub recorded it.
    """
    work = _Work(db, moment, sessions.session(db, session_id))
    for cell in wanted:
        if cell.athlete_id is not None:
            athletes.athlete(db, cell.athlete_id)
        for part in given(work.worn, work.bounded(cell), work.shifts):
            work.paint(part)
    if not work.changes:
        raise ActionRefused("That is how it is already.", hint="Choose another athlete or another time.")
    edit = Edit(moment.new_id(), session_id, moment.wall_ms, made_by, words)
    wearing_edits.keep(db, edit, work.changes)
    return work.corrected(edit)


def take_back(db: Connection, moment: Moment, edit_id: str) -> Corrected:
    """Make every stretch of a correction whose it was before.

    Raises NotFound, and ActionRefused where it was taken back already or something later changed the same.
    """
    edit = wearing_edits.edit(db, edit_id)
    if edit is None:
        raise NotFound("this correction", hint="Open the page again.")
    if edit.undone_at_ms is not None:
        raise ActionRefused("This was taken back already.", hint="Open the page again.")
    work = _Work(db, moment, sessions.session(db, edit.session_id))
    for change in reversed(wearing_edits.changes(db, edit_id)):
        cell = work.bounded(Cell(change.stream_id, change.from_ms, change.to_ms, change.before_id))
        now = whose(work.worn, cell.stream_id, cell.from_ms, cell.to_ms)
        if any(it.athlete_id != change.after_id for it in now):
            raise ActionRefused(
                "Something later changed the same stretch.", hint="Take the later change back first."
            )
        work.paint(cell)
    wearing_edits.undone(db, edit_id, moment.wall_ms)
    return work.corrected(edit)


class _Work:
    """One correction in the making: the assignments as they stand after each step, and what was changed."""

    def __init__(self, db: Connection, moment: Moment, session: Session) -> None:
        if session.hub_id is not None:
            raise ActionRefused("Another hub recorded this session.", hint="Correct it there.")
        self._db, self._moment, self._session = db, moment, session
        _take_back_choices(db, moment, session)
        self.worn = sessions.assignments(db, session.session_id)
        self.shifts: dict[str, int] = {}
        self._boots: dict[str, int] = {}
        for stream_id in {it.stream_id for it in self.worn}:
            self._know(stream_id)
        self.changes: list[Change] = []

    def bounded(self, cell: Cell) -> Cell:
        """The cell within the session, on its stream's own clock. Raises NotFound, ActionRefused.

        While the session runs there is no future: a stretch that lasts till later lasts from now on, and one
        of an earlier boot ends by now.
        """
        if not self._know(cell.stream_id):
            raise NotFound("this stretch of a strap", hint="Open the page again.")
        shift, session = self.shifts[cell.stream_id], self._session
        from_ms, to_ms = max(cell.from_ms, session.mono0_ms - shift), cell.to_ms
        end_ms = self._now_ms(shift) if session.is_live else _end_of(self._db, session, cell.stream_id, shift)
        is_past = from_ms < end_ms
        if to_ms is None or to_ms > end_ms:
            goes_on = session.is_live and self._boots[cell.stream_id] == self._moment.boot_no
            to_ms = None if goes_on else end_ms
        if not is_past or (to_ms is not None and from_ms >= to_ms):
            raise ActionRefused(
                "That time is not in the session.", hint="Choose a time between its start and its end."
            )
        return replace(cell, from_ms=max(0, from_ms), to_ms=to_ms)

    def _now_ms(self, shift: int) -> int:
        """Now on the clock of a stream with this shift, counting what is heard this very millisecond."""
        own = boots.shift_ms(self._db, self._moment.boot_no, self._session.boot_no)
        return self._moment.mono_ms + own - shift + 1

    def paint(self, cell: Cell) -> None:
        """Make a stretch its athlete's, and note whose it was."""
        before = whose(self.worn, cell.stream_id, cell.from_ms, cell.to_ms)
        known = {it.assignment_id: it for it in self.worn}
        changed = painted(self.worn, cell, self._session.session_id, self._moment.new_id)
        for it in changed:
            _write(self._db, self._moment, known.get(it.assignment_id), it)
        self.worn = after(self.worn, changed)
        self.changes += [
            Change(it.stream_id, it.from_ms, it.to_ms, it.athlete_id, cell.athlete_id)
            for it in before
            if it.athlete_id != cell.athlete_id
        ]

    def corrected(self, edit: Edit) -> Corrected:
        """What was touched so far."""
        people = [who for it in self.changes for who in (it.before_id, it.after_id) if who is not None]
        return Corrected(edit, frozenset(people), frozenset(it.stream_id for it in self.changes))

    def _know(self, stream_id: str) -> bool:
        """Whether it is a heart-rate stream recorded here; files are the imports' to arrange."""
        if stream_id not in self.shifts:
            stream = straps.stream_by_id(self._db, stream_id)
            if stream is None or stream.channel != straps.CHANNEL or stream.strap_id.startswith("file:"):
                return False
            self._boots[stream_id] = stream.boot_no
            self.shifts[stream_id] = boots.shift_ms(self._db, stream.boot_no, self._session.boot_no)
        return True


def _take_back_choices(db: Connection, moment: Moment, session: Session) -> None:
    """Where files were chosen over straps, give these their own spans back; the imports choose anew later."""
    for worn in feeds.chosen_over(db, session.session_id):
        now, span = worn.assignment, (worn.from_ms, worn.to_ms)
        if (now.from_ms, now.to_ms) != span:
            own = {"from_ms": worn.from_ms, "to_ms": worn.to_ms}
            propose(db, moment, "stream_assignment", now.assignment_id, own)
        feeds.forget_choice(db, now.assignment_id)


def _write(db: Connection, moment: Moment, known: Assignment | None, it: Assignment) -> None:
    fields = {name: value for name, value in asdict(it).items() if name != "assignment_id"}
    if known is not None:
        fields = {name: value for name, value in fields.items() if getattr(known, name) != value}
    propose(db, moment, "stream_assignment", it.assignment_id, fields)


def _end_of(db: Connection, session: Session, stream_id: str, shift: int) -> int:
    """Where a stream's part in an ended session ends, on the stream's own clock."""
    if session.mono1_ms is not None:
        return session.mono1_ms - shift
    lasted_ms = (session.ended_at_ms or session.started_at_ms) - session.started_at_ms
    last = session.mono0_ms + lasted_ms - shift
    heard = segments.of_stream(db, stream_id, session.mono0_ms - shift, last)
    return max([last, *(it.mono1_ms + 1 for it in heard)])
