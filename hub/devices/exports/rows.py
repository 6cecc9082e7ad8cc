"""A row of a vendor's table, asked by field instead of by place, and the wall times written in it.

It knows no vendor: fields are the reader's own words, and what a value means is the reader's business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo

from hub.devices.exports.table import HeldRows, Table, number
from hub.devices.exports.written_time import DateOrder, moment

LONGEST_OFFSET_S = 14 * 3600
_OFFSET = re.compile(r"(?:UTC|GMT)?\s*(?:Z|([+-])(\d{1,2})(?::?(\d{2}))?)?", re.IGNORECASE | re.ASCII)
_NOTHING = frozenset({"", "na", "n/a", "nan", "null", "none", "-", "--"})


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one row; `line` counts from 1, `place` says in which cell a field stands."""

    line: int
    cells: Sequence[str]
    place: Mapping[str, int]
    decimal_comma: bool
    held: HeldRows

    def text(self, name: str) -> str:
        """The cell of a field without outer spaces, "" where there is none."""
        at = self.place.get(name, -1)
        return self.cells[at].strip() if 0 <= at < len(self.cells) else ""

    def number(self, name: str) -> float | None:
        """The number in a field's cell, None where it holds none."""
        return number(self.text(name), self.decimal_comma)

    def bounded(self, name: str, least: float, most: float) -> float | None:
        """The number in a field's cell; one that is none or cannot be true is held, and None."""
        text = self.text(name)
        if text.casefold() in _NOTHING:
            return None
        value = number(text, self.decimal_comma)
        if value is None or not least <= value <= most:
            fault = "is no number" if value is None else "cannot be true"
            self.hold(f"its {name.replace('_', ' ')} {fault}", text)
            return None
        return value

    def hold(self, reason: str, text: str | None = None) -> None:
        """Put it, or one value of it, aside; `text` is what to show, its first cells unless told."""
        shown = ", ".join(cell.strip() for cell in self.cells[:4]) if text is None else text
        self.held.add(self.line, reason, shown)


def rows_in(table: Table, place: Mapping[str, int]) -> Iterator[Row]:
    """The table's rows under these fields; they can be walked once."""
    for line, cells in table.rows:
        yield Row(line, cells, place, table.decimal_comma, table.held_rows)


def offset_s(text: str) -> int | None:
    """Seconds ahead of UTC in "UTC+02:00", "UTCZ", "GMT-5"; None for anything else."""
    match = _OFFSET.fullmatch(text.strip())
    if match is None or not text.strip():
        return None
    sign, hours, minutes = match.groups()
    if sign is None:
        return 0
    ahead = int(hours) * 3600 + int(minutes or 0) * 60
    return (ahead if sign == "+" else -ahead) if ahead <= LONGEST_OFFSET_S else None


def wall_time(text: str, order: DateOrder | None) -> datetime | None:
    """A date and time that names no offset; None for anything else."""
    at = moment(text, order)
    return None if at is None or at.tzinfo else at


def ahead_by(seconds: int) -> tzinfo:
    """The zone that is so many seconds ahead of UTC all year."""
    return timezone(timedelta(seconds=seconds))
