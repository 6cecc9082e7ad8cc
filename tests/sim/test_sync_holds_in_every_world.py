"""Hundreds of made-up worlds, each from its number: whatever happens in them, the invariants of sync hold."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

import pytest

from tests.sim.world import Outcome, run_seed

SEEDS = int(os.environ.get("TOUCHLINE_SIM_SEEDS", "300"))


def worlds(seeds: range) -> list[Outcome]:
    """The worlds of these numbers, on all cores."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=spawn) as pool:
        return list(pool.map(run_seed, seeds, chunksize=10))


def test_no_world_breaks_an_invariant() -> None:
    outcomes = worlds(range(SEEDS))
    edits, requests = sum(it.edits for it in outcomes), sum(it.requests for it in outcomes)
    print(f"\n{len(outcomes)} worlds, {edits} edits, {requests} requests")
    assert edits > 15 * SEEDS, "the worlds are busy"
    assert {mishap for it in outcomes for mishap in it.mishaps} >= {
        "kill",
        "old_card",
        "cloud_backup",
        "erasure",
    }
    broken = [f"seed {it.seed} {it.mishaps}: {words}" for it in outcomes for words in it.violations]
    assert not broken, "\n".join(broken[:10])


@pytest.mark.parametrize("seed", [1, 7])
def test_a_number_makes_the_same_world_every_time(seed: int) -> None:
    assert run_seed(seed) == run_seed(seed)
