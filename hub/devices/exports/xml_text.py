"""An XML file's bytes as clean UTF-8 from its root element on, whatever encoding and blanks it came with.

Declarations and comments before the root are passed over, a document type too (a phone's own is malformed);
one that declares entities is refused. Characters that XML forbids are dropped; nothing else is mended.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from hub.devices.exports.csv_text import ELSE_CP1252, encoding_of
from hub.devices.exports.source import HEAD_BYTES, Source
from hub.errors import ExportUnreadable

MOST_PROLOG_CHARS = 1 << 20
_BLANK = " \t\r\n\f\v\0\ufeff"
_CONTROL = bytes(code for code in range(32) if code not in b"\t\r\n")
_NEVER = (b"\xef\xbf\xbe", b"\xef\xbf\xbf")  # U+FFFE and U+FFFF
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_ONE_BYTE = re.compile(r"(?:iso-?8859-?\d{1,2}|(?:windows|cp)-?\d{3,4}|latin-?1|koi8-[ru]|mac[a-z-]*)", re.I)
_SUBSET_END = re.compile(r"\]\s*>")
_NO_XML = ("it is not XML throughout.", "Export it again.")


def clean_chunks(source: Source) -> Iterator[tuple[bytes, int]]:
    """UTF-8 pieces from the root element on, with the number of lines passed over before the first one.

    Raises ExportUnreadable where it is no XML, declares entities, or the medium fails.
    """
    try:
        with source.open() as stream:
            head = stream.read(HEAD_BYTES)
            decoder = codecs.getincrementaldecoder(_encoding(head))(ELSE_CP1252)
            text, n_skipped = "", None
            chunk = head
            while True:
                text += decoder.decode(chunk, not chunk)
                if n_skipped is None:
                    at = _root_at(text, is_whole=not chunk)
                    if at is not None:
                        n_skipped, text = text.count("\n", 0, at), text[at:]
                if n_skipped is not None:
                    yield _allowed(text), n_skipped
                    text = ""
                if not chunk:
                    return
                chunk = stream.read(HEAD_BYTES)
    except (OSError, EOFError) as error:
        raise ExportUnreadable(
            "reading it stopped before its end.", hint="Copy it again from where it came."
        ) from error


def _encoding(head: bytes) -> str:
    """What the bytes say; a declaration counts only between encodings that the bytes cannot tell apart."""
    told = encoding_of(head)
    if told != "cp1252":
        return told
    declared = _DECLARED.search(head)
    name = declared[1].decode("ascii") if declared else ""
    if not _ONE_BYTE.fullmatch(name):
        return "utf-8"  # letters of cp1252 in between are read as such
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "utf-8"


def _allowed(text: str) -> bytes:
    data = text.encode("utf-8", "replace").translate(None, _CONTROL)
    for never in _NEVER:
        if never in data:
            data = data.replace(never, b"")
    return data


def _root_at(text: str, *, is_whole: bool) -> int | None:
    """Where the root element starts; None while more text is needed to know."""
    at, size = 0, len(text)
    while True:
        at = size - len(text[at:].lstrip(_BLANK))
        end = _end_of_aside(text, at)
        if end == at:
            if at < size and text[at] != "<":
                raise ExportUnreadable(_NO_XML[0], hint=_NO_XML[1])
            if at < size - 1 or is_whole:
                return at
        if end is None or end == at:
            if is_whole or size > MOST_PROLOG_CHARS:
                _refuse_entities(text[at:])
                raise ExportUnreadable("it ends before its first element.", hint="Export it again.")
            return None
        at = end


def _end_of_aside(text: str, at: int) -> int | None:
    """The end of a declaration, comment or document type at this place; the place itself where none is."""
    for start, stop in (("<?", "?>"), ("<!--", "-->")):
        if text.startswith(start, at):
            end = text.find(stop, at + len(start))
            return None if end < 0 else end + len(stop)
    if not text.startswith("<!", at):
        return at
    if len(text) < at + 4:
        return None
    close, subset = text.find(">", at), text.find("[", at)
    if close < 0 or 0 <= subset < close:
        found = _SUBSET_END.search(text, subset) if subset >= 0 else None
        if found is None:
            return None
        close = found.end() - 1
    _refuse_entities(text[at:close])
    return close + 1


def _refuse_entities(text: str) -> None:
    if "<!ENTITY" in text:
        raise ExportUnreadable(
            "it declares XML entities, which no export needs.", hint="Export it again from the app itself."
        )
