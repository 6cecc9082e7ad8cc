"""Edits made here wake the sync: whatever page or command one comes from, it is soon on its way.

It sends nothing and reads no edit; it only sees that the log of edits has grown, and gathers what comes in a
burst into one wake.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from hub.errors import HubError
from hub.store import meta
from hub.store.database import Database

QUIET_S = 0.25
"""A burst is over when nothing has changed for so long."""
LEAST_S = 1.0
"""Between two wakes, and how long a burst is waited out."""


async def watch_edits(database: Database, wake: Callable[[], None]) -> None:
    """For ever: call `wake` after edits, at most once a second."""
    loop, changed = asyncio.get_running_loop(), asyncio.Event()

    def tell() -> None:
        with suppress(RuntimeError):  # the loop is closing
            loop.call_soon_threadsafe(changed.set)

    before, database.on_commit = database.on_commit, tell
    try:
        seen, woken_s = await _head(database, 0), loop.time() - LEAST_S
        while True:
            await changed.wait()
            await asyncio.sleep(max(0.0, woken_s + LEAST_S - loop.time()))
            until_s = loop.time() + LEAST_S
            while changed.is_set() and loop.time() < until_s:
                changed.clear()
                await asyncio.sleep(QUIET_S)
            head = await _head(database, seen)
            if head != seen:
                seen, woken_s = head, loop.time()
                wake()
    finally:
        database.on_commit = before


async def _head(database: Database, last: int) -> int:
    """The number the next edit will have; the last one known where the store is too busy to say."""
    with suppress(HubError, OSError):
        return await database.read(lambda db: meta.number(db, "next_seq", 1))
    return last
