"""What an unknown table seems to be: its form, what each column may mean, and what only a person can tell.

It reads the first rows, and a column of dates to its end; it makes no sessions.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from hub.devices.exports.csv_mapping import distinct, form_by
from hub.devices.exports.csv_meanings import CLOCK, MEANINGS, Meaning, meaning_of
from hub.devices.exports.csv_text import Form, form_of
from hub.devices.exports.found import Held
from hub.devices.exports.source import Source
from hub.devices.exports.table import HEADER_WITHIN_ROWS, HeldRows, Table, read_table, rows_of
from hub.devices.exports.written import duration_s, fold, number
from hub.devices.exports.written_time import (
    DateOrder,
    date_order,
    epoch_ms,
    moment,
    time_in_name,
    time_of_day_s,
)
from hub.errors import ExportUnreadable

ROWS_LOOKED_AT = 200
SAMPLE_CELLS = 5
MOST_COLUMNS = 3000
ALWAYS_READ = frozenset({"time", "date", "time_of_day", "elapsed"})
_HAS_CLOCK = re.compile(r"\d{1,2}:\d{2}")


@dataclass(frozen=True, slots=True)
class CsvColumn:
    """A column as it seems: `samples` are its first cells, `meaning` and `unit` "" where unknown."""

    name: str
    samples: tuple[str, ...]
    meaning: str
    unit: str


@dataclass(frozen=True, slots=True)
class Question:
    """What a person must say. `about` is the mapping's key for it; `column` "" means no single one."""

    about: str
    text: str
    column: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CsvGuess:
    """A table as it seems. `signature` is the same for every table with this header."""

    kind: str
    columns: tuple[CsvColumn, ...]
    form: Form
    date_order: DateOrder | None
    header_line: int
    signature: str
    questions: tuple[Question, ...]
    held: tuple[Held, ...] = ()

    def mapping(self) -> dict[str, object]:
        """The guess in the shape of a mapping, to be confirmed or changed."""
        return {
            "kind": self.kind or "samples",
            "columns": {c.name: {"meaning": c.meaning, "unit": c.unit} for c in self.columns if c.meaning},
            "delimiter": self.form.delimiter,
            "encoding": self.form.encoding,
            "decimal": "," if self.form.decimal_comma else ".",
            "date_order": self.date_order.value if self.date_order else "",
            "header_line": self.header_line,
        }


def open_table(source: Source, mapping: Mapping[str, object] | None = None) -> Table:
    """The table under its header, or with made-up headings where the first line is already a row.

    Raises ExportUnreadable.
    """
    form = form_of(source)
    asked: object = None
    if mapping is not None:
        form = form_by(mapping, form)
        asked = mapping.get("header_line")
    header_line = asked if isinstance(asked, int) else header_line_of(source, form)
    lines = iter([line_no for line_no, _ in _first_rows(source, form)])
    table = read_table(source, form=form, is_header=lambda cells: next(lines, 0) >= header_line)
    if len(table.header) > MOST_COLUMNS:
        raise ExportUnreadable(
            f"it has {len(table.header):,} columns, more than {MOST_COLUMNS:,}.", hint="Export fewer of them."
        )
    if header_line > 0:
        return table
    first = [table.header] if table.header else []
    rows = chain(((table.header_line, cells) for cells in first), table.rows)
    names = [f"column {place + 1}" for place in range(len(table.header))]
    return Table(names, 0, (), form, rows, table.held_rows)


def header_line_of(source: Source, form: Form) -> int:
    """The line of the first row with two known headings, else of the first row; 0 where that holds data."""
    rows = list(_first_rows(source, form))
    for line_no, cells in rows:
        if sum(meaning_of(cell) is not None for cell in cells[:MOST_COLUMNS]) >= 2:
            return line_no
    if not rows:
        return 1
    line_no, cells = rows[0]
    filled = [cell for cell in cells if cell.strip()]
    data = sum(
        number(cell, form.decimal_comma) is not None or moment(cell, DateOrder.DMY) is not None
        for cell in filled
    )
    return 0 if data * 2 > len(filled) else line_no


def header_signature(source: Source) -> str:
    """The same for tables with the same headings in the same order, however they are written down.

    Raises ExportUnreadable.
    """
    return signature_of(open_table(source))


def signature_of(table: Table) -> str:
    """The signature of an open table."""
    names = "\x1f".join(fold(name) for name in table.header)
    return hashlib.sha256(names.encode("utf-8", "replace")).hexdigest()[:32]


def detect(source: Source) -> CsvGuess:
    """What the table seems to be. Raises ExportUnreadable where it is none, or no row of it can be used."""
    table = open_table(source)
    names = distinct(table.header)
    rows = [cells for _, cells in islice(table.rows, ROWS_LOOKED_AT)]
    if not rows:
        raise nothing_usable(table)
    cells_of = [[row[place].strip() for row in rows if row[place].strip()] for place in range(len(names))]
    columns, questions = _columns(table, names, cells_of)
    kind = _kind(columns, cells_of)
    _doubt_kind(kind, columns, source.name, questions)
    dates = [place for place, column in enumerate(columns) if column.meaning in ("time", "date")]
    order: DateOrder | None = DateOrder.YMD
    for place in dates:
        if date_order(cells_of[place]) is not DateOrder.YMD:
            order = date_order(_whole_column(source, table, place))
        if order is None:
            questions.append(
                Question("date_order", f'Is the day or the month first in "{columns[place].name}"?',
                         columns[place].name, ("dmy", "mdy"))
            )  # fmt: skip
            break
    return CsvGuess(
        kind,
        tuple(columns),
        table.form,
        order,
        table.header_line,
        signature_of(table),
        tuple(questions),
        table.held,
    )


