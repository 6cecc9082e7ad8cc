"""Records on their way, a lane each: operations up, the feed down, one request at a time and in order.

A lane trusts only the outbox about what is done and only an answer about what arrived. It does not
decide whose turn it is, and it never retries: that is the relay's part. Segments have a lane of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import msgspec

from sync import wire
from sync.chain import thinned
from sync.client import CloudClient, sent_size
from sync.errors import CloudRefused, CloudUnreachable, NotTheCloud, OutOfStep, SyncError
from sync.outbox import Outbox, Standing
from sync.pace import MIN_BYTES, Pace

OPS_A_PUSH = 2000
FAILURES_TO_SUSPECT = 5
FAILED_BEHIND_A_PROXY = (500, 502, 504)
KEPT_FROM_THE_CLOUD = (400, 403, 406, 413, 414, 415, 422)
"""What a proxy answers where it does not like a request; the cloud, which greeted, never saw it."""
_USUAL_SHRINKAGE = 3.0
_MOST_SHRINKAGE = 8.0


MayGo = Callable[[], bool]
"""Asked before every request: whether people let it go now."""
Moved = Callable[[int], None]
"""Told after every request that carried something how many records it was."""


def always() -> bool:
    """Where nobody holds anything back."""
    return True


def _untold(count: int) -> None:
    return None


@contextmanager
def slower_on_failure(pace: Pace) -> Iterator[None]:
    """Whatever fails inside makes the next batch smaller, but for a cloud that only asks to wait."""
    try:
        yield
    except SyncError as error:
        if not (isinstance(error, CloudUnreachable) and error.asks_to_wait):
            pace.failed()
        raise


class OpsLane:
    """Pushes pending operations in order until none is left, and the anchors with them.

    A batch that the cloud itself refuses for good, or on which it fails again and again, is halved until the
    one operation is found that is to blame; that one is put aside and the rest goes on. `is_greeted` says
    that the cloud answered a greeting in this round: then a proxy that says it failed, or that lets a batch
    not pass, speaks of the batch, and not of the cloud.
    """

    def __init__(
        self,
        outbox: Outbox,
        now_mono_ms: Callable[[], int],
        may_go: MayGo = always,
        moved: Moved = _untold,
    ) -> None:
        self.pace = Pace()
        self.is_greeted = False
        self._outbox = outbox
        self._now_mono_ms = now_mono_ms
        self._may_go, self._moved = may_go, moved
        self._failed_at: tuple[int, int] = (0, 0)  # first seq of the batch, how often it failed
        self._most: int | None = None  # operations a batch while a culprit is looked for
        self.may_thin = False  # the cloud fills in chains that follow from the first one
        self._shrinkage = _USUAL_SHRINKAGE  # how much smaller the last batch was when zipped

    async def drain(self, client: CloudClient, epoch: int) -> tuple[int, int]:
        """Operations the cloud took and, of these, how many it will not apply, as far as it may go."""
        sent = dead = 0
        may_rewind = True
        while self._may_go():
            room = int(self.pace.limit_bytes * self._shrinkage)
            ops = (await self._outbox.pending_ops(room))[: self._most or OPS_A_PUSH]
            anchors = [] if self._most else list(await self._outbox.anchors())
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
                if not await self._refused(ops, anchors, error):
                    raise
                continue
            except (CloudUnreachable, NotTheCloud) as error:
                if not await self._closes_in(ops, error):
                    raise
                continue
            except OutOfStep as error:
                if not may_rewind or not await self._rewound(ops, error):
                    raise
                may_rewind = False
                continue
            await self._outbox.record_pushed(response)
            if anchors:
                await self._outbox.record_told(anchors)
            sent += len(ops)
            dead += sum(result.status == "dead" for result in response.results)
            self._moved(len(ops))
        return sent, dead

    async def _refused(
        self, ops: Sequence[wire.Op], anchors: Sequence[wire.Anchor], error: CloudRefused
    ) -> bool:
        """After a refusal: whether a smaller batch, or what comes behind the one refused, goes at once.

        Where the refusal is for good the operation it is for is put aside at once. One that was refused even
        without its content is not to blame for it.
        """
        if not error.is_for_good:
            return await self._closes_in(ops, error)
        if not ops or ops[0].tbl == wire.SUSPECT:
            return False
        if len(ops) > 1 or anchors:
            self._most = max(1, len(ops) // 2)
            return True
        await self._put_aside(ops[0], f"the cloud will not take it ({error.detail})")
        self._most = None
        return True

    async def _put_aside(self, op: wire.Op, why: str) -> None:
        await self._outbox.suspect(op.seq, why)
        await self._outbox.note("suspect", f"operation {op.seq} on {op.tbl} {op.pk} is put aside")
        self._failed_at = (0, 0)

    async def _closes_in(self, ops: Sequence[wire.Op], error: SyncError) -> bool:
        """After a failure of the cloud's own: whether a smaller batch is to be tried at once.

        Where only a proxy says so the cloud may be starting again: each try waits for the next greeting.
        """
        is_certain = isinstance(error, CloudUnreachable) and error.err == "failed"
        if not ops or not (is_certain or (self.is_greeted and _is_proxys_word(error))):
            return False
        first_seq, failures = ops[0].seq, 1
        if self._failed_at[0] == first_seq:
            failures += self._failed_at[1]
        self._failed_at = (first_seq, failures)
        if self._most is None and failures < FAILURES_TO_SUSPECT:
            return False
        if len(ops) > 1:
            self._most = len(ops) // 2
            return is_certain
        if not is_certain and failures < FAILURES_TO_SUSPECT:
            return False
        if ops[0].tbl == wire.SUSPECT:  # it fails even without its content: the cloud is at fault
            self._most = None
            return False
        did = "failed on it" if isinstance(error, CloudUnreachable) else "was not let have it"
        await self._put_aside(ops[0], f"the cloud {did} {failures} times ({error.detail})")
        return True

    async def _push(self, client: CloudClient, request: wire.PushRequest) -> wire.PushResponse:
        if self.may_thin:
            request = msgspec.structs.replace(request, ops=thinned(request.ops))
        size = sent_size(request)
        before, shrunk = self._shrinkage, len(msgspec.json.encode(request)) / size
        self._shrinkage = min(_MOST_SHRINKAGE, max(1.0, shrunk))
        began_ms = self._now_mono_ms()
        try:
            with slower_on_failure(self.pace):
                response = await client.push(request)
        except CloudUnreachable as error:
            if error.asks_to_wait:
                self._shrinkage = before  # the same bytes again
            raise
        self.pace.succeeded(size, (self._now_mono_ms() - began_ms) / 1000)
        if request.ops and response.last_seq < request.ops[0].seq:
            raise OutOfStep("the cloud took nothing of what was sent", last_seq=response.last_seq)
        return response

    async def _rewound(self, ops: Sequence[wire.Op], error: OutOfStep) -> bool:
        """After a gap: can the outbox go back to where the cloud is?"""
        if error.kind != "gap" or error.last_seq is None or not ops or error.last_seq >= ops[0].seq:
            return False
        return await self._outbox.rewind(error.last_seq)


def _is_proxys_word(error: SyncError) -> bool:
    """Whether something in front of the cloud says that it failed, or lets this not pass: no word of its own.

    A portal lets no greeting pass either, and answers with a page that is no refusal.
    """
    if isinstance(error, CloudUnreachable):
        return not error.err and error.status in FAILED_BEHIND_A_PROXY
    if isinstance(error, CloudRefused):
        return not error.is_its_own_word and error.status in KEPT_FROM_THE_CLOUD
    return isinstance(error, NotTheCloud) and error.status in KEPT_FROM_THE_CLOUD


class FeedLane:
    """Pulls the club's feed up to its head; refuses to step over a hole, and takes the snapshot instead where
    the feed no longer reaches back to the cursor.
    """

    def __init__(
        self,
        outbox: Outbox,
        now_mono_ms: Callable[[], int],
        may_go: MayGo = always,
        moved: Moved = _untold,
    ) -> None:
        self.pace = Pace()
        self.is_feed_new = False  # the greeting told that the cursor counts in a feed that is gone
        self._outbox = outbox
        self._now_mono_ms = now_mono_ms
        self._may_go, self._moved = may_go, moved

    async def drain(self, client: CloudClient) -> int:
        """Number of entries applied, records of a snapshot among them, as far as it may go."""
        applied = resets = 0
        before = -1
        while self._may_go():
            standing = await self._outbox.standing()
            cursor = standing.cursor
            if cursor <= before:
                raise OutOfStep("the hub's cursor does not move", kind="feed_reset", last_seq=cursor)
            answer = await self._pull(client, standing)
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
            self._moved(len(answer.ops))
            if answer.ops[-1].seq >= answer.head:
                break
        return applied

    async def _snapshot(self, client: CloudClient) -> int:
        """Take the club's records page by page, from where a cut left off; how many they were."""
        taken = 0
        while self._may_go():
            place = await self._outbox.snapshot_place()
            after = ("", "") if place is None else (place.after_tbl, place.after_pk)
            began_ms = self._now_mono_ms()
            with slower_on_failure(self.pace):
                page = await client.snapshot(*after, self.pace.limit_bytes)
            self.pace.succeeded(len(msgspec.json.encode(page)), (self._now_mono_ms() - began_ms) / 1000)
            if page.next_tbl is not None and (page.next_tbl, page.next_pk or "") <= after:
                raise OutOfStep("the snapshot does not get on", kind="feed_reset")
            await self._outbox.take_page(page, after)
            taken += len(page.rows)
            self._moved(len(page.rows))
            if page.next_tbl is None and (place is None or place.feed_epoch == page.feed_epoch):
                break
        return taken

    async def _pull(self, client: CloudClient, hub: Standing) -> wire.PullResponse:
        began_ms = self._now_mono_ms()
        with slower_on_failure(self.pace):
            answer = await client.pull(hub.cursor, self.pace.limit_bytes, hub.feed_epoch, hub.cursor_op)
        has_more = bool(answer.ops) and answer.ops[-1].seq < answer.head
        size = self.pace.limit_bytes if has_more else len(msgspec.json.encode(answer))
        self.pace.succeeded(size, (self._now_mono_ms() - began_ms) / 1000)
        return answer
