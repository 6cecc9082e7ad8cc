"""Small made TCX, GPX and Apple files for the tests, and reading them from bytes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from hub.devices.exports.apple import read_apple
from hub.devices.exports.found import Found, FoundSession, Setting
from hub.devices.exports.gpx import read_gpx
from hub.devices.exports.source import Source
from hub.devices.exports.tcx import read_tcx

SAMPLES = Path(__file__).parents[3].parent / "shared" / "samples"
HERE = Setting(ZoneInfo("Europe/Zurich"))
READERS: dict[str, Callable[[Source, Setting], Found]] = {
    ".tcx": read_tcx,
    ".gpx": read_gpx,
    ".xml": read_apple,
}
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
TCX_SPACES = (
    'xmlns="http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2" '
    'xmlns:ns3="http://www.garmin.com/xmlschemas/ActivityExtension/v2"'
)


def read(data: bytes | str, kind: str) -> Found:
    """What a file of this ending holds."""
    raw = data.encode() if isinstance(data, str) else data
    return READERS[kind](Source.of_bytes(f"made{kind}", raw), HERE)


def only(found: Found) -> FoundSession:
    """Its one session."""
    (session,) = found.sessions
    return session


def column(session: FoundSession, name: str) -> list[float | None]:
    """A column's values, None where not measured."""
    return [None if np.isnan(value) else value for value in session.track.column(name).tolist()]


def utc_ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def trackpoint(time: str, bpm: object = None, more: str = "", tpx: str = "") -> str:
    heart = "" if bpm is None else f"<HeartRateBpm><Value>{bpm}</Value></HeartRateBpm>"
    tpx = f'<Extensions><ns3:TPX CadenceSensor="Footpod">{tpx}</ns3:TPX></Extensions>' if tpx else ""
    return f"<Trackpoint><Time>{time}</Time>{more}{heart}{tpx}</Trackpoint>\n"


def lap(start: str, points: str, total_s: object = 60, metres: object = 200, kcal: object = 10) -> str:
    return (
        f'<Lap StartTime="{start}"><TotalTimeSeconds>{total_s}</TotalTimeSeconds>'
        f"<DistanceMeters>{metres}</DistanceMeters><Calories>{kcal}</Calories>"
        "<MaximumHeartRateBpm><Value>181</Value></MaximumHeartRateBpm><Intensity>Active</Intensity>"
        f"<Cadence>77</Cadence><Track>{points}</Track></Lap>\n"
    )


def activity(laps: str, sport: str = "Running", own: str = "2026-05-01T09:42:00Z", unit: str = "") -> str:
    creator = (
        f"<Creator><Name>Watch 7</Name><UnitId>{unit}</UnitId><ProductID>12</ProductID></Creator>"
        if unit
        else ""
    )
    return f'<Activity Sport="{sport}"><Id>{own}</Id>{laps}{creator}</Activity>'


def tcx(*activities: str) -> str:
    inner = "".join(activities)
    return (
        f"{HEAD}<TrainingCenterDatabase {TCX_SPACES}><Activities>{inner}</Activities>"
        "</TrainingCenterDatabase>"
    )


def point(time: str, inner: str = "", lat: object = 47.37, lon: object = 8.54) -> str:
    time = f"<time>{time}</time>" if time else ""
    return f'<trkpt lat="{lat}" lon="{lon}"><ele>408.5</ele>{time}{inner}</trkpt>\n'


def gpx(*tracks: str, version: str = "1.1", creator: str = "Watch 7") -> str:
    inner = "".join(f"<trk>{track}</trk>" for track in tracks)
    return f'{HEAD}<gpx version="{version}" creator="{creator}">{inner}</gpx>'


def segment(*points: str) -> str:
    return f"<trkseg>{''.join(points)}</trkseg>"


WATCH, PHONE = "Anna’s Apple\u00a0Watch", "Anna’s iPhone"


def record(kind: str, value: object, start: str, end: str = "", unit: str = "count/min", source: str = WATCH,
           inner: str = "") -> str:  # fmt: skip
    name = "HKCategoryTypeIdentifier" if kind == "SleepAnalysis" else "HKQuantityTypeIdentifier"
    if kind == "SleepAnalysis":
        value = f"HKCategoryValueSleepAnalysis{value}"
    return (
        f'<Record type="{name}{kind}" sourceName="{source}" unit="{unit}" creationDate="{start} +0200" '
        f'startDate="{start} +0200" endDate="{end or start} +0200" value="{value}">{inner}</Record>\n'
    )


def workout(start: str, end: str, inner: str = "", more: str = "", source: str = WATCH) -> str:
    return (
        f'<Workout workoutActivityType="HKWorkoutActivityTypeRunning" sourceName="{source}" {more} '
        f'startDate="{start} +0200" endDate="{end} +0200">{inner}</Workout>\n'
    )


def apple(*rows: str, dtd: str = "") -> str:
    return (
        f'{HEAD}{dtd}<HealthData locale="de_CH">\n<ExportDate value="2026-06-01 10:00:00 +0200"/>\n'
        f"{''.join(rows)}</HealthData>"
    )
