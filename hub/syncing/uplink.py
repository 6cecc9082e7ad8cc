"""The hub's side of the cloud link: nothing until the hub belongs to a club, then one running relay.

How the relay works is its own business; this starts, wakes, holds and stops it, as people and networks want.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

from hub import __version__
from hub.clock import Clock
from hub.errors import ActionRefused, HubError
from hub.store import ledger, sync_limits
from hub.store.database import Database
from hub.store.sync_limits import SyncLimits
from hub.syncing.cloud_line import CloudLine
from hub.syncing.edit_watch import watch_edits
from hub.syncing.enrolment import adopt_next_key, enrol, load_key, load_next_key, prepare_next_key, rejoin
from hub.syncing.networks import Network, current_network
from hub.syncing.time_left import TimeLeft
from hub.syncing.verify import Tell, Verification, verify
from sync.client import CloudClient
from sync.errors import SyncError
from sync.outbox import Outbox
from sync.relay import Relay, RelayStatus
from sync.throttle import Throttle
from sync.wire import ClubResponse

LOOK_S = 2.0
LEAST_KBIT_S, MOST_KBIT_S = 8, 1_000_000
MOST_NAME = 64


class Uplink:
    """One hub's relay and the tasks it runs in."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        clock: Clock,
        key_path: Path,
        *,
        look: Callable[[], Network | None] = current_network,
    ) -> None:
        self._database, self._outbox, self._clock, self._key_path = database, outbox, clock, key_path
        self._look = look
        self._relay: Relay | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._wake = asyncio.Event()
        self._throttle = Throttle()
        self._line = CloudLine(database, clock)
        self.network: Network | None = None
        self.limits = SyncLimits()
        self.bytes_pending = 0
        self._time_left = TimeLeft()
        self._sent_before = 0  # by relays of this process that have ended

    @property
    def status(self) -> RelayStatus | None:
        """What the relay is doing; None while the hub belongs to no club."""
        if self._relay is None:
            return None
        status = self._relay.status
        return replace(status, bytes_sent=self._sent_before + status.bytes_sent)

    @property
    def eta_s(self) -> float | None:
        """About how long what waits will take, None while nothing is on its way."""
        return self._time_left.eta_s

    def _held(self) -> tuple[str, str] | None:
        """The state and the words for why nothing may be sent now, None when it may."""
        limits, network = self.limits, self.network
        if limits.is_paused:
            return "paused", "paused by a person"
        if limits.only_network is None or (network is not None and network.is_called(limits.only_network)):
            return None
        here = "on no network" if network is None else f"on {network.name}"
        return "waiting", f"waiting for the network {limits.only_network}; the hub is {here}"

    def _refuse_while_held(self) -> None:
        if (why := self._held()) is not None:
            raise ActionRefused(f"The sync is {why[1]}.", hint="The sync page lifts this.")

    async def pause(self, is_paused: bool) -> None:
        """Send and fetch nothing until told to go on; it survives a restart."""
        await self._database.write(lambda db: sync_limits.put_paused(db, is_paused))
        await self._limits_changed()

    async def limit(self, cap_kbit_s: int | None, only_network: str | None) -> None:
        """Set how fast, and over which network only; None takes a limit away. Raises ActionRefused."""
        if cap_kbit_s is not None and not LEAST_KBIT_S <= cap_kbit_s <= MOST_KBIT_S:
            raise ActionRefused(
                f"{cap_kbit_s} kbit/s.", hint=f"Give {LEAST_KBIT_S} to {MOST_KBIT_S:,} kbit/s, or nothing."
            )
        name = (only_network or "").strip() or None
        if name is not None and (len(name) > MOST_NAME or not name.isprintable()):
            raise ActionRefused("That is no network's name.", hint="Give a Wi-Fi's name or an interface.")
        await self._database.write(lambda db: sync_limits.put_limits(db, cap_kbit_s, name))
        await self._limits_changed()

    async def _limits_changed(self) -> None:
        self.limits = await self._database.read(sync_limits.sync_limits)
        self._throttle.kbit_s = self.limits.cap_kbit_s
        self._wake.set()

    async def _watch(self) -> None:
        """Every two seconds: how much waits, and which network this is; a new one wakes the relay."""
        while True:
            network = await asyncio.to_thread(self._look)
            if network != self.network:
                self.network = network
                if network is not None:
                    self._wake.set()
            with suppress(HubError, OSError):  # a busy store is asked again
                self.bytes_pending = await self._database.read(sync_limits.pending_bytes)
                is_moving = self.status is not None and self.status.state == "syncing"
                self._time_left.saw(self._clock.mono_ms(), self.bytes_pending, is_moving=is_moving)
                await self._line.keep()
            await asyncio.sleep(LOOK_S)

    def _edited(self) -> None:
        """Send edits now; after a failure the relay's timer decides, which heeds what the cloud asked for."""
        status = self.status
        if status is not None and status.state not in ("offline", "failed") and self._held() is None:
            self._wake.set()

    async def start(self) -> None:
        """Begin to sync, if the hub is enrolled and it has not begun."""
        books = await self._database.read(ledger.sync_ledger)
        if books.hub_id is None or books.cloud_url is None or self._tasks:
            return
        await self._line.load()
        if self._relay is None:
            self._relay = self._new_relay(books.cloud_url, books.hub_id)
        await self._limits_changed()
        self.network = await asyncio.to_thread(self._look)
        self._tasks = [
            asyncio.create_task(self._relay.run(self._wake), name="relay"),
            asyncio.create_task(self._watch(), name="uplink watch"),
            asyncio.create_task(watch_edits(self._database, self._edited), name="edit watch"),
        ]

    def _new_relay(self, url: str, hub_id: str) -> Relay:
        return Relay(
            self._outbox,
            lambda: self._dial(url, hub_id),
            self._clock.mono_ms,
            self._clock.wall_ms,
            random.Random(),
            hold=self._held,
        )

    def _dial(self, url: str, hub_id: str) -> CloudClient:
        return CloudClient(
            url,
            hub_id,
            load_key(self._key_path),
            next_seed=load_next_key(self._key_path),
            on_next_key=lambda: adopt_next_key(self._key_path),
            on_pins=self._line.announced,
            throttle=self._throttle,
            transport=self._line.transport(url),
        )

    async def _client(self) -> CloudClient:
        """A conversation beside the relay's. Raises ActionRefused while the hub belongs to no club."""
        books = await self._database.read(ledger.sync_ledger)
        if books.hub_id is None or books.cloud_url is None:
            raise ActionRefused("This hub is not enrolled.", hint="Enter a claim code on the sync page.")
        return self._dial(books.cloud_url, books.hub_id)

    async def rotate_key(self) -> None:
        """Give the hub a new key; a cut on the way leaves it with one of the two. Raises ActionRefused."""
        self._refuse_while_held()
        seed = await asyncio.to_thread(prepare_next_key, self._key_path)
        try:
            async with await self._client() as client:
                await client.rotate(seed)
        except SyncError as error:
            raise ActionRefused(f"{error}", hint=error.hint) from error
        if self._relay is not None:
            await self._relay.redial()

    async def verify(self, tell: Tell) -> Verification:
        """Compare with the cloud what it should have; sync first. Raises ActionRefused."""
        try:
            async with await self._client() as client:
                return await verify(self._database, client, self.sync_now, tell)
        except SyncError as error:
            raise ActionRefused(f"{error}", hint=error.hint) from error

    async def club(self) -> ClubResponse:
        """The club's hubs and erasures as the cloud knows them. Raises ActionRefused."""
        self._refuse_while_held()
        try:
            async with await self._client() as client:
                return await client.club()
        except SyncError as error:
            raise ActionRefused(f"{error}", hint=error.hint) from error

    async def rejoin(self, claim_code: str) -> str:
        """Go on as a hub of its own with a new name and key; the club's name. Raises ActionRefused."""
        await self.stop()
        is_refused = False
        try:
            return await rejoin(self._database, self._key_path, claim_code, __version__, self._line)
        except ActionRefused:
            is_refused = True  # all is as before: the relay still knows why it cannot sync
            raise
        finally:
            if not is_refused:
                self._forget_relay()
            await self.start()

    async def enrol(self, cloud_url: str, claim_code: str) -> None:
        """Join a club and begin to sync. Raises ActionRefused."""
        await enrol(self._database, self._key_path, cloud_url, claim_code, __version__, self._line)
        await self.start()

    def sync_soon(self) -> Relay:
        """Wake the relay. Raises ActionRefused while the hub belongs to no club."""
        if self._relay is None:
            raise ActionRefused("This hub is not enrolled.", hint="Enter a claim code on the sync page.")
        self._refuse_while_held()
        self._wake.set()
        return self._relay

    async def sync_now(self) -> str:
        """One whole round; what it did in words. Raises ActionRefused with the cause."""
        try:
            report = await self.sync_soon().run_once()
        except SyncError as error:
            raise ActionRefused(f"{error}", hint=error.hint) from error
        return report.words

    def _forget_relay(self) -> None:
        if self._relay is not None:
            self._sent_before += self._relay.status.bytes_sent
        self._relay = None

    @asynccontextmanager
    async def standing_still(self) -> AsyncIterator[None]:
        """Nothing is sent or read while the block lasts."""
        was_running = self._relay is not None
        await self.stop()
        self._forget_relay()
        try:
            yield
        finally:
            if was_running:
                await self.start()

    async def stop(self) -> None:
        """End the task; what was not confirmed waits in the store."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
