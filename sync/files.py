"""A file gets its name for good: written whole beside it, and the folder that names it is on the disk too.

It writes no content; without the second step a power cut may take back a name that was given long ago.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def put_in_place(draft: Path, path: Path) -> None:
    """Name a file that is safe on the disk `path`, in the same folder, in the place of any that had the name.

    Raises OSError.
    """
    draft.replace(path)
    settle_folder(path.parent)


def settle_folder(folder: Path) -> None:
    """Whatever was named, renamed or removed in a folder stays so."""
    with suppress(OSError):  # not every stick's file system can
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
