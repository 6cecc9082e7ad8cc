"""Who wears which strap, and so whose each stream is: the recorder's memory of it and its edits.

Every method that takes `db` runs inside the caller's transaction on a copy of this memory; the caller
puts the copy in place only once the transaction is durable, so memory never runs ahead of the disk.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from sqlite3 import Connection

from hub.domain import Assignment, Session
from hub.store import (
    athletes,
    boots,
    erasure,
    ignored_straps,
    journal,
    segments,
    sessions,
    spare_straps,
    straps,
)
from hub.store.records import Moment, propose
from hub.store.straps import Stream
from hub.wearing.labels import Labels


@dataclass(slots=True)
class Attribution:
    """`wearer`: strap to athlete, kept from session to session. `worn`: strap to its open assignment.

    An athlete may have several straps: one feeds, the others are `spares` and are in no open assignment, so
    that whatever is worked out through assignments counts one heart.
    """

    wearer: dict[str, str] = field(default_factory=dict)
    streams: dict[str, Stream] = field(default_factory=dict)
    worn: dict[str, Assignment] = field(default_factory=dict)
    labels: Labels = field(default_factory=Labels)
    spares: set[str] = field(default_factory=set)

    def copy(self) -> Attribution:
        """An independent copy to try a change on."""
        return Attribution(
            dict(self.wearer), dict(self.streams), dict(self.worn), self.labels, set(self.spares)
        )

    def fed_by(self, strap_id: str) -> str | None:
        """The athlete this strap feeds; None for a spare one and for a stranger."""
        return None if strap_id in self.spares else self.wearer.get(strap_id)

    def feeder_of(self, athlete_id: str) -> str | None:
        """The strap an athlete is fed by."""
        return next((s for s, a in self.wearer.items() if a == athlete_id and s not in self.spares), None)

    def keep_strap(self, db: Connection, strap_id: str, moment: Moment) -> None:
        """Make sure the strap is on record, under the name and address the radio gives it by now."""
        known = straps.strap(db, strap_id)
        name, address = self.labels.of(strap_id)
        if known is None:
            propose(db, moment, "strap", strap_id, {"name": name, "address": address, "athlete_id": None})
            return
        said = {"name": name, "address": address}
        new = {k: v for k, v in said.items() if v not in ("", strap_id, getattr(known, k))}
        if new:
            propose(db, moment, "strap", strap_id, new)

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
        """From a moment of the session's boot on, the stream is its strap's present wearer's.

        One whose data was erased wears nothing: in their name it would go, too.
        """
        from_ms = max(0, from_ms + boots.shift_ms(db, session.boot_no, stream.boot_no))
        athlete_id = self.wearer[stream.strap_id]
        if erasure.is_erased(db, athlete_id):
            del self.wearer[stream.strap_id]
            return
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

    def settle_spares(self) -> None:
        """One strap feeds each athlete: the one worn now, else the first that is no spare, else the first."""
        squads: dict[str, list[str]] = {}
        for strap_id, athlete_id in sorted(self.wearer.items()):
            squads.setdefault(athlete_id, []).append(strap_id)
        spares: set[str] = set()
        for own in squads.values():
            feeder = min(own, key=lambda it: (it not in self.worn, it in self.spares, it))
            spares.update(it for it in own if it != feeder)
        self.spares = spares

    def keep_spares(self, db: Connection, session: Session | None, moment: Moment) -> None:
        """Settle who stands by, and remember it for the next start; who no longer does feeds from now on."""
        before = set(self.spares)
        self.settle_spares()
        spare_straps.keep(db, self.spares, moment.wall_ms)
        for strap_id in self.wearer.keys() & ignored_straps.ids(db):
            ignored_straps.take_back(db, strap_id)  # a strap somebody wears is not another team's
        for strap_id in sorted(before - self.spares):
            stream = straps.stream(db, moment.boot_no, strap_id)
            if session is not None and stream is not None and strap_id in self.wearer:
                self.streams[strap_id] = stream
                self.wear(
                    db, session, stream, _since(db, session, stream, self.wearer[strap_id], moment), moment
                )

    def stand_by(self, db: Connection, strap_id: str, athlete_id: str, moment: Moment) -> None:
        """Give a strap to an athlete beside the one that feeds them. Raises NotFound."""
        athletes.athlete(db, athlete_id)
        self.keep_strap(db, strap_id, moment)
        self.lay_down(db, strap_id, moment)
        propose(db, moment, "strap", strap_id, {"athlete_id": athlete_id})
        self.wearer[strap_id] = athlete_id
        self.spares.add(strap_id)

    def step_in(
        self, db: Connection, strap_id: str, from_ms: int | None, session: Session | None, moment: Moment
    ) -> None:
        """A spare strap feeds its athlete from a time of this boot on; the former one stands by from then.

        Without a time it is from after all that is stored of the former. Nothing is counted twice: no earlier
        than the session began, and than the athlete's last span ended.
        """
        athlete_id = self.wearer[strap_id]
        former = self.feeder_of(athlete_id)
        self.spares.discard(strap_id)
        if former is not None:
            self.spares.add(former)
        if session is not None:
            begun_ms = session.mono0_ms + boots.shift_ms(db, session.boot_no, moment.boot_no)
            since_ms = max(begun_ms, from_ms or 0, _last_change(db, session, athlete_id, moment))
            before = self.worn.pop(former or "", None)
            if before is not None:
                heard_ms = 0 if from_ms is not None else _last_stored(db, before.stream_id) + 1
                since_ms = max(since_ms, before.from_ms, heard_ms)
                propose(db, moment, "stream_assignment", before.assignment_id, {"to_ms": since_ms})
            stream = self.stream(db, strap_id, moment)
            self.wear(db, session, stream, since_ms - begun_ms + session.mono0_ms, moment)
        self.keep_spares(db, session, moment)

    def follow(self, db: Connection, session: Session, stream_ids: frozenset[str], moment: Moment) -> None:
        """After a correction of the running session: who wears what from now on is what the records say."""
        before, self.worn = self.worn, {}
        for it in sessions.assignments(db, session.session_id):
            stream = straps.stream_by_id(db, it.stream_id) if it.to_ms is None else None
            if stream is not None and stream.boot_no == moment.boot_no and stream.channel == straps.CHANNEL:
                self.worn[stream.strap_id] = it
        for stream_id in stream_ids:
            stream = straps.stream_by_id(db, stream_id)
            if stream is None or stream.boot_no != moment.boot_no:
                continue
            strap_id, now = stream.strap_id, self.worn.get(stream.strap_id)
            if now is None and strap_id not in before:
                continue
            wearer = None if now is None else now.athlete_id
            if self.wearer.get(strap_id) == wearer:
                continue
            propose(db, moment, "strap", strap_id, {"athlete_id": wearer})
            if wearer is None:
                self.wearer.pop(strap_id)
            else:
                self.wearer[strap_id] = wearer
        self.spares -= self.worn.keys()
        self.keep_spares(db, session, moment)

    def heed(self, db: Connection, session: Session | None, moment: Moment) -> set[str]:
        """Take over what the records say by now of who has which strap; the athletes that concerns.

        A strap that is worn in the running session stays its wearer's to its end, whatever is said elsewhere,
        unless that athlete was erased: then it is nobody's.
        """
        self.worn = {k: it for k, it in self.worn.items() if not erasure.is_erased(db, it.athlete_id)}
        told = {it.strap_id: it.athlete_id for it in straps.all_straps(db) if it.athlete_id is not None}
        told |= {strap_id: it.athlete_id for strap_id, it in self.worn.items()}
        told = {k: who for k, who in told.items() if not erasure.is_erased(db, who)}
        changed = self.wearer.items() ^ told.items()
        if changed:
            self.wearer = told
            self.spares &= told.keys()
            self.keep_spares(db, session, moment)
        return {athlete_id for _, athlete_id in changed if athlete_id is not None}

    def assign(
        self, db: Connection, strap_id: str, athlete_id: str | None, session: Session | None, moment: Moment
    ) -> None:
        """Give a strap to an athlete or take it back; the athlete's former straps are laid down.

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
        self.spares.discard(strap_id)
        if athlete_id is None:
            self.wearer.pop(strap_id, None)
            return
        self.wearer[strap_id] = athlete_id
        stream = straps.stream(db, moment.boot_no, strap_id)
        if session is not None and stream is not None:
            self.streams[strap_id] = stream
            self.wear(db, session, stream, _since(db, session, stream, athlete_id, moment), moment)


