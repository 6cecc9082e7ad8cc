"""An XLSX workbook's sheets as rows of text, opened only after its zip directory was found harmless.

It computes no formula and follows no link: what was stored is what is read.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta

from hub.devices.exports.source import Source
from hub.errors import ExportUnreadable

MOST_BYTES, MOST_UNPACKED, MOST_MEMBERS = 16 << 20, 24 << 20, 500
MOST_RATIO, RATIO_COUNTS_FROM = 200, 8 << 20
MOST_SHEETS, MOST_COLUMNS, MOST_CELL_CHARS = 20, 300, 1000
NOT_A_WORKBOOK = "it is not an Excel workbook that can be read."
SAVE_AGAIN = "Open it in a spreadsheet, save it as .xlsx or CSV, and try again."


def sheets_of(source: Source, most_rows: int) -> Iterator[list[list[str]]]:
    """Each sheet's rows of cells as text. Raises ExportUnreadable for anything that is no sound workbook."""
    data = source.read(MOST_BYTES)
    _guard(data)
    from openpyxl import load_workbook  # it takes 30 MB, so only where a workbook is read

    try:
        with warnings.catch_warnings():  # of styles and extensions that are not read anyway
            warnings.simplefilter("ignore")
            book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
            names = book.sheetnames[:MOST_SHEETS]
            for name in names:
                sheet = book[name]
                rows = sheet.iter_rows(max_row=most_rows, max_col=MOST_COLUMNS, values_only=True)
                yield [_cells(row) for row in rows]
            book.close()
    except ExportUnreadable:
        raise
    except Exception as error:  # openpyxl raises whatever a broken part of the XML leads to
        raise ExportUnreadable(NOT_A_WORKBOOK, hint=SAVE_AGAIN) from error


def _cells(row: Sequence[object]) -> list[str]:
    width = next((n for n in range(len(row), 0, -1) if row[n - 1] is not None), 0)
    return [as_text(cell) for cell in row[:width]]


def as_text(cell: object) -> str:
    """A cell as a CSV would have it: dates and times in ISO form, durations as h:mm:ss."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.replace(microsecond=0).isoformat(" ")
    if isinstance(cell, (date, time)):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        seconds = round(cell.total_seconds())
        return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}" if seconds >= 0 else ""
    if isinstance(cell, float):
        return f"{cell:.12g}"
    return str(cell)[:MOST_CELL_CHARS]


def _guard(data: bytes) -> None:
    """Raises ExportUnreadable where the directory tells of more than a workbook of totals ever has."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise ExportUnreadable(NOT_A_WORKBOOK, hint=SAVE_AGAIN) from error
    unpacked = sum(member.file_size for member in members)
    is_bomb = unpacked > RATIO_COUNTS_FROM and unpacked > MOST_RATIO * max(1, len(data))
    if len(members) > MOST_MEMBERS or unpacked > MOST_UNPACKED or is_bomb:
        raise ExportUnreadable(
            f"it unpacks to {len(members)} parts of {unpacked >> 20} MiB, too much for a workbook of totals.",
            hint="Export one session at a time.",
        )
