"""Which pitch a session was on: the ground somebody chose, else the one they ran on, else a fitted one.

A fitted pitch is the rectangle they filled and says so; no line of a real pitch is ever guessed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection

import numpy as np

from hub.analytics.external import Floats
from hub.analytics.pitch import Degrees, Pitch, east_north_m, pitch_of_corners, pitch_of_positions
from hub.store import grounds
from hub.store.grounds import Ground

USUAL_LENGTH_M, USUAL_WIDTH_M = 105.0, 68.0
MOST_FITTED = 20_000
"""A pitch is fitted to so many positions at most, evenly chosen: more would make it slower, not better."""
LEAST_SHARE = 0.5
"""A ground with fewer of a session's positions on it than this is not taken for theirs unasked."""


@dataclass(frozen=True, slots=True)
class Found:
    """A session's pitch; `ground` None was fitted to the positions, and `is_chosen` says by hand."""

    pitch: Pitch
    ground: Ground | None
    is_chosen: bool


def pitch_for(db: Connection, session_id: str, places_deg: Floats) -> Found:
    """The pitch under (n, 2) latitudes and longitudes of everybody in a session.

    Raises as `pitch_of_positions` where it has to be fitted and they make no rectangle.
    """
    choice = grounds.choice(db, session_id)
    if choice is not None and choice.ground_id is not None:
        chosen = grounds.ground(db, choice.ground_id)
        return Found(pitch_of(chosen), chosen, True)
    if choice is None:
        shares = [(share_inside(pitch_of(it), places_deg), it) for it in grounds.all_grounds(db)]
        share, best = max(shares, key=lambda pair: pair[0], default=(0.0, None))
        if best is not None and share >= LEAST_SHARE:
            return Found(pitch_of(best), best, False)
    few = places_deg[:: max(1, -(-len(places_deg) // MOST_FITTED))]
    return Found(pitch_of_positions(few[:, 0], few[:, 1]), None, choice is not None)


def pitch_of(ground: Ground) -> Pitch:
    """A kept ground's pitch. Raises as `pitch_of_corners`."""
    return pitch_of_corners(ground.corners_deg, ground.length_m, ground.width_m)


def share_inside(pitch: Pitch, places_deg: Floats) -> float:
    """Share (0 to 1) of (n, 2) latitudes and longitudes on a pitch; 0 of none."""
    if not len(places_deg):
        return 0.0
    x, y = pitch.place(places_deg[:, 0], places_deg[:, 1]).T
    inside = (x >= 0) & (x <= pitch.length_m) & (y >= 0) & (y <= pitch.width_m)
    return float(inside.mean())


def in_order(corners_deg: Sequence[Degrees]) -> tuple[Degrees, ...]:
    """Four corners as they follow each other round the pitch, the first side a long one.

    They may come in any order; the first stays first where that is possible.
    """
    corners = np.asarray(corners_deg, np.float64)
    ground = east_north_m(corners[:, 0], corners[:, 1], (float(corners[0, 0]), float(corners[0, 1])))
    off = ground - ground.mean(axis=0)
    round_it = np.argsort(np.arctan2(off[:, 1], off[:, 0]), kind="stable")
    round_it = np.roll(round_it, -int(np.flatnonzero(round_it == 0)[0]))
    placed = ground[round_it]
    sides = np.linalg.norm(np.roll(placed, -1, axis=0) - placed, axis=1)
    if sides[0] + sides[2] < sides[1] + sides[3]:
        round_it = np.roll(round_it, -1)
    return tuple((float(corners[at, 0]), float(corners[at, 1])) for at in round_it)


def corners_of(pitch: Pitch) -> tuple[Degrees, ...]:
    """The four corners of a pitch in degrees, from the one at (0, 0) along x."""
    along = math.radians(90 - pitch.heading_deg)
    x, y = np.array((math.cos(along), math.sin(along))), np.array((-math.sin(along), math.cos(along)))
    length, width = pitch.length_m * x, pitch.width_m * y
    metre_deg = 1 / float(east_north_m(np.array([1.0]), np.array([0.0]), (0.0, 0.0))[0, 1])
    across = metre_deg / math.cos(math.radians(pitch.origin_deg[0]))
    ends = (0 * x, length, length + width, width)
    return tuple(
        (pitch.origin_deg[0] + float(end[1]) * metre_deg, pitch.origin_deg[1] + float(end[0]) * across)
        for end in ends
    )
