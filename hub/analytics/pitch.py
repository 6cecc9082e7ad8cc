"""A pitch on the ground: from latitude and longitude to metres along its touchline and across it.

A pitch is a rectangle that is moved and turned, never bent or stretched, so what is drawn is to scale. Near a
pitch the Earth is taken as flat, which errs by less than 1 cm in 1 km.

Conventions: x runs along the long side (or from the first corner to the second), y across, to the left of x,
both in metres from the corner at (0, 0): seen from above, as a map with x to the right and y upwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hub.analytics.errors import OutOfRange, PitchUnclear, ShapeMismatch
from hub.analytics.external import EARTH_RADIUS_M, Floats

MOST_MISFIT = 0.1
SHORTEST_SIDE_M = 5.0
KEPT_SHARE = 0.99

Degrees = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Pitch:
    """The corner at (0, 0) as (latitude, longitude) in degrees, where x points, and the sides in m.

    `heading_deg` is the direction of x, clockwise from north, 0 to 360. `misfit_m` is how far (root mean
    square) the corners given lie from the rectangle's, None where it was fitted to positions.
    """

    origin_deg: Degrees
    heading_deg: float
    length_m: float
    width_m: float
    misfit_m: float | None = None

    def place(self, latitude_deg: NDArray[np.floating], longitude_deg: NDArray[np.floating]) -> Floats:
        """Positions (n,) in degrees as (n, 2) metres along x and y; those off the pitch are not moved."""
        return east_north_m(latitude_deg, longitude_deg, self.origin_deg) @ _axes(self.heading_deg).T


def east_north_m(
    latitude_deg: NDArray[np.floating], longitude_deg: NDArray[np.floating], origin_deg: Degrees
) -> Floats:
    """Positions (n,) in degrees as (n, 2) metres east and north of the origin on the plane touching there.

    Own derivation (equirectangular, mean Earth radius); good for a few kilometres away from the poles.
    """
    east_deg = (np.asarray(longitude_deg, np.float64) - origin_deg[1] + 180) % 360 - 180
    north_deg = np.asarray(latitude_deg, np.float64) - origin_deg[0]
    a_degree_m = math.radians(1) * EARTH_RADIUS_M
    return np.stack((east_deg * math.cos(math.radians(origin_deg[0])), north_deg), axis=-1) * a_degree_m


def pitch_of_corners(
    corners_deg: Sequence[Degrees], length_m: float | None = None, width_m: float | None = None
) -> Pitch:
    """The rectangle nearest (least squares) to four corners (latitude, longitude), in order round the pitch.

    x runs as from the first corner to the second. Sides not given are the means of opposite sides. Source:
    Kabsch (1976) for the turn. Raises ShapeMismatch for other than four corners, OutOfRange for a side under
    5 m, PitchUnclear where the corners lie further off a rectangle than a tenth of its shorter side.
    """
    corners = np.asarray(corners_deg, np.float64)
    if corners.shape != (4, 2):
        raise ShapeMismatch(f"corners {corners.shape}, (4, 2) needed")
    if not np.isfinite(corners).all() or np.abs(corners[:, 0]).max() >= 89:
        raise OutOfRange("a corner is no position on a pitch")
    first = (float(corners[0, 0]), float(corners[0, 1]))
    ground = east_north_m(corners[:, 0], corners[:, 1], first)
    if _area(ground) < 0:  # clockwise: the same x, from the other long side
        ground = ground[[3, 2, 1, 0]]
    sides = np.linalg.norm(np.roll(ground, -1, axis=0) - ground, axis=1)
    length = float(sides[[0, 2]].mean()) if length_m is None else length_m
    width = float(sides[[1, 3]].mean()) if width_m is None else width_m
    _check_sides(length, width)
    shape = np.array([(0, 0), (length, 0), (length, width), (0, width)])
    off, centre = shape - shape.mean(axis=0), ground.mean(axis=0)
    spread = (ground - centre).T @ off
    angle = math.atan2(spread[1, 0] - spread[0, 1], spread[0, 0] + spread[1, 1])
    turn = np.array([(math.cos(angle), -math.sin(angle)), (math.sin(angle), math.cos(angle))])
    placed = off @ turn.T + centre
    misfit_m = float(np.sqrt(((placed - ground) ** 2).sum(axis=1).mean()))
    if misfit_m > MOST_MISFIT * min(length, width):
        raise PitchUnclear(f"the corners lie {misfit_m:.1f} m off a {length:.0f} by {width:.0f} m rectangle")
    return Pitch(_degrees(placed[0], first), _heading(angle), length, width, misfit_m)


def pitch_of_positions(
    latitude_deg: NDArray[np.floating],
    longitude_deg: NDArray[np.floating],
    *,
    kept_share: float = KEPT_SHARE,
) -> Pitch:
    """The smallest rectangle round (n,) positions, in any order: where they ran, not where the lines are.

    A first rectangle holds all; the outermost 1 - `kept_share` along each of its axes is then let go and the
    rest fitted again, against walks to the bench. x is the longer side, pointing east, or due north. Source:
    Freeman and Shapira (1975): one side lies along the convex hull. Raises ShapeMismatch, OutOfRange for a
    share that is not above 0 and at most 1, PitchUnclear for fewer than three positions or a rectangle with
    a side under 5 m.
    """
    if latitude_deg.shape != longitude_deg.shape or latitude_deg.ndim != 1:
        raise ShapeMismatch(f"latitude {latitude_deg.shape}, longitude {longitude_deg.shape}")
    if not 0 < kept_share <= 1:
        raise OutOfRange(f"a share of {kept_share}")
    known = np.isfinite(latitude_deg) & np.isfinite(longitude_deg)
    if int(known.sum()) < 3:
        raise PitchUnclear("fewer than three positions")
    first = (float(latitude_deg[known][0]), float(longitude_deg[known][0]))
    ground = east_north_m(latitude_deg[known], longitude_deg[known], first)
    axes = _smallest(ground)
    if kept_share < 1:
        placed = ground @ axes.T
        low, high = np.quantile(placed, [(1 - kept_share) / 2, (1 + kept_share) / 2], axis=0)
        ground = ground[((placed >= low) & (placed <= high)).all(axis=1)]
        axes = _smallest(ground)
    low, high = (ground @ axes.T).min(axis=0), (ground @ axes.T).max(axis=0)
    length, width = (high - low).tolist()
    if min(length, width) < SHORTEST_SIDE_M:
        raise PitchUnclear(f"the positions fill {length:.0f} by {width:.0f} m")
    return Pitch(_degrees(low @ axes, first), _heading(math.atan2(axes[0, 1], axes[0, 0])), length, width)


def _smallest(ground: Floats) -> Floats:
    """Unit vectors (2, 2) along the longer and the shorter side of the smallest rectangle round (n, 2)."""
    hull = _hull(ground)
    sides = np.roll(hull, -1, axis=0) - hull
    angles = np.unique(np.arctan2(sides[:, 1], sides[:, 0]) % (math.pi / 2))
    spans = np.array([np.ptp(hull @ _unit(angle).T, axis=0) for angle in angles])
    best = int(np.argmin(spans[:, 0] * spans[:, 1]))
    angle = float(angles[best]) + (0.0 if spans[best, 0] >= spans[best, 1] else math.pi / 2)
    axes = _unit(angle)
    points_west = axes[0, 0] < -1e-12 or (abs(axes[0, 0]) <= 1e-12 and axes[0, 1] < 0)
    return -axes if points_west else axes


def _hull(ground: Floats) -> Floats:
    """Convex hull, counter-clockwise. Source: Andrew (1979). Raises PitchUnclear for a line."""
    points = np.unique(np.round(ground, 3), axis=0)
    lower, upper = _chain(points.tolist()), _chain(points[::-1].tolist())
    if len(lower) + len(upper) < 5:
        raise PitchUnclear("the positions lie on one line")
    return np.array(lower[:-1] + upper[:-1])


def _chain(points: list[list[float]]) -> list[list[float]]:
    chain: list[list[float]] = []
    for x, y in points:
        while len(chain) > 1:
            (ax, ay), (bx, by) = chain[-2], chain[-1]
            if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                break
            chain.pop()
        chain.append([x, y])
    return chain


def _area(corners: Floats) -> float:
    x, y = corners.T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def _unit(angle: float) -> Floats:
    """x and y axis as rows, x turned by `angle` from east to north."""
    return np.array([(math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))])


def _axes(heading_deg: float) -> Floats:
    return _unit(math.radians(90 - heading_deg))


def _heading(angle: float) -> float:
    return (90 - math.degrees(angle)) % 360


def _degrees(point_m: Floats, origin_deg: Degrees) -> Degrees:
    a_degree_m = math.radians(1) * EARTH_RADIUS_M
    longitude = origin_deg[1] + point_m[0] / a_degree_m / math.cos(math.radians(origin_deg[0]))
    return float(origin_deg[0] + point_m[1] / a_degree_m), float((longitude + 180) % 360 - 180)


def _check_sides(length_m: float, width_m: float) -> None:
    if not all(math.isfinite(side) and side >= SHORTEST_SIDE_M for side in (length_m, width_m)):
        raise OutOfRange(f"sides of {length_m:.1f} and {width_m:.1f} m")
