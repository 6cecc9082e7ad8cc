"""An app's list of HRV measurements (HRV4Training, Elite HRV) becomes days with their values.

It holds no beats, so no session comes of it; the first measurement of a day counts, later ones are held.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, timedelta

from hub.devices.exports.csv_rows import NOTHING
from hub.devices.exports.found import DailyValue, Found, Person, Setting
from hub.devices.exports.source import Source
from hub.devices.exports.table import Table, fold, number, read_table
from hub.devices.exports.written_time import DateOrder, date_order, moment
from hub.errors import ExportUnreadable

MOST_ROWS = 100_000
# folded heading: (name, unit, least, most)
VALUES = {
    "hr": ("resting_heart_rate", "bpm", 20.0, 150.0),
    "rmssd": ("hrv_rmssd", "ms", 1.0, 500.0),
    "sdnn": ("hrv_sdnn", "ms", 1.0, 500.0),
    "avnn": ("hrv_avnn", "ms", 300.0, 2500.0),
    "pnn50": ("hrv_pnn50", "%", 0.0, 100.0),
    "nn50": ("hrv_nn50", "", 0.0, 1e5),
    "lnrmssd": ("hrv_ln_rmssd", "", 0.0, 7.0),
    "lf": ("hrv_lf", "", 0.0, 1e6),
    "hf": ("hrv_hf", "", 0.0, 1e6),
}
TIMES = ("date", "timestamp measurement", "datetime", "measurement time")
NAMES = ("member", "name", "athlete")
_YEAR_FIRST = re.compile(r"\s*(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(.*)", re.DOTALL)


def is_summary(cells: Sequence[str]) -> bool:
    """Whether these headings are of such a list."""
    folded = {fold(cell) for cell in cells}
    return "rmssd" in folded and bool(folded & set(TIMES)) and bool(folded & (VALUES.keys() - {"rmssd"}))


def read_summary(source: Source, setting: Setting) -> Found:
    """The days of the list. Raises ExportUnreadable where no row can be used."""
    table = read_table(source, pads_short_rows=True, most_rows=MOST_ROWS)
    folded = [fold(name) for name in table.header]
    places = {VALUES[name]: place for place, name in enumerate(folded) if name in VALUES}
    time_place = next((folded.index(name) for name in TIMES if name in folded), None)
    if time_place is None or not places:
        raise ExportUnreadable("it has no column of dates or of values.", hint="Export it again.")
    name_place = next((folded.index(name) for name in NAMES if name in folded), None)
    rows = list(table.rows)
    texts = [cells[time_place] for _, cells in rows]
    is_swapped = _day_before_month(texts)
    order = date_order(texts)
    if order is None:
        raise ExportUnreadable(
            "its dates can be read with the day or the month first.",
            hint="Export it with dates like 2026-03-31, or open it on the imports page.",
        )
    daily: list[DailyValue] = []
    seen: set[tuple[str, str]] = set()
    for line_no, cells in rows:
        day = _day(cells[time_place], order, is_swapped, setting)
        person = cells[name_place].strip()[:100] if name_place is not None else ""
        if day is None:
            table.held_rows.add(line_no, "its date cannot be read", cells[time_place])
        elif (person, day.isoformat()) in seen:
            table.held_rows.add(line_no, "another row is of the same athlete and day", ", ".join(cells))
        elif values := _values(table, line_no, cells, places):
            seen.add((person, day.isoformat()))
            daily += [DailyValue(Person(name=person), day.isoformat(), *value) for value in values]
    if not daily:
        raise ExportUnreadable("it is a list of HRV measurements, but holds none.", hint="Export it again.")
    warnings = (
        ("Its dates have the day before the month (2026-31-12) and were read so.",) if is_swapped else ()
    )
    maker = "elite hrv" if "member" in folded else "hrv4training" if "timestamp measurement" in folded else ""
    return Found("HRV summary", maker, daily=tuple(daily), held=table.held, warnings=warnings)


def _values(
    table: Table, line_no: int, cells: Sequence[str], places: dict[tuple[str, str, float, float], int]
) -> list[tuple[str, float, str]]:
    """(name, value, unit) of what a row holds; a row of zeros holds nothing and is held."""
    read = {key: number(cells[place], table.decimal_comma) for key, place in places.items()}
    if not any(read.values()):
        table.held_rows.add(line_no, "all its values are 0 or empty", ", ".join(cells))
        return []
    values: list[tuple[str, float, str]] = []
    for (name, unit, least, most), value in read.items():
        text = cells[places[name, unit, least, most]]
        if value is not None and least <= value <= most:
            values.append((name, value, unit))
        elif text.strip().casefold() not in NOTHING:
            table.held_rows.add(line_no, f"its {name.replace('_', ' ')} cannot be true", text)
    return values


def _day_before_month(texts: Sequence[str]) -> bool:
    """Whether dates with the year first have the day second, as no month is 13: over the whole column."""
    found = [match for text in texts if (match := _YEAR_FIRST.match(text[:64]))]
    return any(int(match[3]) > 12 for match in found) and all(int(match[4]) <= 12 for match in found)


def _day(text: str, order: DateOrder, is_swapped: bool, setting: Setting) -> date | None:
    text = text.strip()[:64]
    if is_swapped:
        text = _YEAR_FIRST.sub(r"\1\2\4\2\3\5", text)
    at = moment(text, order)
    if at is None:
        return None
    if at.utcoffset() == timedelta():
        at = at.astimezone(UTC).astimezone(setting.zone)
    return at.date()
