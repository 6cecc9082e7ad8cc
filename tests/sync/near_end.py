"""A hub's store in memory, as narrow as the relay's seam; it refuses what a real one must never be told."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from random import Random

import msgspec
import numpy as np

from sync import wire
from sync.chain import CHAIN_0, next_chain
from sync.client import CloudClient
from sync.outbox import Place, Standing
from sync.relay import Relay
from sync.segments import Samples, Segment, seal
from tests.sync.far_end import Line

SEED = bytes(range(32))
ANCHORS_A_PAGE = 2


class MemoryOutbox:
    def __init__(self) -> None:
        self.log: list[wire.Op] = []
        self.edits = 0
        self.acked_seq = 0
        self.dead: set[int] = set()
        self.feed: list[wire.FeedOp] = []
        self.kept: dict[bytes, Segment] = {}
        self.stored: set[bytes] = set()
        self.refused: dict[bytes, str] = {}
        self.facts: list[wire.Anchor] = []
        self.told: list[wire.Anchor] = []
        self.contacts: list[tuple[int, int, int]] = []
        self.notes: list[tuple[str, str]] = []
        self.epoch = 1
        self.keeps_from = 1
        self.feed_epoch = 1
        self.suspects: dict[int, str] = {}
        self.doubts = 0
        self.heads: list[tuple[int, int]] = []
        self.cursor_after_snapshot: int | None = None
        self.pages: list[wire.SnapshotPage] = []
        self.records: dict[tuple[str, str], dict[str, object]] = {}

    def edit(self, **fields: object) -> None:
        seq = len(self.log) + 1
        self.edits += 1
        op_id = str(uuid.UUID(int=self.edits))
        chain = next_chain(self.log[-1].chain if self.log else CHAIN_0, op_id)
        op = wire.Op(
            seq=seq,
            op_id=op_id,
            tbl="athlete",
            pk=op_id,
            fields=fields,
            after_ms=0,
            boot_no=1,
            mono_ms=seq,
            chain=chain,
        )
        self.log.append(op)

    def close_segment(self, n: int = 60) -> bytes:
        rng = np.random.default_rng(len(self.kept))
        segment = seal(
            str(uuid.UUID(int=len(self.kept))),
            1,
            Samples(
                mono_ms=np.arange(n, dtype=np.int64) * 1000,
                bpm=rng.integers(90, 190, n).astype(np.int16),
                contact=np.full(n, 2, np.uint8),
                rr_count=np.full(n, 2, np.uint8),
                rr_1024=rng.integers(300, 700, 2 * n).astype(np.uint16),
            ),
        )
        self.kept[segment.seg_id] = segment
        return segment.seg_id

    async def standing(self) -> Standing:
        return Standing(self.epoch, len(self.log), self.acked_seq, self.cursor, self.feed_epoch, 1, "boot-1")

    @property
    def cursor(self) -> int:
        return len(self.feed) if self.cursor_after_snapshot is None else self.cursor_after_snapshot

    async def pending_ops(self, limit_bytes: int) -> Sequence[wire.Op]:
        ops: list[wire.Op] = []
        size = 0
        for op in self.log[self.acked_seq :]:
            size += len(msgspec.json.encode(op))
            if ops and size > limit_bytes:
                break
            is_suspect = op.seq in self.suspects
            ops.append(msgspec.structs.replace(op, tbl=wire.SUSPECT, fields={}) if is_suspect else op)
        return ops

    async def settle(self, last_seq: int) -> None:
        """Nothing here waits for an echo."""

    async def chain_at(self, seq: int) -> str | None:
        return CHAIN_0 if seq == 0 else self.log[seq - 1].chain if seq <= len(self.log) else None

    async def fork(self, epoch: int) -> None:
        assert epoch > self.epoch
        self.told.clear()
        self.epoch, self.acked_seq, chain = epoch, 0, CHAIN_0
        for at, op in enumerate(self.log):
            chain = next_chain(chain, op.op_id)
            self.log[at] = msgspec.structs.replace(op, seq=at + 1, chain=chain)

    async def suspect(self, seq: int, reason: str) -> None:
        self.suspects[seq] = reason

    async def learn_feed(self, feed_epoch: int) -> None:
        assert self.feed_epoch == 0
        self.feed_epoch = feed_epoch

    async def learn_head(self, feed_epoch: int, head: int) -> None:
        self.heads.append((feed_epoch, head))

    async def learn_bundle_key(self, bundle_key: str) -> None:
        self.bundle_key = bundle_key

    async def doubt_segments(self) -> None:
        self.doubts += 1
        self.stored.clear()
        self.told.clear()
        self.refused.clear()

    async def snapshot_place(self) -> Place | None:
        if not self.pages:
            return None
        last = self.pages[-1]
        return Place(self.pages[0].feed_epoch, self.pages[0].at_seq, last.next_tbl or "", last.next_pk or "")

    async def take_page(self, page: wire.SnapshotPage, after: tuple[str, str] | None = None) -> None:
        if self.pages and self.pages[0].feed_epoch != page.feed_epoch:
            self.pages.clear()
            return
        self.pages.append(page)
        if page.next_tbl is None:
            self.records = {(row.tbl, row.pk): row.doc for it in self.pages for row in it.rows}
            self.feed, self.cursor_after_snapshot = [], self.pages[0].at_seq
            self.feed_epoch = page.feed_epoch
            self.pages = []

    async def record_pushed(self, response: wire.PushResponse) -> None:
        assert response.last_seq <= len(self.log)
        self.acked_seq = max(self.acked_seq, response.last_seq)
        self.dead |= {result.seq for result in response.results if result.status == "dead"}

    async def rewind(self, last_seq: int) -> bool:
        if last_seq + 1 < self.keeps_from:
            return False
        self.acked_seq = last_seq
        return True

    async def anchors(self) -> Sequence[wire.Anchor]:
        return [it for it in self.facts if it not in self.told][:ANCHORS_A_PAGE]

    async def record_told(self, anchors: Sequence[wire.Anchor]) -> None:
        assert not any(it in self.told for it in anchors)
        self.told += anchors

    async def apply_feed(self, ops: Sequence[wire.FeedOp], head: int) -> None:
        assert [op.seq for op in ops] == list(range(self.cursor + 1, self.cursor + 1 + len(ops)))
        assert head >= ops[-1].seq
        self.feed += ops
        if self.cursor_after_snapshot is not None:
            self.cursor_after_snapshot = ops[-1].seq

    async def unsent_segment_ids(self, limit: int) -> Sequence[bytes]:
        done = self.stored | self.refused.keys()
        return [seg_id for seg_id in self.kept if seg_id not in done][:limit]

    async def segments(self, ids: Sequence[bytes]) -> Sequence[Segment]:
        return [self.kept[seg_id] for seg_id in ids]

    async def record_stored(self, ids: Sequence[bytes]) -> None:
        assert set(ids) <= self.kept.keys()
        self.stored |= set(ids)

    async def record_contact(self, server_ms: int, rtt_ms: int, mono_ms: int) -> None:
        self.contacts.append((server_ms, rtt_ms, mono_ms))

    async def record_refused(self, codes: Mapping[bytes, str]) -> None:
        assert codes.keys() <= self.kept.keys() - self.stored
        self.refused |= codes

    async def cut_erased(self, ids: Sequence[bytes]) -> None:
        """Nobody wears anything here."""

    async def note(self, what: str, outcome: str) -> None:
        self.notes.append((what, outcome))


class Ticks:
    """A clock that moves a millisecond each time it is read."""

    def __init__(self) -> None:
        self.now_ms = 1_000

    def __call__(self) -> int:
        self.now_ms += 1
        return self.now_ms


def client_on(line: Line) -> CloudClient:
    return CloudClient("https://cloud.test", "hub-1", SEED, line)


def relay_on(outbox: MemoryOutbox, line: Line, *, period_s: float = 0.01) -> Relay:
    return Relay(outbox, lambda: client_on(line), Ticks(), lambda: 0, Random(1), period_s=period_s)
