"""What the cloud refuses for good comes down to one operation, put aside; a portal refuses none."""

from __future__ import annotations

import asyncio
import gzip
import os
from collections.abc import Callable

import httpx
import msgspec
import pytest

from sync import wire
from sync.errors import CloudRefused, NotTheCloud, SyncError
from sync.keys import public_key_b64
from sync.relay import Relay
from tests.sync.far_end import Bytes, Line, Refusal, SmallCloud, json_response, page
from tests.sync.near_end import SEED, MemoryOutbox, relay_on

Answer = Callable[[], httpx.Response]


class Picky(SmallCloud):
    """Refuses a push that holds any of these fields, or all, or one with anchors."""

    def __init__(self) -> None:
        super().__init__(public_key_b64(SEED))
        self.refuses: set[str] = set()
        self.refuses_all = False
        self.batches: list[list[int]] = []

    def _push(self, request: wire.PushRequest) -> wire.PushResponse:
        self.batches.append([op.seq for op in request.ops])
        if self.refuses_all or any(self.refuses & op.fields.keys() for op in request.ops):
            raise Refusal(400, "body", "permanent")
        return super()._push(request)


class Unmeasured(MemoryOutbox):
    """Gives all that waits without writing it down to see how long it is."""

    async def pending_ops(self, limit_bytes: int) -> list[wire.Op]:
        bare = {"tbl": wire.SUSPECT, "fields": {}}
        waiting = self.log[self.acked_seq :]
        return [msgspec.structs.replace(op, **bare) if op.seq in self.suspects else op for op in waiting]


class Between(Line):
    """A proxy that answers pushes holding a word by itself; without a word, all of them."""

    def __init__(self, cloud: SmallCloud, answer: Answer, word: bytes) -> None:
        super().__init__(cloud)
        self._answer, self._word = answer, word

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        if request.url.path == "/v1/sync/push" and self._word in _plain(request, body):
            return self._answer()
        return await super().handle_async_request(request)


def _plain(request: httpx.Request, body: bytes) -> bytes:
    return gzip.decompress(body) if request.headers.get("content-encoding") == "gzip" else body


def rounds(outbox: MemoryOutbox, line: Line, most: int) -> list[SyncError | None]:
    """What each round ended with, up to the first that went well."""
    said: list[SyncError | None] = []
    relay: Relay = relay_on(outbox, line)

    async def story() -> None:
        for _ in range(most):
            try:
                await relay.run_once()
                said.append(None)
                break
            except SyncError as error:
                said.append(error)
        await relay.close()

    asyncio.run(story())
    return said


def test_two_the_cloud_refuses_for_good_are_put_aside_in_one_round_and_all_others_go() -> None:
    outbox, cloud = MemoryOutbox(), Picky()
    for number in range(60):
        outbox.edit(**{"bad" if number in (17, 40) else "name": f"{number}"})
    cloud.refuses = {"bad"}
    assert rounds(outbox, Line(cloud), 1) == [None]
    assert list(outbox.suspects) == [18, 41]
    assert "body" in outbox.suspects[18]
    assert (outbox.acked_seq, outbox.dead) == (60, {18, 41})
    assert len(cloud.batches) < 30
    assert [what for what, _ in outbox.notes].count("suspect") == 2


def test_one_too_large_for_the_cloud_is_put_aside() -> None:
    outbox, cloud = MemoryOutbox(), Picky()
    outbox.edit(name="before")
    outbox.edit(name=os.urandom(20_000).hex())
    outbox.edit(name="after")
    cloud.largest_body = 8 << 10
    assert rounds(outbox, Line(cloud), 1) == [None]
    assert (list(outbox.suspects), outbox.acked_seq) == ([2], 3)


def test_one_that_cannot_be_written_down_is_put_aside_before_it_is_sent() -> None:
    outbox, cloud = Unmeasured(), Picky()
    for fields in ({"name": "before"}, {"laps": ["\ud800"]}, {"name": "after"}):
        outbox.edit(**fields)
    assert rounds(outbox, Line(cloud), 1) == [None]
    assert (list(outbox.suspects), outbox.acked_seq, outbox.dead) == ([2], 3, {2})
    assert "cannot be written down" in outbox.suspects[2]


def test_a_cloud_that_refuses_whatever_comes_makes_one_operation_suspect_and_no_more() -> None:
    outbox, cloud = MemoryOutbox(), Picky()
    for number in range(40):
        outbox.edit(name=f"{number}")
    cloud.refuses_all = True
    said = rounds(outbox, Line(cloud), 6)
    assert all(isinstance(it, CloudRefused) for it in said)
    assert len(outbox.suspects) == 1
    cloud.refuses_all = False
    assert rounds(outbox, Line(cloud), 1) == [None]
    assert outbox.acked_seq == 40


