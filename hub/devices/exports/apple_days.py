"""Apple Health's records become numbers of days, each from one source or counted once over several.

Heart rates, variability, breathing and saturation are means of the day's readings of the source that comes
first (a watch before all else, then the one with the most). What phone and watch both count is taken from the
watch, and from the others only for the minutes it did not cover. No formula beyond mean, sum and minimum.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hub.devices.exports.apple_elements import (
    DAILY,
    OF_SUMMARY,
    STAGES,
    SUMMED,
    Elements,
    Rows,
    Workout,
)
from hub.devices.exports.apple_values import Sources, iso_date, quantity
from hub.devices.exports.apple_workouts import Hearts
from hub.devices.exports.found import DailyValue, Ints, Person
from hub.devices.exports.written_time import moment

NOBODY = Person()  # the file names no account
# name: (unit, least, most, whether the day's last reading stands for it rather than their mean)
KINDS: Mapping[str, tuple[str, float, float, bool]] = {
    "resting_heart_rate": ("bpm", 20, 150, True), "hrv_sdnn": ("ms", 1, 500, False),
    "walking_heart_rate": ("bpm", 30, 220, True), "vo2max": ("ml/kg/min", 5, 100, True),
    "weight": ("kg", 20, 300, True), "body_fat": ("%", 1, 80, True),
    "respiratory_rate": ("1/min", 4, 60, False), "spo2": ("%", 50, 100, False),
    "heart_rate_recovery_1min": ("bpm", 1, 150, True), "wrist_temperature": ("°C", 15, 45, True),
    "body_temperature": ("°C", 30, 45, True), "steps": ("", 0, 200_000, False),
    "steps_distance": ("m", 0, 300_000, False), "flights_climbed": ("", 0, 5_000, False),
    "active_energy": ("kcal", 0, 30_000, False), "exercise_time": ("min", 0, 1440, False),
    "stand_hours": ("h", 0, 24, False),
}  # fmt: skip
SLEEP_NAMES = {"AsleepCore": "light_sleep", "AsleepDeep": "deep_sleep", "AsleepREM": "rem_sleep",
               "Awake": "awake", "InBed": "in_bed"}  # fmt: skip
STAGED = ("AsleepCore", "AsleepDeep", "AsleepREM")
Span = tuple[int, int]
Value = tuple[int, str, float, str]  # day, name, value, unit


def days_of(elements: Elements, hearts: Hearts) -> tuple[DailyValue, ...]:
    """The file's values by date and name; the time of the export decides between two exports."""
    values = [*_at_rest(elements, hearts), *_sleep(elements), *_summaries(elements.summaries)]
    for name in DAILY.values():
        values += _measured(elements.daily[name], name, elements.sources)
    for name in SUMMED.values():
        values += _counted(elements.daily[name], name, elements.sources)
    updated_ms = elements.exported.at_s * 1000 if elements.exported else None
    last = {(iso_date(day), name): (value, unit) for day, name, value, unit in values}
    return tuple(
        DailyValue(NOBODY, date, name, round(value, 4), unit, updated_ms)
        for (date, name), (value, unit) in sorted(last.items())
    )


def _at_rest(elements: Elements, hearts: Hearts) -> Iterator[Value]:
    """Minimum and mean of the day's heart rates outside workouts."""
    is_rest = _is_outside(hearts.at_s, elements.workouts)
    day, source, bpm = hearts.day[is_rest], hearts.source[is_rest], hearts.bpm[is_rest]
    for number, rows in _by_day(day, source, elements.sources):
        yield number, "minimum_heart_rate", float(bpm[rows].min()), "bpm"
        yield number, "mean_heart_rate", float(bpm[rows].mean(dtype=np.float64)), "bpm"


def _is_outside(at_s: Ints, workouts: Sequence[Workout]) -> NDArray[np.bool_]:
    is_outside = np.ones(len(at_s), np.bool_)
    for workout in workouts:
        ends = np.array([workout.start.at_s, workout.end.at_s + 1], at_s.dtype)
        first, last = np.searchsorted(at_s, ends)
        is_outside[first:last] = False
    return is_outside


def _by_day(day: Ints, source: Ints, sources: Sources) -> Iterator[tuple[int, Ints]]:
    """Each day with the rows of its first source: watch before the rest, then the one with the most rows."""
    if not len(day):
        return
    key = day.astype(np.uint32) << 16 | source
    order = np.argsort(key, kind="stable").astype(np.uint32)
    cuts = np.flatnonzero(np.diff(key[order])) + 1
    bounds = [0, *cuts.tolist(), len(order)]
    best: dict[int, tuple[tuple[bool, int, int], int, int]] = {}
    for first, last in pairwise(bounds):
        number, who = int(day[order[first]]), int(source[order[first]])
        rank = (sources.is_watch[who], last - first, -who)
        if number not in best or rank > best[number][0]:
            best[number] = (rank, first, last)
    for number in sorted(best):
        _, first, last = best[number]
        yield number, order[first:last]  # type: ignore[misc]


