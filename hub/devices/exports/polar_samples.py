"""The samples and routes of an exercise in Polar's account export, in both of its shapes, as columns.

Old: every value with its own time. New: values at an interval from the start, which skip the pauses where
they are as long as the session without them. Speed is km/h in both. No value is filled in.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from hub.devices.exports.found import NO_RR, Held, Ints, RrSeries
from hub.devices.exports.polar_clock import Clock, iso_wall
from hub.devices.exports.polar_json import first, number, rows, span_s, table, text
from hub.devices.exports.polar_track import Series, intervals

KMH_PER_MPS = 3.6
MOST_EXTRA, MOST_PAUSES = 12, 1000
SLOWEST_MS, LONGEST_RR_MS = 3_600_000, 3_600_000
PAUSE_SLACK_S = 5.0
# A series as Polar names it (folded), the column it becomes, and what one of ours is in Polar's unit.
_COLUMNS: dict[str, tuple[str, float]] = {
    "heartrate": ("bpm", 1.0),
    "speed": ("speed_mps", KMH_PER_MPS),
    "altitude": ("altitude_m", 1.0),
    "distance": ("distance_m", 1.0),
    "cadence": ("cadence_per_min", 1.0),
    "temperature": ("temperature_c", 1.0),
    "power": ("power_w", 1.0),
    "currentpower": ("power_w", 1.0),
}
_NOT_SERIES = {"recordedroute", "rr"}
Pauses = tuple[tuple[int, int], ...]


@dataclass(slots=True)
class ExerciseSeries(Series):
    """The columns of one exercise, and its RR intervals in ms with whether contact was lost."""

    rr_ms: list[float] = field(default_factory=list)
    is_offline: list[bool] = field(default_factory=list)

    def rr(self, start_ms: int) -> RrSeries:
        """The intervals, told from the exercise's start."""
        return intervals(start_ms, self.rr_ms, self.is_offline) if self.rr_ms else NO_RR


def pauses_of(one: dict[str, object], clock: Clock) -> Pauses:
    """The pauses an exercise states, as epoch ms from and to, in order."""
    pauses = []
    for pause in map(table, rows(one.get("pauseTimes"))[:MOST_PAUSES]):
        since, until = (iso_wall(text(pause.get(key))) for key in ("startTime", "endTime"))
        if since is not None and until is not None and since < until:
            pauses.append((clock.at_ms(since), clock.at_ms(until)))
    return tuple(sorted(pauses))


def series_of(
    one: dict[str, object], clock: Clock, start_ms: int, elapsed_s: float, pauses: Pauses
) -> ExerciseSeries:
    """All series of an exercise that began at `start_ms` (epoch ms) and lasted `elapsed_s` with pauses."""
    series = ExerciseSeries()
    samples = table(one.get("samples"))
    for each in map(table, rows(samples.get("samples"))):
        _at_interval(series, each, start_ms, elapsed_s, pauses)
    if "samples" not in samples:
        for name, values in samples.items():
            _with_times(series, name, values, clock)
        _route(series, rows(samples.get("recordedRoute")), clock, start_ms)
        _rr(series, rows(samples.get("rr")))
    route = table(table(one.get("routes")).get("route"))
    wall = iso_wall(text(route.get("startTime")))
    _route(series, rows(route.get("wayPoints")), clock, start_ms if wall is None else clock.at_ms(wall))
    return series


def _column(series: Series, name: str) -> tuple[str, float] | None:
    folded = "".join(letter for letter in name.lower() if letter.isalnum())
    if folded in _NOT_SERIES or not folded:
        return None
    if folded in _COLUMNS:
        return _COLUMNS[folded]
    extra = {part for part, _, _ in series.parts} - {column for column, _ in _COLUMNS.values()}
    return (f"polar_{folded[:40]}", 1.0) if len(extra) < MOST_EXTRA else None


def _values(values: Iterable[object]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    found = (number(value) for value in values)
    return np.fromiter((np.nan if value is None else value for value in found), np.float64)


def _at_interval(
    series: Series, each: dict[str, object], start_ms: int, elapsed_s: float, pauses: Pauses
) -> None:
    column, interval_ms = _column(series, text(each.get("type"))), number(each.get("intervalMillis"))
    values = rows(each.get("values"))
    if column is None or not values:
        return
    if interval_ms is None or not 1 <= interval_ms <= SLOWEST_MS:
        series.held.append(Held(column[0], "has no interval between its values", n=len(values)))
        return
    at_ms = start_ms + np.round(np.arange(len(values)) * interval_ms).astype(np.int64)
    paused_s = sum(until - since for since, until in pauses) / 1000
    if paused_s and len(values) * interval_ms / 1000 <= elapsed_s - paused_s + PAUSE_SLACK_S:
        at_ms = _after_pauses(at_ms, pauses)
    series.add(column[0], at_ms, _values(values) / column[1])


def _after_pauses(at_ms: Ints, pauses: Pauses) -> Ints:
    """Times told without the pauses, put behind each pause that had begun by then."""
    for since, until in pauses:
        at_ms = np.where(at_ms > since, at_ms + (until - since), at_ms)
    return at_ms


def _with_times(series: Series, name: str, values: object, clock: Clock) -> None:
    column = _column(series, name)
    found = [(iso_wall(text(table(each).get("dateTime"))), table(each).get("value")) for each in rows(values)]
    timed = [(clock.at_ms(wall), value) for wall, value in found if wall is not None]
    if column is None or not found:
        return
    if len(timed) < len(found):
        series.held.append(Held(column[0], "has no time", n=len(found) - len(timed)))
    series.add(column[0], [at for at, _ in timed], _values(value for _, value in timed) / column[1])


def _route(series: Series, points: list[object], clock: Clock, start_ms: int) -> None:
    times: list[int] = []
    kept: list[dict[str, object]] = []
    for point in map(table, points):
        wall, elapsed_ms = iso_wall(text(point.get("dateTime"))), number(point.get("elapsedMillis"))
        if wall is not None:
            times.append(clock.at_ms(wall))
        elif elapsed_ms is not None and abs(elapsed_ms) < 1e12:
            times.append(start_ms + round(elapsed_ms))
        else:
            continue
        kept.append(point)
    if len(kept) < len(points):
        series.held.append(Held("route", "has no time", n=len(points) - len(kept)))
    has_altitude = any(name == "altitude_m" for name, _, _ in series.parts)
    for key, name in (
        ("latitude", "latitude_deg"),
        ("longitude", "longitude_deg"),
        ("altitude", "altitude_m"),
    ):
        if kept and not (key == "altitude" and has_altitude):
            series.add(name, times, _values(point.get(key) for point in kept))


def _rr(series: ExerciseSeries, written: list[object]) -> None:
    bad: list[int] = []
    for place, each in enumerate(map(table, written), start=1):
        value = first(each, "duration", "value")
        seconds = span_s(value)
        rr_ms = seconds * 1000 if seconds is not None else number(value)
        if rr_ms is None or not 0 < rr_ms < LONGEST_RR_MS:
            bad.append(place)
            continue
        series.rr_ms.append(rr_ms)
        series.is_offline.append(each.get("offline") is True)
    if bad:
        series.held.append(Held(f"RR interval {bad[0]}", "cannot be true", n=len(bad)))
