"""What was heard on nobody is found in every stored session, page by page, and as quickly after a season."""

from __future__ import annotations

import asyncio
from pathlib import Path
from sqlite3 import Connection
from uuid import UUID

import numpy as np
import pytest

from hub.errors import NotFound
from hub.store import boots, segments
from hub.store.database import Database
from hub.wearing import unassigned
from hub.wearing.unassigned import MOST_ON_A_PAGE, Page, Stretch
from sync.segments import Samples, Segment, seal
from tests.hub.ground import Ground

SESSIONS = 10


def turned(ground: Ground, older_than: str | None, most: int) -> Page:
    return ground.store.read_now(lambda db: unassigned.page(db, older_than, most))


def all_pages(ground: Ground, most: int = 3) -> list[list[Stretch]]:
    pages, older_than = [], None
    while True:
        page = turned(ground, older_than, most)
        pages.append(list(page.stretches))
        older_than = page.older_than
        if older_than is None:
            return pages


def found_again(ground: Ground, one: Stretch) -> Stretch | None:
    return ground.store.read_now(lambda db: unassigned.stretch(db, one.stream_id, one.from_ms))


async def season(ground: Ground, *, reboots: bool) -> None:
    """In every other session a strap of nobody's is heard; in one of them two."""
    await ground.add_squad(1)
    for number in range(SESSIONS):
        if reboots and number:
            await ground.reboot()
        await ground.recorder.start_session(f"Training {number}", "training", 0)
        others = {"X1": 150, "X2": 160} if number == 4 else {"X1": 150} if number % 2 == 0 else {}
        await ground.train(11, {"S1": 120, **others})
        ground.pass_ms(500)
        await ground.recorder.end_session()
        ground.pass_ms(3_600_000)


@pytest.mark.parametrize("reboots", [False, True])
def test_every_session_is_reached_once_and_the_newest_stands_first(ground: Ground, reboots: bool) -> None:
    async def story() -> None:
        await season(ground, reboots=reboots)
        pages = all_pages(ground)
        titles = [[it.session_title for it in page] for page in pages]
        assert titles == [
            ["Training 8", "Training 6", "Training 4", "Training 4"],
            ["Training 2", "Training 0"],
        ]
        assert {it.n for page in pages for it in page} == {11}
        everything = [it for page in pages for it in page]
        found = [found_again(ground, it) for it in everything]
        assert found == everything

    asyncio.run(story())


def test_a_page_that_ends_where_nothing_follows_leads_nowhere(ground: Ground) -> None:
    async def story() -> None:
        await season(ground, reboots=False)
        assert turned(ground, None, 6).older_than is None
        assert turned(ground, None, MOST_ON_A_PAGE).older_than is None
        (page,) = all_pages(ground, 6)
        assert len(page) == 6
        with pytest.raises(NotFound):
            turned(ground, "no such session", 6)
        one = page[0]
        assert (
            ground.store.read_now(lambda db: unassigned.stretch(db, one.stream_id, one.from_ms + 1)) is None
        )
        assert ground.store.read_now(lambda db: unassigned.stretch(db, "no such stream", 0)) is None

    asyncio.run(story())


def test_a_session_that_outlived_a_power_cut_shows_both_its_parts(ground: Ground) -> None:
    async def story() -> None:
        await ground.add_squad(1)
        await ground.start()
        await ground.train(20, {"S1": 120, "X1": 150})
        await ground.reboot(off_ms=5_000)
        await ground.train(20, {"S1": 121, "X1": 155})
        running = turned(ground, None, 20).stretches
        assert [(round(it.mean_bpm), it.is_open) for it in running] == [(150, True), (155, True)]
        await ground.recorder.end_session()
        await ground.start()
        await ground.train(12, {"S1": 120})
        await ground.recorder.end_session()
        kept = turned(ground, None, 20).stretches
        assert [(round(it.mean_bpm), it.n) for it in kept] == [(150, 20), (155, 20)]
        second = kept[1]
        assert found_again(ground, second) == second

    asyncio.run(story())


# --- how much is read


def filled(path: Path, count: int) -> Database:
    """So many sessions of ten athletes within one boot; in the first a strap is heard that nobody wears."""
    store = Database.open(path)

    def fill(db: Connection) -> None:
        boot = boots.register(db, "boot-1")
        for strap in range(11):
            db.execute(
                "INSERT INTO stream(stream_no, stream_id, boot_no, sensor_id, channel)"
                " VALUES (?, ?, ?, ?, 'hr')",
                (strap, str(UUID(int=strap)), boot, f"S{strap}"),
            )
        for number in range(count):
            begin = 1_000_000 + number * 10_000_000
            db.execute(
                "INSERT INTO session(session_id, title, sport, started_at_ms, utc_offset_s, ended_at_ms,"
                " boot_no, mono0_ms, mono1_ms, source)"
                " VALUES (?, 'Training', 'training', ?, 0, ?, ?, ?, ?, 'gatt')",
                (f"s{number:03}", begin, begin + 900_000, boot, begin, begin + 900_000),
            )
            for strap in range(10):
                db.execute(
                    "INSERT INTO stream_assignment(assignment_id, stream_id, athlete_id, session_id, from_ms,"
                    " to_ms) VALUES (?, ?, 'a', ?, ?, ?)",
                    (f"{number}-{strap}", str(UUID(int=strap)), f"s{number:03}", begin, begin + 900_000),
                )
            for strap in range(10 if number else 11):
                for part in range(3):
                    segments.add(db, minute(strap, boot, begin + part * 300_000))

    store.write_now(fill)
    return store


def minute(strap: int, boot: int, from_ms: int) -> Segment:
    n = 12
    columns = Samples(
        np.arange(from_ms, from_ms + n * 1000, 1000, dtype=np.int64), np.full(n, 150, np.int16),
        np.zeros(n, np.uint8), np.zeros(n, np.uint8), np.zeros(0, np.uint16),
    )  # fmt: skip
    return seal(str(UUID(int=strap)), boot, columns)


def work(store: Database) -> tuple[int, int]:
    """(steps of a hundred instructions SQLite takes for the first page, stretches on it)."""
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    def question(db: Connection) -> int:
        db.set_progress_handler(step, 100)
        try:
            return len(unassigned.page(db).stretches)
        finally:
            db.set_progress_handler(None, 0)

    found = store.read_now(question)
    return steps, found


def test_four_times_the_sessions_in_one_boot_are_about_four_times_the_work(tmp_path: Path) -> None:
    few, many = filled(tmp_path / "few.db", 15), filled(tmp_path / "many.db", 60)
    (few_steps, few_found), (many_steps, many_found) = work(few), work(many)
    few.close()
    many.close()
    assert few_found == many_found == 3
    assert many_steps < 6 * few_steps
