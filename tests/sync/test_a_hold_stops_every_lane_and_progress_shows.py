"""A pause or a foreign network stops records, feed and snapshot as it stops samples; what moves is shown."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import suppress

import httpx
import pytest

from hub.syncing.time_left import TimeLeft
from sync.errors import CloudUnreachable
from sync.keys import public_key_b64
from sync.relay import QUIET_PERIODS, QUIET_ROUNDS, Relay
from tests.sync.far_end import Line, SmallCloud, page
from tests.sync.near_end import SEED, MemoryOutbox, client_on

PAUSED = ("paused", "paused by a person")


class Held(Line):
    """Holds everything once `most` requests of `path` came; calls `look` before each request."""

    def __init__(self, cloud: SmallCloud, path: str = "", most: int = 0) -> None:
        super().__init__(cloud)
        self.path, self.most, self.count = path, most, 0
        self.is_held = False
        self.look: Callable[[str], None] = lambda path: None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.look(request.url.path)
        if request.url.path == self.path:
            self.count += 1
            self.is_held |= self.count == self.most
        return await super().handle_async_request(request)


def relay_on(outbox: MemoryOutbox, line: Held, period_s: float = 0.01) -> Relay:
    def hold() -> tuple[str, str] | None:
        return PAUSED if line.is_held else None

    def now_ms() -> int:
        return time.monotonic_ns() // 1_000_000

    rng = random.Random(1)
    return Relay(outbox, lambda: client_on(line), now_ms, lambda: 0, rng, period_s=period_s, hold=hold)


def shown(relay: Relay) -> tuple[str, str]:
    return relay.status.state, relay.status.detail


async def one_round(relay: Relay) -> None:
    try:
        await relay.run_once()
    finally:
        await relay.close()


def wordy(count: int) -> MemoryOutbox:
    """Edits that do not get smaller when zipped: several batches of them."""
    outbox, rng = MemoryOutbox(), random.Random(7)
    for _ in range(count):
        outbox.edit(note=rng.randbytes(500).hex())
    return outbox


def test_records_stop_behind_the_batch_under_way_and_go_on_when_let() -> None:
    outbox, line = wordy(400), Held(SmallCloud(public_key_b64(SEED)), "/v1/sync/push", most=2)
    relay = relay_on(outbox, line)
    asyncio.run(one_round(relay))
    assert line.count == 2
    assert 0 < outbox.acked_seq < 300
    assert line.cloud.requests[-1] == "/v1/sync/push"
    assert shown(relay) == PAUSED

    line.is_held = False
    asyncio.run(one_round(relay))
    assert outbox.acked_seq == 400
    assert shown(relay)[0] == "idle"


@pytest.mark.parametrize("is_gone", [False, True])
def test_the_feed_and_a_snapshot_stop_and_go_on_from_where_they_were(is_gone: bool) -> None:
    cloud = SmallCloud(public_key_b64(SEED))
    office = wordy(100)
    for op in office.log:
        cloud.say("set", op)
    if is_gone:
        cloud.horizon = 30
    path = "/v1/sync/snapshot" if is_gone else "/v1/sync/pull"
    outbox, line = MemoryOutbox(), Held(cloud, path, most=2)
    relay = relay_on(outbox, line)
    asyncio.run(one_round(relay))
    had = outbox.pages if is_gone else outbox.feed
    assert line.count == 2
    assert 0 < len(had) < 100
    assert shown(relay) == PAUSED

    line.is_held = False
    asyncio.run(one_round(relay))
    assert len(outbox.records if is_gone else outbox.feed) == 100
    assert shown(relay)[0] == "idle"


def test_records_on_their_way_are_shown_at_once_also_after_an_outage() -> None:
    outbox, line = wordy(400), Held(SmallCloud(public_key_b64(SEED)))
    relay = relay_on(outbox, line)
    seen: list[tuple[str, str]] = []
    line.faults = iter(["gateway"])

    async def story() -> None:
        with pytest.raises(CloudUnreachable):
            await relay.run_once()
        assert relay.status.state == "offline"
        line.look = lambda path: seen.append((path, relay.status.state))
        await one_round(relay)

    asyncio.run(story())
    pushes = [state for path, state in seen if path == "/v1/sync/push"]
    assert pushes[0] == "offline"
    assert len(pushes) > 3
    assert set(pushes[1:]) == {"syncing"}
    assert relay.status.detail == "400 edits sent, 400 received"


def test_a_batch_that_a_proxy_cannot_get_answered_is_halved_until_its_culprit_is_put_aside() -> None:
    class Behind(Held):
        """The worker dies on one operation: the proxy in front says 502, and hands on everything else."""

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            answer = await super().handle_async_request(request)
            return page(502) if answer.status_code == 500 else answer

    cloud = SmallCloud(public_key_b64(SEED))
    cloud.fails_on = {"crash"}
    outbox, line = MemoryOutbox(), Behind(cloud)
    for number in range(6):
        outbox.edit(**({"crash": True} if number == 3 else {"name": f"{number}"}))
    relay = relay_on(outbox, line)

    async def rounds() -> None:
        for _ in range(4):
            with pytest.raises(CloudUnreachable):
                await relay.run_once()
        assert outbox.suspects == {}
        for _ in range(20):
            with suppress(CloudUnreachable):
                await relay.run_once()
        await relay.close()

    asyncio.run(rounds())
    assert list(outbox.suspects) == [4]
    assert outbox.acked_seq == 6
    assert outbox.dead == {4}


@pytest.mark.parametrize(("faults", "is_shown"), [(["never arrives"], False), (["never arrives"] * 2, True)])
def test_a_connection_ended_while_it_was_silent_is_dialled_anew_and_is_no_outage(
    faults: list[str], is_shown: bool
) -> None:
    outbox, line = MemoryOutbox(), Held(SmallCloud(public_key_b64(SEED)))
    relay = relay_on(outbox, line)

    async def story() -> None:
        line.faults = iter(["none"] * 2 + ["never arrives"])  # the very first greeting is no second try's
        with pytest.raises(CloudUnreachable):
            await relay.run_once()
        await relay.run_once()
        line.faults = iter(faults)
        with suppress(CloudUnreachable):
            await relay.run_once()
        await relay.close()

    asyncio.run(story())
    assert shown(relay)[0] == ("offline" if is_shown else "idle")
    assert len(outbox.contacts) == (1 if is_shown else 2)


def test_a_quiet_hub_asks_less_often_until_something_happens() -> None:
    outbox, line = MemoryOutbox(), Held(SmallCloud(public_key_b64(SEED)))
    relay, wake = relay_on(outbox, line, period_s=1.0), asyncio.Event()

    async def pause_s() -> float:
        wake.set()
        before = len(outbox.contacts)
        while len(outbox.contacts) == before or relay.status.next_try_s is None:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
        return relay.status.next_try_s

    async def story() -> None:
        task = asyncio.create_task(relay.run(wake))
        early = [await pause_s() for _ in range(3)]
        for _ in range(QUIET_ROUNDS):
            late = await pause_s()
        outbox.edit(name="a")
        again = await pause_s()
        line.is_held = True
        wake.set()
        while shown(relay) != PAUSED:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
        await asyncio.sleep(0.02)
        assert relay.status.next_try_s is None, "nothing is tried while somebody holds it"
        assert max(*early, again) <= 1.0
        assert QUIET_PERIODS - 0.5 < late <= QUIET_PERIODS
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(asyncio.wait_for(story(), 20))


def test_the_time_left_follows_what_has_left_the_store() -> None:
    left = TimeLeft()
    assert left.eta_s is None
    for second in range(0, 12, 2):
        left.saw(second * 1000, 100_000 - 5_000 * second, is_moving=True)
    assert left.eta_s == pytest.approx(10.0)
    left.saw(12_000, 90_000, is_moving=True)  # somebody recorded more
    assert left.eta_s is None
    left.saw(14_000, 80_000, is_moving=True)
    assert left.eta_s == pytest.approx(16.0)
    left.saw(16_000, 80_000, is_moving=False)
    assert left.eta_s is None
    left.saw(18_000, 80_000, is_moving=True)
    assert left.eta_s is None  # nothing gets less
    left.saw(20_000, 0, is_moving=True)
    assert left.eta_s is None
