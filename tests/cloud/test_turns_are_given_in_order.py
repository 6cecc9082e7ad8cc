"""A club's turns: so many at once, in the order they were asked for, given back whatever happens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from random import Random

import pytest

from cloud.errors import ClubBusy
from cloud.turns import RETRY_AFTER_S, SPREAD_S, KnownClubs, Turns, never


class Ground:
    """Requests of clubs that are worked on until they are let go."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.began: list[str] = []
        self.ends: dict[str, asyncio.Event] = {}

    def ask(self, club: str, name: str, gone: Callable[[], Awaitable[None]] = never) -> asyncio.Task[None]:
        self.ends[name] = asyncio.Event()

        async def work() -> None:
            async with self.turns.turn(club, gone):  # type: ignore[arg-type]
                self.began.append(name)
                await self.ends[name].wait()

        return asyncio.create_task(work())

    async def let_go(self, name: str) -> None:
        self.ends[name].set()
        await settled()


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_two_are_worked_on_and_the_others_follow_in_the_order_they_came() -> None:
    async def story() -> None:
        ground = Ground(Turns(2, 12, None))
        tasks = [ground.ask("A", f"a{n}") for n in range(6)]
        await settled()
        assert ground.began == ["a0", "a1"]
        assert ground.turns.standing("A") == (2, 4)
        await ground.let_go("a1")
        assert ground.began == ["a0", "a1", "a2"]
        for name in ("a0", "a2", "a3", "a4", "a5"):
            await ground.let_go(name)
        assert ground.began == [f"a{n}" for n in range(6)]
        await asyncio.gather(*tasks)
        assert ground.turns.standing("A") == (0, 0)

    asyncio.run(story())


def test_another_clubs_requests_never_stand_in_that_line() -> None:
    async def story() -> None:
        ground = Ground(Turns(2, 3, None))
        flood = [ground.ask("A", f"a{n}") for n in range(40)]
        await settled()
        other = ground.ask("B", "b")
        await settled()
        assert ground.began == ["a0", "a1", "b"]
        assert sum(it.done() for it in flood) == 35
        for task in (other, *flood):
            task.cancel()
        await asyncio.gather(other, *flood, return_exceptions=True)
        assert ground.turns.standing("A") == ground.turns.standing("B") == (0, 0)

    asyncio.run(story())


def test_one_too_many_is_sent_away_and_not_all_for_the_same_time() -> None:
    async def story() -> list[ClubBusy]:
        ground = Ground(Turns(1, 1, None))
        tasks = [ground.ask("A", f"a{n}") for n in range(10)]
        await settled()
        refused = [it.exception() for it in tasks if it.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(it, ClubBusy) for it in refused)
        return refused  # type: ignore[return-value]

    refused = asyncio.run(story())
    assert len(refused) == 8
    assert {it.retry_after_s for it in refused} == set(range(RETRY_AFTER_S, RETRY_AFTER_S + SPREAD_S))
    assert (refused[0].status, refused[0].err, refused[0].err_class) == (429, "busy", "transient")


def test_who_waited_too_long_is_sent_away_and_stands_in_nobodys_way() -> None:
    async def story() -> None:
        ground = Ground(Turns(1, 2, 0.01))
        first = ground.ask("A", "first")
        await settled()
        with pytest.raises(ClubBusy):
            await ground.ask("A", "second")
        assert ground.turns.standing("A") == (1, 0)
        await ground.let_go("first")
        await first
        third = ground.ask("A", "third")
        await settled()
        assert ground.began == ["first", "third"]
        await ground.let_go("third")
        await third

    asyncio.run(story())


def test_a_place_is_free_again_when_its_request_fails_is_cancelled_or_left() -> None:
    async def story() -> None:
        turns = Turns(1, 3, None)
        ground, hung_up = Ground(turns), asyncio.Event()

        async def leaves() -> None:
            await hung_up.wait()

        with pytest.raises(ZeroDivisionError):
            async with turns.turn("A"):
                raise ZeroDivisionError
        working, cancelled = ground.ask("A", "working"), ground.ask("A", "cancelled")
        left, last = ground.ask("A", "left", leaves), ground.ask("A", "last")
        await settled()
        assert turns.standing("A") == (1, 3)
        cancelled.cancel()
        hung_up.set()
        await settled()
        assert turns.standing("A") == (1, 1)
        with pytest.raises(ClubBusy, match="Nobody waits"):
            await left
        working.cancel()
        await settled()
        assert ground.began == ["working", "last"]
        await ground.let_go("last")
        await last
        assert turns.standing("A") == (0, 0)

    asyncio.run(story())


def test_a_place_handed_over_to_who_is_cancelled_in_that_moment_goes_to_the_next() -> None:
    async def story() -> None:
        ground = Ground(Turns(1, 3, None))
        first, second, third = (ground.ask("A", name) for name in ("first", "second", "third"))
        await settled()
        first.cancel()
        await asyncio.sleep(0)
        assert ground.turns.standing("A") == (1, 1)  # handed over, and not yet noticed
        second.cancel()
        await settled()
        assert ground.began == ["first", "third"]
        await ground.let_go("third")
        await asyncio.gather(first, second, third, return_exceptions=True)
        assert ground.turns.standing("A") == (0, 0)

    asyncio.run(story())


@pytest.mark.parametrize("seed", range(40))
def test_no_order_of_events_lets_in_too_many_or_loses_a_place(seed: int) -> None:
    rng, most, worked = Random(seed), 0, 0

    async def request(turns: Turns, working: set[int], number: int) -> None:
        nonlocal most, worked

        async def leaves() -> None:
            await asyncio.sleep(0) if rng.random() < 0.2 else await never()

        async with turns.turn("A", leaves):
            working.add(number)
            most = max(most, len(working))
            try:
                for _ in range(rng.randrange(4)):
                    await asyncio.sleep(0)
                worked += 1
            finally:
                working.remove(number)

    async def story() -> None:
        turns, working, tasks = Turns(2, 4, 0.0005), set[int](), []
        for number in range(150):
            tasks.append(asyncio.create_task(request(turns, working, number)))
            if rng.random() < 0.5:
                await asyncio.sleep(0)
            if rng.random() < 0.3:
                rng.choice(tasks).cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert turns.standing("A") == (0, 0)

    asyncio.run(story())
    assert most == 2
    assert worked > 10


def test_the_log_says_once_a_minute_and_club_how_many_were_sent_away(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        loop, ahead_s = asyncio.get_running_loop(), 0.0
        real = loop.time
        monkeypatch.setattr(loop, "time", lambda: real() + ahead_s)
        turns = Turns(1, 0, None)
        async with turns.turn("A"), turns.turn("B"):
            for club, after_s in [*[("A", 1)] * 50, ("B", 1), *[("A", 1)] * 20]:
                ahead_s += after_s
                with pytest.raises(ClubBusy):
                    async with turns.turn(club):
                        pass

    with caplog.at_level(logging.WARNING, "cloud.turns"):
        asyncio.run(story())
    assert [it.getMessage() for it in caplog.records] == [
        "club A asks too much at once; requests asked to wait: 1",
        "club B asks too much at once; requests asked to wait: 1",
        "club A asks too much at once; requests asked to wait: 59",
    ]


def test_clubs_of_tokens_are_remembered_up_to_a_number() -> None:
    known = KnownClubs(most=2)
    for token in (b"1", b"2", b"2", b"3"):
        known.keep(token, f"club of {token.decode()}")
    assert [known.get(it) for it in (b"1", b"2", b"3")] == [None, "club of 2", "club of 3"]
    known.forget(b"2")
    known.forget(b"2")
    assert known.get(b"2") is None
