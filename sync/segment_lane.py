"""Segments on their way: what is missing is asked where that is not certain, the rest goes in batches.

Up to two requests travel at once, in no order, and one more is packed meanwhile, so that the link is never
idle; the relay starts them. A lane trusts only an answer about what arrived: whatever was cut off is asked
about before it is sent again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import takewhile
from types import TracebackType
from typing import Any

from sync import wire
from sync.batch import packed, packs
from sync.bounds import MOST_SEGMENTS
from sync.client import CloudClient
from sync.errors import CloudRefused, CloudUnreachable, NotTheCloud, SegmentCorrupt, SyncError
from sync.lanes import MayGo, always, slower_on_failure
from sync.outbox import Outbox
from sync.pace import MIN_BYTES, Pace
from sync.segments import Segment, frame

IDS_A_QUESTION = 500
SAMPLE = 128
"""After a start so many ids are asked first: where the cloud has none of them, the others go unasked. What is
sent twice by that is thrown away there; what is asked needlessly costs a twentieth of a backlog's bytes."""
MOST_WAITING = 1 << 20
WORTH_TWO_S = 0.05  # below this there is no gap between two requests that a second one could fill
AT_STAKE = 6
"""A request is at most this part of what came through since the last cut, so that a cut costs little."""
A_BATCH = 16  # and each batch in it, of which every one that arrived whole is kept, at most this part
LEAST_REQUEST_BYTES, LEAST_BATCH_BYTES = 8 << 10, 4 << 10
HOPED_BYTES = 512 << 10  # what a link that has not been tried may carry before its first cut
SETTLING_MS = 1000  # what was cut off is asked about after so long: the cloud may just be storing it
REFUSED_IN_A_ROW = 5
_MOST_GROUP = 128
_SMALLEST_SEGMENT_BYTES = 256
_ID_BYTES = 67

Job = Coroutine[Any, Any, "SegmentStep"]


@dataclass(frozen=True, slots=True)
class SegmentStep:
    """What one step did: newly stored, found to be there already, refused for good."""

    stored: int = 0
    known: int = 0
    refused: int = 0