def _since(db: Connection, session: Session, stream: Stream, athlete_id: str, moment: Moment) -> int:
    """From when a stream may count as an athlete's, on the session's own clock.

    It is now where the stream was worn in this session before, be it by somebody erased since, or the athlete
    wore anything in it, else the session's start.
    """
    past = sessions.assignments(db, session.session_id)
    was_worn = any(a.stream_id == stream.stream_id or a.athlete_id == athlete_id for a in past)
    if was_worn or erasure.is_fenced(db, stream.stream_id):
        return moment.mono_ms - boots.shift_ms(db, session.boot_no, moment.boot_no)
    return session.mono0_ms


def _last_stored(db: Connection, stream_id: str) -> int:
    """The time of the last sample kept of a stream, sealed or not; 0 without any."""
    stream = straps.stream_by_id(db, stream_id)
    sealed = [it.mono1_ms for it in segments.of_stream(db, stream_id, 0, None)]
    rows = [sample for _, _, samples in journal.open_samples(db) for sample in samples]
    still_open = [it.mono_ms for it in rows if stream is not None and it.stream_no == stream.stream_no]
    return max(sealed + still_open, default=0)


def _last_change(db: Connection, session: Session, athlete_id: str, moment: Moment) -> int:
    """When the athlete's last closed span in the session ended, on this boot's clock."""
    last_ms = 0
    for it in sessions.assignments(db, session.session_id):
        stream = straps.stream_by_id(db, it.stream_id)
        if it.athlete_id != athlete_id or it.to_ms is None or stream is None:
            continue
        if not stream.strap_id.startswith("file:"):
            last_ms = max(last_ms, it.to_ms + boots.shift_ms(db, stream.boot_no, moment.boot_no))
    return last_ms
