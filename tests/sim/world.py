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
from functools import partial
from random import Random
from typing import Any
from unittest import mock

from cloud import clock, records
from cloud.compaction import compact
from cloud.erasure import erase
from cloud.errors import NotThere
from cloud.greeting import begin_all_feeds_anew
from cloud.insights.job import write_insight
from cloud.insights.rules import Insight
from cloud.letters import replay_deferred
from cloud.merge import Proposal, merge, stamp
from cloud.store import feed
from hub import recorder
from tests.sim import clockwork
from tests.sim.cloud_side import CloudSide, cloud_time, enrolled
from tests.sim.hub_side import HubSide
from tests.sim.judge import Judge
from tests.sim.line import Line
from tests.sim.memory_postgres import Memory
from tests.sim.network import Link, Weather, weather

ATHLETES = tuple(f"00000000-0000-4000-8000-00000000000{number}" for number in range(1, 5))
STRAPS = ("A0000001", "A0000002")
SEAL_MS = 8_000
SIZES: tuple[tuple[tuple[int, ...], tuple[int, int]], ...] = (
    ((2,), (3, 6)), ((2, 2, 3), (5, 10)), ((3,), (12, 20)),
)  # fmt: skip
"""How many hubs a world may have, and how much people do on each, from the least to the most."""
LOOKED_AT = 0.3
"""How often somebody looks closely at a hub after having done something there."""
SIZE_WEIGHTS = (0.6, 0.34, 0.06)
WHOLE_ONE_IN = 25


@dataclass(slots=True)
class Outcome:
    """What one seed came to: `cuts` are requests that met a bad fate, `crashes` deaths of hubs and cloud."""

    seed: int
    violations: list[str]
    edits: int = 0
    segments: int = 0
    requests: int = 0
    cuts: int = 0
    crashes: int = 0
    mishaps: list[str] = field(default_factory=list)


