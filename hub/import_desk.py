"""Imports on a running hub: what is dropped, watched or plugged in is read beside it, kept, and undone.

It joins the queue, the reading processes, the store and the kept originals; what a file means and which
session it belongs to is decided below. Long changes are made in short steps, so that the tick of the board
never waits for one, and one at a time; what breaks off half-way is taken back.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from hub.devices.exports import generic_csv
from hub.devices.exports.found import Setting
from hub.devices.exports.generic_csv import CsvGuess, Preview
from hub.devices.exports.source import Source
from hub.errors import ExportUnreadable, HubError
from hub.imports import choose, inbox, originals, undo, zones
from hub.imports.arrange import Arranged, arrange_recorded
from hub.imports.choose import Channel
from hub.imports.jobs import BatchProgress, Incoming, Jobs, Outcome, to_its_end
from hub.imports.keep import keeping
from hub.imports.pool import Pool, PoolSetting
from hub.imports.readfile import ReadFile
from hub.imports.storable import storable
from hub.imports.watch import Seen, Watch
from hub.store import csv_mappings, taken
from hub.store import originals as kept_originals
from hub.store.database import Database
from hub.store.originals import Original
from hub.store.records import Moment
from hub.store.steps import Steps, at_once

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for with a batch of files: whose they are, where that is known."""

    athlete_id: str | None = None


@dataclass(frozen=True, slots=True)
class DeskSetting:
    """Where uploads wait and originals are kept, which folders import by themselves, and the club's zone."""

    folder: Path
    zone: ZoneInfo
    watched: tuple[Path, ...] = ()
    mounts: tuple[Path, ...] = ()
    originals_bytes: int = originals.MOST_TOTAL_BYTES
    pool: PoolSetting = PoolSetting()  # noqa: RUF009  (frozen)

    @property
    def incoming(self) -> Path:
        """Uploads not yet read."""
        return self.folder / "incoming"

    @property
    def originals(self) -> Path:
        """Originals by their hash."""
        return self.folder / "originals"


