"""The outbox as the relay sees it: what to send, what came back, each in one transaction of its own.

It fulfils `sync.outbox.Outbox` over the hub's database; the order and size of batches are the relay's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from sqlite3 import Connection

from hub.store import boots, meta, records, segments
from hub.store.database import Database
from sync.outbox import Standing
from sync.segments import Segment
from sync.wire import Anchor, FeedOp, Op, PushResponse

LOG_LINES = 500
MOST_OPS = 2000


class StoreOutbox:
    """One hub's outbox. `moment` tells boot and time; `learn` is told of anchors from the cloud."""

    def __init__(
        self,
        database: Database,
        boot_id: str,
        moment: Callable[[], records.Moment],
        learn: Callable[[Anchor], None],
    ) -> None:
        self._database, self._boot_id, self._moment, self._learn = database, boot_id, moment, learn

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
            )

        return await self._database.read(question)

    async def pending_ops(self, limit_bytes: int) -> Sequence[Op]:
        """The oldest pending operations, about `limit_bytes` of them, at least one where any waits."""
        return await self._database.read(lambda db: _pending(db, limit_bytes))

    async def record_pushed(self, response: PushResponse) -> None:
        """The cloud holds everything up to `last_seq`; the feed says later what became of each."""

        def change(db: Connection) -> None:
            db.execute(
                "UPDATE outbox SET state = 'acked' WHERE seq <= ? AND state = 'pending'", (response.last_seq,)
            )
            for result in response.results:
                if result.status == "dead":
                    db.execute(
                        "UPDATE outbox SET state = 'dead', reason = ? WHERE seq = ?",
                        (result.code or "rejected by the cloud", result.seq),
                    )
            meta.put(db, "acked_seq", max(response.last_seq, meta.number(db, "acked_seq")))

        await self._database.write(change)

    async def rewind(self, last_seq: int) -> bool:
        """Make everything after `last_seq` pending again, if all of it is still kept."""
        wall_ms = self._moment().wall_ms

        def change(db: Connection) -> bool:
            wanted = meta.number(db, "next_seq", 1) - 1 - last_seq
            kept = db.execute("SELECT count(*) FROM outbox WHERE seq > ?", (last_seq,)).fetchone()[0]
            if wanted < 0 or kept != wanted:
                return False
            # dead ones too: a log with a hole would never be taken, and the cloud rejects them again
            db.execute("UPDATE outbox SET state = 'pending', reason = NULL WHERE seq > ?", (last_seq,))
            rows = db.execute("SELECT DISTINCT tbl, pk FROM outbox WHERE seq > ?", (last_seq,)).fetchall()
            for tbl, pk in rows:
                records.show(db, tbl, pk, wall_ms)
            meta.put(db, "acked_seq", last_seq)
            return True

        return await self._database.write(change)

    async def anchors(self) -> Sequence[Anchor]:
        """What the hub knows of true time."""
        return await self._database.read(boots.verified_anchors)

    async def apply_feed(self, ops: Sequence[FeedOp], head: int) -> None:
        """Apply entries behind the cursor and move it, in one transaction; those before it are repeats."""
        wall_ms = self._moment().wall_ms

        def change(db: Connection) -> None:
            cursor = meta.number(db, "cursor")
            new = [op for op in ops if op.seq > cursor]
            records.apply_feed(db, new, wall_ms)
            if new:
                meta.put(db, "cursor", new[-1].seq)

        await self._database.write(change)

    async def unsent_segment_ids(self, limit: int) -> Sequence[bytes]:
        """Sealed segments the cloud has not confirmed, newest recordings first."""
        return await self._database.read(lambda db: segments.unsent_ids(db, limit))

    async def segments(self, ids: Sequence[bytes]) -> Sequence[Segment]:
        """The segments with these ids."""
        return await self._database.read(lambda db: segments.by_id(db, ids))

    async def record_stored(self, ids: Sequence[bytes]) -> None:
        """The cloud has these durably."""
        await self._database.write(lambda db: segments.mark_stored(db, ids))

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

        def change(db: Connection) -> None:
            known = boots.best_anchor(db, anchor.boot_no)
            if known is None or known.source == "system" or anchor.err_ms < known.err_ms:
                boots.add_anchor(db, anchor)
            meta.put(db, "last_contact_ms", wall_ms)

        await self._database.write(change)

    async def note(self, what: str, outcome: str) -> None:
        """A line in the sync diary, which keeps the last 500."""
        moment = self._moment()

        def change(db: Connection) -> None:
            db.execute(
                "INSERT INTO sync_log(at_boot, at_mono, what, outcome) VALUES (?, ?, ?, ?)",
                (moment.boot_no, moment.mono_ms, what, outcome),
            )
            db.execute("DELETE FROM sync_log WHERE id <= (SELECT max(id) FROM sync_log) - ?", (LOG_LINES,))

        await self._database.write(change)


def _pending(db: Connection, limit_bytes: int) -> list[Op]:
    rows = db.execute(
        "SELECT seq, op_id, tbl, pk, fields, after_ms, boot_no, mono_ms, chain FROM outbox"
        " WHERE state = 'pending' ORDER BY seq LIMIT ?",
        (MOST_OPS,),
    )
    ops: list[Op] = []
    size = 0
    for seq, op_id, tbl, pk, fields, after_ms, boot_no, mono_ms, chain in rows:
        size += len(fields) + 250
        if ops and size > limit_bytes:
            break
        ops.append(
            Op(
                seq=seq, op_id=op_id, tbl=tbl, pk=pk, fields=json.loads(fields), after_ms=after_ms,
                boot_no=boot_no, mono_ms=mono_ms, chain=chain,
            )
        )  # fmt: skip
    return ops
