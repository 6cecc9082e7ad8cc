"""One world from one number: hubs, people, weather and mishaps for half an hour, then calm, then judgement.

Safety is watched all the time; liveness only in the calm, when every line is clear and every hub is on.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from unittest import mock

import httpx

from cloud import clock
from cloud.compaction import compact
from cloud.erasure import erase
from cloud.errors import NotThere
from cloud.greeting import begin_all_feeds_anew
from cloud.insights.job import write_insight
from cloud.insights.rules import Insight
from hub import recorder
from tests.sim import clockwork
from tests.sim.cloud_side import CloudSide, cloud_time, enrolled
from tests.sim.hub_side import HubSide
from tests.sim.judge import Judge
from tests.sim.memory_postgres import Memory
from tests.sim.network import Link, Weather, weather

ATHLETES = tuple(f"00000000-0000-4000-8000-00000000000{number}" for number in range(1, 5))
STRAPS = ("A0000001", "A0000002")
SEAL_MS = 8_000


@dataclass(slots=True)
class Outcome:
    """What one seed came to."""

    seed: int
    violations: list[str]
    edits: int = 0
    requests: int = 0
    mishaps: list[str] = field(default_factory=list)


class World:
    """Everything one seed makes; `live` runs it to the end."""

    def __init__(self, seed: int, mishaps: tuple[str, ...]) -> None:
        self.rng = Random(seed)
        self.now_s = asyncio.get_running_loop().time
        club = enrolled()
        self.cloud = CloudSide(Memory(club.content))
        self.cloud.database._on_commit = self._cloud_committed
        self.judge = Judge(self.cloud, self.now_s)
        self.sky = weather(self.rng)
        self.mishaps = [it for it in mishaps if self.rng.random() < 0.5]
        self.had: list[str] = []
        count = self.rng.choice((2, 2, 3))
        self.hubs = [
            HubSide(
                f"hub-{number}",
                hub_id,
                seed_,
                Random(self.rng.random()),
                self._line,
                self.judge.hub_committed,
            )
            for number, (hub_id, seed_) in enumerate(club.hubs[:count], 1)
        ]
        self.backups: list[tuple[bytes, int]] = []
        self.links: list[Link] = []

    def _cloud_committed(self) -> None:
        self.judge.cloud_committed()

    def _line(self) -> httpx.AsyncBaseTransport:
        link = Link(self.cloud, Random(self.rng.random()), self.sky)
        self.links.append(link)
        return link

    async def live(self) -> None:
        """The bad half hour, the calm, the judgement."""
        for hub in self.hubs:
            await hub.boot()
        await asyncio.gather(*(self._people(hub) for hub in self.hubs))
        await self._calm()
        self.judge.at_rest(self.hubs)
        for hub in self.hubs:
            await hub.power_off()

    # --- people and mishaps

    async def _people(self, hub: HubSide) -> None:
        actions: list[tuple[float, Callable[[HubSide], Awaitable[None]]]] = [
            (10, self._edit), (2, self._edit_badly), (2, self._train), (1, self._end), (2, self._wake),
            (2, self._coach_online), (2, self._look),
        ]  # fmt: skip
        if self.mishaps:
            actions.append((2, self._mishap))
        for _ in range(self.rng.randint(5, 11)):
            await asyncio.sleep(self.rng.choice((0.1, 2, 20, 60)) * self.rng.random())
            action = self.rng.choices([it for _, it in actions], [weight for weight, _ in actions])[0]
            try:
                await action(hub)
            except asyncio.CancelledError:  # the power failed in mid-action
                await self._power_back(hub)

    async def _power_back(self, hub: HubSide) -> None:
        await hub.power_off()
        await asyncio.sleep(5 * self.rng.random())
        await hub.boot()

    async def _edit(self, hub: HubSide) -> None:
        fields: dict[str, object] = {
            "name": f"{self.rng.choice('ABCDEFGH')} of {hub.name}",
            "hr_max_bpm": self.rng.randint(160, 220),
            "shirt_number": self.rng.randint(1, 99),
        }
        names = self.rng.sample(sorted(fields), self.rng.randint(1, 3))
        pk = self.rng.choice(ATHLETES)
        for _ in range(self.rng.choice((1, 1, 1, 6))):
            await hub.edit("athlete", pk, {"name": "New", **{name: fields[name] for name in names}})

    async def _edit_badly(self, hub: HubSide) -> None:
        await hub.edit("athlete", self.rng.choice(ATHLETES), {"hr_max_bpm": 999})

    async def _train(self, hub: HubSide) -> None:
        await hub.train(self.rng.randint(3, 12), STRAPS[: self.rng.randint(1, 2)])

    async def _end(self, hub: HubSide) -> None:
        if hub.recorder.session is not None:
            await hub.recorder.end_session()

    async def _wake(self, hub: HubSide) -> None:
        hub.wake.set()

    async def _look(self, hub: HubSide) -> None:
        self.judge.looks_at(hub)

    async def _coach_online(self, _: HubSide) -> None:
        number = self.rng.randint(1, 3)
        new = Insight(f"2026-0{number}-05", f"Week {self.rng.random():.3f}", "Body", (("a", "b"),))
        async with self.cloud.database.transaction() as db:
            await write_insight(db, enrolled().club_id, new, clock.now_ms())  # type: ignore[arg-type]

    async def _mishap(self, hub: HubSide) -> None:
        kind = self.rng.choice(self.mishaps)
        self.had.append(kind)
        await getattr(self, f"_{kind}")(hub)

    async def _kill(self, hub: HubSide) -> None:
        await self._power_back(hub)

    async def _power_cut(self, hub: HubSide) -> None:
        hub.card.fails_at_next = self.rng.choice(("before", "after"))
        await self._edit(hub)

    async def _old_card(self, hub: HubSide) -> None:
        """The card is copied, life goes on, then the copy is put in."""
        copy, known = hub.card.content(), set(self.judge.edits[hub.name])
        heard, safe = hub.heard.copy(), hub.safe.copy()
        for _ in range(self.rng.randint(1, 4)):
            await asyncio.sleep(10 * self.rng.random())
            await self._edit(hub)
        await hub.power_off()
        self.judge.forgiven |= set(self.judge.edits[hub.name]) - known
        self.judge.lost_samples_forgiven = True
        hub.heard, hub.safe = heard, safe
        hub.put_in(copy)
        await hub.boot()

    async def _cloud_backup(self, _: HubSide) -> None:
        """The cloud goes back to where it was a moment ago, and whoever did it says so to it."""
        if self.judge.was_restored or self.had.count("cloud_backup") > 1:
            return  # once a world: a feed's new number is the minute it began in
        copy, log = self.cloud.memory.content(), dict(self.judge.log)
        await asyncio.sleep(90 * self.rng.random())
        if self.judge.erased:
            return  # what was erased since the backup would have to be erased again by hand
        self.cloud.memory.restore(copy)
        self.judge.cloud_restored(log)
        async with self.cloud.database.transaction() as db:
            await begin_all_feeds_anew(db, clock.now_ms())  # type: ignore[arg-type]

    async def _erasure(self, _: HubSide) -> None:
        """An athlete is erased online; hubs may hold edits of them that nobody has sent yet."""
        pk = self.rng.choice(ATHLETES)
        try:
            async with self.cloud.database.transaction() as db:
                done = await erase(db, enrolled().club_id, pk, "coach", clock.now_ms())  # type: ignore[arg-type]
                self.judge.erased.add(("athlete", done.subject_id))
        except NotThere:
            return

    async def _compaction(self, _: HubSide) -> None:
        """Old entries of the feed are dropped."""
        async with self.cloud.database.transaction() as db:
            await compact(db, enrolled().club_id, clock.now_ms(), kept_ms=20_000)  # type: ignore[arg-type]

    # --- calm

    async def _calm(self) -> None:
        self.sky.share = 0.0
        while any(link.under_way for link in self.links):  # noqa: ASYNC110 (made-up time is free)
            await asyncio.sleep(5)
        for hub in self.hubs:
            if not hub.is_on:
                await hub.boot()
            if hub.recorder.session is not None:
                await hub.recorder.end_session()
        waiting = "not asked"
        for hub in self.hubs:
            hub.wake.set()
        for number in range(1, 40):
            await asyncio.sleep(number)
            waiting = self.judge.is_at_rest(self.hubs)
            if not waiting:
                return
        self.judge.say("I11", waiting)


MISHAPS = ("kill", "power_cut", "old_card", "cloud_backup", "erasure", "compaction")
"""What hubs and the cloud may suffer; each world has about half of them."""


def run_seed(seed: int, mishaps: tuple[str, ...] = MISHAPS) -> Outcome:
    """One world from beginning to end; an exception nobody expected is a violation as well."""
    enrolled()  # outside the world's own loop

    async def story() -> Outcome:
        now_s = asyncio.get_running_loop().time
        ids = Random(seed)

        def new_id() -> uuid.UUID:
            return uuid.UUID(int=ids.getrandbits(128), version=4)

        with (
            mock.patch.object(clock, "time", cloud_time(now_s)),
            mock.patch.object(recorder, "SEAL_MS", SEAL_MS),
            mock.patch("cloud.insights.job.uuid.uuid4", side_effect=new_id),
        ):
            world = World(seed, mishaps)
            try:
                await world.live()
            except Exception as error:
                world.judge.say("fault", f"{type(error).__name__}: {error}")
            edits = sum(len(it) for it in world.judge.edits.values())
            return Outcome(seed, world.judge.violations, edits, world.cloud.requests, world.had)

    with unheard("sync", "litestar"):
        return clockwork.run(story())


@contextmanager
def unheard(*names: str) -> Iterator[None]:
    """A world's mishaps are meant: what they log is not printed, and later tests hear the log again."""
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


__all__ = ["MISHAPS", "Outcome", "Weather", "World", "run_seed"]
