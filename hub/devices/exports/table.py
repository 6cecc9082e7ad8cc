"""A delimited table read row by row, whatever its encoding and delimiter, without ever holding it whole.

It does not know what a column means. A row that does not fit is kept aside in `held` with its line number,
never dropped in silence and never the end of the reading: readers hand `held` on in their `Found`.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from hub.devices.exports.csv_text import MOST_CELL_CHARS, MOST_LINE_CHARS, Form, form_of, text_lines
from hub.devices.exports.found import Held
from hub.devices.exports.source import Source
from hub.devices.exports.written import duration_s, fold, number
from hub.errors import ExportUnreadable

__all__ = ["HeldRows", "Table", "duration_s", "fold", "has_cell", "number", "read_table", "rows_of"]

MOST_ROWS = 100_000_000
MOST_HELD = 1000
MOST_HELD_CHARS = 120
MOST_LINES_OF_A_ROW = 100
HEADER_WITHIN_ROWS = 100
NEVER_CLOSED = "a quote is opened here and never closed"


@dataclass(slots=True)
class HeldRows:
    """Rows put aside; after MOST_HELD of them the last entry only counts."""

    rows: list[Held] = field(default_factory=list)

    def add(self, line_no: int, reason: str, text: str, n: int = 1) -> None:
        """Put one aside, or `n` alike: where it starts, why, and its first characters."""
        if len(self.rows) < MOST_HELD:
            shown = text.replace("\0", "␀").strip()[:MOST_HELD_CHARS]
            self.rows.append(Held(f"line {line_no}", reason, shown, n))
        elif len(self.rows) == MOST_HELD:
            self.rows.append(Held(f"from line {line_no} on", "more rows like those before", n=n))
        else:
            last = self.rows[-1]
            self.rows[-1] = Held(last.where, last.reason, n=last.n + n)


@dataclass(slots=True)
class Table:
    """A table's columns and its rows to come: `rows` can be walked once and fills `held` on the way.

    Each row has as many cells as `header`; its line number counts from 1. `preamble` is what stands above
    the header.
    """

    header: list[str]
    header_line: int
    preamble: tuple[tuple[int, list[str]], ...]
    form: Form
    rows: Iterator[tuple[int, list[str]]]
    held_rows: HeldRows

    @property
    def decimal_comma(self) -> bool:
        """Whether 46,5 means 46.5 here."""
        return self.form.decimal_comma

    @property
    def held(self) -> tuple[Held, ...]:
        """The rows put aside so far."""
        return tuple(self.held_rows.rows)


def has_cell(*headings: str) -> Callable[[Sequence[str]], bool]:
    """A test for the header: whether all these headings, folded, stand in it."""
    wanted = {fold(heading) for heading in headings}
    return lambda cells: wanted <= {fold(cell) for cell in cells}


def read_table(
    source: Source,
    *,
    is_header: Callable[[Sequence[str]], bool] | None = None,
    form: Form | None = None,
    pads_short_rows: bool = False,
    most_rows: int = MOST_ROWS,
) -> Table:
    """The table under the first row that `is_header`, or under the first row of all.

    Blank rows are passed over, blank cells past the last column dropped; other rows that are longer or
    shorter than the header are held. Raises ExportUnreadable where there is no text or no header.
    """
    form = form or form_of(source)
    held = HeldRows()
    rows = rows_of(source, form, held)
    preamble: list[tuple[int, list[str]]] = []
    for line_no, cells in rows:
        if is_header is None or is_header(cells):
            header = [cell.strip() for cell in cells]
            while header and not header[-1]:
                header.pop()
            fitting = _fitting(rows, len(header), held, pads_short_rows, most_rows)
            return Table(header, line_no, tuple(preamble), form, fitting, held)
        preamble.append((line_no, cells))
        if len(preamble) == HEADER_WITHIN_ROWS:
            break
    if is_header is None and held.rows:
        first = held.rows[0]
        raise ExportUnreadable(
            f"none of its rows can be used: {first.reason} ({first.where}).", hint="Export it again."
        )
    raise ExportUnreadable(
        "the line with the names of its columns was not found.", hint="Export it again, with its first lines."
    )


def rows_of(source: Source, form: Form, held: HeldRows) -> Iterator[tuple[int, list[str]]]:
    """Every row that is not blank as (line number of its start, cells). Raises ExportUnreadable.

    A row that ends in no closing quote costs its first line only: reading goes on with the next.
    """
    feed = _Feed(text_lines(source, form.encoding))
    reader = csv.reader(feed, delimiter=form.delimiter, skipinitialspace=True, strict=True)
    while True:
        feed.start_row()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            _put_aside(feed, held, str(error))
            continue
        first = feed.lines[0]
        is_plain = len(feed.lines) == 1 and len(first) <= MOST_CELL_CHARS and "\0" not in first
        reason = "" if is_plain else _fault(feed, cells)
        if reason:
            held.add(feed.row_line, reason, first)
        elif first[:1].isalnum() or any(map(str.strip, cells)):
            yield feed.row_line, cells


class _Feed:
    """Lines for csv.reader, remembering those of the row it is in, so that they can be given again."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.waiting: deque[str] = deque()
        self.source = lines
        self.lines: list[str] = []
        self.row_line = 1

    def start_row(self) -> None:
        self.row_line += len(self.lines)
        self.lines = []

    def again_from_second(self) -> None:
        self.waiting.extendleft(reversed(self.lines[1:]))
        del self.lines[1:]

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        lines = self.lines
        if lines and (len(lines) >= MOST_LINES_OF_A_ROW or sum(map(len, lines)) > MOST_LINE_CHARS):
            raise csv.Error(NEVER_CLOSED)
        line = self.waiting.popleft() if self.waiting else next(self.source)
        lines.append(line)
        return line


def _put_aside(feed: _Feed, held: HeldRows, error: str) -> None:
    several = len(feed.lines) > 1 or "unexpected end" in error
    feed.again_from_second()
    long = len(feed.lines[0]) > MOST_LINE_CHARS or "field limit" in error
    reason = _too_long() if long else NEVER_CLOSED if several else "its quotes do not match"
    held.add(feed.row_line, reason, feed.lines[0])


def _fault(feed: _Feed, cells: list[str]) -> str:
    if len(feed.lines) == 1 and len(feed.lines[0]) > MOST_LINE_CHARS:
        return _too_long()
    if any("\0" in line for line in feed.lines):
        return "it holds NUL bytes"
    if sum(map(len, feed.lines)) > MOST_CELL_CHARS and max(map(len, cells), default=0) > MOST_CELL_CHARS:
        return f"a cell is longer than {MOST_CELL_CHARS:,} characters"
    return ""


def _too_long() -> str:
    return f"the line is longer than {MOST_LINE_CHARS:,} characters"


def _fitting(
    rows: Iterator[tuple[int, list[str]]], width: int, held: HeldRows, pads: bool, most_rows: int
) -> Iterator[tuple[int, list[str]]]:
    for n, (line_no, cells) in enumerate(rows):
        if n >= most_rows:
            raise ExportUnreadable(f"it has more than {most_rows:,} rows.", hint="Export single sessions.")
        if len(cells) != width:
            while len(cells) > width and not cells[-1].strip():
                cells.pop()
            if len(cells) < width and pads:
                cells.extend([""] * (width - len(cells)))
            if len(cells) != width:
                reason = f"it has {len(cells)} cells where the header has {width}"
                held.add(line_no, reason, ", ".join(cells))
                continue
        yield line_no, cells
