"""The form of a delimited text: its encoding, delimiter and decimal mark, told from its first bytes.

It knows no columns. Nothing is guessed from a file's name, and a byte that its encoding does not allow is
read as cp1252, so text from another program in the middle of a file does not end the reading.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from hub.devices.exports.source import Source
from hub.errors import ExportUnreadable

MOST_LINE_CHARS = 262_144
MOST_CELL_CHARS = 32_768
LOOKED_AT_LINES = 50
DELIMITERS = ("\t", ";", "|", ",")  # of equals the first wins: a comma may be a decimal mark
ELSE_CP1252 = "touchline-else-cp1252"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_CONTROL = bytes(c for c in range(32) if c not in b"\t\n\r\f\x1a")
_WITH_DOT = re.compile(r"[+-]?\d+\.\d+", re.ASCII)
_WITH_COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII)
_MAYBE_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+", re.ASCII)
_ONLY_WITH_COMMA = re.compile(r"\s*[+-]?\d+,\d+\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Form:
    """How a table is written down. `encoding` is a Python codec's name."""

    encoding: str
    delimiter: str
    decimal_comma: bool


def _else_cp1252(error: UnicodeError) -> tuple[str, int]:
    if isinstance(error, UnicodeDecodeError) and error.encoding.lower().startswith("utf-8"):
        return error.object[error.start : error.end].decode("cp1252", "replace"), error.end
    if isinstance(error, UnicodeDecodeError):
        return "\N{REPLACEMENT CHARACTER}", error.end
    raise error


codecs.register_error(ELSE_CP1252, _else_cp1252)


def form_of(source: Source) -> Form:
    """What the first 64 KiB tell. Raises ExportUnreadable when they are no text, or there are none."""
    head = source.head()
    if not head.strip():
        raise ExportUnreadable("it is empty.", hint="Export it again.")
    encoding = encoding_of(head)
    if not encoding.startswith(("utf-16", "utf-32")) and _n_control(head) * 10 > len(head):
        raise ExportUnreadable("it is not a table of text.", hint="Choose a CSV file.")
    lines = first_lines(head, encoding)
    delimiter = delimiter_of(lines)
    return Form(encoding, delimiter, has_decimal_comma(lines, delimiter))


def encoding_of(head: bytes) -> str:
    """By byte order mark, else UTF-16 by where its NULs stand, else UTF-8 if it is valid, else cp1252."""
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return encoding
    half = max(1, len(head) // 2)
    n_even, n_odd = head[0::2].count(0), head[1::2].count(0)
    if n_odd > 0.4 * half and n_even < 0.1 * half:
        return "utf-16-le"
    if n_even > 0.4 * half and n_odd < 0.1 * half:
        return "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def first_lines(head: bytes, encoding: str) -> list[str]:
    """The first whole lines, without those that hold nothing."""
    text = head.decode(encoding, ELSE_CP1252)
    lines = [line for line in io.StringIO(text, newline="") if line.strip()][: LOOKED_AT_LINES + 1]
    return lines[:LOOKED_AT_LINES] if len(lines) > 1 else lines


def delimiter_of(lines: Sequence[str]) -> str:
    """The candidate whose count outside quotes is the most constant above 0; "," where there is none."""
    if len(lines) > 1 and "," not in lines[0] and all(_ONLY_WITH_COMMA.fullmatch(line) for line in lines[1:]):
        return ";"  # one column of numbers with decimal commas
    best, best_share = ",", 0.0
    counted = list(_counts(lines))
    for delimiter in DELIMITERS:
        counts = Counter(counts[delimiter] for counts in counted)
        share = max((n for count, n in counts.items() if count > 0), default=0) / max(1, len(counted))
        if share > best_share:
            best, best_share = delimiter, share
    return best


def has_decimal_comma(lines: Sequence[str], delimiter: str) -> bool:
    """Whether numbers like 46,5 outnumber those like 46.5; "1,234" counts only where it is no group."""
    n_comma = n_dot = 0
    try:
        for cells in csv.reader(lines, delimiter=delimiter, skipinitialspace=True):
            for cell in map(str.strip, cells):
                n_dot += bool(_WITH_DOT.fullmatch(cell))
                grouped = delimiter == "," and _MAYBE_GROUPED.fullmatch(cell)
                n_comma += bool(_WITH_COMMA.fullmatch(cell)) and not grouped
    except csv.Error:
        pass  # what was counted so far decides; the row itself is told when it is read
    return n_comma > n_dot


def text_lines(source: Source, encoding: str) -> Iterator[str]:
    """Every line with its end, from the first; never more than MOST_LINE_CHARS + 1 characters of one.

    The rest of a longer line is passed over. Raises ExportUnreadable when the medium fails.
    """
    with io.TextIOWrapper(source.open(), encoding=encoding, errors=ELSE_CP1252, newline="") as stream:
        try:
            for line in iter(partial(stream.readline, MOST_LINE_CHARS + 1), ""):
                yield line
                while len(line) > MOST_LINE_CHARS and not line.endswith(("\n", "\r")):
                    line = stream.readline(MOST_LINE_CHARS + 1)
        except (OSError, EOFError) as error:
            raise ExportUnreadable(
                "reading it stopped before its end.", hint="Copy it again from where it came."
            ) from error


def _n_control(head: bytes) -> int:
    return len(head) - len(head.translate(None, _CONTROL))


def _counts(lines: Sequence[str]) -> Iterator[dict[str, int]]:
    """Each record's delimiters outside quotes; a line whose quote stays open is joined to the next."""
    quoted = False
    counts = dict.fromkeys(DELIMITERS, 0)
    for line in lines:
        for i, piece in enumerate(line.split('"')):
            if i:
                quoted = not quoted
            if not quoted:
                for delimiter in DELIMITERS:
                    counts[delimiter] += piece.count(delimiter)
        if not quoted:
            yield counts
            counts = dict.fromkeys(DELIMITERS, 0)
