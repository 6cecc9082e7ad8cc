"""Further heart-rate numbers of a session: every metric somebody has a value for, and tests run inside it.

A fragment of the session's page; the times of a test are typed here and kept nowhere.
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.params import FromPath, QueryParameter
from litestar.response import Template

from hub.analytics.result import Result
from hub.domain import Session
from hub.results.heart import SHOWN, TESTS, HeartRow, HeartTest, heart_table
from hub.web.parts import parts_of
from hub.web.shell import AnyRequest, is_fragment, page

_TIME = re.compile(r"(?:(\d{1,2}):)?(\d{1,3}):([0-5]\d)", re.ASCII)
SHORTEST_RUN_S = 60
TIME_FAULT = "Give the time since the session began as minutes:seconds, such as 12:30."


@dataclass(frozen=True, slots=True)
class HeartView:
    """One athlete's line; `cells` are (text, value to sort by) in the order of the columns."""

    row: HeartRow
    cells: tuple[tuple[str, str], ...]
    notes: str


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
        for name, text in (("stop", stop), ("run_from", run_from), ("run_to", run_to))
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
    return HeartView(row, tuple(cell(row.results.get(name)) for name in columns), "; ".join(flags))


@get("/sessions/{session_id:uuid}/heart", include_in_schema=False)
async def heart_numbers(
    request: AnyRequest,
    session_id: FromPath[UUID],
    stop: Annotated[str, QueryParameter()] = "",
    run_from: Annotated[str, QueryParameter()] = "",
    run_to: Annotated[str, QueryParameter()] = "",
) -> Template:
    """The table; `stop`, `run_from` and `run_to` (minutes:seconds of the session) add the tests."""
    parts = parts_of(request)
    test, faults = read_test(stop, run_from, run_to)
    now_mono_ms = parts.now_mono_ms()

    def question(db: sqlite3.Connection) -> tuple[Session, list[HeartRow]]:
        return heart_table(db, str(session_id), now_mono_ms, test)

    session, rows = await parts.database.read(question)
    columns = tuple(name for name in SHOWN if any(name in row.results for row in rows))
    return page(
        request,
        "_heart.html" if is_fragment(request) else "heart.html",
        session=session,
        columns=columns,
        views=[heart_view(row, columns) for row in rows],
        typed={"stop": stop, "run_from": run_from, "run_to": run_to},
        faults=faults,
        is_tested=any(name in columns for name in TESTS),
    )


HANDLERS = [heart_numbers]
