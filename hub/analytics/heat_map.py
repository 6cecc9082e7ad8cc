"""Where on the pitch somebody was, and for how long: seconds in each cell of a grid drawn to scale.

It is a plain histogram: nothing is blurred, and time outside the pitch is counted apart, not moved inside.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hub.analytics.errors import OutOfOrder, OutOfRange, ShapeMismatch
from hub.analytics.external import Floats
from hub.analytics.pitch import Pitch

CELL_M = 5.0
LONGEST_STAY_S = 10.0
LINE_M = 0.05


@dataclass(frozen=True, slots=True)
class HeatMap:
    """`seconds` (rows, columns): row 0 lies along y = 0 and column 0 along x = 0 of the pitch.

    Cells are `cell_m` (along x, along y) in m and fill the pitch exactly. `outside_s` was spent elsewhere;
    `n` positions went in.
    """

    seconds: Floats
    cell_m: tuple[float, float]
    outside_s: float
    n: int

    @property
    def inside_s(self) -> float:
        """Seconds on the pitch."""
        return float(self.seconds.sum())


def heat_map(
    pitch: Pitch,
    at_s: NDArray[np.floating],
    latitude_deg: NDArray[np.floating],
    longitude_deg: NDArray[np.floating],
    *,
    cell_m: float = CELL_M,
) -> HeatMap:
    """Seconds in cells of about `cell_m` a side from (n,) times in s, rising strictly, and positions.

    Positions are in degrees; each stands for half the step before it and half the step after. Steps over
    10 s earn nothing, and positions that are NaN are passed over. The far edges, and 5 cm outside, belong to
    the outer cells. Own definition. Raises ShapeMismatch, OutOfOrder, and OutOfRange for cells that are not
    between 0.5 m and the shorter side.
    """
    if not at_s.shape == latitude_deg.shape == longitude_deg.shape or at_s.ndim != 1:
        raise ShapeMismatch(f"at_s {at_s.shape}, latitude {latitude_deg.shape}")
    if not (math.isfinite(cell_m) and 0.5 <= cell_m <= min(pitch.length_m, pitch.width_m)):
        raise OutOfRange(f"cells of {cell_m} m")
    known = np.isfinite(latitude_deg) & np.isfinite(longitude_deg)
    stay_s = stays(at_s[known])
    placed = pitch.place(latitude_deg[known], longitude_deg[known])
    on_pitch = np.clip(placed, 0, (pitch.length_m, pitch.width_m))
    placed = np.where(np.abs(placed - on_pitch) <= LINE_M, on_pitch, placed)
    shape = round(pitch.length_m / cell_m), round(pitch.width_m / cell_m)
    sides = ((0.0, pitch.length_m), (0.0, pitch.width_m))
    seconds, _, _ = np.histogram2d(placed[:, 0], placed[:, 1], bins=shape, range=sides, weights=stay_s)
    return HeatMap(
        seconds.T,
        (pitch.length_m / shape[0], pitch.width_m / shape[1]),
        max(0.0, float(stay_s.sum() - seconds.sum())),
        int(known.sum()),
    )


def stays(at_s: NDArray[np.floating], longest_s: float = LONGEST_STAY_S) -> Floats:
    """Seconds (n,) each of (n,) times stands for; steps over `longest_s` earn nothing. Raises OutOfOrder."""
    step = np.diff(np.asarray(at_s, dtype=np.float64))
    if not (step > 0).all():
        raise OutOfOrder("at_s must rise strictly")
    half = np.where(step <= longest_s, step, 0.0) / 2
    stay = np.zeros(len(at_s))
    stay[:-1] += half
    stay[1:] += half
    return stay
