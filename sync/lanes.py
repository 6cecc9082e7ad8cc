"""The three things that travel, a lane each: operations up, the feed down, segments up.

A lane trusts only the outbox about what is done and only an answer about what arrived. It does not
decide whose turn it is, and it never retries: that is the relay's part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile

import msgspec

from sync import wire
from sync.client import CloudClient
from sync.errors import CloudRefused, CloudUnreachable, NotTheCloud, OutOfStep, SyncError
from sync.outbox import Outbox
from sync.pace import MIN_BYTES, Pace
from sync.segments import Segment, frame

ANCHORS_A_PUSH = 200
IDS_A_QUESTION = 500
FAILURES_TO_SUSPECT = 5
_SMALLEST_SEGMENT_BYTES = 256
_ID_BYTES = 67


@contextmanager
def _slower_on_failure(pace: Pace) -> Iterator[None]:
    try:
        yield
    except SyncError:
        pace.failed()
        raise


class OpsLane:
    """Pushes pending operations in order until none is left, and the anchors with them.

    A batch on which the cloud itself fails again and again is halved until the one operation is found that
    makes it fail; that one is put aside and the rest goes on.
    """

    def __init__(self, outbox: Outbox, now_mono_ms: Callable[[], int]) -> None:
        self.pace = Pace()
        self._outbox = outbox
        self._now_mono_ms = now_mono_ms
        self._known_anchors: set[wire.Anchor] = set()
        self._failed_at: tuple[int, int] = (0, 0)  # first seq of the batch, how often it failed
        self._most: int | None = None  # operations a batch while a culprit is looked for

    async def drain(self, client: CloudClient, epoch: int) -> tuple[int, int]:
        """Operations the cloud took and, of these, how many it will not apply."""
        sent = dead = 0
        may_rewind = True
        while True:
            ops = (await self._outbox.pending_ops(self.pace.limit_bytes))[: self._most]
            anchors = [] if self._most else await self._new_anchors()
            if not ops and not anchors:
                self._most = None
                return sent, dead
            try:
                response = await self._push(
                    client, wire.PushRequest(epoch=epoch, ops=list(ops), anchors=anchors)
                )
            except CloudRefused as error:
                if error.is_too_large and len(ops) > 1 and self.pace.limit_bytes > MIN_BYTES:
                    continue  # the failure has halved the batch
                raise
            except CloudUnreachable as error:
                if not await self._closes_in(ops, error):
                    raise
                continue
            except OutOfStep as error:
                if not may_rewind or not await self._rewound(ops, error):
                    raise
                may_rewind = False
                continue
            await self._outbox.record_pushed(response)
            self._known_anchors.update(anchors)
            sent += len(ops)
            dead += sum(result.status == "dead" for result in response.results)

    async def _closes_in(self, ops: Sequence[wire.Op], error: CloudUnreachable) -> bool:
        """After a failure of the cloud's own: whether a smaller batch is to be tried at once."""
        if error.err != "failed" or not ops:
            return False
        first_seq, failures = ops[0].seq, 1
        if self._failed_at[0] == first_seq:
            failures += self._failed_at[1]
        self._failed_at = (first_seq, failures)
        if self._most is None and failures < FAILURES_TO_SUSPECT:
            return False
        if len(ops) > 1:
            self._most = len(ops) // 2
            return True
        if ops[0].tbl == wire.SUSPECT:  # it fails even without its content: the cloud is at fault
            self._most = None
            return False
        await self._outbox.suspect(first_seq, f"the cloud failed on it {failures} times ({error.detail})")
        await self._outbox.note("suspect", f"operation {first_seq} on {ops[0].tbl} {ops[0].pk} is put aside")
        self._failed_at = (0, 0)
        return True

    async def _push(self, client: CloudClient, request: wire.PushRequest) -> wire.PushResponse:
        size = len(msgspec.json.encode(request))
        began_ms = self._now_mono_ms()
        with _slower_on_failure(self.pace):
            response = await client.push(request)
        self.pace.succeeded(size, (self._now_mono_ms() - began_ms) / 1000)
        if request.ops and response.last_seq < request.ops[0].seq:
            raise OutOfStep("the cloud took nothing of what was sent", last_seq=response.last_seq)
        return response

    async def _rewound(self, ops: Sequence[wire.Op], error: OutOfStep) -> bool:
        """After a gap: can the outbox go back to where the cloud is?"""
        if error.kind != "gap" or error.last_seq is None or not ops or error.last_seq >= ops[0].seq:
            return False
        return await self._outbox.rewind(error.last_seq)

    async def _new_anchors(self) -> list[wire.Anchor]:
        anchors = await self._outbox.anchors()
        return [anchor for anchor in anchors if anchor not in self._known_anchors][:ANCHORS_A_PUSH]

    def forget_anchors(self) -> None:
        """Send every anchor again; the cloud may have lost some with its own restore."""
        self._known_anchors.clear()


