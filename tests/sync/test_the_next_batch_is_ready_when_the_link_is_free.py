"""A slow link is never idle: the next batch is packed while others travel, and the feed stops none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from random import Random

import httpx
import pytest

from sync.errors import CloudUnreachable
from sync.keys import public_key_b64
from sync.relay import Hold, Relay
from sync.segment_lane import SegmentLane
from sync.segments import Segment
from tests.sim import clockwork
from tests.sync.far_end import Line, SmallCloud
from tests.sync.near_end import SEED, MemoryOutbox, client_on

A_REQUEST_S, A_READ_S = 2.0, 0.3


def now_s() -> float:
    return asyncio.get_running_loop().time()


class SlowCard(MemoryOutbox):
    """Reading and packing takes its time."""

    async def segments(self, ids: Sequence[bytes]) -> Sequence[Segment]:
        await asyncio.sleep(A_READ_S)
        return await super().segments(ids)


class SlowLine(Line):
    """Every request takes its time; remembers when segments began to travel, and when they arrived."""

    def __init__(self, cloud: SmallCloud, fails: Callable[[int], bool] = lambda number: False) -> None:
        super().__init__(cloud)
        self.began_s: list[float] = []
        self.arrived_s: list[float] = []
        self.read_s: list[float] = []
        self.failed_s: float | None = None
        self._fails = fails

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        is_samples = request.url.path == "/v1/seg"
        if is_samples:
            self.began_s.append(now_s())
            if self._fails(len(self.began_s)):
                await asyncio.sleep(A_REQUEST_S / 2)
                self.failed_s = now_s()
                raise httpx.ReadError("connection reset")
        await asyncio.sleep(A_REQUEST_S)
        answer = await super().handle_async_request(request)
        if is_samples:
            self.arrived_s.append(now_s())
        elif request.url.path == "/v1/sync/pull":
            self.read_s.append(now_s())
        return answer


def loaded(segments: int) -> SlowCard:
    outbox = SlowCard()
    for _ in range(segments):
        outbox.close_segment(n=200)
    return outbox


def relay_of(outbox: MemoryOutbox, line: Line, hold: Hold = lambda: None) -> Relay:
    return Relay(
        outbox,
        lambda: client_on(line),
        lambda: round(now_s() * 1000),
        lambda: 0,
        Random(1),
        hold=hold,
    )


async def one_round(outbox: MemoryOutbox, line: Line, hold: Hold = lambda: None) -> None:
    relay = relay_of(outbox, line, hold)
    try:
        await relay.run_once()
    finally:
        await relay.close()


def cloud_and_line(fails: Callable[[int], bool] = lambda number: False) -> tuple[SmallCloud, SlowLine]:
    cloud = SmallCloud(public_key_b64(SEED))
    return cloud, SlowLine(cloud, fails)


def test_two_travel_without_a_gap_and_never_more() -> None:
    outbox, (cloud, line) = loaded(200), cloud_and_line()
    clockwork.run(one_round(outbox, line))

    assert outbox.stored == outbox.kept.keys() == cloud.segments.keys()
    places = list(zip(line.arrived_s, line.began_s[2:], strict=False))[2:]
    assert len(places) > 5
    for freed_s, taken_s in places:
        assert freed_s <= taken_s < freed_s + A_READ_S / 3


def test_what_is_packed_stays_where_one_before_it_failed() -> None:
    outbox, (cloud, line) = loaded(200), cloud_and_line(lambda number: number == 7)
    with pytest.raises(CloudUnreachable):
        clockwork.run(one_round(outbox, line))

    assert line.failed_s is not None
    assert max(line.began_s) < line.failed_s
    assert outbox.stored == cloud.segments.keys()
    assert len(outbox.stored) < len(outbox.kept)
    clockwork.run(one_round(outbox, line))
    assert outbox.stored == outbox.kept.keys()


def test_what_is_packed_stays_where_people_hold_it() -> None:
    outbox, (cloud, line) = loaded(200), cloud_and_line()

    def hold() -> tuple[str, str] | None:
        is_held = len(line.began_s) >= 7 and now_s() > line.began_s[6] + A_REQUEST_S / 2
        return ("paused", "paused by a person") if is_held else None

    clockwork.run(one_round(outbox, line, hold))
    assert max(line.began_s) < line.began_s[6] + A_REQUEST_S / 2
    assert len(line.began_s) == len(line.arrived_s)
    assert outbox.stored == cloud.segments.keys()
    assert len(outbox.stored) < len(outbox.kept)


def test_a_long_feed_does_not_keep_segments_back() -> None:
    outbox, (cloud, line) = loaded(200), cloud_and_line()
    teller = MemoryOutbox()
    for number in range(300):
        teller.edit(name=f"Athlete {number}")
        cloud.say("set", teller.log[-1])
    clockwork.run(one_round(outbox, line))

    assert len(outbox.feed) == 300
    assert len(line.read_s) > 3
    beside = [began_s for began_s in line.began_s if line.read_s[0] < began_s < line.read_s[-1]]
    assert len(beside) >= 2 * (len(line.read_s) - 2)


async def edited_while_one_is_packed(outbox: MemoryOutbox, line: SlowLine, relay: Relay) -> float:
    """Start the relay and edit when two travel and a third is ready; the time of the edit."""
    wake = asyncio.Event()
    task = asyncio.create_task(relay.run(wake))
    while len(line.began_s) < 8:  # noqa: ASYNC110 (the line rings no bell)
        await asyncio.sleep(0.01)
    await asyncio.sleep(2 * A_READ_S)
    edited_s = now_s()
    outbox.edit(name="Ann")
    wake.set()
    await asyncio.sleep(2 * A_REQUEST_S)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return edited_s


def test_what_is_packed_lets_records_go_first() -> None:
    outbox, (_, line) = loaded(200), cloud_and_line()
    edited_s = clockwork.run(edited_while_one_is_packed(outbox, line, relay_of(outbox, line)))
    assert outbox.acked_seq == 1
    assert len([it for it in line.arrived_s if edited_s < it < edited_s + A_REQUEST_S]) == 2, "both went on"
    assert not [it for it in line.began_s if edited_s <= it < edited_s + A_REQUEST_S]
    assert [it for it in line.began_s if it >= edited_s + A_REQUEST_S]


def test_what_is_packed_stays_where_a_record_could_not_be_sent() -> None:
    outbox, cloud = loaded(200), SmallCloud(public_key_b64(SEED))

    class Cut(SlowLine):
        cuts = 0

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path == "/v1/sync/push":
                await asyncio.sleep(A_REQUEST_S / 8)
                self.cuts += 1
                raise httpx.ReadError("connection reset")
            return await super().handle_async_request(request)

    line = Cut(cloud)
    edited_s = clockwork.run(edited_while_one_is_packed(outbox, line, relay_of(outbox, line)))
    assert line.cuts
    assert max(line.began_s) < edited_s
    assert outbox.stored == cloud.segments.keys()


def test_what_is_packed_stays_where_the_feed_broke_off() -> None:
    outbox, cloud = loaded(200), SmallCloud(public_key_b64(SEED))

    class Cut(SlowLine):
        cut_s = 0.0

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path == "/v1/sync/pull" and len(self.began_s) > 6:
                await asyncio.sleep(A_REQUEST_S / 8)
                self.cut_s = now_s()
                raise httpx.ReadError("connection reset")
            return await super().handle_async_request(request)

    line = Cut(cloud)
    with pytest.raises(CloudUnreachable):
        clockwork.run(one_round(outbox, line))
    assert max(line.began_s) <= line.cut_s
    assert outbox.stored == cloud.segments.keys()


def test_no_more_than_two_questions_travel_at_once_either() -> None:
    outbox, cloud = MemoryOutbox(), SmallCloud(public_key_b64(SEED))
    for _ in range(600):
        outbox.close_segment(n=20)
    asked: list[tuple[float, float]] = []

    class Noting(SlowLine):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            began_s = now_s()
            answer = await super().handle_async_request(request)
            if request.url.path == "/v1/seg/have":
                asked.append((began_s, now_s()))
            return answer

    async def story() -> None:
        lane = SegmentLane(outbox, lambda: round(now_s() * 1000))
        lane.most_abreast = 2
        async with client_on(Noting(cloud)) as client:
            lane.trust()
            first = await lane.next_job(client)
            assert first is not None
            await first
            lane.doubt()
            jobs = [await lane.next_job(client) for _ in range(lane.room)]
            await asyncio.gather(*(job for job in jobs if job is not None))

    clockwork.run(story())
    assert len(asked) == 3
    for began_s, _ in asked:
        assert sum(begin <= began_s < end for begin, end in asked) <= 2
