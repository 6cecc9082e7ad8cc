"""The real cloud behind real TLS on loopback, on a date of its own, for hubs that do not know theirs."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import uvicorn

from cloud.app import create_cloud
from cloud.config import CloudSettings
from tests.sync.tls_ground import Shown

DAY_MS = 86_400_000


@contextmanager
def served(settings: CloudSettings, shown: Shown | None = None) -> Iterator[str]:
    """The service, with this certificate or without TLS; its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        create_cloud(settings),
        log_config=None,
        ssl_certfile=None if shown is None else str(shown.file),
        ssl_keyfile=None if shown is None else str(shown.key_file),
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        for _ in range(1000):
            if server.started:
                break
            time.sleep(0.01)
        assert server.started
        scheme = "http" if shown is None else "https"
        yield f"{scheme}://localhost:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


def in_so_many_days(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    """The cloud lives so many days after this machine's clock."""
    later = SimpleNamespace(time_ns=lambda: time.time_ns() + days * DAY_MS * 1_000_000)
    monkeypatch.setattr("cloud.clock.time", later)
