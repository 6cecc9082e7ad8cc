"""Every mistake sync must not contain, planted into the product's code, is found by the simulator."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

from tests.sim.mutants import MUTANTS
from tests.sim.world import run_seed
from tests.soak_sync import many_worlds

MOST_SEEDS = 80
LEAST_SHARE = 0.95


def found_at(number: int) -> tuple[int, str] | None:
    """The first number whose world shows the mistake, and what it broke."""
    mutant = MUTANTS[number]
    for seed in range(MOST_SEEDS):
        with mutant.plant():
            outcome = run_seed(seed, mutant.mishaps, fates=mutant.fates)
        if outcome.violations:
            return seed, outcome.violations[0]
    return None


def test_at_least_nineteen_of_twenty_planted_mistakes_are_found() -> None:
    assert len(MUTANTS) >= 15
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=spawn, initializer=many_worlds) as pool:
        found = dict(zip([it.name for it in MUTANTS], pool.map(found_at, range(len(MUTANTS))), strict=True))
    for name, what in found.items():
        print(f"{name}: {what}")
    missed = [name for name, what in found.items() if what is None]
    assert len(missed) <= (1 - LEAST_SHARE) * len(MUTANTS), missed
