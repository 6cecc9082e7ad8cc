"""Made-up worlds by the thousand: `python -m tests.soak_sync [--seeds 50000] [--first 0]`; 1 if broken."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor

from tests.sim.world import run_seed


def main() -> int:
    """Run the worlds on all cores and say what they found."""
    options = argparse.ArgumentParser(description="Deterministic worlds of sync")
    options.add_argument("--seeds", type=int, default=50_000)
    options.add_argument("--first", type=int, default=0)
    given = options.parse_args()
    began, edits, broken = time.monotonic(), 0, []
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=spawn) as pool:
        seeds = range(given.first, given.first + given.seeds)
        for number, outcome in enumerate(pool.map(run_seed, seeds, chunksize=20), 1):
            edits += outcome.edits
            if outcome.violations:
                broken.append(outcome)
                print(f"seed {outcome.seed} {outcome.mishaps}: {outcome.violations[0]}", flush=True)
            if number % 1000 == 0:
                print(f"{number} worlds, {len(broken)} broken, {time.monotonic() - began:.0f} s", flush=True)
    took_s = time.monotonic() - began
    print(f"{given.seeds} worlds, {edits} edits, {len(broken)} with a violation, {took_s:.0f} s")
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
