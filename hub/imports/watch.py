"""Folders that import by themselves: a watched one, and whatever USB stick is mounted under a given path.

It looks every few seconds and trusts nothing that still grows. It never writes to a stick, follows no link,
and of a stick takes only what is surely an export; in the watched folder everything is meant.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hub.devices.exports.sniff import is_export
from hub.devices.exports.source import Source
from hub.errors import ExportUnreadable, HubError
from hub.imports.archive import is_gzip, is_zip

STILL_LOOKS = 2
MOST_FILES = 20_000
DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as it stood when looked at."""

    path: Path
    size_bytes: int
    mtime_ns: int


class Taken(Protocol):
    """The memory of what was imported already; it must outlive a restart."""

    async def knows(self, seen: Seen) -> bool:
        """Whether this path with this size and time was taken before."""
        ...

    async def remember(self, seen: Seen) -> None:
        """It was taken now."""
        ...


class Watch:
    """`folders` are watched themselves; under `mounts` every folder is a stick's, there or not."""

    def __init__(
        self,
        folders: Sequence[Path],
        mounts: Sequence[Path],
        taken: Taken,
        take: Callable[[Sequence[Seen]], Awaitable[None]],
    ) -> None:
        self._folders, self._mounts, self._taken, self._take = folders, mounts, taken, take
        self._still: dict[Seen, int] = {}
        self._settled: set[Seen] = set()  # taken already, or no export

    async def run(self, every_s: float = 3.0) -> None:
        """Look until cancelled; what could not be handed over is offered again."""
        while True:
            with suppress(HubError):
                await self.look()
            await asyncio.sleep(every_s)

    async def look(self) -> int:
        """Look once and hand over what has come to rest since; how many files that were.

        A file counts when its size and time were the same on two looks after the first.
        """
        found = await asyncio.to_thread(self._list)
        self._still = {seen: self._still.get(seen, -1) + 1 for seen in found}
        self._settled &= found.keys()
        ready = []
        for seen in [it for it, looks in self._still.items() if looks >= STILL_LOOKS]:
            if seen in self._settled:
                continue
            if await self._is_meant(seen, is_on_stick=found[seen]):
                ready.append(seen)
            else:
                self._settled.add(seen)
        if ready:
            await self._take(ready)
        for seen in ready:
            await self._taken.remember(seen)
            self._settled.add(seen)
        return len(ready)

    async def _is_meant(self, seen: Seen, *, is_on_stick: bool) -> bool:
        if await self._taken.knows(seen):
            return False
        return not is_on_stick or await asyncio.to_thread(_is_wanted, seen.path)

    def _list(self) -> dict[Seen, bool]:
        """Every file with whether it lies on a stick."""
        found = {seen: False for folder in self._folders for seen in _files(folder)}
        for mount in self._mounts:
            found.update(dict.fromkeys(_files(mount), True))
        return found


def _files(folder: Path) -> Iterator[Seen]:
    """Plain files below a folder, nearest first; a folder that vanishes or fails has none."""
    folders, n = [(folder, 0)], 0
    while folders and n < MOST_FILES:
        here, depth = folders.pop(0)
        for entry in _entries(here):
            if entry.name.startswith("."):
                continue
            try:
                facts = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            if stat.S_ISDIR(facts.st_mode) and depth < DEEPEST:
                folders.append((Path(entry.path), depth + 1))
            elif stat.S_ISREG(facts.st_mode) and (n := n + 1) <= MOST_FILES:
                yield Seen(Path(entry.path), facts.st_size, facts.st_mtime_ns)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []


def _is_wanted(path: Path) -> bool:
    """Whether a file that nobody named is an export, or an archive that may hold some."""
    try:
        source = Source.of_path(path)
        head = source.head(4)
    except ExportUnreadable:
        return False
    return is_zip(head) or is_gzip(head) or is_export(source)
