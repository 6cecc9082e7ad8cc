"""Mistakes sync must not contain, each planted into the product's own code for the length of a `with`.

The simulator is worth something only if it finds them; which invariant each breaks is said beside it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any
from unittest import mock

import msgspec

from cloud import content, ingest
from cloud import merge as merging
from cloud import records as rules
from cloud.errors import BodyRefused
from cloud.store import feed
from hub.store import journal, meta, records, segments
from hub.store.outbox import StoreOutbox
from sync import client, wire
from tests.sim.cloud_side import DyingDatabase
from tests.sim.mishaps import MISHAPS
from tests.sim.side_by_side import Transaction

Planted = AbstractContextManager[Any]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mistake, what it should break, and what must happen in the world for it to show."""

    name: str
    breaks: str
    plant: Callable[[], Planted]
    mishaps: tuple[str, ...] = MISHAPS
    fates: tuple[str, ...] = ()


def _cursor_before_apply() -> Planted:
    async def apply_feed(self: Any, ops: Sequence[wire.FeedOp], head: int) -> None:
        await self._database.write(lambda db: meta.put(db, "cursor", ops[-1].seq))
        await asyncio.sleep(0.5)
        wall_ms = self._moment().wall_ms
        await self._database.write(lambda db: records.apply_feed(db, list(ops), wall_ms))

    return mock.patch.object(StoreOutbox, "apply_feed", apply_feed)


def _cursor_to_head() -> Planted:
    real = StoreOutbox.apply_feed

    async def apply_feed(self: Any, ops: Sequence[wire.FeedOp], head: int) -> None:
        await real(self, ops[: max(1, len(ops) - 1)], head)
        await self._database.write(lambda db: meta.put(db, "cursor", ops[-1].seq))

    return mock.patch.object(StoreOutbox, "apply_feed", apply_feed)


def _answer_before_commit() -> Planted:
    real = DyingDatabase.commit

    def commit(self: DyingDatabase, one: Transaction) -> None:
        if self.dies_at == 1:  # too late: the answer is under way
            self.dies_at = 0
            one.park()
            return
        real(self, one)

    return mock.patch.object(DyingDatabase, "commit", commit)


def _deleted_when_sent() -> Planted:
    real = StoreOutbox.pending_ops

    async def pending_ops(self: Any, limit_bytes: int) -> Sequence[wire.Op]:
        ops = await real(self, limit_bytes)
        seqs = [(op.seq,) for op in ops]
        await self._database.write(
            lambda db: db.executemany("UPDATE outbox SET state = 'acked' WHERE seq = ?", seqs)
        )
        return ops

    return mock.patch.object(StoreOutbox, "pending_ops", pending_ops)


def _no_dedup() -> Planted:
    def judge(hub: Any, ops: Sequence[wire.Op], known: set[str]) -> Any:
        return [ingest.Verdict(op, "ok") for op in ops], False

    return mock.patch.object(ingest, "judge", judge)


def _op_ids_forgotten() -> Planted:
    return mock.patch.object(feed, "known_ops", return_value=set())


def _bigserial() -> Planted:
    """Numbers are given out early and rows seen late, as with a sequence and concurrent writers."""
    real = feed.put

    async def put(db: Any, club_id: str, entries: Sequence[feed.Entry]) -> None:
        await real(db, club_id, entries)
        if len(entries) % 3 == 1:
            sql = "SELECT * FROM change_log ORDER BY seq DESC LIMIT 1"
            row = db.sqlite.execute(sql).fetchone()
            db.sqlite.execute("DELETE FROM change_log WHERE seq = (SELECT max(seq) FROM change_log)")
            marks = ", ".join("?" * len(row))
            asyncio.get_running_loop().call_later(
                1.5, lambda: db.sqlite.execute(f"INSERT INTO change_log VALUES ({marks})", row)
            )

    return mock.patch.object(feed, "put", put)


