"""Made-up beats and days for comparison with other programs, which live in an environment of their own."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.analytics.synthetic_beats import RR_MS, faulty_beats_ms

FAULTS = {"none": np.concatenate([[0], np.cumsum(RR_MS)]), "three": faulty_beats_ms()}


@pytest.fixture(params=[3, 4, 5])
def long_rr_ms(request: pytest.FixtureRequest) -> NDArray[np.float64]:
    """1 200 beats around 900 ms that wander, breathe and jitter."""
    rng = np.random.default_rng(request.param)
    beat = np.arange(1_200)
    wander = np.cumsum(rng.normal(0, 2, len(beat)))
    rr = 900 + 35 * np.sin(beat / 4.1) + wander - wander.mean() + rng.normal(0, 12, len(beat))
    return np.asarray(rr.round())


@pytest.fixture(params=list(FAULTS))
def beat_ms(request: pytest.FixtureRequest) -> NDArray[np.int64]:
    """300 beats, as they were and with one missed, one extra and one early."""
    return np.asarray(FAULTS[request.param], dtype=np.int64)


@pytest.fixture
def daily_au() -> NDArray[np.float64]:
    """Two hundred days of six athletes, nearly half of them rest days, none missing."""
    rng = np.random.default_rng(11)
    return np.where(rng.random((200, 6)) < 0.57, rng.gamma(2, 250, (200, 6)), 0.0)
