"""A hub without a radio for the page tests: real store, board and recorder, and a clock that is set.

Readings are spoken by the test; it knows no strap and no cloud.
"""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from sqlite3 import Connection
from uuid import uuid4
from zoneinfo import ZoneInfo

from hub.board import Board
from hub.domain import Athlete, Contact, Reading, Session, StrapStatus, Via
from hub.errors import ActionRefused
from hub.import_desk import DeskSetting, ImportDesk
from hub.recorder import Recorder
from hub.results.profiles import NewChange, local_day, propose_change, set_removed
from hub.results.recalculation import Recalculation
from hub.store import athletes, boots, meta, sync_limits
from hub.store.database import Database
from hub.store.outbox import StoreOutbox
from hub.store.records import Moment, propose
from hub.syncing.bundle_desk import BundleDesk
from hub.syncing.bundle_desk import DeskSetting as BundleSetting
from hub.syncing.desk import DeskParts, SyncDesk
from hub.syncing.verify import Tell, Verification
from hub.wearing.desk import Parts, WearingDesk
from hub.web.live import Frames
from hub.web.parts import Actions, SyncView, WebParts
from sync.wire import ClubResponse

SETUP_CODE = "K7QM-2XPA"
START_WALL_MS = 1_795_255_200_000


def in_media(path: Path) -> bool:
    """Whether a folder stands for a stick that is plugged in."""
    return path.parent.name == "media"


class NoCloud:
    """Where no cloud can be asked."""

    async def verify(self, tell: Tell) -> Verification:
        """Nobody to compare with."""
        raise ActionRefused("This hub is not enrolled.", hint="Enter a claim code on the sync page.")

    async def club(self) -> ClubResponse:
        """Nobody to ask."""
        raise ActionRefused("This hub is not enrolled.", hint="Enter a claim code on the sync page.")


