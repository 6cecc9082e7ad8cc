"""A cloud that asks to wait is left alone as long as it says, five minutes at most; then it gets the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

import httpx
import pytest

from sync import wire
from sync.errors import CloudUnreachable
from sync.keys import public_key_b64
from sync.relay import Relay
from tests.sync.far_end import Line, SmallCloud, json_response, page
from tests.sync.near_end import SEED, MemoryOutbox, Ticks, client_on, relay_on

PUSH, SEG, PULL = "/v1/sync/push", "/v1/seg", "/v1/sync/pull"


class BusyCloud(SmallCloud):
    """Sends requests for a path away so many times, and remembers what they carried."""

    def __init__(self, path: str, times: int, status: int = 429, retry_after: str | None = "2") -> None:
        super().__init__(public_key_b64(SEED))
        self.path, self.times, self.status, self.retry_after = path, times, status, retry_after
        self.bodies: list[bytes] = []
        self.usual_s = 0
        self.is_stranger = False

    def answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        if request.url.path != self.path:
            return super().answer(request, body)
        self.bodies.append(body)
        if self.times == 0:
            return super().answer(request, body)
        self.times -= 1
        self.requests.append(request.url.path)
        busy = wire.Problem(err="busy", err_class="transient", detail="Too much.")
        response = page(self.status) if self.is_stranger else json_response(busy, self.status)
        if self.retry_after is not None:
            response.headers["retry-after"] = self.retry_after
        return response

    def _hello(self, request: wire.HelloRequest) -> wire.HelloResponse:
        answer = super()._hello(request)
        return wire.HelloResponse(
            **{name: getattr(answer, name) for name in answer.__struct_fields__ if name != "limits"},
            limits=wire.Limits(retry_after_s=self.usual_s),
        )


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():  # noqa: ASYNC110 - looked at from outside
            await asyncio.sleep(0.001)


async def refused_rounds(relay: Relay, n: int) -> CloudUnreachable:
    """So many rounds that end with being asked to wait; what the last one raised."""
    for _ in range(n):
        with pytest.raises(CloudUnreachable) as caught:
            await relay.run_once()
        assert caught.value.asks_to_wait
    return caught.value


@pytest.mark.parametrize("status", [429, 503])
def test_edits_go_again_as_the_same_bytes_and_are_never_taken_for_bad_ones(status: int) -> None:
    outbox, cloud = MemoryOutbox(), BusyCloud(PUSH, 25, status)
    for number in range(200):
        outbox.edit(name=f"{Random(number).random()}" * 3)

    async def story() -> None:
        relay = relay_on(outbox, Line(cloud))
        await refused_rounds(relay, 25)
        assert relay._ops.pace.limit_bytes == 8 << 10
        await relay.run_once()
        await relay.close()

    asyncio.run(story())
    assert len(set(cloud.bodies[:26])) == 1
    assert outbox.suspects == {}
    assert [op.op_id for op in cloud.log] == [op.op_id for op in outbox.log]
    assert outbox.acked_seq == 200


def test_the_clouds_own_word_costs_no_greeting_and_no_new_connection() -> None:
    outbox, cloud = MemoryOutbox(), BusyCloud(PUSH, 7)
    outbox.edit(name="Ada")

    async def story() -> None:
        relay = relay_on(outbox, Line(cloud))
        await refused_rounds(relay, 7)
        await relay.run_once()
        await relay.close()

    asyncio.run(story())
    assert len(cloud.hellos) == cloud.sessions == 1
    assert len(cloud.log) == 1


def test_refused_samples_go_again_unasked_and_undivided() -> None:
    outbox, cloud = MemoryOutbox(), BusyCloud(SEG, 4)
    for _ in range(60):
        outbox.close_segment(n=300)

    async def story() -> None:
        relay = relay_on(outbox, Line(cloud))
        await refused_rounds(relay, 4)
        cloud.requests.clear()
        await relay.run_once()
        await relay.close()

    asyncio.run(story())
    assert len(set(cloud.bodies[:5])) == 1
    assert "/v1/seg/have" not in cloud.requests
    assert sum(map(len, cloud.bodies[4:])) == sum(len(it) for it in set(cloud.bodies))
    assert outbox.stored == cloud.segments.keys() == outbox.kept.keys()


def test_samples_met_by_a_cloud_that_is_mended_are_asked_about_and_go_in_no_smaller_pieces() -> None:
    outbox, cloud = MemoryOutbox(), BusyCloud(SEG, 4, 503)
    for _ in range(60):
        outbox.close_segment(n=300)

    async def story() -> None:
        relay = relay_on(outbox, Line(cloud))
        await refused_rounds(relay, 4)
        assert relay._segments.pace.limit_bytes == 8 << 10
        await relay.run_once()
        await relay.close()

    asyncio.run(story())
    assert max(map(len, cloud.bodies)) > 4 * len(cloud.bodies[0])
    assert outbox.stored == cloud.segments.keys() == outbox.kept.keys()


@pytest.mark.parametrize("path", [PUSH, PULL])
@pytest.mark.parametrize(
    ("retry_after", "least_s", "most_s"),
    [
        ("2", 2, 2),
        ("  40 ", 40, 40),
        ("0", 1, 2),
        ("1000000000", 300, 300),
        ("9" * 1000, 300, 300),
        ("-5", 1, 2),
        ("1e3", 1, 2),
        ("2.5", 1, 2),
        ("Wed, 21 Oct 2093 07:28:00 GMT", 1, 2),
        ("inf", 1, 2),
        ("nan", 1, 2),
        ("soon", 1, 2),
        ("", 1, 2),
        (None, 1, 2),
    ],
)
def test_whatever_it_asks_for_the_next_try_is_within_five_minutes(
    path: str, retry_after: str | None, least_s: float, most_s: float
) -> None:
    outbox, cloud = MemoryOutbox(), BusyCloud(path, 1, 429, retry_after)
    outbox.edit(name="Ada")

    async def story() -> float:
        relay = relay_on(outbox, Line(cloud))
        task = asyncio.create_task(relay.run(asyncio.Event()))
        await until(lambda: relay.status.next_try_s is not None)
        wait_s = relay.status.next_try_s or 0.0
        assert relay.status.asks_to_wait
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return wait_s

    assert least_s - 0.1 < asyncio.run(story()) <= most_s


@pytest.mark.parametrize(
    ("usual_s", "said", "least_s", "most_s"),
    [(7, None, 7, 7), (7, "soon", 7, 7), (7, "9", 9, 9), (10**9, None, 300, 300), (-3, None, 1, 2)],
)
def test_where_it_names_no_time_what_it_said_at_the_greeting_holds(
    usual_s: int, said: str | None, least_s: float, most_s: float
) -> None:
    outbox, cloud = MemoryOutbox(), BusyCloud(PUSH, 1, 503, said)
    cloud.usual_s = usual_s
    outbox.edit(name="Ada")

    async def story() -> float:
        relay = relay_on(outbox, Line(cloud))
        task = asyncio.create_task(relay.run(asyncio.Event()))
        await until(lambda: relay.status.next_try_s is not None)
        wait_s = relay.status.next_try_s or 0.0
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return wait_s

    assert least_s - 0.1 < asyncio.run(story()) <= most_s


def test_no_wake_shortens_what_it_asked_for_but_a_pause_is_shown_and_people_may_try(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outbox, cloud, held = MemoryOutbox(), BusyCloud(PUSH, 1, 429, "300"), [False]
    outbox.edit(name="Ada")

    async def story() -> None:
        relay = Relay(
            outbox, lambda: client_on(Line(cloud)), Ticks(), lambda: 0, Random(1),
            hold=lambda: ("paused", "paused by a person") if held[0] else None,
        )  # fmt: skip
        wake = asyncio.Event()
        task = asyncio.create_task(relay.run(wake))
        await until(lambda: relay.status.next_try_s is not None)
        before = len(cloud.requests)
        for _ in range(3):
            wake.set()
            await until(lambda: not wake.is_set())
            await asyncio.sleep(0.01)
        assert len(cloud.requests) == before
        assert relay.status.asks_to_wait
        assert relay.status.state == "offline"
        assert (relay.status.next_try_s or 0) > 290
        held[0] = True
        wake.set()
        await until(lambda: relay.status.state == "paused")
        assert not relay.status.asks_to_wait
        held[0] = False
        wake.set()
        await until(lambda: relay.status.state == "offline")
        assert "asked this hub to wait" in relay.status.detail
        await relay.run_once()  # somebody pressed the button
        assert relay.status.state == "idle"
        assert not relay.status.asks_to_wait
        requests = len(cloud.requests)
        wake.set()
        await until(lambda: len(cloud.requests) > requests)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(story())
    assert len(cloud.log) == 1


@pytest.mark.parametrize(
    ("status", "is_stranger", "words"),
    [
        (429, False, "The cloud asked this hub to wait: its club is sending a lot at once."),
        (503, False, "The cloud asked this hub to wait: it is busy or being mended."),
        (429, True, "Something on the way to the cloud asked this hub to wait (status 429)."),
        (503, True, "Something on the way to the cloud asked this hub to wait (status 503)."),
    ],
)
def test_it_is_said_in_plain_words_and_noted_once(status: int, is_stranger: bool, words: str) -> None:
    outbox, cloud = MemoryOutbox(), BusyCloud(PUSH, 4, status)
    cloud.is_stranger = is_stranger
    outbox.edit(name="Ada")

    async def story() -> None:
        relay = relay_on(outbox, Line(cloud))
        await refused_rounds(relay, 4)
        status = relay.status
        assert (status.last_error, status.detail, status.asks_to_wait) == (words, words, True)
        assert "Nothing is lost" in status.hint
        await relay.run_once()
        assert relay.status.last_error is None
        await relay.close()

    asyncio.run(story())
    assert [it for _, it in outbox.notes] == [
        f"offline: {words}", "in step again: 1 edit sent, 1 received"
    ]  # fmt: skip


def test_being_asked_to_wait_after_an_outage_is_news() -> None:
    outbox, cloud = MemoryOutbox(), BusyCloud(PUSH, 1)
    outbox.edit(name="Ada")
    line = Line(cloud, iter(["never arrives"]))

    async def story() -> None:
        relay = relay_on(outbox, line)
        with pytest.raises(CloudUnreachable):
            await relay.run_once()
        assert not relay.status.asks_to_wait
        await refused_rounds(relay, 1)
        await relay.close()

    asyncio.run(story())
    assert len(outbox.notes) == 2
    assert "asked this hub to wait" in outbox.notes[1][1]


def test_a_busy_cloud_that_calls_it_final_is_asked_again_all_the_same() -> None:
    class Final(SmallCloud):
        def answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
            return json_response(wire.Problem(err="odd", err_class="permanent"), 429)

    async def story() -> None:
        async with client_on(Line(Final(public_key_b64(SEED)))) as client:
            await client.open_session()

    with pytest.raises(CloudUnreachable) as caught:
        asyncio.run(story())
    assert caught.value.asks_to_wait
