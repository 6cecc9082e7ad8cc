"""Short ways to write heart-rate series for the formulas' tests; it computes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from hub.analytics.load import SessionLoad, session_load
from hub.analytics.parameters import Parameters
from hub.analytics.profile import HeartProfile, Sex
from hub.analytics.threshold_trimp import LactateFit

MAN = HeartProfile(Sex.MALE, 200, 60)
WOMAN = HeartProfile(Sex.FEMALE, 200, 60)

ON = date(2026, 11, 21)
FIT = LactateFit(0.4, 3.2, 0.97, 6, date(2026, 9, 1))
FULLY_TESTED = Parameters(
    heart=HeartProfile(Sex.MALE, 190, 55),
    vt1_bpm=140,
    vt2_bpm=168,
    lthr_bpm=170,
    lactate=FIT,
    mass_kg=78.0,
    born_on=date(2000, 5, 1),
)


def load_of(
    samples: Sequence[tuple[int, int]], profile: HeartProfile = MAN, *, elapsed_ms: int | None = None
) -> SessionLoad:
    """The batch load of (ms, bpm) pairs in a session from 0, by default to just behind the last sample."""
    at_ms = np.array([at for at, _ in samples], dtype=np.int64)
    bpm = np.array([rate for _, rate in samples], dtype=np.int16)
    end_ms = elapsed_ms if elapsed_ms is not None else max((at for at, _ in samples), default=0) + 1
    return session_load(at_ms, bpm, profile, 0, end_ms)


def each_second(rates: Sequence[int]) -> list[tuple[int, int]]:
    """One sample a second."""
    return [(second * 1000, rate) for second, rate in enumerate(rates)]
