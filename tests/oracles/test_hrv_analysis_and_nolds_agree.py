"""hrv-analysis' time domain and ectopic rules, and nolds' DFA, beside ours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hub.analytics.artefacts import EctopicRule, kept_by
from hub.analytics.dfa import SCALES, Averaging, Boxes, dfa_alpha1
from hub.analytics.hrv import time_domain

hrv: Any = pytest.importorskip("hrvanalysis", reason="hrv-analysis is in .venv-oracles only: make oracles")
nolds: Any = pytest.importorskip("nolds", reason="nolds is in .venv-oracles only: make oracles")


def test_time_domain(long_rr_ms: NDArray[np.float64]) -> None:
    ours, theirs = time_domain(long_rr_ms), hrv.get_time_domain_features(long_rr_ms.tolist())
    names = {
        "mean_nni": ours.mean_rr_ms, "sdnn": ours.sdnn_ms, "sdsd": ours.sdsd_ms, "nni_50": ours.nn50,
        "rmssd": ours.rmssd_ms, "mean_hr": ours.mean_instant_bpm,
    }  # fmt: skip
    sdsd_ddof = np.sqrt((ours.n_differences - 1) / ours.n_differences)
    for name, value in names.items():
        assert value is not None
        scaled = value * sdsd_ddof if name == "sdsd" else value  # its SDSD has ddof 0
        assert scaled == pytest.approx(theirs[name], abs=1e-9), name
    assert ours.pnn50_percent == pytest.approx(theirs["pnni_50"], abs=1e-9)


@pytest.mark.parametrize("rule", list(EctopicRule))
def test_each_ectopic_rule_removes_the_same_beats(rule: EctopicRule, beat_ms: NDArray[np.int64]) -> None:
    rr = np.diff(beat_ms)
    theirs = hrv.remove_ectopic_beats(rr.tolist(), method=rule.name.lower(), verbose=False)
    removed = np.flatnonzero(np.isnan(np.array(theirs, dtype=np.float64)))
    assert np.flatnonzero(~kept_by(rule, rr)).tolist() == removed.tolist()


@pytest.mark.parametrize("boxes", [Boxes.FORWARD, Boxes.HALF_OVERLAP])
def test_alpha1_of_the_mean_of_roots(long_rr_ms: NDArray[np.float64], boxes: Boxes) -> None:
    ours = dfa_alpha1(long_rr_ms, boxes=boxes, averaging=Averaging.MEAN_ROOT).alpha1
    theirs = nolds.dfa(
        long_rr_ms, nvals=list(SCALES), overlap=boxes is Boxes.HALF_OVERLAP, fit_trend="poly", fit_exp="poly"
    )
    assert ours == pytest.approx(theirs, abs=1e-9)
