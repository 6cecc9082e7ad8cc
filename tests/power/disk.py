"""A disk that writes down everything SQLite asks of it, so that power can be cut at any point afterwards.

It is a VFS of APSW's SQLite over ordinary files; what a power cut leaves is worked out from the diary: writes
since a file's last sync may be lost, kept in any combination, or torn at sector boundaries.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import apsw

SECTOR_BYTES = 512
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Write:
    file: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    file: str
    size: int


@dataclass(frozen=True, slots=True)
class Sync:
    file: str


@dataclass(frozen=True, slots=True)
class Delete:
    file: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Something the hub said or heard, at this point of the diary."""

    what: str
    value: Any


Event = Write | Truncate | Sync | Delete | Mark


class Disk:
    """One diary and the VFS that keeps it; files not ending in .db or -wal are not durable and not kept.

    `on_sync` is called on the writer's thread when a sync begins and returns when it is through: a slow card
    takes its time there, and a power cut before then finds nothing synced.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.name = f"power-{next(_numbers)}"
        self.on_sync: Callable[[], None] = lambda: None
        self._vfs = _DiaryVFS(self)

    def mark(self, what: str, value: Any) -> None:
        """Note what the hub acknowledged or heard."""
        self.events.append(Mark(what, value))

    def close(self) -> None:
        """Forget the VFS; the diary stays."""
        self._vfs.unregister()


class _DiaryVFS(apsw.VFS):
    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        super().__init__(disk.name, "unix")

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:
        return _DiaryFile(name, flags, self._disk)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        super().xDelete(filename, syncdir)
        self._disk.events.append(Delete(Path(filename).name))


class _DiaryFile(apsw.VFSFile):
    def __init__(self, name: Any, flags: list[int], disk: Disk) -> None:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._file, self._disk, self._events = Path(path).name, disk, disk.events
        super().__init__("unix", name, flags)

    def xWrite(self, data: Any, offset: int) -> None:
        super().xWrite(data, offset)
        self._events.append(Write(self._file, offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:
        super().xTruncate(newsize)
        self._events.append(Truncate(self._file, newsize))

    def xSync(self, flags: int) -> None:
        self._disk.on_sync()
        self._events.append(Sync(self._file))  # the real fsync would prove nothing here, and costs time


@dataclass(slots=True)
class _File:
    durable: bytearray
    pending: list[Write | Truncate]

    def sync(self) -> None:
        for change in self.pending:
            _apply(self.durable, change)
        self.pending.clear()


def cut(events: Sequence[Event], at: int, before: dict[str, bytes], rng: Random) -> dict[str, bytes]:
    """The files after the power went just before event `at`, the disk having begun as `before`.

    Half of the cuts lose every unsynced write; the others keep each with even odds, or some sectors of it.
    """
    files = {name: _File(bytearray(data), []) for name, data in before.items()}
    for event in events[:at]:
        if isinstance(event, Mark):
            continue
        if isinstance(event, Delete):
            files.pop(event.file, None)
            continue
        file = files.setdefault(event.file, _File(bytearray(), []))
        if isinstance(event, Sync):
            file.sync()
        else:
            file.pending.append(event)
    is_scattered = rng.random() < 0.5
    for file in files.values():
        for change in _survivors(file.pending, rng) if is_scattered else ():
            _apply(file.durable, change)
    return {name: bytes(file.durable) for name, file in files.items()}


def _survivors(pending: Sequence[Write | Truncate], rng: Random) -> Iterator[Write | Truncate]:
    for change in pending:
        fate = rng.random()
        if fate < 0.4:
            continue
        if fate < 0.6 and isinstance(change, Write):
            yield from (piece for piece in _sectors(change) if rng.random() < 0.5)
        else:
            yield change


def _sectors(write: Write) -> Iterator[Write]:
    at = 0
    while at < len(write.data):
        size = SECTOR_BYTES - (write.offset + at) % SECTOR_BYTES
        yield Write(write.file, write.offset + at, write.data[at : at + size])
        at += size


def _apply(content: bytearray, change: Write | Truncate) -> None:
    if isinstance(change, Truncate):
        del content[change.size :]
        content.extend(bytes(change.size - len(content)))
        return
    end = change.offset + len(change.data)
    content.extend(bytes(max(0, end - len(content))))
    content[change.offset : end] = change.data


@contextmanager
def diary() -> Iterator[Disk]:
    """A disk for as long as the block lasts."""
    disk = Disk()
    try:
        yield disk
    finally:
        disk.close()
