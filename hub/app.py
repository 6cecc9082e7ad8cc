"""The composition root: the one file that knows every concrete part of the hub and joins them.

It decides nothing itself; what each part does stands in the part.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from sqlite3 import Connection
from typing import Any
from uuid import uuid4

import uvicorn

from hub import __version__
from hub.board import Board
from hub.clock import RELEASED_MS, Clock, boot_id, mono_ms
from hub.commands import bundle as bundle_command
from hub.commands.scan import radio_answer
from hub.config import HubSettings
from hub.control import ControlDoor
from hub.devices.coexistence import adapters_beside_wifi
from hub.devices.fleet import Fleet
from hub.devices.radio import Radio
from hub.devices.recording import RecordingRadio
from hub.devices.replay import REPLAY_TIMING
from hub.devices.source import RadioSource
from hub.domain import Athlete, Session
from hub.errors import HubError
from hub.import_desk import DeskSetting, ImportDesk
from hub.imports import originals
from hub.imports.arrange import arrange_recorded
from hub.imports.parcel import unpacked
from hub.learnt_time import LearntTime
from hub.memory import give_back_what_is_freed
from hub.pods import Pods
from hub.radio import close_radio, open_radio
from hub.radio_check import radio_warning
from hub.recorder import Recorder
from hub.replaying.clock import ReplayedClock, Tempo
from hub.replaying.recording import RadioRecording
from hub.results.profiles import NewChange, local_day, propose_change, set_removed
from hub.results.recalculation import Recalculation
from hub.schedule import hub_schedule
from hub.serving import Server, listening_socket, owned
from hub.store import accounts, athletes, boots, erasure_notes, shut_out
from hub.store.database import Database
from hub.store.outbox import StoreOutbox
from hub.store.records import Moment, propose
from hub.strap_wishes import StrapWishes
from hub.syncing.bundle_desk import BundleDesk
from hub.syncing.desk import DeskParts, SyncDesk
from hub.syncing.uplink import Uplink
from hub.time_watch import TimeWatch, offset_s
from hub.wearing.admission import Admission
from hub.wearing.desk import Parts, WearingDesk
from hub.web.app import create_web
from hub.web.live import Frames
from hub.web.parts import Actions, SyncView, WebParts
from hub.web.radio_parts import RadioParts

TICK_S = 1.0
GRACE_S = 3
SETUP_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"


class Hub:
    """All parts of one pitchside process. `run` returns after `stop`, a signal, or raises HubError."""

    def __init__(
        self, settings: HubSettings, database: Database, radio: Radio, tempo: Tempo | None = None
    ) -> None:
        self.settings, self.database = settings, database
        self._boot_id = boot_id() if tempo is None else tempo.boot_id
        boot_no = database.write_now(lambda db: boots.register(db, self._boot_id))
        known = database.read_now(lambda db: boots.best_anchor(db, boot_no, mono_ms()))
        least_ms = max(RELEASED_MS, database.read_now(boots.newest_known_ms))
        self.clock = Clock(boot_no, known, least_ms) if tempo is None else ReplayedClock(boot_no, tempo)
        database.write_now(lambda db: boots.add_anchor(db, self.clock.anchor))
        self.clock.go_by(database.read_now(lambda db: boots.view(db, boot_no)))
        self.board = Board()
        self.recorder = Recorder(database, self.board, self.moment)
        self.frames = Frames()
        self.stopping = asyncio.Event()
        self.pods = Pods(database, self.moment, lambda: self.recorder.session)
        recording = RecordingRadio(radio, None, self.clock.mono_ms)
        self.radio_recording = RadioRecording(recording, self.clock.wall_ms)
        self.fleet = Fleet(
            recording,
            Admission(self.recorder.hear, self._is_ours, self._running_id).hear,
            self.clock.mono_ms,
            on_sensor=self.pods.hear,
            slots_per_adapter=settings.slots_per_adapter,
            timing=None if tempo is None else REPLAY_TIMING,
            speed=1.0 if tempo is None else tempo.replay.speed,
        )
        self.wishes = StrapWishes(database, self.fleet, self.clock.wall_ms)
        self.wearing = WearingDesk(
            Parts(
                database,
                self.recorder,
                self.fleet.statuses,
                self.moment,
                self._wearing_changed,
                self.fleet.let_advertise,
            )
        )
        outbox = StoreOutbox(
            database, self._boot_id, self.moment, self.clock.learn,
            partial(originals.delete, desk_setting(settings).originals), self._athletes_arrived,
        )  # fmt: skip
        self._note, self._is_shut_out = outbox.note, database.read_now(shut_out.is_shut_out)
        database.write_now(erasure_notes.begin)
        self.imports = ImportDesk(database, self.moment, desk_setting(settings))
        self.recalculation = Recalculation(database, self.clock.wall_ms)
        woken = self.recalculation.wake
        self.time = TimeWatch(database, self.clock, self.moment, woken, arrange_recorded)
        self.learnt = LearntTime(database, self.clock, self.moment, offset_s, arrange_recorded, woken)
        key_path = settings.database_path.with_name("hub.key")
        self.uplink = Uplink(database, outbox, self.clock, key_path)
        self.bundles = BundleDesk(
            database, outbox, lambda: (self.clock.mono_ms(), self.clock.wall_ms()), self.moment,
            bundle_command.setting_of(settings), self.uplink.standing_still,
        )  # fmt: skip
        self.desk = SyncDesk(
            database,
            DeskParts(
                self.moment, self.uplink.verify, self.uplink.club, self._assign_strap, self._edited
            ),
        )  # fmt: skip

    def moment(self) -> Moment:
        """Now, for an edit."""
        return Moment(self.clock.boot_no, self.clock.mono_ms(), self.clock.wall_ms(), lambda: str(uuid4()))

    def _is_ours(self, strap_id: str) -> bool:
        return self.wishes.is_ours(strap_id)

    def _running_id(self) -> str | None:
        return None if self.recorder.session is None else self.recorder.session.session_id

    # --- running

    async def run(self, on_ready: Callable[[], None] = lambda: None) -> None:
        """Serve, record and sync until stopped; everything heard is on disk when this returns."""
        settings = self.settings
        bound = listening_socket(settings.host, settings.port)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stopping.set)
        await self.pods.restore()
        await self.recorder.restore()
        await self.wishes.restore()
        await self.imports.settle()
        self.frames.publish(self.board.snapshot(self.clock.mono_ms(), self.clock.wall_ms()))
        door = ControlDoor(settings.control_path, self._verbs())
        schedule = hub_schedule(self.time.look, self._tidy)
        server = self._server()
        tasks = [
            asyncio.create_task(server.serve(sockets=[bound]), name="web"),
            asyncio.create_task(self.fleet.run(), name="fleet"),
            asyncio.create_task(self._tick(), name="tick"),
            asyncio.create_task(self.imports.run(), name="imports"),
            asyncio.create_task(self.bundles.run(), name="bundles"),
            asyncio.create_task(self.recalculation.run(), name="recalculation"),
        ]
        stop = asyncio.create_task(self.stopping.wait())
        try:
            await door.open()
            schedule.start()
            await self.uplink.start()
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
        await asyncio.gather(*others, stop, self.uplink.stop(), self.desk.close(), return_exceptions=True)
        await asyncio.gather(web, return_exceptions=True)
        self.radio_recording.end()
        await self.imports.close()
        await self.pods.close()
        await self.recorder.close()

    def _server(self) -> Server:
        return Server(
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
            battery: dict[str, int] = {}
            for strap in self.fleet.statuses():
                if strap.is_pod:
                    self.pods.label(strap.strap_id, strap.name, strap.address)
                    continue
                self.recorder.label_strap(strap.strap_id, strap.name, strap.address)
                if strap.battery_percent is not None:
                    battery[strap.strap_id] = strap.battery_percent
            await self.recorder.tick()
            await self.pods.tick()
            await self.recorder.refresh_alpha1()
            self.board.set_battery(battery)
            self.board.set_motion(self.pods.on_athletes())
            self.board.warning = self._warning()
            self.frames.publish(self.board.snapshot(self.clock.mono_ms(), self.clock.wall_ms()))
            await self._heard_whether_shut_out()
            await self.database.fold_log()  # now, with most of a second until the next tick

    def _warning(self) -> str:
        """What stands in the way of recording, the worst first."""
        refused = self.recorder.storage_error
        if refused is not None:
            return f"Heart rates are not being saved. {refused} {refused.hint}".strip()
        return radio_warning(self.fleet.receiver_statuses())

    # --- time

    async def _tidy(self) -> None:
        now_ms = self.clock.wall_ms()
        await self.database.write(lambda db: accounts.forget_expired(db, now_ms))

    # --- actions

    def sync_view(self) -> SyncView:
        """The relay's state for the pages."""
        status, limits, network = self.uplink.status, self.uplink.limits, self.uplink.network
        if status is None:
            return SyncView(False, "not enrolled", "This hub has not joined a club yet.", None, None)
        error = f"{status.last_error.rstrip('.')}. {status.hint}".strip() if status.last_error else None
        state = "copied" if status.is_copied else "busy" if status.asks_to_wait else status.state
        return SyncView(
            True, state, status.detail, error, status.next_try_s,
            is_paused=limits.is_paused, cap_kbit_s=limits.cap_kbit_s, only_network=limits.only_network,
            network=None if network is None else network.name,
            eta_s=self.uplink.eta_s, bytes_pending=self.uplink.bytes_pending, bytes_sent=status.bytes_sent,
        )  # fmt: skip

    # --- actions

    async def _start_session(self, title: str, sport: str) -> Session:
        return await self.recorder.start_session(title, sport, offset_s(self.clock.wall_ms()))

    async def _end_session(self) -> Session:
        """End it, then link what files imported meanwhile tell of it."""
        session = await self.recorder.end_session()
        await self.pods.tick()
        await self.imports.link_recorded(session.session_id)
        return session

    async def _assign_strap(self, strap_id: str, athlete_id: str | None) -> None:
        await self.recorder.assign(strap_id, athlete_id)
        await self.wishes.follow()

    async def _wearing_changed(self, session_id: str | None) -> None:
        """Who wears what was changed: the radio, the results and what files fill follow."""
        await self.wishes.follow()
        self.recalculation.wake()
        live = self.recorder.session
        if session_id is not None and (live is None or live.session_id != session_id):
            await self.imports.link_recorded(session_id)

    async def _save_athlete(self, athlete_id: str | None, fields: dict[str, object], by: str = "") -> Athlete:
        moment = replace(self.moment(), by=by)
        pk = athlete_id or moment.new_id()

        def change(db: Connection) -> Athlete:
            if athlete_id is not None:
                athletes.athlete(db, athlete_id)
            if fields:
                propose(db, moment, "athlete", pk, fields)
            return athletes.athlete(db, pk)

        saved = await self.database.write(change)
        await self.recorder.roster_changed({pk})
        if athlete_id is None:
            await self.imports.match_again()
        return saved

    async def _change_values(self, athlete_id: str, new: NewChange, made_by: str) -> str:
        moment = self.moment()
        today = local_day(moment.wall_ms)
        change_id = await self.database.write(
            lambda db: propose_change(db, moment, athlete_id, new, made_by, today)
        )
        await self._values_changed(athlete_id)
        return change_id

    async def _set_change_removed(self, change_id: str, is_removed: bool) -> None:
        moment = self.moment()
        athlete_id = await self.database.write(lambda db: set_removed(db, moment, change_id, is_removed))
        await self._values_changed(athlete_id)

    async def _athletes_arrived(self, athlete_ids: set[str]) -> None:
        """The feed brought edits of athletes or straps: the board, who wears what, and the results follow."""
        self.recalculation.wake()
        await self.recorder.roster_changed(athlete_ids)
        await self.pods.roster_changed()
        if n := await self.database.write(erasure_notes.take_new):
            self.desk.erasure_heard()
            await self._note("sync", erasure_notes.words(n))

    async def _heard_whether_shut_out(self) -> None:
        """Keep what the cloud last said of it."""
        is_out = None if self.uplink.status is None else self.uplink.status.is_shut_out
        if is_out is not None and is_out is not self._is_shut_out:
            with suppress(HubError):  # a busy store is asked again
                await self.database.write(lambda db: shut_out.heard(db, is_out=is_out))
                self._is_shut_out = is_out

    async def _edited(self, tbl: str, pk: str, athlete_id: str | None) -> None:
        """A record was set from the sync's pages: what rests on it follows."""
        if tbl == "profile_change" and athlete_id is not None:
            await self._values_changed(athlete_id)
        elif tbl == "athlete":
            await self.recorder.roster_changed({pk})

    async def _values_changed(self, athlete_id: str) -> None:
        self.recalculation.wake()
        await self.recorder.roster_changed({athlete_id})

    async def _sync_soon(self) -> None:
        self.uplink.sync_soon()

    def _parts(self) -> WebParts:
        return WebParts(
            database=self.database,
            board=self.board,
            imports=self.imports,
            bundles=self.bundles,
            desk=self.desk,
            actions=Actions(
                start_session=self._start_session,
                end_session=self._end_session,
                assign_strap=self._assign_strap,
                save_athlete=self._save_athlete,
                change_values=self._change_values,
                set_change_removed=self._set_change_removed,
                stop_effort=self.recorder.stop_effort,
                take_stop_back=self.recorder.take_stop_back,
                enrol=self.uplink.enrol,
                rejoin=self.uplink.rejoin,
                sync_now=self._sync_soon,
                pause_sync=self.uplink.pause,
                limit_sync=self.uplink.limit,
            ),
            progress=self.recalculation.waiting,
            straps=self.fleet.statuses,
            radio=RadioParts(
                receivers=self.fleet.receiver_statuses,
                foreign=lambda: self.fleet.foreign,
                keep_wish=self.wishes.keep,
                pods=self.pods.latest,
                pod_wearers=self.pods.wearers,
                assign_pod=self.pods.assign,
                sharing=adapters_beside_wifi,
            ),
            sync_view=self.sync_view,
            now_mono_ms=self.clock.mono_ms,
            now_wall_ms=self.clock.wall_ms,
            clock_is_verified=lambda: self.clock.is_verified,
            clock_err_ms=lambda: self.clock.err_ms,
            hear_tablet=self.time.tablets.hear,
            answer_time=self.learnt.answer,
            version=__version__,
            stopping=self.stopping,
            frames=self.frames,
            wearing=self.wearing,
        )

    def _verbs(self) -> dict[str, Any]:
        async def keep_verb(question: dict[str, Any], data: bytes) -> dict[str, Any]:
            read = await asyncio.to_thread(unpacked, data)
            return asdict(await self.imports.keep(read, question.get("athlete_id")))

        async def sync_verb(_question: dict[str, Any], _data: bytes) -> dict[str, Any]:
            return {"words": await self.uplink.sync_now()}

        async def status_verb(_question: dict[str, Any], _data: bytes) -> dict[str, Any]:
            view = self.sync_view()
            shot = self.board.snapshot(self.clock.mono_ms(), self.clock.wall_ms())
            return {
                "athletes": len(shot.athletes), "fresh": shot.fresh, "unassigned": shot.unassigned,
                "session": shot.session.title if shot.session else None, "elapsed_s": shot.elapsed_s,
                "sync": view.state, "sync_detail": view.detail, "sync_error": view.last_error,
                "clock": {"verified": self.clock.is_verified, "err_ms": self.clock.err_ms},
                "pid": os.getpid(), "url": f"http://{self.settings.host}:{self.settings.port}",
            }  # fmt: skip

        async def verify_verb(_question: dict[str, Any], _data: bytes) -> dict[str, Any]:
            found = await self.desk.compare()
            return {"words": found.words, "is_equal": found.is_equal, **asdict(found)}

        async def sync_state_verb(_question: dict[str, Any], _data: bytes) -> dict[str, Any]:
            return {"view": asdict(self.sync_view()), "now_ms": self.clock.wall_ms()}

        async def rejoin_verb(question: dict[str, Any], _data: bytes) -> dict[str, Any]:
            return {"words": f"This hub is now one of {await self.uplink.rejoin(str(question['code']))}."}

        async def rotate_verb(_question: dict[str, Any], _data: bytes) -> dict[str, Any]:
            await self.uplink.rotate_key()
            return {"words": "This hub has a new key; the cloud no longer takes the old one."}

        async def radio_verb(_question: dict[str, Any], _data: bytes) -> dict[str, Any]:
            shot = self.board.snapshot(self.clock.mono_ms(), self.clock.wall_ms())
            rates = {it.strap_id: it.bpm for it in shot.athletes}
            return radio_answer(self.fleet, self.clock.mono_ms(), rates.get)

        return {
            "keep": keep_verb, "sync": sync_verb, "status": status_verb, "verify": verify_verb,
            "sync_state": sync_state_verb, "rejoin": rejoin_verb, "rotate": rotate_verb, "radio": radio_verb,
            "record": self.radio_recording.record, **bundle_command.verbs(self.bundles),
        }  # fmt: skip


def desk_setting(settings: HubSettings) -> DeskSetting:
    """What the import desk needs of the hub's settings."""
    return DeskSetting(
        settings.database_path.parent, settings.zone, settings.watched_folders, settings.usb,
        settings.originals_mib << 20,
    )  # fmt: skip


async def serve(settings: HubSettings, on_ready: Callable[[Hub], None] = lambda _hub: None) -> None:
    """Open the store and the radio, run the hub until it is stopped, and close both."""
    give_back_what_is_freed()
    with owned(settings):
        database = Database.open(settings.database_path)
        radio: RadioSource | None = None
        try:
            radio = await open_radio(settings)
            hub = Hub(settings, database, radio)
            await hub.run(lambda: on_ready(hub))
        finally:
            await close_radio(settings, radio)
            database.close()
