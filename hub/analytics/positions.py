"""Trustworthy speeds from what a receiver wrote: poor fixes dropped, positions where Doppler is missing.

It smooths no Doppler speed. Speeds from positions are the second choice: noise makes them too large at rest,
so positions are averaged over each whole second first, which hides changes of direction quicker than that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hub.analytics.errors import OutOfOrder, ShapeMismatch
from hub.analytics.external import CREDITED_GAP_S, MAX_SPEED_M_S, Floats, steps_m
from hub.analytics.flags import Flag

MOST_HDOP = 2.0
FEWEST_SATELLITES = 6
LONGEST_STEP_S = 10.0
USUAL_STEPS = 2.5

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Speeds:
    """Speeds (n,) in m/s at times (n,) in s, rising strictly, all plausible; gaps are simply absent.

    Neighbours up to `credited_gap_s` apart belong together: 1 s, or 2.5 usual steps (so that one row may be
    missing) where the device writes less often, at most 10 s. `from_positions` counts the speeds worked out
    from positions, `dropped` the rows that a poor fix or an implausible speed cost.
    """

    at_s: Floats
    speed_m_s: Floats
    credited_gap_s: float
    from_positions: int
    dropped: int
    flags: tuple[Flag, ...]

    @property
    def rate_hz(self) -> float | None:
        """One over the median step, None for fewer than two speeds."""
        return float(1 / np.median(np.diff(self.at_s))) if len(self.at_s) > 1 else None

    def broken(self, values: Floats) -> tuple[Floats, Floats]:
        """Times and (n,) `values` with a NaN in every gap, so that no bout reaches across one."""
        gaps = np.flatnonzero(np.diff(self.at_s) > self.credited_gap_s)
        middles = (self.at_s[gaps] + self.at_s[gaps + 1]) / 2
        return np.insert(self.at_s, gaps + 1, middles), np.insert(values, gaps + 1, np.nan)


def poor_fixes(hdop: NDArray[np.floating], satellites: NDArray[np.floating]) -> Mask:
    """Which of (n,) rows to drop: HDOP above 2 or fewer than 6 satellites; NaN says nothing.

    Source: Malone et al. (2017).
    """
    is_poor: Mask = (hdop > MOST_HDOP) | (satellites < FEWEST_SATELLITES)
    return is_poor


def speeds(at_s: NDArray[np.floating], columns: Mapping[str, NDArray[np.floating]]) -> Speeds:
    """Doppler speeds of good fixes, and speeds from positions in stretches that have none.

    Times (n,) rise strictly; of the `columns` (n,), NaN "not measured", `speed_mps`, `latitude_deg`,
    `longitude_deg`, `hdop` and `satellites` are used. Source: Malone et al. (2017) for Doppler before
    positions; the stretch rule is our own. Raises ShapeMismatch, OutOfOrder.
    """
    time = np.asarray(at_s, dtype=np.float64)
    if time.ndim != 1 or not np.isfinite(time).all() or not (np.diff(time) > 0).all():
        raise OutOfOrder("at_s must rise strictly")
    is_poor = poor_fixes(_column(time, columns, "hdop"), _column(time, columns, "satellites"))
    speed = _column(time, columns, "speed_mps")
    is_fast = (speed < 0) | (speed > MAX_SPEED_M_S)
    is_good = ~is_poor & ~is_fast
    is_doppler = is_good & np.isfinite(speed)
    at, level = time[is_doppler], speed[is_doppler]
    gap_s = _credited_gap_s(at)
    latitude, longitude = _column(time, columns, "latitude_deg"), _column(time, columns, "longitude_deg")
    is_placed = is_good & np.isfinite(latitude) & np.isfinite(longitude)
    placed_at, placed = position_speeds(time[is_placed], latitude[is_placed], longitude[is_placed])
    is_alone = _distance_s(at, placed_at) > gap_s
    merged = np.concatenate((at, placed_at[is_alone]))
    order = np.argsort(merged, kind="stable")
    said = (
        (Flag.FAST_POINTS_DROPPED, is_fast),
        (Flag.POOR_FIXES_DROPPED, is_poor),
        (Flag.SPEED_FROM_POSITIONS, is_alone),
    )
    return Speeds(
        at_s=merged[order],
        speed_m_s=np.concatenate((level, placed[is_alone]))[order],
        credited_gap_s=max(gap_s, _credited_gap_s(placed_at)) if is_alone.any() else gap_s,
        from_positions=int(is_alone.sum()),
        dropped=int((~is_good).sum()),
        flags=tuple(flag for flag, rows in said if rows.any()),
    )


def position_speeds(
    at_s: NDArray[np.floating], latitude_deg: NDArray[np.floating], longitude_deg: NDArray[np.floating]
) -> tuple[Floats, Floats]:
    """(m,) times in s and speeds in m/s from (n,) positions in degrees, times rising strictly.

    Positions are averaged over whole seconds; a point reached and left faster than 12 m/s is dropped. Each
    speed is the mean of the steps before and after it, so that evenly spaced speeds integrate to the sum of
    the steps; steps over 10 s or 12 m/s count for nothing. Own rule. Raises ShapeMismatch.
    """
    if not at_s.shape == latitude_deg.shape == longitude_deg.shape or at_s.ndim != 1:
        raise ShapeMismatch(f"at_s {at_s.shape}, latitude {latitude_deg.shape}")
    if not len(at_s):
        return np.zeros(0), np.zeros(0)
    time = np.asarray(at_s, dtype=np.float64)
    turned: Floats = (
        longitude_deg[0] + (longitude_deg - longitude_deg[0] + 180) % 360 - 180
    )  # across the date line
    time, latitude, longitude = _by_second(time, np.asarray(latitude_deg, dtype=np.float64), turned)
    is_fast = _step_speeds(time, latitude, longitude) > MAX_SPEED_M_S
    is_spike = np.concatenate((is_fast, [False])) & np.concatenate(([False], is_fast))
    time, latitude, longitude = time[~is_spike], latitude[~is_spike], longitude[~is_spike]
    step = _step_speeds(time, latitude, longitude)
    step[(step > MAX_SPEED_M_S) | (np.diff(time) > LONGEST_STEP_S)] = np.nan
    around = np.stack((np.concatenate(([np.nan], step)), np.concatenate((step, [np.nan]))))
    n = np.isfinite(around).sum(axis=0)
    return time[n > 0], np.nansum(around, axis=0)[n > 0] / n[n > 0]


def _by_second(time: Floats, *columns: Floats) -> list[Floats]:
    _, group = np.unique(np.floor(time), return_inverse=True)
    n = np.bincount(group)
    return [np.bincount(group, column) / n for column in (time, *columns)]


def _step_speeds(time: Floats, latitude: Floats, longitude: Floats) -> Floats:
    metres_a_s: Floats = steps_m(latitude, longitude) / np.diff(time)
    return metres_a_s


def _credited_gap_s(time: Floats) -> float:
    usual_s = float(np.median(np.diff(time))) if len(time) > 1 else 0.0
    return min(LONGEST_STEP_S, max(CREDITED_GAP_S, USUAL_STEPS * usual_s))


def _distance_s(known: Floats, asked: Floats) -> Floats:
    """From each time asked to the nearest known one; infinite where none is known."""
    edges = np.concatenate(([-np.inf], known, [np.inf]))
    at = np.searchsorted(known, asked)
    return np.minimum(asked - edges[at], edges[at + 1] - asked)


def _column(time: Floats, columns: Mapping[str, NDArray[np.floating]], name: str) -> Floats:
    column = np.asarray(columns.get(name, np.full(time.shape, np.nan)), dtype=np.float64)
    if column.shape != time.shape:
        raise ShapeMismatch(f"{name} {column.shape}, at_s {time.shape}")
    return column
