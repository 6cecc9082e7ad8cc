"""A session's loads as a CSV download: the columns of the hub's own, as far as the cloud computes them.

It computes nothing.
"""

from __future__ import annotations

import csv
import io

from litestar import Response, get
from litestar.params import FromPath

from cloud.store.rows import LoadRow
from cloud.web.sessions import note, session_of
from cloud.web.shell import PageRequest, coach_of
from hub.analytics.catalogue import ZONE_PREFIX, columns
from hub.analytics.doubt import doubtful_share

ZONES = 6
HEAD = (
    "number", "name", *columns("banister_trimp", "edwards_trimp", "mean_bpm", "max_bpm"),
    *columns(*(f"{ZONE_PREFIX}_{it}" for it in range(ZONES))), *columns("coverage", "doubtful_share"),
    "estimated_s", "flags",
)  # fmt: skip


@get("/sessions/{session_id:str}/load.csv", include_in_schema=False)
async def session_csv(request: PageRequest, session_id: FromPath[str]) -> Response[str]:
    """One row an athlete, times in seconds, shares of 1. Raises PageMissing."""
    _, rows = await session_of(request, await coach_of(request), session_id)
    name = "".join(it for it in session_id[:8] if it.isascii() and it.isalnum()) or "session"
    headers = {"Content-Disposition": f'attachment; filename="load-{name}.csv"', "Cache-Control": "no-store"}
    return Response(load_csv(rows), media_type="text/csv; charset=utf-8", headers=headers)


def load_csv(rows: list[LoadRow]) -> str:
    """The load table; a cell is empty where a value is missing."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEAD)
    writer.writerows(_cells(row) for row in rows)
    return out.getvalue()


def _cells(row: LoadRow) -> list[str]:
    zones = [f"{seconds:.0f}" for seconds in (row.zone_s or [])[:ZONES]]
    share = doubtful_share(row.doubtful_ms, row.covered_s)
    return [
        _cell(row.shirt_number, "d"),
        _text(row.name),
        _cell(row.banister_au, ".1f"),
        _cell(row.edwards_au, ".1f"),
        _cell(row.mean_bpm, ".1f"),
        _cell(row.max_bpm, "d"),
        *zones,
        *[""] * (ZONES - len(zones)),
        _cell(row.coverage, ".3f"),
        "" if row.doubtful_ms is None else f"{share or 0.0:.3f}",
        _cell(row.estimated_s, ".0f"),
        note(row),
    ]


def _cell(value: float | None, spec: str) -> str:
    return "" if value is None else format(value, spec)


def _text(value: str) -> str:
    """Text a spreadsheet will not run as a formula."""
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


HANDLERS = [session_csv]
