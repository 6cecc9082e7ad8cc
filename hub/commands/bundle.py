"""`touchline-hub bundle`: write what waits onto a stick, or take the cloud's answer from one.

The running hub does it and is followed; without one this process does it itself.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from hub.clock import boot_id, taken_up
from hub.config import HubSettings
from hub.control import ask
from hub.errors import ActionRefused
from hub.imports import originals
from hub.serving import owned
from hub.store import boots
from hub.store.database import Database
from hub.store.outbox import StoreOutbox
from hub.store.records import Moment
from hub.syncing.bundle_desk import BundleDesk, DeskSetting

EXAMPLE = """bundle --to /media/usb                what waits, onto the stick; goes on where it stopped
  touchline-hub bundle --take /media/usb/touchline-1a2b3c4d-2026-11-21-101500-answer.tlb"""
LOOK_S = 0.25


def add_arguments(one: argparse.ArgumentParser) -> None:
    """What `bundle` understands."""
    which = one.add_mutually_exclusive_group(required=True)
    which.add_argument("--to", type=Path, metavar="FOLDER", help="write a bundle into this folder")
    which.add_argument("--take", type=Path, metavar="FILE", help="take the cloud's answer")


def setting_of(settings: HubSettings) -> DeskSetting:
    """What the desk needs of the hub's settings."""
    home = settings.database_path.parent
    return DeskSetting(home / "bundles", settings.usb, home / "hub.key")


def verbs(desk: BundleDesk) -> dict[str, Any]:
    """What commands may ask a running hub."""

    async def write(question: dict[str, Any], _data: bytes) -> dict[str, Any]:
        desk.start_writing(Path(str(question["folder"])))
        return {}

    async def look(_question: dict[str, Any], _data: bytes) -> dict[str, Any]:
        view = desk.view
        return {
            "step": view.step, "percent": view.percent, "words": view.words, "fault": view.fault,
            "hint": view.hint,
        }  # fmt: skip

    async def take(question: dict[str, Any], _data: bytes) -> dict[str, Any]:
        return {"words": (await desk.take(Path(str(question["file"])))).words}

    return {"bundle_write": write, "bundle_look": look, "bundle_take": take}


def run(settings: HubSettings, options: argparse.Namespace) -> int:
    """Write or take, and say what happened."""
    if options.take is not None:
        path = options.take.resolve()
        answer = _asked(settings, "bundle_take", file=str(path))
        words = answer["words"] if answer else _alone(settings, lambda desk: _take(desk, path))
    else:
        folder = options.to.resolve()
        is_running = _asked(settings, "bundle_write", folder=str(folder)) is not None
        words = _followed(settings) if is_running else _alone(settings, lambda desk: _write(desk, folder))
    print(words)
    return 0


def _asked(settings: HubSettings, verb: str, **fields: object) -> dict[str, Any] | None:
    """The running hub's answer, None where none runs. Raises ActionRefused."""
    answer = ask(settings.control_path, verb, b"", **fields)
    if answer is not None and "error" in answer:
        raise ActionRefused(answer["error"], hint=answer.get("hint", ""))
    return answer


def _followed(settings: HubSettings) -> str:
    """Look until the running hub has written it. Raises ActionRefused with what went wrong."""
    while True:
        view = _asked(settings, "bundle_look")
        if view is None:
            raise ActionRefused("the hub stopped while it wrote.", hint="Start it and write again.")
        if view["step"] != "writing":
            break
        _show(view["percent"])
        time.sleep(LOOK_S)
    _show(None)
    if view["fault"]:
        raise ActionRefused(view["fault"], hint=view["hint"])
    return str(view["words"])


def _alone(settings: HubSettings, work: Callable[[BundleDesk], Any]) -> str:
    if not settings.database_path.exists():
        raise ActionRefused(f"There is no hub in {settings.data}.", hint="Set TOUCHLINE_DATA to its folder.")
    with owned(settings):
        database = Database.open(settings.database_path)
        try:
            return str(asyncio.run(work(_desk(settings, database))))
        finally:
            database.close()


def _desk(settings: HubSettings, database: Database) -> BundleDesk:
    boot = boot_id()
    boot_no = database.write_now(lambda db: boots.register(db, boot))
    clock = database.write_now(lambda db: taken_up(db, boot_no))

    def moment() -> Moment:
        return Moment(boot_no, clock.mono_ms(), clock.wall_ms(), lambda: str(uuid4()))

    originals_there = settings.database_path.with_name("originals")
    outbox = StoreOutbox(database, boot, moment, clock.learn, partial(originals.delete, originals_there))
    return BundleDesk(
        database,
        outbox,
        lambda: (clock.mono_ms(), clock.wall_ms()),
        moment,
        setting_of(settings),
        _nothing_runs,
    )


@contextlib.asynccontextmanager
async def _nothing_runs() -> AsyncIterator[None]:
    yield


async def _take(desk: BundleDesk, path: Path) -> str:
    return (await desk.take(path)).words


async def _write(desk: BundleDesk, folder: Path) -> str:
    writing = asyncio.create_task(desk.write(folder))
    while not writing.done():
        await asyncio.wait([writing], timeout=LOOK_S)
        _show(desk.view.percent)
    _show(None)
    await writing
    return desk.view.words


def _show(percent: int | None) -> None:
    """A line that is written over, on a terminal only."""
    if sys.stderr.isatty():
        text = "" if percent is None else f"writing {percent} %"
        print(f"\r{text}\033[K", end="\r" if percent is None else "", file=sys.stderr, flush=True)
