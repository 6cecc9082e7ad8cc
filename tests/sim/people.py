"""Who is in a world and what they do at the ground: hubs, a cloud, people; chance decides on each.

What is done online is in `coaches`, what befalls them in `mishaps`, when and for how long in `world`.
"""

from __future__ import annotations

import asyncio
from functools import partial
from random import Random

from tests.sim.cloud_side import CloudSide, enrolled
from tests.sim.hub_side import HubSide
from tests.sim.judge import Judge
from tests.sim.line import Line
from tests.sim.memory_postgres import Memory
from tests.sim.network import Link, weather

ATHLETES = tuple(f"00000000-0000-4000-8000-00000000000{number}" for number in range(1, 5))
STRAPS = ("A0000001", "A0000002")
SIZES: tuple[tuple[tuple[int, ...], tuple[int, int]], ...] = (
    ((2,), (3, 6)), ((2, 2, 3), (5, 10)), ((3,), (12, 20)),
)  # fmt: skip
"""How many hubs a world may have, and how much people do on each, from the least to the most."""
SIZE_WEIGHTS = (0.6, 0.34, 0.06)


class People:
    """The hubs, cloud, judge and weather of one seed."""

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
                club.club_id,
            )
            for number, (hub_id, seed_) in enumerate(club.hubs[:count], 1)
        ]
        self.arrived = asyncio.Event()
        self.links: list[Link] = []
        self.down_until_s: dict[int, float] = {}
        self.is_cloud_old = True
        self.copies: list[asyncio.Task[None]] = []

    def _cloud_committed(self) -> None:
        self.judge.cloud_committed()
        self.arrived.set()

    def _line(self, number: int) -> Line:
        def is_down() -> bool:
            return self.now_s() < self.down_until_s.get(number, 0.0)

        link = Link(self.cloud, Random(self.rng.random()), self.sky, is_down)
        self.links.append(link)
        return link

    # --- what they do

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

    async def _edit(self, hub: HubSide, pk: str | None = None) -> None:
        fields: dict[str, object] = {
            "name": f"{self.rng.choice('ABCDEFGH')} of {hub.name}",
            "hr_max_bpm": self.rng.randint(160, 220),
            "shirt_number": self.rng.randint(1, 99),
        }
        names = self.rng.sample(sorted(fields), self.rng.randint(1, 3))
        pk = pk or self.rng.choice(ATHLETES)
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
