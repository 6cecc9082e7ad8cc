"""`touchline-cloud serve` as a user runs it: another process, a real socket, a signal at the end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading


class Serving:
    """`touchline-cloud serve` in a process of its own."""

    def __init__(self, settings: dict[str, str]) -> None:
        self.env = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | settings
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cloud.cli", "serve", "--port", "0"],
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self.is_ready = threading.Event()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if line.startswith("touchline cloud on"):
                self.is_ready.set()

    @property
    def origin(self) -> str:
        """Where it says it listens."""
        return self.lines[-1].split()[-1]

    def end(self, number: int) -> int:
        """Send a signal and wait."""
        self.process.send_signal(number)
        code = self.process.wait(20)
        self.reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code
