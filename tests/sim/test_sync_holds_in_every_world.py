"""Two thousand made-up worlds, each from its number: whatever happens in them, sync's invariants hold."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

import pytest

from tests.sim.mishaps import COPIES, MISHAPS
from tests.sim.world import Outcome, run_seed
from tests.soak_sync import count, many_worlds, words

SEEDS = int(os.environ.get("TOUCHLINE_SIM_SEEDS", "2000"))


def worlds(seeds: range) -> list[Outcome]:
    """The worlds of these numbers, on all cores."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=spawn, initializer=many_worlds) as pool:
        return list(pool.map(run_seed, seeds, chunksize=10))


def test_no_world_breaks_an_invariant() -> None:
    outcomes = worlds(range(SEEDS))
    sums = Counter[str]()
    for outcome in outcomes:
        count(sums, outcome)
    print(f"\n{len(outcomes)} worlds, {words(sums)}")
    assert sums["edits"] > 15 * SEEDS, "the worlds are busy"
    assert sums["segments"] > SEEDS
    assert {mishap for it in outcomes for mishap in it.mishaps} >= set(MISHAPS)
    broken = [f"seed {it.seed} {it.mishaps}: {words}" for it in outcomes for words in it.violations]
    assert not broken, "\n".join(broken[:10])


def test_two_machines_with_copies_of_one_card_end_as_two_hubs_and_lose_nothing() -> None:
    outcomes = [run_seed(seed, COPIES) for seed in range(80)]
    assert sum(it.mishaps.count("parted") for it in outcomes) > 15
    broken = [f"seed {it.seed} {it.mishaps}: {words}" for it in outcomes for words in it.violations]
    assert not broken, "\n".join(broken[:10])


@pytest.mark.parametrize("seed", [1, 7])
def test_a_number_makes_the_same_world_every_time(seed: int) -> None:
    assert run_seed(seed) == run_seed(seed)


@pytest.mark.parametrize("seed", [2, 110, 151])
def test_a_world_is_the_same_with_and_without_the_web_framework(seed: int) -> None:
    assert run_seed(seed, is_whole=True) == run_seed(seed, is_whole=False)
