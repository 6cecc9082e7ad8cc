"""Dated changes: each holds from its day on, whatever order they are told in, and makes the trip as text."""

from __future__ import annotations

import json
from datetime import date, timedelta
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.analytics.custom_zones import EdgeUnit, ZoneEdges
from hub.analytics.effective import (
    Change,
    How,
    base_parameters,
    change_of,
    doc_of,
    parameters_doc,
    parameters_of,
    parameters_on,
)
from hub.analytics.errors import ShapeMismatch
from hub.analytics.profile import Sex
from hub.analytics.sustained import sustained_bpm
from hub.analytics.threshold_trimp import LactateFit

DAY = date(2026, 3, 1)
BASE = base_parameters("F", 190, 50)
ZONES = ZoneEdges(EdgeUnit.PERCENT_HR_MAX, (60.0, 70.5, 80.0))


def change(day: int, made: int, how: How = How.MEASURED, **fields: object) -> Change:
    return Change(f"c{made}", DAY + timedelta(days=day), how, made, fields)


def test_a_change_holds_from_its_day_on_and_not_before() -> None:
    changes = [change(10, 1, hr_max_bpm=200), change(20, 2, hr_max_bpm=197, lthr_bpm=170)]
    seen = [parameters_on(BASE, changes, DAY + timedelta(days=day)) for day in (9, 10, 19, 20)]
    assert [it.heart.hr_max_bpm for it in seen] == [190, 200, 200, 197]
    assert [it.lthr_bpm for it in seen] == [None, None, None, 170]
    assert {it.heart.hr_rest_bpm for it in seen} == {50}


def test_of_two_changes_from_one_day_the_later_made_counts() -> None:
    changes = [change(0, 2, hr_max_bpm=201), change(0, 1, hr_max_bpm=199, mass_kg=60.0)]
    then = parameters_on(BASE, changes, DAY)
    assert (then.heart.hr_max_bpm, then.mass_kg) == (201, 60.0)


def test_an_estimate_is_marked_until_a_measured_value_takes_its_place() -> None:
    changes = [change(0, 1, How.ESTIMATED, hr_max_bpm=188), change(5, 2, hr_max_bpm=193)]
    assert parameters_on(BASE, changes, DAY).estimated == {"hr_max_bpm"}
    assert parameters_on(BASE, changes, DAY + timedelta(days=5)).estimated == frozenset()


def test_a_value_can_become_unknown_again() -> None:
    changes = [change(0, 1, hr_max_bpm=None, zones=ZONES), change(3, 2, zones=None, sex=Sex.MALE)]
    first, second = (parameters_on(BASE, changes, DAY + timedelta(days=day)) for day in (0, 3))
    assert (first.heart.hr_max_bpm, first.zones) == (None, ZONES)
    assert (second.zones, second.heart.sex) == (None, Sex.MALE)


def test_an_athlete_not_yet_born_has_no_age() -> None:
    assert parameters_on(BASE, [change(0, 1, born_on=DAY)], DAY).born_on is None


@given(st.randoms(), st.lists(st.tuples(st.integers(0, 9), st.integers(150, 220)), max_size=8))
def test_the_order_changes_are_told_in_does_not_matter(rng: Random, told: list[tuple[int, int]]) -> None:
    changes = [change(day, made, hr_max_bpm=bpm) for made, (day, bpm) in enumerate(told)]
    shuffled = rng.sample(changes, len(changes))
    for day in range(10):
        on = DAY + timedelta(days=day)
        assert parameters_on(BASE, changes, on) == parameters_on(BASE, shuffled, on)


def test_a_change_makes_the_trip_through_a_record() -> None:
    fields = {
        "hr_max_bpm": 199, "zones": ZONES, "lactate": LactateFit(0.3, 2.5, 0.98, 6, DAY), "mass_kg": 61.5,
        "born_on": date(2004, 2, 29), "sex": Sex.FEMALE, "lthr_bpm": None,
    }  # fmt: skip
    doc = {"valid_from": DAY.isoformat(), "how": "estimated", "made_at_ms": 7, **doc_of(fields)}
    back = change_of("c", json.loads(json.dumps(doc)))
    assert back == Change("c", DAY, How.ESTIMATED, 7, fields)
    parameters = parameters_on(BASE, [back], DAY)
    assert parameters_of(json.loads(json.dumps(parameters_doc(parameters)))) == parameters


@pytest.mark.parametrize(
    "doc",
    [
        {"hr_max_bpm": 300}, {"hr_max_bpm": True}, {"hr_max_bpm": "190"}, {"mass_kg": float("nan")},
        {"mass_kg": 5}, {"zones": {"unit": "bpm", "edges": [120, 110]}},
        {"zones": {"unit": "W", "edges": [1]}},
        {"zones": {"unit": "bpm", "edges": []}}, {"zones": [1]}, {"born_on": "2001-02-30"}, {"sex": "X"},
        {"lactate": {"a": 1, "b": 900, "r2": 1, "n": 4, "measured_on": "2026-01-01"}},
    ],
)  # fmt: skip
def test_a_value_that_makes_no_sense_changes_nothing(doc: dict[str, object]) -> None:
    read = change_of("c", {"valid_from": "2026-03-01", **doc})
    assert read is not None
    assert read.fields == {}


@pytest.mark.parametrize("day", [None, "", "2026-13-01", "yesterday", 20260301])
def test_a_change_without_a_day_does_not_count(day: object) -> None:
    assert change_of("c", {"valid_from": day, "hr_max_bpm": 190}) is None


def test_a_change_taken_back_does_not_count() -> None:
    assert change_of("c", {"valid_from": "2026-03-01", "hr_max_bpm": 190, "is_removed": True}) is None


def rates(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.array(values, np.int16)


def seconds(count: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.arange(count, dtype=np.int64) * 1000


@pytest.mark.parametrize(
    ("bpm", "held"),
    [
        ((150, 190, 190, 190, 190, 190, 190, 150), 190),  # 5 s from the first to the last
        ((150, 190, 190, 190, 190, 190, 150, 150), 150),  # 4 s only
        ((180, 180, 240, 180, 180, 180, 180, 180, 180), 180),  # nobody's heart does 240
        ((180, 180, 180, 0, 180, 180, 180), None),  # no contact ends a stretch
        ((0, 0, 0, 0, 0, 0, 0), None),
        ((), None),
    ],
)
def test_a_maximum_counts_when_it_was_held_for_5_s(bpm: tuple[int, ...], held: int | None) -> None:
    assert sustained_bpm(seconds(len(bpm)), rates(*bpm)) == held


@given(st.lists(st.tuples(st.integers(1, 15_000), st.integers(0, 240)), max_size=60))
def test_the_held_maximum_is_that_of_trying_every_level(steps: list[tuple[int, int]]) -> None:
    at_ms = np.cumsum([step for step, _ in steps], dtype=np.int64)
    bpm = rates(*(rate for _, rate in steps))
    best: int | None = None
    for level in sorted({int(rate) for rate in bpm if 0 < rate <= 230}):
        since: int | None = None
        for i, (at, rate) in enumerate(zip(at_ms.tolist(), bpm.tolist(), strict=True)):
            if not level <= rate <= 230:
                since = None
                continue
            if since is None or at - int(at_ms[i - 1]) > 10_000:
                since = at
            if at - since >= 5_000:
                best = level
    assert sustained_bpm(at_ms, bpm) == best


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ShapeMismatch):
        sustained_bpm(seconds(3), rates(1, 2))
