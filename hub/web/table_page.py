"""A table nobody knows: what it seems to be, what each column means, and how it would be read, before it is.

The guess and the reading are the import's; this page turns a form into a mapping and back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Template

from hub.errors import ExportUnreadable
from hub.imports.columns import (
    DATE_ORDERS,
    DECIMALS,
    KINDS,
    Answers,
    Choice,
    CsvColumn,
    choices,
    mapping_of,
    order_of_dates,
)
from hub.web.parts import parts_of
from hub.web.shell import SEE_OTHER, AnyRequest, is_fragment, page

MOST_COLUMNS = 80
LIMIT_BYTES = 1 << 20
MOST_HELD = 10
BLANK = "Choose at least which column is the time, and one value."
START = "started_at"  # a question that only the file's name can answer here
NAME_IT = 'Name the file by its start, like "2026-03-01 18-30-00.csv", and import it again.'
NO_ROW = "No row can be read like this."
TableForm = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


@dataclass(frozen=True, slots=True)
class ColumnView:
    """One column with what is chosen for it, and the units there are for that."""

    place: int
    name: str
    samples: tuple[str, ...]
    meaning: str
    unit: str
    units: tuple[str, ...]
    question: str


@dataclass(frozen=True, slots=True)
class PreviewView:
    """Rows as they would be read, or the sentence that says why not."""

    headings: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    n_held: int
    held: tuple[tuple[str, str], ...]
    fault: str
    hint: str


def answers_from(data: Mapping[str, str], names: list[str]) -> Answers:
    """The form's answers; column 3 is asked for as meaning-3 and unit-3."""
    columns = {
        name: (data.get(f"meaning-{place}", ""), data.get(f"unit-{place}", ""))
        for place, name in enumerate(names)
        if f"meaning-{place}" in data
    }
    return Answers(
        kind=data.get("kind", ""),
        columns=columns,
        date_order=data.get("date_order", ""),
        decimal=data.get("decimal", ""),
        sport=data.get("sport", "").strip()[:40],
        title=data.get("title", "").strip()[:80],
    )


def _cell(value: str | float | None) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else f"{value:g}"


def column_views(
    columns: list[tuple[str, tuple[str, ...]]], chosen: Mapping[str, Any], asked: Mapping[str, str]
) -> tuple[ColumnView, ...]:
    """The columns to ask about: those with a meaning and the first of the others, in their own order."""
    units = {it.meaning: it.units for it in choices()}
    views = []
    for place, (name, samples) in enumerate(columns):
        said = chosen.get(name, {})
        meaning, unit = said.get("meaning", ""), said.get("unit", "")
        able = units.get(meaning, ())
        unit = unit if unit in able else able[0] if len(able) == 1 else ""
        views.append(ColumnView(place, name, samples, meaning, unit, able, asked.get(name, "")))
    wanted = {it.place for it in views if it.meaning or it.question}
    others = [it.place for it in views if it.place not in wanted][: max(0, MOST_COLUMNS - len(wanted))]
    return tuple(it for it in views if it.place in wanted or it.place in others)


def _heading(column: str, chosen: Mapping[str, Any]) -> str:
    """What a previewed column is read as, with the hub's own unit."""
    meaning = chosen.get(column, {}).get("meaning", "")
    for it in choices():
        if it.meaning == meaning:
            return f"{it.name} ({it.units[0]})" if it.units else it.name
    return column


async def _preview(request: AnyRequest, batch_id: str, number: int, mapping: dict[str, Any]) -> PreviewView:
    if not mapping["columns"]:
        return PreviewView((), (), 0, (), "", BLANK)
    try:
        made = await parts_of(request).imports.preview(batch_id, number, mapping)
    except ExportUnreadable as error:
        return PreviewView((), (), 0, (), error.detail, NAME_IT if "a start that" in error.detail else "")
    rows = tuple((line, tuple(map(_cell, values))) for line, values in made.rows)
    held = tuple((it.where, it.reason) for it in made.held[:MOST_HELD])
    headings = tuple(_heading(it, mapping["columns"]) for it in made.headings)
    return PreviewView(headings, rows, sum(it.n for it in made.held), held, "", "" if rows else NO_ROW)


