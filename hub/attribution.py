"""Who wears which strap, and so whose each stream is: the recorder's memory of it and its edits.

Every method that takes `db` runs inside the caller's transaction on a copy of this memory; the caller
puts the copy in place only once the transaction is durable, so memory never runs ahead of the disk.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from sqlite3 import Connection

from hub.domain import Assignment, Session
from hub.store import athletes, boots, sessions, straps
from hub.store.records import Moment, propose
from hub.store.straps import Stream


@dataclass(slots=True)
class Attribution:
    """`wearer`: strap to athlete, kept from session to session. `worn`: strap to its open assignment."""

    wearer: dict[str, str] = field(default_factory=dict)
    streams: dict[str, Stream] = field(default_factory=dict)
    worn: dict[str, Assignment] = field(default_factory=dict)
    labels: dict[str, tuple[str, str]] = field(default_factory=dict)

    def copy(self) -> Attribution:
        """An independent copy to try a change on."""
        return Attribution(dict(self.wearer), dict(self.streams), dict(self.worn), self.labels)

    def keep_strap(self, db: Connection, strap_id: str, moment: Moment) -> None:
        """Make sure the strap is on record, under the name and address the radio gave it."""
        if straps.strap(db, strap_id) is None:
            name, address = self.labels.get(strap_id, (strap_id, ""))
            propose(db, moment, "strap", strap_id, {"name": name, "address": address, "athlete_id": None})

    def stream(self, db: Connection, strap_id: str, moment: Moment) -> Stream:
        """The strap's stream in this boot, begun if need be."""
        known = self.streams.get(strap_id)
        if known is not None:
            return known
        self.keep_strap(db, strap_id, moment)
        if straps.stream(db, moment.boot_no, strap_id) is None:
            fields = {"strap_id": strap_id, "boot_no": moment.boot_no, "channel": straps.CHANNEL}
            propose(db, moment, "stream", moment.new_id(), fields)
        begun = straps.stream(db, moment.boot_no, strap_id)
        assert begun is not None
        self.streams[strap_id] = begun
        return begun

    def wear(self, db: Connection, session: Session, stream: Stream, from_ms: int, moment: Moment) -> None:
        """From a moment of the session's boot on, the stream is its strap's present wearer's."""
        from_ms = max(0, from_ms + boots.shift_ms(db, session.boot_no, stream.boot_no))
        athlete_id = self.wearer[stream.strap_id]
        new = Assignment(moment.new_id(), stream.stream_id, athlete_id, session.session_id, from_ms)
        fields = {name: value for name, value in asdict(new).items() if name != "assignment_id"}
        propose(db, moment, "stream_assignment", new.assignment_id, fields)
        self.worn[stream.strap_id] = new

    def lay_down(self, db: Connection, strap_id: str, moment: Moment) -> Assignment | None:
        """End the strap's open assignment now; returns it, or None where there was none."""
        before = self.worn.pop(strap_id, None)
        if before is not None:
            propose(db, moment, "stream_assignment", before.assignment_id, {"to_ms": moment.mono_ms})
        return before

    def assign(
        self, db: Connection, strap_id: str, athlete_id: str | None, session: Session | None, moment: Moment
    ) -> None:
        """Give a strap to an athlete or take it back; the athlete's former strap is laid down.

        In a running session a strap nobody wore yet is the athlete's from the session's start. One that
        somebody wore, and one that replaces the athlete's own, counts from now: nobody may be credited with
        another's samples, or with two straps at once. Raises NotFound for an unknown athlete.
        """
        if athlete_id is not None:
            athletes.athlete(db, athlete_id)
            for other in [s for s, a in self.wearer.items() if a == athlete_id and s != strap_id]:
                self.assign(db, other, None, session, moment)
        self.keep_strap(db, strap_id, moment)
        propose(db, moment, "strap", strap_id, {"athlete_id": athlete_id})
        self.lay_down(db, strap_id, moment)
        if athlete_id is None:
            self.wearer.pop(strap_id, None)
            return
        self.wearer[strap_id] = athlete_id
        stream = straps.stream(db, moment.boot_no, strap_id)
        if session is not None and stream is not None:
            self.streams[strap_id] = stream
            from_ms = session.mono0_ms
            if _took_part(db, session, stream, athlete_id):
                from_ms = moment.mono_ms - boots.shift_ms(db, session.boot_no, moment.boot_no)
            self.wear(db, session, stream, from_ms, moment)


def _took_part(db: Connection, session: Session, stream: Stream, athlete_id: str) -> bool:
    """Whether the stream was worn in this session before, or the athlete wore anything in it."""
    past = sessions.assignments(db, session.session_id)
    return any(a.stream_id == stream.stream_id or a.athlete_id == athlete_id for a in past)
