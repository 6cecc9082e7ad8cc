"""Made-up worlds by the thousand: `python -m tests.soak_sync [--seeds 50000] [--copies]`; 1 if broken."""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.sim.mishaps import COPIES, MISHAPS
from tests.sim.world import Outcome, run_seed

EVERY = 500
COUNTED = ("edits", "segments", "requests", "cuts", "crashes")


def many_worlds() -> None:
    """Set a process up for many short worlds: what was imported is never garbage."""
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)


def words(sums: Counter[str]) -> str:
    """The counts for people."""
    return ", ".join(f"{sums[name]} {name}" for name in COUNTED)


def count(sums: Counter[str], outcome: Outcome) -> None:
    """Add what a world came to."""
    for name in COUNTED:
        sums[name] += getattr(outcome, name)


def main() -> int:
    """Run the worlds and say what they found."""
    options = argparse.ArgumentParser(description="Deterministic worlds of sync")
    options.add_argument("--seeds", type=int, default=50_000)
    options.add_argument("--first", type=int, default=0)
    options.add_argument("--processes", type=int, default=os.cpu_count())
    options.add_argument("--copies", action="store_true", help="copied cards run beside their originals, too")
    given = options.parse_args()
    world = partial(run_seed, mishaps=(*MISHAPS, *COPIES[:1])) if given.copies else run_seed
    began, sums, broken = time.monotonic(), Counter[str](), []
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(given.processes, mp_context=spawn, initializer=many_worlds) as pool:
        seeds = range(given.first, given.first + given.seeds)
        for number, outcome in enumerate(pool.map(world, seeds, chunksize=20), 1):
            count(sums, outcome)
            if outcome.violations:
                broken.append(outcome)
                print(f"seed {outcome.seed} {outcome.mishaps}: {outcome.violations[0]}", flush=True)
            if number % EVERY == 0:
                took_s = time.monotonic() - began
                print(f"{number} worlds, {words(sums)}, {len(broken)} broken, {took_s:.0f} s", flush=True)
    took_s = time.monotonic() - began
    print(f"{given.seeds} worlds, {words(sums)}, {len(broken)} with a violation, {took_s:.0f} s")
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
