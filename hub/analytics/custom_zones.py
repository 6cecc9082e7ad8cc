"""Zones with the club's own edges, in bpm or relative to the athlete, and the time spent in them.

Each edge belongs to the zone above it, and below the first edge is zone 0; the five standard zones and
their load are the business of `zones` and `load`.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from hub.analytics.credit import credited_time
from hub.analytics.errors import EdgesInvalid, ProfileIncomplete
from hub.analytics.flags import Flag
from hub.analytics.profile import HeartProfile


class EdgeUnit(StrEnum):
    """What a zone edge is counted in."""

    BPM = "bpm"
    PERCENT_HR_MAX = "%HRmax"
    PERCENT_RESERVE = "%HRR"
    PERCENT_LTHR = "%LTHR"


@dataclass(frozen=True, slots=True)
class ZoneEdges:
    """Lower edges of zones 1, 2, ...; raises EdgesInvalid unless finite, positive and strictly rising."""

    unit: EdgeUnit
    edges: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.edges or not all(math.isfinite(edge) and edge > 0 for edge in self.edges):
            raise EdgesInvalid(f"{self.edges} in {self.unit}")
        if any(lower >= upper for lower, upper in zip(self.edges, self.edges[1:], strict=False)):
            raise EdgesInvalid(f"{self.edges} in {self.unit}")


@dataclass(frozen=True, slots=True)
class ZoneTimes:
    """Seconds in zones 0, 1, ... of `edges_bpm`, of n samples that cover `coverage` (0 to 1) of the time."""

    zone_s: tuple[float, ...]
    edges_bpm: tuple[float, ...]
    covered_s: float
    estimated_s: float
    coverage: float
    n: int
    flags: tuple[Flag, ...]


def target_bpm(fraction: float, hr_rest_bpm: float, hr_max_bpm: float) -> float:
    """The heart rate in bpm at a fraction of the reserve: rest + f (max - rest) (Karvonen et al. 1957).

    Raises ProfileIncomplete where HRmax is not above HRrest.
    """
    if hr_max_bpm <= hr_rest_bpm:
        raise ProfileIncomplete(f"HRmax {hr_max_bpm} bpm, HRrest {hr_rest_bpm} bpm")
    return hr_rest_bpm + fraction * (hr_max_bpm - hr_rest_bpm)


def edges_in_bpm(zones: ZoneEdges, profile: HeartProfile, lthr_bpm: float | None = None) -> tuple[float, ...]:
    """The edges in bpm for one athlete; `lthr_bpm` is the heart rate at the lactate threshold.

    Raises ProfileIncomplete where HRmax, HRrest or LTHR is needed and unknown, or HRmax <= HRrest.
    """
    hr_max, hr_rest = profile.hr_max_bpm, profile.hr_rest_bpm
    if zones.unit is EdgeUnit.BPM:
        return zones.edges
    # product first, then one division: a whole-number edge stays whole, and left-closed stays true
    if zones.unit is EdgeUnit.PERCENT_LTHR and lthr_bpm is not None and lthr_bpm > 0:
        return tuple(edge * lthr_bpm / 100 for edge in zones.edges)
    if zones.unit is EdgeUnit.PERCENT_HR_MAX and hr_max is not None and hr_max > 0:
        return tuple(edge * hr_max / 100 for edge in zones.edges)
    if zones.unit is EdgeUnit.PERCENT_RESERVE and hr_max is not None and hr_rest is not None:
        if hr_max > hr_rest:
            return tuple(hr_rest + edge * (hr_max - hr_rest) / 100 for edge in zones.edges)
        raise ProfileIncomplete(f"HRmax {hr_max} bpm, HRrest {hr_rest} bpm")
    raise ProfileIncomplete(f"edges are in {zones.unit}")


def zone_between(bpm: float, edges_bpm: tuple[float, ...]) -> int:
    """Zone 0 to len(edges_bpm) of a heart rate; an edge belongs to the zone above it (own convention)."""
    return bisect_right(edges_bpm, bpm)


def time_in_zones(
    mono_ms: NDArray[np.int64],
    bpm: NDArray[np.integer | np.floating],
    zones: ZoneEdges,
    profile: HeartProfile,
    from_ms: int,
    to_ms: int,
    lthr_bpm: float | None = None,
) -> ZoneTimes:
    """Seconds in each custom zone over [from_ms, to_ms), gaps as in `credited_time`.

    `mono_ms` and `bpm` are (n,), in any order; bpm <= 0 or NaN is a gap. Zones are left-closed, after the
    practice of Edwards (1993). Raises ShapeMismatch and ProfileIncomplete.
    """
    edges_bpm = edges_in_bpm(zones, profile, lthr_bpm)
    time = credited_time(mono_ms, bpm, from_ms, to_ms)
    zone = np.searchsorted(np.array(edges_bpm), time.bpm, side="right")
    zone_s = np.bincount(zone, weights=time.weight_s, minlength=len(edges_bpm) + 1)
    flags = list(time.flags)
    if profile.hr_max_bpm is not None and bool((time.bpm > profile.hr_max_bpm).any()):
        flags.append(Flag.ABOVE_MAX)
    return ZoneTimes(
        tuple(zone_s.tolist()),
        edges_bpm,
        time.covered_s,
        time.estimated_s,
        time.coverage,
        time.n,
        tuple(flags),
    )
