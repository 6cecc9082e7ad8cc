"""A file to be read: its name, its size and a fresh stream of its bytes, wherever they lie.

It never looks at a name to learn what the bytes are, and never opens a path that a file's content names.
"""

from __future__ import annotations

import io
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hub.errors import ExportUnreadable

HEAD_BYTES = 65_536
NOT_READABLE = "it cannot be read from where it lies."


def _no_sibling(_name: str) -> Source | None:
    return None


@dataclass(frozen=True, slots=True)
class Source:
    """`name` is the last part of the file's name; `size_bytes` and the stream are of decompressed bytes."""

    name: str
    size_bytes: int
    opener: Callable[[], BinaryIO]
    beside: Callable[[str], Source | None] = _no_sibling

    @staticmethod
    def of_bytes(name: str, data: bytes, siblings: Mapping[str, bytes] | None = None) -> Source:
        """Bytes at hand; `siblings` are the other files of its folder by name."""
        others = siblings or {}

        def beside(other: str) -> Source | None:
            return Source.of_bytes(other, others[other], others) if other in others else None

        return Source(_last_part(name), len(data), lambda: io.BytesIO(data), beside)

    @staticmethod
    def of_path(path: Path, name: str | None = None) -> Source:
        """A file on disk. Raises ExportUnreadable when it is gone or may not be read."""

        def beside(other: str) -> Source | None:
            sibling = path.with_name(_last_part(other))
            return Source.of_path(sibling) if sibling.is_file() else None

        try:
            facts = path.stat()
            if not stat.S_ISREG(facts.st_mode):
                raise ExportUnreadable("it is no file.", hint="Choose the files in it.")
            return Source(_last_part(name or path.name), facts.st_size, lambda: path.open("rb"), beside)
        except OSError as error:
            raise _gone(error) from error

    def open(self) -> BinaryIO:
        """A fresh stream from the first byte; the caller closes it. Raises ExportUnreadable."""
        try:
            return self.opener()
        except OSError as error:
            raise _gone(error) from error

    def read(self, most_bytes: int) -> bytes:
        """All bytes. Raises ExportUnreadable when there are more than `most_bytes`, or the disk fails."""
        if self.size_bytes > most_bytes:
            raise too_large(self.size_bytes, most_bytes)
        data = self._first(most_bytes + 1)
        if len(data) > most_bytes:
            raise too_large(len(data), most_bytes)
        return data

    def head(self, n_bytes: int = HEAD_BYTES) -> bytes:
        """The first bytes, fewer where the file is shorter."""
        return self._first(n_bytes)

    def sibling(self, name: str) -> Source | None:
        """Another file of the same folder or archive folder, None where there is none."""
        return self.beside(name)

    def _first(self, n_bytes: int) -> bytes:
        try:
            with self.open() as stream:
                return stream.read(n_bytes)
        except OSError as error:
            raise _gone(error) from error


def too_large(size_bytes: int, most_bytes: int) -> ExportUnreadable:
    """The refusal of a file that is larger than its reader takes."""
    return ExportUnreadable(
        f"it has {-(-size_bytes // (1 << 20))} MiB, more than {most_bytes >> 20}.",
        hint="Export single activities.",
    )


def _gone(error: OSError) -> ExportUnreadable:
    if isinstance(error, FileNotFoundError):
        return ExportUnreadable(
            "it is not there any more.", hint="Look where it lies now and choose it again."
        )
    reason = (error.strerror or "the medium failed").lower()
    return ExportUnreadable(f"{NOT_READABLE[:-1]} ({reason}).", hint="Plug it in again and retry.")


def _last_part(name: str) -> str:
    return name.replace("\\", "/").rsplit("/", 1)[-1]
