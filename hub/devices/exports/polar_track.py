"""Polar's separate series (heart rate, speed, route, ...) become one table of rows with rising times.

It fills no gaps and smooths nothing; rows far outside the session are held, not moved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hub.devices.exports.found import NO_TRACK, TRACK_COLUMNS, Floats, Held, Ints, RrSeries, Track

SLACK_MS = 60_000
LEAST_RR_MS, MOST_RR_MS = 300.0, 2000.0
# What can be true of a column; anything else becomes "not measured" and is counted.
LIMITS: Mapping[str, tuple[float, float]] = {
    "bpm": (20, 250),
    "latitude_deg": (-90, 90),
    "longitude_deg": (-180, 180),
    "altitude_m": (-500, 9000),
    "distance_m": (0, 1_000_000),
    "speed_mps": (0, 60),
    "cadence_per_min": (0, 300),
    "power_w": (0, 3000),
    "temperature_c": (-60, 100),
}


@dataclass(slots=True)
class Series:
    """Columns as they come in, each with its own times; `rows` makes one table of them."""

    parts: list[tuple[str, Ints, Floats]] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)

    def add(self, name: str, at_ms: Sequence[int] | Ints, values: Sequence[float] | Floats) -> None:
        """One column: times (n,) in epoch ms and values (n,), NaN where not measured."""
        times, column = np.asarray(at_ms, np.int64), np.asarray(values, np.float64)
        if name == "bpm":
            column = np.where(column == 0, np.nan, column)  # 0 is how Polar writes "no heart rate"
        if name in LIMITS and len(column):
            least, most = LIMITS[name]
            is_wild = (column < least) | (column > most)
            if is_wild.any():
                self._hold(name.rsplit("_", 1)[0], "values cannot be true", is_wild)
                column = np.where(is_wild, np.nan, column)
        self.parts.append((name, times, column))

    def _hold(self, name: str, reason: str, which: NDArray[np.bool_]) -> None:
        n, place = int(which.sum()), int(np.argmax(which)) + 1
        self.held.append(Held(f"{name}, row {place}", reason, n=n))

    def table(self, start_ms: int, stop_ms: int) -> Track:
        """One row a time from just before `start_ms` to just after `stop_ms`; the others are held."""
        inside: list[tuple[str, Ints, Floats]] = []
        for name, times, column in self.parts:
            is_out = (times < start_ms - SLACK_MS) | (times > stop_ms + SLACK_MS)
            if is_out.any():
                self._hold(name.rsplit("_", 1)[0], "time lies outside the session", is_out)
            inside.append((name, times[~is_out], column[~is_out]))
        times_ms = np.unique(np.concatenate([times for _, times, _ in inside])) if inside else NO_TRACK.at_ms
        columns: dict[str, Floats] = {}
        for name, times, column in inside:
            kept = columns.setdefault(name, np.full(len(times_ms), np.nan))
            is_there = ~np.isnan(column)
            kept[np.searchsorted(times_ms, times[is_there])] = column[is_there]
        filled = {name: column for name, column in columns.items() if not np.isnan(column).all()}
        return Track(
            times_ms,
            {name: column for name, column in filled.items() if name in TRACK_COLUMNS},
            {name: column for name, column in filled.items() if name not in TRACK_COLUMNS},
        )


def intervals(start_ms: int, rr_ms: Sequence[float], is_offline: Sequence[bool]) -> RrSeries:
    """RR intervals told one after the other from `start_ms` on; implausible and offline ones are flagged."""
    lengths = np.asarray(rr_ms, np.float64)
    ends_ms = start_ms + np.round(np.cumsum(lengths)).astype(np.int64)
    is_flagged = np.asarray(is_offline, np.bool_) | (lengths < LEAST_RR_MS) | (lengths > MOST_RR_MS)
    return RrSeries(ends_ms, lengths, is_flagged)
