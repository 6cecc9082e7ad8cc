"""Files on their way from a browser: written to the desk's folder piece by piece, then named to it by id.

Nothing is ever whole in memory, and no name from outside becomes a path.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterable
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from hub.errors import ActionRefused, DiskFull
from hub.import_desk import ImportDesk
from hub.imports.jobs import Incoming

FILE_LIMIT_BYTES = 2 << 30
ROOM_LEFT_BYTES = 256 << 20
CHUNK_BYTES = 1 << 20
LONGEST_NAME = 200


def clean_name(name: str) -> str:
    """A file's name or path within its folder, as it may be shown."""
    plain = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name).strip(" /\\")
    return plain[-LONGEST_NAME:] or "file without a name"


def refuse_without_room(folder: Path, n_bytes: int) -> None:
    """Raise DiskFull where a file of this size would leave the hub too little to record with."""
    if shutil.disk_usage(folder).free < n_bytes + ROOM_LEFT_BYTES:
        raise DiskFull("The file was not taken.", hint="Delete what is not needed, then choose it again.")


async def receive(desk: ImportDesk, name: str, n_bytes: int, chunks: AsyncIterable[bytes]) -> str:
    """Write an upload of `n_bytes` (0: not said) to its place and return its id.

    What did not arrive whole is removed again. Raises DiskFull and ActionRefused.
    """
    place = await asyncio.to_thread(desk.place_for, clean_name(name))
    await asyncio.to_thread(refuse_without_room, place.path.parent, n_bytes)
    try:
        with await asyncio.to_thread(place.path.open, "wb") as file:
            await _write(file, chunks)
        if n_bytes and place.path.stat().st_size != n_bytes:
            raise ActionRefused(f"{place.name} did not arrive whole.", hint="Choose it again.")
    except BaseException:
        place.path.unlink(missing_ok=True)
        raise
    return place.path.name


async def _write(file: BinaryIO, chunks: AsyncIterable[bytes]) -> None:
    waiting = bytearray()
    async for chunk in chunks:
        waiting += chunk
        if len(waiting) >= CHUNK_BYTES:
            await asyncio.to_thread(file.write, waiting)
            waiting = bytearray()
    await asyncio.to_thread(file.write, waiting)


def uploaded(desk: ImportDesk, upload_id: UUID, name: str) -> Incoming:
    """A file that was received. Raises ActionRefused where it is not there."""
    path = desk.setting.incoming / str(upload_id)
    if not path.is_file():
        raise ActionRefused(f"{clean_name(name)} did not arrive.", hint="Choose it again.")
    return Incoming(path, clean_name(name))


def throw_away(desk: ImportDesk, upload_id: UUID) -> None:
    """Remove an upload that is not wanted after all."""
    (desk.setting.incoming / str(upload_id)).unlink(missing_ok=True)
