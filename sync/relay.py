"""The relay carries what is pending whenever there is a way: records first, samples after, over any cut.

It owns the order, the rhythm and the state people see; it holds no data, so it may be stopped anywhere.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from sync import wire
from sync.client import CloudClient
from sync.errors import CloudUnreachable, NotTheCloud, OutOfStep, ShutOut, SyncError
from sync.lanes import FeedLane, OpsLane
from sync.outbox import Outbox, Standing
from sync.pace import LONGEST_WAIT_S, wait_s
from sync.reconcile import Fork, Rewind, compare, greeting
from sync.segment_lane import SegmentLane, SegmentStep, UnderWay

log = logging.getLogger(__name__)

PERIOD_S = 5.0
QUIET_ROUNDS = 12
QUIET_PERIODS = 4
"""After a minute with nothing to do, rounds come a fourth as often: each is 1 kB on somebody's bill."""
STALE_MS = 2000
"""A connection left open between rounds may have been ended meanwhile; it breaks at once: dial anew."""
GREETINGS = 4  # enough for a fork, a rewind and a second look
GREETING_HOLDS_MS = 30_000
LOOK_S = 1.0  # while segments travel: how often to look for new records, if nobody wakes the relay
REDIAL_AFTER = 3  # failures in a row; until then the connection and its session may still be good
MOST_ABREAST = 2
State = Literal["idle", "syncing", "offline", "failed", "paused", "waiting"]
Hold = Callable[[], tuple[str, str] | None]
"""Why nothing may go now, as a state (paused, waiting) and words; None when it may."""


@dataclass(frozen=True, slots=True)
class RelayReport:
    """What one round did."""

    ops_sent: int = 0
    ops_dead: int = 0
    feed_applied: int = 0
    segments_stored: int = 0
    segments_known: int = 0
    segments_refused: int = 0
    bytes_sent: int = 0

    @property
    def words(self) -> str:
        """The round in a few words for people."""
        edits = "edit" if self.feed_applied == 1 else "edits"
        counts = (
            (self.ops_sent, "edit sent" if self.ops_sent == 1 else "edits sent"),
            (self.feed_applied, "received" if self.ops_sent else f"{edits} received"),
            (self.segments_stored, f"recording{'' if self.segments_stored == 1 else 's'} sent"),
        )
        return ", ".join(f"{count} {what}" for count, what in counts if count) or "up to date"

    @property
    def is_quiet(self) -> bool:
        """Nothing was to do."""
        return not (self.ops_sent or self.feed_applied or self.segments_stored)


@dataclass(frozen=True, slots=True)
class RelayStatus:
    """What the sync page shows; `bytes_sent` counts since the process started.

    `is_shut_out` is what the cloud last said of this hub, None where it said nothing yet; `is_copied`, that
    another machine with a copy of this one's card has taken its place; `asks_to_wait`, that the cloud, or
    something on the way to it, asked the hub to come back later.
    """

    state: State
    detail: str
    last_error: str | None
    hint: str
    next_try_s: float | None
    bytes_sent: int
    is_shut_out: bool | None = None
    is_copied: bool = False
    asks_to_wait: bool = False


