"""A file is read in a process of its own: a crash, a hang or a flood of memory costs that file alone."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import aclosing
from datetime import UTC
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from hub.devices.exports.found import Setting
from hub.imports.pool import Pool, PoolSetting
from hub.imports.readfile import ReadFile
from tests.imports.own_files import fit_run, zipped

SETTING = Setting(UTC)


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


async def read(pool: Pool, path: Path) -> list[ReadFile]:
    return [it async for it in pool.read(path, SETTING)]


def children() -> list[psutil.Process]:
    found: list[psutil.Process] = psutil.Process().children(recursive=True)
    return found


def test_results_are_those_of_reading_here_and_the_process_is_kept(tmp_path: Path) -> None:
    one = written(tmp_path, "a.fit", fit_run())
    many = written(tmp_path, "b.zip", zipped({"x.fit": fit_run(90), "y.fit": fit_run(70)}))

    async def story() -> None:
        pool = Pool()
        first, second = await read(pool, one), await read(pool, many)
        assert len(children()) == 1
        assert [it.sessions[0].heart.n for it in (*first, *second)] == [60, 90, 70]
        assert [it.name for it in second] == ["b.zip!x.fit", "b.zip!y.fit"]
        await pool.close()
        assert not children()

    asyncio.run(story())


def test_the_process_is_nice_and_bound(tmp_path: Path) -> None:
    async def story() -> None:
        pool = Pool()
        await read(pool, written(tmp_path, "a.fit", fit_run()))
        (child,) = children()
        assert child.nice() == min(19, os.nice(0) + 10)
        soft, _ = child.rlimit(psutil.RLIMIT_AS)
        assert soft < 2 << 30
        assert child.memory_info().rss < 128 << 20
        await pool.close()

    asyncio.run(story())


def test_a_file_that_takes_too_long_is_ended_and_the_next_one_is_read(tmp_path: Path) -> None:
    good = written(tmp_path, "good.fit", fit_run())

    async def story() -> None:
        pool = Pool()
        await read(pool, good)
        pool.setting = PoolSetting(file_s=0.4)
        (child,) = children()
        child.send_signal(signal.SIGSTOP)  # as good as a reader that never comes back
        (lost,) = await read(pool, good)
        assert (lost.name, lost.error) == ("good.fit", "it took longer than 0 s to read.")
        assert lost.hint
        assert not child.is_running()
        pool.setting = PoolSetting()
        (again,) = await read(pool, good)
        assert again.error is None
        await pool.close()

    asyncio.run(story())


def test_a_crash_fails_its_file_only(tmp_path: Path) -> None:
    big = written(tmp_path, "big.zip", zipped({f"{i}.fit": fit_run(3000) for i in range(60)}))
    good = written(tmp_path, "good.fit", fit_run())

    async def story() -> None:
        pool = Pool()
        results: list[ReadFile] = []
        async for it in pool.read(big, SETTING):
            results.append(it)
            if len(results) == 1:
                for child in children():
                    child.send_signal(signal.SIGSEGV)
        assert results[0].error is None
        assert (results[-1].name, results[-1].error) == (
            "big.zip", "reading it broke off (out of memory or a crash).",
        )  # fmt: skip
        (after,) = await read(pool, good)
        assert after.error is None
        await pool.close()

    asyncio.run(story())


def test_a_file_that_needs_too_much_memory_is_refused(tmp_path: Path) -> None:
    long_line = written(tmp_path, "a.fit", fit_run(40_000))

    async def story() -> None:
        pool = Pool(PoolSetting(memory_bytes=2 << 20))
        (lost,) = await read(pool, long_line)
        assert lost.error
        assert "memory" in lost.error
        await pool.close()

    asyncio.run(story())


def test_closing_a_reading_ends_its_process(tmp_path: Path) -> None:
    big = written(tmp_path, "big.zip", zipped({f"{i}.fit": fit_run(3000) for i in range(60)}))

    async def story() -> None:
        pool = Pool()
        async with aclosing(pool.read(big, SETTING)) as results:  # type: ignore[type-var]
            async for _ in results:
                break
        assert not children()
        await pool.close()

    asyncio.run(story())


def test_a_cancelled_reading_ends_its_process_too(tmp_path: Path) -> None:
    good = written(tmp_path, "good.fit", fit_run())

    async def story() -> None:
        pool = Pool()
        await read(pool, good)
        (child,) = children()
        child.send_signal(signal.SIGSTOP)
        reading = asyncio.create_task(read(pool, good))
        await asyncio.sleep(0.1)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert not children()
        await pool.close()

    asyncio.run(story())


def test_no_more_processes_run_than_allowed(tmp_path: Path) -> None:
    paths = [written(tmp_path, f"{i}.fit", fit_run()) for i in range(6)]

    async def story() -> None:
        pool = Pool(PoolSetting(workers=2))
        results = await asyncio.gather(*(read(pool, path) for path in paths))
        assert len(children()) == 2
        assert [it.error for (it,) in results] == [None] * 6
        await pool.rest()
        assert not children()
        (again,) = await read(pool, paths[0])
        assert again.error is None
        await pool.close()

    asyncio.run(story())


def test_the_process_ends_by_itself_when_the_hub_is_gone(tmp_path: Path) -> None:
    async def story() -> psutil.Process:
        pool = Pool()
        await read(pool, written(tmp_path, "a.fit", fit_run()))
        (child,) = children()
        worker = pool._free.get_nowait()
        assert worker._process
        assert worker._process.stdin
        worker._process.stdin.close()  # what the kernel does for a killed hub
        assert await asyncio.wait_for(worker._process.wait(), 5) == 0
        await worker.end()
        return child

    began = time.monotonic()
    assert not asyncio.run(story()).is_running()
    assert time.monotonic() - began < 10
