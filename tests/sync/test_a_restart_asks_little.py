"""After a restart a sample tells whether the cloud has anything of what waits; only then all is asked."""

from __future__ import annotations

import asyncio
from itertools import islice

import httpx
import msgspec
import pytest

from sync import wire
from sync.keys import public_key_b64
from sync.segment_lane import SAMPLE
from sync.segments import unframe, unseal
from tests.sync.far_end import Line, SmallCloud
from tests.sync.near_end import SEED, MemoryOutbox, relay_on

WAITING = 700


class Watching(SmallCloud):
    """Remembers how many it was asked about at a time, and what was sent though it was there."""

    def __init__(self) -> None:
        super().__init__(public_key_b64(SEED))
        self.asked: list[int] = []
        self.needless = 0

    def answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        if request.url.path == "/v1/seg":
            self.needless += sum(segment.seg_id in self.segments for segment in unframe(body))
        return super().answer(request, body)

    def _signed_in(self, path: str, request: httpx.Request, body: bytes) -> wire.Message:
        if path == "/v1/seg/have":
            self.asked.append(len(msgspec.json.decode(body, type=wire.HaveRequest).ids))
        return super()._signed_in(path, request, body)


def restarted(cloud: Watching, outbox: MemoryOutbox) -> None:
    """A new process sends all that waits."""

    async def story() -> None:
        relay = relay_on(outbox, Line(cloud))
        await relay.run_once()
        await relay.close()

    asyncio.run(story())
    assert outbox.stored == outbox.kept.keys() <= cloud.segments.keys()


def waiting(count: int = WAITING) -> MemoryOutbox:
    outbox = MemoryOutbox()
    for _ in range(count):
        outbox.close_segment(n=4)
    return outbox


def test_where_the_cloud_has_none_of_a_sample_nothing_else_is_asked() -> None:
    cloud, outbox = Watching(), waiting()
    restarted(cloud, outbox)
    assert len(cloud.asked) == 1
    assert cloud.asked[0] <= SAMPLE


@pytest.mark.parametrize("first", [0, 300])
def test_where_it_has_some_all_is_asked_and_nothing_sent_twice(first: int) -> None:
    cloud, outbox = Watching(), waiting()
    for segment in islice(
        outbox.kept.values(), first, first + 60
    ):  # the answers were lost, or a stick came first
        cloud.segments[segment.seg_id] = unseal(segment)
    restarted(cloud, outbox)
    assert sum(cloud.asked) >= WAITING - cloud.asked[0]
    assert cloud.needless == 0


def test_what_the_sample_overlooks_is_sent_twice_and_does_no_harm() -> None:
    cloud, outbox = Watching(), waiting(5000)
    alone = list(outbox.kept.values())[2_001]
    cloud.segments[alone.seg_id] = unseal(alone)
    restarted(cloud, outbox)
    assert (len(cloud.asked), cloud.needless) == (1, 1)


def test_few_that_wait_are_all_asked() -> None:
    cloud, outbox = Watching(), waiting(90)
    for segment in islice(outbox.kept.values(), 41, 42):
        cloud.segments[segment.seg_id] = unseal(segment)
    restarted(cloud, outbox)
    assert (cloud.asked[0], cloud.needless) == (90, 0)


def test_a_sample_whose_answer_is_lost_is_asked_again() -> None:
    cloud, outbox = Watching(), waiting(200)
    for segment in outbox.kept.values():
        cloud.segments[segment.seg_id] = unseal(segment)

    class Cut(Line):
        is_cut = False

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = await super().handle_async_request(request)
            if request.url.path == "/v1/seg/have" and not self.is_cut:
                self.is_cut = True
                raise httpx.ReadError("connection reset")
            return response

    async def story() -> None:
        relay = relay_on(outbox, Cut(cloud))
        with pytest.raises(Exception, match="connection reset"):
            await relay.run_once()
        await relay.run_once()
        await relay.close()

    asyncio.run(story())
    assert outbox.stored == outbox.kept.keys()
    assert len(cloud.asked) > 2
    assert cloud.needless == 0


def test_a_sample_that_is_too_large_says_nothing_of_the_rest() -> None:
    cloud, outbox = Watching(), waiting(200)
    for segment in outbox.kept.values():
        cloud.segments[segment.seg_id] = unseal(segment)
    cloud.largest_body = 3_000
    restarted(cloud, outbox)
    assert (sum(cloud.asked), cloud.needless) == (200, 0)
