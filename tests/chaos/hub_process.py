"""A hub in a process that can be killed: it goes on with its session, and takes assignments on its input.

  python -m tests.chaos.hub_process FOLDER PORT ADAPTERS

lines in: `assign STRAP ATHLETE`, `end`; lines out: `ready`, `done`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from pathlib import Path

from hub.app import Hub
from hub.config import HubSettings
from hub.radio import close_radio, open_radio
from hub.serving import listening_socket
from hub.store.database import Database


async def run(folder: Path, port: int, adapters: int) -> None:
    """Until `end`, a signal, or a kill."""
    with listening_socket("127.0.0.1", 0) as probe:
        web_port = int(probe.getsockname()[1])
    names = tuple(f"hci{number}" for number in range(adapters))
    settings = HubSettings(
        data=folder, port=web_port, backend="virtual", adapters=names, virtual_port=port, watched=()
    )
    database = Database.open(settings.database_path)
    radio = await open_radio(settings)
    hub = Hub(settings, database, radio)
    tasks: set[asyncio.Task[None]] = set()
    try:
        await hub.run(lambda: tasks.add(asyncio.create_task(_obey(hub))))
    finally:
        for task in tasks:
            task.cancel()
        await close_radio(settings, radio)
        database.close()


async def _obey(hub: Hub) -> None:
    if hub.recorder.session is None:
        await hub.recorder.start_session("Chaos", "training", 0)
    print("ready", flush=True)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := (await lines.readline()).decode():
        verb, *rest = line.split()
        if verb == "assign":
            await hub.recorder.assign(rest[0], rest[1])
        elif verb == "end":
            await hub.recorder.end_session()
        print("done", flush=True)
        if verb == "end":
            break
    hub.stopping.set()


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
