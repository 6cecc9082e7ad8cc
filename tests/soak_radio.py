"""Half an hour of a bad day on the pitch: `python -m tests.soak_radio [--minutes 30]`; 1 if wrong.

Links drop, athletes walk off, straps are exchanged, adapters come loose and the hub is killed, all at random
from a seed, at the pace of real straps.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from random import Random

from tests.chaos.day import Day
from tests.chaos.verdict import Verdict, verdict

EVERY_S = (1.5, 4.0)
BACK_WITHIN_S = 10.0


async def bad_day(day: Day, minutes: float, random: Random) -> None:
    """Whatever comes, one after the other; what takes long goes on beside it."""
    until_s = time.monotonic() + minutes * 60
    busy: dict[int, asyncio.Task[None]] = {}
    others: set[asyncio.Task[None]] = set()
    await day.start_hub()
    while time.monotonic() < until_s:
        await asyncio.sleep(random.uniform(*EVERY_S))
        for task in [*busy.values(), *others]:
            if task.done():
                task.result()
        others = {task for task in others if not task.done()}
        busy = {number: task for number, task in busy.items() if not task.done()}
        free = [number for number in range(1, day.athletes + 1) if number not in busy]
        chance, left_s = random.random(), until_s - time.monotonic()
        if len(free) < 2 or left_s < 45:
            continue
        one, other = random.sample(free, 2)
        if chance < 0.35:
            busy[one] = asyncio.create_task(day.drop(one))
        elif chance < 0.75:
            busy[one] = asyncio.create_task(day.walk_off(one, random.uniform(4, 40)))
        elif chance < 0.93:
            busy[one] = busy[other] = asyncio.create_task(day.swap(one, other))
        elif chance < 0.975:
            adapter, for_s = random.randrange(day.adapters), random.uniform(8, 25)
            others.add(asyncio.create_task(day.unplug(adapter, for_s)))
        else:
            await asyncio.gather(*busy.values())
            await day.kill_hub(random.uniform(0.5, 3))
    await asyncio.gather(*busy.values(), *others)
    await day.end()


def complaints(found: Verdict) -> list[str]:
    """What must not be; empty after a good bad day."""
    wrong = []
    if found.wrong_athlete:
        wrong.append(f"{found.wrong_athlete} samples on the wrong athlete")
    if not found.back_ms:
        wrong.append("nobody went and came back")
    elif found.back_p95_s > BACK_WITHIN_S:
        wrong.append(f"back on the board within {found.back_p95_s:.1f} s at p95, not {BACK_WITHIN_S:g}")
    if found.coverage_gap > 0.001:
        wrong.append(f"coverage is said {found.coverage_gap:.4f} wrong")
    return wrong


def main() -> int:
    """Run one bad day and say how it went."""
    parser = argparse.ArgumentParser(description="Radio chaos")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--athletes", type=int, default=30)
    parser.add_argument("--adapters", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        day = Day(Path(folder), given.athletes, given.adapters, broadcast=given.athletes // 5)
        day.make_squad()
        try:
            asyncio.run(bad_day(day, given.minutes, Random(given.seed)))
        except BaseException:
            day.give_up()
            raise
        found = verdict(day.database_path, day.truth)
    print(", ".join(f"{count} x {what}" for what, count in sorted(day.truth.counts.items())))
    print(found.words())
    wrong = complaints(found)
    print("; ".join(wrong) or "as it should be")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
