"""The composition root: the one file that knows every concrete part of the hub and joins them.

It decides nothing itself; what each part does stands in the part.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import random
import secrets
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from sqlite3 import Connection
from typing import IO, Any
from uuid import uuid4

import uvicorn

from hub import __version__, importer
from hub.board import Board
from hub.clock import Clock, boot_id
from hub.config import HubSettings
from hub.control import ControlDoor
from hub.devices.fleet import Fleet
from hub.devices.radio import BleakRadio, Radio
from hub.domain import Athlete, Session
from hub.enrolment import enrol, load_key
from hub.errors import ActionRefused, PortTaken, SettingInvalid, StoreUnavailable
from hub.recorder import Recorder
from hub.schedule import hub_schedule
from hub.store import accounts, athletes, boots, ledger, meta
from hub.store.database import Database
from hub.store.outbox import StoreOutbox
from hub.store.records import Moment, propose
from hub.web.app import create_web
from hub.web.live import Frames
from hub.web.parts import Actions, ImportOutcome, SyncView, WebParts
from sync.client import CloudClient
from sync.errors import SyncError
from sync.relay import Relay
from sync.wire import Anchor

log = logging.getLogger(__name__)

TICK_S = 1.0
GRACE_S = 3
SETUP_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"


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


async def open_radio(settings: HubSettings) -> Radio:
    """The radio the settings name: BlueZ through bleak, or the virtual pitch through the same bleak.

    Raises SettingInvalid when the virtual radio is asked for and the demo extra is not installed.
    """
    if settings.backend == "bluez":
        return BleakRadio(settings.adapters)
    try:
        from hub.devices.virtual import backend
    except ImportError as error:
        raise SettingInvalid(
            "TOUCHLINE_BACKEND=virtual.", hint="Install the demo extra: pip install 'touchline[demo]'."
        ) from error
    names = settings.adapters or ("hci0",)
    for number, name in enumerate(names):
        await backend.open_adapter(name, f"tcp-client:127.0.0.1:{settings.virtual_port + number}")
    return BleakRadio(names, backend.VIRTUAL)


async def close_radio(settings: HubSettings) -> None:
    """Hang up what `open_radio` opened."""
    if settings.backend == "virtual":
        from hub.devices.virtual import backend

        await backend.close_adapters()


class _Server(uvicorn.Server):
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


@dataclass(slots=True)
class _Uplink:
    """The relay while the hub is enrolled, and the task it runs in."""

    relay: Relay
    wake: asyncio.Event
    task: asyncio.Task[None]


class Hub:
    """All parts of one pitchside process. `run` returns after `stop`, a signal, or raises HubError."""

    def __init__(self, settings: HubSettings, database: Database, radio: Radio) -> None:
        self.settings, self.database = settings, database
        self._boot_id = boot_id()
        boot_no = database.write_now(lambda db: boots.register(db, self._boot_id))
        self.clock = Clock(boot_no, database.read_now(lambda db: boots.best_anchor(db, boot_no)))
        database.write_now(lambda db: boots.add_anchor(db, self.clock.anchor))
        self.board = Board()
        self.recorder = Recorder(database, self.board, self.moment)
        self.frames = Frames()
        self.stopping = asyncio.Event()
        self.fleet = Fleet(
            radio,
            self.recorder.hear,
            self.clock.mono_ms,
            slots_per_adapter=settings.slots_per_adapter,
        )
        self._uplink: _Uplink | None = None
        self.outbox = StoreOutbox(database, self._boot_id, self.moment, self._learn_time)

    def moment(self) -> Moment:
        """Now, for an edit."""
        return Moment(self.clock.boot_no, self.clock.mono_ms(), self.clock.wall_ms(), lambda: str(uuid4()))

    # --- running

    async def run(self, on_ready: Callable[[], None] = lambda: None) -> None:
        """Serve, record and sync until stopped; everything heard is on disk when this returns."""
        settings = self.settings
        bound = listening_socket(settings.host, settings.port)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stopping.set)
        await self.recorder.restore()
        self.frames.publish(self.board.snapshot(self.clock.mono_ms(), self.clock.wall_ms()))
        door = ControlDoor(settings.control_path, self._verbs())
        schedule = hub_schedule(self._check_time, self._tidy)
        server = self._server()
        tasks = [
            asyncio.create_task(server.serve(sockets=[bound]), name="web"),
            asyncio.create_task(self.fleet.run(), name="fleet"),
            asyncio.create_task(self._tick(), name="tick"),
        ]
        stop = asyncio.create_task(self.stopping.wait())
        try:
            await door.open()
            schedule.start()
            await self._start_uplink()
            up = asyncio.create_task(server.up.wait())
            await asyncio.wait([*tasks, stop, up], return_when=asyncio.FIRST_COMPLETED)
            if up.done():
                on_ready()
                await asyncio.wait([*tasks, stop], return_when=asyncio.FIRST_COMPLETED)
            up.cancel()
            for task in tasks:
                if task.done() and not self.stopping.is_set():
                    task.result()  # a part that ended by itself has failed: say how
        finally:
            self.stopping.set()
            server.should_exit = True
            schedule.shutdown(wait=False)
            await door.close()
            await self._finish(tasks, stop)

    async def _finish(self, tasks: list[asyncio.Task[None]], stop: asyncio.Task[bool]) -> None:
        web, *others = tasks
        stop.cancel()
        for task in others:
            task.cancel()
        if self._uplink is not None:
            self._uplink.task.cancel()
            others.append(self._uplink.task)
        await asyncio.gather(*others, stop, return_exceptions=True)
        await asyncio.gather(web, return_exceptions=True)
        await self.recorder.close()

    def _server(self) -> _Server:
        return _Server(
            uvicorn.Config(
                create_web(self._parts()),
                log_config=None,
                access_log=False,
                server_header=False,
                lifespan="on",
                timeout_graceful_shutdown=GRACE_S,
            )
        )

    async def _tick(self) -> None:
        """Once a second: durable, then shown."""
        loop = asyncio.get_running_loop()
        next_at = loop.time()
        while True:
            next_at = max(next_at + TICK_S, loop.time())
            await asyncio.sleep(next_at - loop.time())
            for strap in self.fleet.statuses():
                self.recorder.label_strap(strap.strap_id, strap.name, strap.address)
            await self.recorder.tick()
            self.board.set_battery(
                {
                    s.strap_id: s.battery_percent
                    for s in self.fleet.statuses()
                    if s.battery_percent is not None
                }
            )
            self.frames.publish(self.board.snapshot(self.clock.mono_ms(), self.clock.wall_ms()))

    def _warning(self) -> str:
        """What stands in the way of recording, the worst first."""
        refused = self.recorder.storage_error
        if refused is not None:
            return f"Heart rates are not being saved. {refused} {refused.hint}".strip()
        return f"The radio does not work. {self.fleet.trouble}" if self.fleet.trouble else ""

    # --- time

    def _learn_time(self, anchor: Anchor) -> None:
        self.clock.learn(anchor)

    async def _check_time(self) -> None:
        anchor = self.clock.system_anchor()
        if anchor.source == "ntp" and not self.clock.is_verified:
            self.clock.learn(anchor)
            await self.database.write(lambda db: boots.add_anchor(db, anchor))

    async def _tidy(self) -> None:
        now_ms = self.clock.wall_ms()
        await self.database.write(lambda db: accounts.forget_expired(db, now_ms))

    # --- the cloud

    async def _start_uplink(self) -> None:
        standing = await self.database.read(ledger.sync_ledger)
        if standing.hub_id is None or standing.cloud_url is None or self._uplink is not None:
            return
        seed = load_key(self.key_path)
        url, hub_id = standing.cloud_url, standing.hub_id
        relay = Relay(
            self.outbox,
            lambda: CloudClient(url, hub_id, seed),
            self.clock.mono_ms,
            self.clock.wall_ms,
            random.Random(),
        )
        wake = asyncio.Event()
        self._uplink = _Uplink(relay, wake, asyncio.create_task(relay.run(wake), name="relay"))

    @property
    def key_path(self) -> Any:
        """Where the hub's private key lies."""
        return self.settings.database_path.with_name("hub.key")

    def sync_view(self) -> SyncView:
        """The relay's state for the pages."""
        if self._uplink is None:
            return SyncView(False, "not enrolled", "This hub has not joined a club yet.", None, None)
        status = self._uplink.relay.status
        error = f"{status.last_error} {status.hint}".strip() if status.last_error else None
        return SyncView(True, status.state, status.detail, error, status.next_try_s)

    # --- actions

    async def _start_session(self, title: str, sport: str) -> Session:
        offset_s = time.localtime(self.clock.wall_ms() / 1000).tm_gmtoff
        return await self.recorder.start_session(title, sport, offset_s)

    async def _save_athlete(self, athlete_id: str | None, fields: dict[str, object]) -> Athlete:
        moment = self.moment()
        pk = athlete_id or moment.new_id()

        def change(db: Connection) -> Athlete:
            if athlete_id is not None:
                athletes.athlete(db, athlete_id)
            propose(db, moment, "athlete", pk, fields)
            return athletes.athlete(db, pk)

        saved = await self.database.write(change)
        await self.recorder.roster_changed({pk})
        return saved

    async def import_file(self, filename: str, data: bytes, athlete_id: str | None) -> ImportOutcome:
        """Read a file beside the loop and store what it holds."""
        parsed = await asyncio.to_thread(importer.parse, filename, data)
        moment = self.moment()
        record = await self.database.write(lambda db: importer.store(db, moment, parsed, athlete_id))
        return ImportOutcome(record.filename, record.status, record.detail, record.session_id)

    async def enrol(self, cloud_url: str, claim_code: str) -> None:
        """Join a club and begin to sync."""
        await enrol(self.database, self.key_path, cloud_url, claim_code, __version__)
        await self._start_uplink()

    async def _sync_now(self) -> None:
        if self._uplink is None:
            raise ActionRefused(
                "This hub is not enrolled.", hint="Enter a claim code on the sync page first."
            )
        self._uplink.wake.set()

    def _parts(self) -> WebParts:
        return WebParts(
            database=self.database,
            board=self.board,
            actions=Actions(
                start_session=self._start_session,
                end_session=self.recorder.end_session,
                assign_strap=self.recorder.assign,
                save_athlete=self._save_athlete,
                import_file=self.import_file,
                enrol=self.enrol,
                sync_now=self._sync_now,
            ),
            straps=self.fleet.statuses,
            sync_view=self.sync_view,
            now_mono_ms=self.clock.mono_ms,
            now_wall_ms=self.clock.wall_ms,
            clock_is_verified=lambda: self.clock.is_verified,
            version=__version__,
            stopping=self.stopping,
            frames=self.frames,
        )

    def _verbs(self) -> dict[str, Any]:
        async def import_verb(question: dict[str, Any], data: bytes) -> dict[str, Any]:
            outcome = await self.import_file(str(question["filename"]), data, question.get("athlete_id"))
            return {"status": outcome.status, "detail": outcome.detail, "session_id": outcome.session_id}

        async def sync_verb(_question: dict[str, Any], _data: bytes) -> dict[str, Any]:
            await self._sync_now()
            assert self._uplink is not None
            try:
                report = await self._uplink.relay.run_once()
            except SyncError as error:
                raise ActionRefused(str(error), hint=error.hint) from error
            return {"words": report.words}

        async def status_verb(_question: dict[str, Any], _data: bytes) -> dict[str, Any]:
            view = self.sync_view()
            shot = self.board.snapshot(self.clock.mono_ms(), self.clock.wall_ms())
            return {
                "athletes": len(shot.athletes), "fresh": shot.fresh, "unassigned": shot.unassigned,
                "session": shot.session.title if shot.session else None, "elapsed_s": shot.elapsed_s,
                "sync": view.state, "sync_detail": view.detail, "sync_error": view.last_error,
                "pid": os.getpid(), "url": f"http://{self.settings.host}:{self.settings.port}",
            }  # fmt: skip

        return {"import": import_verb, "sync": sync_verb, "status": status_verb}


def ensure_setup_code(database: Database) -> str | None:
    """The first-run code while nobody may sign in yet, made if need be."""

    def change(db: Connection) -> str | None:
        if accounts.user_count(db) > 0:
            return None
        code = accounts.setup_code(db)
        if code is None:
            code = "-".join("".join(secrets.choice(SETUP_ALPHABET) for _ in range(4)) for _ in range(2))
            meta.put(db, accounts.SETUP_CODE, code)
        return code

    return database.write_now(change)


async def serve(settings: HubSettings, on_ready: Callable[[Hub], None] = lambda _hub: None) -> None:
    """Open the store and the radio, run the hub until it is stopped, and close both."""
    with owned(settings):
        database = Database.open(settings.database_path)
        try:
            radio = await open_radio(settings)
            hub = Hub(settings, database, radio)
            await hub.run(lambda: on_ready(hub))
        finally:
            await close_radio(settings)
            database.close()
