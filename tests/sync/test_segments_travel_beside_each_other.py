"""On a slow link two batches travel at once, records overtake them, and people may hold everything."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from random import Random

import httpx
import msgspec
import pytest

from sync import wire
from sync.batch import MAGIC, unpacked
from sync.errors import CloudUnreachable
from sync.keys import public_key_b64
from sync.relay import Hold, Relay
from sync.segments import frame
from sync.throttle import Throttle
from tests.sync.far_end import Line, Refusal, SmallCloud
from tests.sync.near_end import SEED, MemoryOutbox, client_on

DELAY_S = 0.06


class SlowLine(Line):
    """Each request takes its time; how many segment requests were under way at once is remembered."""

    most = now = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        is_samples = request.url.path == "/v1/seg"
        self.now += is_samples
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(DELAY_S)
            return await super().handle_async_request(request)
        finally:
            self.now -= is_samples


class PackingCloud(SmallCloud):
    """Takes batches."""

    def __init__(self) -> None:
        super().__init__(public_key_b64(SEED))
        self.bodies: list[bytes] = []
        self.refuses_batches = False

    def _hello(self, request: wire.HelloRequest) -> wire.HelloResponse:
        limits = wire.Limits(takes_batches=True)
        return msgspec.structs.replace(super()._hello(request), limits=limits)

    def _store(self, body: bytes) -> wire.SegmentResponse:
        self.bodies.append(body)
        if not body.startswith(MAGIC):
            return super()._store(body)
        if self.refuses_batches:
            raise Refusal(400, "invalid", "permanent")
        return super()._store(b"".join(frame(it) for it in unpacked(body)))


def relay_of(outbox: MemoryOutbox, line: Line, *, hold: Hold = lambda: None, period_s: float = 5.0) -> Relay:
    return Relay(
        outbox,
        lambda: client_on(line),
        lambda: time.monotonic_ns() // 1_000_000,
        lambda: 0,
        Random(1),
        hold=hold,
        period_s=period_s,
    )


async def until(question: Callable[[], bool]) -> None:
    while not question():  # noqa: ASYNC110 (the outbox rings no bell)
        await asyncio.sleep(0.005)


def loaded(segments: int) -> MemoryOutbox:
    outbox = MemoryOutbox()
    for _ in range(segments):
        outbox.close_segment(n=200)
    return outbox


async def drained(relay: Relay) -> None:
    try:
        await relay.run_once()
    finally:
        await relay.close()


def test_two_batches_are_under_way_on_a_slow_link_and_never_more() -> None:
    outbox, cloud = loaded(150), SmallCloud(public_key_b64(SEED))
    line = SlowLine(cloud)
    asyncio.run(drained(relay_of(outbox, line)))

    assert line.most == 2
    assert outbox.stored == outbox.kept.keys() == cloud.segments.keys()


def test_records_overtake_a_backlog_when_the_relay_is_woken() -> None:
    outbox, cloud = loaded(400), SmallCloud(public_key_b64(SEED))
    line = SlowLine(cloud)

    async def story() -> float:
        relay, wake = relay_of(outbox, line), asyncio.Event()
        task = asyncio.create_task(relay.run(wake))
        await until(lambda: len(outbox.stored) >= 20)
        for number in range(40):
            outbox.edit(name=f"Athlete {number}")
        began = time.monotonic()
        wake.set()
        await until(lambda: outbox.acked_seq >= 40)
        took_s = time.monotonic() - began
        assert len(outbox.stored) < len(outbox.kept)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return took_s

    assert asyncio.run(story()) < 0.9  # not even the second after which it looks by itself


def test_a_failure_of_one_batch_lets_the_other_arrive() -> None:
    outbox, cloud = loaded(150), SmallCloud(public_key_b64(SEED))

    class Cuts(SlowLine):
        left = 4

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path == "/v1/seg":
                self.left -= 1
                if self.left == 0:
                    raise httpx.ReadError("connection reset")
            return await super().handle_async_request(request)

    line = Cuts(cloud)

    async def story() -> None:
        relay = relay_of(outbox, line)
        with pytest.raises(CloudUnreachable):
            await relay.run_once()
        assert cloud.segments.keys() == outbox.stored  # nothing arrived that was not heard of
        await drained(relay)

    asyncio.run(story())
    assert outbox.stored == outbox.kept.keys()


def test_where_the_cloud_takes_them_segments_travel_in_batches() -> None:
    outbox, cloud = loaded(60), PackingCloud()
    asyncio.run(drained(relay_of(outbox, Line(cloud))))

    assert all(body.startswith(MAGIC) for body in cloud.bodies)
    assert outbox.stored == outbox.kept.keys() == cloud.segments.keys()
    assert sum(map(len, cloud.bodies)) < sum(len(frame(it)) for it in outbox.kept.values())


def test_a_batch_the_cloud_cannot_read_goes_again_in_frames() -> None:
    outbox, cloud = loaded(30), PackingCloud()
    cloud.refuses_batches = True
    asyncio.run(drained(relay_of(outbox, Line(cloud))))

    assert outbox.stored == outbox.kept.keys() == cloud.segments.keys()
    assert {body.startswith(MAGIC) for body in cloud.bodies} == {True, False}


def test_what_people_hold_stays_until_they_let_it_go() -> None:
    outbox, cloud = loaded(10), SmallCloud(public_key_b64(SEED))
    held: list[tuple[str, str]] = [("paused", "paused by a person")]

    async def story() -> None:
        wake = asyncio.Event()
        relay = relay_of(outbox, Line(cloud), hold=lambda: held[0] if held else None, period_s=0.01)
        task = asyncio.create_task(relay.run(wake))
        await asyncio.sleep(0.1)
        assert (relay.status.state, relay.status.detail) == ("paused", "paused by a person")
        assert cloud.requests == []
        held.clear()
        await until(lambda: outbox.stored == outbox.kept.keys())
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(asyncio.wait_for(story(), 20))


def test_a_hold_ends_a_round_that_is_on_its_way() -> None:
    outbox, cloud = loaded(300), SmallCloud(public_key_b64(SEED))
    relay = relay_of(
        outbox, SlowLine(cloud), hold=lambda: ("paused", "x") if len(outbox.stored) > 20 else None
    )
    asyncio.run(drained(relay))

    assert 20 < len(outbox.stored) < 150
    assert relay.status.state == "paused"


def test_a_limit_of_speed_is_kept_and_none_is_none() -> None:
    async def story(throttle: Throttle) -> float:
        began = time.monotonic()
        async for _ in throttle.pieces(bytes(25_000)):
            pass
        return time.monotonic() - began

    assert asyncio.run(story(Throttle(400))) > 0.24  # half a second, of which a quarter may be ahead
    assert asyncio.run(story(Throttle())) < 0.1
