"""A relay that is stopped ends, even if somebody wakes it in the same moment."""

from __future__ import annotations

import asyncio
from random import Random

import httpx
import pytest

from sync.keys import public_key_b64
from sync.relay import Relay
from tests.sim import clockwork
from tests.sync.far_end import Line, SmallCloud
from tests.sync.near_end import SEED, MemoryOutbox, client_on


class Cut(Line):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route to host")


@pytest.mark.parametrize("way", [Line, Cut])
@pytest.mark.parametrize("turns", range(8))
def test_it_ends_however_many_turns_after_it_was_woken(way: type[Line], turns: int) -> None:
    line = way(SmallCloud(public_key_b64(SEED)))

    async def story() -> None:
        loop, wake = asyncio.get_running_loop(), asyncio.Event()
        relay = Relay(
            MemoryOutbox(),
            lambda: client_on(line),
            lambda: round(loop.time() * 1000),
            lambda: 0,
            Random(1),
        )
        task = asyncio.create_task(relay.run(wake))
        await asyncio.sleep(0.5)
        assert not task.done()
        wake.set()
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task}, timeout=3600)
        assert task.cancelled()

    clockwork.run(story())
