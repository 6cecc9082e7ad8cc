"""A read file as bytes, to hand it from the command that read it to the hub that keeps it.

Plain data in msgpack, checked against the types when opened: unlike a pickle it can run nothing.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from hub.errors import ActionRefused
from hub.imports.readfile import ReadFile


def packed(read: ReadFile) -> bytes:
    """The read file as msgpack; its sessions' arrays are empty by now, their samples lie sealed."""
    return msgspec.msgpack.encode(read, enc_hook=_listed)


def unpacked(data: bytes) -> ReadFile:
    """What `packed` was given. Raises ActionRefused for anything else."""
    try:
        return msgspec.msgpack.decode(data, type=ReadFile, dec_hook=_array)
    except msgspec.MsgspecError as error:
        raise ActionRefused(
            "the running hub does not understand this command's files.",
            hint="Restart the hub so that both are of one version.",
        ) from error


def _listed(thing: Any) -> Any:
    if isinstance(thing, np.ndarray):
        return thing.tolist()
    raise NotImplementedError(type(thing))


def _array(_wanted: type, listed: Any) -> Any:
    return np.array(listed)
