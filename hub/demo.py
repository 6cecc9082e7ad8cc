"""The whole product on one machine: a squad of virtual straps, a hub, and a cloud, until Ctrl-C.

It starts the pitch and the cloud as processes of their own and runs the hub in this one. Everything lies
under one data folder, so a second start goes on where the first stopped.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from sqlite3 import Connection
from typing import Any
from uuid import uuid4

from hub import seed
from hub.app import Hub, serve
from hub.clock import Clock, boot_id
from hub.config import HubSettings
from hub.devices.virtual.pod import VirtualPod
from hub.devices.virtual.squad import serial_of
from hub.domain import Role
from hub.errors import DiskFull, HubError, PortTaken
from hub.serving import listening_socket
from hub.store import accounts, athletes, boots, ledger, meta, pods
from hub.store.database import Database
from hub.store.records import Moment
from hub.web.auth import hashed

CLUB = "Riverside FC"
COACH = "coach@riverside.example"
STAFF = "admin"
CLOUD_READY_S = 80.0
PITCH_READY_S = 30.0
FIRST_SYNC_S = 60.0
NEEDED_MIB = 400
PODS = 2
FOREIGN = 2
"""Athletes with a running pod, and straps of another team next door."""
PR_SET_PDEATHSIG = 1
"""Linux prctl(2): the child gets this signal when its parent dies, however that happens."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the demo runs with."""

    settings: HubSettings
    athlete_count: int = 24
    speed: float = 1.0
    faults: str = "none"


def cloud_url(options: DemoOptions) -> str:
    """Where the demo's cloud answers."""
    return f"http://127.0.0.1:{options.settings.cloud_port}"


class DemoFailed(HubError):
    """The demo could not start:"""


def run(options: DemoOptions, say: Callable[[str], None]) -> None:
    """Run the demo until it is interrupted. Raises HubError with a clear sentence."""
    began = time.monotonic()
    settings = options.settings
    for port, name in (
        (settings.port, "TOUCHLINE_PORT"),
        (options.settings.cloud_port, "TOUCHLINE_CLOUD_PORT"),
    ):
        try:
            listening_socket(settings.host, port).close()
        except PortTaken as error:
            raise PortTaken(error.detail, hint=f"Stop it, or choose another port with {name}.") from error
    settings.data.mkdir(parents=True, exist_ok=True)
    free_mib = shutil.disk_usage(settings.data).free >> 20
    if free_mib < NEEDED_MIB:
        raise DiskFull(
            f"{settings.data} has {free_mib} MiB free, the demo needs {NEEDED_MIB}.",
            hint="Free some, or set TOUCHLINE_DATA to a folder on another disk.",
        )
    say(f"Data folder: {settings.data.resolve()}")
    with _child(_cloud_command(options), _cloud_env(options), settings.data / "cloud.log") as cloud:
        say("1/5 Starting the cloud (Postgres takes a few seconds the first time)")
        say(f"2/5 Putting {options.athlete_count} straps on the virtual pitch")
        with _child(_pitch_command(options), dict(os.environ), settings.data / "pitch.log") as pitch:
            radio_port = _pitch_port(pitch, settings.data / "pitch.log")
            settings = replace(settings, backend="virtual", virtual_port=radio_port, adapters=("hci0",))
            sign_in = _prepare(settings, options, say)
            _wait_for_cloud(options, cloud, settings.data / "cloud.log")
            claim = None
            if sign_in["is_enrolled"]:
                say("4/5 The cloud is up and knows this hub")
            else:
                say("4/5 The cloud is up; making a club, a coach and a claim code")
                claim = _claim(options, sign_in)
            asyncio.run(_serve(replace(options, settings=settings), claim, sign_in, say, began))


async def _serve(
    options: DemoOptions, claim: str | None, sign_in: dict[str, Any], say: Callable[[str], None], began: float
) -> None:
    tasks: set[asyncio.Task[None]] = set()

    def on_ready(hub: Hub) -> None:
        tasks.add(asyncio.create_task(_once_up(hub, options, claim, sign_in, say, began)))

    await serve(options.settings, on_ready)
    for task in tasks:
        task.cancel()
    say("Stopped. Everything is kept; start again to go on.")


async def _once_up(
    hub: Hub,
    options: DemoOptions,
    claim: str | None,
    sign_in: dict[str, Any],
    say: Callable[[str], None],
    began: float,
) -> None:
    """What a person would do after switching everything on: enrol, start a session, look."""
    say("5/5 The hub is up; straps connect, and what the cloud does not have yet is sent")
    try:
        if claim is not None:
            await hub.uplink.enrol(cloud_url(options), claim)
        if hub.recorder.session is None:
            await hub.recorder.start_session("Demo training", "training", 0)
    except HubError as error:
        say(f"{error} {error.hint}")
    deadline = time.monotonic() + FIRST_SYNC_S
    is_ready = False
    while not is_ready and time.monotonic() < deadline:
        await asyncio.sleep(0.5)
        fresh = hub.board.snapshot(hub.clock.mono_ms(), hub.clock.wall_ms()).fresh
        standing = await hub.database.read(ledger.sync_ledger)
        is_ready = fresh >= options.athlete_count and standing.pending < 100
    hub_url = f"http://{options.settings.host}:{options.settings.port}"
    say(
        f"""
Ready after {time.monotonic() - began:.0f} s: {fresh} of {options.athlete_count} athletes are live.

  Hub    {hub_url}    name {STAFF}    password {sign_in["hub_password"]}
  Cloud  {cloud_url(options)}    name {COACH}    password {sign_in["cloud_password"]}

Ctrl-C stops everything; a second start goes on where this one stopped."""
    )


