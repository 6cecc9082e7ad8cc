"""Worlds in which people also decide about refused edits, at the ground and online: both sides end alike."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from random import Random
from sqlite3 import Connection
from unittest import mock

from cloud import clock, letters
from cloud.errors import CloudError
from cloud.refused_edits import STATES
from hub.errors import HubError
from hub.store import dead_letters
from sync.refused_edits import OPEN
from tests.sim import world
from tests.sim.cloud_side import enrolled
from tests.sim.hub_side import HubSide
from tests.sim.side_by_side import CloudDied
from tests.sim.world import World, run_seed

SEEDS = 40
OPEN_LETTERS = (
    "SELECT op_id FROM dead_letter WHERE state = ? AND payload LIKE '%athlete%' AND code = 'invalid'"
)
made: list[int] = []


class Deciding(World):
    """People put refused edits away, take them out and send them again, beside all that happens else."""

    async def _people(self, hub: HubSide) -> None:
        rng = Random(f"{hub.name} {self.hubs.index(hub)} {self.sky.share}")
        deciding = asyncio.create_task(self._decide(hub, rng))
        try:
            await super()._people(hub)
        finally:
            deciding.cancel()

    async def _decide(self, hub: HubSide, rng: Random) -> None:
        while True:
            await asyncio.sleep(5 * rng.random())
            with suppress(HubError, CloudError, CloudDied):
                if rng.random() < 0.4:
                    await self._online(rng)
                elif hub.is_on:
                    await self._at_the_ground(hub, rng)

    async def _online(self, rng: Random) -> None:
        is_back = rng.random() < 0.4
        rows = self.cloud.rows(OPEN_LETTERS, "discarded" if is_back else "open")
        if rows:
            work = letters.take_out if is_back else letters.discard
            op_id = rng.choice(sorted(row[0] for row in rows))
            async with self.cloud.database.transaction() as db:
                await work(db, enrolled().club_id, op_id, clock.now_ms(), "ana")  # type: ignore[arg-type]
            made.append(1)

    async def _at_the_ground(self, hub: HubSide, rng: Random) -> None:
        def change(db: Connection) -> bool:
            doings: tuple[Callable[..., None], ...] = (dead_letters.put_away, dead_letters.put_away)
            found = [it for it in dead_letters.waiting(db) if it.fields.get("hr_max_bpm") == 999]
            if rng.random() < 0.4 or not found:
                doings, found = (dead_letters.take_out,), dead_letters.away(db)
            elif rng.random() < 0.3:
                doings = (dead_letters.retry,)
            if found:
                rng.choice(doings)(db, hub.moment(), rng.choice(found).op_id)
            return bool(found)

        try:
            made.extend([1] * await hub.card.write(change))
        except asyncio.CancelledError:  # the power failed in mid-decision, if nobody ends this task
            if asyncio.current_task().cancelling():  # type: ignore[union-attr]
                raise

    async def _calm(self) -> None:
        await super()._calm()
        for hub in self.hubs:
            if said := self._disagreement(hub):
                self.judge.say("agree", said)

    def _disagreement(self, hub: HubSide) -> str:
        rows = self.cloud.rows("SELECT op_id, state, code FROM dead_letter WHERE hub_id = ?", hub.hub_id)
        there = {row[0]: row[1] for row in rows if row[2] in ("invalid", "suspect")}
        waiting = {it.op_id for it in hub.asked(dead_letters.waiting)}
        decided = dict(hub.asked(lambda db: db.execute("SELECT op_id, state FROM refused_edit").fetchall()))
        held = {row[0] for row in hub.asked(lambda db: db.execute(
            "SELECT op_id FROM outbox WHERE state = 'dead' AND tbl = 'athlete' AND reason = 'invalid'"
        ).fetchall())}  # fmt: skip
        for op_id in sorted(held & there.keys()):
            here = decided.get(op_id, OPEN)
            if there[op_id] != STATES[here] or (op_id in waiting) is not (here == OPEN):
                return f"{op_id} is {here} on {hub.name}, {there[op_id]} online"
        return ""


def test_in_every_world_both_sides_agree_in_the_end() -> None:
    made.clear()
    with mock.patch.object(world, "World", Deciding):
        outcomes = [run_seed(seed) for seed in range(SEEDS)]
    broken = [f"seed {it.seed} {it.mishaps}: {words}" for it in outcomes for words in it.violations]
    assert not broken, "\n".join(broken[:10])
    assert len(made) > SEEDS, "they decide a lot"
