"""Original export files, kept under their hash so that a better reader can read them again one day.

They are compressed, bounded in size and prunable, the oldest first; nothing but re-reading ever needs one.
Which are kept the store knows; this writes and reads the files.
"""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from sqlite3 import Connection
from typing import BinaryIO

from hub.errors import NotFound
from hub.store import originals

CHUNK_BYTES = 1 << 20
MOST_FILE_BYTES = 256 << 20
MOST_TOTAL_BYTES = 4 << 30


def path_of(folder: Path, sha256: str) -> Path:
    """Where the file with this hash is kept."""
    return folder / sha256[:2] / f"{sha256}.gz"


def put_away(folder: Path, sha256: str, stream: BinaryIO, *, most_bytes: int = MOST_FILE_BYTES) -> int | None:
    """Write the decompressed bytes of an export, gzipped, and return the size on disk.

    None where they are more than `most_bytes` or do not have this hash: then nothing is kept. A file that is
    there already stays. Raises OSError as the disk does.
    """
    target = path_of(folder, sha256)
    if target.exists():
        return target.stat().st_size
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{sha256}.{os.getpid()}.part")
    try:
        with (
            part.open("wb") as raw,
            gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=6, mtime=0) as packed,
        ):
            if not _copied(stream, packed, sha256, most_bytes):
                return None
        part.replace(target)
        return target.stat().st_size
    finally:
        with suppress(FileNotFoundError):
            part.unlink()


def _copied(stream: BinaryIO, packed: gzip.GzipFile, sha256: str, most_bytes: int) -> bool:
    digest, size = hashlib.sha256(), 0
    while chunk := stream.read(CHUNK_BYTES):
        size += len(chunk)
        if size > most_bytes:
            return False
        digest.update(chunk)
        packed.write(chunk)
    return digest.hexdigest() == sha256


def open_original(folder: Path, sha256: str) -> BinaryIO:
    """The decompressed bytes of a kept file. Raises NotFound where it was pruned or never kept."""
    try:
        return gzip.open(path_of(folder, sha256), "rb")  # type: ignore[return-value]
    except FileNotFoundError as error:
        raise NotFound(
            f"original file {sha256[:12]}", hint="It was too large to keep, or pruned. Import it again."
        ) from error


def prune(db: Connection, folder: Path, *, most_total_bytes: int = MOST_TOTAL_BYTES) -> list[str]:
    """Delete the oldest files until the rest fits; which hashes are gone."""
    gone = originals.beyond(db, most_total_bytes)
    delete(folder, gone)
    for sha256 in gone:
        originals.forget(db, sha256)
    return gone


def delete(folder: Path, hashes: Iterable[str]) -> None:
    """Take kept files off the disk; one that is gone already is no error."""
    for sha256 in hashes:
        with suppress(FileNotFoundError):
            path_of(folder, sha256).unlink()