def _prepare(settings: HubSettings, options: DemoOptions, say: Callable[[str], None]) -> dict[str, Any]:
    """Sign-in, squad and history in the hub's store, each only where it is not there yet."""
    note = settings.data / "demo-sign-in.json"
    if note.exists():
        sign_in: dict[str, Any] = json.loads(note.read_text())
    else:
        sign_in = {"hub_password": secrets.token_urlsafe(12), "cloud_password": secrets.token_urlsafe(12)}
        with os.fdopen(os.open(note, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            json.dump(sign_in, file)
    database = Database.open(settings.database_path)
    try:
        boot_no = database.write_now(lambda db: boots.register(db, boot_id()))
        clock = Clock(boot_no)
        if database.read_now(accounts.user_count) == 0:
            now_ms = clock.wall_ms()
            password_hash = asyncio.run(hashed(sign_in["hub_password"]))
            database.write_now(lambda db: accounts.create_user(db, STAFF, password_hash, Role.ADMIN, now_ms))
        if not database.read_now(athletes.all_athletes):
            say("3/5 Making up two weeks of history")
            _seed(database, clock, options.athlete_count, say)
        else:
            say("3/5 Going on with the squad and history that are here")
        sign_in["is_enrolled"] = database.read_now(ledger.sync_ledger).hub_id is not None
        if sign_in["is_enrolled"]:  # this start may have another cloud port than the last
            database.write_now(lambda db: meta.put(db, "cloud_url", cloud_url(options)))
    finally:
        database.close()
    return sign_in


def _seed(database: Database, clock: Clock, count: int, say: Callable[[str], None]) -> None:
    moment = Moment(clock.boot_no, clock.mono_ms(), clock.wall_ms(), lambda: str(uuid4()))
    seed.store_history(database.write_now, moment, count, lambda done, of: say(f"    session {done} of {of}"))
    database.write_now(_give_pods)


def _give_pods(db: Connection) -> None:
    """The first athletes wear the pods of the virtual pitch."""
    for number, athlete in enumerate(athletes.all_athletes(db)[:PODS], start=1):
        pod_id = serial_of(VirtualPod.address_offset + number)
        pods.keep(db, pods.Pod(pod_id, f"Running pod {number}", "", athlete.athlete_id))


# --- the processes beside the hub


def _cloud_command(options: DemoOptions) -> list[str]:
    return [sys.executable, "-m", "cloud.cli", "serve", "--port", str(options.settings.cloud_port)]


def _cloud_env(options: DemoOptions) -> dict[str, str]:
    return {**os.environ, "TOUCHLINE_DATA": str(options.settings.data)}


def _pitch_command(options: DemoOptions) -> list[str]:
    return [
        sys.executable, "-m", "hub.devices.virtual.pitch", "--athletes", str(options.athlete_count),
        "--port", "0", "--speed", str(options.speed), "--faults", options.faults, "--stop-with-stdin",
        "--broadcast", str(options.athlete_count // 6), "--pods", str(PODS), "--foreign", str(FOREIGN),
    ]  # fmt: skip


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@contextmanager
def _child(command: list[str], env: dict[str, str], log_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that ends with this one; Ctrl-C reaches it through us, not through the terminal."""
    with log_path.open("a") as log:
        process = subprocess.Popen(
            command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            start_new_session=True, preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.communicate(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _pitch_port(pitch: subprocess.Popen[str], log_path: Path) -> int:
    assert pitch.stdout is not None
    words = dict(part.split("=", 1) for part in pitch.stdout.readline().split() if "=" in part)
    if "port" not in words:
        raise DemoFailed("the virtual pitch did not come up.", hint=f"Its log is {log_path}.")
    return int(words["port"])


def _wait_for_cloud(options: DemoOptions, cloud: subprocess.Popen[str], log_path: Path) -> None:
    deadline = time.monotonic() + CLOUD_READY_S
    while time.monotonic() < deadline:
        if cloud.poll() is not None:
            break
        if _is_listening(options.settings.cloud_port):
            return
        time.sleep(0.2)
    raise DemoFailed("the cloud did not come up.", hint=f"Its log is {log_path}: {_last_line(log_path)}")


def _is_listening(port: int) -> bool:
    try:
        listening_socket("127.0.0.1", port).close()
    except PortTaken:
        return True
    return False


def _last_line(path: Path) -> str:
    lines = path.read_text().strip().splitlines()
    return lines[-1] if lines else "it is empty"


def _claim(options: DemoOptions, sign_in: dict[str, Any]) -> str:
    """A club, a coach and a claim code, made by the cloud's own command."""
    command = [sys.executable, "-m", "cloud.cli", "enrol", "--club", CLUB, "--coach", COACH, "--json",
               "--password-stdin"]  # fmt: skip
    done = subprocess.run(
        command, env=_cloud_env(options), input=sign_in["cloud_password"] + "\n", capture_output=True,
        text=True, check=False, timeout=60,
    )  # fmt: skip
    if done.returncode != 0:
        raise DemoFailed(f"the cloud gave no claim code: {done.stderr.strip()}")
    return str(json.loads(done.stdout)["claim_code"])
