"""A mapping says what an unknown table's columns mean; a club gives it once, and it fits every such table.

It is kept as JSON and checked here against a table's header; it reads no rows. Its shape:

    {"kind": "samples" | "sessions" | "days",      a row is a moment, a whole session, or a day
     "columns": {"HR": {"meaning": "heart_rate", "unit": "bpm"}, ...},   columns left out are not read
     "delimiter": ";", "encoding": "cp1252", "decimal": "," | ".",
     "date_order": "ymd" | "dmy" | "mdy",
     "header_line": 1,                             0 where the first line is already a row
     "zone": "Europe/Berlin",                      where times say no offset; else the club's
     "started_at": "2026-03-01T18:30:00",          for times elapsed, where the file's name tells no start
     "sport": "football", "title": "Match"}        where no column says them

Only "kind" and "columns" are needed. Meanings and units are those of `csv_meanings`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from hub.devices.exports.csv_meanings import MEANINGS, Meaning
from hub.devices.exports.csv_text import Form
from hub.devices.exports.written_time import DateOrder
from hub.errors import ExportUnreadable

KINDS = ("samples", "sessions", "days")
ENCODINGS = (
    "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "cp1250", "cp1251",
    "iso8859-1", "iso8859-15", "cp437", "cp850", "mac-roman",
)  # fmt: skip
MARKS = {",": True, ".": False}


@dataclass(frozen=True, slots=True)
class MappedColumn:
    """A column that is read: its place in a row, its heading, what it means, and its unit."""

    place: int
    heading: str
    meaning: Meaning
    unit: str

    @property
    def factor(self) -> float:
        """What turns its values into our unit."""
        return self.meaning.units.get(self.unit, 1.0)


@dataclass(frozen=True, slots=True)
class Plan:
    """A mapping checked against a header; `columns` by the name of their meaning."""

    kind: str
    columns: Mapping[str, MappedColumn]
    form: Form
    date_order: DateOrder | None
    zone: tzinfo
    started_at: datetime | None
    sport: str
    title: str
    unread: tuple[str, ...]


def distinct(header: Sequence[str]) -> list[str]:
    """Headings as a mapping names them: "column 3" for an empty one, "HR (2)" for a second HR."""
    names: list[str] = []
    seen: dict[str, int] = {}
    for place, heading in enumerate(header, 1):
        name = " ".join(heading.split())[:100] or f"column {place}"
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names


def plan_of(mapping: Mapping[str, object], header: Sequence[str], form: Form, zone: tzinfo) -> Plan:
    """The plan for a table with this header. Raises ExportUnreadable where they do not fit together."""
    kind = _text(mapping, "kind", "samples")
    if kind not in KINDS:
        raise _misfit(f'"{kind}" is no kind of table')
    columns = _columns(mapping.get("columns"), distinct(header))
    order = _text(mapping, "date_order", "")
    if order and order not in tuple(DateOrder):
        raise _misfit(f'"{order}" is no order of dates')
    started = _text(mapping, "started_at", "")
    read = {column.heading for column in columns.values()}
    return Plan(
        kind=kind,
        columns=columns,
        form=form,
        date_order=DateOrder(order) if order else None,
        zone=zone_of(mapping, zone),
        started_at=started_at(mapping) if started else None,
        sport=_text(mapping, "sport", ""),
        title=_text(mapping, "title", ""),
        unread=tuple(name for name in distinct(header) if name not in read),
    )


def form_by(mapping: Mapping[str, object], guessed: Form) -> Form:
    """How the table is written: as the mapping says, where it says so. Raises ExportUnreadable."""
    encoding = _text(mapping, "encoding", guessed.encoding)
    delimiter = _text(mapping, "delimiter", guessed.delimiter)
    mark = _text(mapping, "decimal", "")
    if encoding not in ENCODINGS:
        raise _misfit(f'"{encoding}" is no encoding')
    if len(delimiter) != 1 or delimiter in '"\r\n\0 ' or not delimiter.isascii():
        raise _misfit("its delimiter is not one character")
    return Form(encoding, delimiter, MARKS.get(mark, guessed.decimal_comma))


def zone_of(mapping: Mapping[str, object], otherwise: tzinfo) -> tzinfo:
    """The mapping's time zone. Raises ExportUnreadable for one that is not known."""
    name = _text(mapping, "zone", "")
    if not name:
        return otherwise
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise _misfit(f'"{name}" is no time zone') from error


def started_at(mapping: Mapping[str, object] | None) -> datetime | None:
    """The start that the mapping gives, None where it gives none. Raises ExportUnreadable."""
    text = _text(mapping or {}, "started_at", "")
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise _misfit(f'"{text[:40]}" is no date and time') from error
    if not 1990 <= at.year < 2100:
        raise _misfit(f"{at.year} is no year of a recording")
    return at


def _columns(written: object, header: list[str]) -> dict[str, MappedColumn]:
    if not isinstance(written, Mapping) or not written:
        raise _misfit("it names no columns")
    columns: dict[str, MappedColumn] = {}
    for heading, entry in written.items():
        if not isinstance(entry, Mapping):
            raise _misfit(f'column "{heading}" has no meaning')
        name, unit = _text(entry, "meaning", ""), _text(entry, "unit", "")
        if not name:
            continue
        if heading not in header:
            raise _misfit(f'there is no column "{heading}"')
        meaning = MEANINGS.get(name)
        if meaning is None:
            raise _misfit(f'"{name}" is no meaning of a column')
        if name in columns:
            raise _misfit(f'two columns are its "{name.replace("_", " ")}"')
        unit = unit or meaning.sure_unit
        if meaning.units and unit not in meaning.units:
            raise _misfit(f'column "{heading}" has no unit that is known')
        columns[name] = MappedColumn(header.index(heading), heading, meaning, unit)
    if not columns:
        raise _misfit("it names no columns")
    return columns


def _text(mapping: Mapping[str, object], key: str, otherwise: str) -> str:
    value = mapping.get(key)
    return value if isinstance(value, str) and value else otherwise


def _misfit(why: str) -> ExportUnreadable:
    return ExportUnreadable(
        f"what was said about its columns does not fit it: {why}.",
        hint="Open it on the imports page and say what each column is.",
    )