def test_anchors_that_are_refused_put_no_operation_aside() -> None:
    outbox, cloud = MemoryOutbox(), Picky()
    outbox.edit(name="Ada")
    outbox.facts.append(wire.Anchor(boot_no=1, mono_ms=5, wall_ms=9, err_ms=1, source="ntp"))
    push = Picky._push

    def no_anchors(request: wire.PushRequest) -> wire.PushResponse:
        if request.anchors:
            raise Refusal(400, "body", "permanent")
        return push(cloud, request)

    cloud._push = no_anchors  # type: ignore[method-assign]
    [said] = rounds(outbox, Line(cloud), 1)
    assert said is None or isinstance(said, CloudRefused)
    assert (outbox.suspects, outbox.acked_seq) == ({}, 1)


UNSEALED = msgspec.json.encode(wire.Problem(err="no", err_class="permanent"))
PROXIES: dict[str, Answer] = {
    "403": lambda: page(403, "<h1>Forbidden by policy</h1>"),
    "400": lambda: page(400, "<h1>Bad request</h1>"),
    "413": lambda: page(413, "<h1>Too large</h1>"),
    "JSON without a digest": lambda: httpx.Response(
        400, headers={"content-type": "application/json"}, stream=Bytes(UNSEALED)
    ),
}


@pytest.mark.parametrize("answer", PROXIES.values(), ids=PROXIES.keys())
def test_one_operation_that_a_proxy_always_keeps_back_is_put_aside_after_five_tries(
    answer: Answer,
) -> None:
    outbox, cloud = MemoryOutbox(), Picky()
    for number in range(9):
        outbox.edit(name="<script>" if number == 4 else f"{number}")
    said = rounds(outbox, Between(cloud, answer, b"<script>"), 16)
    assert said[-1] is None
    assert len(said) > 5
    assert not any(it is None for it in said[:-1])
    assert (list(outbox.suspects), outbox.acked_seq) == ([5], 9)
    assert "was not let have it" in outbox.suspects[5]


@pytest.mark.parametrize("status", [200, 302, 400, 403, 511])
def test_a_portal_puts_nothing_aside_however_often_it_answers(status: int) -> None:
    outbox, cloud = MemoryOutbox(), Picky()
    outbox.edit(name="Ada")

    class Portal(Line):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return page(status)

    assert len(rounds(outbox, Portal(cloud), 14)) == 14
    assert outbox.suspects == {}
    assert rounds(outbox, Line(cloud), 1) == [None]
    assert outbox.acked_seq == 1


def test_a_portal_before_pushes_alone_that_says_no_refusal_puts_nothing_aside() -> None:
    outbox, cloud = MemoryOutbox(), Picky()
    outbox.edit(name="Ada")
    said = rounds(outbox, Between(cloud, lambda: page(200), b""), 14)
    assert all(isinstance(it, NotTheCloud) for it in said)
    assert outbox.suspects == {}


def test_the_cloud_shutting_a_hub_out_puts_nothing_aside() -> None:
    outbox, cloud = MemoryOutbox(), Picky()
    outbox.edit(name="Ada")
    revoked = wire.Problem(err="revoked", err_class="session")
    rounds(outbox, Between(cloud, lambda: json_response(revoked, 403), b""), 8)
    elsewhere = wire.Problem(err="invalid", err_class="permanent")  # no such place: an older cloud
    rounds(outbox, Between(cloud, lambda: json_response(elsewhere, 404), b""), 8)
    assert outbox.suspects == {}


def test_a_segment_refused_for_good_by_itself_stands_in_no_others_way() -> None:
    outbox, cloud = MemoryOutbox(), Picky()
    first, second = outbox.close_segment(), outbox.close_segment()
    store = cloud._store

    def picky(body: bytes) -> wire.Message:
        if first in body:
            raise Refusal(413, "too_large", "permanent")
        return store(body)

    cloud._store = picky  # type: ignore[method-assign, assignment]
    said = rounds(outbox, Line(cloud), 12)
    assert said[-1] is None
    assert outbox.stored == {second}
    assert list(outbox.refused) == [first]


def test_a_cloud_that_refuses_every_segment_has_not_all_of_them_put_aside() -> None:
    outbox, cloud = MemoryOutbox(), Picky()
    for _ in range(20):
        outbox.close_segment()

    def never(body: bytes) -> wire.Message:
        raise Refusal(400, "body", "permanent")

    cloud._store = never  # type: ignore[method-assign, assignment]
    said = rounds(outbox, Line(cloud), 8)
    assert all(isinstance(it, CloudRefused) for it in said)
    assert len(outbox.refused) == 5