class FeedLane:
    """Pulls the club's feed up to its head; refuses to step over a hole, and takes the snapshot instead where
    the feed no longer reaches back to the cursor.
    """

    def __init__(self, outbox: Outbox, now_mono_ms: Callable[[], int]) -> None:
        self.pace = Pace()
        self.is_feed_new = False  # the greeting told that the cursor counts in a feed that is gone
        self._outbox = outbox
        self._now_mono_ms = now_mono_ms

    async def drain(self, client: CloudClient) -> int:
        """Number of entries applied, records of a snapshot among them."""
        applied = resets = 0
        before = -1
        while True:
            standing = await self._outbox.standing()
            cursor = standing.cursor
            if cursor <= before:
                raise OutOfStep("the hub's cursor does not move", kind="feed_reset", last_seq=cursor)
            answer = await self._pull(client, cursor, standing.feed_epoch)
            if answer.reset is not None:
                resets += 1
                if resets > 2:
                    raise OutOfStep("the feed starts anew again and again", kind="feed_reset")
                applied += await self._snapshot(client)
                before, self.is_feed_new = -1, False
                continue
            if self.is_feed_new:
                raise OutOfStep("the club's feed has started anew", kind="feed_reset", last_seq=cursor)
            before = cursor
            if not answer.ops:
                return applied
            expected = range(cursor + 1, cursor + 1 + len(answer.ops))
            if [op.seq for op in answer.ops] != list(expected):
                raise OutOfStep(f"the feed has a hole after {cursor}", kind="feed_reset", last_seq=cursor)
            await self._outbox.apply_feed(answer.ops, answer.head)
            applied += len(answer.ops)
            if answer.ops[-1].seq >= answer.head:
                return applied

    async def _snapshot(self, client: CloudClient) -> int:
        """Take the club's records page by page, from where a cut left off; how many they were."""
        taken = 0
        while True:
            place = await self._outbox.snapshot_place()
            after = ("", "") if place is None else (place.after_tbl, place.after_pk)
            began_ms = self._now_mono_ms()
            with _slower_on_failure(self.pace):
                page = await client.snapshot(*after, self.pace.limit_bytes)
            self.pace.succeeded(len(msgspec.json.encode(page)), (self._now_mono_ms() - began_ms) / 1000)
            if page.next_tbl is not None and (page.next_tbl, page.next_pk or "") <= after:
                raise OutOfStep("the snapshot does not get on", kind="feed_reset")
            await self._outbox.take_page(page)
            taken += len(page.rows)
            if page.next_tbl is None and (place is None or place.feed_epoch == page.feed_epoch):
                return taken

    async def _pull(self, client: CloudClient, cursor: int, feed_epoch: int) -> wire.PullResponse:
        began_ms = self._now_mono_ms()
        with _slower_on_failure(self.pace):
            answer = await client.pull(cursor, self.pace.limit_bytes, feed_epoch)
        has_more = bool(answer.ops) and answer.ops[-1].seq < answer.head
        size = self.pace.limit_bytes if has_more else len(msgspec.json.encode(answer))
        self.pace.succeeded(size, (self._now_mono_ms() - began_ms) / 1000)
        return answer


@dataclass(frozen=True, slots=True)
class SegmentStep:
    """What one step did: newly stored, found to be there already, refused for good."""

    stored: int = 0
    known: int = 0
    refused: int = 0


