"""Values out of the athlete's own ordinary: at once by a robust z, slowly by a smoothed control chart.

Both look either way, up and down, and neither says why nor whether it matters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hub.analytics.errors import OutOfRange, ShapeMismatch
from hub.analytics.flags import Flag

MAD_TO_SD = 1.4826
UNUSUAL_Z = 3.5
MIN_BASELINE = 14


@dataclass(frozen=True, slots=True)
class RobustScore:
    """z in robust SDs, None where the spread is 0 and no smallest scale was given, or data are few."""

    z: float | None
    median: float | None
    n: int
    coverage: float
    flags: tuple[Flag, ...]

    @property
    def is_unusual(self) -> bool:
        """Whether |z| is above 3.5 (Iglewicz and Hoaglin 1993)."""
        return self.z is not None and abs(self.z) > UNUSUAL_Z


@dataclass(frozen=True, slots=True)
class EwmaChart:
    """Smoothed values with their limits, (n,) each, and which are outside; a NaN day repeats the value."""

    smoothed: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    is_out: NDArray[np.bool_]
    n: int


def robust_z(baseline: NDArray[np.floating], today: float, min_scale: float | None = None) -> RobustScore:
    """(today - median) / (1.4826 MAD) of (days,) baseline values, 28 to 60 of them, NaN for a day without.

    `min_scale` is the smallest scale in the values' own unit, such as 0.5 points. Under 14 known values
    there is no z. Source: Iglewicz and Hoaglin (1993). Raises ShapeMismatch; OutOfRange for a scale not
    positive or `today` not finite.
    """
    values = np.asarray(baseline, dtype=np.float64)
    if values.ndim != 1:
        raise ShapeMismatch(f"baseline {values.shape}")
    if not math.isfinite(today) or (min_scale is not None and not min_scale > 0):
        raise OutOfRange(f"today {today}, min_scale {min_scale}")
    known = values[np.isfinite(values)]
    n, coverage = len(known), len(known) / len(values) if len(values) else 0.0
    if n < MIN_BASELINE:
        return RobustScore(None, None, n, coverage, (Flag.TOO_LITTLE_DATA,))
    median = float(np.median(known))
    scale = MAD_TO_SD * float(np.median(np.abs(known - median)))
    if min_scale is not None and scale < min_scale:
        return RobustScore((today - median) / min_scale, median, n, coverage, (Flag.MINIMUM_SCALE_USED,))
    if scale == 0:
        return RobustScore(None, median, n, coverage, (Flag.NO_SPREAD,))
    return RobustScore((today - median) / scale, median, n, coverage, ())


def ewma_chart(
    values: NDArray[np.floating], target: float, sigma: float, weight: float = 0.1, width: float = 2.7
) -> EwmaChart:
    """z = weight x + (1 - weight) z from `target`, limits target +- width sigma sqrt(w (1-(1-w)^2i)/(2-w)).

    `values` are (n,), NaN for a day without one: it moves neither z nor i. Source: Roberts (1959), as in
    Montgomery. Raises ShapeMismatch; OutOfRange for sigma or width not positive, or weight outside (0, 1].
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1:
        raise ShapeMismatch(f"values {x.shape}")
    if not (math.isfinite(target) and sigma > 0 and width > 0 and 0 < weight <= 1):
        raise OutOfRange(f"target {target}, sigma {sigma}, weight {weight}, width {width}")
    smoothed = np.empty_like(x)
    now = target
    for i, value in enumerate(x.tolist()):
        if not math.isnan(value):
            now = weight * value + (1 - weight) * now
        smoothed[i] = now
    seen = np.cumsum(~np.isnan(x))
    reach = width * sigma * np.sqrt(weight / (2 - weight) * (1 - (1 - weight) ** (2 * seen)))
    lower, upper = target - reach, target + reach
    is_out = ((smoothed > upper) | (smoothed < lower)) & ~np.isnan(x)
    return EwmaChart(smoothed, lower, upper, is_out, int((~np.isnan(x)).sum()))
