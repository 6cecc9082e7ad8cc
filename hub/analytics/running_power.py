"""Metabolic power over a session: its mean in W/kg, from speeds and their slopes.

An optional model that nothing else rests on; positions and slow recordings give no acceleration, so no power.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hub.analytics.credit import coverage_of
from hub.analytics.external_load import RATE_FOR_SLOPE_HZ, slopes
from hub.analytics.flags import Flag
from hub.analytics.heat_map import stays
from hub.analytics.metabolic_power import PowerModel, metabolic_power
from hub.analytics.positions import speeds


@dataclass(frozen=True, slots=True)
class RunningPower:
    """Mean in W/kg, None below 5 Hz; `coverage` is 0 to 1; n speeds with an acceleration."""

    mean_w_kg: float | None
    model: PowerModel
    coverage: float
    n: int
    flags: tuple[Flag, ...]


def running_power(
    at_s: NDArray[np.floating],
    columns: Mapping[str, NDArray[np.floating]],
    from_s: float,
    to_s: float,
    model: PowerModel = PowerModel.OSGNACH_2010,
) -> RunningPower:
    """Power of the rows in [from_s, to_s); times (n,) in s rise strictly, columns as in `speeds`.

    Each speed stands for half the step on either side; braking counts as its own cost, never below 0.
    Sources: Osgnach et al. (2010); di Prampero and Osgnach (2018). Raises ShapeMismatch, OutOfOrder.
    """
    inside = (at_s >= from_s) & (at_s < to_s)
    heard = speeds(at_s[inside], {name: column[inside] for name, column in columns.items()})
    if heard.rate_hz is None or heard.rate_hz < RATE_FOR_SLOPE_HZ - 1e-9:
        return RunningPower(None, model, 0.0, 0, (Flag.EXPERIMENTAL, Flag.TOO_LITTLE_DATA))
    power = metabolic_power(heard.speed_m_s, slopes(heard.at_s, heard.speed_m_s), model)
    known = np.isfinite(power.w_kg)
    stay_s = np.where(known, stays(heard.at_s, heard.credited_gap_s), 0.0)
    covered_s = float(stay_s.sum())
    if covered_s <= 0:
        return RunningPower(None, model, 0.0, power.n, (*power.flags, Flag.TOO_LITTLE_DATA))
    w_kg = np.where(known, np.maximum(power.w_kg, 0.0), 0.0)
    return RunningPower(
        mean_w_kg=float((w_kg * stay_s).sum() / covered_s),
        model=model,
        coverage=coverage_of(covered_s, to_s - from_s),
        n=power.n,
        flags=(*power.flags, *heard.flags),
    )
