"""Apple Health's workouts become sessions, with the heart rates that were recorded while they lasted.

Sources are never mixed: the workout's own comes first, else the one with the most heart rates in it. Beats
are differences of clock times told in hundredths, so they are marked rough.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hub.devices.exports.apple_elements import TIME_ZONE, Beats, Elements, Rows, Workout
from hub.devices.exports.apple_values import Clock, Sources, ahead_in_zone, quantity
from hub.devices.exports.found import (
    NO_RR,
    NO_TRACK,
    Floats,
    FoundSession,
    Ints,
    KnownBy,
    Lap,
    Person,
    RrSeries,
    Stated,
    Track,
)
from hub.devices.exports.polar_track import LEAST_RR_MS, MOST_RR_MS, Series
from hub.devices.exports.sports import sport_of

ACTIVITY = "HKWorkoutActivityType"
EVENT = "HKWorkoutEventType"
PAUSES = {f"{EVENT}Pause", f"{EVENT}MotionPaused"}
RESUMES = {f"{EVENT}Resume", f"{EVENT}MotionResumed"}
LAPS = {f"{EVENT}Lap": "lap", f"{EVENT}Segment": "segment"}
SYNC_ID = "HKMetadataKeySyncIdentifier"
RR_OFF_SHARE = 0.2  # an interval this far from the rate told with its beat spans beats that were missed


@dataclass(frozen=True, slots=True)
class Hearts:
    """Heart rates in order of time, each (time, source) once: seconds UTC (n,), bpm, source and local day."""

    at_s: Ints
    bpm: Floats
    source: Ints
    day: Ints


def hearts_of(rows: Rows) -> Hearts:
    """All heart rates of a file, sorted."""
    at_s, source = np.asarray(rows.at_s, np.uint32), np.asarray(rows.source, np.uint16)
    order = np.lexsort((source, at_s)).astype(np.uint32)
    at_s, source = at_s[order], source[order]
    is_new = np.ones(len(order), np.bool_)
    is_new[1:] = (np.diff(at_s) != 0) | (np.diff(source) != 0)
    order = order[is_new]
    bpm, day = np.asarray(rows.value, np.float32)[order], np.asarray(rows.day, np.uint16)[order]
    return Hearts(at_s[is_new], bpm, source[is_new], day)  # type: ignore[arg-type]


def sessions_of(elements: Elements, hearts: Hearts, rr: RrSeries) -> Iterator[FoundSession]:
    """One session a workout, in order of time; the same workout twice is one."""
    seen = set[str]()
    for workout in sorted(elements.workouts, key=lambda one: (one.start.at_s, one.end.at_s, one.source)):
        identity = _identity(workout, elements.sources)
        if identity not in seen:
            seen.add(identity)
            yield _session(workout, identity, elements, hearts, rr)


def _session(
    workout: Workout, identity: str, elements: Elements, hearts: Hearts, rr: RrSeries
) -> FoundSession:
    own_zone_s = ahead_in_zone(workout.metadata.get(TIME_ZONE, ""), workout.start.at_s)
    written = workout.attributes.get("workoutActivityType", "")[:200]
    start_ms, end_ms = workout.start.at_s * 1000, workout.end.at_s * 1000
    elapsed_s = float(workout.end.at_s - workout.start.at_s)
    timer_s = quantity(workout.attributes.get("duration", ""), workout.attributes.get("durationUnit", "min"))
    heart_ms, bpm = _heart_in(workout, hearts)
    return FoundSession(
        person=Person(),
        sport=sport_of(written),
        written_sport=written.removeprefix(ACTIVITY),
        started_at_ms=start_ms,
        elapsed_s=elapsed_s,
        timer_s=min(timer_s, elapsed_s) if timer_s is not None and timer_s > 0 else None,
        distance_m=_total(workout, "Distance", "totalDistance"),
        energy_kcal=_total(workout, "ActiveEnergyBurned", "totalEnergyBurned"),
        utc_offset_s=workout.start.ahead_s if own_zone_s is None else own_zone_s,
        offset_known_by=KnownBy.ASSUMED if own_zone_s is None else KnownBy.FILE,
        device=elements.sources.names[workout.source],
        identity=identity,
        track=_track(workout, heart_ms, bpm, start_ms, end_ms),
        rr=_between(rr, start_ms, end_ms),
        laps=tuple(_laps(workout, elements.clock)),
        stated=tuple(_stated(workout)),
        pauses_ms=tuple(_pauses(workout, elements.clock)),
        n_records=len(heart_ms) + len(workout.route) // 5,
    )


def _identity(workout: Workout, sources: Sources) -> str:
    """The maker's own key, else the natural one: kind, start, end and source."""
    source, own = sources.names[workout.source], workout.metadata.get(SYNC_ID)
    kind = workout.attributes.get("workoutActivityType", "")[:200].removeprefix(ACTIVITY)
    return f"apple:{source}:{own or f'{kind}:{workout.start.at_s}:{workout.end.at_s}'}"


