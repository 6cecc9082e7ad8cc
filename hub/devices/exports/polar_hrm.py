"""A Polar .hrm file is a text of [sections]: heart rate at an interval or beat by beat, and what rode along.

Which columns stand beside the heart rate, and in which units, is told by SMode (version 106 on) or Mode
(before). Averages of its summary sections are passed over; times are local, so the offset is assumed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from hub.devices.exports.csv_text import encoding_of, text_lines
from hub.devices.exports.found import NO_RR, Found, FoundSession, Held, Lap, Person, Setting, Stated
from hub.devices.exports.polar_clock import clock_of, iso_wall
from hub.devices.exports.polar_track import Series, intervals
from hub.devices.exports.source import Source
from hub.devices.exports.table import HeldRows, duration_s, number
from hub.devices.exports.written_time import time_of_day_s
from hub.errors import ExportUnreadable

BEAT_BY_BEAT, LAPS_ONLY = 238, 204  # what Interval says instead of seconds
LONGEST_RR_MS = 60_000
MOST_INTERVAL_S, MOST_ROWS, MOST_LAPS, LONGEST_S = 3600, 250_000, 1000, 30 * 86_400.0
MOST_SECTIONS, MOST_KEPT_LINES = 40, 5000  # besides the samples
FOOT_M, MILE_KM = 0.3048, 1.609344
FIRST_WITH_SMODE, FIRST_WITH_FINE_ALTITUDE = 106, 105
LINES_OF_A_LAP = 5
_HEAD = re.compile(rb"^\s*\[Params\]\s*[\r\n]", re.IGNORECASE)
_SECTION = re.compile(r"\[([\w-]{1,30})\]")


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of [HRData] after the heart rate, in order, and whether lengths are in miles and feet."""

    columns: tuple[str, ...]
    is_us: bool
    altitude_step: float = 1.0

    def scale(self, name: str) -> float:
        """How many of ours one of the file's units is."""
        if name == "speed_mps":
            return (MILE_KM if self.is_us else 1.0) / 36
        if name == "altitude_m":
            return self.altitude_step * (FOOT_M if self.is_us else 1.0)
        return 1.0


def is_polar_hrm(head: bytes, _name: str = "") -> bool:
    """Whether a file that begins so is a .hrm file."""
    plain = head[:2000].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe")
    return _HEAD.match(plain) is not None and b"version=" in plain.lower()


def read_polar_hrm(source: Source, setting: Setting) -> Found:
    """The session; rows that are no numbers are held. Raises ExportUnreadable without a start or interval."""
    held = HeldRows()
    sections, samples = _sections(source, held)
    params = _params(sections.get("params", []))
    wall = _start(params)
    interval_s = number(params.get("interval", ""))
    if wall is None or interval_s is None or not 1 <= interval_s <= MOST_INTERVAL_S:
        lacks = "a date and a start time" if wall is None else "the interval of its samples"
        raise ExportUnreadable(
            f"it is a Polar .hrm file without {lacks}.", hint="Export it again from Polar's program."
        )
    clock = clock_of(wall, setting.zone)
    start_ms = clock.at_ms(wall)
    layout, series, rr = _layout(params), Series(), NO_RR
    if interval_s == BEAT_BY_BEAT:
        beats = [row[0] for row in samples if 0 < row[0] <= LONGEST_RR_MS]
        n_wild = sum(not (0 < row[0] <= LONGEST_RR_MS or np.isnan(row[0])) for row in samples)
        if n_wild:
            series.held.append(Held("RR intervals", "cannot be true", n=n_wild))
        samples = []  # they are intervals, no records
        rr = intervals(start_ms, beats, [False] * len(beats))
        spanned_s = sum(beats) / 1000
    else:
        at_ms = start_ms + np.round(np.arange(len(samples)) * interval_s * 1000).astype(np.int64)
        for place, name in enumerate(("bpm", *layout.columns)):
            column = [row[place] if place < len(row) else np.nan for row in samples]
            series.add(name, at_ms, np.array(column, np.float64) * layout.scale(name))
        spanned_s = max(0, len(samples) - 1) * interval_s
    length_s = duration_s(params.get("length", ""))
    elapsed_s = max(length_s or 0.0, spanned_s) if interval_s != LAPS_ONLY else length_s or 0.0
    elapsed_s = min(elapsed_s, LONGEST_S)
    session = FoundSession(
        Person(),
        sport="other",
        written_sport="",
        started_at_ms=start_ms,
        elapsed_s=elapsed_s,
        timer_s=length_s,
        distance_m=_distance_m(sections.get("trip", []), layout.is_us),
        utc_offset_s=clock.ahead_s,
        offset_known_by=clock.known_by,
        title=" ".join(sections.get("note", []))[:200].strip(),
        device=f"Polar monitor {params['monitor'][:10]}" if params.get("monitor", "").isdigit() else "Polar",
        track=series.table(start_ms, start_ms + round(elapsed_s * 1000)),
        rr=rr,
        laps=tuple(_laps(sections.get("inttimes", []), start_ms)),
        stated=tuple(_stated(params)),
        n_records=len(samples),
    )
    return Found("HRM", "polar", (session,), held=(*held.rows, *series.held))


