"""Further heart-rate numbers of a session: every metric somebody has a value for, and tests run inside it.

A fragment of the session's page; times typed here are kept nowhere, stops marked during the session are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, QueryParameter
from litestar.response import Template

from hub.analytics.result import Result
from hub.results.heart import SHOWN, HeartRow, HeartTable, HeartTest, heart_table
from hub.web.parts import parts_of
from hub.web.shell import AnyRequest, Form, is_fragment, minutes_text, page

_TIME = re.compile(r"(?:(\d{1,2}):)?(\d{1,3}):([0-5]\d)", re.ASCII)
SHORTEST_RUN_S = 60
TYPED = ("stop", "run_from", "run_to")
TIME_FAULT = "Give the time since the session began as minutes:seconds, such as 12:30."


@dataclass(frozen=True, slots=True)
class HeartView:
    """One athlete's line; `cells` are (text, value to sort by) in the order of the columns."""

    row: HeartRow
    cells: tuple[tuple[str, str], ...]
    notes: str


@dataclass(frozen=True, slots=True)
class StopView:
    """One stop that was marked while the session ran, in words."""

    stop_id: str
    text: str


def seconds_of(text: str) -> int | None:
    """12:30 or 1:12:30 in s, None where it is no time."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return None
    hours, minutes, seconds = (int(it or 0) for it in found.groups())
    return 3600 * hours + 60 * minutes + seconds


def read_test(stop: str, run_from: str, run_to: str) -> tuple[HeartTest, dict[str, str]]:
    """The test that was typed, and what is wrong with it by field; nothing typed is no test."""
    faults = {
        name: TIME_FAULT
        for name, text in zip(TYPED, (stop, run_from, run_to), strict=True)
        if text.strip() and seconds_of(text) is None
    }
    begin_s, end_s = seconds_of(run_from), seconds_of(run_to)
    if not faults and (begin_s is None) != (end_s is None):
        faults["run_to" if end_s is None else "run_from"] = "Give both the start and the end of the run."
    if begin_s is not None and end_s is not None and end_s - begin_s < SHORTEST_RUN_S:
        faults["run_to"] = "The run must last at least a minute; 3 to 5 minutes are usual."
    if faults:
        return HeartTest(), faults
    run_s = None if begin_s is None or end_s is None else (begin_s, end_s)
    return HeartTest(seconds_of(stop), run_s), {}


def cell(result: Result | None) -> tuple[str, str]:
    """A value without its unit, which stands over the column; a band where no single value is known."""
    if result is None or (result.value is None and result.band is None):
        return "–", ""
    if result.value is None:
        low, high = result.band or (0.0, 0.0)
        return f"{low:.0f} to {high:.0f}", f"{low:.0f}"
    return f"{result.value:.0f}", f"{result.value:.2f}"


def heart_view(row: HeartRow, columns: tuple[str, ...]) -> HeartView:
    """One athlete in words."""
    flags = dict.fromkeys(
        str(flag) for name in columns if name in row.results for flag in row.results[name].flags
    )
    if row.stop_s is not None and "hrr60" in row.results:
        flags |= {f"stopped at {minutes_text(row.stop_s)}": None}
    return HeartView(row, tuple(cell(row.results.get(name)) for name in columns), "; ".join(flags))


def stop_views(table: HeartTable) -> tuple[StopView, ...]:
    """The marked stops in words, the first one first."""
    names = {row.athlete.athlete_id: row.athlete.name for row in table.rows}
    found = []
    for stop in table.stops:
        at = minutes_text((stop.mono_ms - table.session.mono0_ms) / 1000)
        one = names.get(stop.athlete_ids[0], "one athlete") if len(stop.athlete_ids) == 1 else ""
        found.append(StopView(stop.stop_id, f"{at}, {one or f'{len(stop.athlete_ids)} athletes'}"))
    return tuple(found)


@get("/sessions/{session_id:uuid}/heart", include_in_schema=False)
async def heart_numbers(
    request: AnyRequest,
    session_id: FromPath[UUID],
    stop: Annotated[str, QueryParameter()] = "",
    run_from: Annotated[str, QueryParameter()] = "",
    run_to: Annotated[str, QueryParameter()] = "",
    mark: Annotated[str, QueryParameter()] = "",
) -> Template:
    """The table; `stop`, `run_from` and `run_to` (minutes:seconds of the session) add the tests.

    `mark` is the stop to work out of those marked in the session; without it each athlete's last one is.
    """
    typed = {"stop": stop, "run_from": run_from, "run_to": run_to}
    return await _content(request, session_id, typed, mark)


@post("/sessions/{session_id:uuid}/heart/unstop", status_code=200, include_in_schema=False)
async def unstop(request: AnyRequest, session_id: FromPath[UUID], data: Form) -> Template:
    """Take a marked stop back."""
    await parts_of(request).actions.take_stop_back(data.get("stop_id", ""), None)
    return await _content(request, session_id, dict.fromkeys(TYPED, ""), "")


async def _content(request: AnyRequest, session_id: UUID, typed: dict[str, str], mark: str) -> Template:
    parts = parts_of(request)
    test, faults = read_test(*(typed[name] for name in TYPED))
    test, now_mono_ms = replace(test, stop_id=mark or None), parts.now_mono_ms()
    table = await parts.database.read(lambda db: heart_table(db, str(session_id), now_mono_ms, test))
    columns = tuple(name for name in SHOWN if any(name in row.results for row in table.rows))
    is_part = is_fragment(request)
    is_beside_live = is_part and table.session.is_live and not table.session.hub_id
    return page(
        request,
        "_heart.html" if is_part else "heart.html",
        session=table.session,
        columns=columns,
        panels=[name for name in columns if not (name == "hrr60" and is_beside_live)],
        views=[heart_view(row, columns) for row in table.rows],
        typed=typed,
        faults=faults,
        stops=stop_views(table),
        mark=mark,
        is_tested=any(typed.values()) or bool(mark),
    )


HANDLERS = [heart_numbers, unstop]
