"""A packed stream whose damage is a sentence, so that no reader need know how a file was packed.

It unpacks nothing itself and bounds nothing; archive does.
"""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from hub.errors import ExportUnreadable

DAMAGED = "it is a damaged archive."
AGAIN = "Export or copy it again."
UNPACK = "Unpack it and import the files themselves."


@contextmanager
def said() -> Iterator[None]:
    """Whatever goes wrong inside an archive, as one sentence."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, gzip.BadGzipFile, struct.error) as error:
        raise ExportUnreadable(DAMAGED, hint=AGAIN) from error
    except (NotImplementedError, RuntimeError, ValueError) as error:
        raise ExportUnreadable("it is packed in a way that is not known here.", hint=UNPACK) from error
    except OSError as error:
        raise ExportUnreadable("it cannot be read to its end.", hint="Plug it in again and retry.") from error


class Guarded(io.RawIOBase):
    """A stream over another; `below` is closed with it where the other would not do so."""

    def __init__(self, packed: IO[bytes], below: IO[bytes] | None = None) -> None:
        super().__init__()
        self._packed, self._below = packed, below

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        with said():
            return self._packed.read(size)

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        with said():
            return self._packed.seek(offset, whence)

    def tell(self) -> int:
        return self._packed.tell()

    def close(self) -> None:
        if not self.closed:
            self._packed.close()
            if self._below:
                self._below.close()
        super().close()