def nothing_usable(table: Table) -> ExportUnreadable:
    """The refusal of a table whose rows are all held back, or that has none."""
    if not table.held:
        return ExportUnreadable("it has the names of its columns but no rows.", hint="Export it again.")
    first = table.held[0]
    return ExportUnreadable(
        f"none of its rows can be used; the first: {first.where}, {first.reason}.",
        hint="Correct it in a spreadsheet or export it again.",
    )


def _first_rows(source: Source, form: Form) -> Iterator[tuple[int, list[str]]]:
    return islice(rows_of(source, form, HeldRows()), HEADER_WITHIN_ROWS)


def _whole_column(source: Source, table: Table, place: int) -> Iterator[str]:
    again = open_table(source, {"header_line": table.header_line})
    return (cells[place] for _, cells in again.rows)


def _columns(
    table: Table, names: Sequence[str], cells_of: Sequence[Sequence[str]]
) -> tuple[list[CsvColumn], list[Question]]:
    columns: list[CsvColumn] = []
    questions: list[Question] = []
    taken: dict[str, str] = {}
    has_date = any((found := meaning_of(name)) and found[0].name == "date" for name in table.header)
    for heading, name, cells in zip(table.header, names, cells_of, strict=True):
        meaning, unit = _by_cells(meaning_of(heading), cells, has_date, table.decimal_comma)
        if meaning and meaning.name in taken:
            questions.append(
                Question("columns", f'Which column is meant, "{taken[meaning.name]}" or "{name}"?', name)
            )
        elif meaning and meaning.units and unit not in meaning.units and cells:
            choices = tuple(meaning.units)
            questions.append(Question("unit", f'In which unit is "{name}"?', name, choices))
        if meaning and meaning.name in taken:
            meaning, unit = None, ""
        elif meaning:
            taken[meaning.name] = name
        columns.append(CsvColumn(name, tuple(cells[:SAMPLE_CELLS]), meaning.name if meaning else "", unit))
    return columns, questions


def _by_cells(
    found: tuple[Meaning, str] | None, cells: Sequence[str], has_date: bool, decimal_comma: bool
) -> tuple[Meaning | None, str]:
    """The heading's meaning, corrected by what stands in the cells."""
    if found is None:
        return None, ""
    meaning, unit = found
    first = cells[0] if cells else ""
    if meaning.name in ("time", "elapsed"):
        if epoch_ms(first) is not None or moment(first, DateOrder.DMY) or moment(first, DateOrder.MDY):
            return MEANINGS["time"], ""
        if meaning.name == "time" and time_of_day_s(first) is not None and has_date:
            return MEANINGS["time_of_day"], ""
        if duration_s(first) is not None:
            return MEANINGS["elapsed"], unit or CLOCK
        if number(first, decimal_comma) is not None:
            return MEANINGS["elapsed"], unit
    if meaning.name == "date" and _HAS_CLOCK.search(first):
        return MEANINGS["time"], ""
    if "semicircles" in meaning.units and any(abs(number(cell) or 0) > 180 for cell in cells):
        return meaning, "semicircles"
    if meaning.name == "duration" and duration_s(first) is not None:
        return meaning, CLOCK
    if meaning.name == "rr" and not unit:
        return meaning, _rr_unit(cells, decimal_comma)
    return meaning, unit


def _rr_unit(cells: Sequence[str], decimal_comma: bool) -> str:
    values = sorted(value for cell in cells if (value := number(cell, decimal_comma)) is not None)
    middle = values[len(values) // 2] if values else 0.0
    return "ms" if 200 <= middle <= 2500 else "s" if 0.2 <= middle <= 2.5 else ""


def _kind(columns: Sequence[CsvColumn], cells_of: Sequence[Sequence[str]]) -> str:
    has = {column.meaning for column in columns}
    has_time = bool(has & {"time", "elapsed"}) or {"date", "time_of_day"} <= has
    only_days = False
    for column, cells in zip(columns, cells_of, strict=True):
        if column.meaning in ("time", "date"):
            only_days = not any(map(_HAS_CLOCK.search, cells)) and epoch_ms(cells[0] if cells else "") is None
    if {"duration"} <= has and has_time and not only_days:
        return "sessions"
    if has & {"time", "date"} and only_days and "time_of_day" not in has:
        return "days"
    return "samples" if has_time or "date" in has else ""


def _doubt_kind(kind: str, columns: Sequence[CsvColumn], name: str, questions: list[Question]) -> None:
    has = {column.meaning for column in columns}
    values = {m.name for m in MEANINGS.values() if m.is_number and m.name not in ALWAYS_READ} - {
        "shirt_number"
    }
    if not kind or not has & values:
        questions.append(Question("columns", "Which columns are the time and the values?"))
    if kind == "samples" and not has & {"time", "date"} and time_in_name(name) is None:
        questions.append(Question("started_at", "When did it start?"))
    if kind == "days" and "heart_rate" in has:
        which = next(column.name for column in columns if column.meaning == "heart_rate")
        choices = ("mean_heart_rate", "max_heart_rate", "resting_heart_rate")
        questions.append(Question("columns", f'Which heart rate of the day is "{which}"?', which, choices))
