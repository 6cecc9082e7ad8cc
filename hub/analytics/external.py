"""External load from speed and acceleration: distance, speed bands, bouts, top speed, accelerometer load.

Filters differ between vendors, so accelerations are never comparable between them; positions are the second
choice where the receiver gives no Doppler speed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from hub.analytics.errors import EdgesInvalid, OutOfOrder, OutOfRange, ShapeMismatch
from hub.analytics.flags import Flag

EARTH_RADIUS_M = 6_371_008.8
MAX_SPEED_M_S = 12.0
MAX_ACCELERATION_M_S2 = 6.0
CREDITED_GAP_S = 1.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SpeedLoad:
    """Metres in all and in each band, from below the first edge up; `coverage` is 0 to 1."""

    distance_m: float
    band_m: tuple[float, ...]
    covered_s: float
    coverage: float
    n: int
    flags: tuple[Flag, ...]


def haversine_m(a_deg: tuple[float, float], b_deg: tuple[float, float]) -> float:
    """Metres between two (latitude, longitude) in degrees on a sphere of the mean Earth radius (IUGG)."""
    return float(steps_m(np.array([a_deg[0], b_deg[0]]), np.array([a_deg[1], b_deg[1]]))[0])


def steps_m(latitude_deg: NDArray[np.floating], longitude_deg: NDArray[np.floating]) -> Floats:
    """Metres from each of (n,) positions to the next, (n-1,), by the haversine on the mean Earth radius."""
    lat, lon = np.radians(latitude_deg), np.radians(longitude_deg)
    h = np.sin(np.diff(lat) / 2) ** 2 + np.cos(lat[:-1]) * np.cos(lat[1:]) * np.sin(np.diff(lon) / 2) ** 2
    metres: Floats = 2 * EARTH_RADIUS_M * np.arcsin(np.minimum(1.0, np.sqrt(h)))
    return metres


def speed_load(
    at_s: NDArray[np.floating],
    speed_m_s: NDArray[np.floating],
    edges_m_s: tuple[float, ...] = (5.5, 7.0),
    *,
    credited_gap_s: float = CREDITED_GAP_S,
) -> SpeedLoad:
    """Distance as the integral of Doppler speed, in all and by band; both (n,), times strictly rising.

    A speed that is NaN, negative or above 12 m/s is dropped, and steps over `credited_gap_s` (1 s; more for
    devices that write less often) earn nothing; each step belongs half to the band at either end. Bands are
    left-closed. Sources: Malone et al. (2017); Varley et al. (2017). Raises ShapeMismatch, OutOfOrder, and
    EdgesInvalid unless the edges rise strictly above 0.
    """
    time, speed, dropped = _clean(at_s, speed_m_s)
    edges = np.array(edges_m_s, dtype=np.float64)
    if len(edges) and not (np.isfinite(edges).all() and edges[0] > 0 and (np.diff(edges) > 0).all()):
        raise EdgesInvalid(f"{edges_m_s} m/s")
    dt = np.diff(time)
    dt = np.where(dt <= credited_gap_s, dt, 0.0)
    metres = np.zeros(len(time))
    metres[:-1] += speed[:-1] * dt / 2
    metres[1:] += speed[1:] * dt / 2
    band = np.bincount(np.searchsorted(edges, speed, side="right"), metres, minlength=len(edges) + 1)
    covered_s, all_s = float(dt.sum()), float(at_s[-1] - at_s[0]) if len(at_s) else 0.0
    return SpeedLoad(
        float(metres.sum()),
        tuple(band.tolist()),
        covered_s,
        covered_s / all_s if all_s > 0 else 0.0,
        len(time),
        (Flag.FAST_POINTS_DROPPED,) if dropped else (),
    )


def bouts(
    at_s: NDArray[np.floating],
    values: NDArray[np.floating],
    threshold: float,
    *,
    dwell_s: float = 1.0,
    merge_s: float = 0.5,
) -> list[tuple[float, float]]:
    """Stretches of (n,) values at or above `threshold`, as (from, to) in s, at least `dwell_s` long.

    Gaps under `merge_s` are joined first.

    For speed, 5.5 m/s is high-speed running and 7.0 m/s a sprint, or 85 % of the own top speed; for
    accelerations 3 m/s2 and 0.5 s (decelerations negated). A stretch ends at its last sample above.
    Sources: Varley et al. (2017); Akenhead et al. (2014). Raises ShapeMismatch, OutOfOrder.
    """
    time, level = _pair(at_s, values)
    above = np.concatenate([[False], level >= threshold, [False]])
    change = np.diff(above.astype(np.int8))
    found: list[tuple[float, float]] = []
    for first, last in zip(np.flatnonzero(change == 1), np.flatnonzero(change == -1) - 1, strict=True):
        begin, end = float(time[first]), float(time[last])
        if found and begin - found[-1][1] < merge_s:
            found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    return [(begin, end) for begin, end in found if end - begin >= dwell_s - 1e-9]


def top_speed_m_s(
    at_s: NDArray[np.floating], speed_m_s: NDArray[np.floating], rate_hz: float
) -> float | None:
    """Largest median over 0.5 s of (n,) speeds sampled at `rate_hz`, None where no 0.5 s is whole.

    Points reached or left faster than 6 m/s2 are spikes and dropped first, as are those over 12 m/s. Own
    rule. Raises ShapeMismatch, OutOfOrder; OutOfRange for a rate under 2 Hz.
    """
    if not (math.isfinite(rate_hz) and rate_hz >= 2):
        raise OutOfRange(f"{rate_hz} Hz")
    time, speed, _ = _clean(at_s, speed_m_s)
    width = max(1, round(0.5 * rate_hz))
    if len(speed) > 1:
        steep = np.abs(np.diff(speed) / np.diff(time)) > MAX_ACCELERATION_M_S2
        spike = np.concatenate([steep, [False]]) & np.concatenate([[False], steep])
        time, speed = time[~spike], speed[~spike]
    if len(speed) < width:
        return None
    whole = time[width - 1 :] - time[: len(time) - width + 1] <= 0.5 + 1 / rate_hz
    medians = np.median(sliding_window_view(speed, width), axis=1)[whole]
    return float(medians.max()) if len(medians) else None


def accelerometer_load(xyz_g: NDArray[np.floating]) -> float:
    """Sum of the lengths of sample-to-sample changes of (n, 3) accelerations in g, over 100, in AU.

    For 100 Hz; other rates give other numbers. Source: Boyd et al. (2011). Raises ShapeMismatch, and
    OutOfRange for values not finite.
    """
    xyz = np.asarray(xyz_g, dtype=np.float64)
    if xyz.ndim != 2 or xyz.shape[1] != 3:
        raise ShapeMismatch(f"xyz_g {xyz.shape}, (n, 3) needed")
    if not np.isfinite(xyz).all():
        raise OutOfRange("an acceleration is not finite")
    return float(np.sqrt((np.diff(xyz, axis=0) ** 2).sum(axis=1)).sum() / 100)


def _pair(at_s: NDArray[np.floating], values: NDArray[np.floating]) -> tuple[Floats, Floats]:
    time, level = np.asarray(at_s, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if time.shape != level.shape or time.ndim != 1:
        raise ShapeMismatch(f"at_s {time.shape}, values {level.shape}")
    if not (np.diff(time) > 0).all() or not np.isfinite(time).all():
        raise OutOfOrder("at_s must rise strictly")
    return time, level


def _clean(at_s: NDArray[np.floating], speed_m_s: NDArray[np.floating]) -> tuple[Floats, Floats, int]:
    time, speed = _pair(at_s, speed_m_s)
    good = (speed >= 0) & (speed <= MAX_SPEED_M_S)
    return time[good], speed[good], int((~good).sum())
