"""Lines of plain numbers become one or two columns, whatever parts them and whichever decimal mark they use.

Notes and comments among them are passed over by their marks; any other line that is no number is held.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hub.devices.exports.csv_text import text_lines
from hub.devices.exports.found import Floats
from hub.devices.exports.source import Source
from hub.devices.exports.table import HeldRows
from hub.devices.exports.written import number
from hub.errors import ExportUnreadable

MOST_LINES = 2_000_000
MOST_CHARS = 200
HEADING_WITHIN_LINES = 40
_COMMENT = re.compile(r"\s*(#|//|;|%|\[|notiz:|note:|[^\W\d][^:]{0,40}:)", re.IGNORECASE)
_GAP = re.compile(r"\s*[;\t| ]\s*")
_ONE_COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Numbers:
    """Columns (n,) of a list: one, or two where each line holds two. `comments` are the lines passed over."""

    columns: tuple[Floats, ...]
    comments: tuple[str, ...]


def numbers_of(source: Source, encoding: str, held: HeldRows, skip_lines: int = 0) -> Numbers:
    """The numbers of all lines after the first `skip_lines`. Raises ExportUnreadable.

    A line with more or fewer numbers than most is held.
    """
    lines: list[tuple[int, str]] = []
    comments: list[str] = []
    for line_no, raw in enumerate(text_lines(source, encoding), 1):
        line = raw.strip("\r\n\t \0\ufeff\x1a")
        if line_no <= skip_lines or not line:
            continue
        if _COMMENT.match(line) or (line_no <= HEADING_WITHIN_LINES and not lines and _is_words(line)):
            comments.append(line[:MOST_CHARS])
            continue
        if len(lines) >= MOST_LINES or len(comments) >= MOST_LINES:
            raise ExportUnreadable(
                f"it has more than {MOST_LINES:,} lines.", hint="Export single recordings."
            )
        if len(line) > MOST_CHARS:
            held.add(line_no, "it is no RR interval", line)
            continue
        lines.append((line_no, line))
    is_decimal = comma_is_decimal([line for _, line in lines])
    rows = [(line_no, line, split(line, is_decimal)) for line_no, line in lines]
    width = _usual_width([cells for _, _, cells in rows])
    good: list[list[float]] = []
    for line_no, line, cells in rows:
        values = [number(cell, is_decimal) for cell in cells[:2]]
        if len(cells) != width or any(value is None for value in values):
            held.add(line_no, "it is no RR interval", line)
        else:
            good.append([value for value in values if value is not None])
    table = np.array(good, np.float64).reshape(len(good), min(width, 2))
    return Numbers(tuple(table.T), tuple(comments))


def comma_is_decimal(lines: Sequence[str]) -> bool:
    """Whether 0,790 is one number here, not two.

    It is two where what stands before the commas is a clock that runs on by what stands behind them.
    """
    with_comma = [line for line in lines if "," in line]
    if not with_comma or any("." in line for line in with_comma):
        return False
    if not all(_ONE_COMMA.fullmatch(cell) for line in with_comma for cell in _GAP.split(line) if "," in cell):
        return False
    pairs = [
        cell.split(",") for line in with_comma if (cell := line.strip()[:30]) and _ONE_COMMA.fullmatch(cell)
    ]
    if len(pairs) < 3 or any(after.startswith("0") for _, after in pairs):
        return True
    clock, beside = [int(before) for before, _ in pairs], [int(after) for _, after in pairs]
    if clock[-1] <= clock[0] or any(b < a for a, b in pairwise(clock)):
        return True
    ratio = sum(beside[1:]) / (clock[-1] - clock[0])
    return not any(0.7 < ratio / unit < 1.3 for unit in (1, 1000))


def split(line: str, is_decimal: bool) -> list[str]:
    """A line's cells without blank ones at its end."""
    cells = (
        _GAP.split(line)
        if is_decimal
        else [cell for part in line.split(",") for cell in _GAP.split(part.strip())]
    )
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _is_words(line: str) -> bool:
    return any(c.isalpha() for c in line) and number(line, True) is None and line.casefold() != "nan"


def _usual_width(rows: Sequence[Sequence[str]]) -> int:
    widths = [len(cells) for cells in rows]
    return max(set(widths), key=widths.count, default=1)
