"""A file in a watched folder or on a stick counts once it no longer grows, and only once."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from hub.errors import StoreUnavailable
from hub.imports.watch import Seen, Watch
from tests.imports.own_files import fit_run, zipped


class Memory:
    """What was taken, as a store would keep it."""

    def __init__(self) -> None:
        self.taken: set[Seen] = set()

    async def knows(self, seen: Seen) -> bool:
        return seen in self.taken

    async def remember(self, seen: Seen) -> None:
        self.taken.add(seen)


class Folders:
    """A watched folder and a place for sticks, with what was handed over."""

    def __init__(self, root: Path, memory: Memory | None = None) -> None:
        self.watched, self.mounts = root / "watched", root / "mounts"
        self.memory = memory or Memory()
        self.given: list[str] = []
        self.fails = False
        self.has_given = asyncio.Event()
        self.watch = Watch([self.watched], [self.mounts], self.memory, self.take)

    async def take(self, files: Sequence[Seen]) -> None:
        if self.fails:
            raise StoreUnavailable("busy.")
        self.given += sorted(seen.path.name for seen in files)
        self.has_given.set()

    def look(self, times: int = 1) -> list[str]:
        before = len(self.given)
        for _ in range(times):
            asyncio.run(self.watch.look())
        return self.given[before:]


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    (tmp_path / "watched" / "inner").mkdir(parents=True)
    (tmp_path / "mounts" / "stick").mkdir(parents=True)
    return Folders(tmp_path)


def test_a_file_counts_once_it_was_still_for_two_looks(folders: Folders) -> None:
    path = folders.watched / "inner" / "a.fit"
    path.write_bytes(b"half")
    assert folders.look(2) == []
    path.write_bytes(fit_run())
    assert folders.look(2) == []
    assert folders.look() == ["a.fit"]
    assert folders.look(4) == []


def test_what_was_taken_is_known_after_a_restart_until_it_changes(folders: Folders, tmp_path: Path) -> None:
    path = folders.watched / "a.fit"
    path.write_bytes(fit_run())
    assert folders.look(3) == ["a.fit"]
    again = Folders(tmp_path, folders.memory)
    assert again.look(4) == []
    path.write_bytes(fit_run(90))
    assert again.look(4) == ["a.fit"]


def test_of_a_stick_only_exports_and_archives_are_taken(folders: Folders) -> None:
    stick = folders.mounts / "stick" / "GARMIN" / "ACTIVITY"
    stick.mkdir(parents=True)
    (stick / "run.fit").write_bytes(fit_run())
    (stick / "season.bin").write_bytes(zipped({"a.fit": fit_run()}))
    (stick / "holiday.jpg").write_bytes(b"\xff\xd8\xff" + bytes(99))
    (stick / "letter.fit").write_bytes(b"Dear coach")
    (folders.watched / "letter.fit").write_bytes(b"Dear coach")
    assert folders.look(3) == ["letter.fit", "run.fit", "season.bin"]


def test_hidden_files_links_and_pipes_are_left_alone(folders: Folders, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret.fit").write_bytes(fit_run())
    (folders.watched / "link").symlink_to(tmp_path / "elsewhere")
    (folders.watched / "link.fit").symlink_to(tmp_path / "elsewhere" / "secret.fit")
    (folders.watched / ".part.fit").write_bytes(fit_run())
    (folders.watched / ".Trash").mkdir()
    (folders.watched / ".Trash" / "old.fit").write_bytes(fit_run())
    os.mkfifo(folders.watched / "pipe.fit")
    assert folders.look(4) == []


def test_a_stick_may_come_and_go_at_any_time(folders: Folders) -> None:
    stick = folders.mounts / "other"
    stick.mkdir()
    (stick / "a.fit").write_bytes(fit_run())
    assert folders.look(2) == []
    shutil.move(stick, folders.mounts.parent / "away")
    assert folders.look(3) == []
    shutil.move(folders.mounts.parent / "away", stick)
    assert folders.look(3) == ["a.fit"]
    shutil.rmtree(folders.mounts)
    shutil.rmtree(folders.watched)
    assert folders.look(2) == []
    folders.watched.mkdir()
    (folders.watched / "b.fit").write_bytes(fit_run())
    assert folders.look(3) == ["b.fit"]


def test_what_could_not_be_handed_over_is_offered_again(folders: Folders) -> None:
    (folders.watched / "a.fit").write_bytes(fit_run())
    folders.fails = True
    folders.look(2)
    with pytest.raises(StoreUnavailable):
        folders.look()
    folders.fails = False
    assert folders.look() == ["a.fit"]


def test_watching_goes_on_through_failures_until_it_is_cancelled(folders: Folders) -> None:
    (folders.watched / "a.fit").write_bytes(fit_run())
    folders.fails = True

    async def story() -> None:
        watching = asyncio.create_task(folders.watch.run(every_s=0.01))
        await asyncio.sleep(0.2)
        folders.fails = False
        await folders.has_given.wait()
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watching

    asyncio.run(asyncio.wait_for(story(), 10))
    assert folders.given == ["a.fit"]