class World:
    """Everything one seed makes; `live` runs it to the end."""

    def __init__(
        self, seed: int, mishaps: tuple[str, ...], is_whole: bool, fates: tuple[str, ...] = ()
    ) -> None:
        self.rng = Random(seed)
        self.now_s = asyncio.get_running_loop().time
        club = enrolled()
        self.cloud = CloudSide(Memory(club.clouds), is_whole=is_whole)
        self.cloud.database._on_commit = self._cloud_committed
        self.judge = Judge(self.cloud, self.now_s)
        self.sky = weather(self.rng, fates)
        self.mishaps = [it for it in mishaps if self.rng.random() < 0.5]
        self.had: list[str] = []
        counts, self._actions = self.rng.choices(SIZES, SIZE_WEIGHTS)[0]
        count = self.rng.choice(counts)
        self.hubs = [
            HubSide(
                f"hub-{number}",
                hub_id,
                seed_,
                Random(self.rng.random()),
                partial(self._line, number),
                self.judge.hub_committed,
                is_whole,
            )
            for number, (hub_id, seed_) in enumerate(club.hubs[:count], 1)
        ]
        self.backups: list[tuple[bytes, int]] = []
        self.links: list[Link] = []
        self.down_until_s: dict[int, float] = {}
        self.is_cloud_old = True

    def _cloud_committed(self) -> None:
        self.judge.cloud_committed()

    def _line(self, number: int) -> Line:
        def is_down() -> bool:
            return self.now_s() < self.down_until_s.get(number, 0.0)

        link = Link(self.cloud, Random(self.rng.random()), self.sky, is_down)
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

    def outcome(self, seed: int) -> Outcome:
        """What it came to."""
        met, had = self.sky.met, self.had
        return Outcome(
            seed,
            self.judge.violations,
            edits=sum(len(it) for it in self.judge.edits.values()),
            segments=int(self.cloud.rows("SELECT count(*) FROM segment")[0][0]),
            requests=self.cloud.requests,
            cuts=met.total() - met["arrives"] - met["cloud dies"],
            crashes=met["cloud dies"] + sum(had.count(it) for it in ("kill", "power_cut", "old_card")),
            mishaps=had,
        )

    def throw_away(self) -> None:
        """When the last task has ended."""
        self.cloud.memory.throw_away()
        for hub in self.hubs:
            hub.card.throw_away()

    # --- people and mishaps

    async def _people(self, hub: HubSide) -> None:
        actions: list[tuple[float, Callable[[HubSide], Awaitable[None]]]] = [
            (10, self._edit), (2, self._edit_badly), (3, self._train), (1, self._end), (2, self._wake),
            (2, self._coach_online), (2, self._look), (2, self._lay_on),
        ]  # fmt: skip
        if self.mishaps:
            actions.append((5, self._mishap))
        if self.rng.random() < 0.6:
            await self._begin(hub)
        for _ in range(self.rng.randint(*self._actions)):
            await asyncio.sleep(self.rng.choice((0.1, 2, 10, 40)) * self.rng.random())
            action = self.rng.choices([it for _, it in actions], [weight for weight, _ in actions])[0]
            try:
                await action(hub)
                if self.rng.random() < LOOKED_AT:
                    self.judge.looks_at(hub)
            except asyncio.CancelledError:  # the power failed in mid-action
                await self._power_back(hub)

    async def _begin(self, hub: HubSide) -> None:
        """Most days begin with people who wear straps."""
        for strap in STRAPS[: self.rng.randint(1, 2)]:
            athlete_id = self.rng.choice(ATHLETES)
            await hub.edit("athlete", athlete_id, {"name": f"One of {hub.name}"})
            await hub.lay_on(strap, athlete_id)

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
        for _ in range(self.rng.choice((1, 1, 2, 8))):
            await hub.edit("athlete", pk, {"name": "New", **{name: fields[name] for name in names}})

    async def _edit_badly(self, hub: HubSide) -> None:
        await hub.edit("athlete", self.rng.choice(ATHLETES), {"hr_max_bpm": 999})

    async def _train(self, hub: HubSide) -> None:
        await hub.train(self.rng.randint(3, 12), STRAPS[: self.rng.randint(1, 2)])

    async def _lay_on(self, hub: HubSide) -> None:
        await hub.lay_on(self.rng.choice(STRAPS), self.rng.choice((*ATHLETES, None)))

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
        await self._power_back(hub)  # it failed under another task's hands

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
        self.judge.card_changed(hub)
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
        held = self.cloud.rows("SELECT pk FROM row_state WHERE tbl = 'athlete' AND doc <> '{}' ORDER BY pk")
        pk = self.rng.choice([row[0] for row in held] or ATHLETES)
        try:
            async with self.cloud.database.transaction() as db:
                await erase(db, enrolled().club_id, pk, "coach", clock.now_ms())  # type: ignore[arg-type]
        except NotThere:
            return

    async def _compaction(self, _: HubSide) -> None:
        """Old entries of the feed are dropped."""
        async with self.cloud.database.transaction() as db:
            await compact(db, enrolled().club_id, clock.now_ms(), kept_ms=20_000)  # type: ignore[arg-type]

    async def _outage(self, hub: HubSide) -> None:
        """A hub is out of reach for a minute or two."""
        self.down_until_s[self.hubs.index(hub) + 1] = self.now_s() + 30 + 90 * self.rng.random()

    async def _new_field(self, hub: HubSide) -> None:
        """A newer hub writes a field nobody else knows, or becomes one that knows it."""
        if self.rng.random() < 0.5:
            await hub.power_off()
            hub.update()
            await hub.boot()
        await hub.edit(
            "athlete", self.rng.choice(ATHLETES), {"name": "New", "boot_size": self.rng.randint(36, 48)}
        )

    async def _new_table(self, hub: HubSide) -> None:
        """A newer hub writes a table the cloud will know after its update; a newer cloud one no hub knows."""
        await hub.edit("kit", f"kit-{self.rng.randint(1, 2)}", {"colour": self.rng.choice(("red", "blue"))})
        await self._newer_cloud()
        if self.rng.random() < 0.3:
            await self._update_cloud()

    async def _newer_cloud(self) -> None:
        club_id, key, now_ms = enrolled().club_id, ("room", "room-1"), clock.now_ms()
        fields = {"seats": self.rng.randint(10, 99)}
        async with self.cloud.database.transaction() as memory:
            db: Any = memory
            record = (await feed.lock_records(db, club_id, [key]))[key]
            proposal = Proposal(now_ms, max(record.stamps.values(), default=0))
            stamp_ms = stamp(proposal, server_ms=now_ms, hub_max_stamp=0, record=record)
            await feed.write_records(db, club_id, [merge(record, fields, stamp_ms)])
            op_id = str(uuid.UUID(int=self.rng.getrandbits(128), version=4))
            await feed.append(db, club_id, [feed.Entry(op_id, "set", *key, fields, stamp_ms)])

    async def _update_cloud(self) -> None:
        """The cloud learns the table, and takes in what it had put aside because it did not know it."""
        if self.is_cloud_old:
            self.is_cloud_old = False
            records.TABLES["kit"] = {"colour": lambda value: isinstance(value, str)}  # type: ignore[index]
        await replay_deferred(self.cloud.database, clock.now_ms())  # type: ignore[arg-type]

    # --- calm

    async def _calm(self) -> None:
        self.sky.share = 0.0
        self.down_until_s.clear()
        while any(link.under_way for link in self.links):  # noqa: ASYNC110 (made-up time is free)
            await asyncio.sleep(5)
        for hub in self.hubs:
            if not hub.is_on:
                await hub.boot()
            if hub.recorder.session is not None:
                await hub.recorder.end_session()
        if "new_table" in self.had:
            await self._update_cloud()
        waiting, has_greeted = "not asked", False
        for hub in self.hubs:
            hub.wake.set()
        for number in range(1, 40):
            await asyncio.sleep(number)
            waiting = self.judge.is_at_rest(self.hubs)
            if not waiting and "new_table" in self.had and self.judge.has_deferred():
                await self._update_cloud()  # what came late
            elif not waiting and (has_greeted or not self.judge.erased):
                return
            elif not waiting:  # what was sent before it was refused as erased goes at the next greeting
                has_greeted = True
                for hub in self.hubs:
                    hub.wake.set()
                await asyncio.sleep(10)
        self.judge.say("I11", waiting)


