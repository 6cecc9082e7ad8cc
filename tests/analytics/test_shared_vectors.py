"""The scientists' vector file where it lies beside the repository; it is not part of it and may be absent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hub.analytics.profile import HeartProfile, Sex
from hub.analytics.trimp import banister_au_per_min, edwards_au_per_min, reserve_fraction
from tests.analytics.series import each_second, load_of

FILE = Path(__file__).parents[2].parent / "shared" / "vectors.json"


@pytest.fixture(scope="module")
def vectors() -> dict[str, dict[str, Any]]:
    if not FILE.exists():
        pytest.skip(f"no vector file at {FILE}")
    return {vector["id"]: vector for vector in json.loads(FILE.read_text("utf-8"))["vectors"]}


def profile_of(given: dict[str, Any]) -> HeartProfile:
    return HeartProfile(Sex(given["sex"]), given["max"], given["rest"])


def per_min(bpm: float, given: dict[str, Any]) -> float:
    value = banister_au_per_min(bpm, profile_of(given))
    assert value is not None
    return value


@pytest.mark.parametrize("name", ["trimp.banister_published_session", "trimp.banister_female_mean_form"])
def test_mean_form_sessions(vectors: dict[str, dict[str, Any]], name: str) -> None:
    given, expected = vectors[name]["input"], vectors[name]["expected"]
    assert given["duration_min"] * per_min(given["hr_mean"], given) == pytest.approx(expected, abs=1e-9)


def test_stages(vectors: dict[str, dict[str, Any]]) -> None:
    vector = vectors["trimp.banister_samples_male"]
    given = vector["input"]
    total = sum(dt_s / 60 * per_min(bpm, given) for bpm, dt_s in zip(given["hr"], given["dt_s"], strict=True))
    assert total == pytest.approx(vector["expected"], abs=1e-9)


def test_intervals_per_sample(vectors: dict[str, dict[str, Any]]) -> None:
    vector = vectors["trimp.banister_intervals_jensen"]
    given = vector["input"]
    rates = [bpm for bpm in given["hr_per_minute"] * given["repeats"] for _ in range(60)]
    load = load_of(each_second([*rates, rates[0]]), profile_of(given))
    assert load.banister_au == pytest.approx(vector["expected"]["per_sample"], abs=1e-9)


def test_clipping_and_zero_as_gap(vectors: dict[str, dict[str, Any]]) -> None:
    vector = vectors["trimp.clip"]
    given = vector["input"]
    heard = [bpm for bpm in given["hr"] if bpm]
    total = sum(given["dt_s"] / 60 * per_min(bpm, given) for bpm in heard)
    assert total == pytest.approx(vector["expected"]["trimp"], abs=1e-9)
    assert len(heard) * given["dt_s"] == vector["expected"]["covered_s"]


def test_edwards_weights(vectors: dict[str, dict[str, Any]]) -> None:
    vector = vectors["trimp.edwards"]
    weights = [edwards_au_per_min(bpm, HeartProfile(hr_max_bpm=200)) for bpm in (90, 100, 120, 140, 160, 180)]
    assert weights == vector["input"]["weights"]
    minutes = vector["input"]["minutes_below50_to_zone5"]
    assert sum(m * (w or 0) for m, w in zip(minutes, weights, strict=True)) == vector["expected"]


def test_reserve_fraction(vectors: dict[str, dict[str, Any]]) -> None:
    given = vectors["hr.hrr_frac"]["input"]
    fraction = reserve_fraction(given["hr"], given["rest"], given["max"])
    assert fraction == pytest.approx(vectors["hr.hrr_frac"]["expected"])
