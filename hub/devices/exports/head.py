"""The first bytes of a file, seen as bytes, as text and as the rows of a table.

It says what stands there and judges nothing; what the format is, the table in sniff decides.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from functools import cached_property

from hub.devices.exports.source import HEAD_BYTES, Source

MOST_LINES = 40
LONGEST_LINE = 60_000
DELIMITERS = ";,\t|"
XML_ROOT = re.compile(r"<(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)[\s/>]")
XML_COMMENT = re.compile(r"<!--.*?(?:-->|$)", re.DOTALL)


class Head:
    """`data` and what follows from it; a cut-off letter or line at its end is let go."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.data = source.head(HEAD_BYTES)

    @cached_property
    def text(self) -> str:
        """The bytes as text, "" where they are none."""
        return _text(self.data)

    @cached_property
    def root(self) -> str:
        """The outermost XML element's local name, "" for anything but XML."""
        if not self.text.lstrip().startswith("<"):
            return ""
        found = XML_ROOT.search(XML_COMMENT.sub("", self.text))
        return found[1] if found else ""

    @cached_property
    def rows(self) -> list[list[str]]:
        """The first lines cut into cells by the commonest delimiter; empty for what is no text."""
        lines = [line[:LONGEST_LINE] for line in self.text.splitlines()[:MOST_LINES]]
        if not lines:
            return []
        delimiter = max(DELIMITERS, key=lambda mark: max(line.count(mark) for line in lines))
        try:
            return list(csv.reader(lines, delimiter=delimiter))
        except csv.Error:
            return []

    @cached_property
    def cells(self) -> list[set[str]]:
        """Each row's cells, folded for comparing."""
        return [{folded(cell) for cell in row} for row in self.rows]

    def has_row(self, *names: str, within: int = MOST_LINES) -> bool:
        """Whether one of the first rows has all of these (folded) cells."""
        return any(set(names) <= cells for cells in self.cells[:within])


def folded(text: str) -> str:
    """Letters and digits of a heading, lower case and without accents, one space between words."""
    plain = unicodedata.normalize("NFKD", text[:200]).casefold()
    return " ".join(re.findall(r"[a-z0-9]+", "".join(c for c in plain if not unicodedata.combining(c))))


def _text(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data[: len(data) & ~1].decode("utf-16", "replace").replace("\0", "")
    evens, odds = data[0:512:2].count(0), data[1:512:2].count(0)
    if len(data) >= 4 and max(evens, odds) > len(data[:512]) * 0.4:
        return data.decode("utf-16-be" if evens > odds else "utf-16-le", "replace").replace("\0", "")
    strange = sum(data.count(code) for code in (*range(9), *range(14, 32)))
    if strange > 2 + len(data) // 500:
        return ""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start >= len(data) - 4 and len(data) == HEAD_BYTES:  # a letter cut in two by the head's end
            return data[: error.start].decode("utf-8-sig")
        return data.decode("cp1252", "replace")
