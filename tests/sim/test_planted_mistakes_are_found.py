"""Every mistake sync must not contain, planted into the product's code, is found by the simulator."""

from __future__ import annotations

from tests.sim.mutants import MUTANTS, Mutant
from tests.sim.world import run_seed

MOST_SEEDS = 80
LEAST_SHARE = 0.95


def found_at(mutant: Mutant) -> tuple[int, str] | None:
    """The first number whose world shows the mistake, and what it broke."""
    for seed in range(MOST_SEEDS):
        with mutant.plant():
            outcome = run_seed(seed, mutant.mishaps)
        if outcome.violations:
            return seed, outcome.violations[0]
    return None


def test_at_least_nineteen_of_twenty_planted_mistakes_are_found() -> None:
    assert len(MUTANTS) >= 15
    found = {mutant.name: found_at(mutant) for mutant in MUTANTS}
    for mutant in MUTANTS:
        print(f"{mutant.name}: {found[mutant.name]}")
    missed = [name for name, what in found.items() if what is None]
    assert len(missed) <= (1 - LEAST_SHARE) * len(MUTANTS), missed
