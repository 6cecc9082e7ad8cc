"""What a watch says of a whole day: heart rate at rest, variability of the night, stress, sleep, weight.

One number a day and name, on the local date; it joins no two files and judges none of the numbers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from hub.devices.exports.fit_activity import Activity
from hub.devices.exports.fit_sessions import EARLIEST_MS, number_of, time_ms
from hub.devices.exports.found import DailyValue, Person

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_LEVEL_S = 12 * 3600
STAGES = {1: "awake", 2: "light_sleep", 3: "deep_sleep", 4: "rem_sleep"}
_STATUS = (
    ("weekly_ms", "hrv_weekly"),
    ("last_night_ms", "hrv_last_night"),
    ("baseline_low_ms", "hrv_baseline_low"),
    ("baseline_balanced_low_ms", "hrv_baseline_balanced_low"),
    ("baseline_balanced_high_ms", "hrv_baseline_balanced_high"),
)
Told = tuple[int, str, float, str]  # epoch ms UTC, name, value, unit


def daily_of(activity: Activity, person: Person, offset_s: Callable[[int], int]) -> tuple[DailyValue, ...]:
    """The file's values by local date; of several of one day the last stated one holds."""

    def date(at_ms: int) -> str:
        return f"{EPOCH + timedelta(seconds=at_ms // 1000 + offset_s(at_ms)):%Y-%m-%d}"

    days = dict[tuple[str, str], DailyValue]()
    told = [*_heart(activity, date), *_stated(activity), *_stress(activity, date), *_sleep(activity, date)]
    for at_ms, name, value, unit in told:
        if at_ms >= EARLIEST_MS:
            day = date(at_ms)
            days[day, name] = DailyValue(person, day, name, value, unit, at_ms)
    return tuple(days[key] for key in sorted(days))


def _heart(activity: Activity, date: Callable[[int], str]) -> Iterator[Told]:
    rates, last = defaultdict[str, list[int]](list), dict[str, int]()
    for at_ms, bpm in activity.monitoring_bpm:
        if at_ms >= EARLIEST_MS:
            day = date(at_ms)
            rates[day].append(bpm)
            last[day] = max(at_ms, last.get(day, 0))
    for day, values in rates.items():
        yield last[day], "minimum_heart_rate", min(values), "bpm"
        yield last[day], "maximum_heart_rate", max(values), "bpm"
        yield last[day], "mean_heart_rate", sum(values) / len(values), "bpm"


def _stated(activity: Activity) -> Iterator[Told]:
    for row in activity.tables.get("monitoring_hr", ()):
        at_ms = time_ms(row, "timestamp_s")
        for field in ("rest_bpm", "day_rest_bpm"):  # the day's own is better than the week's
            if at_ms is not None and (bpm := number_of(row, field)):
                yield at_ms, "resting_heart_rate", bpm, "bpm"
    for row in activity.tables.get("hrv_status", ()):
        at_ms = time_ms(row, "timestamp_s")
        for field, name in _STATUS:
            if at_ms is not None and (value := number_of(row, field)) is not None:
                yield at_ms, name, value, "ms"
    for row in activity.tables.get("weight_scale", ()):
        at_ms = time_ms(row, "timestamp_s")
        if at_ms is not None and (value := number_of(row, "weight_kg")) is not None:
            yield at_ms, "weight", value, "kg"


def _stress(activity: Activity, date: Callable[[int], str]) -> Iterator[Told]:
    """The mean of a day's stress scores; negative ones say why there is none."""
    scores, last = defaultdict[str, list[float]](list), dict[str, int]()
    for row in activity.tables.get("stress", ()):
        at_ms, score = time_ms(row, "time_s"), number_of(row, "stress")
        if at_ms is not None and at_ms >= EARLIEST_MS and score is not None and 0 <= score <= 100:
            day = date(at_ms)
            scores[day].append(score)
            last[day] = max(at_ms, last.get(day, 0))
    for day, values in scores.items():
        yield last[day], "mean_stress", sum(values) / len(values), ""


def _sleep(activity: Activity, date: Callable[[int], str]) -> Iterator[Told]:
    """Minutes of each stage, on the date of waking; a level holds until the next one."""
    levels = [
        (at_ms, number_of(row, "level"))
        for row in activity.tables.get("sleep_level", ())
        if (at_ms := time_ms(row, "timestamp_s")) is not None and at_ms >= EARLIEST_MS
    ]
    levels.sort(key=lambda one: one[0])
    night = dict[str, float]()
    next_ms = [at_ms for at_ms, _ in levels[1:]]
    for (at_ms, level), until_ms in zip(levels, [*next_ms, 0][: len(levels)], strict=True):
        is_last = not 0 <= until_ms - at_ms <= LONGEST_LEVEL_S * 1000
        if not is_last and level is not None and int(level) in STAGES:
            name = STAGES[int(level)]
            night[name] = night.get(name, 0.0) + (until_ms - at_ms) / 60_000
        if is_last:
            yield from ((at_ms, name, minutes, "min") for name, minutes in night.items())
            night.clear()
