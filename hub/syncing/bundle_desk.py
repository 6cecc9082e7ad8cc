"""Bundles on a running hub: which sticks are plugged in, one being written, answers found and taken.

One thing at a time. Sticks are what is mounted under the folders that imports look in; the hub's own folder
for bundles takes the place of a stick where a tablet carries the file.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from sqlite3 import Connection
from typing import Literal

from hub import __version__
from hub.errors import ActionRefused, HubError
from hub.store import bundles, meta, shut_out, taken
from hub.store.bundles import TakenAnswer, Waiting, WrittenBundle
from hub.store.database import Database
from hub.store.records import Moment
from hub.syncing.bundle_take import Taken, check_answer, take_answer
from hub.syncing.bundle_write import Author, LogChanged, is_under_way, write_bundle
from hub.syncing.enrolment import load_key, load_next_key
from sync.bundle import ENDING, read_head
from sync.bundle_keys import CloudKey
from sync.errors import BundleDamaged
from sync.outbox import Outbox

log = logging.getLogger(__name__)

LOOK_S = 3.0
MOST_FILES = 200
SHUT_OUT_HINT = "Join again with a new claim code on the sync page. What is recorded here stays here."
Step = Literal["idle", "writing", "taking"]


@dataclass(frozen=True, slots=True)
class Stick:
    """A place to write to; `is_begun` where an interrupted bundle lies there to go on from."""

    path: Path
    name: str
    free_bytes: int
    is_begun: bool


@dataclass(frozen=True, slots=True)
class DeskView:
    """What is going on; `fault` is the last thing that failed, `words` the last that was done."""

    step: Step = "idle"
    where: str = ""
    done_bytes: int = 0
    total_bytes: int = 0
    words: str = ""
    fault: str = ""
    hint: str = ""
    file: str = ""

    @property
    def percent(self) -> int:
        """How much of it is written."""
        return min(100, 100 * self.done_bytes // self.total_bytes) if self.total_bytes else 0


@dataclass(frozen=True, slots=True)
class Books:
    """What the store says: what waits, what was written, what was answered."""

    is_enrolled: bool
    has_key: bool
    waiting: Waiting
    written: Sequence[WrittenBundle]
    answer: TakenAnswer | None
    is_shut_out: bool


class Stopped(Exception):
    """A person stopped the writing; what is there stays for the next time."""


@dataclass(slots=True)
class DeskSetting:
    """Where the hub's own bundles lie, where sticks are mounted, and the key."""

    own: Path
    mounts: tuple[Path, ...]
    key_path: Path
    is_mount: Callable[[Path], bool] = field(default=os.path.ismount)


