"""One world from one number: hubs, people, weather and mishaps for half an hour, then calm, then judgement.

Safety is watched all the time; liveness only in the calm, when every line is clear and every hub is on.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from unittest import mock

from cloud import accounts, clock, records
from hub import recorder
from tests.sim import clockwork
from tests.sim.cloud_side import CLUB, Clear, cloud_time, enrolled
from tests.sim.mishaps import MISHAPS, Mishaps
from tests.sim.network import Weather

SEAL_MS = 8_000
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


class World(Mishaps):
    """Everything one seed makes; `live` runs it to the end."""

    async def live(self) -> None:
        """The bad half hour, at the ground and online, the calm, the judgement."""
        self._open_office()
        for hub in self.hubs:
            await hub.boot()
        await asyncio.gather(*(self._people(hub) for hub in self.hubs), self._coach(), self._coach())
        await asyncio.gather(*self.copies)
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

    # --- calm

    async def _calm(self) -> None:
        self.sky.share = self.cloud.database.slow_share = 0.0
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
            await self._copies_part()
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

    async def _copies_part(self) -> None:
        """Whoever reads that two machines run with one card lets this one join as a hub of its own."""
        for hub in self.hubs:
            if hub.is_told_of_a_copy():
                async with self.cloud.database.transaction() as db:
                    club = await accounts.ensure_club(db, CLUB, clock.now_ms())  # type: ignore[arg-type]
                    code = await accounts.new_claim_code(db, club, clock.now_ms())  # type: ignore[arg-type]
                await hub.power_off()
                await hub.rejoin(code, Clear(self.cloud))
                await hub.boot()
                hub.wake.set()
                self.had.append("parted")


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
        ids = Random(f"ids of {seed}")  # none that the world itself draws

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

    with unheard("sync", "litestar", "cloud"):
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
