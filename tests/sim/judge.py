"""The invariants of sync, checked while a world runs and when it has come to rest.

I1 every edit arrived once or is a dead letter; I2 no cursor passes an entry that was not applied; I3 the feed
is dense; I4 at rest hubs show what the cloud holds; I5 a hub shows its own edit until a newer one is seen;
I6 an edit never loses to what its author saw; I7 no stamp is from the future; I8 the erased stay away;
I9 segments in the cloud are those the hubs sealed; I10 nothing acknowledged is lost (and by power cuts:
tests/power); I11 all outboxes drain; I12 every captured sample is kept exactly once.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from hub.store import meta
from hub.store.records import OF_ONE_HUB
from sync.codecs import verify
from sync.errors import SegmentCorrupt
from sync.segments import Segment, unseal
from tests.sim.cloud_side import EPOCH_MS, CloudSide
from tests.sim.hub_side import HubSide
from tests.sim.office import Office

NEW_ENTRIES = """
SELECT seq, op_id, hub_id, kind, tbl, pk, fields, stamp_ms, resolves, actor FROM change_log
WHERE club_id = (SELECT club_id FROM club_clock) AND seq > ? ORDER BY seq"""
OVERLAID = """
SELECT op_id, state, seq FROM outbox WHERE state != 'dead' AND reason IS NULL AND echoed_at_ms IS NULL"""
ACKED = "SELECT op_id FROM outbox WHERE state = 'acked'"
ONLINE = "online"
"""Among those who edit: everybody who does it in the cloud."""
SHOWN = ("name", "hr_max_bpm", "shirt_number")


@dataclass(frozen=True, slots=True)
class Edit:
    """An edit at the moment it was committed on its hub."""

    op_id: str
    tbl: str
    pk: str
    fields: dict[str, Any]
    after_ms: int
    cursor: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the club's feed as it was first committed, kept here whatever the cloud compacts later."""

    op_id: str
    hub_id: str | None
    kind: str
    tbl: str
    pk: str
    fields: dict[str, Any]
    stamp_ms: int
    resolves: str | None = None
    by: str = ""


