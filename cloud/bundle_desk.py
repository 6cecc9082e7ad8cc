"""Bundles uploaded by browsers: each written to the disk as it comes, then taken, one of a club at a time.

What becomes of them is shown while it happens and for a while after; the lasting word is in the database.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import uuid
from collections.abc import AsyncIterable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cloud.bundle_take import Result, take
from cloud.errors import BundleRefused, CloudError
from cloud.store.database import Database
from cloud.turns import Turns

log = logging.getLogger(__name__)

MOST_BYTES = 2 << 30
ROOM_LEFT_BYTES = 256 << 20
WRITE_BYTES = 1 << 20
MOST_JOBS = 200
MOST_OPEN = 20
CLUBS_AT_ONCE = 2
"""Bundles of so many clubs are taken at the same time, so that memory and connections stay bounded."""
LONGEST_NAME = 120


@dataclass(slots=True)
class Job:
    """One upload on its way; `result` None while it is not done. `step` is waiting, checking or taking."""

    job_id: str
    club_id: str
    name: str
    path: Path
    step: str = "waiting"
    done_bytes: int = 0
    total_bytes: int = 0
    result: Result | None = None

    @property
    def percent(self) -> int:
        """How much of the step is done."""
        return 100 * self.done_bytes // self.total_bytes if self.total_bytes else 0

    def went(self, step: str, done_bytes: int, total_bytes: int) -> None:
        """So many bytes of so many."""
        self.step, self.done_bytes, self.total_bytes = step, done_bytes, total_bytes


class BundleDesk:
    """Takes uploads of signed-in people; `on_arrival` is told when something new was committed."""

    def __init__(self, database: Database, folder: Path, on_arrival: Callable[[], None]) -> None:
        self._database, self.folder, self._on_arrival = database, folder, on_arrival
        self._jobs: dict[str, Job] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns = Turns(at_once=1, waiting=None, longest_wait_s=None)
        self._clubs = asyncio.Semaphore(CLUBS_AT_ONCE)

    def open(self) -> None:
        """Throw away what an earlier process left half received."""
        shutil.rmtree(self.folder, ignore_errors=True)

    async def close(self) -> None:
        """Stop; a bundle cut off between two chunks goes on when it is uploaded again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)

    def jobs(self, club_id: str) -> list[Job]:
        """The club's uploads since this process began, newest first."""
        return [job for job in reversed(self._jobs.values()) if job.club_id == club_id]

    async def receive(self, club_id: str, name: str, n_bytes: int, parts: AsyncIterable[bytes]) -> Job:
        """Keep an upload of `n_bytes` (0: not said) and queue it. Raises BundleRefused."""
        if sum(job.result is None for job in self._jobs.values()) >= MOST_OPEN:
            raise BundleRefused("Too many bundles are waiting.", hint="Try again in a minute.")
        self._refuse_without_room(n_bytes)
        job_id = str(uuid.uuid4())
        path = self.folder / job_id
        try:
            with path.open("wb") as file:
                await self._write(file.write, parts)
            if n_bytes and path.stat().st_size != n_bytes:
                raise BundleRefused("It did not arrive whole.", hint="Upload it again.")
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        job = Job(job_id, club_id, _shown(name), path)
        self._jobs[job_id] = job
        self._forget_old()
        task = asyncio.create_task(self._work(job), name=f"bundle {job_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job

    def _refuse_without_room(self, n_bytes: int) -> None:
        if n_bytes > MOST_BYTES:
            raise BundleRefused("It is larger than 2 GB.", hint="Use touchline-cloud accept on the server.")
        self.folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(self.folder).free < n_bytes + ROOM_LEFT_BYTES:
            raise BundleRefused("The server's disk is full.", hint="Tell the cloud's admin; keep the stick.")

    async def _write(self, write: Callable[[bytes], int], parts: AsyncIterable[bytes]) -> None:
        waiting, total = bytearray(), 0
        async for part in parts:
            waiting += part
            total += len(part)
            if total > MOST_BYTES:
                raise BundleRefused("It is larger than 2 GB.")
            if len(waiting) >= WRITE_BYTES:
                await asyncio.to_thread(write, bytes(waiting))
                waiting.clear()
        await asyncio.to_thread(write, bytes(waiting))

    async def _work(self, job: Job) -> None:
        try:
            async with self._turns.turn(job.club_id), self._clubs:
                job.result = await take(self._database, job.path, job.club_id, job.went)
        except CloudError as error:
            job.result = Result("refused", str(error), hint=error.hint or "Upload it again later.")
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("the bundle %s failed", job.name)
            job.result = Result("refused", "The cloud failed on it; it was logged.", hint="Upload it again.")
        finally:
            with suppress(OSError):
                job.path.unlink(missing_ok=True)
        if job.result.state == "taken":
            self._on_arrival()

    def _forget_old(self) -> None:
        done = [job_id for job_id, job in self._jobs.items() if job.result is not None]
        for job_id in done[: max(0, len(self._jobs) - MOST_JOBS)]:
            del self._jobs[job_id]


def _shown(name: str) -> str:
    """A file's name as it may be shown."""
    plain = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name).strip(" /\\")
    return plain[-LONGEST_NAME:] or "file without a name"
