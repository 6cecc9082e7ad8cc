"""What a file is, told from its first bytes alone: the table of all formats and who reads each.

A name never decides; a file that calls itself .gpx may be anything. Readers load when first needed, so a
FIT file costs no spreadsheet library. It reads nothing beyond the head.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

from hub.devices.exports.found import Found, Setting
from hub.devices.exports.head import Head
from hub.devices.exports.source import Source
from hub.errors import ExportUnreadable

WORKBOOK_START = re.compile(rb"PK\x03\x04.{26}(\[Content_Types\]\.xml|_rels/|docProps/|xl/)", re.DOTALL)
WORKBOOK_PART = re.compile(rb"PK\x03\x04.{26}xl/", re.DOTALL)
EXPORTS = "hub.devices.exports"

Reader = Callable[[Source, Setting], Found]


@dataclass(frozen=True, slots=True)
class Kind:
    """A format: how it is called, what gives it away, and the reader as "module:function"."""

    name: str
    suits: Callable[[Head], bool]
    reader: str
    is_certain: bool = True  # False where the content would also suit something that is no export

    def load(self) -> Reader:
        """The reader itself; its module is imported now."""
        module, _, function = self.reader.partition(":")
        return cast(Reader, _named(module, function))


@dataclass(frozen=True, slots=True)
class Stranger:
    """Something people drop by mistake, with what to say about it."""

    suits: Callable[[Head], bool]
    sentence: str
    hint: str


def kind_of(source: Source) -> Kind:
    """The format of a file. Raises ExportUnreadable for one that no reader takes, saying what it is."""
    head = Head(source)
    for kind in KINDS:
        if kind.suits(head):
            return kind
    for stranger in STRANGERS:
        if stranger.suits(head):
            raise ExportUnreadable(stranger.sentence, hint=stranger.hint)
    if not head.text:
        raise ExportUnreadable(
            "it is of no kind that is known here.",
            hint="Choose a FIT, TCX, GPX, CSV or XLSX file, or the zip that the maker's site gives out.",
        )
    return OTHER_TABLE


def is_export(source: Source) -> bool:
    """Whether the content is surely one of the formats; for choosing files that nobody named."""
    try:
        return kind_of(source).is_certain
    except ExportUnreadable:
        return False


def _named(module: str, function: str) -> Any:
    return getattr(import_module(f"{EXPORTS}.{module}"), function)


def _starts(*magic: bytes) -> Callable[[Head], bool]:
    return lambda head: head.data.startswith(magic)


def _root(*names: str) -> Callable[[Head], bool]:
    return lambda head: head.root in names


def _row(*names: str, within: int = 1) -> Callable[[Head], bool]:
    return lambda head: head.has_row(*names, within=within)


def _is_fit(head: Head) -> bool:
    return head.data[8:12] == b".FIT"


def is_table(source: Source) -> bool:
    """Whether text has the shape of a table: most of its first lines with equally many cells, two or more."""
    widths = [len(row) for row in Head(source).rows if any(cell.strip() for cell in row)]
    commonest = max(set(widths), key=widths.count, default=0)
    return commonest >= 2 and len(widths) >= 2 and widths.count(commonest) > len(widths) / 2


def is_workbook(source: Source) -> bool:
    """Whether a zip is an .xlsx workbook, by the names of its first files."""
    return _is_workbook(Head(source))


def _is_workbook(head: Head) -> bool:
    return bool(WORKBOOK_START.match(head.data) and WORKBOOK_PART.search(head.data))


def _heading(module: str, function: str) -> Callable[[Head], bool]:
    """A detector beside its reader that judges a table's heading, wherever in the first rows it stands."""

    def suits(head: Head) -> bool:
        if not head.rows:
            return False
        detector: Callable[[Sequence[str], str], bool] = getattr(
            import_module(f"{EXPORTS}.{module}"), function
        )
        return any(detector(row, head.source.name) for row in head.rows)

    return suits


def _start(module: str, function: str) -> Callable[[Head], bool]:
    """A detector beside its reader that judges the first bytes; they must be text."""

    def suits(head: Head) -> bool:
        if not head.text:
            return False
        detector: Callable[[bytes, str], bool] = _named(module, function)
        return detector(head.data, head.source.name)

    return suits


