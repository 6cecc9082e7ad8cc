"""What one hub process holds alone: the data folder, and the port its pages are served on.

It knows neither pages nor parts.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import socket
from collections.abc import Iterator
from typing import IO

import uvicorn

from hub.config import HubSettings
from hub.errors import PortTaken, StoreUnavailable


@contextlib.contextmanager
def owned(settings: HubSettings) -> Iterator[None]:
    """Hold the data folder for this process. Raises StoreUnavailable while another hub holds it."""
    folder = settings.database_path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock: IO[str] = (folder / "hub.lock").open("w")
    except OSError as error:
        raise StoreUnavailable(
            f"{folder}: {error.strerror}.", hint="Set TOUCHLINE_DATA to a folder you may write to."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StoreUnavailable(
                f"{folder} is in use by another hub.", hint="Stop that one, or set TOUCHLINE_DATA elsewhere."
            ) from error
        yield


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket bound for the web server. Raises PortTaken."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise PortTaken(
            f"{host}:{port} ({error.strerror}).", hint="Stop it, or choose another with TOUCHLINE_PORT."
        ) from error
    return bound


class Server(uvicorn.Server):
    """uvicorn inside the hub's own loop: signals are the hub's business."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()