def _sections(source: Source, held: HeldRows) -> tuple[Mapping[str, list[str]], list[Sequence[float]]]:
    """The lines of each section by its name in lower case, and the rows of [HRData]."""
    sections: dict[str, list[str]] = {}
    samples: list[Sequence[float]] = []
    name = ""
    for line_no, raw in enumerate(text_lines(source, encoding_of(source.head())), start=1):
        line = raw.strip().replace("\0", "")
        heading = _SECTION.fullmatch(line)
        if heading:
            name = heading.group(1).lower()
        elif line and name == "hrdata":
            if len(samples) >= MOST_ROWS:
                held.add(line_no, f"it and all lines after it are beyond {MOST_ROWS:,}", line)
                break
            row = _numbers(line)
            if row is None:
                held.add(line_no, "is no sample", line)
            samples.append(row or (np.nan,))  # its second passes all the same
        elif line and (name in sections or len(sections) < MOST_SECTIONS):
            kept = sections.setdefault(name, [])
            if len(kept) < MOST_KEPT_LINES:
                kept.append(line[:500])
    return sections, samples


def _numbers(line: str) -> list[float] | None:
    found = [number(cell) for cell in line[:300].split()]
    values = [value for value in found if value is not None]
    return values if values and len(values) == len(found) else None


def _params(lines: Sequence[str]) -> Mapping[str, str]:
    pairs = (line.partition("=") for line in lines)
    return {key.strip().lower(): value.strip() for key, _, value in pairs}


def _start(params: Mapping[str, str]) -> datetime | None:
    midnight, seconds = iso_wall(params.get("date", "")), time_of_day_s(params.get("starttime", ""))
    if midnight is None or seconds is None:
        return None
    whole, fraction = divmod(seconds, 1)
    hours, rest = divmod(int(whole), 3600)
    return midnight.replace(hour=hours, minute=rest // 60, second=rest % 60, microsecond=int(fraction * 1e6))


def _layout(params: Mapping[str, str]) -> Layout:
    version = number(params.get("version", "")) or 0
    flags = params.get("smode", "")
    if version >= FIRST_WITH_SMODE or flags:
        flags = flags.ljust(9, "0")
        columns = ["speed_mps", "cadence_per_min", "altitude_m", "power_w"]
        there = [name for name, flag in zip(columns, flags, strict=False) if flag == "1"]
        if "1" in flags[4:6]:
            there.append("power_balance")
        if flags[8] == "1":
            there.append("air_pressure_hpa")
        return Layout(tuple(there), flags[7] == "1")
    mode = params.get("mode", "").ljust(3, "0")
    third = {"0": ("cadence_per_min",), "1": ("altitude_m",)}.get(mode[0], ())
    coarse = 10.0 if 0 < version < FIRST_WITH_FINE_ALTITUDE else 1.0
    return Layout(("speed_mps", *third) if mode[1] == "1" else (), mode[2] == "1", coarse)


def _distance_m(trip: Sequence[str], is_us: bool) -> float | None:
    """The first value of [Trip]: tenths of a kilometre or of a mile."""
    tenths = number(trip[0]) if trip else None
    if tenths is None or not 0 < tenths < 10_000:
        return None
    return tenths * 100 * (MILE_KM if is_us else 1.0)


def _laps(lines: Sequence[str], start_ms: int) -> Iterator[Lap]:
    """Every fifth line of [IntTimes] begins with the time since the start at which a lap ended."""
    since_s = 0.0
    for place, line in enumerate(lines[: MOST_LAPS * LINES_OF_A_LAP : LINES_OF_A_LAP]):
        until_s = duration_s(line.split()[0])
        if until_s is None or until_s < since_s:
            return
        yield Lap(f"Lap {place + 1}", start_ms + round(since_s * 1000), round(until_s - since_s, 3))
        since_s = until_s


def _stated(params: Mapping[str, str]) -> Iterator[Stated]:
    for key, name, unit in (
        ("maxhr", "profile_hr_max", "bpm"),
        ("resthr", "profile_hr_rest", "bpm"),
        ("vo2max", "profile_vo2max", "ml/kg/min"),
        ("weight", "profile_weight", "kg" if _layout(params).is_us is False else "lb"),
    ):
        value = number(params.get(key, ""))
        if value:
            yield Stated(name, value, unit)
