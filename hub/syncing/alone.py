"""One round of sync without a running hub: its store, key and relay, held alone for as long as it takes.

It records nothing and serves no page; while a hub runs, the hub is asked instead.
"""

from __future__ import annotations

import asyncio
from functools import partial
from uuid import uuid4

from hub.clock import RELEASED_MS, Clock, boot_id, mono_ms
from hub.config import HubSettings
from hub.imports import originals
from hub.serving import owned
from hub.store import boots
from hub.store.database import Database
from hub.store.outbox import StoreOutbox
from hub.store.records import Moment
from hub.syncing.uplink import Uplink


def sync_alone(settings: HubSettings) -> str:
    """Send and fetch until nothing is left; what was done in words.

    Raises StoreUnavailable while a hub holds the folder, and ActionRefused where the cloud cannot be reached.
    """
    with owned(settings):
        database = Database.open(settings.database_path)
        try:
            return asyncio.run(_round(settings, database))
        finally:
            database.close()


async def _round(settings: HubSettings, database: Database) -> str:
    boot = boot_id()
    boot_no = await database.write(lambda db: boots.register(db, boot))
    least_ms = max(RELEASED_MS, await database.read(boots.newest_known_ms))
    known = await database.read(lambda db: boots.best_anchor(db, boot_no, mono_ms()))
    clock = Clock(boot_no, known, least_ms)
    await database.write(lambda db: boots.add_anchor(db, clock.anchor))

    def moment() -> Moment:
        return Moment(boot_no, clock.mono_ms(), clock.wall_ms(), lambda: str(uuid4()))

    folder = settings.database_path.parent / "originals"
    delete = partial(originals.delete, folder)
    outbox = StoreOutbox(database, boot, moment, clock.learn, delete)
    uplink = Uplink(database, outbox, clock, settings.database_path.with_name("hub.key"))
    await uplink.start()
    try:
        return await uplink.sync_now()
    finally:
        await uplink.stop()
