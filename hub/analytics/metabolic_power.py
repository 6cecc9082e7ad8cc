"""Metabolic power of running from speed and acceleration, an optional model that is off by default.

Against measured oxygen it is off by tens of percent in team sport. The model of 2010 knows running only, that
of 2018 walking too; they differ by 20 % and must never be mixed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from hub.analytics.errors import ShapeMismatch
from hub.analytics.flags import Flag


class PowerModel(StrEnum):
    """Which published model; the name goes with the number."""

    OSGNACH_2010 = "Osgnach 2010, KT 1.29, flat cost 3.6 J/kg/m"
    DI_PRAMPERO_2018 = "di Prampero and Osgnach 2018, flat cost 3.6 J/kg/m"


GRAVITY_M_S2 = 9.81  # as printed with the model of 2010
STANDARD_GRAVITY_M_S2 = 9.80665
TERRAIN = 1.29
FLAT_COST = 3.6
AIR_PER_M = 0.0037
RUNS_ABOVE_M_S = 2.5
_COST = (155.4, -30.4, -43.3, 46.3, 19.5, FLAT_COST)
_TRANSITION_M_S = (-107.05, 113.13, -1.13, -15.84, -1.7, 2.27)
# cost of walking as a polynomial of speed, at slopes from -0.3 to 0.4
_WALKING = {
    -0.3: (0.28, -1.66, 3.81, -3.96, 4.01),
    -0.2: (0.03, -0.15, 0.98, -2.25, 3.14),
    -0.1: (0.69, -3.21, 5.94, -5.07, 2.79),
    0.0: (1.25, -6.57, 13.14, -11.15, 5.35),
    0.1: (0.68, -4.17, 10.17, -10.31, 8.66),
    0.2: (3.80, -14.91, 22.94, -14.53, 11.24),
    0.3: (44.95, -122.88, 126.94, -57.46, 21.39),
    0.4: (94.62, -213.94, 184.43, -68.49, 25.04),
}


@dataclass(frozen=True, slots=True)
class MetabolicPower:
    """Power in W/kg, (n,), NaN where speed or acceleration is; n values known; always EXPERIMENTAL."""

    w_kg: NDArray[np.float64]
    model: PowerModel
    n: int
    flags: tuple[Flag, ...]


def metabolic_power(
    speed_m_s: NDArray[np.floating],
    acceleration_m_s2: NDArray[np.floating],
    model: PowerModel = PowerModel.OSGNACH_2010,
) -> MetabolicPower:
    """Cost of the equivalent slope times equivalent mass and speed, in W/kg; both (n,), m/s and m/s2.

    Sources: Osgnach et al. (2010) with the polynomial of Minetti et al. (2002); di Prampero and Osgnach
    (2018) with Minetti and Pavei (2018), its air resistance and walking below the transition speed.
    Raises ShapeMismatch.
    """
    speed, acceleration = np.asarray(speed_m_s, float), np.asarray(acceleration_m_s2, float)
    if speed.shape != acceleration.shape or speed.ndim != 1:
        raise ShapeMismatch(f"speed {speed.shape}, acceleration {acceleration.shape}")
    if model is PowerModel.OSGNACH_2010:
        slope = acceleration / GRAVITY_M_S2
        cost = np.polyval(_COST, slope) * TERRAIN
    else:
        slope = (acceleration + AIR_PER_M * speed**2) / STANDARD_GRAVITY_M_S2
        runs = (speed >= np.polyval(_TRANSITION_M_S, slope)) | (speed > RUNS_ABOVE_M_S)
        cost = np.where(runs, _running_2018(slope), _walking(slope, speed))
    power = cost * np.sqrt(slope**2 + 1) * speed
    return MetabolicPower(power, model, int(np.isfinite(power).sum()), (Flag.EXPERIMENTAL,))


def _running_2018(slope: NDArray[np.float64]) -> NDArray[np.float64]:
    down, up = np.minimum(slope, 0.0), np.maximum(slope, 0.0)
    falling, rising = -8.34 * down + FLAT_COST * np.exp(13 * down), 39.5 * up + FLAT_COST * np.exp(-4 * up)
    cost: NDArray[np.float64] = np.where(slope < 0, falling, rising)
    return cost


def _walking(slope: NDArray[np.float64], speed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Between the tabled slopes in proportion, beyond them as at the last."""
    slopes = np.array(list(_WALKING))
    place = np.interp(slope, slopes, np.arange(len(slopes)))
    costs = np.array([np.polyval(row, speed) for row in _WALKING.values()])
    near = np.maximum(0.0, 1 - np.abs(place - np.arange(len(slopes))[:, None]))
    return np.asarray((costs * near).sum(axis=0), dtype=np.float64)
