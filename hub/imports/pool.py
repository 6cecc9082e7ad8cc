"""Files read in processes of their own: one that crashes, hangs or swells costs its file and nothing else.

It decides nothing about what was read. A process is started when first needed and ended, by its own
handle, when a file takes too long or is no longer wanted.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import hub
from hub.devices.exports.found import Setting
from hub.imports.archive import USUAL, Limits
from hub.imports.readfile import ReadFile
from hub.imports.worker import LENGTH, Request

START = "from hub.imports.worker import main; main()"
LONGEST_MESSAGE = 256 << 20
HUNG_HINT = "Split it or export a shorter span, then retry."
DIED_HINT = "Retry it alone; if it fails again, keep the file and report it."


@dataclass(frozen=True, slots=True)
class PoolSetting:
    """How much reading may take. The time for one result is `file_s` and a second for each `bytes_a_s`."""

    workers: int = 1
    memory_bytes: int = 208 << 20
    file_s: float = 60.0
    bytes_a_s: int = 1 << 20


class WorkerGone(Exception):
    """The reading process ended before it answered."""


class Worker:
    """One reading process, started on first use."""

    def __init__(self, memory_bytes: int) -> None:
        self._memory_bytes = memory_bytes
        self._process: asyncio.subprocess.Process | None = None
        self._is_ending = False

    @property
    def pid(self) -> int | None:
        """The running process, None while there is none."""
        return self._process.pid if self._process else None

    async def start(self) -> None:
        """Start the process unless it runs."""
        if self._process and self._process.returncode is None and not self._is_ending:
            return
        await self.end()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-W", "ignore", "-c", START, str(self._memory_bytes),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env=_environment(),
        )  # fmt: skip

    async def ask(self, request: Request) -> None:
        """Hand over a file. Raises WorkerGone."""
        await self.start()
        assert self._process
        assert self._process.stdin
        data = pickle.dumps(request, protocol=pickle.HIGHEST_PROTOCOL)
        try:
            self._process.stdin.write(LENGTH.pack(len(data)) + data)
            await self._process.stdin.drain()
        except OSError as error:
            raise WorkerGone from error

    async def answer(self, within_s: float) -> ReadFile | None:
        """The next result, None after the last one of a request. Raises WorkerGone, and TimeoutError."""
        async with asyncio.timeout(within_s):
            return await self._answer()

    async def _answer(self) -> ReadFile | None:
        assert self._process
        assert self._process.stdout
        try:
            (length,) = LENGTH.unpack(await self._process.stdout.readexactly(LENGTH.size))
            if length > LONGEST_MESSAGE:
                raise WorkerGone
            data = await self._process.stdout.readexactly(length)
            read = await asyncio.to_thread(pickle.loads, data)  # our own process's; long for a long history
        except (asyncio.IncompleteReadError, OSError) as error:
            raise WorkerGone from error
        assert read is None or isinstance(read, ReadFile)
        return read

    async def end(self) -> None:
        """End the process at once and wait for it; broken off, it can be called again."""
        process = self._process
        if process is None:
            return
        self._is_ending = True
        if process.stdin:
            process.stdin.close()
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
        await process.communicate()
        self._process, self._is_ending = None, False


class Pool:
    """At most `workers` files are read at a time, the others wait; `originals` is where they are put away."""

    def __init__(self, setting: PoolSetting | None = None, originals: Path | None = None) -> None:
        self.setting, self._originals = setting or PoolSetting(), originals
        self._free: asyncio.LifoQueue[Worker] = asyncio.LifoQueue()
        self._workers = [Worker(self.setting.memory_bytes) for _ in range(self.setting.workers)]
        for worker in self._workers:
            self._free.put_nowait(worker)

    async def read(
        self, path: Path, setting: Setting, name: str | None = None, limits: Limits = USUAL
    ) -> AsyncIterator[ReadFile]:
        """The results of one file, as they come; a crash or a hang is the last one, with its sentence.

        Closing the iterator early ends the process that reads.
        """
        shown = name or path.name
        worker = await self._free.get()
        is_idle = False
        try:
            await worker.ask(Request(path, setting, shown, limits, self._originals))
            while read := await worker.answer(self._time_s(path)):
                yield read
            is_idle = True
        except TimeoutError:
            yield _lost(path, shown, f"it took longer than {self._time_s(path):.0f} s to read.", HUNG_HINT)
        except WorkerGone:
            yield _lost(path, shown, "reading it broke off (out of memory or a crash).", DIED_HINT)
        finally:
            try:
                if not is_idle:
                    await worker.end()
            finally:
                self._free.put_nowait(worker)

    def pids(self) -> list[int]:
        """The processes that run now."""
        return [worker.pid for worker in self._workers if worker.pid is not None]

    async def rest(self) -> None:
        """End the processes that have nothing to do, to give their memory back."""
        idle: list[Worker] = []
        while not self._free.empty():
            idle.append(self._free.get_nowait())
        try:
            for worker in idle:
                await worker.end()
        finally:
            for worker in idle:
                self._free.put_nowait(worker)

    async def close(self) -> None:
        """End every process; readings under way must have been closed before."""
        await self.rest()

    def _time_s(self, path: Path) -> float:
        return self.setting.file_s + _size(path) / self.setting.bytes_a_s


def _environment() -> dict[str, str]:
    """The hub's own, with the project importable and numeric libraries held to one thread."""
    root = str(Path(hub.__file__).parents[1])
    return {
        **os.environ,
        "PYTHONPATH": root,
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
    }


def _lost(path: Path, shown: str, sentence: str, hint: str) -> ReadFile:
    return ReadFile(shown, "", _size(path), "", error=sentence, hint=hint)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
