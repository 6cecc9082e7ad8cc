"""DFA alpha1 against another program on made-up beats, closed cases, and when it is withheld."""

from __future__ import annotations

import numpy as np
import pytest

from hub.analytics.dfa import Averaging, Boxes, dfa_alpha1, dfa_alpha1_squad
from hub.analytics.errors import OutOfRange, ShapeMismatch
from hub.analytics.flags import Flag
from tests.analytics.synthetic_beats import RR_MS


@pytest.mark.parametrize(
    ("boxes", "alpha1"), [(Boxes.FORWARD, 0.6776154945542593), (Boxes.HALF_OVERLAP, 0.6723988780836099)]
)
def test_three_hundred_made_up_beats(boxes: Boxes, alpha1: float) -> None:
    assert dfa_alpha1(RR_MS, boxes=boxes).alpha1 == pytest.approx(alpha1, abs=1e-9)


def test_where_boxes_fill_the_series_both_ends_cut_the_same() -> None:
    forward, both = (
        dfa_alpha1(RR_MS[:288], scales=(4, 8, 16), boxes=boxes).alpha1
        for boxes in (Boxes.FORWARD, Boxes.BOTH_ENDS)
    )
    assert forward is not None
    assert both == pytest.approx(forward, abs=1e-12)


def test_white_noise_is_a_half_and_its_sum_one_and_a_half() -> None:
    noise = np.random.default_rng(4).normal(size=40_000)
    white = dfa_alpha1(800 + noise, scales=tuple(range(16, 65))).alpha1
    brown = dfa_alpha1(800 + np.cumsum(noise), scales=tuple(range(16, 65))).alpha1
    assert white == pytest.approx(0.5, abs=0.05)
    assert brown == pytest.approx(1.5, abs=0.05)


def test_scale_and_offset_of_the_intervals_do_not_matter() -> None:
    assert dfa_alpha1(3.0 * RR_MS + 17).alpha1 == pytest.approx(dfa_alpha1(RR_MS).alpha1 or 0, abs=1e-9)


def test_the_convention_is_said_and_the_number_called_experimental() -> None:
    result = dfa_alpha1(RR_MS)
    assert result.convention == "13 scales 4-16, boxes from the start, linear detrending, log2 slope"
    assert result.flags == (Flag.EXPERIMENTAL,)
    assert result.n == 300


def test_above_three_percent_raw_artefacts_it_is_withheld() -> None:
    assert dfa_alpha1(RR_MS, artefact_percent=3.0).alpha1 is not None
    withheld = dfa_alpha1(RR_MS, artefact_percent=3.1)
    assert withheld.alpha1 is None
    assert Flag.TOO_MANY_ARTEFACTS in withheld.flags


def test_too_few_beats_and_a_metronome_are_undefined() -> None:
    assert dfa_alpha1(RR_MS[:31]).flags == (Flag.EXPERIMENTAL, Flag.TOO_LITTLE_DATA)
    assert dfa_alpha1(RR_MS[:32]).alpha1 is not None
    assert dfa_alpha1(np.zeros(0)).alpha1 is None
    still = dfa_alpha1(np.full(100, 801.3))
    assert (still.alpha1, still.flags) == (None, (Flag.EXPERIMENTAL, Flag.NO_SPREAD))


def test_missing_intervals_and_senseless_scales_are_refused() -> None:
    with pytest.raises(OutOfRange):
        dfa_alpha1(np.array([800.0] * 40 + [np.nan]))
    with pytest.raises(OutOfRange):
        dfa_alpha1(RR_MS, scales=(4, 4))
    with pytest.raises(OutOfRange):
        dfa_alpha1(RR_MS, scales=(2, 8))
    with pytest.raises(ShapeMismatch):
        dfa_alpha1(np.ones((20, 2)))


def test_other_programs_averages_are_said_and_differ_only_where_they_should() -> None:
    plain = dfa_alpha1(RR_MS)
    no_flat = dfa_alpha1(RR_MS, averaging=Averaging.WITHOUT_FLAT)
    roots = dfa_alpha1(RR_MS, averaging=Averaging.MEAN_ROOT)
    assert no_flat.alpha1 == plain.alpha1  # none of these boxes is flat
    assert roots.alpha1 != pytest.approx(plain.alpha1, abs=1e-4)
    assert "without flat boxes" in no_flat.convention
    assert "mean of the boxes' roots" in roots.convention
    part_flat = np.concatenate([RR_MS, np.full(96, RR_MS.mean())])
    assert dfa_alpha1(part_flat, averaging=Averaging.WITHOUT_FLAT).alpha1 != dfa_alpha1(part_flat).alpha1


@pytest.mark.parametrize("averaging", list(Averaging))
@pytest.mark.parametrize("boxes", list(Boxes))
def test_a_squad_of_unequal_lengths_is_everyone_alone(boxes: Boxes, averaging: Averaging) -> None:
    squad = [RR_MS, RR_MS[:33], RR_MS[17:250], np.full(90, 800), RR_MS[:20], np.repeat(RR_MS, 3)]
    percent = [None, 0.0, 3.0, 1.0, None, 3.5]
    together = dfa_alpha1_squad(squad, percent, boxes=boxes, averaging=averaging)
    for rr, share, found in zip(squad, percent, together, strict=True):
        alone = dfa_alpha1(rr, boxes=boxes, averaging=averaging, artefact_percent=share)
        assert found.alpha1 == pytest.approx(alone.alpha1, abs=1e-12)
        assert (found.flags, found.n, found.convention) == (alone.flags, alone.n, alone.convention)
    assert [it.alpha1 is None for it in together] == [False, False, False, True, True, True]
    with pytest.raises(ShapeMismatch):
        dfa_alpha1_squad(squad, [None])
