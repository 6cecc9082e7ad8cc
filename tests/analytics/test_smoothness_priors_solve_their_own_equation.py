"""The trend of smoothness priors, beside the same equation solved with whole matrices."""

from __future__ import annotations

import numpy as np
import pytest

from hub.analytics.detrending import without_trend
from hub.analytics.errors import OutOfRange, ShapeMismatch
from tests.analytics.synthetic_beats import RR_MS


@pytest.mark.parametrize("n", [3, 4, 5, 60, 300])
@pytest.mark.parametrize("smoothness", [1, 10, 500])
def test_the_five_diagonals_are_the_whole_matrix(n: int, smoothness: float) -> None:
    rr = RR_MS[:n].astype(float)
    second = np.diff(np.eye(n), 2, axis=0)
    trend = np.linalg.solve(np.eye(n) + smoothness**2 * second.T @ second, rr)
    assert without_trend(rr, smoothness) == pytest.approx(rr - trend, abs=1e-6)


def test_a_straight_line_is_all_trend() -> None:
    assert without_trend(np.arange(700.0, 900.0)) == pytest.approx(np.zeros(200), abs=1e-6)
    assert without_trend(np.array([700, 900])).tolist() == [0, 0]


def test_senseless_input_is_refused() -> None:
    for rr, smoothness in ((RR_MS, 0.0), (np.array([800, np.nan, 800]), 500.0)):
        with pytest.raises(OutOfRange):
            without_trend(rr, smoothness)
    with pytest.raises(ShapeMismatch):
        without_trend(np.ones((5, 5)))
