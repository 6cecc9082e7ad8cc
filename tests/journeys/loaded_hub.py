"""A hub's card with trainings on it, and its relay by hand: for links that are shaped, torn or measured."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from sqlite3 import Connection
from typing import TypeVar

import numpy as np

from benchmarks.recorded import Training, ids, squad, training
from hub.clock import Clock
from hub.store import boots, ledger, meta
from hub.store.database import Database
from hub.store.outbox import StoreOutbox
from hub.store.records import Moment, propose
from hub.syncing.enrolment import enrol, load_key
from sync.client import CloudClient
from sync.errors import SyncError
from sync.relay import PERIOD_S, Relay

T = TypeVar("T")
BOOT = "the-boot-it-was-recorded-in"
MONO_MS = 200 * 3_600_000


class LoadedHub:
    """A real store in a folder and the product's relay over it; nothing runs until `drain`."""

    def __init__(self, folder: Path, seed: int = 1) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.database = Database.open(folder / "hub.db")
        self._key = folder / "hub.key"
        self._rng = np.random.default_rng(seed)
        self._new_id = ids(self._rng)
        self.boot_no = self.database.write_now(lambda db: boots.register(db, BOOT))
        self.clock = Clock(self.boot_no)
        self.athletes: list[str] = []
        self.trainings: list[Training] = []

    def moment(self) -> Moment:
        return Moment(self.boot_no, MONO_MS, time.time_ns() // 1_000_000, self._new_id)

    def record(self, athletes: int, minutes: int) -> Training:
        """One more training of so many athletes."""

        def change(db: Connection) -> Training:
            if len(self.athletes) < athletes:
                self.athletes = squad(db, self.moment(), athletes)
            return training(db, self.moment(), self.athletes[:athletes], minutes, self._rng)

        self.trainings.append(self.database.write_now(change))
        return self.trainings[-1]

    def edit(self, count: int) -> None:
        """So many small edits of athletes."""

        def change(db: Connection) -> None:
            for number in range(count):
                pk = self.athletes[number % len(self.athletes)]
                propose(db, self.moment(), "athlete", pk, {"hr_max_bpm": 170 + number % 40})

        self.database.write_now(change)

    def asked(self, question: Callable[[Connection], T]) -> T:
        return self.database.read_now(question)

    def ledger(self) -> ledger.Ledger:
        return self.asked(ledger.sync_ledger)

    async def join(self, url: str, claim_code: str) -> None:
        """Enrol over the link at `url`."""
        await enrol(self.database, self._key, url, claim_code, "test")

    def relay(self, url: str, period_s: float = PERIOD_S) -> Relay:
        """The product's relay over the link at `url`."""
        hub_id, seed = self.asked(lambda db: meta.value(db, "hub_id")) or "", load_key(self._key)
        outbox = StoreOutbox(self.database, BOOT, self.moment, self.clock.learn)
        return Relay(
            outbox, lambda: CloudClient(url, hub_id, seed), self.clock.mono_ms, self.clock.wall_ms, Random(1),
            period_s=period_s,
        )  # fmt: skip

    async def drain(self, relay: Relay, within_s: float, pause_s: float = 0.05) -> int:
        """Rounds until nothing waits, trying again at once as when the link comes back; how many failed."""
        failed = 0
        async with asyncio.timeout(within_s):
            while self.ledger().pending:
                try:
                    await relay.run_once()
                except SyncError:
                    failed += 1
                    await asyncio.sleep(pause_s)
        await relay.close()
        return failed

    def close(self) -> None:
        self.database.close()