def _heart_in(workout: Workout, hearts: Hearts) -> tuple[Ints, Floats]:
    """Times in ms and bpm of one source from the workout's start to its end."""
    first, last = np.searchsorted(
        hearts.at_s, np.array([workout.start.at_s, workout.end.at_s + 1], hearts.at_s.dtype)
    )
    source = hearts.source[first:last]
    if not len(source):
        return NO_TRACK.at_ms, np.zeros(0)
    kinds, counts = np.unique(source, return_counts=True)
    chosen = workout.source if workout.source in kinds else kinds[np.argmax(counts)]
    is_chosen = source == chosen
    at_ms = hearts.at_s[first:last][is_chosen].astype(np.int64) * 1000
    return at_ms, hearts.bpm[first:last][is_chosen].astype(np.float64)


def _track(workout: Workout, heart_ms: Ints, bpm: Floats, start_ms: int, end_ms: int) -> Track:
    if not len(workout.route):
        return Track(heart_ms, {"bpm": bpm}) if len(heart_ms) else NO_TRACK
    series = Series()
    if len(heart_ms):
        series.add("bpm", heart_ms, bpm)
    route = np.array(workout.route).reshape(-1, 5)
    at_ms = route[:, 0].astype(np.int64)
    for n, name in enumerate(("latitude_deg", "longitude_deg", "altitude_m", "speed_mps"), start=1):
        series.add(name, at_ms, np.where(route[:, n] == -1, np.nan, route[:, n]) if n == 4 else route[:, n])
    return series.table(start_ms, end_ms)


def _total(workout: Workout, statistic: str, attribute: str) -> float | None:
    """A sum among the workout's statistics (since iOS 16), else its attribute (before)."""
    for name, values in workout.statistics.items():
        if name.startswith(statistic) and "sum" in values:
            return quantity(values["sum"], values.get("unit", ""))
    unit = workout.attributes.get(f"{attribute}Unit", "")
    return quantity(workout.attributes.get(attribute, ""), unit)


def _stated(workout: Workout) -> Iterator[Stated]:
    values = workout.statistics.get("HeartRate", {})
    for key, name in (("average", "average"), ("maximum", "maximum"), ("minimum", "minimum")):
        bpm = quantity(values.get(key, ""), values.get("unit", "count/min"))
        if bpm is not None:
            yield Stated(f"{name}_heart_rate", bpm, "bpm")


def _laps(workout: Workout, clock: Clock) -> Iterator[Lap]:
    numbers = dict.fromkeys(LAPS.values(), 0)
    for event in workout.events:
        name, at = LAPS.get(event.get("type", "")), clock.read(event.get("date", ""))
        if name is None or at is None:
            continue
        numbers[name] += 1
        lasted_s = quantity(event.get("duration", ""), event.get("durationUnit", "min"))
        yield Lap(f"{name} {numbers[name]}", at.at_s * 1000, max(0.0, lasted_s or 0.0))


def _pauses(workout: Workout, clock: Clock) -> Iterator[tuple[int, int]]:
    paused: int | None = None
    told = ((clock.read(event.get("date", "")), event.get("type", "")) for event in workout.events)
    for at, kind in [(at.at_s * 1000, kind) for at, kind in told if at is not None]:
        if kind in PAUSES and paused is None:
            paused = at
        elif kind in RESUMES and paused is not None:
            if at > paused:
                yield paused, at
            paused = None


def intervals_of(beats: Beats) -> RrSeries:
    """The intervals between following beats of each reading, in order of time; wide or odd ones flagged."""
    if not len(beats.at_s):
        return NO_RR
    at_s = np.array(beats.at_s)
    is_first = np.zeros(len(at_s) + 1, np.bool_)
    is_first[np.array(beats.starts, np.int64)] = True
    rr_ms = np.round(np.diff(at_s, prepend=at_s[0]) * 1000)
    told_ms = 60_000 / np.maximum(np.array(beats.bpm, np.float64), 1)
    is_off = np.abs(rr_ms - told_ms) > RR_OFF_SHARE * told_ms
    is_flagged = is_off | (rr_ms < LEAST_RR_MS) | (rr_ms > MOST_RR_MS)
    kept = np.flatnonzero(~is_first[:-1] & (rr_ms > 0))
    kept = kept[np.argsort(at_s[kept], kind="stable")]
    at_ms = np.round(at_s[kept] * 1000).astype(np.int64)
    return RrSeries(at_ms, rr_ms[kept], is_flagged[kept], is_rough=True)


def _between(rr: RrSeries, start_ms: int, end_ms: int) -> RrSeries:
    first, last = np.searchsorted(rr.at_ms, [start_ms, end_ms + 1])
    if first == last:
        return NO_RR
    return RrSeries(rr.at_ms[first:last], rr.rr_ms[first:last], rr.is_flagged[first:last], rr.is_rough)
