"""An XML file as a stream of opened and closed elements by local name, within limits no real export meets.

Nothing is kept of what has passed, so memory stays flat; a prefix needs no declaration, as some makers forget
it. It knows no format and builds no tree.
"""

from __future__ import annotations

from collections.abc import Callable
from xml.parsers.expat import XMLParserType
from xml.sax import SAXParseException
from xml.sax.xmlreader import InputSource

from defusedxml.common import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from hub.devices.exports.source import Source
from hub.devices.exports.xml_text import clean_chunks
from hub.errors import ExportUnreadable

MOST_DEPTH = 64
MOST_CHARS = 1 << 20
MOST_NAMES = 4_096
TEXT_BUFFER = 1 << 16
FROM_THE_APP = "Export it again from the app itself."


class Listener:
    """Told of each element as it passes; `text` is what stands behind its last child, or all without one.

    Elements named `row_name` are told whole, once they end: their attributes, and the texts of those below
    that have a column, however deep. Nothing else is said of what is in them.
    """

    row_name = ""

    def column_of(self, name: str) -> str | None:
        """The column that elements of this name fill in a row, None for none."""
        return None

    def row(self, attributes: dict[str, str], texts: dict[str, str]) -> None:
        """A whole row; blanks may stand around the texts."""

    def open(self, name: str, attributes: dict[str, str]) -> None:
        """An element outside rows begins."""

    def close(self, name: str, text: str) -> None:
        """It ends."""


def listen(source: Source, root: str, listener: Listener) -> str | None:
    """Tell the listener of every element; a sentence where the end is missing or broken, else None.

    Raises ExportUnreadable where the root has another name, a limit is passed or entities are declared.
    """
    parser = _Parser(root, listener)
    n_skipped = 0
    try:
        for chunk, n_lines in clean_chunks(source):
            n_skipped = n_lines
            parser.read(chunk)
        parser.close()
    except DefusedXmlException as error:
        raise ExportUnreadable(
            "it declares XML entities, which no export needs.", hint=FROM_THE_APP
        ) from error
    except SAXParseException as error:
        if parser.is_complete:
            return None
        line = (error.getLineNumber() or 1) + n_skipped
        return f"It breaks off or is damaged at line {line}; what stands before was read."
    return None


class _Known(dict[str, str | None]):
    """What a name as written stands for: worked out once, and remembered for a limited number of names."""

    def __init__(self, work_out: Callable[[str], str | None]) -> None:
        self.work_out = work_out

    def __missing__(self, written: str) -> str | None:
        if len(self) >= MOST_NAMES:
            raise ExportUnreadable("it has more kinds of elements than any export.", hint=FROM_THE_APP)
        found = self[written] = self.work_out(written.rpartition(":")[2])
        return found


class _Parser(DefusedExpatParser):
    """Expat with defusedxml's guards and our limits, its handlers called without a layer between.

    Text is gathered by list.append, so blanks between elements cost no call of ours.
    """

    _source: InputSource
    _parser: XMLParserType | None

    def __init__(self, root: str, listener: Listener) -> None:
        super().__init__(forbid_dtd=True)
        self._source.setEncoding("utf-8")
        self.root, self.listener = root, listener
        self.is_complete = False
        self.n_bytes = 0
        self.texts: list[str] = []

    def reset(self) -> None:
        super().reset()
        assert self._parser is not None
        self._parser.buffer_size = TEXT_BUFFER
        self._parser.CharacterDataHandler = self.texts.append
        self._parser.StartElementHandler, self._parser.EndElementHandler = self._handlers()

    def _handlers(self) -> tuple[Callable[[str, dict[str, str]], None], Callable[[str], None]]:
        listener, texts, row_name = self.listener, self.texts, self.listener.row_name
        names, columns = _Known(lambda name: name), _Known(listener.column_of)
        tell_open, tell_close, tell_row = listener.open, listener.close, listener.row
        most_depth, forget, joined = MOST_DEPTH, texts.clear, "".join  # found faster than from outside
        depth = row_depth = 0
        row_attributes: dict[str, str] = {}
        row: dict[str, str] = {}

        def opened(written: str, attributes: dict[str, str]) -> None:
            nonlocal depth, row_depth, row_attributes, row
            depth += 1
            if depth > most_depth:
                raise _too_deep()
            if row_depth:
                return
            forget()
            name = names[written] or ""
            if depth == 1 and name != self.root:
                raise _other_root(name, self.root)
            if name == row_name:
                row_depth, row_attributes, row = depth, attributes, {}
            else:
                tell_open(name, attributes)

        def closed(written: str) -> None:
            nonlocal depth, row_depth
            if not row_depth:
                depth -= 1
                self.is_complete = depth == 0
                tell_close(names[written] or "", joined(texts))
            elif depth > row_depth:
                depth -= 1
                column = columns[written]
                if column is not None:
                    row[column] = joined(texts)
            else:
                depth, row_depth = depth - 1, 0
                tell_row(row_attributes, row)
            forget()

        return opened, closed

    def read(self, chunk: bytes) -> None:
        """Feed a piece. Raises ExportUnreadable where a text, attribute or comment is longer than a limit."""
        self.n_bytes += len(chunk)
        self.feed(chunk)
        assert self._parser is not None
        unfinished = self.n_bytes - self._parser.CurrentByteIndex
        if unfinished > MOST_CHARS + len(chunk) or sum(map(len, self.texts)) > MOST_CHARS:
            raise _too_long()


def _too_deep() -> ExportUnreadable:
    return ExportUnreadable(
        f"its elements are nested more than {MOST_DEPTH} deep, as in no export.", hint=FROM_THE_APP
    )


def _other_root(name: str, root: str) -> ExportUnreadable:
    return ExportUnreadable(
        f"its outermost element is <{name[:40]}>, not <{root}>.", hint="Choose another file."
    )


def _too_long() -> ExportUnreadable:
    return ExportUnreadable("it has a text of more than 1 MiB, as no export has.", hint=FROM_THE_APP)