def _wall_clock_wins() -> Planted:
    return mock.patch.object(ingest, "stamp", lambda proposal, **_: max(1, proposal.wall_ms))


def _author_forgotten() -> Planted:
    real = merging.stamp
    return mock.patch.object(
        ingest,
        "stamp",
        lambda proposal, **more: real(replace(proposal, after_ms=0), **{**more, "hub_max_stamp": 0}),
    )


def _future_allowed() -> Planted:
    real = merging.stamp
    return mock.patch.object(
        ingest, "stamp", lambda proposal, **more: real(proposal, **{**more, "server_ms": 2**50})
    )


def _poison_blocks() -> Planted:
    real = rules.refusal

    def refusal(op: wire.Op) -> None:
        if real(op) is not None:
            raise BodyRefused("It has an op that cannot be merged.")

    return mock.patch.object(ingest, "refusal", refusal)


def _poison_dropped() -> Planted:
    @contextmanager
    def planted() -> Iterator[None]:
        async def bury(*_: Any) -> None:
            return None

        with _reject_only_in_answer(), mock.patch.object(feed, "bury", bury):
            yield

    return planted()


def _reject_only_in_answer() -> Planted:
    real = feed.put

    async def put(db: Any, club_id: str, entries: Sequence[feed.Entry]) -> None:
        await real(db, club_id, [entry for entry in entries if entry.kind != "reject"])

    return mock.patch.object(feed, "put", put)


def _overlay_dropped_at_ack() -> Planted:
    real = StoreOutbox.record_pushed

    async def record_pushed(self: Any, response: wire.PushResponse) -> None:
        await real(self, response)

        def drop(db: Any) -> None:
            rows = db.execute("SELECT DISTINCT tbl, pk FROM outbox WHERE state = 'acked'").fetchall()
            db.execute("UPDATE outbox SET echoed_at_ms = 1 WHERE state = 'acked'")
            for tbl, pk in rows:
                records.show(db, tbl, pk, 0)

        await self._database.write(drop)

    return mock.patch.object(StoreOutbox, "record_pushed", record_pushed)


def _echo_needs_ack() -> Planted:
    real = records.apply_feed

    def apply_feed(db: Any, ops: list[wire.FeedOp], wall_ms: int) -> Any:
        unanswered = [
            (op.op_id,)
            for op in ops
            if db.execute(
                "SELECT 1 FROM outbox WHERE op_id = ? AND state = 'pending'", (op.op_id,)
            ).fetchone()
        ]
        done = real(db, ops, wall_ms)
        db.executemany("UPDATE outbox SET echoed_at_ms = NULL WHERE op_id = ?", unanswered)
        return done

    return mock.patch.object(records, "apply_feed", apply_feed)


def _hub_merges_by_arrival() -> Planted:
    real = records.apply_feed

    def apply_feed(db: Any, ops: list[wire.FeedOp], wall_ms: int) -> Any:
        return real(db, [msgspec.structs.replace(op, stamp_ms=2**42 + op.seq) for op in ops], wall_ms)

    return mock.patch.object(records, "apply_feed", apply_feed)


def _cloud_merges_by_arrival() -> Planted:
    def merge(record: Any, fields: Any, stamp_ms: int) -> Any:
        stamps = {**record.stamps, **dict.fromkeys(fields, stamp_ms)}
        return replace(record, doc={**record.doc, **fields}, stamps=stamps)

    return mock.patch.object(ingest, "merge", merge)


def _stored_when_sent() -> Planted:
    real = StoreOutbox.segments

    async def fetched(self: Any, ids: Sequence[bytes]) -> Any:
        found = await real(self, ids)
        await self._database.write(lambda db: segments.mark_stored(db, ids))
        return found

    return mock.patch.object(StoreOutbox, "segments", fetched)


def _journal_kept_when_sealed() -> Planted:
    return mock.patch.object(journal, "forget_through", return_value=None)


