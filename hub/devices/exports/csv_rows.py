"""One row's cells as typed values under a plan: its time, its numbers, whose it is.

It keeps no rows and makes no sessions. A cell that cannot be read is told by the caller's list of held
rows; the row's other cells still count.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hub.devices.exports.csv_mapping import MappedColumn, Plan
from hub.devices.exports.csv_meanings import CLOCK
from hub.devices.exports.found import Person
from hub.devices.exports.table import HeldRows
from hub.devices.exports.written import duration_s, number
from hub.devices.exports.written_time import as_epoch_ms, epoch_ms, moment, time_of_day_s

NOTHING = frozenset({"", "na", "n/a", "nan", "null", "none", "-", "--", "–"})
ZERO_IS_NOTHING = frozenset(
    {"heart_rate", "mean_heart_rate", "max_heart_rate", "resting_heart_rate", "hrv_rmssd"}
)
MOST_NAME_CHARS = 100


@dataclass(frozen=True, slots=True)
class When:
    """A time: epoch ms UTC with the offset that the text says, or wall ms (as if UTC) where it says none."""

    ms: int
    offset_s: int | None
    has_clock: bool = True


class Cells:
    """Reads rows under a plan; what a cell cannot be goes to `held`."""

    def __init__(self, plan: Plan, held: HeldRows) -> None:
        self.held = held
        self.decimal_comma = plan.form.decimal_comma
        self.order = plan.date_order
        self.columns = plan.columns
        self.started = _when(plan.started_at) if plan.started_at else None
        self.last_text = ""
        self.last_moment: When | None = None
        self.numbers = [column for column in plan.columns.values() if column.meaning.is_number]

    def when(self, line_no: int, cells: Sequence[str]) -> When | None:
        """The row's time; None, and held, where it cannot be read."""
        place, found = 0, None
        if column := self.columns.get("time"):
            place = column.place
            found = self._moment(cells[place])
        elif (date := self.columns.get("date")) and (clock := self.columns.get("time_of_day")):
            place = clock.place
            day, since_s = self._moment(cells[date.place]), time_of_day_s(cells[place])
            if day and since_s is not None:
                found = When(day.ms + round(since_s * 1000), day.offset_s)
        elif column := self.columns.get("elapsed"):
            place = column.place
            since = self.value(line_no, cells, column)
            if self.started and since is not None:
                found = When(self.started.ms + round(since * 1000), self.started.offset_s)
        elif column := self.columns.get("date"):
            place = column.place
            found = self._moment(cells[place])
        if found is None:
            self.held.add(line_no, "its time cannot be read", cells[place])
        return found

    def value(self, line_no: int, cells: Sequence[str], column: MappedColumn) -> float | None:
        """A cell's number in our unit; None where it holds none, held where it is wrong."""
        text = cells[column.place]
        value = duration_s(text) if column.unit == CLOCK else number(text, self.decimal_comma)
        meaning = column.meaning
        if value is None:
            if text.strip().casefold() not in NOTHING:
                self.held.add(line_no, f"its {meaning.name.replace('_', ' ')} is no number", text)
            return None
        if value == 0 and meaning.name in ZERO_IS_NOTHING:
            return None
        value *= column.factor
        if not meaning.least <= value <= meaning.most and meaning.name != "rr":
            self.held.add(line_no, f"its {meaning.name.replace('_', ' ')} cannot be true", text)
            return None
        return value

    def text(self, cells: Sequence[str], name: str) -> str:
        """The text of a meaning's cell, "" where no column has it."""
        column = self.columns.get(name)
        return " ".join(cells[column.place].split())[:MOST_NAME_CHARS] if column else ""

    def person(self, line_no: int, cells: Sequence[str]) -> Person:
        """Whose row it is, as far as it tells."""
        column = self.columns.get("shirt_number")
        shirt = self.value(line_no, cells, column) if column else None
        whole = int(shirt) if shirt is not None and shirt == math.floor(shirt) else None
        return Person(name=self.text(cells, "athlete"), shirt_number=whole)

    def _moment(self, text: str) -> When | None:
        if text != self.last_text:  # rows of many athletes share their time
            self.last_text, self.last_moment = text, self._read_moment(text)
        return self.last_moment

    def _read_moment(self, text: str) -> When | None:
        at = moment(text, self.order)
        if at is not None:
            return _when(at, ":" in text)
        since = epoch_ms(text)
        return When(since, 0) if since is not None else None


def _when(at: datetime, has_clock: bool = True) -> When:
    ms, offset_s, is_given = as_epoch_ms(at, UTC)
    return When(ms, offset_s if is_given else None, has_clock)


def iso_local(when: When) -> str:
    """A time for showing: local, with its offset where it says one."""
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=when.ms + (when.offset_s or 0) * 1000)
    shown = at.strftime("%Y-%m-%d %H:%M:%S" if when.has_clock else "%Y-%m-%d")
    if when.offset_s is None:
        return shown
    sign, minutes = "-" if when.offset_s < 0 else "+", abs(when.offset_s) // 60
    return f"{shown} {sign}{minutes // 60:02d}:{minutes % 60:02d}"