class SegmentLane:
    """Sends sealed segments a batch at a time, and asks first what is missing when it cannot be sure."""

    def __init__(self, outbox: Outbox, now_mono_ms: Callable[[], int]) -> None:
        self.pace = Pace()
        self._outbox = outbox
        self._now_mono_ms = now_mono_ms
        self._doubts_all = True
        self._missing: set[bytes] = set()
        self._unsure: set[bytes] = set()
        self._refused: set[bytes] = set()

    def doubt(self) -> None:
        """Nothing is certain about what the cloud has: ask about every segment before sending it."""
        self._doubts_all = True
        self._missing.clear()

    async def step(self, client: CloudClient) -> SegmentStep | None:
        """One question or one batch; None when there is nothing left to send."""
        page = await self._outbox.unsent_segment_ids(IDS_A_QUESTION + len(self._refused))
        ids = [seg_id for seg_id in page if seg_id not in self._refused][:IDS_A_QUESTION]
        if not ids:
            self._doubts_all = False
            self._missing.clear()
            self._unsure.clear()
            return None
        if self._is_doubtful(ids[0]):
            unknown = [seg_id for seg_id in ids if self._is_doubtful(seg_id)]
            return await self._ask(client, unknown[: max(1, self.pace.limit_bytes // _ID_BYTES)])
        certain = list(takewhile(lambda seg_id: not self._is_doubtful(seg_id), ids[: self._guess()]))
        batch = self._batch(await self._outbox.segments(certain))
        if not batch:
            return None
        return await self._send(client, batch)

    def _is_doubtful(self, seg_id: bytes) -> bool:
        """It may be there already: left over from an earlier process, or sent and never answered."""
        return seg_id in self._unsure or (self._doubts_all and seg_id not in self._missing)

    async def _ask(self, client: CloudClient, ids: Sequence[bytes]) -> SegmentStep:
        try:
            with _slower_on_failure(self.pace):
                missing = await client.have(ids)
        except CloudRefused as error:
            return self._smaller(error, len(ids))
        known = [seg_id for seg_id in ids if seg_id not in missing]
        if known:
            await self._outbox.record_stored(known)
        self._missing |= missing
        self._unsure.difference_update(ids)
        return SegmentStep(known=len(known))

    def _smaller(self, error: CloudRefused, count: int) -> SegmentStep:
        """Nothing done, when the failure has just halved a batch that was too large; else the failure."""
        if error.is_too_large and count > 1 and self.pace.limit_bytes > MIN_BYTES:
            return SegmentStep()
        raise error

    def _guess(self) -> int:
        return max(1, self.pace.limit_bytes // _SMALLEST_SEGMENT_BYTES)

    def _batch(self, segments: Sequence[Segment]) -> list[Segment]:
        """As many as fit the pace, but at least one."""
        batch: list[Segment] = []
        size = 0
        for segment in segments:
            size += len(frame(segment))
            if batch and size > self.pace.limit_bytes:
                break
            batch.append(segment)
        return batch

    async def _send(self, client: CloudClient, batch: Sequence[Segment]) -> SegmentStep | None:
        size = sum(len(frame(segment)) for segment in batch)
        began_ms = self._now_mono_ms()
        try:
            with _slower_on_failure(self.pace):
                answer = await client.send_segments(batch)
        except CloudRefused as error:
            return self._smaller(error, len(batch))
        except SyncError:
            self._unsure.update(segment.seg_id for segment in batch)
            raise
        self.pace.succeeded(size, (self._now_mono_ms() - began_ms) / 1000)
        return await self._record(batch, answer)

    async def _record(self, batch: Sequence[Segment], answer: wire.SegmentResponse) -> SegmentStep:
        stored = [segment.seg_id for segment in batch if segment.seg_id.hex() in set(answer.stored)]
        sent = {segment.seg_id.hex(): segment.seg_id for segment in batch}
        refused = {sent[item.id]: item.code for item in answer.rejected if item.id in sent}
        if stored:
            await self._outbox.record_stored(stored)
        for seg_id, code in refused.items():
            self._refused.add(seg_id)
            await self._outbox.note("segment", f"{seg_id.hex()[:12]} refused by the cloud: {code}")
        if not stored and not refused:
            raise NotTheCloud(f"it did not say what became of {len(batch)} segments")
        return SegmentStep(stored=len(stored), refused=len(refused))