class BundleDesk:
    """Writes bundles and takes answers; `still` holds the relay while an answer is applied.

    `now_ms` tells monotonic and wall time.
    """

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        now_ms: Callable[[], tuple[int, int]],
        moment: Callable[[], Moment],
        setting: DeskSetting,
        still: Callable[[], AbstractAsyncContextManager[None]],
    ) -> None:
        self.setting = setting
        self._database, self._outbox, self._now_ms, self._moment = database, outbox, now_ms, moment
        self._still = still
        self._turn = asyncio.Lock()
        self._stop = False
        self._task: asyncio.Task[None] | None = None
        self.view = DeskView()

    # --- looking

    async def run(self) -> None:
        """Every few seconds take answers that lie on a stick, until cancelled."""
        try:
            while True:
                with suppress(HubError, OSError):
                    await self.look()
                await asyncio.sleep(LOOK_S)
        finally:
            self._stop = True

    async def look(self) -> int:
        """Take what is new on the sticks; how many answers that were."""
        n = 0
        for path in await asyncio.to_thread(self._answers):
            facts = await asyncio.to_thread(path.stat)
            seen = (str(path), facts.st_size, facts.st_mtime_ns)
            if await self._database.read(partial(_knows, seen=seen)):
                continue
            try:
                await self.take(path)
                n += 1
            except HubError as error:
                log.warning("%s was not taken: %s", path, error)
            await self._database.write(partial(_remember, seen=seen, at_ms=self._now_ms()[1]))
        return n

    def sticks(self) -> list[Stick]:
        """What is plugged in, in the order of names. Blocks."""
        hub_id = self._database.read_now(lambda db: meta.value(db, "hub_id")) or ""
        found = []
        for path in _mounted(self.setting.mounts, self.setting.is_mount):
            with suppress(OSError):
                free = shutil.disk_usage(path).free
                found.append(Stick(path, path.name or str(path), free, is_under_way(path, hub_id)))
        return sorted(found, key=lambda it: it.name)

    def _answers(self) -> list[Path]:
        """Answers of this hub's cloud lying on the sticks, oldest name first."""
        found: list[Path] = []
        hub_id = self._database.read_now(lambda db: meta.value(db, "hub_id")) or ""
        for mount in _mounted(self.setting.mounts, self.setting.is_mount):
            with suppress(OSError):
                found += [it for it in sorted(mount.glob(f"*{ENDING}"))[:MOST_FILES] if it.is_file()]
        return [it for it in found if _is_answer(it, hub_id)]

    async def books(self) -> Books:
        """What the page shows of the store."""
        return await self._database.read(
            lambda db: Books(
                meta.value(db, "hub_id") is not None,
                meta.value(db, "bundle_key") is not None,
                bundles.waiting(db),
                bundles.written(db),
                bundles.newest_answer(db),
                shut_out.is_shut_out(db),
            )
        )

    def own_file(self, name: str) -> Path | None:
        """A bundle in the hub's own folder, None where there is none of that name. Blocks."""
        return next((it for it in self.setting.own.glob(f"*{ENDING}") if it.name == name), None)

    # --- writing

    def start_writing(self, folder: Path | None) -> None:
        """Write in the background into a folder, None for the hub's own. Raises ActionRefused."""
        if self._turn.locked():
            raise ActionRefused("A bundle is being written or taken.", hint="Wait until it is done.")
        where = folder or self.setting.own
        self.view = DeskView("writing", str(where))
        self._task = asyncio.create_task(self._written_quietly(where), name="bundle")

    async def _written_quietly(self, folder: Path) -> None:
        with suppress(HubError):  # shown by the view
            await self.write(folder)

    def stop_writing(self) -> None:
        """Stop soon; what is written stays for the next time."""
        self._stop = True

    async def write(self, folder: Path) -> WrittenBundle:
        """Write everything that waits. Raises ActionRefused or DiskFull."""
        async with self._turn:
            self._stop = False
            self.view = DeskView("writing", str(folder))
            try:
                if folder == self.setting.own:
                    await asyncio.to_thread(_emptied, folder)
                try:
                    bundle = await self._write(folder)
                except LogChanged:
                    bundle = await self._write(folder)
                await self._database.write(lambda db: bundles.remember_written(db, bundle))
            except Stopped:
                words = "Stopped. What was written stays on the stick; writing again goes on from there."
                self.view = DeskView(words=words)
                raise ActionRefused("The writing was stopped.", hint=words) from None
            except HubError as error:
                self.view = DeskView(fault=str(error), hint=error.hint)
                raise
            words = written_words(bundle, None if folder == self.setting.own else folder)
            self.view = DeskView(words=words, where=str(folder), file=bundle.name)
            await self._outbox.note("stick", words)
            return bundle

    async def _write(self, folder: Path) -> WrittenBundle:
        if await self._database.read(shut_out.is_shut_out):
            raise ActionRefused(
                "The club has shut this hub out: its cloud would refuse the bundle.", hint=SHUT_OUT_HINT
            )
        author = await self._author()
        return await asyncio.to_thread(write_bundle, self._database, author, folder, self)

    def went(self, done_bytes: int, total_bytes: int) -> None:
        """So much is on the stick. Raises Stopped."""
        if self._stop:
            raise Stopped
        self.view = replace(self.view, done_bytes=done_bytes, total_bytes=total_bytes)

    async def _author(self) -> Author:
        ids = await self._database.read(
            lambda db: [meta.value(db, key) for key in ("hub_id", "club_id", "bundle_key")]
        )
        hub_id, club_id, key = ids
        if hub_id is None or club_id is None:
            raise ActionRefused("This hub belongs to no club yet.", hint="Enrol it on the sync page first.")
        cloud = CloudKey.from_wire(key or "")
        if cloud is None:
            raise ActionRefused(
                "The cloud has not told this hub its key for bundles.",
                hint="Let it sync once over any network; after that sticks work.",
            )
        seed = await asyncio.to_thread(load_key, self.setting.key_path)
        return Author(
            hub_id, club_id, seed, cloud, __version__, await self._outbox.standing(),
            self._now_ms, lambda: self._moment().new_id(),
        )  # fmt: skip

    # --- taking

    async def take(self, path: Path, called: str = "") -> Taken:
        """Take the cloud's answer, which people know as `called`, or by the path's own name.

        Raises ActionRefused, with nothing changed where it is damaged.
        """
        async with self._turn:
            self.view = DeskView("taking", str(path))
            try:
                author = await self._author()
                next_seed = await asyncio.to_thread(load_next_key, self.setting.key_path)
                seeds = (author.seed,) if next_seed is None else (author.seed, next_seed)
                answer = await asyncio.to_thread(check_answer, path, author, seeds)
                async with self._still():
                    done = await take_answer(self._database, self._outbox, answer, self._now_ms()[1])
            except (HubError, BundleDamaged, OSError) as error:
                refused = _refused(called or path.name, error)
                self.view = DeskView(fault=str(refused), hint=refused.hint)
                raise refused from error
            if not done.is_old:
                await asyncio.to_thread(_emptied, self.setting.own)
            self.view = DeskView(words=done.words)
            return done


