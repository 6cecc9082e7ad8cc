"""A small hub whose import desk really reads files, in processes of its own; and pages with it at work.

It stores nothing by itself; the tests bring the files.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from litestar.testing import TestClient

from hub.import_desk import DeskSetting, ImportDesk
from hub.web.app import create_web
from tests.web.conftest import ORIGIN, OWN, Client
from tests.web.small_hub import SmallHub

Answer = TypeVar("Answer")


def give_desk(hub: SmallHub, folder: Path) -> ImportDesk:
    """A desk of the hub's own, with a watched folder."""
    setting = DeskSetting(folder / "imports", ZoneInfo("Europe/Berlin"), (folder / "watched",))
    desk = ImportDesk(hub.database, hub.moment, setting)
    hub.parts = replace(hub.parts, imports=desk)
    return desk


class AtWork:
    """The desk's work on whatever loop begins it."""

    def __init__(self, desk: ImportDesk) -> None:
        self._desk = desk
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Start reading; returns once uploads are safe."""
        self._task = asyncio.create_task(self._desk.run())
        await asyncio.sleep(0.05)

    async def end(self) -> None:
        """Stop reading and end the processes."""
        assert self._task
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        await self._desk.close()


@contextmanager
def importing_client(hub: SmallHub, folder: Path) -> Iterator[Client]:
    """A browser at a hub whose desk is at work."""
    work = AtWork(give_desk(hub, folder))
    app = create_web(hub.parts)
    app.on_startup.append(work.begin)
    app.on_shutdown.append(work.end)
    with TestClient(app, base_url=ORIGIN) as opened:
        opened.headers.update(OWN)
        opened.follow_redirects = False
        yield opened


def soon(question: Callable[[], Answer | None], within_s: float = 20.0) -> Answer:
    """The first answer that is something."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        answer = question()
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"not within {within_s:g} s")
