"""The days in a Polar account export: activity, sleep, nightly recharge, fitness tests and 24/7 heart rate.

The night counts for the day of waking. Of a day's heart rates only the lowest and the highest are taken:
they are not measured evenly, so their mean would say little. Beat intervals of whole days are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from hub.devices.exports.found import DailyValue, Held, Person
from hub.devices.exports.polar_clock import as_utc, iso_wall
from hub.devices.exports.polar_json import first, number, rows, span_s, table, text

MOST_DAYS = 20_000
Part = dict[str, object]
Value = tuple[str, float | None, str, float, float]  # name, value, unit, least and most that can be true
# What a file is called in a refusal, by a key that only it has.
_KINDS = (
    ("favouriteSports", "account profile"), ("sportProfiles", "sport profiles"), ("goal", "training target"),
    ("username", "account data"), ("devicePpiSamplesList", "beat intervals of whole days"),
    ("ppiSamples", "beat intervals of whole days"), ("programName", "training program"),
    ("samples", "activity of a day without a summary"), ("date", "record of a day without values"),
)  # fmt: skip


def days_of(found: object) -> tuple[tuple[DailyValue, ...], tuple[Held, ...]]:
    """The daily values of one file, whichever it is, and what in it cannot be true."""
    values: list[DailyValue] = []
    held: list[Held] = []
    parts = _parts(found)
    if len(parts) > MOST_DAYS:
        held.append(Held(f"from record {MOST_DAYS + 1} on", "is one too many", n=len(parts) - MOST_DAYS))
    for place, part in enumerate(parts[:MOST_DAYS], start=1):
        date, person = _date(part), _person(part)
        for name, value, unit, least, most in _values(part):
            if value is None:
                continue
            if not date or not least <= value <= most:
                reason = "cannot be true" if date else "has no date"
                held.append(Held(f"record {place}", f"{name.replace('_', ' ')} {reason}", f"{value:g}"))
                continue
            values.append(DailyValue(person, date, name, round(value, 3), unit, _updated_ms(part)))
    return tuple(values), tuple(held)


def kind_of(found: object, is_plan: bool) -> str:
    """What a file without sessions and days is, in words."""
    if is_plan:
        return "training target"
    part = next(iter(_parts(found)), {})
    return next((words for key, words in _KINDS if key in part), "account export, another file")


def _parts(found: object) -> list[Part]:
    """A list of records is many, {"deviceDays": [...]} too, any other object is one."""
    whole = table(found)
    inner = rows(found) or rows(whole.get("deviceDays")) or [whole]
    return [table(part) for part in inner if table(part)]


def _date(part: Part) -> str:
    hypnogram = table(table(part.get("sleepResult")).get("hypnogram"))
    woke = iso_wall(text(hypnogram.get("sleepEnd")))
    written = first(part, "night", "date", "sleepResultDate", "startTime")
    if written is None:
        written = table(part.get("fitnessTestResult")).get("startTime")
    day = woke or iso_wall(text(written)[:10])
    return "" if day is None else day.date().isoformat()


def _person(part: Part) -> Person:
    device = part.get("deviceId") or table(table(part.get("sleepResult")).get("hypnogram")).get("deviceId")
    user = part.get("userId")
    account = f"polar:{user}" if isinstance(user, int) and not isinstance(user, bool) else ""
    return Person(account=account[:40], device_serial=text(device))


def _updated_ms(part: Part) -> int | None:
    return as_utc(text(first(part, "modified", "created")))


def _values(part: Part) -> Iterator[Value]:
    yield from _activity(part)
    yield from _sleep(part)
    yield from _recharge(part)
    yield from _fitness(part)
    yield from _heart(part)


def _activity(part: Part) -> Iterator[Value]:
    summary = table(part.get("summary")) or part
    yield "steps", number(summary.get("stepCount")), "", 0, 200_000
    if "stepCount" in summary:
        yield "energy_kcal", number(summary.get("calories")), "kcal", 0, 30_000
        yield "steps_distance", number(summary.get("stepsDistance")), "m", 0, 300_000


def _sleep(part: Part) -> Iterator[Value]:
    evaluation = table(part.get("evaluation")) or (part if "asleepDuration" in part else {})
    phases = table(evaluation.get("phaseDurations"))
    for name, written in (
        ("in_bed", evaluation.get("sleepSpan")),
        ("asleep", evaluation.get("asleepDuration")),
        ("light_sleep", phases.get("light")),
        ("deep_sleep", phases.get("deep")),
        ("rem_sleep", phases.get("rem")),
        ("awake", phases.get("wake")),
    ):
        seconds = span_s(written)
        yield name, None if seconds is None else seconds / 60, "min", 0, 1440
    analysis = table(evaluation.get("analysis"))
    yield "sleep_efficiency", number(analysis.get("efficiencyPercent")), "%", 0, 100
    yield "sleep_continuity", number(analysis.get("continuityIndex")), "of 5", 0, 5
    yield "sleep_score", number(table(part.get("sleepScoreResult")).get("sleepScore")), "of 100", 0, 100


def _recharge(part: Part) -> Iterator[Value]:
    rmssd = first(part, "meanNightlyRecoveryRmssd", "meanNightlyRecoveryRMSSD")
    rri = number(first(part, "meanNightlyRecoveryRri", "meanNightlyRecoveryRRI"))
    breath = number(part.get("meanNightlyRecoveryRespirationInterval"))
    yield "hrv_rmssd", number(rmssd), "ms", 1, 500
    yield "night_heart_rate", 60_000 / rri if rri else None, "bpm", 20, 150
    yield "respiratory_rate", 60_000 / breath if breath else None, "1/min", 4, 60
    yield "ans_charge", number(part.get("ansStatus")), "-10 to 10", -10, 10
    yield "nightly_recharge", number(part.get("recoveryIndicator")), "of 6", 1, 6


def _fitness(part: Part) -> Iterator[Value]:
    result = table(part.get("fitnessTestResult")) or part
    if "ownIndex" in result:
        yield "own_index", number(result.get("ownIndex")), "ml/kg/min", 5, 100
        yield "fitness_test_heart_rate", number(result.get("averageHeartRate")), "bpm", 20, 150


def _heart(part: Part) -> Iterator[Value]:
    pairs = [sample for sample in rows(part.get("samples")) if isinstance(sample, tuple)]
    bpm = [rate for _, rate in pairs if rate is not None and 20 <= rate <= 250]
    if bpm:
        yield "min_heart_rate", min(bpm), "bpm", 20, 250
        yield "max_heart_rate", max(bpm), "bpm", 20, 250
