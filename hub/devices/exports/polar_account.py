"""The files of a Polar account export: training sessions in their old and their new shape, and days.

One exercise is one session of ours. It reads no plans, profiles or settings, and computes no totals.
Time in a zone is stated as three values: "time_in_hr_zone_1", "hr_zone_1_from" and "hr_zone_1_to".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from hub.devices.exports import polar_days
from hub.devices.exports.found import Found, FoundSession, Held, Lap, Person, Setting, Stated
from hub.devices.exports.polar_clock import Clock, clock_of, iso_wall
from hub.devices.exports.polar_json import first, load_json, number, rows, span_s, table, text
from hub.devices.exports.polar_samples import pauses_of, series_of
from hub.devices.exports.source import Source
from hub.devices.exports.sports import sport_of
from hub.errors import ExportUnreadable

FORMAT = "Polar account JSON"
MOST_EXERCISES, MOST_LAPS, LONGEST_S = 100, 2000, 30 * 86_400.0
MOST_ENERGY_KCAL, MOST_DISTANCE_M = 30_000, 1_000_000
_SESSION = re.compile(
    rb'"(?:timezoneOffset(?:Minutes)?|timeZoneOffset|kiloCalories|durationMillis|exportVersion)"'
)
_DAYS = re.compile(
    rb'"(?:deviceDays|asleepDuration|sleepSpan|sleepScoreResult|ansStatus|meanNightlyRecovery\w+|ownIndex'
    rb'|ppiSamples|stepCount|dailyMetMinutes|exportVersion)"'
)
_NUMBER_IN_NAME = re.compile(r"training-session-\d{4}-\d\d-\d\d-(\d{3,})-")
# Polar's numbers for the sports it has had from the start; the rest is told by the session's name.
_SPORTS = {
    "1": "Running", "2": "Cycling", "3": "Walking", "4": "Jogging", "5": "Mountain biking", "6": "Skiing",
    "8": "Rowing", "9": "Nordic walking", "11": "Hiking", "15": "Strength training",
    "17": "Treadmill running", "18": "Indoor cycling", "23": "Swimming", "27": "Trail running",
    "103": "Pool swimming", "105": "Open water swimming",
}  # fmt: skip
_PER_SESSION = (
    ("training_load", "", ("trainingLoad", "cardioLoad")),
    ("running_index", "", ("runningIndex",)),
    ("ascent", "m", ("ascent", "ascentMeters")),
    ("descent", "m", ("descent", "descentMeters")),
)


def is_polar_account(head: bytes, _name: str = "") -> bool:
    """Whether a file that begins so is one of a Polar account export's."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start not in (b"{", b"["):
        return False
    if b'"exercises"' in head and b'"startTime"' in head and _SESSION.search(head):
        return True
    return _DAYS.search(head) is not None


def read_polar_account(source: Source, setting: Setting) -> Found:
    """One JSON file of the export. Raises ExportUnreadable where it holds neither sessions nor days."""
    found = load_json(source)
    whole = table(found)
    if "exercises" in whole and "startTime" in whole and not _is_plan(whole):
        return _read_session(whole, source.name, setting)
    daily, held = polar_days.days_of(found)
    if daily:
        return Found(FORMAT, "polar", daily=daily, held=held)
    raise ExportUnreadable(
        f"it is Polar's {polar_days.kind_of(found, _is_plan(whole))}, without sessions or daily values.",
        hint="Choose the training-session, activity, sleep or 247ohr files of the export, or the whole ZIP.",
    )


def _is_plan(whole: dict[str, object]) -> bool:
    """A training target has phases to come, a session what was done."""
    return "done" in whole or any("phases" in table(one) for one in rows(whole.get("exercises")))


