"""Batches of files on their way in: each file waits, is read, is stored, is done; anyone may watch.

It keeps its state in memory only: what was stored is the store's to know, and a batch that a restart cuts
off is simply given again, since nothing is ever counted twice.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from hub.devices.exports.found import Setting
from hub.errors import ActionRefused, HubError
from hub.imports.archive import USUAL, Limits
from hub.imports.readfile import ReadFile

MOST_BATCHES = 50
MOST_FILES = 20_000

Options = TypeVar("Options")
Answer = TypeVar("Answer")


class FileState(StrEnum):
    """Where a file is on its way in."""

    WAITING = "waiting"
    READING = "reading"
    STORING = "storing"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file to import: where it lies now and how people call it."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one export file ended: "imported", "duplicate", "linked", "quarantined", "failed", "cancelled"."""

    name: str
    status: str
    detail: str
    session_ids: tuple[str, ...] = ()
    import_id: str = ""
    hint: str = ""
    format: str = ""
    warnings: tuple[str, ...] = ()
    sessions: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class FileProgress:
    """One given file; an archive has an outcome for each export in it."""

    number: int
    name: str
    state: FileState = FileState.WAITING
    outcomes: tuple[Outcome, ...] = ()


@dataclass(frozen=True, slots=True)
class BatchProgress:
    """All files of a batch at one moment; `change` rises with every change."""

    batch_id: str
    change: int
    files: tuple[FileProgress, ...]

    @property
    def n_done(self) -> int:
        """Files that have ended, whatever the outcome."""
        return sum(it.state is FileState.DONE for it in self.files)

    @property
    def is_finished(self) -> bool:
        """Whether every file has ended."""
        return self.n_done == len(self.files)


class Reading(Protocol):
    """What reads files: hub.imports.pool.Pool, or anything that yields results as it does."""

    def read(
        self, path: Path, setting: Setting, name: str | None = None, limits: Limits = USUAL
    ) -> AsyncIterator[ReadFile]:
        """The results of one file, as they come."""
        ...

    async def rest(self) -> None:
        """Nothing is waiting any more."""
        ...


Store = Callable[[ReadFile, Options], Awaitable[Outcome]]


@dataclass(slots=True)
class _Batch(Generic[Options]):
    incoming: tuple[Incoming, ...]
    options: Options
    files: list[FileProgress]
    change: int = 0
    tasks: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    stopped: set[int] = field(default_factory=set)