def _is_rr_text(head: Head) -> bool:
    """A detector beside its reader that judges text."""
    detector: Callable[[str, str], bool] = _named("rr_text", "is_rr_text")
    return bool(head.text) and detector(head.text, head.source.name)


KINDS: tuple[Kind, ...] = (
    Kind("FIT", _is_fit, "fit:read_fit"),
    Kind("TCX", _root("TrainingCenterDatabase"), "tcx:read_tcx"),
    Kind("GPX", _root("gpx"), "gpx:read_gpx"),
    Kind("Apple Health", _root("HealthData"), "apple:read_apple"),
    Kind("Polar XML", _root("polar-exercise-data"), "polar_xml:read_polar_xml"),
    Kind("Polar Team Pro XLSX", _is_workbook, "polar_team:read_polar_team"),
    Kind("Polar Team Pro CSV", _start("polar_team", "is_polar_team_csv"), "polar_team:read_polar_team"),
    Kind(
        "Polar account JSON", _start("polar_account", "is_polar_account"), "polar_account:read_polar_account"
    ),
    Kind("Polar Flow JSON", _start("polar_flow", "is_polar_flow_json"), "polar_flow:read_polar_flow_json"),
    Kind("HRM", _start("polar_hrm", "is_polar_hrm"), "polar_hrm:read_polar_hrm"),
    Kind("Polar RR CSV", _start("polar_rr", "is_polar_rr_csv"), "polar_rr:read_polar_rr_csv"),
    Kind("Polar Flow CSV", _start("polar_flow", "is_polar_flow_csv"), "polar_flow:read_polar_flow_csv"),
    Kind("WHOOP CSV", _heading("whoop", "is_whoop"), "whoop:read_whoop"),
    Kind("Catapult CSV", _heading("catapult", "is_catapult"), "catapult:read_catapult"),
    Kind("Catapult raw", _heading("catapult_raw", "is_catapult_raw"), "catapult_raw:read_catapult_raw"),
    Kind("STATSports CSV", _heading("statsports", "is_statsports"), "statsports:read_statsports"),
    Kind("RR text", _is_rr_text, "rr_text:read_rr_text"),
)
OTHER_TABLE = Kind("CSV", bool, "generic_csv:read_generic", is_certain=False)

STRANGERS: tuple[Stranger, ...] = (
    Stranger(lambda head: not head.data, "it is empty.", "Copy it again; it did not arrive whole."),
    Stranger(
        _starts(b"MZ", b"\x7fELF"), "it is a program, not an export.", "Choose the file from the watch."
    ),
    Stranger(
        _starts(b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF"),
        "it is a picture or a film, not an export.",
        "Choose the data file beside it.",
    ),
    Stranger(_starts(b"%PDF"), "it is a PDF, made to be read by people.", "Export the data as CSV or FIT."),
    Stranger(
        _starts(b"\xd0\xcf\x11\xe0"),
        "it is an old Excel workbook (.xls).",
        "Save it as .xlsx or CSV and retry.",
    ),
    Stranger(
        _starts(b"7z\xbc\xaf", b"Rar!"),
        "it is packed in a way that is not known here.",
        "Unpack it and retry.",
    ),
    Stranger(
        _starts(b"PK\x03\x04", b"PK\x05\x06"), "it is an archive in an archive.", "Unpack the outer one."
    ),
    Stranger(_starts(b"\x1f\x8b"), "it is packed twice over.", "Unpack it and retry."),
    Stranger(_starts(b"SQLite format 3"), "it is a database, not an export.", "Use the app's own export."),
    Stranger(
        lambda head: head.root.lower() == "html" or head.text.lstrip()[:14].lower() == "<!doctype html",
        "it is a web page, not the file.",
        "Sign in at the maker's site and download the export again.",
    ),
    Stranger(
        _root("ClinicalDocument"),
        "it is Apple's clinical document, without samples.",
        "Import export.xml beside it.",
    ),
    Stranger(
        lambda head: bool(head.root) or head.text.lstrip().startswith("<"),
        "it is XML of a kind that is not known here.",
        "Choose a TCX or GPX file.",
    ),
    Stranger(
        lambda head: head.text.lstrip()[:1] in ("{", "["),
        "it is JSON of a kind that is not known here.",
        "Choose the session files of a Polar Flow export, or another format.",
    ),
)
