"""A large file is stored in steps: cut off between any two of them, all of it counts or nothing does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from sqlite3 import Connection
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hub.devices.exports.found import DailyValue, Person
from hub.errors import NotFound
from hub.import_desk import DeskSetting, ImportDesk
from hub.imports.keep import keep, keeping
from hub.imports.readfile import ReadFile
from hub.imports.storable import storable
from hub.imports.undo import settling, undoing
from hub.store import imports
from hub.store.database import Database
from hub.store.records import Moment
from hub.store.steps import Steps, at_once
from tests.imports import made

ANA, BEA = Person("Athlete 1"), Person("Bea")
STEPS_KEPT = 40


def days(n: int) -> list[DailyValue]:
    return [
        DailyValue(BEA if i % 3 else ANA, str(date(2026, 1, 1) + timedelta(days=i // 4)), f"m{i % 4}", i, "n")
        for i in range(n)
    ]


def season(n_days: int = 220) -> ReadFile:
    """Two people on nine evenings, one of them known, with numbers of their days."""
    found = [
        made.session(12, at_s=86_400 * (i // 2), heart=1 + i % 2, person=(ANA, BEA)[i % 2], sport="football")
        for i in range(18)
    ]
    return made.file("team.csv", *found, daily=days(n_days))


WATCH = made.file("watch.fit", made.session(12, at_s=3, sensor_lag_s=2, device="Forerunner"))
"""The first evening once more, on a watch."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    database = Database.open(tmp_path / "hub.db")
    database.write_now(lambda db: made.add_athlete(db, made.moment(made.counted_ids()), 1))
    yield database
    database.close()


def content(store: Database) -> dict[str, Any]:
    return store.read_now(made.content)


def cut_off(store: Database, change: Callable[[Connection], Steps[Any]], after: int) -> bool:
    """Commit that many steps and no more, as a power cut does; whether the change was still going on."""
    begun: list[Generator[None, None, Any]] = []

    def step(db: Connection) -> bool:
        begun[:] = begun or [change(db)]
        return next(begun[0], "ended") is None

    return all(store.write_now(step) for _ in range(after))


def moments() -> Callable[[], Moment]:
    ids = made.counted_ids()
    return lambda: replace(made.moment(ids), new_id=lambda: f"f{ids()[1:]}")


def test_a_file_cut_off_after_any_step_is_taken_back_whole_and_can_come_again(store: Database) -> None:
    now, read = moments(), storable(season())
    store.write_now(lambda db: keep(db, now(), WATCH, "a1"))
    before = content(store)
    was_seen_half = False
    for after in range(1, 200):
        if not cut_off(store, lambda db: keeping(db, now(), read), after):
            break
        was_seen_half |= content(store) != before
        store.write_now(lambda db: at_once(settling(db, now())))
        assert content(store) == before, f"cut off after step {after}"
        last = store.read_now(imports.recent)[0]
        assert (last.status, last.detail) == ("failed", "storing it was cut off; nothing of it counts.")
    assert after > STEPS_KEPT, "it was to be parted into many steps"
    assert was_seen_half
    other, elsewhere = made.memory_store(1)
    keep(other, elsewhere, WATCH, "a1")
    keep(other, elsewhere, season())
    assert content(store) == made.content(other)


def test_an_undoing_cut_off_after_any_step_is_brought_to_its_end(store: Database) -> None:
    now = moments()
    store.write_now(lambda db: keep(db, now(), WATCH, "a1"))
    before = content(store)
    for after in range(1, 100):
        import_id = store.write_now(lambda db: keep(db, now(), season())).record.import_id
        if not cut_off(store, lambda db, it=import_id: undoing(db, now(), it), after):  # type: ignore[misc]
            break
        store.write_now(lambda db: at_once(settling(db, now())))
        assert content(store) == before, f"cut off after step {after}"
    assert 5 < after < 99
    assert content(store) == before


def test_files_stored_in_steps_between_each_other_end_as_one_after_the_other(tmp_path: Path) -> None:
    files = [season(), WATCH, made.file("strap.txt", made.session(12, at_s=1, has_rr=True, device="H10"))]

    whose = {it.name: "a1" for it in files[1:]}

    async def story(store: Database) -> dict[str, Any]:
        now = moments()
        changes = [
            store.write_in_steps(lambda db, it=it: keeping(db, now(), storable(it), whose.get(it.name)), 0.0)  # type: ignore[misc]
            for it in files
        ]
        await asyncio.gather(*changes)
        return await store.read(made.content)

    found = []
    for number in range(2):
        store = Database.open(tmp_path / f"{number}.db")
        store.write_now(lambda db: made.add_athlete(db, made.moment(made.counted_ids()), 1))
        files.reverse()
        found.append(asyncio.run(story(store)))
        store.close()
    assert found[0] == found[1]


def test_a_tick_never_waits_for_a_whole_file(store: Database, tmp_path: Path) -> None:
    waited_s: list[float] = []

    async def tick() -> None:
        while True:
            began = time.monotonic()
            await store.write(lambda db: None)
            waited_s.append(time.monotonic() - began)
            await asyncio.sleep(0.002)

    async def story() -> float:
        desk = ImportDesk(store, moments(), DeskSetting(tmp_path, ZoneInfo("UTC")))
        ticking = asyncio.create_task(tick())
        began = time.monotonic()
        await desk.keep(season(n_days=3000), None)
        ticking.cancel()
        return time.monotonic() - began

    took_s = asyncio.run(story())
    assert len(waited_s) > 10
    assert max(waited_s) < took_s / 2


def test_a_file_that_cannot_be_stored_leaves_nothing_and_the_next_one_can(
    store: Database, tmp_path: Path
) -> None:
    broken = season()
    broken = replace(broken, daily=(*broken.daily[:150], replace(broken.daily[150], value=None)))  # type: ignore[arg-type]
    before = content(store)

    async def story() -> None:
        desk = ImportDesk(store, moments(), DeskSetting(tmp_path, ZoneInfo("UTC")))
        with pytest.raises(NotFound):
            await desk.keep(season(), "nobody")
        with pytest.raises(TypeError):
            await desk.keep(broken, None)
        assert await store.read(made.content) == before
        assert (await desk.keep(season(), None)).status == "imported"

    asyncio.run(story())


def test_a_caller_who_goes_away_does_not_stop_a_file_half_way(store: Database, tmp_path: Path) -> None:
    async def story() -> None:
        desk = ImportDesk(store, moments(), DeskSetting(tmp_path, ZoneInfo("UTC")))
        storing = asyncio.create_task(desk.keep(season(n_days=2000), None))
        while not await store.read(imports.half_stored):  # noqa: ASYNC110  (nothing tells of a step)
            await asyncio.sleep(0.001)
        storing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await storing
        assert not await store.read(imports.half_stored)
        assert (await store.read(imports.recent))[0].status == "imported"

    asyncio.run(story())


def test_a_running_hubs_desk_settles_what_the_last_process_left(store: Database, tmp_path: Path) -> None:
    now, before = moments(), content(store)
    assert cut_off(store, lambda db: keeping(db, now(), storable(season())), 60)
    assert content(store) != before

    async def story() -> None:
        await ImportDesk(store, now, DeskSetting(tmp_path, ZoneInfo("UTC"))).settle()

    asyncio.run(story())
    assert content(store) == before