class SmallHub:
    """Everything pages stand on. `pass_time` moves both clocks."""

    def __init__(self, folder: Path) -> None:
        self.database = Database.open(folder / "hub.db")
        self.boot_no = self.database.write_now(lambda db: boots.register(db, "test-boot"))
        self.database.write_now(lambda db: meta.put(db, "setup_code", SETUP_CODE))
        self.mono_ms, self.wall_ms = 1_000_000, START_WALL_MS
        self.board, self.frames = Board(), Frames()
        self.recorder = Recorder(self.database, self.board, self.moment)
        self.recalculation = Recalculation(self.database, lambda: self.wall_ms)
        self.heard: dict[str, StrapStatus] = {}
        self.sync = SyncView(False, "not enrolled", "", None, None)
        self.enrolled: list[tuple[str, str]] = []
        self.cloud = NoCloud()
        self.desk = SyncDesk(
            self.database,
            DeskParts(
                self.moment, self.cloud.verify, self.cloud.club, self.recorder.assign, self.edited
            ),
        )  # fmt: skip
        self.bundles = BundleDesk(
            self.database,
            StoreOutbox(self.database, "test-boot", self.moment, lambda anchor: None),
            lambda: (self.mono_ms, self.wall_ms),
            self.moment,
            BundleSetting(folder / "bundles", (folder / "media",), folder / "hub.key", in_media),
            nullcontext,
        )
        self.let_go: frozenset[str] = frozenset()
        self.wearing = WearingDesk(
            Parts(
                self.database, self.recorder, lambda: tuple(self.heard.values()), self.moment,
                self.wearing_changed, lambda strap_ids, _for_ms: self.note_let_go(strap_ids),
            )
        )  # fmt: skip
        self.parts = WebParts(
            database=self.database,
            board=self.board,
            actions=Actions(
                start_session=lambda title, sport: self.recorder.start_session(title, sport, 0),
                end_session=self.recorder.end_session,
                assign_strap=self.recorder.assign,
                save_athlete=self.save_athlete,
                change_values=self.change_values,
                set_change_removed=self.set_change_removed,
                stop_effort=self.recorder.stop_effort,
                take_stop_back=self.recorder.take_stop_back,
                enrol=self.enrol,
                rejoin=self.rejoin,
                sync_now=self.sync_now,
                pause_sync=self.pause_sync,
                limit_sync=self.limit_sync,
            ),
            desk=self.desk,
            bundles=self.bundles,
            imports=ImportDesk(self.database, self.moment, DeskSetting(folder, ZoneInfo("UTC"))),
            progress=self.recalculation.waiting,
            straps=lambda: tuple(self.heard.values()),
            sync_view=lambda: self.sync,
            now_mono_ms=lambda: self.mono_ms,
            now_wall_ms=lambda: self.wall_ms,
            clock_is_verified=lambda: True,
            version="0.1.0",
            stopping=asyncio.Event(),
            frames=self.frames,
            wearing=self.wearing,
        )

    def moment(self) -> Moment:
        """Now, for the recorder."""
        return Moment(self.boot_no, self.mono_ms, self.wall_ms, lambda: str(uuid4()))

    def pass_time(self, seconds: float) -> None:
        """Both clocks go on."""
        self.mono_ms += round(seconds * 1000)
        self.wall_ms += round(seconds * 1000)

    async def edited(self, tbl: str, pk: str, athlete_id: str | None) -> None:
        """A record was set from the sync's pages."""
        await self.recorder.roster_changed({athlete_id or pk})

    async def save_athlete(self, athlete_id: str | None, fields: dict[str, object], by: str = "") -> Athlete:
        """Add or edit, as the hub does."""
        key = athlete_id or str(uuid4())
        moment = replace(self.moment(), by=by)

        def change(db: Connection) -> Athlete:
            if fields:
                propose(db, moment, "athlete", key, fields)
            return athletes.athlete(db, key)

        athlete = await self.database.write(change)
        await self.recorder.roster_changed({key})
        return athlete

    async def add_squad(self, count: int, *, hr_max: int | None = 195) -> list[str]:
        """Athletes with shirt numbers from 1, each wearing their strap; their ids in order."""
        ids = []
        for number in range(1, count + 1):
            fields: dict[str, object] = {
                "name": NAMES[(number - 1) % len(NAMES)],
                "shirt_number": number,
                "sex": "M" if number % 2 else "F",
                "hr_max_bpm": hr_max,
                "hr_rest_bpm": 55,
                "is_active": True,
            }
            athlete = await self.save_athlete(None, fields)
            self.hear(strap(number), None)
            await self.recorder.assign(strap(number), athlete.athlete_id)
            ids.append(athlete.athlete_id)
        return ids

    def hear(self, strap_id: str, bpm: int | None, contact: Contact = Contact.YES) -> None:
        """One reading, as the radio would hand it over."""
        name = f"Polar H10 {strap_id}"
        status = StrapStatus(strap_id, name, f"AA:{strap_id}", Via.GATT, True, "hci0", -60, 80)
        self.heard[strap_id] = replace(status, last_reading_mono_ms=self.mono_ms)
        self.recorder.label_strap(strap_id, name, status.address)
        self.recorder.hear(Reading(strap_id, self.mono_ms, bpm, contact=contact))

    def publish(self) -> None:
        """One tick's frame."""
        self.frames.publish(self.board.snapshot(self.mono_ms, self.wall_ms))

    async def train(self, count: int, seconds: int) -> Session:
        """A whole session: everyone at a steady 120 bpm plus their number."""
        await self.recorder.start_session("Training", "training", 0)
        for _ in range(seconds):
            self.pass_time(1)
            for number in range(1, count + 1):
                self.hear(strap(number), 120 + number)
            await self.recorder.tick()
        self.pass_time(0.5)
        return await self.recorder.end_session()

    async def change_values(self, athlete_id: str, new: NewChange, made_by: str) -> str:
        """Record a change, as the hub does; nothing recomputes until the test says so."""
        moment, today = self.moment(), local_day(self.wall_ms)
        change_id = await self.database.write(
            lambda db: propose_change(db, moment, athlete_id, new, made_by, today)
        )
        await self.recorder.roster_changed({athlete_id})
        return change_id

    async def set_change_removed(self, change_id: str, is_removed: bool) -> None:
        """Take a change back or put it back, as the hub does."""
        moment = self.moment()
        athlete_id = await self.database.write(lambda db: set_removed(db, moment, change_id, is_removed))
        await self.recorder.roster_changed({athlete_id})

    def note_let_go(self, strap_ids: frozenset[str]) -> None:
        """Which straps shall be without a link just now."""
        self.let_go = strap_ids

    async def wearing_changed(self, session_id: str | None) -> None:
        """Who wears what was changed; files follow, as on the hub."""
        if session_id is not None and self.recorder.session is None:
            await self.parts.imports.link_recorded(session_id)

    async def enrol(self, cloud_url: str, claim_code: str) -> None:
        """Join with the one code this cloud knows."""
        if claim_code != "CLAIM-1":
            raise ActionRefused("the cloud does not know this code.", hint="Make a new one.")
        self.enrolled.append((cloud_url, claim_code))

    async def rejoin(self, claim_code: str) -> str:
        """Come back under a new name with the one code this cloud knows."""
        if claim_code != "CLAIM-1":
            raise ActionRefused("the cloud does not know this code.", hint="Make a new one.")
        await self.database.write(lambda db: meta.put(db, "hub_id", "99999999-new"))
        return "Rovers"

    async def sync_now(self) -> None:
        """Nothing to send to."""

    async def pause_sync(self, is_paused: bool) -> None:
        """Remember it, as the hub does."""
        await self.database.write(lambda db: sync_limits.put_paused(db, is_paused))
        self.sync = replace(self.sync, is_paused=is_paused)

    async def limit_sync(self, cap_kbit_s: int | None, only_network: str | None) -> None:
        """Remember it, as the hub does."""
        await self.database.write(lambda db: sync_limits.put_limits(db, cap_kbit_s, only_network))
        self.sync = replace(self.sync, cap_kbit_s=cap_kbit_s, only_network=only_network)

    def close(self) -> None:
        """Close the store."""
        self.database.close()


def strap(number: int) -> str:
    """The id of the numbered strap."""
    return f"{0xA0000000 + number:08X}"


NAMES = (
    "Anna Albrecht", "Ben Hartmann", "Carla Ott", "David Fuchs", "Elif Moe", "Finn Diaz", "Greta Klein",
    "Hugo Brandt", "Ines Ito", "Jonas Peters", "Kaja Graf", "Leonhard von Westernhagen",
)  # fmt: skip
