"""A table of an unknown maker becomes sessions or days, by a mapping or where its headings leave no doubt.

It guesses no unit, no date order and no start: what is open is asked, once a club, on the imports page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from itertools import islice

from hub.devices.exports.csv_guess import (
    CsvColumn,
    CsvGuess,
    Question,
    detect,
    header_signature,
    nothing_usable,
    open_table,
)
from hub.devices.exports.csv_mapping import Plan, plan_of
from hub.devices.exports.csv_rows import Cells, iso_local
from hub.devices.exports.csv_sessions import MOST_MOMENTS, days, samples, sessions, too_many_rows
from hub.devices.exports.found import Found, Held, Setting
from hub.devices.exports.source import HEAD_BYTES, Source
from hub.devices.exports.written_time import time_in_name
from hub.errors import ExportUnreadable

__all__ = [
    "CsvColumn", "CsvGuess", "Preview", "Question", "detect", "header_signature", "preview", "read_generic",
]  # fmt: skip

ASK = "Open it on the imports page and say what each column is."
MOST_NAMED = 12
MOST_PREVIEWED = 500
NOT_COUNTED = frozenset(
    {"time", "date", "time_of_day", "elapsed", "athlete", "shirt_number", "sport", "title"}
)


@dataclass(frozen=True, slots=True)
class Preview:
    """The first rows as a mapping reads them: `rows` are (line number, a value for each of `headings`)."""

    headings: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str | float | None, ...]], ...]
    held: tuple[Held, ...]


def read_generic(source: Source, setting: Setting) -> Found:
    """The table under `setting.mapping`, or as its headings say. Raises ExportUnreadable.

    Without a mapping a table with open questions is refused; so is one with more than MOST_MOMENTS rows.
    """
    _refuse_far_too_many(source)
    mapping = setting.mapping
    if mapping is None:
        guess = detect(source)
        if guess.questions:
            raise _unknown(guess)
        mapping = guess.mapping()
    table = open_table(source, mapping)
    plan = _started(plan_of(mapping, table.header, table.form, setting.zone), source.name)
    cells_of = Cells(plan, table.held_rows)
    found = Found(format="CSV", provider="")
    if plan.kind == "days":
        found = replace(found, daily=tuple(days(table, plan, cells_of)))
    else:
        read = sessions if plan.kind == "sessions" else samples
        found = replace(found, sessions=tuple(read(table, plan, cells_of)))
    if not found.sessions and not found.daily:
        raise nothing_usable(table)
    return replace(found, held=table.held, warnings=_warnings(plan))


def preview(source: Source, mapping: Mapping[str, object], rows: int = 20, zone: tzinfo = UTC) -> Preview:
    """The first rows as the mapping reads them, times as local text. Raises ExportUnreadable."""
    table = open_table(source, mapping)
    plan = _started(plan_of(mapping, table.header, table.form, zone), source.name)
    cells_of = Cells(plan, table.held_rows)
    others = [
        column for column in plan.columns.values() if column.meaning.name not in ("date", "time_of_day")
    ]
    others = [column for column in others if column.meaning.name not in ("time", "elapsed")]
    shown: list[tuple[int, tuple[str | float | None, ...]]] = []
    for line_no, cells in islice(table.rows, min(rows, MOST_PREVIEWED)):
        when = cells_of.when(line_no, cells)
        values: list[str | float | None] = [iso_local(when) if when else None]
        for column in others:
            is_number = column.meaning.is_number
            text = cells_of.text(cells, column.meaning.name)
            values.append(cells_of.value(line_no, cells, column) if is_number else text)
        shown.append((line_no, tuple(values)))
    headings = ("time", *(column.heading for column in others))
    return Preview(headings, tuple(shown), table.held)


def _refuse_far_too_many(source: Source) -> None:
    """Refuse at once what would be refused after minutes of reading, by the length of the first lines."""
    head = source.head()
    n_lines = max(1, head.count(b"\n"), head.count(b"\r"))
    about = n_lines * source.size_bytes // HEAD_BYTES if len(head) == HEAD_BYTES else n_lines
    if about > 2 * MOST_MOMENTS:
        raise too_many_rows(MOST_MOMENTS)


def _started(plan: Plan, name: str) -> Plan:
    """The plan with its start, which times elapsed need. Raises ExportUnreadable where nothing tells it."""
    has = plan.columns.keys()
    if not has & {"time", "date", "elapsed"}:
        raise ExportUnreadable("none of its columns is a time.", hint=ASK)
    if not has - NOT_COUNTED:
        raise ExportUnreadable("none of its columns holds a value that is kept.", hint=ASK)
    if has & {"time", "date"} or plan.started_at:
        return plan
    start = time_in_name(name)
    if start is None:
        raise ExportUnreadable(
            "its times count from a start that it does not tell.",
            hint='Give the start on the imports page, or name the file like "2026-03-01 18-30-00.csv".',
        )
    return replace(plan, started_at=start)


def _unknown(guess: CsvGuess) -> ExportUnreadable:
    names = [column.name for column in guess.columns]
    listed = ", ".join(names[:MOST_NAMED])
    if len(names) > MOST_NAMED:
        listed += f" and {len(names) - MOST_NAMED:,} more"
    asked = " ".join(question.text for question in guess.questions[:2])
    if all(question.about == "columns" and not question.column for question in guess.questions):
        asked = ""
    if guess.held:
        asked = f"{asked} Of {guess.held[0].where}: {guess.held[0].reason}.".strip()
    return ExportUnreadable(
        f"it is a table that Touchline does not know: columns {listed}.", hint=f"{ASK} {asked}".strip()
    )


def _warnings(plan: Plan) -> tuple[str, ...]:
    if not plan.unread:
        return ()
    named = ", ".join(f'"{name}"' for name in plan.unread[:MOST_NAMED])
    more = len(plan.unread) - MOST_NAMED
    return (f"These columns were not read: {named}{f' and {more:,} more' if more > 0 else ''}.",)