def _journal_forgotten_at_boot() -> Planted:
    def open_samples(db: Any) -> list[Any]:
        newest = db.execute("SELECT max(boot_no) FROM boot").fetchone()[0]
        return [row for row in _open_samples(db) if row[1] == newest]

    return mock.patch.object(journal, "open_samples", open_samples)


_open_samples = journal.open_samples


def _damaged_answers_believed() -> Planted:
    return mock.patch.object(client, "is_intact", return_value=True)


def _damaged_requests_believed() -> Planted:
    return mock.patch.object(content, "check_digest", return_value=None)


def _edit_and_outbox_apart() -> Planted:
    """The change is shown and acknowledged, and queued for the cloud only a moment later, if ever."""
    real = records.propose

    def propose(db: Any, moment: Any, tbl: str, pk: str, fields: dict[str, Any]) -> None:
        real(db, moment, tbl, pk, fields)
        if tbl == "athlete" and meta.number(db, "next_seq") % 7 == 0:
            db.execute("DELETE FROM outbox WHERE seq = (SELECT max(seq) FROM outbox)")

    from tests.sim import hub_side

    return mock.patch.object(hub_side, "propose", propose)


def _no_chain() -> Planted:
    """A restored card goes on where it stands, whatever the cloud remembers."""
    from sync import reconcile

    return mock.patch.object(reconcile, "_log", return_value=None)


def _no_fence() -> Planted:
    from cloud import fence

    return mock.patch.object(fence, "stopped", return_value=set())


async def _nothing(*_: Any) -> None:
    return None


def _erasures_not_held_off() -> Planted:
    """Who edits online asks the fence, and an erasure may come between the asking and the writing."""
    from cloud import fence

    return mock.patch.object(fence, "hold_erasures", _nothing)


def _no_fence_online() -> Planted:
    from cloud import edits, fence

    async def none(*_: Any) -> set[str]:
        return set()

    async def never(*_: Any) -> bool:
        return False

    return _all_of(mock.patch.object(fence, "erased_ops", none), mock.patch.object(edits, "is_erased", never))


def _author_online_forgotten() -> Planted:
    from cloud import edits

    def stamp(proposal: Any, **more: Any) -> int:
        return merging.stamp(replace(proposal, after_ms=0), **more)

    return mock.patch.object(edits, "stamp", stamp)


def _form_compared_too_early() -> Planted:
    """What stands is compared with what the form showed before anybody else is kept from writing it."""
    from cloud.web import athlete_form

    return mock.patch.object(athlete_form, "feed", SimpleNamespace(lock_records=_nothing))


def _form_not_compared() -> Planted:
    from cloud.web import athlete_form

    real = athlete_form.read

    def read(form: Any, standing: dict[str, str]) -> Any:
        return real(form, {name: getattr(form, f"was_{name}") for name in standing})

    return mock.patch.object(athlete_form, "read", read)


def _edits_that_met_not_noted() -> Planted:
    from cloud import meeting

    async def none(*_: Any) -> list[feed.Entry]:
        return []

    return mock.patch.object(meeting, "note", none)


def _online_edits_not_told() -> Planted:
    """What was saved online stands in the cloud and does not come into the feed."""
    from cloud import edits

    apart = SimpleNamespace(**{**vars(feed), "append": _nothing})
    return mock.patch.object(edits, "feed", apart)


def _erased_samples_stay_on_the_hub() -> Planted:
    return mock.patch.object(segments, "cut_stream", return_value=None)


def _erased_samples_stay_in_the_cloud() -> Planted:
    from cloud import erasure

    async def none_cut(*_: Any) -> int:
        return 0

    return mock.patch.object(erasure, "_cut_streams", none_cut)


def _new_fields_lost_in_the_cloud() -> Planted:
    real = merging.merge

    def merge(record: Any, fields: Any, stamp_ms: int) -> Any:
        known = rules.TABLES.get(record.tbl, fields)
        return real(record, {name: it for name, it in fields.items() if name in known}, stamp_ms)

    return mock.patch.object(ingest, "merge", merge)