class SegmentLane:
    """Sends sealed segments a batch at a time, and asks first what is missing when it cannot be sure."""

    def __init__(self, outbox: Outbox, now_mono_ms: Callable[[], int], may_go: MayGo = always) -> None:
        self.pace = Pace()
        self.may_batch = False  # the cloud takes batches, not only frames
        self.most_abreast = 1
        self._outbox = outbox
        self._now_mono_ms = now_mono_ms
        self._may_go = may_go
        self._took_s = 0.0
        self._travelling = self._failures = 0
        self._arrived, self._is_behind = asyncio.Event(), False
        self._through_bytes = HOPED_BYTES
        self._shrinkage = 1.2  # how much smaller the last batch was than its frames
        self._doubts_all, self._may_sample = True, True
        self._missing: set[bytes] = set()
        self._unsure: dict[bytes, int] = {}  # when they were cut off
        self._plain: set[bytes] = set()  # went in a batch and did not come out of it: in frames next time
        self._under_way: set[bytes] = set()
        self._most = MOST_SEGMENTS  # a request; fewer while one that is refused is looked for
        self._refused_in_a_row = 0

    def doubt(self) -> None:
        """Nothing is certain about what the cloud has: ask about every segment before sending it."""
        self._doubts_all, self._may_sample = True, False
        self._missing.clear()

    def trust(self) -> None:
        """The cloud has nothing of this hub yet: there is nothing to ask."""
        self._doubts_all = False

    @property
    def room(self) -> int:
        """How many may be begun: where the link takes the time, one more than travel is packed meanwhile."""
        return self._abreast + self.is_link_slow

    @property
    def _abreast(self) -> int:
        """How many may travel at once."""
        return self.most_abreast if self.is_link_slow else 1

    @property
    def is_link_slow(self) -> bool:
        """The link takes the time, not the cloud."""
        return self._took_s >= WORTH_TWO_S

    async def next_job(self, client: CloudClient) -> Job | None:
        """One question or one batch, to be run beside others; None when nothing is left to begin."""
        busy = set(self._under_way)
        page = await self._outbox.unsent_segment_ids(IDS_A_QUESTION + len(busy))
        busy |= self._under_way  # what ended meanwhile may still stand on the page
        ids = [it for it in page if it not in busy][:IDS_A_QUESTION]
        ids.sort(key=self._is_settling)
        if not ids:
            if not self._under_way:
                self._doubts_all = False
                self._missing.clear()
                self._unsure.clear()
            return None
        if self._doubts_all and self._may_sample:
            return None if self._under_way else await self._sample_job(client)
        if self._is_doubtful(ids[0]):
            unknown = [seg_id for seg_id in ids if self._is_doubtful(seg_id)]
            unknown = unknown[: max(1, self.pace.limit_bytes // _ID_BYTES)]
            self._under_way.update(unknown)
            return self._ask(client, unknown)
        certain = list(takewhile(lambda seg_id: not self._is_doubtful(seg_id), ids[: self._guess()]))
        batch = self._batch(await self._outbox.segments(certain))
        if not batch:
            return None
        self._under_way.update(segment.seg_id for segment in batch)
        return self._send(client, batch)

    def _is_doubtful(self, seg_id: bytes) -> bool:
        """It may be there already: left over from an earlier process, or sent and never answered."""
        return seg_id in self._unsure or (self._doubts_all and seg_id not in self._missing)

    def _is_settling(self, seg_id: bytes) -> bool:
        """It was cut off a moment ago: others go first."""
        cut_ms = self._unsure.get(seg_id)
        return cut_ms is not None and self._now_mono_ms() - cut_ms < SETTLING_MS

    async def _ask(self, client: CloudClient, ids: Sequence[bytes]) -> SegmentStep:
        failures = self._failures
        try:
            async with self._place(failures) as may_travel:
                if not may_travel:
                    return SegmentStep()
                with slower_on_failure(self.pace):
                    missing = await client.have(ids)
            known = [seg_id for seg_id in ids if seg_id not in missing]
            if known:
                await self._outbox.record_stored(known)
        except CloudRefused as error:
            return self._smaller(error, len(ids))
        except SyncError:
            self.stay()
            raise
        finally:
            self._under_way.difference_update(ids)
        self._missing |= missing
        for seg_id in ids:
            self._unsure.pop(seg_id, None)
        return SegmentStep(known=len(known))

    async def _sample_job(self, client: CloudClient) -> Job:
        """A question about the next to go, where an earlier process was cut off, and some of all others."""
        waiting = await self._outbox.unsent_segment_ids(MOST_WAITING)
        ids = _spread(waiting, max(1, min(SAMPLE, self.pace.limit_bytes // _ID_BYTES)))
        self._under_way.update(ids)
        return self._ask_sample(client, ids)

    async def _ask_sample(self, client: CloudClient, ids: Sequence[bytes]) -> SegmentStep:
        step = await self._ask(client, ids)
        if self._missing.issuperset(ids):
            self._doubts_all = False
        if step.known:
            self._may_sample = False
        return step

    def _smaller(self, error: CloudRefused, count: int) -> SegmentStep:
        """Nothing done, when the failure has just halved a batch that was too large; else the failure."""
        if error.is_too_large and count > 1 and self.pace.limit_bytes > MIN_BYTES:
            return SegmentStep()
        raise error

    async def _refused_for_good(self, ids: Sequence[bytes], error: CloudRefused) -> SegmentStep:
        """Fewer at a time until it is one that was refused by itself: that one waits for a person.

        Raises the refusal where one after the other is refused: then it is not for what is in them.
        """
        if len(ids) > 1:
            self._most = len(ids) // 2
            return SegmentStep()
        if self._refused_in_a_row >= REFUSED_IN_A_ROW:
            raise error
        self._most, self._refused_in_a_row = MOST_SEGMENTS, self._refused_in_a_row + 1
        await self._outbox.note("segment", f"{ids[0].hex()[:12]} refused by the cloud: {error.detail}")
        await self._outbox.record_refused({ids[0]: error.err})
        return SegmentStep(refused=1)

    # --- batches

    def _share_bytes(self) -> int:
        """What one request may be: the pace is that of all under way together, and learns from full ones."""
        at_stake = max(LEAST_REQUEST_BYTES, self._through_bytes // AT_STAKE)
        self.pace.hold(at_stake * self.most_abreast)
        return min(self.pace.limit_bytes // self._abreast, at_stake)

    def _guess(self) -> int:
        shrunk = self._share_bytes() * self._shrinkage
        return min(self._most, max(1, int(shrunk // _SMALLEST_SEGMENT_BYTES)))

    def _goes_packed(self, segment: Segment) -> bool:
        return self.may_batch and packs(segment) and segment.seg_id not in self._plain

    def _batch(self, segments: Sequence[Segment]) -> list[Segment]:
        """As many of one kind as fit the pace, but at least one."""
        batch: list[Segment] = []
        size = 0.0
        for segment in segments:
            is_packed = self._goes_packed(segment)
            size += len(frame(segment)) / (self._shrinkage if is_packed else 1.0)
            if batch and (size > self._share_bytes() or is_packed != self._goes_packed(batch[0])):
                break
            batch.append(segment)
        return batch

    async def _content(self, batch: Sequence[Segment]) -> tuple[bytes, str]:
        """The batch as it travels, and what kind of body that is."""
        frames = b"".join(frame(segment) for segment in batch)
        if self._goes_packed(batch[0]):
            a_segment = len(frames) / self._shrinkage / len(batch)
            a_batch = max(LEAST_BATCH_BYTES, self._through_bytes // A_BATCH)
            group = min(_MOST_GROUP, max(1, round(a_batch / a_segment)))
            in_time = sorted(batch, key=lambda it: (it.stream_id, it.boot_no, it.mono0_ms))
            content = await asyncio.to_thread(_packed, in_time, group)
            if content is not None:
                self._shrinkage = max(1.0, len(frames) / len(content))
                return content, wire.BATCHES
        return frames, wire.FRAMES

    async def _send(self, client: CloudClient, batch: Sequence[Segment]) -> SegmentStep:
        """A batch, packed while those before it travel."""
        before, failures = self._shrinkage, self._failures
        try:
            content, kind = await self._content(batch)
            async with self._place(failures) as may_travel:
                if not may_travel:
                    return SegmentStep()
                return await self._travel(client, batch, content, kind, before)
        except SyncError:
            self.stay()
            raise
        finally:
            self._under_way.difference_update(segment.seg_id for segment in batch)

    @contextmanager
    def behind_records(self) -> Iterator[None]:
        """What is packed waits until records have gone; where they could not, it stays."""
        self._is_behind = True
        try:
            yield
        except SyncError:
            self.stay()
            raise
        finally:
            self._is_behind = False
            self._arrived.set()

    def stay(self) -> None:
        """What is packed is not sent: something on this link has just failed."""
        self._failures += 1

    @asynccontextmanager
    async def _place(self, failures: int) -> AsyncIterator[bool]:
        """Wait until there is room and no record goes first: whether it may still travel then.

        Not where more failed than when it was begun, nor where people want nothing sent any more.
        """
        while self._is_behind or self._travelling >= self._abreast:
            self._arrived.clear()
            await self._arrived.wait()
        self._travelling += 1
        try:
            yield self._failures == failures and self._may_go()
        finally:
            self._travelling -= 1
            self._arrived.set()

    async def _travel(
        self, client: CloudClient, batch: Sequence[Segment], content: bytes, kind: str, before: float
    ) -> SegmentStep:
        ids = [segment.seg_id for segment in batch]
        abreast, is_answered, is_cut = self._abreast, False, True
        began_ms = self._now_mono_ms()
        try:
            with slower_on_failure(self.pace):
                answer = await client.send_samples(content, kind)
            is_answered = True
            self._most, self._refused_in_a_row = min(MOST_SEGMENTS, 2 * self._most), 0
            self._took_s = (self._now_mono_ms() - began_ms) / 1000
            self._through_bytes += len(content)
            self.pace.succeeded(len(content) * abreast, self._took_s)
            return await self._record(batch, answer, kind)
        except CloudRefused as error:
            is_answered = True
            if kind == wire.BATCHES and (len(ids) == 1 or not error.is_too_large):
                self._plain.update(ids)
                return SegmentStep()
            if error.is_for_good:
                return await self._refused_for_good(ids, error)
            return self._smaller(error, len(batch))
        except CloudUnreachable as error:
            is_answered, is_cut = error.is_untouched, not error.asks_to_wait
            self._shrinkage = self._shrinkage if is_cut else before  # the same bytes again
            raise
        finally:
            if not is_answered:
                self._through_bytes = 0 if is_cut else self._through_bytes
                self._unsure.update(dict.fromkeys(ids, self._now_mono_ms()))

    async def _record(self, batch: Sequence[Segment], answer: wire.SegmentResponse, kind: str) -> SegmentStep:
        said = set(answer.stored)
        stored = [segment.seg_id for segment in batch if segment.seg_id.hex() in said]
        sent = {segment.seg_id.hex(): segment.seg_id for segment in batch}
        refused = {sent[item.id]: item.code for item in answer.rejected if item.id in sent}
        if stored:
            await self._outbox.record_stored(stored)
        for seg_id, code in refused.items():
            await self._outbox.note("segment", f"{seg_id.hex()[:12]} refused by the cloud: {code}")
        if erased := [seg_id for seg_id, code in refused.items() if code == "erased"]:
            await self._outbox.cut_erased(erased)
        if refused:
            await self._outbox.record_refused(refused)
        if kind == wire.BATCHES:
            self._plain.update(set(sent.values()) - set(stored) - refused.keys())
        elif not stored and not refused:
            raise NotTheCloud(f"it did not say what became of {len(batch)} segments")
        return SegmentStep(stored=len(stored), refused=len(refused))


class UnderWay:
    """The requests under way; left because one failed, it lets the others arrive, else it ends them."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[SegmentStep]] = set()

    async def __aenter__(self) -> UnderWay:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if isinstance(error, SyncError) and self.tasks:
                await asyncio.wait(self.tasks)
        finally:
            for task in self.tasks:
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)

    @property
    def running(self) -> set[asyncio.Task[SegmentStep]]:
        """Those that have not ended."""
        return {task for task in self.tasks if not task.done()}

    def begin(self, job: Job) -> None:
        """One more."""
        self.tasks.add(asyncio.create_task(job))

    async def some_done(self, wake: asyncio.Event, within_s: float) -> list[SegmentStep]:
        """What the next to end did; none yet when woken, or when the time is over. Raises what one raised."""
        woken = asyncio.create_task(wake.wait())
        try:
            await asyncio.wait({*self.tasks, woken}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
        wake.clear()
        return await self.ended()

    async def ended(self) -> list[SegmentStep]:
        """What those did that have ended. Raises what one raised."""
        done = self.tasks - self.running
        self.tasks -= done
        await asyncio.gather(*done, return_exceptions=True)  # each failure is looked at, one is told
        return [task.result() for task in done]


def _spread(ids: Sequence[bytes], most: int) -> list[bytes]:
    """All of them, or half from the front and the others evenly from the rest."""
    if len(ids) <= most:
        return list(ids)
    rest, count = ids[most // 2 :], most - most // 2
    return [*ids[: most // 2], *(rest[at * len(rest) // count] for at in range(count))]


def _packed(segments: Sequence[Segment], group: int) -> bytes | None:
    """The segments in batches of so many; None where one of them is damaged."""
    try:
        return b"".join(packed(segments[at : at + group]) for at in range(0, len(segments), group))
    except (SegmentCorrupt, ValueError):
        return None
