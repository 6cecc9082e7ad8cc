"""Wherever power is cut: no acknowledged edit is lost, at most a second of samples, no file is spoilt."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import pytest

from hub.recorder import Recorder
from tests.power.trials import Tally, recorded, try_cut, try_cuts

RUNS, CUTS = 10, 30


def trials(folder: Path, synchronous: str, runs: int = RUNS, cuts: int = CUTS, first_seed: int = 1) -> Tally:
    """`runs` trainings, each cut at `cuts` points."""
    tally = Tally()
    for seed in range(first_seed, first_seed + runs):
        place = folder / f"run-{seed}"
        place.mkdir()
        tally += try_cuts(recorded(place, seed, synchronous), cuts, Random(seed))
    return tally


def test_three_hundred_power_cuts_lose_nothing_that_was_promised(tmp_path: Path) -> None:
    tally = trials(tmp_path, "FULL")
    assert tally.trials == RUNS * CUTS
    assert tally.is_clean, tally
    assert tally.lost_ms > 0, "readings came while a commit was under way, and some cuts came before the next"


def test_readings_forgotten_that_came_during_a_commit_are_missed(tmp_path: Path) -> None:
    real = Recorder._flush

    async def flush(self: Any) -> None:
        await real(self)
        self._pending.clear()

    with mock.patch.object(Recorder, "_flush", flush):
        tally = trials(tmp_path, "FULL", runs=1, cuts=15)
    assert tally.samples_lost > 0


def test_a_log_synced_only_now_and_then_would_lose_edits_and_the_trials_see_it(tmp_path: Path) -> None:
    tally = trials(tmp_path, "NORMAL", runs=3, cuts=15)
    assert tally.edits_lost > 0
    assert tally.samples_lost > 0


def test_a_disk_never_synced_would_be_spoilt_and_the_trials_see_it(tmp_path: Path) -> None:
    tally = trials(tmp_path, "OFF", runs=3, cuts=15)
    assert tally.corrupt > 0


@pytest.mark.parametrize("seed", [1, 2])
def test_a_training_is_recorded_whole_when_the_power_stays(tmp_path: Path, seed: int) -> None:
    events = recorded(tmp_path, seed)
    assert try_cut(events, len(events), Random(seed)).is_clean
