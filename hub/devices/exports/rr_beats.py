"""Numbers of an unlabelled list become RR intervals with times: their unit, whether they are times, flags.

It drops nothing that is a number: an interval no heart has is flagged and kept as it was written.
"""

from __future__ import annotations

import numpy as np

from hub.devices.exports.found import Floats, Ints, RrSeries
from hub.errors import ExportUnreadable

LEAST_RR_MS, MOST_RR_MS = 300.0, 2000.0
MOST_ELAPSED_MS = 10_000.0  # a longer "interval" is a mark for no beat and took no time
UNITS = {"ms": 1.0, "s": 1000.0, "1/1024 s": 1000 / 1024}
LEAST_BEATS = 3
ROUGH_S = 0.0015


def unit_of(values: Floats) -> str:
    """The unit of intervals by their median: "ms" or "s". Raises ExportUnreadable for neither.

    Intervals in 1/1024 s look like ms; only a person can tell.
    """
    positive = values[values > 0]
    middle = float(np.median(positive)) if len(positive) else 0.0
    if 200 <= middle <= 2500:
        return "ms"
    if 0.2 <= middle <= 2.5:
        return "s"
    raise ExportUnreadable(
        f"its numbers are no RR intervals: half of them are below {middle:g}.",
        hint="Choose the export of RR intervals in milliseconds or seconds.",
    )


def are_times(values: Floats) -> bool:
    """Whether a column holds the beats' times: always rising, far beyond its first steps."""
    if len(values) < 2 * LEAST_BEATS or not (np.diff(values) > 0).all():
        return False
    steps = np.diff(values)
    return bool(values[-1] - values[0] > 4 * np.median(steps)) and _is_interval(float(np.median(steps)))


def flagged(rr_ms: Floats, at_ms: Ints, is_rough: bool = False) -> RrSeries:
    """A series with the intervals outside 300 to 2000 ms flagged; 0 and 65535 are among them."""
    return RrSeries(at_ms, rr_ms, (rr_ms < LEAST_RR_MS) | (rr_ms > MOST_RR_MS), is_rough)


def by_adding(rr_ms: Floats) -> Ints:
    """Each interval's end in ms since the first began, by adding up what can have taken time."""
    took = np.where((rr_ms > 0) & (rr_ms < MOST_ELAPSED_MS), rr_ms, 0.0)
    return np.round(np.cumsum(took)).astype(np.int64)


def from_times(values: Floats) -> tuple[Floats, Ints, bool]:
    """(intervals in ms, their ends in ms, whether they are rough) of the beats' times in ms or s."""
    factor = UNITS[unit_of(np.diff(values))]
    is_rough = factor == 1000.0 and bool(np.abs(values * 100 - np.round(values * 100)).max() < ROUGH_S)
    times_ms = values * factor
    return np.diff(times_ms), np.round(times_ms[1:]).astype(np.int64), is_rough


def beside_times(times: Floats, rr_ms: Floats) -> Ints:
    """Ends in ms of intervals whose times stand beside them, in s or ms as the intervals' sum tells."""
    span, total_ms = float(times[-1] - times[0]), float(by_adding(rr_ms)[-1])
    in_ms = abs(np.log10(max(span, 1e-9) / max(total_ms, 1e-9))) < 1.5
    return np.round(times * (1.0 if in_ms else 1000.0)).astype(np.int64)


def spread(at_ms: Ints, rr_ms: Floats) -> Ints:
    """Ends of intervals that arrived together under one time: the last ends then, the others before it."""
    ends = at_ms.copy()
    for i in range(len(ends) - 2, -1, -1):
        if at_ms[i] == at_ms[i + 1] and 0 < rr_ms[i + 1] < MOST_ELAPSED_MS:
            ends[i] = ends[i + 1] - round(float(rr_ms[i + 1]))
    return np.maximum.accumulate(ends)


def _is_interval(middle: float) -> bool:
    return 200 <= middle <= 2500 or 0.2 <= middle <= 2.5
