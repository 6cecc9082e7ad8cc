"""A short bad day on the real radio path; the long one is `python -m tests.soak_radio`."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.chaos.day import Day
from tests.chaos.verdict import verdict
from tests.soak_radio import complaints


async def _short_day(day: Day) -> None:
    await day.start_hub()
    await asyncio.sleep(1.5)
    away = asyncio.create_task(day.walk_off(1, 3))
    await day.drop(2)
    await day.swap(3, 4)
    await away
    await day.unplug(0, 2)
    await day.kill_hub(0.2)
    await asyncio.sleep(3.5)
    await day.end()


def test_every_second_is_on_the_right_athlete_or_missing(tmp_path: Path) -> None:
    day = Day(tmp_path, 6, 2, broadcast=1)
    day.make_squad()
    try:
        asyncio.run(_short_day(day))
    except BaseException:
        day.give_up()
        raise
    found = verdict(day.database_path, day.truth, steady_ms=3_000)
    assert found.wrong_athlete == 0
    assert 0.3 * found.seconds < found.covered < found.seconds
    assert found.coverage_gap < 0.001
    assert day.truth.counts == {
        "walked off": 1, "link dropped": 1, "took the strap off": 2, "swap": 1, "adapter lost": 1,
        "hub killed": 1,
    }  # fmt: skip
    assert complaints(found) == []
