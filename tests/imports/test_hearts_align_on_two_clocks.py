"""Two recordings of one heart on two clocks give what lies between the clocks, or a reason why not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hub.imports.alignment import DEVICE_ERR_MS, Alignment, Refusal, Why, align
from hub.imports.likeness import Beats

FILE_MS = 1_795_255_200_000
BOOT_MS = 7_200_417
TRAINING_S = 5400

Floats = NDArray[np.float64]


def heart(seed: int, n: int = TRAINING_S) -> Floats:
    """(n,) bpm of a training: efforts of changing length and strength, each followed with a lag."""
    dice = np.random.default_rng(seed)
    wanted, at = np.empty(n), 0
    while at < n:
        until = at + int(dice.integers(40, 300))
        wanted[at:until] = dice.uniform(90, 190)
        at = until
    return followed(wanted)


def followed(wanted: Floats) -> Floats:
    """A heart comes after what is asked of it."""
    kernel = np.exp(-np.arange(300) / 35)
    whole = np.concatenate([np.full(300, wanted[0]), wanted])
    return np.asarray(np.convolve(whole, kernel / kernel.sum())[300 : 300 + len(wanted)], dtype=np.float64)


def intervals(period_s: int, n: int = 3600) -> Floats:
    """Work and rest as even as a machine's."""
    return followed(np.where(np.arange(n) % period_s < period_s / 2, 170.0, 120.0))


def beats(
    bpm: Floats, from_ms: int, *, noise_bpm: float = 0.0, drift_ppm: float = 0.0, seed: int = 0,
    heard: NDArray[np.bool_] | None = None,
) -> Beats:  # fmt: skip
    """A sensor's word of it, once a second on a clock of its own."""
    at_ms = from_ms + np.rint(np.arange(len(bpm)) * 1000 * (1 + drift_ppm * 1e-6)).astype(np.int64)
    said = np.rint(bpm + noise_bpm * np.random.default_rng(seed).standard_normal(len(bpm))).astype(np.int16)
    kept = np.ones(len(bpm), bool) if heard is None else heard
    return Beats(at_ms[kept], said[kept])


def aligned(one: Beats, other: Beats) -> Alignment:
    answer = align(one, other)
    assert isinstance(answer, Alignment), answer
    return answer


def refused(one: Beats, other: Beats) -> Why:
    answer = align(one, other)
    assert isinstance(answer, Refusal), answer
    return answer.why


def test_a_clock_that_drifts_is_told_to_a_second_in_the_middle() -> None:
    bpm = heart(1)
    found = aligned(
        beats(bpm, BOOT_MS, noise_bpm=1.5, drift_ppm=100),
        beats(bpm[600:5000], FILE_MS + 600_000, noise_bpm=1.5, seed=2),
    )
    middle_s = (found.middle_ms - BOOT_MS) / 1000
    assert middle_s == pytest.approx(2800, abs=2)
    assert found.offset_ms == pytest.approx(FILE_MS - BOOT_MS - middle_s * 0.1, abs=1000)
    assert DEVICE_ERR_MS <= found.err_ms < 20_000
    assert found.r > 0.99
    assert found.second_r is not None
    assert found.second_r < 0.7


def test_gaps_on_both_sides_are_left_out_and_not_filled() -> None:
    bpm, n = heart(2), TRAINING_S
    heard, also = np.ones(n, bool), np.ones(n, bool)
    heard[900:1500], also[2000:2600] = False, False
    also[np.arange(n) % 4 != 0] = False  # a watch that writes when it likes
    found = aligned(beats(bpm, BOOT_MS, heard=heard), beats(bpm, FILE_MS, heard=also))
    assert found.offset_ms == pytest.approx(FILE_MS - BOOT_MS, abs=500)
    assert found.common_s == pytest.approx(n - 1200, abs=20)


