"""The strap held to the hub is the one whose signal rises clearly above all others; no tie is guessed."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.wearing.hold_to_hub import CLEAR_DB, NEAR_DBM, Finding, Proposal, Traces, proposal

Levels = dict[str, float]


def heard(*seconds: Levels) -> dict[str, list[tuple[int, float]]]:
    """One look a second from 0 s on."""
    traces: dict[str, list[tuple[int, float]]] = {}
    for second, levels in enumerate(seconds):
        for strap_id, dbm in levels.items():
            traces.setdefault(strap_id, []).append((second * 1000, dbm))
    return traces


def looked(before: Levels, now: Levels) -> Proposal:
    """Ten seconds as before, then three as now."""
    return proposal(heard(*[before] * 10, *[now] * 3), 0, 12_000)


def test_the_strap_that_rises_clearly_above_the_others_is_proposed() -> None:
    found = looked({"A": -75, "B": -70, "C": -68}, {"A": -40, "B": -71, "C": -66})
    assert found == Proposal(Finding.FOUND, ("A",))


def test_nothing_is_proposed_while_nobody_holds_a_strap() -> None:
    assert looked({"A": -75, "B": -40}, {"A": -73, "B": -42}).finding is Finding.NOTHING
    assert proposal({}, 0, 12_000).finding is Finding.NOTHING


@pytest.mark.parametrize(
    ("now", "named"),
    [
        ({"A": -60, "B": -80, "C": -90}, ("A",)),
        ({"A": -52, "B": -54, "C": -90}, ("A", "B")),
        ({"A": -60, "B": -60, "C": -90}, ("A", "B")),
    ],
    ids=["risen but not near", "no louder than one that lies near", "a tie"],
)
def test_where_it_is_not_clear_it_is_to_be_held_closer(now: Levels, named: tuple[str, ...]) -> None:
    found = looked({"A": -80, "B": now["B"], "C": -90}, now)
    assert found == Proposal(Finding.CLOSER, named)


def test_two_straps_held_at_once_are_told_apart_by_nobody() -> None:
    found = looked({"A": -80, "B": -78, "C": -60}, {"A": -42, "B": -44, "C": -61})
    assert found == Proposal(Finding.TWO, ("A", "B"))


def test_a_strap_that_lay_beside_the_hub_all_the_time_is_not_taken_for_the_one_held() -> None:
    assert looked({"A": -80, "B": -38}, {"A": -50, "B": -38}).finding is Finding.CLOSER
    assert looked({"A": -80, "B": -48}, {"A": -38, "B": -48}) == Proposal(Finding.FOUND, ("A",))


def test_a_strap_first_heard_while_listening_counts_as_risen_and_one_there_from_the_first_look_does_not() -> (
    None
):
    before, now = {"B": -70.0}, {"B": -70.0, "A": -45.0}
    seconds = [before] * 5 + [now] * 3
    assert proposal(heard(*seconds), 0, 7_000) == Proposal(Finding.FOUND, ("A",))
    assert proposal(heard({"A": -45}, {"A": -45}), 0, 1_000).finding is Finding.NOTHING


def test_one_loud_packet_is_not_a_hand() -> None:
    far, near = {"A": -80.0}, {"A": -40.0}
    seconds = [far] * 10 + [near, far, far]
    assert proposal(heard(*seconds), 0, 12_000).finding is Finding.NOTHING


def test_traces_are_taken_once_a_second_and_begin_anew_after_a_break() -> None:
    traces, rng = Traces(), Random(4)
    for ms in range(0, 40_000, 250):
        traces.hear({"A": -75 + rng.uniform(-3, 3), "B": -70 + rng.uniform(-3, 3)}, ms)
    for ms in range(40_000, 43_000, 1_000):
        traces.hear({"A": -45, "B": -70}, ms)
    assert traces.proposal(42_000) == Proposal(Finding.FOUND, ("A",))
    assert max(len(trace) for trace in traces._traces.values()) <= 62
    traces.hear({"A": -45}, 120_000)
    assert traces.proposal(120_000).finding is Finding.NOTHING


@given(
    st.dictionaries(st.sampled_from("ABCDE"), st.lists(st.floats(-100, -30), min_size=13, max_size=13)),
)
def test_whatever_is_heard_a_proposed_strap_is_near_and_clearly_the_loudest(
    levels: dict[str, list[float]],
) -> None:
    traces = {name: [(i * 1000, dbm) for i, dbm in enumerate(trace)] for name, trace in levels.items()}
    found = proposal(traces, 0, 12_000)
    now = {name: sorted(trace[-3:])[1] for name, trace in levels.items()}
    if found.finding is Finding.FOUND:
        (name,) = found.strap_ids
        assert now[name] >= NEAR_DBM
        assert all(now[name] - CLEAR_DB >= dbm for other, dbm in now.items() if other != name)
    if found.finding is Finding.TWO:
        assert len(found.strap_ids) > 1
