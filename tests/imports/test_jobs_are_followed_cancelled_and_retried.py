"""Batches go through one file at a time while anyone watches; no failure stops the files behind it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC
from pathlib import Path

from hub.devices.exports.found import Setting
from hub.errors import NotFound
from hub.imports.jobs import BatchProgress, FileState, Incoming, Jobs, Outcome
from hub.imports.pool import Pool
from hub.imports.readfile import ReadFile
from tests.imports.own_files import fit_run, hostile, zipped

Store = Callable[[ReadFile, str], Awaitable[Outcome]]


async def kept(read: ReadFile, athlete: str) -> Outcome:
    """As a store would answer."""
    if read.error:
        return Outcome(read.name, "failed", f"{read.error} {read.hint}")
    return Outcome(read.name, "imported", athlete, tuple(str(it.number) for it in read.sessions))


def written(folder: Path, **files: bytes) -> list[Incoming]:
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return [Incoming(folder / name, name) for name in files]


@asynccontextmanager
async def working(store: Store = kept, at_once: int = 1) -> AsyncIterator[Jobs[str]]:
    """Jobs that run over a real pool until the block ends."""
    pool, ids = Pool(), itertools.count()
    jobs = Jobs[str](pool, store, lambda _: Setting(UTC), lambda: f"batch-{next(ids)}", at_once)
    running = asyncio.create_task(jobs.run())
    try:
        yield jobs
    finally:
        running.cancel()
        await asyncio.wait([running])
        await pool.close()


async def end_of(jobs: Jobs[str], batch_id: str) -> BatchProgress:
    async with asyncio.timeout(20):
        async for progress in jobs.events(batch_id):
            last = progress
    assert last.is_finished
    return last


def statuses(progress: BatchProgress) -> list[list[str]]:
    return [[outcome.status for outcome in file.outcomes] for file in progress.files]


def test_every_file_ends_and_each_export_in_an_archive_has_its_outcome(tmp_path: Path) -> None:
    files = written(
        tmp_path, a=fit_run(), b=hostile()["program.gpx"], c=zipped({"x": fit_run(), "y": fit_run(9)})
    )

    async def story() -> None:
        async with working() as jobs:
            end = await end_of(jobs, jobs.submit(files, "anna"))
        assert statuses(end) == [["imported"], ["failed"], ["imported", "imported"]]
        assert [outcome.name for outcome in end.files[2].outcomes] == ["c!x", "c!y"]
        assert end.files[0].outcomes[0].detail == "anna"
        assert end.n_done == 3

    asyncio.run(story())


def test_a_watcher_sees_states_in_order_and_only_the_latest_when_slow(tmp_path: Path) -> None:
    files = written(tmp_path, **{f"f{i}": fit_run() for i in range(5)})

    async def story() -> None:
        async with working() as jobs:
            batch_id = jobs.submit(files, "")
            quick: list[BatchProgress] = []
            slow: list[BatchProgress] = []

            async def watch(seen: list[BatchProgress], pause_s: float) -> None:
                async for progress in jobs.events(batch_id):
                    seen.append(progress)
                    await asyncio.sleep(pause_s)

            async with asyncio.timeout(20):
                await asyncio.gather(watch(quick, 0), watch(slow, 0.5))
        order = list(FileState)
        for number in range(5):
            states = [order.index(progress.files[number].state) for progress in quick]
            assert states[0] == 0
            assert states[-1] == 3
        changes = [progress.change for progress in quick]
        assert changes == sorted(set(changes))
        assert quick[-1] == slow[-1]
        assert len(slow) < len(quick)

    asyncio.run(story())


def test_a_store_that_fails_ends_its_file_with_a_sentence_and_the_next_goes_on(tmp_path: Path) -> None:
    async def unruly(read: ReadFile, athlete: str) -> Outcome:
        if read.name == "a":
            raise NotFound("athlete 7.", hint="Choose another.")
        if read.name == "b":
            raise ZeroDivisionError
        return await kept(read, athlete)

    files = written(tmp_path, a=fit_run(), b=fit_run(), c=fit_run())

    async def story() -> None:
        async with working(unruly) as jobs:
            end = await end_of(jobs, jobs.submit(files, ""))
        assert statuses(end) == [["failed"], ["failed"], ["imported"]]
        assert end.files[0].outcomes[0].detail == "There is no such record: athlete 7. Choose another."
        assert end.files[1].outcomes[0].detail == "it could not be stored (ZeroDivisionError)."

    asyncio.run(story())


def test_cancelling_ends_what_waits_and_what_is_read_but_never_what_is_being_stored(tmp_path: Path) -> None:
    stored: list[str] = []
    is_storing, may_go_on = asyncio.Event(), asyncio.Event()

    async def slow(read: ReadFile, athlete: str) -> Outcome:
        is_storing.set()
        await may_go_on.wait()
        stored.append(read.name)
        return await kept(read, athlete)

    files = written(tmp_path, a=zipped({"x": fit_run(), "y": fit_run(9)}), b=fit_run(), c=fit_run())

    async def story() -> None:
        async with working(slow) as jobs:
            batch_id = jobs.submit(files, "")
            jobs.cancel(batch_id, 1)
            await is_storing.wait()
            jobs.cancel(batch_id)
            may_go_on.set()
            end = await end_of(jobs, batch_id)
        assert stored == ["a!x"]
        assert statuses(end) == [["imported", "cancelled"], ["cancelled"], ["cancelled"]]
        assert end.files[2].outcomes[0].detail == "cancelled before it was read."

    asyncio.run(story())


def test_a_file_that_is_being_read_can_be_cancelled(tmp_path: Path) -> None:
    files = written(tmp_path, a=zipped({f"{i}": fit_run(3000) for i in range(40)}), b=fit_run())

    async def story() -> None:
        async with working() as jobs:
            batch_id = jobs.submit(files, "")
            async for progress in jobs.events(batch_id):
                if progress.files[0].state is FileState.READING and progress.files[0].outcomes:
                    jobs.cancel(batch_id, 0)
            end = await end_of(jobs, batch_id)
        assert len(end.files[0].outcomes) < 40
        assert end.files[0].outcomes[-1].status == "cancelled"
        assert statuses(end)[1] == ["imported"]

    asyncio.run(story())


def test_a_file_can_be_tried_again_once_it_has_ended(tmp_path: Path) -> None:
    files = written(tmp_path, a=hostile()["nothing.fit"])

    async def story() -> None:
        async with working() as jobs:
            batch_id = jobs.submit(files, "")
            assert statuses(await end_of(jobs, batch_id)) == [["failed"]]
            (tmp_path / "a").write_bytes(fit_run())
            jobs.retry(batch_id, 0)
            jobs.retry(batch_id, 9)
            assert statuses(await end_of(jobs, batch_id)) == [["imported"]]

    asyncio.run(story())


def test_several_batches_are_worked_off_and_old_ones_are_forgotten(tmp_path: Path) -> None:
    files = written(tmp_path, a=fit_run())

    async def story() -> None:
        async with working(at_once=2) as jobs:
            ids = [jobs.submit(files, str(i)) for i in range(60)]
            for batch_id in ids:
                if jobs.progress(batch_id):
                    await end_of(jobs, batch_id)
            last = jobs.submit(files, "last")
            await end_of(jobs, last)
            assert len(jobs.batches()) <= 50
            assert jobs.batches()[0].batch_id == last
            assert jobs.progress(ids[0]) is None
            assert [it async for it in jobs.events(ids[0])] == []

    asyncio.run(story())


def test_stopping_the_hub_stores_to_its_end_what_it_is_storing(tmp_path: Path) -> None:
    stored: list[str] = []
    is_storing = asyncio.Event()

    async def slow(read: ReadFile, athlete: str) -> Outcome:
        is_storing.set()
        await asyncio.sleep(0.2)
        stored.append(read.name)
        return await kept(read, athlete)

    files = written(tmp_path, a=fit_run(), b=fit_run())

    async def story() -> None:
        async with working(slow) as jobs:
            jobs.submit(files, "")
            await is_storing.wait()
        assert stored == ["a"]

    asyncio.run(story())
