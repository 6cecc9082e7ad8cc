"""`touchline-cloud accept`: bundles from sticks taken on the server, through the code the upload page uses.

It acts on the database beside a running service, which computes the loads.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cloud.bundle_answer import write_answer
from cloud.bundle_take import Result, take
from cloud.config import CloudSettings
from cloud.counted import counted
from cloud.errors import NoFolder
from cloud.store.database import Database, database_url
from cloud.store.migrate import migrate
from sync.bundle import ENDING

WORDS = {"taken": "taken", "there": "already there", "refused": "not taken"}


def add_arguments(one: argparse.ArgumentParser) -> None:
    """What `accept` understands."""
    one.add_argument("files", nargs="+", type=Path, metavar="FILE", help="bundles as hubs wrote them")
    one.add_argument(
        "--answer", type=Path, metavar="FOLDER", help="write the answer for each hub there (the stick)"
    )
    one.set_defaults(verb=accept)


def accept(arguments: argparse.Namespace, settings: CloudSettings) -> int:
    """Take each file, say what became of it; 1 where any was refused. Raises NoFolder."""
    if arguments.answer is not None and not arguments.answer.is_dir():
        raise NoFolder(f"{arguments.answer}.")
    with database_url(settings) as url:
        return asyncio.run(_all(url, arguments.files, arguments.answer))


async def _all(url: str, files: list[Path], answers: Path | None) -> int:
    await migrate(url)
    database = Database(url)
    is_refused = False
    try:
        for path in sorted(files, key=lambda it: it.name):  # by the time in their names
            if (fault := _unreadable(path)) is not None:
                print(f"{path}: not taken. {fault[0]}\n  {fault[1]}", flush=True)
                is_refused = True
                continue
            result = await take(database, path, None, _shower(path))
            print(f"{path.name}: {WORDS[result.state]}. {result.words}", flush=True)
            if result.hint:
                print(f"  {result.hint}", flush=True)
            is_refused |= result.state == "refused"
            if answers is not None and result.hub is not None:
                await _answer(database, result, answers)
    finally:
        await database.close()
    return int(is_refused)


def _unreadable(path: Path) -> tuple[str, str] | None:
    """What is wrong with a file that cannot be opened, and what to do; None where it can be."""
    try:
        with path.open("rb"):
            return None
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            where = path.absolute().parent
            if where.is_dir():
                there = f"Look into {where}: bundles there end in {ENDING}."
            else:
                there = f"There is no folder {where} either: is the stick plugged in and mounted?"
            return "There is no such file.", there
        if error.errno == errno.EISDIR:
            return "It is a folder.", f"Name the bundles in it: {path / f'*{ENDING}'}"
        if error.errno in (errno.EACCES, errno.EPERM):
            return "It may not be read.", "Run this as somebody who may read it, or copy it elsewhere first."
        return f"It cannot be read: {error.strerror}.", "Take the stick out, plug it in again, try again."


async def _answer(database: Database, result: Result, folder: Path) -> None:
    assert result.hub is not None
    name = answer_name(result.hub.hub_id, datetime.now(UTC))
    answer = await write_answer(database, result.hub, folder / name)
    entries, recordings = counted(answer.entries, "entry", "entries"), counted(answer.segments, "recording")
    counts = f"{entries}, {recordings} confirmed"
    print(f"  answer for the hub: {answer.path} ({counts})", flush=True)


def answer_name(hub_id: str, moment: datetime) -> str:
    """What an answer's file is called."""
    return f"touchline-{hub_id[:8]}-{moment:%Y-%m-%d-%H%M%S}-answer{ENDING}"


def _shower(path: Path) -> Callable[[str, int, int], None]:
    """A line that is written over while the work goes on, on a terminal only."""
    shown = [""]

    def show(step: str, done: int, total: int) -> None:
        text = f"{path.name}: {step} {100 * done // max(total, 1)} %"
        if sys.stderr.isatty() and text != shown[0]:
            shown[0] = text
            print(f"\r{text}\033[K", end="\r", file=sys.stderr, flush=True)

    return show
