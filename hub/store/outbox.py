"""The outbox as the relay sees it: what to send, what came back, each in one transaction of its own.

It fulfils `sync.outbox.Outbox` over the hub's database; the order and size of batches are the relay's.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from sqlite3 import Connection

from hub.store import (
    boots,
    dead_letters,
    erasure,
    feed_head,
    meta,
    oplog,
    records,
    refused_segments,
    segments,
    snapshot,
)
from hub.store.database import Database
from sync.outbox import Place, Standing
from sync.segments import Segment
from sync.wire import Anchor, FeedOp, Op, PushResponse, SnapshotPage

LOG_LINES = 500


class StoreOutbox:
    """One hub's outbox. `moment` tells boot and time; `learn` is told of anchors from the cloud.

    `delete_files` takes the hashes of kept files an erasure asks for and returns once they are off the disk.
    `on_athletes` is told which athletes the feed brought something about, also when it is their straps.
    """

    def __init__(
        self,
        database: Database,
        boot_id: str,
        moment: Callable[[], records.Moment],
        learn: Callable[[Anchor], None],
        delete_files: Callable[[Sequence[str]], None] | None = None,
        on_athletes: Callable[[set[str]], Awaitable[None]] | None = None,
    ) -> None:
        self._database, self._boot_id, self._moment, self._learn = database, boot_id, moment, learn
        self._delete_files, self._on_athletes = delete_files, on_athletes
        self._run_id = moment().new_id()
        self._telling = 0  # erased athletes the greeting under way reminds the cloud of
        database.write_now(lambda db: records.catch_up(db, moment().wall_ms))
        database.write_now(refused_segments.doubt_erased)
        database.write_now(lambda db: dead_letters.tell_again(db, moment()))

    async def standing(self) -> Standing:
        """Where the hub stands now."""
        boot_no = self._moment().boot_no

        def question(db: Connection) -> Standing:
            return Standing(
                epoch=meta.number(db, "epoch", 1),
                head_seq=meta.number(db, "next_seq", 1) - 1,
                acked_seq=meta.number(db, "acked_seq"),
                cursor=meta.number(db, "cursor"),
                feed_epoch=meta.number(db, "feed_epoch"),
                boot_no=boot_no,
                boot_id=self._boot_id,
                run_id=self._run_id,
                cursor_op=meta.value(db, "cursor_op") or "",
                erased_seq=erasure.done_through(db, meta.number(db, "cursor")),
                erased=erasure.to_tell(db),
                segments_waiting=segments.count_waiting(db),
            )

        standing = await self._database.read(question)
        self._telling = min(self._telling or len(standing.erased), len(standing.erased))
        return standing

    async def pending_ops(self, limit_bytes: int) -> Sequence[Op]:
        """The oldest pending operations, about `limit_bytes` of them, at least one where any waits."""
        return await self._database.read(lambda db: oplog.pending(db, limit_bytes))

    async def record_pushed(self, response: PushResponse) -> None:
        """The cloud holds everything up to `last_seq`; the feed says later what became of each."""
        wall_ms = self._moment().wall_ms

        def change(db: Connection) -> None:
            db.execute(
                "UPDATE outbox SET state = 'acked' WHERE seq <= ? AND state = 'pending'", (response.last_seq,)
            )
            for result in response.results:
                if result.status == "dead":
                    _bury(db, result.seq, result.code or "rejected by the cloud", wall_ms)
            before = {it.seq: it.at_seq for it in response.results if isinstance(it.at_seq, int)}
            oplog.settle_read(db, before, wall_ms)
            meta.put(db, "acked_seq", max(response.last_seq, meta.number(db, "acked_seq")))

        await self._database.write(change)

    async def settle(self, last_seq: int) -> None:
        """No echo is still to come for anything up to `last_seq`."""
        if await self._database.read(lambda db: oplog.unechoed(db, last_seq)):
            wall_ms = self._moment().wall_ms
            await self._database.write(lambda db: oplog.settle(db, last_seq, wall_ms))

    async def chain_at(self, seq: int) -> str | None:
        """The chain behind an operation of this log, None where it is not kept."""
        return await self._database.read(lambda db: oplog.chain_at(db, seq))

    async def rewind(self, last_seq: int) -> bool:
        """Make everything after `last_seq` pending again, if all of it is still kept."""
        wall_ms = self._moment().wall_ms
        return await self._database.write(lambda db: oplog.rewind(db, last_seq, wall_ms))

    async def fork(self, epoch: int) -> None:
        """Begin the log anew under a larger epoch with everything that is kept."""
        wall_ms = self._moment().wall_ms
        await self._database.write(lambda db: oplog.fork(db, epoch, wall_ms))

    async def suspect(self, seq: int, reason: str) -> None:
        """Send this operation without its content from now on."""
        wall_ms = self._moment().wall_ms
        await self._database.write(lambda db: oplog.suspect(db, seq, reason, wall_ms))

    async def anchors(self) -> Sequence[Anchor]:
        """A page of what the hub knows of true time and the cloud has not acknowledged."""
        return await self._database.read(boots.verified_anchors)

    async def record_told(self, anchors: Sequence[Anchor]) -> None:
        """The cloud knows these."""
        await self._database.write(lambda db: boots.mark_told(db, anchors))

    async def apply_feed(self, ops: Sequence[FeedOp], head: int) -> None:
        """Apply entries behind the cursor and move it, in one transaction; those before it are repeats."""
        wall_ms = self._moment().wall_ms

        def change(db: Connection) -> None:
            cursor = meta.number(db, "cursor")
            new = [op for op in ops if op.seq > cursor]
            if new and new[0].seq != cursor + 1:
                return  # a snapshot has set the cursor back meanwhile: what lies between is not here
            records.apply_feed(db, new, wall_ms)
            if new:
                feed_head.at_least(db, max(head, new[-1].seq))
                meta.put(db, "cursor", new[-1].seq)
                meta.put(db, "cursor_op", new[-1].op_id)

        await self._database.write(change)
        await self._delete_erased_files()
        about = [op for op in ops if op.tbl in ("athlete", "profile_change", "strap")]
        if about and self._on_athletes is not None:
            await self._on_athletes(await self._database.read(lambda db: _whose(db, about)))

    async def learn_feed(self, feed_epoch: int) -> None:
        """The cursor counts in this feed."""
        await self._database.write(lambda db: meta.put(db, "feed_epoch", feed_epoch))

    async def learn_head(self, feed_epoch: int, head: int) -> None:
        """The newest entry of the feed, as the cloud named it."""
        if await self._database.read(feed_head.named) != (feed_epoch, head):
            await self._database.write(lambda db: feed_head.learn(db, feed_epoch, head))

    async def learn_bundle_key(self, bundle_key: str) -> None:
        """The club's public keys for bundles on a stick."""
        if await self._database.read(lambda db: meta.value(db, "bundle_key")) != bundle_key:
            await self._database.write(lambda db: meta.put(db, "bundle_key", bundle_key))

    async def doubt_segments(self) -> None:
        """Nothing counts as stored, nor any anchor as told, until the cloud says so again."""

        def change(db: Connection) -> None:
            segments.doubt_stored(db)
            boots.doubt_told(db)

        await self._database.write(change)

    async def snapshot_place(self) -> Place | None:
        """How far a snapshot was taken in."""
        return await self._database.read(snapshot.place)

    async def take_page(self, page: SnapshotPage, after: tuple[str, str] | None = None) -> None:
        """Keep a page aside; the last one puts all of them in place of what was confirmed."""
        moment = self._moment()

        def change(db: Connection) -> None:
            if snapshot.take_page(db, page, moment.wall_ms, after):
                _note(db, moment, "sync", "took all records of the club anew")
                dead_letters.tell_again(db, moment)

        await self._database.write(change)
        await self._delete_erased_files()
        if page.next_tbl is None and self._on_athletes is not None:
            await self._on_athletes(await self._database.read(_all_athletes))

    async def _delete_erased_files(self) -> None:
        hashes = await self._database.read(erasure.files_to_delete)
        if hashes and self._delete_files is not None:
            await asyncio.to_thread(self._delete_files, hashes)
            await self._database.write(lambda db: erasure.files_deleted(db, hashes))

    async def unsent_segment_ids(self, limit: int) -> Sequence[bytes]:
        """Sealed segments the cloud has neither confirmed nor refused, newest recordings first."""
        return await self._database.read(lambda db: segments.unsent_ids(db, limit))

    async def segments(self, ids: Sequence[bytes]) -> Sequence[Segment]:
        """The segments with these ids."""
        return await self._database.read(lambda db: segments.by_id(db, ids))

    async def record_stored(self, ids: Sequence[bytes]) -> None:
        """The cloud has these durably."""
        await self._database.write(lambda db: segments.mark_stored(db, ids))

    async def record_refused(self, codes: Mapping[bytes, str]) -> None:
        """The cloud will not have these, by reason; they wait no longer."""
        wall_ms = self._moment().wall_ms
        await self._database.write(lambda db: refused_segments.record(db, codes, wall_ms))

    async def cut_erased(self, ids: Sequence[bytes]) -> None:
        """Of the streams of these segments only what somebody wears by what is known here stays."""
        await self._database.write(lambda db: segments.cut_streams_of(db, ids))

    async def record_contact(self, server_ms: int, rtt_ms: int, mono_ms: int) -> None:
        """A real answer from the cloud: when, and what its clock said."""
        anchor = Anchor(
            boot_no=self._moment().boot_no,
            mono_ms=mono_ms,
            wall_ms=server_ms,
            err_ms=max(1, rtt_ms // 2),
            source="cloud",
        )
        self._learn(anchor)
        wall_ms = self._moment().wall_ms
        told, self._telling = self._telling, 0

        def change(db: Connection) -> None:
            boots.learn(db, anchor)
            meta.put(db, "last_contact_ms", wall_ms)
            if told:
                erasure.told(db, told)
            meta.put(db, "heard_ms", server_ms)

        await self._database.write(change)
        await self._delete_erased_files()

    async def note(self, what: str, outcome: str) -> None:
        """A line in the sync diary, which keeps the last 500."""
        moment = self._moment()
        await self._database.write(lambda db: _note(db, moment, what, outcome))


def _note(db: Connection, moment: records.Moment, what: str, outcome: str) -> None:
    db.execute(
        "INSERT INTO sync_log(at_boot, at_mono, what, outcome) VALUES (?, ?, ?, ?)",
        (moment.boot_no, moment.mono_ms, what, outcome),
    )
    db.execute("DELETE FROM sync_log WHERE id <= (SELECT max(id) FROM sync_log) - ?", (LOG_LINES,))


def _bury(db: Connection, seq: int, code: str, wall_ms: int) -> None:
    """The cloud will not apply this; the feed says so, too, but its word may be long read."""
    db.execute("UPDATE outbox SET state = 'dead', reason = coalesce(reason, ?) WHERE seq = ?", (code, seq))
    records.ask_nobody(db, wall_ms)
    row = db.execute("SELECT tbl, pk FROM outbox WHERE seq = ?", (seq,)).fetchone()
    if row is not None:
        records.show(db, row[0], row[1], wall_ms)


def _whose(db: Connection, ops: Sequence[FeedOp]) -> set[str]:
    """The athletes that entries are about, though many say only what changed."""
    found = {op.pk if op.tbl == "athlete" else op.fields.get("athlete_id") for op in ops}
    changes = [op.pk for op in ops if op.tbl == "profile_change"]
    rows = db.execute(
        "SELECT athlete_id FROM profile_change WHERE change_id IN (SELECT value FROM json_each(?))",
        (json.dumps(changes),),
    )
    return {it for it in (*found, *(who for (who,) in rows)) if isinstance(it, str)}


def _all_athletes(db: Connection) -> set[str]:
    return {str(row[0]) for row in db.execute("SELECT athlete_id FROM athlete")}