def _read_session(whole: dict[str, object], name: str, setting: Setting) -> Found:
    written = rows(whole["exercises"])
    exercises = [table(one) for one in written[:MOST_EXERCISES]] or [{}]
    sessions: list[FoundSession] = []
    held: list[Held] = []
    if len(written) > MOST_EXERCISES:
        n = len(written) - MOST_EXERCISES
        held.append(Held(f"from exercise {MOST_EXERCISES + 1} on", "is one too many", n=n))
    for place, exercise in enumerate(exercises):
        mark = f"exercise {place + 1}: " if len(exercises) > 1 else ""
        wall = iso_wall(text(first(exercise, "startTime") or whole["startTime"]))
        if wall is None:
            held.append(Held(f"{mark}start time", "is no time", str(whole["startTime"])[:60]))
            continue
        own = exercise if len(exercises) > 1 else {**whole, **exercise}
        session, doubts = _session(whole, own, _clock(whole, exercise, wall, setting), wall)
        sessions.append(replace(session, identity=_identity(whole, place if len(exercises) > 1 else 0, name)))
        held.extend(Held(mark + one.where, one.reason, one.text, one.n) for one in doubts)
    if not sessions:
        raise ExportUnreadable(
            "it is a Polar training session whose start time cannot be read.",
            hint="Ask Polar for the export again, or export this session alone from Polar Flow.",
        )
    return Found(FORMAT, "polar", tuple(sessions), held=tuple(held))


def _identity(whole: dict[str, object], place: int, name: str) -> str:
    """Polar's own id: in the session of the new shape, in the file's name of the old one."""
    match = _NUMBER_IN_NAME.search(name)
    own = text(table(whole.get("identifier")).get("id")) or (match.group(1) if match else "")
    return f"polar:{own}" + (f"/{place + 1}" if place else "") if own else ""


def _session(
    whole: dict[str, object], one: dict[str, object], clock: Clock, wall: datetime
) -> tuple[FoundSession, list[Held]]:
    start_ms = clock.at_ms(wall)
    timer_s = _timer_s(one)
    stop = iso_wall(text(one.get("stopTime")))
    elapsed_s = (clock.at_ms(stop) - start_ms) / 1000 if stop is not None else -1.0
    if not 0 < elapsed_s <= LONGEST_S:
        elapsed_s = min(timer_s or 0.0, LONGEST_S)
    pauses = pauses_of(one, clock)
    series = series_of(one, clock, start_ms, elapsed_s, pauses)
    track = series.table(start_ms, start_ms + round((elapsed_s or LONGEST_S) * 1000))
    if not elapsed_s and len(track.at_ms):
        elapsed_s = max(0.0, (int(track.at_ms[-1]) - start_ms) / 1000)
    written = _sport(one, text(whole.get("name")))
    session = FoundSession(
        person=Person(device_serial=text(whole.get("deviceId"))),
        sport=sport_of(written),
        written_sport=written,
        started_at_ms=start_ms,
        elapsed_s=elapsed_s,
        timer_s=timer_s,
        distance_m=_bounded(first(one, "distanceMeters", "distance"), MOST_DISTANCE_M),
        energy_kcal=_bounded(first(one, "calories", "kiloCalories"), MOST_ENERGY_KCAL),
        utc_offset_s=clock.ahead_s,
        offset_known_by=clock.known_by,
        title=text(whole.get("name")),
        device=_device(whole),
        track=track,
        rr=series.rr(start_ms),
        laps=tuple(_laps(one, start_ms)),
        stated=tuple(_stated(one)),
        pauses_ms=pauses,
        n_records=len(track.at_ms),
    )
    return session, series.held


def _clock(whole: dict[str, object], exercise: dict[str, object], wall: datetime, setting: Setting) -> Clock:
    keys = ("timezoneOffset", "timezoneOffsetMinutes", "timeZoneOffset")
    minutes = number(first(exercise, *keys))
    if minutes is None:
        minutes = number(first(whole, *keys))
    where = exercise if "latitude" in exercise else whole
    latitude, longitude = number(where.get("latitude")), number(where.get("longitude"))
    place = (latitude, longitude) if latitude is not None and longitude is not None else None
    return clock_of(wall, setting.zone, minutes, place)


