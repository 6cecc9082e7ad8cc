"""The virtual squad warms up, works, recovers and cools down, and its beats agree with its rate."""

from __future__ import annotations

from random import Random
from statistics import mean

import pytest

from hub.devices.virtual.training import PLAN, PLAN_S, Heart, drill_at


def rates_through_the_plan(seed: int) -> dict[str, float]:
    """Mean bpm of each kind of drill."""
    heart = Heart(Random(seed))
    rates: dict[str, list[int]] = {drill.name: [] for drill in PLAN}
    for second in range(int(PLAN_S)):
        heart.train(1.0)
        rates[drill_at(second).name].append(heart.bpm)
    return {name: mean(values) for name, values in rates.items()}


@pytest.mark.parametrize("seed", range(5))
def test_hard_drills_beat_faster_than_easy_ones(seed: int) -> None:
    rates = rates_through_the_plan(seed)
    assert rates["interval"] > rates["recovery"] > rates["arrival"]
    assert rates["small-sided game"] > rates["rest"]
    assert rates["interval"] > 150
    assert rates["stretching"] < 110


@pytest.mark.parametrize("seed", range(5))
def test_beats_add_up_to_the_rate(seed: int) -> None:
    heart = Heart(Random(seed))
    heart.train(1_000)
    rates: list[int] = []
    intervals: list[int] = []
    for _ in range(120):
        heart.train(1.0)
        rates.append(heart.bpm)
        intervals.extend(heart.beats(1.0))
    assert len(intervals) == pytest.approx(mean(rates) * 2, rel=0.04)
    assert sum(intervals) / 1024 == pytest.approx(120, abs=1.5)


def test_the_same_seed_is_the_same_athlete() -> None:
    assert rates_through_the_plan(4) == rates_through_the_plan(4)
    assert rates_through_the_plan(4) != rates_through_the_plan(5)
