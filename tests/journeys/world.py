"""A ground with everything running on it, each part a real process that can be killed.

It starts, stops and asks; what should be true is said by the journeys.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx

from hub.domain import Athlete, LoadRow, Session
from hub.results.loads import load_table
from hub.store import sessions
from hub.store.database import Database
from tests.devices.pitch_process import PitchProcess

T = TypeVar("T")
PASSWORD = "wet hands, ten seconds"
COACH = "coach@example.org"


def free_port() -> int:
    """A TCP port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: str, question: Callable[[], T | None], within_s: float = 20.0) -> T:
    """Ask again and again until the answer is something; fail with `what` when time is up."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        answer = question()
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"not within {within_s:g} s: {what}")


class Process:
    """One of our commands, with its output kept in a file."""

    def __init__(self, log: Path, *command: str, env: dict[str, str]) -> None:
        self.log = log
        with log.open("a") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *command], env={**os.environ, **env}, stdout=out, stderr=out,
                start_new_session=True,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        return self._process.pid

    def said(self, pattern: str) -> str | None:
        """The first group of a pattern in what it printed so far."""
        self.must_run()
        found = re.search(pattern, self.log.read_text())
        return found.group(1) if found else None

    def must_run(self) -> None:
        """Fail with what it printed where it has ended."""
        assert self._process.poll() is None, f"it ended:\n{self.log.read_text()}"

    def kill(self) -> None:
        """SIGKILL: as when the power goes, but for the disk."""
        self._process.kill()
        self._process.wait(timeout=10)

    def ask_to_stop(self) -> None:
        """SIGTERM, and no waiting."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def stop(self) -> int:
        """SIGTERM and wait; the exit status."""
        self.ask_to_stop()
        return self._process.wait(timeout=20)


