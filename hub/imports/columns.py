"""A table nobody knows, as a person is asked about it: choices with plain names, and a mapping from answers.

It reads no file; whether a mapping fits is judged where the table is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.devices.exports import sniff
from hub.devices.exports.csv_guess import CsvColumn as CsvColumn
from hub.devices.exports.csv_meanings import MEANINGS
from hub.devices.exports.written_time import date_order
from hub.imports.jobs import FileProgress

KINDS = (
    ("samples", "one moment of a session"),
    ("sessions", "one whole session"),
    ("days", "one day"),
)
DATE_ORDERS = (
    ("ymd", "year first: 2026-03-01"),
    ("dmy", "day first: 01.03.2026"),
    ("mdy", "month first: 03/01/2026"),
)
ASKED_THERE = "imports page"  # as every refusal says that a mapping would help
DECIMALS = ((".", "a point: 12.5"), (",", "a comma: 12,5"))
NAMES = {"rr": "RR interval", "rpe": "RPE", "hrv_rmssd": "HRV (RMSSD)", "title": "session title"}


@dataclass(frozen=True, slots=True)
class Choice:
    """What a column may mean; with more than one unit the unit must be said."""

    meaning: str
    name: str
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answers:
    """What a person said: by column its meaning and unit, and how the table is written.

    A start is no part of it: it is one file's own, and the mapping is kept for every file with this header.
    """

    kind: str
    columns: Mapping[str, tuple[str, str]]
    date_order: str
    decimal: str
    sport: str = ""
    title: str = ""


def choices() -> tuple[Choice, ...]:
    """Everything a column can mean, in the order people are offered it."""
    return tuple(
        Choice(it.name, NAMES.get(it.name, it.name.replace("_", " ")), tuple(filter(None, it.units)))
        for it in MEANINGS.values()
    )


def mapping_of(answers: Answers, guessed: Mapping[str, object], names: Sequence[str]) -> dict[str, Any]:
    """The mapping that the answers and the guess about the writing make; columns not in `names` are left."""
    columns = {
        name: {"meaning": meaning, "unit": unit}
        for name, (meaning, unit) in answers.columns.items()
        if meaning and name in names
    }
    said = {
        "kind": answers.kind,
        "date_order": answers.date_order,
        "decimal": answers.decimal,
        "sport": answers.sport,
        "title": answers.title,
    }
    return {**guessed, **{key: value for key, value in said.items() if value}, "columns": columns}


def order_of_dates(cells: Iterable[str]) -> str:
    """The order that these dates prove, "" where a person must say."""
    order = date_order(cells)
    return order.value if order else ""


def is_unknown_table(file: FileProgress) -> bool:
    """Whether a file ended as a table that a mapping could make readable."""
    return any(
        it.status == "failed" and it.format == sniff.OTHER_TABLE.name and ASKED_THERE in it.hint
        for it in file.outcomes
        if it.name == file.name  # a table inside an archive has no place to be opened from
    )
