"""The loads of many sessions at once from their histograms, for a change of many athletes' parameters.

It gives bare arrays for a preview; the numbers that are kept, with their flags, come from `session_results`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from hub.analytics.errors import ShapeMismatch
from hub.analytics.parameters import Parameters
from hub.analytics.trimp import BANISTER, TABLE_BPM
from hub.analytics.zones import ZONE_COUNT

Floats = NDArray[np.float64]

_BPM = np.arange(TABLE_BPM, dtype=np.float64)
_ZONE = np.arange(ZONE_COUNT, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class LoadArrays:
    """Loads in AU of k sessions, (k,), NaN where an input is missing; `zone_s` (k, 6) in zones 0 to 5."""

    banister_au: Floats
    edwards_au: Floats
    lucia_au: Floats
    itrimp_au: Floats
    zone_s: Floats
    above_max_s: Floats


def loads_of(seconds: Floats, parameters: Sequence[Parameters], on: date | None = None) -> LoadArrays:
    """Loads of k sessions: `seconds` is (k, 256), credited seconds per bpm, with k `parameters` beside it.

    `on` is the sessions' day, which decides whether a lactate fit is valid; without it there is no iTRIMP.
    Formulas and sources as in `trimp`, `zones` and `threshold_trimp`. Raises ShapeMismatch.
    """
    if seconds.shape != (len(parameters), TABLE_BPM):
        raise ShapeMismatch(f"seconds {seconds.shape}, parameters {len(parameters)}")
    heart = [it.heart for it in parameters]
    hr_max = _column([it.hr_max_bpm for it in heart])
    hr_max = np.where(hr_max > 0, hr_max, np.nan)
    hr_rest = _column([it.hr_rest_bpm for it in heart])
    hr_rest = np.where(hr_rest < hr_max, hr_rest, np.nan)
    fraction = np.clip((_BPM - hr_rest) / (hr_max - hr_rest), 0.0, 1.0)
    fits = [it.lactate if on and it.lactate and it.lactate.is_valid_on(on) else None for it in parameters]
    zone_s = _zone_seconds(seconds, hr_max)
    return LoadArrays(
        banister_au=_impulse(seconds, fraction, [BANISTER.get(it.sex) for it in heart]),
        edwards_au=zone_s @ _ZONE / 60,
        lucia_au=_lucia(seconds, parameters),
        itrimp_au=_impulse(seconds, fraction, [None if it is None else (it.a, it.b) for it in fits]),
        zone_s=zone_s,
        above_max_s=np.where(np.isnan(hr_max[:, 0]), np.nan, (seconds * (hr_max < _BPM)).sum(axis=1)),
    )


def _column(values: Sequence[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)[:, None]


def _impulse(seconds: Floats, fraction: Floats, constants: Sequence[tuple[float, float] | None]) -> Floats:
    """Minutes times fraction times b e^(k fraction), summed over bpm; NaN without constants."""
    if not any(constants):
        return np.full(len(seconds), np.nan)
    b = _column([None if it is None else it[0] for it in constants])
    k = _column([None if it is None else it[1] for it in constants])
    total: Floats = (seconds * (fraction * b * np.exp(k * fraction))).sum(axis=1) / 60
    return total


def _zone_seconds(seconds: Floats, hr_max: Floats) -> Floats:
    """(k, 6) seconds in the five zones and below; NaN without HRmax."""
    percent = 100.0 * _BPM / hr_max
    zone = np.where(percent < 50.0, 0.0, np.minimum(5.0, percent // 10.0 - 4))
    has_zones = ~np.isnan(hr_max)
    row = np.arange(len(seconds))[:, None] * ZONE_COUNT
    index = np.where(has_zones, zone, 0.0).astype(np.int64) + row
    counted = np.bincount(index.ravel(), seconds.ravel(), minlength=len(seconds) * ZONE_COUNT)
    return np.where(has_zones, counted.reshape(len(seconds), ZONE_COUNT), np.nan)


def _lucia(seconds: Floats, parameters: Sequence[Parameters]) -> Floats:
    """Minutes in the three phases times 1, 2, 3; NaN unless 0 < VT1 < VT2."""
    if not any(it.vt1_bpm and it.vt2_bpm for it in parameters):
        return np.full(len(seconds), np.nan)
    vt1, vt2 = _column([it.vt1_bpm for it in parameters]), _column([it.vt2_bpm for it in parameters])
    weight = 1.0 + (vt1 <= _BPM) + (vt2 <= _BPM)
    load: Floats = (seconds * weight).sum(axis=1) / 60
    return np.where(((vt1 > 0) & (vt1 < vt2))[:, 0], load, np.nan)