def test_an_optical_sensor_that_smooths_and_lags_is_within_what_is_claimed() -> None:
    bpm = heart(3)
    optical = np.convolve(np.concatenate([np.full(11, bpm[0]), bpm]), np.full(12, 1 / 12), "valid")
    found = aligned(beats(bpm, BOOT_MS), beats(optical, FILE_MS, noise_bpm=3))
    assert abs(found.offset_ms - (FILE_MS - BOOT_MS)) < found.err_ms


@pytest.mark.parametrize("period_s", [120, 240, 480])
def test_even_intervals_fit_in_more_than_one_place_and_are_refused(period_s: int) -> None:
    bpm = intervals(period_s)
    assert refused(beats(bpm, BOOT_MS, noise_bpm=1), beats(bpm[300:3300], FILE_MS, noise_bpm=1, seed=1)) is (
        Why.AMBIGUOUS
    )


def test_intervals_in_a_training_that_is_not_even_are_still_told_apart() -> None:
    bpm = np.concatenate([heart(4, 1500), intervals(240, 2400), heart(5, 1500)])
    found = aligned(beats(bpm, BOOT_MS, noise_bpm=1), beats(bpm[200:], FILE_MS, noise_bpm=1, seed=1))
    assert found.offset_ms == pytest.approx(FILE_MS - BOOT_MS - 200_000, abs=1000)


def test_a_steady_climb_says_nothing_of_when() -> None:
    climb = np.linspace(100, 180, 3600)
    assert refused(beats(climb, BOOT_MS), beats(climb, FILE_MS)) is Why.AMBIGUOUS


def test_a_heart_that_hardly_moves_is_refused() -> None:
    still = np.full(3600, 131.0)
    assert refused(beats(still, BOOT_MS, noise_bpm=0.5), beats(heart(6, 3600), FILE_MS)) is Why.FLAT


@pytest.mark.parametrize("n", [0, 1, 500])
def test_under_ten_minutes_in_common_is_refused(n: int) -> None:
    assert refused(beats(heart(7)[:n], BOOT_MS), beats(heart(7), FILE_MS)) is Why.SHORT


def test_the_end_of_one_that_is_the_start_of_the_other_is_too_little() -> None:
    bpm = heart(8, 2 * TRAINING_S)
    answer = align(beats(bpm[:TRAINING_S], BOOT_MS), beats(bpm[TRAINING_S - 700 :], FILE_MS))
    assert isinstance(answer, Refusal)


@pytest.mark.parametrize("seed", range(12))
def test_another_athletes_heart_is_never_taken_for_this_one(seed: int) -> None:
    assert refused(beats(heart(seed), BOOT_MS), beats(heart(seed + 1000), FILE_MS)) is Why.OTHER


def test_a_curve_of_the_same_shape_at_another_height_is_another_heart() -> None:
    bpm = heart(9)
    assert refused(beats(bpm, BOOT_MS), beats(bpm - 25, FILE_MS)) is Why.OTHER


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    cut=st.integers(0, 1500),
    length=st.integers(1800, 3600),
    apart_ms=st.integers(-(1 << 41), 1 << 41),
    noise_bpm=st.floats(0, 3),
    drift_ppm=st.floats(-50, 50),
)
def test_whatever_lies_between_the_clocks_an_answer_is_the_truth(
    seed: int, cut: int, length: int, apart_ms: int, noise_bpm: float, drift_ppm: float
) -> None:
    bpm = heart(seed)
    one = beats(bpm, BOOT_MS, noise_bpm=noise_bpm, drift_ppm=drift_ppm, seed=seed)
    other = beats(
        bpm[cut : cut + length], BOOT_MS + apart_ms + cut * 1000, noise_bpm=noise_bpm, seed=seed + 1
    )
    for found, sign in ((align(one, other), 1), (align(other, one), -1)):
        if isinstance(found, Alignment):
            assert abs(found.offset_ms - sign * apart_ms) <= 2_000 <= found.err_ms
        else:
            assert found.why is Why.AMBIGUOUS
