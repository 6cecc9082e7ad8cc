"""Of contradicting words the weightiest that agree are believed, and a boot's time stays a crystal's."""

from __future__ import annotations

from itertools import pairwise
from math import sin
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync import true_time
from sync.true_time import DRIFT, HOUR_MS
from sync.wire import Anchor

BEGAN_MS = 1_900_000_000_000
DAY_MS = 24 * HOUR_MS
SESSION_MS = 90 * 60_000
SOURCES = ("ntp", "cloud")


def word(mono_ms: int, off_ms: int = 0, err_ms: int = 75, source: str = "cloud") -> Anchor:
    """A word that is `off_ms` from the truth of a crystal without drift."""
    return Anchor(
        boot_no=1, mono_ms=mono_ms, wall_ms=BEGAN_MS + mono_ms + off_ms, err_ms=err_ms, source=source
    )


@st.composite
def honest(draw: st.DrawFn, least: int = 1) -> list[Anchor]:
    """Words of a crystal that drifts by up to 45 ppm, each off by no more than its error."""
    ppm = draw(st.integers(-45, 45))
    times = draw(st.lists(st.integers(0, 3 * DAY_MS), min_size=least, max_size=12, unique=True))
    found = []
    for mono_ms in times:
        err_ms = draw(st.integers(1, 2_000))
        off_ms = round(mono_ms * ppm * 1e-6) + draw(st.integers(-err_ms, err_ms))
        found.append(word(mono_ms, off_ms, err_ms, draw(st.sampled_from(SOURCES))))
    return found


@st.composite
def anything(draw: st.DrawFn) -> list[Anchor]:
    """Words nobody vouches for."""
    times = draw(st.lists(st.integers(0, 3 * DAY_MS), min_size=1, max_size=12, unique=True))
    off = st.one_of(st.integers(-3_000, 3_000), st.integers(-3 * DAY_MS, 3 * DAY_MS))
    return [
        word(it, draw(off), draw(st.integers(1, 5_000)), draw(st.sampled_from((*SOURCES, "gps", "tablet"))))
        for it in times
    ]


def believed(facts: list[Anchor], mono_ms: int) -> tuple[int, float]:
    seen = true_time.view(facts)
    return true_time.wall_at(seen.told, mono_ms), true_time.doubt_at(seen, mono_ms)


@given(anything(), st.randoms())
def test_in_whatever_order_words_came_they_mean_the_same(facts: list[Anchor], rnd: Random) -> None:
    mixed = list(facts)
    rnd.shuffle(mixed)
    assert true_time.view(mixed) == true_time.view(facts)


@given(anything(), st.lists(st.integers(-DAY_MS, 4 * DAY_MS), min_size=2, max_size=20))
def test_whatever_was_said_time_runs_forward_as_fast_as_a_crystal(
    facts: list[Anchor], moments: list[int]
) -> None:
    told = true_time.telling(facts)
    for before, after in pairwise(sorted(moments)):
        lasted = true_time.wall_at(told, after) - true_time.wall_at(told, before)
        assert abs(lasted - (after - before)) <= DRIFT * (after - before) + 2 * len(facts) + 2


@given(anything())
def test_what_is_believed_agrees_and_nobody_else_is_used(facts: list[Anchor]) -> None:
    seen = true_time.view(facts)
    assert all(true_time.agree(one, other) for one in seen.believed for other in seen.believed)
    assert all(any(not true_time.agree(it, one) for one in seen.believed) for it in seen.against)
    assert seen.told
    assert all(it in seen.believed for it in seen.told)


@given(anything())
def test_where_it_is_not_settled_the_error_reaches_whoever_may_be_right(facts: list[Anchor]) -> None:
    seen = true_time.view(facts)
    for it in [] if seen.is_settled else seen.against:
        wall_ms, doubt_ms = believed(facts, it.mono_ms)
        assert doubt_ms >= abs(it.wall_ms - wall_ms) + it.err_ms


@given(honest())
def test_honest_words_are_all_believed_and_the_time_is_as_right_as_is_said(facts: list[Anchor]) -> None:
    seen = true_time.view(facts)
    assert sorted(it.mono_ms for it in seen.believed) == sorted(it.mono_ms for it in facts)
    for it in facts:
        wall_ms, doubt_ms = believed(facts, it.mono_ms)
        assert abs(it.wall_ms - wall_ms) <= doubt_ms + it.err_ms + 2