def _measured(rows: Rows, name: str, sources: Sources) -> Iterator[Value]:
    unit, least, most, is_last = KINDS[name]
    at_s, value = np.asarray(rows.at_s, np.uint32), np.asarray(rows.value, np.float64)
    day, source = np.asarray(rows.day, np.uint16), np.asarray(rows.source, np.uint16)
    order = np.lexsort((value, source, at_s))
    is_new = np.ones(len(order), np.bool_)
    is_new[1:] = (np.diff(at_s[order]) != 0) | (np.diff(source[order]) != 0) | (np.diff(value[order]) != 0)
    order = order[is_new & (value[order] >= least) & (value[order] <= most)]
    for number, chosen in _by_day(day[order], source[order], sources):  # type: ignore[arg-type]
        readings = value[order][chosen]
        yield number, name, float(readings[-1] if is_last else readings.mean()), unit


def _counted(rows: Rows, name: str, sources: Sources) -> Iterator[Value]:
    """A day's sum: all of the first source, of each next one only what the others left uncovered."""
    unit, least, most, _ = KINDS[name]
    for day, records in _each_day(rows):
        total = _once([record for record in records if record[3] > 0], sources)
        if total > 0 and least <= total <= most:
            yield day, name, total, unit


def _each_day(rows: Rows) -> Iterator[tuple[int, list[tuple[int, int, int, float]]]]:
    """Each day with its records as (source, start, end, value), in order and each once."""
    days = np.asarray(rows.day, np.uint16)
    order = np.argsort(days, kind="stable").astype(np.uint32)
    for part in np.split(order, np.flatnonzero(np.diff(days[order])) + 1) if len(order) else ():
        records = {
            (rows.source[i], rows.at_s[i], rows.at_s[i] + rows.length_s[i], rows.value[i])
            for i in part.tolist()
        }
        yield int(days[part[0]]), sorted(records)


def _once(records: Sequence[tuple[int, int, int, float]], sources: Sources) -> float:
    by_source = defaultdict[int, list[tuple[int, int, float]]](list)
    for source, start, end, value in records:
        by_source[source].append((start, end, value))
    sums = {source: sum(value for _, _, value in part) for source, part in by_source.items()}
    total, covered = 0.0, list[Span]()
    for source in sorted(sums, key=lambda one: (not sources.is_watch[one], -sums[one], sources.names[one])):
        part = by_source[source]
        starts = [start for start, _ in covered]
        for start, end, value in part:
            length = max(end - start, 1)
            total += value * (1 - _overlap(covered, starts, start, start + length) / length)
        covered = _joined([*covered, *((start, max(end, start + 1)) for start, end, _ in part)])
    return total


def _overlap(covered: list[Span], starts: list[int], start: int, end: int) -> int:
    """Seconds of a span that lie in the covered ones (sorted, apart)."""
    at = max(0, int(np.searchsorted(starts, start)) - 1) if covered else 0
    shared = 0
    for first, last in covered[at:]:
        if first >= end:
            break
        shared += max(0, min(last, end) - max(first, start))
    return shared


def _joined(spans: Sequence[Span]) -> list[Span]:
    """The spans in order, those that touch made one."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _sleep(elements: Elements) -> Iterator[Value]:
    """A night's minutes from one source: with stages before without, a watch before others, the longest."""
    rows, sources = elements.sleep, elements.sources
    for day, records in _each_day(rows):
        spans = defaultdict[int, dict[str, list[Span]]](dict)
        for source, start, end, stage in records:
            spans[source].setdefault(STAGES[int(stage)], []).append((start, end))
        told = {source: _minutes(parts) for source, parts in spans.items()}

        def rank(source: int, told: dict[int, dict[str, float]] = told) -> tuple[bool, bool, float, str]:
            minutes = told[source]
            has_stages = any(SLEEP_NAMES[stage] in minutes for stage in STAGED)
            return has_stages, sources.is_watch[source], minutes.get("asleep", 0.0), sources.names[source]

        for name, minutes in told[max(told, key=rank)].items():
            if minutes <= 1440:
                yield day, name, minutes, "min"


def _minutes(spans: Mapping[str, Sequence[Span]]) -> dict[str, float]:
    def total(parts: Sequence[Span]) -> float:
        return sum(end - start for start, end in _joined(parts)) / 60

    minutes = {SLEEP_NAMES[stage]: total(parts) for stage, parts in spans.items() if stage in SLEEP_NAMES}
    asleep = [span for stage, parts in spans.items() if stage.startswith("Asleep") for span in parts]
    if asleep:
        minutes["asleep"] = total(asleep)
    return {name: value for name, value in minutes.items() if value > 0}


def _summaries(summaries: Sequence[dict[str, str]]) -> Iterator[Value]:
    """Apple's own totals of a day, in which it has counted every source once."""
    for summary in summaries:
        at = moment(summary.get("dateComponents", ""))
        if at is None:
            continue
        day = at.toordinal() - 719_163
        for key, name, unit in OF_SUMMARY:
            written = summary.get("activeEnergyBurnedUnit", "kcal") if unit == "kcal" else "count"
            value = quantity(summary.get(key, ""), written)
            if value is not None and 0 < value <= KINDS[name][2]:
                yield day, name, value, unit