class Jobs(Generic[Options]):
    """The queue. `run` does the work, as many files at once as `at_once`; the rest may be called any time.

    `setting` and `limits` say how to read under a batch's options; `forgotten` is told a batch's files once
    it can no longer be retried, so that uploads can be thrown away.
    """

    def __init__(
        self,
        reading: Reading,
        store: Store[Options],
        setting: Callable[[Options], Setting],
        new_id: Callable[[], str],
        at_once: int = 1,
        *,
        limits: Callable[[Options], Limits] = lambda _: USUAL,
        forgotten: Callable[[Sequence[Incoming]], None] = lambda _: None,
    ) -> None:
        self._reading, self._store, self._setting, self._new_id = reading, store, setting, new_id
        self._limits, self._forgotten, self._at_once = limits, forgotten, at_once
        self._batches: dict[str, _Batch[Options]] = {}
        self._waiting: deque[tuple[str, int]] = deque()
        self._work = asyncio.Event()
        self._changed = asyncio.Event()

    def submit(self, files: Sequence[Incoming], options: Options) -> str:
        """Queue files and return their batch's id. The oldest finished batches are forgotten over time."""
        batch_id = self._new_id()
        numbered = [FileProgress(number, it.name) for number, it in enumerate(files[:MOST_FILES])]
        self._batches[batch_id] = _Batch(tuple(files[:MOST_FILES]), options, numbered)
        self._forget_old()
        self._waiting.extend((batch_id, it.number) for it in numbered)
        self._work.set()
        self._tell()
        return batch_id

    def cancel(self, batch_id: str, number: int | None = None) -> None:
        """Stop a file, or all of a batch; what is being stored is stored to its end."""
        batch = self._batches.get(batch_id)
        if batch is None:
            return
        for it in list(batch.files):
            if number not in (None, it.number):
                continue
            if it.state is FileState.WAITING:
                self._end(batch_id, it.number, Outcome(it.name, "cancelled", "cancelled before it was read."))
            elif it.state is FileState.READING and it.number in batch.tasks:
                batch.tasks[it.number].cancel()
            elif it.state is FileState.STORING:
                batch.stopped.add(it.number)

    def retry(self, batch_id: str, number: int) -> None:
        """Queue a file that has ended once more."""
        batch = self._batches.get(batch_id)
        if batch and 0 <= number < len(batch.files) and batch.files[number].state is FileState.DONE:
            self._set(batch_id, number, state=FileState.WAITING, outcomes=())
            self._waiting.append((batch_id, number))
            self._work.set()

    def progress(self, batch_id: str) -> BatchProgress | None:
        """A batch as it stands, None once forgotten."""
        batch = self._batches.get(batch_id)
        return BatchProgress(batch_id, batch.change, tuple(batch.files)) if batch else None

    def file(self, batch_id: str, number: int) -> Incoming:
        """A file of a batch, as it was given. Raises ActionRefused once the batch is forgotten."""
        batch = self._batches.get(batch_id)
        if batch is None or not 0 <= number < len(batch.incoming):
            raise ActionRefused("The file is no longer at hand.", hint="Choose it again.")
        return batch.incoming[number]

    def batches(self) -> list[BatchProgress]:
        """All batches still known, newest first."""
        return [it for batch_id in reversed(self._batches) if (it := self.progress(batch_id))]

    async def events(self, batch_id: str) -> AsyncIterator[BatchProgress]:
        """The batch now and after each change until it is finished; a slow reader gets only the latest."""
        seen = -1
        while True:
            changed = self._changed
            now = self.progress(batch_id)
            if now is None or (now.is_finished and now.change == seen):
                return
            if now.change > seen:
                seen = now.change
                yield now
            else:
                await changed.wait()

    async def run(self) -> None:
        """Read and store until cancelled; readings under way then end with their processes."""
        async with asyncio.TaskGroup() as workers:
            for _ in range(self._at_once):
                workers.create_task(self._serve())

    async def _serve(self) -> None:
        while True:
            while self._waiting:
                batch_id, number = self._waiting.popleft()
                batch = self._batches.get(batch_id)
                if batch and batch.files[number].state is FileState.WAITING:
                    await self._import(batch_id, batch, number)
            self._work.clear()
            if not any(batch.tasks for batch in self._batches.values()):
                await self._reading.rest()
            await self._work.wait()

    async def _import(self, batch_id: str, batch: _Batch[Options], number: int) -> None:
        self._set(batch_id, number, state=FileState.READING)
        task = asyncio.create_task(self._one(batch_id, batch, number))
        batch.tasks[number] = task
        try:
            await asyncio.wait([task])
        finally:
            if not task.done():  # the hub is stopping
                task.cancel()
                await asyncio.wait([task])
            del batch.tasks[number]
            batch.stopped.discard(number)
        name = batch.files[number].name
        if task.cancelled():
            self._end(batch_id, number, Outcome(name, "cancelled", "cancelled while it was read."))
        elif (error := task.exception()) is not None:
            self._end(batch_id, number, Outcome(name, "failed", _sentence(error)))
        else:
            self._end(batch_id, number)

    async def _one(self, batch_id: str, batch: _Batch[Options], number: int) -> None:
        given = batch.incoming[number]
        setting, limits = self._setting(batch.options), self._limits(batch.options)
        results = self._reading.read(given.path, setting, given.name, limits)
        async with aclosing(results) as reads:  # type: ignore[type-var]
            async for read in reads:
                self._set(batch_id, number, state=FileState.STORING)
                outcome = await to_its_end(self._store(read, batch.options))
                kept = (*batch.files[number].outcomes, outcome)
                self._set(batch_id, number, state=FileState.READING, outcomes=kept)
                if number in batch.stopped:
                    raise asyncio.CancelledError

    def _set(self, batch_id: str, number: int, **changes: object) -> None:
        batch = self._batches[batch_id]
        batch.files[number] = replace(batch.files[number], **changes)  # type: ignore[arg-type]
        batch.change += 1
        self._tell()

    def _end(self, batch_id: str, number: int, outcome: Outcome | None = None) -> None:
        kept = self._batches[batch_id].files[number].outcomes
        self._set(batch_id, number, state=FileState.DONE, outcomes=(*kept, outcome) if outcome else kept)

    def _tell(self) -> None:
        """Wake whoever watches; they look for themselves what is new."""
        self._changed.set()
        self._changed = asyncio.Event()

    def _forget_old(self) -> None:
        finished = [it.batch_id for it in reversed(self.batches()) if it.is_finished]
        for batch_id in finished[: max(0, len(self._batches) - MOST_BATCHES)]:
            self._forgotten(self._batches.pop(batch_id).incoming)


async def to_its_end(storing: Awaitable[Answer]) -> Answer:
    """Await what must not be broken off: a cancellation takes effect once it is done."""
    task = asyncio.ensure_future(storing)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _sentence(error: BaseException) -> str:
    if isinstance(error, HubError):
        return f"{error} {error.hint}".strip()
    return f"it could not be stored ({type(error).__name__})."
