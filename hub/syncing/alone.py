"""Syncing and comparing without a running hub: its store, key and relay, held alone for as long as it takes.

It records nothing and serves no page; while a hub runs, the hub is asked instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar
from uuid import uuid4

from hub.clock import boot_id, taken_up
from hub.config import HubSettings
from hub.errors import ActionRefused
from hub.imports import originals
from hub.serving import owned
from hub.store import boots
from hub.store.database import Database
from hub.store.outbox import StoreOutbox
from hub.store.records import Moment
from hub.syncing.desk import DeskParts, SyncDesk
from hub.syncing.uplink import Uplink
from hub.syncing.verify import Verification

T = TypeVar("T")


def sync_alone(settings: HubSettings) -> str:
    """Send and fetch until nothing is left; what was done in words.

    Raises StoreUnavailable while a hub holds the folder, and ActionRefused where the cloud cannot be reached.
    """
    return _alone(settings, lambda uplink, _desk: uplink.sync_now())


def verify_alone(settings: HubSettings) -> Verification:
    """Sync, then compare with the cloud and keep what was found, as the running hub does.

    Raises StoreUnavailable while a hub holds the folder, and ActionRefused where the cloud cannot be reached.
    """
    return _alone(settings, lambda _uplink, desk: desk.compare())


def _alone(settings: HubSettings, work: Callable[[Uplink, SyncDesk], Awaitable[T]]) -> T:
    async def go(database: Database) -> T:
        async with _at_the_line(settings, database) as (uplink, desk):
            return await work(uplink, desk)

    with owned(settings):
        database = Database.open(settings.database_path)
        try:
            return asyncio.run(go(database))
        finally:
            database.close()


@asynccontextmanager
async def _at_the_line(settings: HubSettings, database: Database) -> AsyncIterator[tuple[Uplink, SyncDesk]]:
    """What a running hub has of the sync, and nothing else of it."""
    boot = boot_id()
    boot_no = await database.write(lambda db: boots.register(db, boot))
    clock = await database.write(lambda db: taken_up(db, boot_no))

    def moment() -> Moment:
        return Moment(boot_no, clock.mono_ms(), clock.wall_ms(), lambda: str(uuid4()))

    folder = settings.database_path.parent / "originals"
    delete = partial(originals.delete, folder)
    outbox = StoreOutbox(database, boot, moment, clock.learn, delete)
    uplink = Uplink(database, outbox, clock, settings.database_path.with_name("hub.key"))
    desk = SyncDesk(database, DeskParts(moment, uplink.verify, uplink.club, _no_straps, _nobody_listens))
    await uplink.start()
    try:
        yield uplink, desk
    finally:
        await desk.close()
        await uplink.stop()


async def _no_straps(strap_id: str, athlete_id: str | None) -> None:
    raise ActionRefused("No hub is running here.", hint="Start it with touchline-hub run.")


async def _nobody_listens(tbl: str, pk: str, athlete_id: str | None) -> None:
    """No page is open and no result is computed here."""
