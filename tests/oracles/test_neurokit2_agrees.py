"""NeuroKit2's numbers and ours for the same beats; where the conventions differ, by what is said here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hub.analytics.artefacts import lipponen_tarvainen, lipponen_tarvainen_repeated
from hub.analytics.dfa import SCALES, Averaging, Boxes, dfa_alpha1
from hub.analytics.hrv import time_domain

nk: Any = pytest.importorskip("neurokit2", reason="NeuroKit2 is in .venv-oracles only: make oracles")


def test_time_domain(long_rr_ms: NDArray[np.float64]) -> None:
    ours = time_domain(long_rr_ms)
    peaks = np.concatenate([[0], np.cumsum(long_rr_ms)]).astype(int)
    theirs = nk.hrv_time(peaks, sampling_rate=1000).iloc[0]
    assert ours.mean_rr_ms == pytest.approx(theirs["HRV_MeanNN"], abs=1e-9)
    assert ours.sdnn_ms == pytest.approx(theirs["HRV_SDNN"], abs=1e-9)
    assert ours.rmssd_ms == pytest.approx(theirs["HRV_RMSSD"], abs=1e-9)
    assert ours.sdsd_ms == pytest.approx(theirs["HRV_SDSD"], abs=1e-9)
    assert ours.pnn50_percent is not None
    by_beats = ours.pnn50_percent * ours.n_differences / ours.n  # it divides by the beats
    assert by_beats == pytest.approx(theirs["HRV_pNN50"], abs=1e-9)


@pytest.mark.parametrize("scales", [SCALES, tuple(range(4, 12)), (4, 6, 8, 16, 32)])
@pytest.mark.parametrize("boxes", [Boxes.FORWARD, Boxes.HALF_OVERLAP])
def test_alpha1(long_rr_ms: NDArray[np.float64], boxes: Boxes, scales: tuple[int, ...]) -> None:
    rr = long_rr_ms[: len(long_rr_ms) // 96 * 96]  # its boxes without overlap must fill the series
    ours = dfa_alpha1(rr, scales=scales, boxes=boxes, averaging=Averaging.WITHOUT_FLAT).alpha1
    overlaps = boxes is Boxes.HALF_OVERLAP
    if not overlaps:
        scales = tuple(scale for scale in scales if len(rr) % scale == 0)
        ours = dfa_alpha1(rr, scales=scales, averaging=Averaging.WITHOUT_FLAT).alpha1
    theirs, _ = nk.fractal_dfa(rr, scale=list(scales), overlap=overlaps)
    assert ours == pytest.approx(float(theirs), abs=1e-9)


def test_one_pass_and_repeated_passes_over_faulty_beats(beat_ms: NDArray[np.int64]) -> None:
    for iterative, classifier in ((False, lipponen_tarvainen), (True, lipponen_tarvainen_repeated)):
        theirs, corrected = nk.signal_fixpeaks(
            beat_ms, sampling_rate=1000, iterative=iterative, method="Kubios"
        )
        ours = classifier(beat_ms)
        for name in ("ectopic", "missed", "extra"):
            assert list(getattr(ours, name)) == [int(it) for it in theirs[name]], name
        assert list(ours.long_short) == [int(it) for it in theirs["longshort"]]
        assert ours.beat_ms.tolist() == [int(it) for it in corrected]


def test_one_pass_over_random_faults(long_rr_ms: NDArray[np.float64]) -> None:
    rng = np.random.default_rng(int(long_rr_ms.sum()))
    beats = np.concatenate([[0], np.cumsum(long_rr_ms)]).astype(np.int64)
    beats = np.delete(beats, rng.choice(np.arange(50, 1100, 20), 12, replace=False))
    early = rng.choice(np.arange(60, 1050, 25), 12, replace=False)
    beats[early] -= (0.25 * long_rr_ms[early]).astype(np.int64)
    theirs, corrected = nk.signal_fixpeaks(beats, sampling_rate=1000, iterative=False, method="Kubios")
    ours = lipponen_tarvainen(beats)
    found = [sorted(it) for it in (ours.ectopic, ours.missed, ours.extra, ours.long_short)]
    assert found == [sorted(int(i) for i in theirs[it]) for it in ("ectopic", "missed", "extra", "longshort")]
    assert sum(len(it) for it in found) >= 12
    assert ours.beat_ms.tolist() == [int(it) for it in corrected]