def _new_fields_lost_on_the_hub() -> Planted:
    real = records.confirm

    def confirm(db: Any, op: wire.FeedOp) -> None:
        fields = {name: it for name, it in op.fields.items() if name != "boot_size"}
        real(db, msgspec.structs.replace(op, fields=fields))

    return mock.patch.object(records, "confirm", confirm)


def _deferred_edits_forgotten() -> Planted:
    async def nothing(*_: Any) -> int:
        return 0

    from tests.sim import mishaps

    return mock.patch.object(mishaps, "replay_deferred", nothing)


def _copies_not_told_apart() -> Planted:
    """Of two machines under one name, the one that lost its place is told it knows all there is to know."""
    from cloud import greeting

    async def never(*_: Any) -> bool:
        return False

    return mock.patch.object(greeting, "find_clone", never)


def _epochs_go_back() -> Planted:
    """An old greeting that comes late brings its epoch back, and a hub greets only once: another greeting
    would set right what the first mistake does.
    """
    from cloud import greeting
    from sync.relay import Relay

    real = greeting.hello
    greeted: dict[Relay, int] = {}

    async def hello(db: Any, hub: Any, words: wire.HelloRequest, *more: Any, **named: Any) -> Any:
        db.sqlite.execute(
            "UPDATE hub SET epoch = ?1, last_seq = 0, last_chain = zeroblob(32)"
            " WHERE hub_id = ?2 AND epoch > ?1",
            (words.epoch, hub.hub_id),
        )
        return await real(db, hub, words, *more, **named)

    async def epoch_in_step(self: Any, client: Any) -> int:
        if self not in greeted:
            greeted[self] = await self._greet(client)
        return greeted[self]

    return _all_of(
        mock.patch.object(greeting, "hello", hello),
        mock.patch.object(Relay, "_epoch_in_step", epoch_in_step),
    )


def _acknowledged_not_sent_again() -> Planted:
    """A log begun anew leaves out what the cloud had acknowledged, and does not go back at the hole it makes:
    that would set it right.
    """
    from hub.store import oplog
    from sync.lanes import OpsLane

    real = oplog.fork

    def fork(db: Any, epoch: int, wall_ms: int) -> None:
        acked = db.execute("SELECT op_id FROM outbox WHERE state = 'acked'").fetchall()
        real(db, epoch, wall_ms)
        db.executemany("UPDATE outbox SET state = 'acked' WHERE op_id = ?", acked)
        meta.put(db, oplog._AGAIN, 0)

    async def rewound(*_: Any) -> bool:
        return False

    return _all_of(mock.patch.object(oplog, "fork", fork), mock.patch.object(OpsLane, "_rewound", rewound))


def _compacted_before_all_have_read() -> Planted:
    """Entries go that a hub has yet to read, and hubs do not say which feed they read: else they would be
    told to take a snapshot, which holds all they missed.
    """
    from cloud import compaction
    from cloud.store import database

    real_value, real_pull = database.fetch_value, client.CloudClient.pull

    async def fetch_value(db: Any, name: str, values: Any) -> Any:
        return None if name == "feed_read_by_all" else await real_value(db, name, values)

    async def pull(self: Any, after: int, limit_bytes: int, *_: Any) -> wire.PullResponse:
        return await real_pull(self, after, limit_bytes)

    return _all_of(
        mock.patch.object(compaction, "fetch_value", fetch_value),
        mock.patch.object(client.CloudClient, "pull", pull),
    )


@contextmanager
def _all_of(*planted: Planted) -> Iterator[None]:
    """Several at once."""
    with ExitStack() as all_of_them:
        for it in planted:
            all_of_them.enter_context(it)
        yield


