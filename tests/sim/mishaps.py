"""A day at the ground, and what may befall hubs and cloud in it: power, cards, backups, outages, versions.

Each mishap says to the judge what it excuses; nothing here looks at what came of it.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial
from random import Random
from typing import Any

from cloud import clock, records
from cloud.compaction import compact
from cloud.erasure import erase
from cloud.errors import DatabaseUnavailable, NotThere
from cloud.greeting import begin_all_feeds_anew
from cloud.letters import replay_deferred
from cloud.merge import Proposal, merge, stamp
from cloud.store import feed
from tests.sim.cloud_side import enrolled
from tests.sim.coaches import Coaches
from tests.sim.hub_side import HubSide
from tests.sim.people import ATHLETES
from tests.sim.side_by_side import CloudDied

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
    "rush",
)
"""What hubs and the cloud may suffer; each world has about half of them."""
COPIES = ("copied_card", "kill", "power_cut", "outage")
"""What may happen in worlds in which two machines run with copies of one card."""
LOOKED_AT = 0.3
"""How often somebody looks closely at a hub after having done something there."""


class Mishaps(Coaches):
    """A world in which people do this and that, and things go wrong meanwhile."""

    async def _people(self, hub: HubSide) -> None:
        actions: list[tuple[float, Callable[[HubSide], Awaitable[None]]]] = [
            (10, self._edit), (2, self._edit_badly), (3, self._train), (1, self._end), (2, self._wake),
            (2, self._coach_now), (2, self._look), (2, self._lay_on),
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

    async def _copied_card(self, hub: HubSide) -> None:
        """Somebody puts a copy of the card into another machine, and both run under one name."""
        if self.copies:
            return  # once a world
        number = len(self.hubs) + 1
        copy = hub.copied(f"{hub.name}-copy", Random(self.rng.random()), partial(self._line, number))
        self.judge.card_copied(hub, copy)
        self.hubs.append(copy)
        await copy.boot()
        self.copies.append(asyncio.create_task(self._people(copy)))

    async def _cloud_backup(self, _: HubSide) -> None:
        """The cloud goes back to where it was a moment ago, and whoever did it says so to it."""
        if self.judge.was_restored or self.had.count("cloud_backup") > 1:
            return  # once a world: a feed's new number is the minute it began in
        self.cloud.database.settle()
        copy, log = self.cloud.memory.content(), dict(self.judge.log)
        await asyncio.sleep(90 * self.rng.random())
        if self.judge.erased:
            return  # what was erased since the backup would have to be erased again by hand
        self.cloud.database.die()
        self.cloud.memory.restore(copy)
        self.judge.cloud_restored(log)
        while not await self.online(lambda db: begin_all_feeds_anew(db, clock.now_ms())):
            pass

    async def _erasure(self, _: HubSide) -> None:
        """An athlete is erased online; hubs may hold edits of them that nobody has sent, coaches forms."""
        held = self.cloud.rows("SELECT pk FROM row_state WHERE tbl = 'athlete' AND doc <> '{}' ORDER BY pk")
        chosen = self.forms if self.forms and self.rng.random() < 0.3 else [row[0] for row in held]
        pk = self.rng.choice(chosen or ATHLETES)
        if self.rng.random() < 0.5:
            await self._erase(pk)
            return
        slow = [self._fill_in_form(pk, (0.1, 3)), self._reassign(pk), self._set_outright(pk), self._settle()]
        await self._all_slow(self._erase(pk), self._reassign(), *slow)

    async def _erase(self, pk: str) -> None:
        with suppress(NotThere):
            await self.online(lambda db: erase(db, enrolled().club_id, pk, "coach", clock.now_ms()))

    async def _all_slow(self, *doings: Coroutine[Any, Any, None]) -> None:
        """At the same time, while the database takes its time."""
        self.cloud.database.slow_share = 1.0
        try:
            await asyncio.gather(*doings)
        finally:
            self.cloud.database.slow_share = self.slow_share

    async def _compaction(self, _: HubSide) -> None:
        """Old entries of the feed are dropped."""
        await self.online(lambda db: compact(db, enrolled().club_id, clock.now_ms(), kept_ms=20_000))

    async def _rush(self, hub: HubSide) -> None:
        """Several change the same athlete at the same time, and the database is slow."""
        pk = self.rng.choice(ATHLETES)
        await self._edit(hub, pk)
        hub.wake.set()
        await asyncio.sleep(0.001 * self.rng.random())
        others = (self._fill_in_form(pk, (0.1, 3)), self._answer_at_once())
        await self._all_slow(*others, self._set_outright(pk), self._set_outright(pk))

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

        async def work(db: Any) -> None:
            record = (await feed.lock_records(db, club_id, [key]))[key]
            proposal = Proposal(now_ms, max(record.stamps.values(), default=0))
            stamp_ms = stamp(proposal, server_ms=now_ms, hub_max_stamp=0, record=record)
            await feed.write_records(db, club_id, [merge(record, fields, stamp_ms)])
            op_id = str(uuid.UUID(int=self.rng.getrandbits(128), version=4))
            await feed.append(db, club_id, [feed.Entry(op_id, "set", *key, fields, stamp_ms)])

        await self.online(work)

    async def _update_cloud(self) -> None:
        """The cloud learns the table, and takes in what it had put aside because it did not know it."""
        if self.is_cloud_old:
            self.is_cloud_old = False
            self.cloud.database.die()  # the newer program is another process
            records.TABLES["kit"] = {"colour": lambda value: isinstance(value, str)}  # type: ignore[index]
        with suppress(CloudDied, DatabaseUnavailable, NotThere):  # it is done again later
            await replay_deferred(self.cloud.database, clock.now_ms())  # type: ignore[arg-type]