def _timer_s(one: dict[str, object]) -> float | None:
    millis = number(one.get("durationMillis"))
    seconds = millis / 1000 if millis is not None else span_s(one.get("duration"))
    return seconds if seconds is not None and 0 <= seconds <= LONGEST_S else None


def _bounded(value: object, most: float) -> float | None:
    found = number(value)
    return found if found is not None and 0 <= found <= most else None


def _sport(one: dict[str, object], title: str) -> str:
    written = one.get("sport")
    if isinstance(written, str):
        return text(written)
    return _SPORTS.get(str(table(written).get("id")), title)


def _device(whole: dict[str, object]) -> str:
    product = whole.get("product")
    name = text(product) or text(table(product).get("modelName"))
    return name if not name or name.startswith("Polar") else f"Polar {name}"


def _laps(one: dict[str, object], start_ms: int) -> Iterator[Lap]:
    written = one.get("laps")
    manual = rows(table(written).get("laps")) or rows(written)
    laps = manual or rows(table(written).get("autoLaps")) or rows(one.get("autoLaps"))
    at_ms = start_ms
    for place, lap in enumerate(laps[:MOST_LAPS]):
        elapsed_s = _timer_s(table(lap))
        if elapsed_s is None:
            return  # where the next one starts is not known
        distance_m = _bounded(first(table(lap), "distanceMeters", "distance"), MOST_DISTANCE_M)
        yield Lap(f"Lap {place + 1}", at_ms, elapsed_s, distance_m)
        at_ms += round(elapsed_s * 1000)


def _stated(one: dict[str, object]) -> Iterator[Stated]:
    heart = table(one.get("heartRate"))
    for name, value in (
        ("mean_heart_rate", first(one, "hrAvg", "averageHeartRate") or heart.get("avg")),
        ("max_heart_rate", first(one, "hrMax", "maximumHeartRate") or heart.get("max")),
        ("min_heart_rate", heart.get("min")),
    ):
        bpm = number(value)
        if bpm is not None and 20 <= bpm <= 250:
            yield Stated(name, bpm, "bpm")
    for name, unit, keys in _PER_SESSION:
        value_ = number(first(one, *keys))
        if value_ is not None:
            yield Stated(name, value_, unit)
    recovery_ms = number(one.get("recoveryTimeMillis"))
    if recovery_ms is not None:
        yield Stated("recovery_time", recovery_ms / 3_600_000, "h")
    zones = one.get("zones")
    new = [(text(table(each).get("type")), rows(table(each).get("zones"))) for each in rows(zones)]
    old = [(kind, rows(each)) for kind, each in table(zones).items()]
    for kind, each in new + old:
        yield from _zones(kind.removeprefix("ZONE_TYPE_").lower(), each)


def _zones(kind: str, zones: list[object]) -> Iterator[Stated]:
    known = {"heart_rate": ("hr", "bpm"), "speed": ("speed", "km/h"), "power": ("power", "W")}
    if kind not in known:
        return
    name, unit = known[kind]
    for place, zone in enumerate(map(table, zones[:20]), start=1):
        written = zone.get("inZone")
        millis = number(written)
        seconds = millis / 1000 if millis is not None else span_s(written)
        if seconds is not None and seconds >= 0:
            yield Stated(f"time_in_{name}_zone_{place}", seconds, "s")
        distance_m = number(first(zone, "distanceMeters", "distance"))
        if distance_m is not None and distance_m >= 0:
            yield Stated(f"distance_in_{name}_zone_{place}", distance_m, "m")
        for end, key in (("from", "lowerLimit"), ("to", "higherLimit")):
            edge = number(zone.get(key))
            if edge is not None:
                yield Stated(f"{name}_zone_{place}_{end}", edge, unit)
