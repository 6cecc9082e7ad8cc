"""The board's stream, asked as a generator; one journey elsewhere keeps it on a real socket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any, cast

import msgspec
import pytest

from hub.board import BoardSnapshot, LiveState
from hub.domain import Athlete, Contact
from hub.web.live import Frames, stream


def snapshot(seq: int) -> BoardSnapshot:
    live = LiveState(
        Athlete("a1", "Anna", 7), "S1", 150 + seq, None, None, None, None, None, 0.1, Contact.YES, 80
    )
    return BoardSnapshot(seq, 1_795_255_200_000, None, None, (live,), 2, 1)


def opened(frames: Frames, stopping: asyncio.Event, lifetime_s: float = 5.0) -> AsyncGenerator[bytes]:
    return cast(AsyncGenerator[bytes], stream(frames, stopping, lifetime_s=lifetime_s))


def decoded(event: bytes) -> dict[str, Any]:
    number, data, *rest = event.decode().split("\n")
    assert number.startswith("id: ")
    assert rest == ["", ""]
    answer: dict[str, Any] = msgspec.json.decode(data.removeprefix("data: "))
    return answer


async def _soon(events: AsyncGenerator[bytes]) -> bytes:
    return await asyncio.wait_for(anext(events), 1)


def test_the_first_frame_comes_at_once_and_later_ones_as_they_are_published() -> None:
    async def story() -> list[int]:
        frames, stopping = Frames(), asyncio.Event()
        frames.publish(snapshot(1))
        events = opened(frames, stopping)
        assert await _soon(events) == b"retry: 1000\n\n"
        first = decoded(await _soon(events))
        assert first["top"] == ["", "1 of 1 live", "2 new", ""]
        frames.publish(snapshot(2))
        second = decoded(await _soon(events))
        await events.aclose()
        return [first["seq"], second["seq"]]

    assert asyncio.run(story()) == [1, 2]


def test_all_clients_get_the_same_bytes_object() -> None:
    async def story() -> None:
        frames, stopping = Frames(), asyncio.Event()
        both = opened(frames, stopping), opened(frames, stopping)
        for events in both:
            await _soon(events)
        waiting = [asyncio.create_task(_soon(events)) for events in both]
        await asyncio.sleep(0)
        frames.publish(snapshot(1))
        one, other = await asyncio.gather(*waiting)
        assert one is other
        for events in both:
            await events.aclose()

    asyncio.run(story())


def test_a_slow_client_skips_to_the_newest_frame() -> None:
    async def story() -> int:
        frames, stopping = Frames(), asyncio.Event()
        events = opened(frames, stopping)
        await _soon(events)
        for seq in range(1, 50):
            frames.publish(snapshot(seq))
        newest = decoded(await _soon(events))["seq"]
        await events.aclose()
        return int(newest)

    assert asyncio.run(story()) == 49


def test_a_stream_ends_promptly_when_the_hub_stops() -> None:
    async def story() -> int:
        frames, stopping = Frames(), asyncio.Event()
        events = opened(frames, stopping)
        await _soon(events)
        waiting = asyncio.create_task(_soon(events))
        await asyncio.sleep(0.01)
        stopping.set()
        with pytest.raises(StopAsyncIteration):
            await waiting
        return frames.clients

    assert asyncio.run(story()) == 0


def test_a_stream_ends_when_its_lifetime_is_over() -> None:
    async def story() -> int:
        frames = Frames()
        frames.publish(snapshot(1))
        got = [event async for event in stream(frames, asyncio.Event(), lifetime_s=0.05)]
        return len(got)

    assert asyncio.run(story()) == 2


def test_a_client_that_goes_away_is_forgotten_and_leaves_no_task() -> None:
    async def story() -> tuple[int, int]:
        frames = Frames()
        events = opened(frames, asyncio.Event())
        await _soon(events)
        waiting = asyncio.create_task(_soon(events))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
        await asyncio.sleep(0)
        return frames.clients, len(asyncio.all_tasks())

    assert asyncio.run(story()) == (0, 1)


def test_sixty_tiles_are_a_small_frame() -> None:
    async def story() -> int:
        frames = Frames()
        states = tuple(
            LiveState(Athlete(f"a{i}", f"Athlete {i}", i, hr_max_bpm=200), "S", 150, 75.0, 3, 40.0, 80.0, 1.0,
                      0.2, Contact.YES, 80)
            for i in range(60)
        )  # fmt: skip
        frames.publish(BoardSnapshot(1, 0, None, None, states, 0, 60))
        events = opened(frames, asyncio.Event())
        await _soon(events)
        size = len(await _soon(events))
        await events.aclose()
        return size

    assert asyncio.run(story()) < 5000