@dataclass(frozen=True, slots=True)
class Asked:
    """The form's state: everything the template shows, and the mapping it stands for."""

    mapping: dict[str, Any]
    context: dict[str, Any]


def _dates(columns: Iterable[CsvColumn], chosen: Mapping[str, Any]) -> list[CsvColumn]:
    return [it for it in columns if chosen.get(it.name, {}).get("meaning") in ("time", "date")]


def _proven_order(columns: Iterable[CsvColumn], chosen: Mapping[str, Any]) -> str:
    orders = {order_of_dates(it.samples) for it in _dates(columns, chosen)}
    return "" if "" in orders else next((it for it in orders if it != DATE_ORDERS[0][0]), DATE_ORDERS[0][0])


async def _asked(request: AnyRequest, batch_id: UUID, number: int, data: Mapping[str, str] | None) -> Asked:
    desk = parts_of(request).imports
    guess = await desk.guess(str(batch_id), number)
    mapping: dict[str, Any] = guess.mapping()
    names = [it.name for it in guess.columns]
    if data is not None:
        mapping = mapping_of(answers_from(data, names), mapping, names)
        if "date_order" not in data:  # no column was a date until now
            mapping["date_order"] = _proven_order(guess.columns, mapping["columns"])
    progress = desk.progress(str(batch_id))
    asked = {it.column: it.text for it in guess.questions if it.column and data is None}
    listed = [(it.name, it.samples) for it in guess.columns]
    columns = column_views(listed, mapping["columns"], asked)
    has_dates = bool(_dates(guess.columns, mapping["columns"]))
    preview = await _preview(request, str(batch_id), number, mapping)
    context: dict[str, Any] = {
        "address": f"/import/batches/{batch_id}/files/{number}/table",
        "batch_id": str(batch_id),
        "name": progress.files[number].name if progress else "",
        "columns": columns,
        "n_hidden": len(listed) - len(columns),
        "questions": [
            it.text for it in guess.questions if data is None and it.about != START and not it.column
        ],
        "choices": offered(),
        "kinds": KINDS,
        "date_orders": DATE_ORDERS,
        "decimals": DECIMALS,
        "mapping": mapping,
        "has_dates": has_dates,
        "preview": preview,
        "can_save": bool(preview.rows) and (bool(mapping["date_order"]) or not has_dates),
    }
    return Asked(mapping, context)


def offered() -> tuple[Choice, ...]:
    """The meanings by name, what is left out first."""
    return (Choice("", "not read", ()), *sorted(choices(), key=lambda it: it.name.casefold()))


@get("/import/batches/{batch_id:uuid}/files/{number:int}/table", include_in_schema=False)
async def table_page(request: AnyRequest, batch_id: FromPath[UUID], number: FromPath[int]) -> Template:
    """The table as it seems."""
    asked = await _asked(request, batch_id, number, None)
    return page(request, "table.html", **asked.context)


@post(
    "/import/batches/{batch_id:uuid}/files/{number:int}/table", status_code=200,
    request_max_body_size=LIMIT_BYTES, include_in_schema=False,
)  # fmt: skip
async def table_form(
    request: AnyRequest, batch_id: FromPath[UUID], number: FromPath[int], data: TableForm
) -> Response[Any] | Template:
    """Show what these answers would read, or keep them for every table like this and read the file."""
    asked = await _asked(request, batch_id, number, data)
    if "save" in data and asked.context["can_save"]:
        await parts_of(request).imports.save_mapping(str(batch_id), number, asked.mapping)
        return Redirect(f"/import/batches/{batch_id}", status_code=SEE_OTHER)
    name = "_table.html" if is_fragment(request) else "table.html"
    return page(request, name, status=422 if "save" in data else 200, **asked.context)


HANDLERS = [table_page, table_form]