class Relay:
    """One hub's sender and reader; `run` it as a task or call `run_once`, and `close` it in the end."""

    def __init__(
        self,
        outbox: Outbox,
        open_client: Callable[[], CloudClient],
        now_mono_ms: Callable[[], int],
        wall_ms: Callable[[], int],
        rng: Random,
        *,
        period_s: float = PERIOD_S,
        hold: Hold = lambda: None,
    ) -> None:
        self._outbox = outbox
        self._open_client = open_client
        self._now_mono_ms = now_mono_ms
        self._wall_ms = wall_ms
        self._rng = rng
        self._period_s = period_s
        self._hold = hold
        self._so_far = RelayReport()
        self._is_shut_out: bool | None = None
        self._quiet_rounds = 0
        self._was_silent = False  # an open connection has carried nothing since the last round
        self._ops = OpsLane(outbox, now_mono_ms, self._may_go, lambda n: self._got_on(ops_sent=n))
        self._feed = FeedLane(outbox, now_mono_ms, self._may_go, lambda n: self._got_on(feed_applied=n))
        self._segments = SegmentLane(outbox, now_mono_ms, self._may_go)
        self._client: CloudClient | None = None
        self._one_at_a_time = asyncio.Lock()
        self._state: State = "idle"
        self._detail = "not tried yet"
        self._error: Exception | None = None
        self._failures = 0
        self._next_try_ms: int | None = None
        self._usual_wait_s = 0.0  # what a cloud that asks to wait means where it names no time
        self._asked_s = 0.0  # what a cloud that was asked too much said in the last round
        self._wake = asyncio.Event()
        self._greeted: tuple[int, int] | None = None  # when, and the epoch, if only cuts came since
        self._closed_bytes = 0

    @property
    def status(self) -> RelayStatus:
        """The state right now."""
        error = self._error
        is_held = self._state in ("paused", "waiting")
        wait_ms = None if self._next_try_ms is None or is_held else self._next_try_ms - self._now_mono_ms()
        return RelayStatus(
            state=self._state,
            detail=self._detail,
            last_error=None if error is None else str(error),
            hint=error.hint if isinstance(error, SyncError) else "",
            next_try_s=None if wait_ms is None else max(0.0, wait_ms / 1000),
            bytes_sent=self._bytes_sent,
            is_shut_out=self._is_shut_out,
            is_copied=isinstance(error, OutOfStep) and error.kind == "clone",
            asks_to_wait=_asks_to_wait(error) and not is_held and self._state != "syncing",
        )

    async def run(self, wake: asyncio.Event) -> None:
        """For ever: a round every period, more seldom while all is quiet, ever more seldom after failures.

        At once whenever `wake` is set.
        """
        self._wake = wake
        try:
            while True:
                wake.clear()
                pause_s = await self._attempt()
                await self._rest(pause_s, wake)
                self._next_try_ms = None
        finally:
            await self.close()

    async def _rest(self, pause_s: float, wake: asyncio.Event) -> None:
        """Until the time is over or somebody wakes it; a cloud that was asked too much is left alone as long
        as it said, whoever wakes it.
        """
        loop, said = asyncio.get_running_loop(), self._detail
        least_s = loop.time() + self._asked_s
        while pause_s > 0:
            self._next_try_ms = self._now_mono_ms() + round(pause_s * 1000)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await wake.wait()
            if not wake.is_set() or self._error is None:
                return
            wake.clear()
            pause_s = least_s - loop.time()
            if pause_s > 0 and not self._is_held():
                self._state, self._detail = "offline", said

    async def run_once(self) -> RelayReport:
        """One full round: sign in, greet, then send and read until nothing is left. Raises SyncError."""
        async with self._one_at_a_time:
            bytes_before, self._so_far = self._bytes_sent, RelayReport()
            try:
                await self._round()
            except Exception as error:
                await self._failed(error)
                raise
            report = replace(self._so_far, bytes_sent=self._bytes_sent - bytes_before)
            await self._succeeded(report)
            return report

    async def close(self) -> None:
        """Hang up; the next round would dial again."""
        client, self._client, self._was_silent = self._client, None, False
        if client is not None:
            self._closed_bytes += client.bytes_sent
            await client.close()

    async def redial(self) -> None:
        """Hang up between two rounds, so that the next one signs in afresh."""
        async with self._one_at_a_time:
            await self.close()

    @property
    def _bytes_sent(self) -> int:
        return self._closed_bytes + (self._client.bytes_sent if self._client else 0)

    async def _attempt(self) -> float:
        """A round whose failure only lengthens the pause that is returned, in seconds."""
        self._asked_s = 0.0
        if self._is_held():
            return self._period_s
        try:
            await self.run_once()
        except Exception as error:
            asked_s = self._wait_asked_by(error)
            if isinstance(error, CloudUnreachable) and error.is_untouched:
                self._asked_s = min(asked_s, LONGEST_WAIT_S)
            return wait_s(self._failures, self._rng, asked_s)
        return self._period_s * (QUIET_PERIODS if self._quiet_rounds > QUIET_ROUNDS else 1)

    def _wait_asked_by(self, error: Exception) -> float:
        """The seconds an answer asked for; where it named none, what the cloud said when it was greeted."""
        if not isinstance(error, CloudUnreachable):
            return 0.0
        usual_s = self._usual_wait_s if error.asks_to_wait else 0.0
        return usual_s if error.retry_after_s is None else error.retry_after_s

    async def _round(self) -> None:
        if self._client is None:
            self._client = self._open_client()
        client = self._client
        if not client.has_session:
            await client.open_session()
        try:
            await self._exchange(client)
            return
        except OutOfStep as error:
            if not error.may_be_mended:
                raise
            self._greeted = None
            await self._outbox.note("sync", f"out of step: {error.detail}")
        await self._exchange(client)

    async def _exchange(self, client: CloudClient) -> None:
        """Greet, then send and read until nothing is left, or people want nothing sent any more."""
        self._ops.is_greeted = False
        epoch = await self._epoch_in_step(client)
        read_ms: int | None = None
        async with UnderWay() as segments:
            while True:
                with self._segments.behind_records():
                    newly_sent, newly_dead = await self._ops.drain(client, epoch)
                self._got_on(ops_dead=newly_dead)
                await self._begin_segments(client, segments)
                if read_ms is None or newly_sent or self._now_mono_ms() - read_ms > PERIOD_S * 1000:
                    await self._read(client, segments)
                    read_ms = self._now_mono_ms()
                if not segments.tasks:
                    break
                self._state = "syncing"
                self._segment_steps(await segments.some_done(self._wake, LOOK_S))

    async def _read(self, client: CloudClient, segments: UnderWay) -> None:
        """The feed comes down, and on a slow link segments go on going up beside it; where nothing is gained
        by that, records made meanwhile go before them.
        """
        reading = asyncio.create_task(self._feed.drain(client))
        try:
            while not reading.done():
                if self._segments.is_link_slow:
                    self._segment_steps(await segments.ended())
                    await self._begin_segments(client, segments)
                await asyncio.wait({reading, *segments.running}, return_when=asyncio.FIRST_COMPLETED)
        except SyncError:
            await asyncio.wait({reading})
            raise
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        if isinstance(reading.exception(), SyncError):
            self._segments.stay()
        reading.result()

    async def _begin_segments(self, client: CloudClient, segments: UnderWay) -> None:
        """As many requests as may be under way, unless people want nothing sent now."""
        while len(segments.tasks) < self._segments.room and self._may_go():
            job = await self._segments.next_job(client)
            if job is None:
                return
            segments.begin(job)

    def _may_go(self) -> bool:
        return self._hold() is None

    def _segment_steps(self, steps: Sequence[SegmentStep]) -> None:
        for step in steps:
            self._got_on(
                segments_stored=step.stored, segments_known=step.known, segments_refused=step.refused
            )

    def _got_on(self, **more: int) -> None:
        """Count what has just been carried, and show it."""
        if any(more.values()):
            counts = {name: getattr(self._so_far, name) + count for name, count in more.items()}
            self._so_far = replace(self._so_far, **counts)
            self._state, self._detail = "syncing", self._so_far.words

    async def _epoch_in_step(self, client: CloudClient) -> int:
        """The epoch to push with; a round that was only cut off a moment ago need not greet again."""
        now_ms = self._now_mono_ms()
        if self._greeted is None or now_ms - self._greeted[0] > GREETING_HOLDS_MS:
            self._greeted = now_ms, await self._greet(client)
        return self._greeted[1]

    async def _greet(self, client: CloudClient) -> int:
        """Get both logs in step, note the cloud's time; the epoch to push with."""
        for _ in range(GREETINGS):
            standing = await self._outbox.standing()
            answer = await self._hello(client, standing)
            if answer.bundle_key:
                await self._outbox.learn_bundle_key(answer.bundle_key)
            if answer.min_schema > wire.SCHEMA:
                raise OutOfStep("this hub is too old for the cloud", kind="proto", hint="Update this hub.")
            found = compare(standing, answer, await self._outbox.chain_at(answer.last_seq))
            self._feed.is_feed_new = found.is_feed_new
            if found.is_feed_new:
                await self._doubt_segments("the cloud was put back to a backup")
            elif standing.feed_epoch == 0:
                self._segments.trust()
                await self._outbox.learn_feed(answer.feed_epoch)
            if found.log is None:
                if not found.is_feed_new and standing.cursor == answer.head:
                    await self._outbox.settle(answer.last_seq)
                return standing.epoch
            await self._mend(found.log, standing)
        raise OutOfStep("hub and cloud did not get in step", kind="epoch")

    async def _hello(self, client: CloudClient, standing: Standing) -> wire.HelloResponse:
        began_ms = self._now_mono_ms()
        try:
            answer = await client.hello(greeting(standing, began_ms, self._wall_ms()))
        except CloudUnreachable as error:
            if not self._was_silent or error.status is not None or self._now_mono_ms() - began_ms > STALE_MS:
                raise
            began_ms = self._now_mono_ms()
            answer = await client.hello(greeting(standing, began_ms, self._wall_ms()))
        finally:
            self._was_silent = False
        self._ops.is_greeted = True
        rtt_ms = self._now_mono_ms() - began_ms
        await self._outbox.learn_head(answer.feed_epoch, answer.head)
        await self._outbox.record_contact(answer.server_ms, rtt_ms, began_ms + rtt_ms // 2)
        for pace in (self._ops.pace, self._feed.pace, self._segments.pace):
            pace.cap(answer.limits.batch_bytes)
        self._usual_wait_s = float(min(max(answer.limits.retry_after_s, 0), LONGEST_WAIT_S))
        self._ops.may_thin = answer.limits.fills_chains
        self._segments.may_batch = answer.limits.takes_batches
        self._segments.most_abreast = min(MOST_ABREAST, max(1, answer.limits.inflight))
        return answer

    async def _mend(self, remedy: Fork | Rewind, standing: Standing) -> None:
        """Bring the hub's log to where the cloud can take it up."""
        if isinstance(remedy, Rewind):
            await self._doubt_segments(f"the cloud lost what came after operation {remedy.last_seq}")
            if await self._outbox.rewind(remedy.last_seq):
                return
            words = "the cloud lost operations this hub no longer numbers as it did"
            remedy = Fork(standing.epoch + 1, words)
        log.warning("this hub's log begins anew under epoch %d: %s", remedy.epoch, remedy.why)
        await self._outbox.note("sync", f"log begun anew under epoch {remedy.epoch}: {remedy.why}")
        await self._outbox.fork(remedy.epoch)

    async def _doubt_segments(self, why: str) -> None:
        await self._outbox.note("sync", why)
        self._segments.doubt()
        await self._outbox.doubt_segments()

    def _is_held(self) -> bool:
        """Whether people want nothing sent now; the state then says so."""
        why = self._hold()
        if why is not None:
            self._state, self._detail = ("paused" if why[0] == "paused" else "waiting"), why[1]
        return why is not None

    async def _succeeded(self, report: RelayReport) -> None:
        was, self._state, self._is_shut_out = self._error, "idle", False
        self._detail, self._error, self._failures = report.words, None, 0
        self._greeted, self._was_silent = None, True
        self._quiet_rounds = self._quiet_rounds + 1 if report.is_quiet else 0
        self._is_held()
        if was is not None:
            log.info("in step with the cloud again: %s", report.words)
            await self._outbox.note("sync", f"in step again: {report.words}")

    async def _failed(self, error: Exception) -> None:
        """Remember it, hang up if that may help, and say so once for each new kind of failure."""
        is_asked = _asks_to_wait(error)
        is_news = type(error) is not type(self._error) or is_asked is not _asks_to_wait(self._error)
        if isinstance(error, ShutOut):
            self._is_shut_out = True
        self._error, self._failures, self._quiet_rounds = error, self._failures + 1, 0
        is_temporary = isinstance(error, SyncError) and error.is_temporary
        self._state = "offline" if is_temporary else "failed"
        self._detail = error.detail if isinstance(error, SyncError) else "the hub itself has a fault"
        if is_asked:
            self._detail = str(error)
        is_cloud = isinstance(error, CloudUnreachable) and error.is_untouched
        if isinstance(error, CloudUnreachable) and error.status is not None and not is_cloud:
            self._greeted = None  # something answered: the next greeting shows whether it is the cloud
        if isinstance(error, NotTheCloud) and error.status is not None:
            self._greeted = None
        if not is_temporary or (self._failures % REDIAL_AFTER == 0 and not is_cloud):
            self._greeted = None
            with suppress(Exception):
                await self.close()
        if is_news:
            log.warning("sync %s: %s", self._state, error, exc_info=not isinstance(error, SyncError))
            with suppress(Exception):
                await self._outbox.note("sync", f"{self._state}: {error}")


def _asks_to_wait(error: Exception | None) -> bool:
    return isinstance(error, CloudUnreachable) and error.asks_to_wait
