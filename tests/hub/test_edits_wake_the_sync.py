"""Whoever edits, the sync is woken, seldom enough; what is no edit, a pause or a failure wakes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from sqlite3 import Connection

import pytest

from hub.store import meta
from hub.store.records import propose
from hub.syncing.edit_watch import watch_edits
from sync.relay import Relay
from tests.hub.test_the_link_is_used_as_people_want import Place, until


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    found = Place(tmp_path)
    yield found
    found.database.close()


def edit(place: Place) -> Callable[[Connection], None]:
    return lambda db: propose(db, place.moment(), "athlete", "a", {"name": "Ann"})


def counted(place: Place, pauses_s: list[float]) -> int:
    """How often edits with these pauses behind them woke somebody."""

    async def story() -> int:
        wakes = 0

        def wake() -> None:
            nonlocal wakes
            wakes += 1

        task = asyncio.create_task(watch_edits(place.database, wake))
        await asyncio.sleep(0.1)
        for pause_s in pauses_s:
            await place.database.write(edit(place))
            await asyncio.sleep(pause_s)
        await asyncio.sleep(1.2)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return wakes

    return asyncio.run(story())


def test_a_burst_wakes_once_and_a_stream_of_edits_once_a_second(place: Place) -> None:
    assert counted(place, [0.0] * 20) == 1
    assert 2 <= counted(place, [0.1] * 20) <= 4
    place.database.write_now(edit(place))  # nobody watches any more, and nobody is told


def test_what_is_no_edit_wakes_nobody_and_what_was_there_before_is_no_news(place: Place) -> None:
    place.database.write_now(edit(place))

    async def story() -> None:
        woken = asyncio.Event()
        task = asyncio.create_task(watch_edits(place.database, woken.set))
        await asyncio.sleep(0.1)
        for number in range(20):
            await place.database.write(lambda db, at=number: meta.put(db, "heard_ms", at))  # type: ignore[misc]
        await asyncio.sleep(0.8)
        assert not woken.is_set()
        await place.database.write(edit(place))
        await asyncio.wait_for(woken.wait(), 2)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(story())


def test_after_a_failure_the_timer_decides_and_a_pause_is_kept(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.relay.wait_s", lambda *_: 600.0)
    tries, run_once = 0, Relay.run_once

    async def tried(relay: Relay) -> object:
        nonlocal tries
        tries += 1
        return await run_once(relay)

    monkeypatch.setattr(Relay, "run_once", tried)

    async def story() -> None:
        uplink = place.uplink()
        await uplink.start()
        await until(uplink, "offline")
        was = tries
        await place.database.write(edit(place))
        await asyncio.sleep(0.8)
        assert tries == was
        await uplink.pause(True)
        await until(uplink, "paused")
        await place.database.write(edit(place))
        await asyncio.sleep(0.8)
        assert (tries, uplink.status and uplink.status.state) == (was, "paused")
        await uplink.stop()

    asyncio.run(story())