class Judge:
    """Watches a world's commits; `violations` says what went wrong, each with the name of its invariant."""

    def __init__(self, cloud: CloudSide, now_s: Callable[[], float]) -> None:
        self.cloud, self._now_s = cloud, now_s
        self.violations: list[str] = []
        self.edits: dict[str, dict[str, Edit]] = defaultdict(dict)
        self.forgiven: set[str] = set()
        self.erased: set[tuple[str, str]] = set()
        self.lost_samples_forgiven = self.was_restored = False
        self.log: dict[int, Entry] = {}
        self._next_seq: dict[str, int] = {}
        self._changes = -1
        self.office = Office(self.say, lambda it: ("athlete", it) in self.erased)
        self._head = self._feed()[0]
        self._feed_epoch = self._feed()[1]

    def say(self, invariant: str, words: str) -> None:
        """Note a violation; the first few of each kind are enough."""
        if sum(it.startswith(invariant + " ") for it in self.violations) < 3:
            self.violations.append(f"{invariant} at {self._now_s():.1f} s: {words}")

    # --- while it runs

    def hub_committed(self, hub: HubSide) -> None:
        """After every commit on a hub: remember new edits with what their author had seen."""
        hub.asked(lambda db: self._remember(db, hub.name))

    def card_changed(self, hub: HubSide) -> None:
        """Another card is in this hub: what its log holds is looked at from the beginning."""
        self._next_seq.pop(hub.name, None)

    def card_copied(self, hub: HubSide, copy: HubSide) -> None:
        """What the copy's log holds was written by this hub's people, whatever is left of it there."""
        self.edits[copy.name] = dict(self.edits[hub.name])

    def _remember(self, db: Connection, name: str) -> None:
        next_seq = meta.number(db, "next_seq", 1)
        since = self._next_seq.get(name, 1)
        self._next_seq[name] = next_seq
        if next_seq == since:
            return
        known, cursor = self.edits[name], meta.number(db, "cursor")
        rows = db.execute(
            "SELECT op_id, tbl, pk, fields, after_ms FROM outbox WHERE seq >= ?",
            (since if next_seq > since else 0,),
        ).fetchall()
        for op_id, tbl, pk, fields, after_ms in rows:
            if op_id not in known:
                known[op_id] = Edit(op_id, tbl, pk, json.loads(fields), after_ms, cursor)

    def _feed(self) -> tuple[int, int]:
        rows = self.cloud.rows("SELECT seq, feed_epoch FROM club_clock")
        return (int(rows[0][0]), int(rows[0][1])) if rows else (0, 1)

    def cloud_committed(self) -> None:
        """After every commit in the cloud that changed a row: I3 and I7 for what is new in the feed."""
        changes = self.cloud.memory.sqlite.total_changes
        if changes == self._changes:
            return
        self._changes = changes
        head, feed_epoch = self._feed()
        new = self.cloud.rows(NEW_ENTRIES, self._head)
        if [row[0] for row in new] != list(range(self._head + 1, head + 1)):
            self.say("I3", f"after {self._head} came {[row[0] for row in new]}, the head is {head}")
        latest_ms = EPOCH_MS + round(self._now_s() * 1000) + head
        for seq, op_id, hub_id, kind, tbl, pk, fields, stamp_ms, resolves, by in new:
            entry = Entry(op_id, hub_id, kind, tbl, pk, json.loads(fields), stamp_ms, resolves, by or "")
            self.log[seq] = entry
            if by in self.office.saves:
                self.edits[ONLINE][op_id] = Edit(op_id, tbl, pk, entry.fields, 0, self.office.saves[by].seen)
            if kind == "erase":
                self.erased |= {(tbl, pk), *((row[0], row[1]) for row in json.loads(fields)["rows"])}
            if stamp_ms > latest_ms:
                self.say("I7", f"entry {seq} is stamped {stamp_ms - latest_ms} ms ahead")
        self._head, self._feed_epoch = head, feed_epoch
        if new and not self.was_restored:
            self.office.committed([(row[0], self.log[row[0]]) for row in new], self._author, self._stands)

    @property
    def head(self) -> int:
        """The newest number of the feed."""
        return self._head

    def _author(self, op_id: str) -> Edit | None:
        return next((it[op_id] for it in self.edits.values() if op_id in it), None)

    def _stands(self, tbl: str, pk: str) -> tuple[dict[str, Any], dict[str, int]]:
        rows = self.cloud.rows("SELECT doc, stamps FROM row_state WHERE tbl = ? AND pk = ?", tbl, pk)
        return (json.loads(rows[0][0]), json.loads(rows[0][1])) if rows else ({}, {})

    def cloud_restored(self, log: dict[int, Entry]) -> None:
        """The cloud went back to a backup, and its feed to what `log` was then."""
        self.was_restored = True
        self._head, self._feed_epoch = self._feed()
        self.log = log
        self.edits.pop(ONLINE, None)
        self.office.forget(log)

    def looks_at(self, hub: HubSide) -> None:
        """I5 on every record this hub has edited and not yet seen confirmed; I1 for what it believes to be in
        the cloud; I2 for its base.
        """
        cursor, dead = hub.asked(lambda db: (meta.number(db, "cursor"), _dead(db)))
        if hub.asked(lambda db: meta.number(db, "feed_epoch", self._feed_epoch)) != self._feed_epoch:
            return  # it has yet to learn that the feed began again
        echoed = {entry.op_id for seq, entry in self.log.items() if seq <= cursor}
        wanted: dict[str, dict[str, Any]] = defaultdict(dict)
        for edit in self.edits[hub.name].values():
            if edit.tbl == "athlete" and edit.op_id not in echoed | dead | self.forgiven:
                wanted[edit.pk].update(edit.fields)
        for pk, fields in wanted.items():
            shown = hub.asked(lambda db, pk=pk: _athlete(db, pk))  # type: ignore[misc]
            if shown is None and "name" not in fields:
                continue  # without a name it waits in base
            for name, value in fields.items():
                if shown is not None and name not in shown:
                    continue  # this version has no place for it: it waits in base
                if ("athlete", pk) not in self.erased and (shown is None or shown[name] != value):
                    said = shown and shown[name]
                    self.say("I5", f"{hub.name} shows {pk} {name}={said!r}, its user wrote {value!r}")
        late = hub.asked(lambda db: db.execute(OVERLAID).fetchall())
        if still := {row[0] for row in late} & echoed - self._untold(hub, late):
            self.say("I4", f"{hub.name} still lays {len(still)} confirmed edits over what the cloud says")
        acked = hub.asked(lambda db: {row[0] for row in db.execute(ACKED)})
        if not self.was_restored and (lost := acked - {it.op_id for it in self.log.values()}):
            self.say("I1", f"{hub.name} believes {len(lost)} edits are in the cloud that are not")
        self._cursor_is_honest(hub)

    def _cursor_is_honest(self, hub: HubSide) -> None:
        cursor, base = hub.asked(lambda db: (meta.number(db, "cursor"), _base(db)))
        folded = self._folded(cursor)
        for key, doc in folded.items():
            if self._laid_down(base.get(key)) == self._laid_down(doc) or key in self.erased:
                continue
            if not self._is_ahead(key, base.get(key), cursor):
                self.say("I2", f"{hub.name} at {cursor} has {key}={base.get(key)}, the feed says {doc}")

    def _untold(self, hub: HubSide, late: list[Any]) -> set[str]:
        """Those that wait to be sent and came back in a snapshot alone.

        It tells how much of a log it holds by the log's numbers. Where the log was begun anew and the cloud
        put back they say nothing: such an edit is the hub's word until it is sent, and so I5 wants it shown.
        """
        page = hub.snapshot
        if page is None or page.feed_epoch != self._feed_epoch:
            return set()
        told = page.last_seq if hub.asked(lambda db: meta.number(db, "epoch", 1)) == page.epoch else 0
        waiting = {op_id for op_id, state, seq in late if state == "pending" and seq > told}
        return waiting & {it.op_id for seq, it in self.log.items() if seq <= page.at_seq}

    def _is_ahead(self, key: tuple[str, str], doc: dict[str, Any] | None, cursor: int) -> bool:
        """Whether a record is exactly as the feed has it later on: I2 forbids to be behind the cursor.

        The pages of a snapshot that was cut between two of them are of different moments, and the cursor is
        that of the first.
        """
        later = (self._folded(seq).get(key) for seq in self.log if seq > cursor)
        return any(self._laid_down(it) == self._laid_down(doc) for it in later)

    def _laid_down(self, doc: dict[str, Any] | None) -> dict[str, Any] | None:
        """What somebody erased wore is nobody's from the first word of the erasure on, even a void."""
        is_gone = doc is not None and ("athlete", doc.get("athlete_id")) in self.erased
        return {**doc, "athlete_id": None} if doc is not None and is_gone else doc

    def _folded(self, cursor: int) -> dict[tuple[str, str], dict[str, Any]]:
        """What the feed up to a cursor amounts to, by the rule and not by the product's code."""
        docs: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
        stamps: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
        for seq in sorted(self.log):
            entry = self.log[seq]
            key = entry.tbl, entry.pk
            if entry.kind != "set" or seq > cursor or key in self.erased:
                continue
            for name, value in entry.fields.items():
                if entry.stamp_ms >= stamps[key].get(name, 0):
                    docs[key][name], stamps[key][name] = value, entry.stamp_ms
        return docs

    # --- at rest

    def is_at_rest(self, hubs: list[HubSide]) -> str:
        """What still waits; empty when nothing does."""
        head, feed_epoch = self._feed()
        for hub in hubs:
            if hub.asked(lambda db: meta.number(db, "feed_epoch", feed_epoch)) != feed_epoch:
                return f"{hub.name} has not learnt that the feed began anew"
            pending, unsent, cursor = hub.asked(
                lambda db: (
                    db.execute("SELECT count(*) FROM outbox WHERE state != 'dead'").fetchone()[0],
                    db.execute("SELECT count(*) FROM segment WHERE state = 'sealed'").fetchone()[0],
                    meta.number(db, "cursor"),
                )
            )
            unechoed = hub.asked(_waiting)
            if unechoed or unsent or cursor != head:
                status = hub.relay.status
                return (
                    f"{hub.name}: {unechoed} of {pending} edits and {unsent} segments wait, cursor"
                    f" {cursor} of {head}; {status.state}: {status.last_error}"
                )
        return self._shared_name(hubs)

    def _shared_name(self, hubs: list[HubSide]) -> str:
        """Machines with copies of a card end up as two hubs, unless they never wrote anything apart."""
        logs: dict[str, tuple[object, ...]] = {}
        for hub in hubs:
            log = hub.asked(lambda db: (meta.number(db, "epoch", 1), meta.value(db, "chain_head")))
            if logs.setdefault(hub.hub_id, log) != log:
                return f"two machines run as {hub.hub_id}, each with a log of its own"
        return ""

    def at_rest(self, hubs: list[HubSide]) -> None:
        """Everything that must hold when nothing moves any more."""
        self._all_edits_arrived()
        self.office.at_rest(self.log)
        self._all_deferred_taken()
        self._cloud_is_its_feed()
        self._nobody_lost_to_what_they_saw()
        for hub in hubs:
            self.looks_at(hub)
            self._shows_the_cloud(hub)
            self._kept_every_sample(hub)
        self._segments_match(hubs)
        self._erased_stay_away(hubs)
        for fault in self.cloud.faults:
            self.say("fault", f"the cloud failed: {fault}")

    def _all_edits_arrived(self) -> None:
        online = self.edits.get(ONLINE, {})
        from_hubs = [it for it in self.log.values() if it.hub_id is not None or it.op_id in online]
        arrived, content = Counter(it.op_id for it in from_hubs), {it.op_id: it for it in from_hubs}
        buried = {row[0] for row in self.cloud.rows("SELECT op_id FROM dead_letter")}
        if silent := buried - {it.op_id for it in self.log.values() if it.kind == "reject"}:
            self.say("I1", f"{len(silent)} dead letters have no word in the feed")
        for name, edits in self.edits.items():
            for op_id, edit in edits.items():
                if op_id in self.forgiven:
                    continue
                if arrived[op_id] > 1 or (arrived[op_id] == 0 and op_id not in buried):
                    self.say("I1", f"{name}'s edit {op_id} is in the feed {arrived[op_id]} times")
                came = content.get(op_id)
                if came and came.kind == "set" and came.fields != edit.fields and not self._is_erased(edit):
                    self.say("I1", f"{name}'s edit {op_id} arrived as {came.fields}, not {edit.fields}")

    def has_deferred(self) -> bool:
        """Whether the cloud holds letters it can take in by now."""
        waiting = "SELECT 1 FROM dead_letter WHERE state = 'open' AND code = 'unknown_table'"
        return bool(self.cloud.rows(waiting))

    def _all_deferred_taken(self) -> None:
        """I1 for edits the cloud could not understand before its update: by now each came, once."""
        taken = Counter(it.resolves or it.op_id for it in self.log.values() if it.kind == "set")
        for name, edits in self.edits.items():
            for op_id, edit in edits.items():
                if edit.tbl == "kit" and op_id not in self.forgiven and taken[op_id] != 1:
                    self.say("I1", f"{name}'s deferred edit {op_id} was taken in {taken[op_id]} times")

    def _is_erased(self, edit: Edit) -> bool:
        if (edit.tbl, edit.pk) in self.erased or ("athlete", edit.fields.get("athlete_id")) in self.erased:
            return True
        about = [it.fields.get("athlete_id") for own in self.edits.values() for it in own.values()
                 if edit.tbl == "stream_assignment" and it.pk == edit.pk]  # fmt: skip
        return any(("athlete", it) in self.erased for it in about)

    def _cloud_is_its_feed(self) -> None:
        held = self.cloud.rows("SELECT tbl, pk, doc FROM row_state")
        folded = self._folded(self._feed()[0])
        for tbl, pk, doc in held:
            if (tbl, pk) not in self.erased and json.loads(doc) != folded.get((tbl, pk), {}):
                self.say("I4", f"the cloud holds {tbl} {pk} = {doc}, its feed says {folded.get((tbl, pk))}")

    def _nobody_lost_to_what_they_saw(self) -> None:
        fields_of: dict[tuple[str, str], list[tuple[int, str, int]]] = defaultdict(list)
        for seq, entry in sorted(self.log.items()):
            if entry.kind != "set":
                continue
            edit = self._author(entry.op_id)
            before = fields_of[entry.tbl, entry.pk]
            for name in entry.fields:
                for before_seq, before_name, before_ms in before if edit and not self.was_restored else ():
                    if before_name == name and before_seq <= edit.cursor and before_ms >= entry.stamp_ms:  # type: ignore[union-attr]
                        words = f"entry {seq} loses to {before_seq}, which its author had seen"
                        self.say("I6", f"{entry.tbl} {entry.pk} {name}: {words}")
                before.append((seq, name, entry.stamp_ms))

    def _shows_the_cloud(self, hub: HubSide) -> None:
        held = {
            (tbl, pk): json.loads(doc)
            for tbl, pk, doc in self.cloud.rows("SELECT tbl, pk, doc FROM row_state")
            if doc != "{}"
        }
        base = hub.asked(_base)
        for key in held.keys() | base.keys():
            if held.get(key) != base.get(key):
                self.say("I4", f"{hub.name} holds {key}={base.get(key)}, the cloud {held.get(key)}")
        for (tbl, pk), doc in held.items():
            if tbl != "athlete" or tbl in OF_ONE_HUB or "name" not in doc:
                continue
            shown = hub.asked(lambda db, pk=pk: _athlete(db, pk))  # type: ignore[misc]
            for name in (*SHOWN, "boot_size") if "boot_size" in hub.columns() else SHOWN:
                if name in doc and (shown is None or shown[name] != doc[name]):
                    self.say(
                        "I4", f"{hub.name} shows {pk} {name}={shown and shown[name]!r}, not {doc[name]!r}"
                    )

    def _kept_every_sample(self, hub: HubSide) -> None:
        """I12; of streams an erased athlete wore, what others wore must be there and the rest not: I8."""
        kept = hub.kept()
        for sample, count in (kept - hub.heard).items():
            self.say("I12", f"{hub.name} holds {sample} {count} times too often")
        worn = hub.asked(lambda db: _spans(db.execute(WORN).fetchall()))
        missing = hub.safe - kept
        for strap, boot_no, stream_id in self._streams_of_erased(hub.name):
            own = [it for it in (hub.safe | kept) if it[:2] == (strap, boot_no)]
            others = {it for it in own if _is_inside(it[2], worn[stream_id])}
            gone = self._spans_of_erased(stream_id)
            for sample in own:
                if sample not in others and kept[sample]:
                    self.say("I8", f"{hub.name} keeps {sample} of somebody who was erased")
                if sample not in others or _is_inside(sample[2], gone):
                    del missing[sample]  # erased, even where the strap was given to another from then on
        if missing:
            self.say("I12", f"{hub.name} lost {missing.total()} samples it had acknowledged")

    def _spans_of_erased(self, stream_id: str) -> list[tuple[int, int | None]]:
        """When erased athletes wore a stream, by the edits that ever said so."""
        fields: dict[str, dict[str, Any]] = defaultdict(dict)
        for name in sorted(self.edits, key=lambda it: it == ONLINE):  # who wore it is changed online alone
            for edit in self.edits[name].values():
                if edit.tbl == "stream_assignment":
                    fields[edit.pk].update(edit.fields)
        return [
            (it["from_ms"], it.get("to_ms"))
            for it in fields.values()
            if it.get("stream_id") == stream_id and ("athlete", it.get("athlete_id")) in self.erased
        ]

    def _streams_of_erased(self, name: str | None = None) -> set[tuple[str, int, str]]:
        """Strap, boot and id of every stream an erased athlete ever wore, of one hub or all."""
        authors = [by for by in self.edits if name is None or by in (name, ONLINE)]
        edits = [it for by in authors for it in self.edits[by].values()]
        stream_of = {it.pk: it.fields["stream_id"] for it in edits if "stream_id" in it.fields}
        worn = {
            stream_of.get(it.pk)
            for it in edits
            if it.tbl == "stream_assignment"
            and ("athlete", it.fields.get("athlete_id")) in self.erased
            and not self._was_given_away(it.pk, it.fields["athlete_id"])
        }
        begun = [it for it in edits if it.tbl == "stream" and it.pk in worn]
        return {(it.fields["strap_id"], it.fields["boot_no"], it.pk) for it in begun}

    def _was_given_away(self, assignment_id: str, athlete_id: str) -> bool:
        """Whether the feed had made it somebody else's by the time the athlete was erased."""
        wearer, newest_ms = athlete_id, -1
        for _, it in sorted(self.log.items()):
            if it.kind == "erase" and it.pk == athlete_id:
                return wearer not in (None, athlete_id)
            is_of_it = it.kind == "set" and (it.tbl, it.pk) == ("stream_assignment", assignment_id)
            if is_of_it and "athlete_id" in it.fields and it.stamp_ms >= newest_ms:
                wearer, newest_ms = it.fields["athlete_id"], it.stamp_ms
        return False

    def _segments_match(self, hubs: list[HubSide]) -> None:
        rows = self.cloud.rows(
            "SELECT seg_id, stream_id, boot_no, mono0_ms, mono1_ms, n, codec, payload FROM segment"
        )
        held = {row[0]: Segment(*row) for row in rows}
        sealed = {
            row[0]
            for hub in hubs
            for row in hub.asked(lambda db: db.execute("SELECT seg_id FROM segment").fetchall())
        }
        if missing := sealed - held.keys():
            self.say("I9", f"{len(missing)} sealed segments are not in the cloud")
        if (strange := held.keys() - sealed) and not self.lost_samples_forgiven:
            self.say("I9", f"{len(strange)} segments in the cloud were never sealed")
        for segment in held.values():
            try:
                verify(segment)
            except SegmentCorrupt as error:
                self.say("I9", f"{segment.seg_id.hex()[:12]}: {error}")

    def _erased_stay_away(self, hubs: list[HubSide]) -> None:
        self._samples_of_erased_are_gone()
        for tbl, pk in self.erased:
            if tbl == "athlete" and self.cloud.rows(NAMING, *WRITTEN_ANEW, pk):
                self.say("I8", f"the cloud has written of {pk} again")
            if tbl in WRITTEN_ANEW:
                continue
            if self.cloud.rows("SELECT 1 FROM row_state WHERE tbl = ? AND pk = ? AND doc <> '{}'", tbl, pk):
                self.say("I8", f"the cloud holds {tbl} {pk} again")
            for hub in hubs:
                if (tbl, pk) in hub.asked(_base):
                    self.say("I8", f"{hub.name} holds {tbl} {pk} again")

    def _samples_of_erased_are_gone(self) -> None:
        """I8 for the cloud's samples: of streams an erased athlete wore only what others wore is left."""
        worn = _spans(self.cloud.rows(WORN_ONLINE))
        for _, _, stream_id in self._streams_of_erased():
            for row in self.cloud.rows(SEGMENTS_OF, stream_id):
                mono_ms = unseal(Segment(*row)).mono_ms.tolist()
                if any(not _is_inside(it, worn[stream_id]) for it in mono_ms):
                    self.say("I8", f"the cloud keeps samples of somebody who was erased in {stream_id}")