class Ground:
    """A pitch, a hub and a cloud under one folder. Nothing runs until it is started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hub_port, self.cloud_port = free_port(), free_port()
        self.hub_url = f"http://127.0.0.1:{self.hub_port}"
        self.cloud_url = f"http://127.0.0.1:{self.cloud_port}"
        self.env = {"TOUCHLINE_DATA": str(folder), "TOUCHLINE_PORT": str(self.hub_port)}
        self.pitch: PitchProcess | None = None
        self.hub: Process | None = None
        self.cloud: Process | None = None
        self._more: list[Ground] = []

    def another_hub(self, name: str) -> Ground:
        """A second hub of the same cloud, its card in a folder below; closed with this ground."""
        folder = self.folder / name
        folder.mkdir()
        made = Ground(folder)
        made.cloud_port, made.cloud_url = self.cloud_port, self.cloud_url
        made.env = {**self.env, **made.env}
        self._more.append(made)
        return made

    # --- starting and stopping

    def start_pitch(self, *options: str) -> PitchProcess:
        self.pitch = PitchProcess(*options)
        self.env |= {"TOUCHLINE_BACKEND": "virtual", "TOUCHLINE_VIRTUAL_PORT": str(self.pitch.port)}
        return self.pitch

    def start_hub(self) -> Process:
        hub = self.launch_hub()
        wait_for("the hub answers", self.health)
        return hub

    def launch_hub(self) -> Process:
        """Start it without waiting until it answers."""
        self.hub = Process(self.folder / "hub.log", "hub.cli", "run", env=self.env)
        return self.hub

    def start_cloud(self) -> Process:
        self.cloud = Process(
            self.folder / "cloud.log", "cloud.cli", "serve", "--port", str(self.cloud_port), env=self.env
        )
        wait_for("the cloud answers", lambda: self._answer(self.cloud, f"{self.cloud_url}/healthz"), 60)
        return self.cloud

    def close(self) -> None:
        hubs = [it.hub for it in (self, *self._more)]
        running = [it for it in (*hubs, self.cloud) if it is not None]
        for process in running:
            process.ask_to_stop()
        for process in running:
            process.stop()
        if self.pitch is not None:
            self.pitch.end()

    # --- asking

    @staticmethod
    def _get(url: str) -> Any:
        try:
            answer = httpx.get(url, timeout=5)
        except httpx.TransportError:
            return None
        return answer.json() if answer.status_code == 200 else None

    def _answer(self, process: Process | None, url: str) -> Any:
        if process is not None:
            process.must_run()
        return self._get(url)

    def health(self) -> Any:
        """The hub's /healthz, or None while it does not answer."""
        return self._get(f"{self.hub_url}/healthz")

    def fresh(self) -> int:
        """How many athletes have a fresh heart rate."""
        health = self.health()
        return health["live"]["fresh"] if health else 0

    def stored(self, question: Callable[[Any], T]) -> T:
        """Ask the hub's database beside the hub, as it is on disk."""
        database = Database.open(self.folder / "hub" / "hub.db", read_only=True)
        try:
            return database.read_now(question)
        finally:
            database.close()

    def newest_session(self) -> Session:
        return self.stored(lambda db: sessions.recent(db, 1)[0])

    def loads(self, session_id: str) -> list[LoadRow]:
        return self.stored(lambda db: load_table(db, session_id))

    def cloud_command(self, *arguments: str) -> str:
        """What one of the cloud's own commands prints, run beside the service."""
        done = subprocess.run(
            [sys.executable, "-m", "cloud.cli", *arguments], env={**os.environ, **self.env},
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def claim_code(self, club: str = "Riverside", coach: str = COACH) -> str:
        """A club, a coach and a claim code by the cloud's own command."""
        done = subprocess.run(
            [sys.executable, "-m", "cloud.cli", "enrol", "--club", club, "--coach", coach,
             "--password-stdin", "--json"],
            env={**os.environ, **self.env}, input=PASSWORD + "\n", capture_output=True, text=True,
            check=True, timeout=60,
        )  # fmt: skip
        return str(json.loads(done.stdout)["claim_code"])


class Staff:
    """Somebody at the hub's pages over plain HTTP, signed in."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._http = httpx.Client(
            base_url=ground.hub_url, headers={"Origin": ground.hub_url}, follow_redirects=True, timeout=10
        )

    def set_up(self) -> None:
        """First run: the code from the console makes the first admin."""
        assert self._ground.hub is not None
        hub = self._ground.hub
        code = wait_for("the set-up code is printed", lambda: hub.said(r"set-up code is (\S+)"))
        self.post("/set-up", code=code, name="Kim", password=PASSWORD, repeated=PASSWORD)

    def sign_in(self) -> None:
        self.post("/sign-in", name="Kim", password=PASSWORD)

    def post(self, path: str, **form: str) -> httpx.Response:
        answer = self._http.post(path, data=form)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:500]}"
        return answer

    def try_post(self, path: str) -> int:
        """Post, whatever comes of it; the status."""
        return self._http.post(path, timeout=60).status_code

    def get(self, path: str) -> str:
        answer = self._http.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return answer.text

    def add_athlete(self, number: int) -> Athlete:
        """An athlete with every value the loads need, wearing virtual strap `number`."""
        self.post("/athletes/new", name=f"Athlete {number}", shirt_number=str(number), sex="F",
                  hr_max="195", hr_rest="55", is_active="yes")  # fmt: skip
        from hub.store.athletes import all_athletes

        added = next(a for a in self._ground.stored(all_athletes) if a.shirt_number == number)
        self.post("/straps/assign", strap_id=f"{0xA0000000 + number:08X}", athlete_id=added.athlete_id)
        return added

    def frames(self) -> Iterator[Any]:
        """The board's stream, frame by frame."""
        with self._http.stream("GET", "/board/stream") as stream:
            for line in stream.iter_lines():
                if line.startswith("data: "):
                    yield json.loads(line[6:])

    def frame(self) -> Any:
        """The newest frame."""
        return next(self.frames())

    def close(self) -> None:
        self._http.close()
