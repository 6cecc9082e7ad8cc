"""What Polar Flow's pages give out: the CSV of a session, and a calendar entry's JSON.

Both tell local time only (the "Z" in the JSON is not true), so the offset is assumed. The CSV leaves pauses
out without saying where they were: its rows are not moved. Calendar entries without a session are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from hub.devices.exports.csv_text import Form, form_of
from hub.devices.exports.found import Found, FoundSession, Person, Setting, Stated
from hub.devices.exports.polar_clock import clock_of, iso_wall, order_of, wall_of
from hub.devices.exports.polar_json import load_json, number, table, text
from hub.devices.exports.polar_track import Series
from hub.devices.exports.source import Source
from hub.devices.exports.sports import sport_of
from hub.devices.exports.table import HeldRows, duration_s, fold, rows_of
from hub.devices.exports.table import number as cell_number
from hub.errors import ExportUnreadable

MOST_ROWS, LONGEST_S = 500_000, 30 * 86_400.0
FOOT_M, MILE_M = 0.3048, 1609.344
Walk = Iterator[tuple[int, list[str]]]
_CSV_HEAD = re.compile(rb"name.{1,3}sport.{1,3}date.{1,3}start time.{1,3}duration", re.IGNORECASE)
# A sample column by its words, and how many of ours one of its units is (of 1 where none is written).
_SAMPLES: Mapping[str, tuple[str, Mapping[str, float]]] = {
    "hr": ("bpm", {}),
    "speed": ("speed_mps", {"km/h": 1 / 3.6, "mph": MILE_M / 3600, "mi/h": MILE_M / 3600, "m/s": 1.0}),
    "cadence": ("cadence_per_min", {}),
    "altitude": ("altitude_m", {"ft": FOOT_M}),
    "stride length": ("stride_length_m", {"cm": 0.01, "ft": FOOT_M}),
    "distances": ("distance_m", {"km": 1000.0, "ft": FOOT_M, "mi": MILE_M, "yd": 0.9144}),
    "temperatures": ("temperature_c", {"f": 5 / 9}),
    "power": ("power_w", {}),
}
# A total in the first block by its words: the name it is stated under, and the unit where none is written.
_TOTALS = {
    "average heart rate": ("mean_heart_rate", "bpm"), "average speed": ("mean_speed", "km/h"),
    "max speed": ("max_speed", "km/h"), "average cadence": ("mean_cadence", "rpm"),
    "running index": ("running_index", ""), "training load": ("training_load", ""), "ascent": ("ascent", "m"),
    "descent": ("descent", "m"), "average power": ("mean_power", "W"), "max power": ("max_power", "W"),
    "fat percentage of calories": ("fat_share_of_energy", "%"), "hr max": ("profile_hr_max", "bpm"),
    "hr sit": ("profile_hr_sitting", "bpm"), "vo2max": ("profile_vo2max", "ml/kg/min"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """A heading taken apart: its words, folded, and the unit in its brackets, in lower case."""

    words: str
    unit: str


def is_polar_flow_csv(head: bytes, _name: str = "") -> bool:
    """Whether a file that begins so is a session CSV of Polar Flow."""
    return _CSV_HEAD.search(head[:400].replace(b"\0", b"")) is not None


def is_polar_flow_json(head: bytes, _name: str = "") -> bool:
    """Whether a file that begins so is one entry of Polar Flow's calendar."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    return start == b"{" and b'"eventType"' in head and b'"datetime"' in head


def read_polar_flow_csv(source: Source, setting: Setting) -> Found:
    """The session. Raises ExportUnreadable without a date and a start time; bad rows are held."""
    form, held = form_of(source), HeldRows()
    walk = rows_of(source, form, held)
    about, warnings = _about(walk, form, setting)
    series, last_s, n = _samples(walk, form, about.started_at_ms, held)
    elapsed_s = max(about.elapsed_s, last_s)
    track = series.table(about.started_at_ms, about.started_at_ms + round(elapsed_s * 1000))
    session = replace(about, elapsed_s=elapsed_s, track=track, n_records=n)
    return Found("Polar Flow CSV", "polar", (session,), held=(*held.rows, *series.held), warnings=warnings)


def read_flow_start(source: Source, setting: Setting) -> FoundSession:
    """A session CSV's first two rows alone. Raises ExportUnreadable without a date and a start time."""
    form = form_of(source)
    return _about(rows_of(source, form, HeldRows()), form, setting)[0]