WRITTEN_ANEW = ("insight", "two_edits")
"""What the cloud itself writes, under keys that stay the same whoever it is about."""
NAMING = "SELECT 1 FROM row_state WHERE tbl IN (?, ?) AND instr(doc, ?)"
WORN = "SELECT stream_id, from_ms, to_ms FROM stream_assignment"
WORN_ONLINE = """
SELECT doc ->> 'stream_id', doc ->> 'from_ms', doc ->> 'to_ms' FROM row_state
WHERE tbl = 'stream_assignment' AND doc <> '{}'"""
SEGMENTS_OF = """
SELECT seg_id, stream_id, boot_no, mono0_ms, mono1_ms, n, codec, payload FROM segment WHERE stream_id = ?"""


def _spans(rows: list[Any]) -> dict[str, list[tuple[int, int | None]]]:
    worn: dict[str, list[tuple[int, int | None]]] = defaultdict(list)
    for stream_id, from_ms, to_ms in rows:
        worn[stream_id].append((from_ms, to_ms))
    return worn


def _is_inside(mono_ms: int, spans: list[tuple[int, int | None]]) -> bool:
    return any(from_ms <= mono_ms and (to_ms is None or mono_ms < to_ms) for from_ms, to_ms in spans)


def _dead(db: Connection) -> set[str]:
    return {
        row[0] for row in db.execute("SELECT op_id FROM outbox WHERE state = 'dead' OR reason IS NOT NULL")
    }


def _waiting(db: Connection) -> int:
    """Edits still owed to the cloud, or whose echo is owed; those with one may be kept for its restore."""
    waiting = "SELECT count(*) FROM outbox WHERE state != 'dead' AND echoed_at_ms IS NULL"
    return int(db.execute(waiting).fetchone()[0])


def _base(db: Connection) -> dict[tuple[str, str], dict[str, Any]]:
    rows = db.execute("SELECT tbl, pk, doc FROM base").fetchall()
    return {(tbl, pk): json.loads(doc) for tbl, pk, doc in rows if doc != "{}"}


def _athlete(db: Connection, pk: str) -> dict[str, Any] | None:
    found = db.execute("SELECT * FROM athlete WHERE athlete_id = ?", (pk,))
    row = found.fetchone()
    return None if row is None else dict(zip((it[0] for it in found.description), row, strict=True))