WRONG_CLOCKS = ("power_cut", "outage")
"""What leaves hubs without the time: among all mishaps a stamp that is wrong seldom matters."""
MUTANTS: tuple[Mutant, ...] = (
    Mutant("cursor before apply", "I2", _cursor_before_apply),
    Mutant("cursor to the head", "I2", _cursor_to_head),
    Mutant("answer before commit", "I1", _answer_before_commit, ("kill",), ("cloud dies",)),
    Mutant("deleted when sent", "I1", _deleted_when_sent),
    Mutant("no dedup", "I1", _no_dedup),
    Mutant("op ids forgotten", "I11", _op_ids_forgotten),
    Mutant("bigserial cursor", "I3", _bigserial),
    Mutant("wall clock wins", "I6", _wall_clock_wins, WRONG_CLOCKS),
    Mutant("what the author saw is forgotten", "I6", _author_forgotten, WRONG_CLOCKS),
    Mutant("stamps from the future", "I7", _future_allowed, WRONG_CLOCKS),
    Mutant("poison blocks", "I11", _poison_blocks),
    Mutant("poison dropped", "I1", _poison_dropped),
    Mutant("reject only in the answer", "I1", _reject_only_in_answer),
    Mutant("overlay dropped at the answer", "I5", _overlay_dropped_at_ack),
    Mutant("an echo needs its answer", "I4", _echo_needs_ack, ("kill",), ("answer lost",)),
    Mutant("hub merges by arrival", "I2", _hub_merges_by_arrival),
    Mutant("cloud merges by arrival", "I4", _cloud_merges_by_arrival),
    Mutant("segments stored when sent", "I9", _stored_when_sent),
    Mutant("journal kept when sealed", "I12", _journal_kept_when_sealed),
    Mutant("journal of an earlier boot forgotten", "I12", _journal_forgotten_at_boot),
    Mutant("damaged answers believed", "I2", _damaged_answers_believed, MISHAPS, ("answer damaged",)),
    Mutant("damaged requests believed", "I1", _damaged_requests_believed),
    Mutant("no chain or epoch", "I1", _no_chain, ("old_card",)),
    Mutant("copied cards not told apart", "I11", _copies_not_told_apart, ("copied_card", "kill")),
    Mutant("no fence round the erased", "I8", _no_fence, ("erasure",)),
    Mutant("edits queued apart from the change", "I1", _edit_and_outbox_apart),
    Mutant("samples of the erased stay on the hub", "I8", _erased_samples_stay_on_the_hub, ("erasure",)),
    Mutant("samples of the erased stay in the cloud", "I8", _erased_samples_stay_in_the_cloud, ("erasure",)),
    Mutant("new fields lost in the cloud", "I4", _new_fields_lost_in_the_cloud, ("new_field",)),
    Mutant("new fields lost on the hub", "I2", _new_fields_lost_on_the_hub, ("new_field",)),
    Mutant("deferred edits forgotten", "I1", _deferred_edits_forgotten, ("new_table",)),
    Mutant("epochs go back", "I11", _epochs_go_back, ("old_card",), ("doubled", "late")),
    Mutant("acknowledged not sent again", "I11", _acknowledged_not_sent_again, ("old_card",), ("doubled",)),
    Mutant(
        "compacted before all have read", "I11", _compacted_before_all_have_read, ("compaction", "outage")
    ),
    Mutant("erasures not held off online", "I8", _erasures_not_held_off, ("erasure",)),
    Mutant("no fence online", "I8", _no_fence_online, ("erasure",)),
    Mutant("what the author online saw is forgotten", "I6", _author_online_forgotten, ("rush",)),
    Mutant("a form is compared before its record is locked", "met", _form_compared_too_early, ("rush",)),
    Mutant("a form is not compared with what stands", "met", _form_not_compared, ("rush",)),
    Mutant("edits that met are not noted", "met", _edits_that_met_not_noted),
    Mutant("online edits do not come into the feed", "I1", _online_edits_not_told),
)