@given(st.integers(-45, 45), st.lists(st.integers(0, 30 * DAY_MS), min_size=1, max_size=20, unique=True))
def test_through_words_that_are_exact_the_time_is_exact(ppm: int, times: list[int]) -> None:
    facts = [word(it, round(it * ppm * 1e-6)) for it in times]
    told = true_time.telling(facts)
    assert all(true_time.wall_at(told, it.mono_ms) == it.wall_ms for it in facts)


@given(
    honest(least=2), st.integers(0, 3 * DAY_MS), st.integers(60_000, 4_000 * DAY_MS),
    st.sampled_from((1, -1)), st.integers(1, 2_000), st.sampled_from(SOURCES),
)  # fmt: skip
def test_one_liar_among_three_or_more_changes_nothing(
    facts: list[Anchor], at_ms: int, by_ms: int, way: int, err_ms: int, source: str
) -> None:
    liar = word(at_ms, way * by_ms, err_ms, source)
    if any(it.mono_ms == at_ms for it in facts):
        return
    with_liar = true_time.view([*facts, liar])
    assert with_liar.against == [liar]
    assert with_liar.told == true_time.telling(facts)


# --- what became of a day


def test_a_router_a_day_behind_is_outvoted_by_the_clouds_second_word_however_often_it_says_so() -> None:
    lies = [word(hour * HOUR_MS, -DAY_MS, 100, "ntp") for hour in range(200)]
    first, second = word(15_000), word(80_000)
    seen = true_time.view([lies[0], first])
    assert (seen.believed, seen.is_settled) == ([first], False)
    assert true_time.doubt_at(seen, 20_000) > DAY_MS
    assert true_time.apart_ms(seen) == DAY_MS
    seen = true_time.view([*lies, first, second])
    assert (seen.against, seen.is_settled) == (lies, True)
    assert believed([*lies, first, second], SESSION_MS)[0] == BEGAN_MS + SESSION_MS


@pytest.mark.parametrize("source", SOURCES)
def test_of_two_that_contradict_neither_makes_a_training_longer(source: str) -> None:
    facts = [word(10_000, -DAY_MS, 100, "ntp"), word(3_600_000, 0, 75, source)]
    told = true_time.telling(facts)
    lasted = true_time.wall_at(told, 60_000 + SESSION_MS) - true_time.wall_at(told, 60_000)
    assert abs(lasted - SESSION_MS) <= DRIFT * SESSION_MS + 2


def test_two_that_agree_only_because_both_are_unsure_bend_no_training() -> None:
    unsure = [word(0, 0, 600_000, "tablet"), word(600_000, 1_100_000, 600_000, "tablet")]
    seen = true_time.view(unsure)
    assert not seen.against
    lasted = true_time.wall_at(seen.told, SESSION_MS) - true_time.wall_at(seen.told, 0)
    assert lasted == SESSION_MS
    assert true_time.doubt_at(seen, 0) >= 600_000


def test_what_gives_way_contradicts_nobody() -> None:
    seen = true_time.view([word(0), word(5, DAY_MS, 1, "gps"), word(9, -DAY_MS, 1, "tablet")])
    assert ([it.source for it in seen.believed], seen.against, seen.is_settled) == (["cloud"], [], True)


# --- what is kept of it


def test_a_word_that_contradicts_is_kept_at_once_its_second_a_minute_later_and_then_one_an_hour() -> None:
    kept = [word(10_000, -DAY_MS, 100, "ntp")]
    for mono_ms in range(15_000, 6 * HOUR_MS, 5_000):
        for it in (word(mono_ms), word(mono_ms + 1, -DAY_MS, 100, "ntp")):
            if true_time.is_worth_keeping(kept, it):
                kept.append(it)
    cloud = [it.mono_ms for it in kept if it.source == "cloud"]
    assert cloud[:2] == [15_000, 75_000]
    assert len(cloud) <= 8
    assert sum(it.source == "ntp" for it in kept) <= 9


def test_a_year_of_contradictions_is_thinned_to_one_of_each_a_day() -> None:
    kept: list[Anchor] = []
    for hour in range(60 * 24):
        off_ms = round(40 * sin(hour))
        kept += [word(hour * HOUR_MS, off_ms), word(hour * HOUR_MS + 1, -DAY_MS + off_ms, 100, "ntp")]
        gone = true_time.to_forget(kept) if hour % 24 == 0 else []
        kept = [it for it in kept if it not in gone]
    assert len(kept) <= 2 * (60 + 4 * 24)
    assert {it.source for it in true_time.view(kept).against} == {"ntp"}