def _knows(db: Connection, seen: tuple[str, int, int]) -> bool:
    return taken.knows(db, *seen)


def _remember(db: Connection, seen: tuple[str, int, int], at_ms: int) -> None:
    taken.remember(db, *seen, at_ms=at_ms)


def written_words(bundle: WrittenBundle, folder: Path | None) -> str:
    """What was written, in a sentence; `folder` None is the hub's own."""
    ops = max(0, bundle.last_seq - bundle.first_seq + 1)
    counts = ((ops, "edit"), (bundle.segments, "recording"))
    held = [f"{n:,} {what}{'' if n == 1 else 's'}" for n, what in counts if n]
    inside = " and ".join(held) or "nothing that waits, only the question what is new"
    place = "is ready to be saved" if folder is None else f"is on {folder}"
    is_small = bundle.size_bytes < 1_000_000
    size = f"{bundle.size_bytes / 1e3:,.0f} kB" if is_small else f"{bundle.size_bytes / 1e6:,.1f} MB"
    return f"{bundle.name} {place}: {inside}; {size}, read back and checked."


def _refused(name: str, error: Exception) -> HubError:
    if isinstance(error, HubError):
        return error
    if isinstance(error, BundleDamaged):
        return ActionRefused(f"{name}: {error}", hint="Nothing was changed. Get the answer anew.")
    why = error.strerror if isinstance(error, OSError) else str(error)
    return ActionRefused(f"{name} cannot be read: {why}.", hint="Is the stick still plugged in?")


def _mounted(mounts: Sequence[Path], is_mount: Callable[[Path], bool]) -> list[Path]:
    """Every stick under the folders: one of them itself, or what is mounted one or two levels down."""
    found: list[Path] = []
    for mount in mounts:
        if is_mount(mount) and mount != Path("/"):
            found.append(mount)
            continue
        for inner in _folders(mount):
            found += [inner] if is_mount(inner) else [it for it in _folders(inner) if is_mount(it)]
    return found


def _folders(folder: Path) -> list[Path]:
    with suppress(OSError):
        return [it for it in sorted(folder.iterdir()) if it.is_dir() and not it.is_symlink()]
    return []


def _is_answer(path: Path, hub_id: str) -> bool:
    try:
        with path.open("rb") as file:
            head = read_head(file).head
    except (OSError, BundleDamaged):
        return False
    return head.writer == "cloud" and head.hub_id == hub_id


def _emptied(folder: Path) -> None:
    """The hub's own folder holds one bundle, and none that was answered: the card is for recording."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"*{ENDING}"):
        old.unlink(missing_ok=True)
