"""Artefact rules on 300 made-up beats with three known faults; the numbers are other programs'."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.analytics.artefacts import (
    EctopicRule,
    beats_of,
    kept_by,
    lipponen_tarvainen,
    lipponen_tarvainen_repeated,
    lipponen_tarvainen_squad,
)
from hub.analytics.errors import OutOfOrder, ShapeMismatch
from hub.analytics.hrv import time_domain
from tests.analytics.synthetic_beats import RR_MS, faulty_beats_ms


def test_the_three_faults_are_named_for_what_they_are() -> None:
    found = lipponen_tarvainen(faulty_beats_ms())
    assert (found.missed, found.extra, found.ectopic, found.long_short) == ((60,), (120,), (200, 201), (121,))
    assert found.artefact_percent == pytest.approx(100 * 5 / 301)


def test_one_correction_brings_rmssd_back_from_93_to_37() -> None:
    faulty = faulty_beats_ms()
    assert time_domain(np.diff(faulty)).rmssd_ms == pytest.approx(93.3259293925861, abs=1e-6)
    corrected = np.diff(lipponen_tarvainen(faulty).beat_ms)
    assert time_domain(corrected).rmssd_ms == pytest.approx(36.658461633905866, abs=1e-6)


def test_clean_beats_come_back_untouched() -> None:
    beats = beats_of(RR_MS)
    found = lipponen_tarvainen(beats)
    assert found.artefact_percent == 0
    assert found.beat_ms.tolist() == beats.tolist()


@pytest.mark.parametrize(
    ("rule", "removed", "rmssd_ms"),
    [
        (EctopicRule.MALIK, [59, 119, 121, 199, 201], 32.08622682019644),
        (EctopicRule.KAMATH, [59, 119, 121, 199], 36.110274023252224),
        (EctopicRule.KARLSSON, [58, 59, 60, 118, 119, 121, 198, 199, 200], 31.92281995009892),
        (EctopicRule.ACAR, [59, 119, 120, 199, 200], 32.0480202411096),
    ],
)
def test_each_simple_rule_removes_what_its_authors_would(
    rule: EctopicRule, removed: list[int], rmssd_ms: float
) -> None:
    rr = np.diff(faulty_beats_ms())
    kept = kept_by(rule, rr)
    assert np.flatnonzero(~kept).tolist() == removed
    assert time_domain(rr, kept).rmssd_ms == pytest.approx(rmssd_ms, abs=1e-9)


@pytest.mark.parametrize("rule", list(EctopicRule))
def test_missing_intervals_are_never_kept_and_short_series_do_no_harm(rule: EctopicRule) -> None:
    assert kept_by(rule, np.array([800, math.nan, 810, 805.0])).tolist()[1] is False
    for n in range(4):
        assert kept_by(rule, np.full(n, 800)).tolist() == [True] * n
    with pytest.raises(ShapeMismatch):
        kept_by(rule, np.ones((2, 2)))


@given(st.lists(st.integers(1, 3000), max_size=120))
def test_corrected_beats_stay_in_order_and_each_class_points_into_the_beats(rr: list[int]) -> None:
    beats = beats_of(np.array(rr, dtype=np.int64))
    found = lipponen_tarvainen(beats)
    assert (np.diff(found.beat_ms) >= 0).all()
    assert len(found.beat_ms) <= len(beats) - len(found.extra) + len(found.missed)
    flagged = {*found.ectopic, *found.missed, *found.extra, *found.long_short}
    assert all(0 <= i < len(beats) for i in flagged)


def test_few_beats_are_left_alone_and_a_metronome_has_no_artefacts() -> None:
    for n in range(4):
        assert lipponen_tarvainen(np.arange(n) * 800).beat_ms.tolist() == (np.arange(n) * 800).tolist()
    assert lipponen_tarvainen(np.zeros(0, np.int64)).artefact_percent == 0
    assert lipponen_tarvainen(np.arange(200) * 800).artefact_percent == 0


def test_beats_that_do_not_rise_are_refused() -> None:
    with pytest.raises(OutOfOrder):
        lipponen_tarvainen(np.array([0, 800, 800, 1600]))
    with pytest.raises(ShapeMismatch):
        lipponen_tarvainen(np.zeros((2, 2), np.int64))


def test_a_long_series_is_the_same_in_pieces_of_memory() -> None:
    beats = beats_of(np.tile(RR_MS, 20))
    missing = np.delete(beats, [1000, 4500])
    assert lipponen_tarvainen(missing).missed == (1000, 4499)


@given(st.lists(st.lists(st.integers(1, 3000), max_size=150), max_size=4))
def test_a_squad_at_once_is_everyone_alone_to_the_bit(squad: list[list[int]]) -> None:
    series = [beats_of(np.array(rr, dtype=np.int64)) for rr in [*squad, (RR_MS * 0.6).astype(int).tolist()]]
    for beats, found in zip(series, lipponen_tarvainen_squad(series), strict=True):
        alone = lipponen_tarvainen(beats)
        assert found.beat_ms.tolist() == alone.beat_ms.tolist()
        assert (found.ectopic, found.missed, found.extra, found.long_short, found.n) == (
            alone.ectopic, alone.missed, alone.extra, alone.long_short, alone.n,
        )  # fmt: skip


@given(st.lists(st.integers(1, 3000), max_size=120))
def test_repeated_passes_end_and_never_find_more(rr: list[int]) -> None:
    beats = beats_of(np.array(rr, dtype=np.int64))
    assert lipponen_tarvainen_repeated(beats).flagged <= lipponen_tarvainen(beats).flagged
