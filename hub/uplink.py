"""The hub's side of the cloud link: nothing until the hub belongs to a club, then one running relay.

How the relay works is its own business; this starts, wakes and stops it.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from hub import __version__
from hub.clock import Clock
from hub.enrolment import adopt_next_key, enrol, load_key, load_next_key, prepare_next_key, rejoin
from hub.errors import ActionRefused
from hub.store import ledger
from hub.store.database import Database
from hub.verify import Verification, verify
from sync.client import CloudClient
from sync.errors import SyncError
from sync.outbox import Outbox
from sync.relay import Relay, RelayStatus


class Uplink:
    """One hub's relay and the task it runs in."""

    def __init__(self, database: Database, outbox: Outbox, clock: Clock, key_path: Path) -> None:
        self._database, self._outbox, self._clock, self._key_path = database, outbox, clock, key_path
        self._relay: Relay | None = None
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()

    @property
    def status(self) -> RelayStatus | None:
        """What the relay is doing; None while the hub belongs to no club."""
        return None if self._relay is None else self._relay.status

    async def start(self) -> None:
        """Begin to sync, if the hub is enrolled and it has not begun."""
        books = await self._database.read(ledger.sync_ledger)
        if books.hub_id is None or books.cloud_url is None or self._relay is not None:
            return
        url, hub_id = books.cloud_url, books.hub_id
        self._relay = Relay(
            self._outbox,
            lambda: self._dial(url, hub_id),
            self._clock.mono_ms,
            self._clock.wall_ms,
            random.Random(),
        )
        self._task = asyncio.create_task(self._relay.run(self._wake), name="relay")

    def _dial(self, url: str, hub_id: str) -> CloudClient:
        return CloudClient(
            url,
            hub_id,
            load_key(self._key_path),
            next_seed=load_next_key(self._key_path),
            on_next_key=lambda: adopt_next_key(self._key_path),
        )

    async def _client(self) -> CloudClient:
        """A conversation beside the relay's. Raises ActionRefused while the hub belongs to no club."""
        books = await self._database.read(ledger.sync_ledger)
        if books.hub_id is None or books.cloud_url is None:
            raise ActionRefused("This hub is not enrolled.", hint="Enter a claim code on the sync page.")
        return self._dial(books.cloud_url, books.hub_id)

    async def rotate_key(self) -> None:
        """Give the hub a new key; a cut on the way leaves it with one of the two. Raises ActionRefused."""
        seed = await asyncio.to_thread(prepare_next_key, self._key_path)
        try:
            async with await self._client() as client:
                await client.rotate(seed)
        except SyncError as error:
            raise ActionRefused(f"{error}", hint=error.hint) from error
        if self._relay is not None:
            await self._relay.redial()

    async def verify(self) -> Verification:
        """Compare with the cloud what it should have; sync first. Raises ActionRefused."""
        await self.sync_now()
        try:
            async with await self._client() as client:
                return await verify(self._database, client)
        except SyncError as error:
            raise ActionRefused(f"{error}", hint=error.hint) from error

    async def rejoin(self, claim_code: str) -> str:
        """Go on as a hub of its own with a new name and key; the club's name. Raises ActionRefused."""
        await self.stop()
        try:
            return await rejoin(self._database, self._key_path, claim_code, __version__)
        finally:
            self._relay = self._task = None
            await self.start()

    async def enrol(self, cloud_url: str, claim_code: str) -> None:
        """Join a club and begin to sync. Raises ActionRefused."""
        await enrol(self._database, self._key_path, cloud_url, claim_code, __version__)
        await self.start()

    def sync_soon(self) -> Relay:
        """Wake the relay. Raises ActionRefused while the hub belongs to no club."""
        if self._relay is None:
            raise ActionRefused("This hub is not enrolled.", hint="Enter a claim code on the sync page.")
        self._wake.set()
        return self._relay

    async def sync_now(self) -> str:
        """One whole round; what it did in words. Raises ActionRefused with the cause."""
        try:
            report = await self.sync_soon().run_once()
        except SyncError as error:
            raise ActionRefused(f"{error}", hint=error.hint) from error
        return report.words

    async def stop(self) -> None:
        """End the task; what was not confirmed waits in the store."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
