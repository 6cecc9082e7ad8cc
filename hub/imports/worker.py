"""The process that reads files for the hub: one request in, its results out, then the next.

It is nice 10 and bound in memory, so whatever a file does to it, the board goes on. It stores nothing and
ends when the hub does.
"""

from __future__ import annotations

import os
import pickle
import resource
import signal
import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hub.devices.exports.found import Setting
from hub.imports.archive import Limits
from hub.imports.read import each_file

NICENESS = 10
LENGTH = struct.Struct(">Q")


@dataclass(frozen=True, slots=True)
class Request:
    """A file to read; `name` is what to call it, `originals` the folder its bytes are put away in, if any."""

    path: Path
    setting: Setting
    name: str
    limits: Limits
    originals: Path | None = None


def send(stream: BinaryIO, thing: object) -> None:
    """One pickled thing behind its length."""
    data = pickle.dumps(thing, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(LENGTH.pack(len(data)) + data)
    stream.flush()


def receive(stream: BinaryIO) -> object | None:
    """The next thing, None at the end of the stream."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    thing: object = pickle.loads(stream.read(LENGTH.unpack(head)[0]))  # from the hub's own process only
    return thing


def bind_memory(more_bytes: int) -> None:
    """Allow the process `more_bytes` of address space beyond what it has mapped already."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    most = pages * resource.getpagesize() + more_bytes
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def main() -> None:
    """Serve requests on stdin until it closes; after each file's results comes a None."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the hub, which then ends this
    requests = sys.stdin.buffer
    with os.fdopen(os.dup(1), "wb") as results:
        os.dup2(2, 1)  # a library that prints must not garble the results
        os.nice(NICENESS)
        bind_memory(int(sys.argv[-1]))
        while isinstance(request := receive(requests), Request):
            for read in each_file(
                request.path, request.setting, request.name, request.limits, request.originals
            ):
                send(results, read)
            send(results, None)