def read_polar_flow_json(source: Source, setting: Setting) -> Found:
    """A calendar entry of an exercise as a session without samples. Raises ExportUnreadable for others."""
    entry = table(load_json(source))
    kind = text(entry.get("eventType")) or text(entry.get("type")) or "unknown"
    if kind.lower() != "exercise":
        raise ExportUnreadable(
            f"it is an entry of Polar Flow's calendar ({kind}) without heart rate or a session.",
            hint="Choose the entries of exercises, or export the session itself as CSV or TCX.",
        )
    wall = iso_wall(text(entry.get("datetime")))
    if wall is None:
        raise ExportUnreadable(
            "it is an entry of Polar Flow's calendar without a date.",
            hint="Export the session as CSV or TCX.",
        )
    clock = clock_of(wall, setting.zone)
    millis, distance_m = number(entry.get("duration")), number(entry.get("distance"))
    energy_kcal, load = number(entry.get("calories")), number(entry.get("trainingLoadProIndex"))
    elapsed_s = millis / 1000 if millis is not None and 0 <= millis <= LONGEST_S * 1000 else 0.0
    list_id = number(entry.get("listItemId"))
    session = FoundSession(
        Person(),
        sport="other",
        written_sport="",
        started_at_ms=clock.at_ms(wall),
        elapsed_s=elapsed_s,
        timer_s=elapsed_s,
        distance_m=distance_m if distance_m and 0 < distance_m < 1_000_000 else None,
        energy_kcal=energy_kcal if energy_kcal and 0 < energy_kcal < 30_000 else None,
        utc_offset_s=clock.ahead_s,
        offset_known_by=clock.known_by,
        identity=f"polar-calendar:{list_id:.0f}" if list_id is not None and 0 < list_id < 1e15 else "",
        stated=() if load is None else (Stated("training_load_level", load, ""),),
    )
    return Found("Polar Flow JSON", "polar", (session,))


def _column(heading: str) -> Column:
    words, _, unit = heading.partition("(")
    return Column(fold(words), unit.partition(")")[0].strip().lower())


def _about(walk: Walk, form: Form, setting: Setting) -> tuple[FoundSession, tuple[str, ...]]:
    """The first two rows: whose, when, how long, and the totals; with what is doubtful about the date."""
    headings = [_column(cell) for cell in next(walk, (0, []))[1]]
    cells = dict(zip(headings, (cell.strip() for cell in next(walk, (0, []))[1]), strict=False))
    by_words = {column.words: cell for column, cell in cells.items()}
    date = by_words.get("date", "")[:20]
    wall = wall_of(f"{date} {by_words.get('start time', '')}", order_of([date]))
    if wall is None:
        raise ExportUnreadable(
            f"it is a session of Polar Flow, but its date and start time ({date or 'none'}) cannot be read.",
            hint="Export it again from Polar Flow.",
        )
    clock = clock_of(wall, setting.zone)
    duration = duration_s(by_words.get("duration", ""))
    totals = ((column, cell_number(cell, form.decimal_comma)) for column, cell in cells.items())
    by_total = {column.words: (value, column.unit) for column, value in totals if value}
    far, far_unit = by_total.get("total distance", (None, ""))
    sport = by_words.get("sport", "")[:80]
    is_doubtful = "/" in date and wall.day <= 12 and wall.day != wall.month
    session = FoundSession(
        Person(name=by_words.get("name", "")[:100]),
        sport=sport_of(sport),
        written_sport=sport,
        started_at_ms=clock.at_ms(wall),
        elapsed_s=min(duration or 0.0, LONGEST_S),
        timer_s=duration,
        distance_m=None if far is None else far * (MILE_M if far_unit == "mi" else 1000.0),
        energy_kcal=by_total.get("calories", (None, ""))[0],
        utc_offset_s=clock.ahead_s,
        offset_known_by=clock.known_by,
        stated=tuple(
            Stated(_TOTALS[words][0], value, unit or _TOTALS[words][1])
            for words, (value, unit) in by_total.items()
            if words in _TOTALS
        ),
    )
    return session, (f"its date {date} was read as month, day, year.",) if is_doubtful else ()


def _samples(walk: Walk, form: Form, start_ms: int, held: HeldRows) -> tuple[Series, float, int]:
    """The columns, the last row's time in s from the start, and how many rows there are."""
    headings = [_column(cell) for cell in next(walk, (0, []))[1]]
    at = next((place for place, column in enumerate(headings) if column.words == "time"), len(headings))
    wanted = [(place, column) for place, column in enumerate(headings) if column.words in _SAMPLES]
    times: list[float] = []
    values: list[list[float]] = [[] for _ in wanted]
    for line_no, cells in walk:
        if len(times) >= MOST_ROWS:
            held.add(line_no, f"it and all rows after it are beyond {MOST_ROWS:,}", ",".join(cells))
            break
        time_s = duration_s(cells[at]) if at < len(cells) else None
        if time_s is None or (times and time_s <= times[-1]) or time_s > LONGEST_S:
            reason = "has no time" if time_s is None else "its time does not follow the row before"
            held.add(line_no, reason, ",".join(cells))
            continue
        times.append(time_s)
        for kept, (place, column) in zip(values, wanted, strict=True):
            cell = cells[place].strip() if place < len(cells) else ""
            value = cell_number(cell, form.decimal_comma)
            kept.append(np.nan if value is None else value)
            if value is None and cell:
                held.add(line_no, f"{column.words} is no number", cell)
    at_ms = start_ms + np.round(np.array(times) * 1000).astype(np.int64)
    series = Series()
    for kept, (_, column) in zip(values, wanted, strict=True):
        name, units = _SAMPLES[column.words]
        shift = 32.0 if name == "temperature_c" and column.unit == "f" else 0.0
        series.add(name, at_ms, (np.array(kept) - shift) * units.get(column.unit, 1.0))
    return series, times[-1] if times else 0.0, len(times)
