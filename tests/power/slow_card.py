"""A card whose syncs take their time: straps go on speaking and people editing while a commit is under way.

The time is made up and passes only here; the commits, and what waits for them, are the hub's own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from random import Random

from tests.power.disk import Disk

SYNC_MS = (0, 0, 5, 20, 100, 400, 900)
STALLED_MS = 1800
"""How long one sync in thirty takes, as cards do now and then."""
HANG_S = 10.0


class SlowCard:
    """Holds every sync of `disk` for a while of made-up time: made-up time is passed by `pass_until`."""

    def __init__(self, disk: Disk, rng: Random) -> None:
        self._rng, self._loop = rng, asyncio.get_running_loop()
        self._reached, self._go = asyncio.Event(), threading.Event()
        self._is_slow = False
        disk.on_sync = self._sync

    def _sync(self) -> None:
        """On the writer's thread: wait there until its time is over."""
        if self._is_slow:
            self._loop.call_soon_threadsafe(self._reached.set)
            assert self._go.wait(HANG_S)
            self._go.clear()

    async def through(
        self, *work: Awaitable[None], now_ms: Callable[[], int], pass_until: Callable[[int], None]
    ) -> None:
        """Do the work at once, letting time pass as often and as long as it waits for the card."""
        self._is_slow = True
        tasks = [asyncio.ensure_future(it) for it in work]
        try:
            while not all(task.done() for task in tasks):
                reached = asyncio.create_task(self._reached.wait())
                waiting = {task for task in tasks if not task.done()}
                await asyncio.wait({*waiting, reached}, return_when=asyncio.FIRST_COMPLETED)
                reached.cancel()
                if self._reached.is_set():
                    self._reached.clear()
                    pass_until(now_ms() + self._takes_ms())
                    self._go.set()
        finally:
            self._is_slow = False
        await asyncio.gather(*tasks)

    def _takes_ms(self) -> int:
        return STALLED_MS if self._rng.random() < 1 / 30 else self._rng.choice(SYNC_MS)
