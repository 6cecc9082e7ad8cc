"""One athlete's external load in one session, composed of the formulas for distance, bouts and top speed.

Accelerations follow from speed and depend on its filter: the counts compare within one maker's receiver only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from hub.analytics.credit import coverage_of
from hub.analytics.errors import OutOfRange
from hub.analytics.external import CREDITED_GAP_S, MAX_SPEED_M_S, Floats, bouts, speed_load, top_speed_m_s
from hub.analytics.flags import Flag
from hub.analytics.positions import LONGEST_STEP_S, USUAL_STEPS, Speeds, speeds

HARD_S = 0.5
SLOPE_S = 0.5
RATE_FOR_TOP_HZ = 2.0
RATE_FOR_SLOPE_HZ = 5.0


@dataclass(frozen=True, slots=True)
class SpeedLimits:
    """From where on running is fast, a sprint, or hard; the defaults are the usual ones of men's football.

    `own_share` of the athlete's own top speed is a sprint of their own. Sources: Varley et al. (2017),
    Akenhead et al. (2014). Raises OutOfRange for limits that do not rise or mean nothing.
    """

    high_speed_m_s: float = 5.5
    sprint_m_s: float = 7.0
    own_share: float = 0.85
    hard_m_s2: float = 3.0

    def __post_init__(self) -> None:
        if not 0 < self.high_speed_m_s < self.sprint_m_s <= MAX_SPEED_M_S:
            raise OutOfRange(f"high speed from {self.high_speed_m_s}, sprints from {self.sprint_m_s} m/s")
        if not 0 < self.own_share <= 1:
            raise OutOfRange(f"a share of {self.own_share}")
        if not (math.isfinite(self.hard_m_s2) and self.hard_m_s2 > 0):
            raise OutOfRange(f"{self.hard_m_s2} m/s2")


USUAL_LIMITS = SpeedLimits()


@dataclass(frozen=True, slots=True)
class ExternalLoad:
    """Distances in m, speeds in m/s; None where the recording does not allow the number.

    `high_speed_m` is covered at or above that limit, sprints included; bouts last at least 1 s.
    `own_sprints` are bouts at a share of the athlete's own top speed. Accelerations are bouts at the hard
    limit for at least 0.5 s, from 5 Hz up. `coverage` is the share (0 to 1) of the session with speeds, or
    with the device's own distance where that is all there is.
    """

    distance_m: float
    high_speed_m: float | None
    sprint_m: float | None
    high_speed_bouts: int | None
    sprints: int | None
    own_sprints: int | None
    top_speed_m_s: float | None
    accelerations: int | None
    decelerations: int | None
    metres_a_minute: float | None
    covered_s: float
    coverage: float
    rate_hz: float | None
    n: int
    flags: tuple[Flag, ...]


def external_load(
    at_s: NDArray[np.floating],
    columns: Mapping[str, NDArray[np.floating]],
    from_s: float,
    to_s: float,
    own_top_m_s: float | None = None,
    limits: SpeedLimits = USUAL_LIMITS,
) -> ExternalLoad:
    """External load of the rows in [from_s, to_s); times (n,) in s rise strictly, columns as in `speeds`.

    Where they hold no speed and no position, the device's own `distance_m` since the start stands in.
    Sources: Malone et al. (2017), Varley et al. (2017), Akenhead et al. (2014); parts as cited where they
    are defined. Raises ShapeMismatch, OutOfOrder.
    """
    inside = (at_s >= from_s) & (at_s < to_s)
    chosen = {name: column[inside] for name, column in columns.items()}
    heard = speeds(at_s[inside], chosen)
    if not len(heard.at_s):
        return _device_load(at_s[inside], chosen.get("distance_m"), to_s - from_s, heard.flags)
    load = speed_load(
        heard.at_s,
        heard.speed_m_s,
        (limits.high_speed_m_s, limits.sprint_m_s),
        credited_gap_s=heard.credited_gap_s,
    )
    time, level = heard.broken(heard.speed_m_s)
    top, is_rough = _top(heard)
    hard = _hard(heard, limits.hard_m_s2)
    own = None if own_top_m_s is None else len(bouts(time, level, limits.own_share * own_top_m_s))
    return ExternalLoad(
        distance_m=load.distance_m,
        high_speed_m=load.band_m[1] + load.band_m[2],
        sprint_m=load.band_m[2],
        high_speed_bouts=len(bouts(time, level, limits.high_speed_m_s)),
        sprints=len(bouts(time, level, limits.sprint_m_s)),
        own_sprints=own,
        top_speed_m_s=top,
        accelerations=None if hard is None else hard[0],
        decelerations=None if hard is None else hard[1],
        metres_a_minute=60 * load.distance_m / load.covered_s if load.covered_s > 0 else None,
        covered_s=load.covered_s,
        coverage=coverage_of(load.covered_s, to_s - from_s),
        rate_hz=heard.rate_hz,
        n=load.n,
        flags=(*heard.flags, *((Flag.ROUGH,) if is_rough else ())),
    )


def device_distance(at_s: NDArray[np.floating], distance_m: NDArray[np.floating]) -> tuple[float, float]:
    """Metres of a counter (n,) in m at (n,) times in s, and the seconds it covers; NaN is not measured.

    A counter that falls began anew: that step earns nothing, nor does one faster than 12 m/s. Steps up to
    2.5 usual ones, 1 s to 10 s, count as covered. Own rule. Raises nothing.
    """
    known = np.isfinite(distance_m)
    time, step_m = at_s[known], np.diff(distance_m[known])
    step_s = np.diff(time)
    if not len(step_s):
        return 0.0, 0.0
    is_good = (step_m >= 0) & (step_m <= MAX_SPEED_M_S * step_s)
    gap_s = min(LONGEST_STEP_S, max(CREDITED_GAP_S, USUAL_STEPS * float(np.median(step_s))))
    return float(step_m[is_good].sum()), float(step_s[is_good & (step_s <= gap_s)].sum())


def _device_load(
    at_s: NDArray[np.floating],
    distance_m: NDArray[np.floating] | None,
    elapsed_s: float,
    flags: tuple[Flag, ...],
) -> ExternalLoad:
    metres, covered_s = (0.0, 0.0) if distance_m is None else device_distance(at_s, distance_m)
    n = 0 if distance_m is None else int(np.isfinite(distance_m).sum())
    return ExternalLoad(
        distance_m=metres,
        high_speed_m=None,
        sprint_m=None,
        high_speed_bouts=None,
        sprints=None,
        own_sprints=None,
        top_speed_m_s=None,
        accelerations=None,
        decelerations=None,
        metres_a_minute=None,
        covered_s=covered_s,
        coverage=coverage_of(covered_s, elapsed_s),
        rate_hz=None,
        n=n,
        flags=(*flags, Flag.DISTANCE_FROM_DEVICE) if n > 1 else flags,
    )


def slopes(at_s: NDArray[np.floating], values: NDArray[np.floating], window_s: float = SLOPE_S) -> Floats:
    """Least-squares slope of (n,) values a second over `window_s` about each point, (n,).

    The window holds an odd number of points, at least three; NaN where it would reach over an end, or spans
    more than twice `window_s`. With even steps it is the first-order derivative of Savitzky and Golay (1964).
    """
    slope = np.full(len(at_s), np.nan)
    if len(at_s) < 3:
        return slope
    half = max(1, round(window_s / float(np.median(np.diff(at_s))) / 2))
    width = 2 * half + 1
    if len(at_s) < width:
        return slope
    time, level = sliding_window_view(at_s, width), sliding_window_view(values, width)
    off = time - time.mean(axis=1, keepdims=True)
    found = (off * level).sum(axis=1) / (off**2).sum(axis=1)
    slope[half : len(at_s) - half] = np.where(time[:, -1] - time[:, 0] <= 2 * window_s, found, np.nan)
    return slope


def _top(heard: Speeds) -> tuple[float | None, bool]:
    """Top speed, and whether it is the plain maximum of a recording too slow for the rule of 0.5 s."""
    if heard.rate_hz is None:
        return None, False
    if heard.rate_hz < RATE_FOR_TOP_HZ:
        return float(heard.speed_m_s.max()), True
    return top_speed_m_s(heard.at_s, heard.speed_m_s, heard.rate_hz), False


def _hard(heard: Speeds, hard_m_s2: float) -> tuple[int, int] | None:
    """How many hard accelerations and decelerations; None below 5 Hz, which positions never reach."""
    if heard.rate_hz is None or heard.rate_hz < RATE_FOR_SLOPE_HZ - 1e-9:
        return None
    time, level = heard.broken(slopes(heard.at_s, heard.speed_m_s))
    up = bouts(time, level, hard_m_s2, dwell_s=HARD_S)
    return len(up), len(bouts(time, -level, hard_m_s2, dwell_s=HARD_S))
