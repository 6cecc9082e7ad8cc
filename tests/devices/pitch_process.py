"""The virtual pitch as the process it is, started, told things and killed by tests."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parent.parent.parent
COMMAND = (sys.executable, "-W", "error", "-m", "hub.devices.virtual.pitch")


class PitchNotReady(Exception):
    """The process ended without its ready line; the message is its complaint."""


class PitchProcess:
    """A running pitch; `port` is where its first receiver answers."""

    def __init__(self, *options: str, port: int = 0) -> None:
        self._process = subprocess.Popen(
            [*COMMAND, "--port", str(port), "--stop-with-stdin", *options],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.ready_line = self._process.stdout.readline().strip()
        if not self.ready_line:
            raise PitchNotReady(self._process.communicate()[1])
        self.port = int(dict(part.split("=") for part in self.ready_line.split()[1:])["port"])

    def say(self, line: str) -> None:
        """A line on its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        """As the kernel does, without a word."""
        self._process.kill()
        self._process.communicate()

    def signal(self, number: int) -> None:
        """Any signal."""
        self._process.send_signal(number)

    def end(self) -> tuple[int, str]:
        """Close its input and wait: exit status and what it complained about."""
        _stdout, complaints = self._process.communicate(timeout=10)
        return self._process.returncode, complaints

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.returncode is None:
            status, complaints = self.end()
            if error is None:
                assert (status, complaints) == (0, "")


def ports_in_a_row(count: int) -> int:
    """A port after which the next ones are free too: adapters follow each other."""
    for first in range(20_000 + time.monotonic_ns() // 1_000_000 % 20_000, 60_000, 8):
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise AssertionError("no ports are free")
