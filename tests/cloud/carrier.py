"""Somebody with a stick: bundles from a real hub's card to the real cloud, and its answers back."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from cloud.bundle_answer import Answer, write_answer
from cloud.bundle_take import Result, take
from cloud.store.database import Database as CloudDatabase
from cloud.store.rows import HubIdentity
from hub.store import bundles, meta
from hub.store.bundles import WrittenBundle
from hub.syncing.bundle_take import Taken, check_answer, take_answer
from hub.syncing.bundle_write import Author, write_bundle
from hub.syncing.enrolment import load_key, load_next_key
from sync.bundle_keys import CloudKey
from tests.cloud.conftest import run
from tests.cloud.pitchside import START_MS, HubOn

T = TypeVar("T")


class Quiet:
    """Nobody watches."""

    def went(self, done_bytes: int, total_bytes: int) -> None:
        pass


class Carrier:
    """Carries between hubs and one cloud; `stick` is the folder in his pocket."""

    def __init__(self, url: str, stick: Path) -> None:
        self.url, self.stick = url, stick
        self._brought: set[str] = set()
        stick.mkdir(parents=True, exist_ok=True)

    def author(self, hub: HubOn) -> Author:
        key = hub.ask(lambda db: meta.value(db, "bundle_key"))
        assert key is not None
        cloud = CloudKey.from_wire(key)
        club_id = hub.ask(lambda db: meta.value(db, "club_id"))
        assert cloud is not None
        assert club_id is not None

        def now() -> tuple[int, int]:
            moment = hub.moment()
            return moment.mono_ms, moment.wall_ms

        return Author(
            hub.hub_id, club_id, load_key(hub.key_path), cloud, "1", run(hub.outbox.standing()), now,
            lambda: str(uuid.uuid4()),
        )  # fmt: skip

    def write(self, hub: HubOn, watcher: Quiet | None = None) -> Path:
        """A bundle on the stick."""
        written = write_bundle(hub.store, self.author(hub), self.stick, watcher or Quiet())
        hub.store.write_now(lambda db: bundles.remember_written(db, written))
        self.written: WrittenBundle = written
        return self.stick / written.name

    def accept(self, bundle: Path, club_id: str | None = None) -> Result:
        """Taken by the cloud."""
        result = run(self._cloud(lambda db: take(db, bundle, club_id)))
        if result.hub is not None:
            self._brought.add(result.hub.hub_id)
        return result

    def has_brought(self, hub: HubOn) -> bool:
        """Whether a bundle of this hub came to the cloud, so that there is something to answer."""
        return hub.hub_id in self._brought

    def answer(self, hub: HubOn) -> Path:
        """The cloud's answer, on the stick."""
        author = self.author(hub)
        path = self.stick / f"{uuid.uuid4().hex}-answer.tlb"
        identity = HubIdentity(author.club_id, author.hub_id)
        self.answered: Answer = run(self._cloud(lambda db: write_answer(db, identity, path)))
        return path

    def take_back(self, hub: HubOn, answer: Path) -> Taken:
        """Taken by the hub."""
        seeds = tuple(it for it in (load_key(hub.key_path), load_next_key(hub.key_path)) if it)
        checked = check_answer(answer, self.author(hub), seeds)
        return run(take_answer(hub.store, hub.outbox, checked, START_MS))

    def there_and_back(self, hub: HubOn) -> Taken:
        """One whole walk."""
        result = self.accept(self.write(hub))
        assert result.state != "refused", result
        return self.take_back(hub, self.answer(hub))

    async def _cloud(self, work: Callable[[CloudDatabase], Awaitable[T]]) -> T:
        database = CloudDatabase(self.url)
        try:
            return await work(database)
        finally:
            await database.close()