class ImportDesk:
    """All that can be done with files; `run` does the work until it is cancelled."""

    def __init__(self, database: Database, moment: Callable[[], Moment], setting: DeskSetting) -> None:
        self.setting = setting
        self._database, self._moment = database, moment
        self._mappings: Mapping[str, Mapping[str, Any]] = {}
        self._turn = asyncio.Lock()
        self._is_settled = True
        self._pool = Pool(setting.pool, originals=setting.originals)
        self._jobs: Jobs[Wish] = Jobs(
            self._pool, self._keep, self._reading, lambda: moment().new_id(), forgotten=self._throw_away
        )
        self._watch = Watch(setting.watched, setting.mounts, self, self._take)

    async def run(self) -> None:
        """Read, keep and watch until cancelled. Uploads left by the last process are thrown away first."""
        await asyncio.to_thread(shutil.rmtree, self.setting.incoming, ignore_errors=True)
        for folder in self.setting.watched:
            with suppress(OSError):
                folder.mkdir(parents=True, exist_ok=True)
        self._mappings = await self._database.read(csv_mappings.by_signature)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._jobs.run())
            tasks.create_task(self._watch.run())

    async def settle(self) -> None:
        """Bring to rest what a crash cut off; before anything is shown."""
        moment = self._moment()
        await self._database.write_in_steps(lambda db: undo.settling(db, moment))
        self._is_settled = True

    async def close(self) -> None:
        """End the reading processes; a file that is being stored is stored to its end."""
        async with self._turn:
            await self._pool.close()

    # --- files on their way in

    def place_for(self, name: str) -> Incoming:
        """Where an upload called `name` shall be written before it is submitted."""
        self.setting.incoming.mkdir(parents=True, exist_ok=True)
        return Incoming(self.setting.incoming / self._moment().new_id(), name)

    def submit(self, files: Sequence[Incoming], athlete_id: str | None = None) -> str:
        """Queue files for one athlete, or for whom they say they are; the batch's id."""
        return self._jobs.submit(files, Wish(athlete_id))

    def cancel(self, batch_id: str, number: int | None = None) -> None:
        """Stop a file of a batch, or all of it; what is being kept is kept to its end."""
        self._jobs.cancel(batch_id, number)

    def retry(self, batch_id: str, number: int) -> None:
        """Read a file of a batch once more."""
        self._jobs.retry(batch_id, number)

    def progress(self, batch_id: str) -> BatchProgress | None:
        """A batch as it stands; None once it is forgotten."""
        return self._jobs.progress(batch_id)

    def batches(self) -> list[BatchProgress]:
        """The batches still known, newest first."""
        return self._jobs.batches()

    def events(self, batch_id: str) -> AsyncIterator[BatchProgress]:
        """A batch after every change until it is finished."""
        return self._jobs.events(batch_id)

    async def keep(self, read: ReadFile, athlete_id: str | None, batch_id: str | None = None) -> Outcome:
        """Store what was read of one file, here or by a command on this machine."""
        read = await asyncio.to_thread(storable, read)

        def change(db: Connection, moment: Moment) -> Steps[tuple[Outcome, list[str]]]:
            outcome = yield from keeping_with_original(db, moment, read, athlete_id, batch_id)
            limit = self.setting.originals_bytes
            gone = kept_originals.beyond(db, limit) if read.packed_bytes is not None else []
            for sha256 in gone:
                kept_originals.forget(db, sha256)
            return outcome, gone

        outcome, gone = await self._change_in_steps(change)
        if gone:
            await asyncio.to_thread(originals.delete, self.setting.originals, gone)
        return outcome

    # --- afterwards

    async def undo(self, import_id: str) -> undo.Undone:
        """Take an import back. Raises NotFound or ActionRefused."""
        return await self._change_in_steps(lambda db, moment: undo.undoing(db, moment, import_id))

    async def assign(self, key: str, athlete_id: str, remember: bool = True) -> inbox.Given:
        """Give all that waits of one person to an athlete. Raises NotFound."""
        return await self._change_in_steps(
            lambda db, moment: inbox.assigning(db, moment, key, athlete_id, remember)
        )

    async def give(self, source_id: str, athlete_id: str | None) -> inbox.Given:
        """Give one source to another athlete, or back to the inbox. Raises NotFound."""
        return await self._change(lambda db, moment: inbox.give(db, moment, source_id, athlete_id))

    async def link_recorded(self, session_id: str) -> Arranged:
        """Link what files tell of a session recorded here that has ended. Raises NotFound."""
        return await self._change(lambda db, moment: arrange_recorded(db, moment, session_id))

    async def match_again(self) -> None:
        """The roster changed: look once more for whom the waiting are."""
        await self._change_in_steps(inbox.matching_again)

    async def answer(self, question_id: str, correct: bool) -> Arranged | None:
        """Answer whether a file's zone is wrong. Raises NotFound or ActionRefused."""
        return await self._change(lambda db, moment: zones.answer(db, moment, question_id, correct))

    async def choose(self, source_id: str, channel: Channel) -> Arranged:
        """Let a source feed its athlete's heart rate or motion. Raises NotFound or ActionRefused."""
        return await self._change(lambda db, moment: choose.choose(db, moment, source_id, channel))

    async def choose_nothing(self, session_id: str, athlete_id: str, channel: Channel) -> Arranged:
        """Leave it to the ranking again."""
        return await self._change(
            lambda db, moment: choose.choose_nothing(db, moment, session_id, athlete_id, channel)
        )

    async def let_fill(self, source_id: str, may_fill: bool) -> Arranged:
        """Let a source fill what a better one did not hear, or not."""
        return await self._change(lambda db, moment: choose.let_fill(db, moment, source_id, may_fill))

    # --- tables nobody knows

    async def guess(self, batch_id: str, number: int) -> CsvGuess:
        """What an unknown table of a batch seems to be. Raises ExportUnreadable or ActionRefused."""
        return await asyncio.to_thread(generic_csv.detect, self._source(batch_id, number))

    async def preview(self, batch_id: str, number: int, mapping: Mapping[str, object]) -> Preview:
        """The first rows as a mapping reads them. Raises ExportUnreadable or ActionRefused."""
        source, zone = self._source(batch_id, number), self.setting.zone
        return await asyncio.to_thread(generic_csv.preview, source, mapping, zone=zone)

    async def save_mapping(self, batch_id: str, number: int, mapping: Mapping[str, Any]) -> None:
        """Keep a mapping for every table with this header, and read the file under it.

        A start time holds for one file only and is not kept: another file's name must give its own.
        """
        mapping = {name: value for name, value in mapping.items() if name != "started_at"}
        signature = await asyncio.to_thread(generic_csv.header_signature, self._source(batch_id, number))
        await self._change(lambda db, moment: csv_mappings.save(db, signature, mapping, moment.wall_ms))
        self._mappings = {**self._mappings, signature: mapping}
        self.retry(batch_id, number)

    # --- what the watched folders remember

    async def knows(self, seen: Seen) -> bool:
        """Whether this file was taken before."""
        return await self._database.read(
            lambda db: taken.knows(db, str(seen.path), seen.size_bytes, seen.mtime_ns)
        )

    async def remember(self, seen: Seen) -> None:
        """It was taken now."""
        await self._change(
            lambda db, moment: taken.remember(
                db, str(seen.path), seen.size_bytes, seen.mtime_ns, moment.wall_ms
            )
        )

    # --- inside

    async def _take(self, found: Sequence[Seen]) -> None:
        self.submit([Incoming(seen.path, seen.path.name) for seen in found])

    async def _keep(self, read: ReadFile, wish: Wish) -> Outcome:
        return await self.keep(read, wish.athlete_id)

    def _reading(self, _wish: Wish) -> Setting:
        return Setting(self.setting.zone, mappings=self._mappings)

    def _throw_away(self, files: Sequence[Incoming]) -> None:
        for it in files:
            if it.path.parent == self.setting.incoming:
                it.path.unlink(missing_ok=True)

    def _source(self, batch_id: str, number: int) -> Source:
        given = self._jobs.file(batch_id, number)
        if not given.path.is_file():
            raise ExportUnreadable("it is gone.", hint="Choose the file again.")
        return Source.of_path(given.path, given.name)

    async def _change(self, change: Callable[[Connection, Moment], Answer]) -> Answer:
        moment = self._moment()
        return await self._database.write(lambda db: change(db, moment))

    async def _change_in_steps(self, change: Callable[[Connection, Moment], Steps[Answer]]) -> Answer:
        return await to_its_end(self._whole_or_not(change))

    async def _whole_or_not(self, change: Callable[[Connection, Moment], Steps[Answer]]) -> Answer:
        async with self._turn:
            if not self._is_settled:
                await self.settle()
            moment = self._moment()
            try:
                return await self._database.write_in_steps(lambda db: change(db, moment))
            except BaseException:
                self._is_settled = False
                with suppress(HubError):  # a full disk: tried again before the next change, and at a start
                    await self.settle()
                raise


def keeping_with_original(
    db: Connection, moment: Moment, read: ReadFile, athlete_id: str | None, batch_id: str | None = None
) -> Steps[Outcome]:
    """Keep a storable file in steps and note its original where one was put away."""
    outcome = yield from keeping(db, moment, read, athlete_id, batch_id)
    if read.packed_bytes is not None:
        original = Original(read.sha256, read.name, read.size_bytes, read.packed_bytes, moment.wall_ms)
        kept_originals.add(db, original)
    record = outcome.record
    return Outcome(
        record.filename, record.status, record.detail, outcome.session_ids, record.import_id, record.hint,
        record.format, record.warnings, record.sessions,
    )  # fmt: skip


def kept_with_original(db: Connection, moment: Moment, read: ReadFile, athlete_id: str | None) -> Outcome:
    """Keep a read file and its original at once, in the caller's transaction."""
    return at_once(keeping_with_original(db, moment, storable(read), athlete_id))