MISHAPS = (
    "kill",
    "power_cut",
    "old_card",
    "cloud_backup",
    "erasure",
    "compaction",
    "outage",
    "new_field",
    "new_table",
)
"""What hubs and the cloud may suffer; each world has about half of them."""


def run_seed(
    seed: int,
    mishaps: tuple[str, ...] = MISHAPS,
    is_whole: bool | None = None,
    fates: tuple[str, ...] = (),
) -> Outcome:
    """One world from beginning to end; an exception nobody expected is a violation as well.

    Where it `is_whole` (one in 25 unless told) requests pass through httpx and the web framework. `fates` are
    what the line does to requests in place of what the seed would choose.
    """
    is_whole = seed % WHOLE_ONE_IN == 0 if is_whole is None else is_whole
    enrolled()  # outside the world's own loop
    lived: list[World] = []

    async def story() -> Outcome:
        now_s = asyncio.get_running_loop().time
        ids = Random(seed)

        def new_id() -> uuid.UUID:
            return uuid.UUID(int=ids.getrandbits(128), version=4)

        with (
            mock.patch.object(clock, "time", cloud_time(now_s)),
            mock.patch.object(recorder, "SEAL_MS", SEAL_MS),
            mock.patch("cloud.insights.job.uuid.uuid4", side_effect=new_id),
            mock.patch.dict(records.TABLES),
        ):
            world = World(seed, mishaps, is_whole, fates)
            lived.append(world)
            try:
                await world.live()
            except Exception as error:
                world.judge.say("fault", f"{type(error).__name__}: {error}")
            return world.outcome(seed)

    with unheard("sync", "litestar"):
        outcome = clockwork.run(story())
    for world in lived:
        world.throw_away()
    return outcome


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
