"""Where the last process stopped: the running session, who wears what in it, and samples not sealed yet.

It starts nothing; the recorder goes on from what is found. What an earlier boot left open is closed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Connection

from hub.domain import Assignment, Session
from hub.folding import OpenSamples, sealed
from hub.store import boots, ignored_straps, journal, segments, sessions, spare_straps, straps
from hub.store.records import Moment, owner, propose
from hub.wearing.attribution import Attribution


@dataclass(frozen=True, slots=True)
class Resumed:
    """What goes on; `began_ms` is the session's start on the present boot's clock, 0 without a session."""

    session: Session | None
    began_ms: int
    who: Attribution
    ignored: frozenset[str]
    open_samples: OpenSamples


def resumed(db: Connection, who: Attribution, moment: Moment) -> Resumed:
    """Take up what is stored; `who` is filled with it. Journal rows of this boot stay open.

    Those of an earlier boot are sealed as they are; assignments of its streams end with their last sample.
    """
    session, began_ms = sessions.live(db), 0
    who.wearer = {it.strap_id: it.athlete_id for it in straps.all_straps(db) if it.athlete_id is not None}
    who.spares = set(spare_straps.ids(db))
    open_samples = _still_open(db, moment.boot_no)
    if session is not None:
        began_ms = session.mono0_ms + boots.shift_ms(db, session.boot_no, moment.boot_no)
        for assignment in sessions.assignments(db, session.session_id):
            if assignment.to_ms is None:
                _go_on_or_end(db, who, assignment, moment)
    who.settle_spares()
    return Resumed(session, began_ms, who, ignored_straps.ids(db), open_samples)


def _still_open(db: Connection, this_boot: int) -> OpenSamples:
    still_open, past = OpenSamples(), OpenSamples()
    for row_id, boot_no, samples in journal.open_samples(db):
        (still_open if boot_no == this_boot else past).add(samples, row_id)
    for stream_no, columns in past.samples.items():
        segments.add(db, sealed(straps.stream_by_no(db, stream_no), columns))
    if past.samples:
        journal.forget_through(db, past.last_row)
    return still_open


def _go_on_or_end(db: Connection, who: Attribution, assignment: Assignment, moment: Moment) -> None:
    if owner(db, "stream_assignment", assignment.assignment_id) is not None:
        return  # another machine's, with a copy of this card and so the same session
    stream = straps.stream_by_id(db, assignment.stream_id)
    if stream is None or stream.channel != straps.CHANNEL:
        return  # a running pod's is not the recorder's
    if stream.boot_no == moment.boot_no:
        who.worn[stream.strap_id] = assignment
        return
    heard = segments.of_stream(db, assignment.stream_id, assignment.from_ms, None)
    end_ms = max((it.mono1_ms for it in heard), default=assignment.from_ms) + 1
    propose(db, moment, "stream_assignment", assignment.assignment_id, {"to_ms": end_ms})
