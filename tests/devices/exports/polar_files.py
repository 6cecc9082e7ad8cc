"""Writes small Polar exports of every kind, all made up; it reads nothing."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import openpyxl

from hub.devices.exports.found import Setting
from hub.devices.exports.source import Source

BERLIN = Setting(ZoneInfo("Europe/Berlin"))
T0 = datetime(2021, 7, 1, 18, 0)  # noqa: DTZ001 (a wall time)


def utc_ms(iso: str) -> int:
    """Epoch ms of an ISO time in UTC."""
    return round(datetime.fromisoformat(iso).replace(tzinfo=UTC).timestamp() * 1000)


def source(name: str, text: str | bytes, siblings: Mapping[str, bytes] | None = None) -> Source:
    """A file of this content."""
    return Source.of_bytes(name, text.encode() if isinstance(text, str) else text, siblings)


def wall(seconds: float) -> str:
    """A time of the old account export, so many seconds after T0."""
    return (T0 + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def old_session(**changes: object) -> dict[str, object]:
    """A minute of running in the old shape; every tenth heart rate is missing."""
    exercise: dict[str, object] = {
        "startTime": wall(0),
        "stopTime": wall(60),
        "timezoneOffset": 120,
        "duration": "PT1M",
        "sport": "RUNNING",
        "heartRate": {"min": 100, "avg": 130, "max": 160},
        "laps": {},
        "samples": {
            "heartRate": [
                {"dateTime": wall(s), "value": 100 + s} if s % 10 else {"dateTime": wall(s)}
                for s in range(60)
            ],
            "speed": [{"dateTime": wall(s), "value": "10.8"} for s in range(60)],
            "recordedRoute": [
                {"dateTime": wall(s), "longitude": 9.0, "latitude": 50 + s / 1e5, "altitude": 7.0}
                for s in (0, 30, 60, 7 * 3600, 8 * 3600)
            ],
        },
    }
    return {
        "exportVersion": "1.6",
        "name": "Evening run",
        "startTime": wall(0),
        "stopTime": wall(60),
        "timeZoneOffset": "120",
        "duration": "PT60.000S",
        "kiloCalories": "12",
        "distance": 180.0,
        "exercises": [exercise],
        **changes,
    }


def new_session(**changes: object) -> dict[str, object]:
    """Two minutes in the new shape with a pause of one minute between."""
    exercise: dict[str, object] = {
        "identifier": {"id": "exercise-1"},
        "startTime": "2026-02-19T17:00:00",
        "stopTime": "2026-02-19T17:03:00",
        "durationMillis": 120_000,
        "sport": {"id": "1"},
        "pauseTimes": [{"startTime": "2026-02-19T17:01:00", "endTime": "2026-02-19T17:02:00"}],
        "laps": {"laps": [{"durationMillis": 50_000, "distanceMeters": 150}, {"durationMillis": 70_000}]},
        "zones": [
            {
                "type": "ZONE_TYPE_HEART_RATE",
                "zones": [{"lowerLimit": 98, "higherLimit": 117, "inZone": 30_000}],
            }
        ],
        "samples": {"samples": [{"type": "HEART_RATE", "intervalMillis": 1000, "values": [120.0] * 120}]},
        "routes": {
            "route": {
                "startTime": "2026-02-19T17:00:02",
                "wayPoints": [{"latitude": 50.0, "longitude": 9.0, "elapsedMillis": 1000}],
            }
        },
    }
    return {
        "identifier": {"id": "session-1"},
        "name": "Running",
        "startTime": "2026-02-19T17:00:00",
        "stopTime": "2026-02-19T17:03:00",
        "durationMillis": 120_000,
        "timezoneOffsetMinutes": 60,
        "hrAvg": 120,
        "calories": 20,
        "deviceId": "ABCD1234",
        "product": {"modelName": "Vantage"},
        "recoveryTimeMillis": "7200000",
        "exercises": [exercise],
        **changes,
    }


def as_json(found: object) -> str:
    """JSON as Polar writes it: with bare NaN."""
    return json.dumps(found)


FLOW_HEAD = (
    "Name,Sport,Date,Start time,Duration,Total distance (km),Average heart rate (bpm),Calories,HR max,"
)
FLOW_COLUMNS = "Sample rate,Time,HR (bpm),Speed (km/h),Pace (min/km),Altitude (m),Temperatures (C),"


def flow_csv(date: str = "10.04.2017", rows: Sequence[str] = ()) -> str:
    """A session CSV of Polar Flow; a row is "h:mm:ss,HR,speed"."""
    body = rows or [f"00:00:{s:02d},{100 + s},7.2" for s in range(5)]
    lines = [
        FLOW_HEAD,
        f"Kim Example,STRENGTH_TRAINING,{date},19:15:53,00:00:05,1.5,102,31,190,",
        FLOW_COLUMNS,
    ]
    for place, row in enumerate(body):
        at, bpm, speed = row.split(",")
        lines.append(f"{'' if place else 1},{at},{bpm},{speed},,250,31.4,")
    return "\n".join(lines) + "\n"


RR_CSV = "duration,offline\n800,false\n810,false\n4700,true\n790,false\n"


def hrm(params: str = "", rows: str = "120\n121\n122\n", sections: str = "") -> str:
    """A .hrm file with the given parameters beyond its start."""
    start = "[Params]\nVersion=106\nMonitor=22\nDate=20090312\nStartTime=17:05:30.5\nLength=00:00:10.0\n"
    return f"{start}{params}\n{sections}\n[HRData]\n{rows}".replace("\n", "\r\n")


TEAM_HEAD = (
    "Player number",
    "Player name",
    "Session name",
    "Type",
    "Phase name",
    "Duration",
    "Start time",
    "End time",
    "HR avg [bpm]",
    "Time in HR zone 1 (50 - 59 %)",
    "Time in HR zone 2 (60 - 69 %)",
    "Total distance [m]",
    "Distance in Speed zone 5 [m] (19.00- km/h)",
    "Number of accelerations (-50.00 - -3.00 m/s²)",
    "Calories [kcal]",
    "Training load score",
)


def team_row(player: int, phase: str, far: object, start: object = "19-02-2026 17:01:05") -> list[object]:
    """A row of the athlete of this shirt number; `phase` is "" for the whole session."""
    return [
        player,
        f"Athlete {player}",
        "Training",
        "Training",
        phase,
        "00:30:00",
        start,
        "19-02-2026 17:32:05",
        141,
        "00:05:10",
        "00:12:00",
        far,
        412,
        3,
        612,
        101.5,
    ]


def team_csv(rows: Sequence[Sequence[object]]) -> bytes:
    """A Team Pro CSV with byte order mark and semicolons."""
    return "\r\n".join(";".join(str(cell) for cell in row) for row in (TEAM_HEAD, *rows)).encode("utf-8-sig")


def team_xlsx(rows: Sequence[Sequence[object]]) -> bytes:
    """A Team Pro workbook, its second sheet something else."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (TEAM_HEAD, *rows):
        sheet.append(list(row))
    book.create_sheet("Notes").append(["nothing", "here"])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


XML = """<?xml version="1.0"?><polar-exercise-data xmlns="http://www.polarpersonaltrainer.com" version="1.0">
<calendar-items count="1"><exercise><time>2016-09-04 14:46:14.0</time><sport>Running</sport><result>
<duration>00:00:04</duration><distance>12.0</distance><recording-rate>1</recording-rate>
<laps><lap index="0"><duration>00:00:02.500</duration></lap></laps>
<samples><sample><type>HEARTRATE</type><values>120,121,0,123,124</values></sample>
<sample><type>SPEED</type><values>3.6,7.2,3.6,3.6,3.6</values></sample></samples></result></exercise>
</calendar-items></polar-exercise-data>"""
