"""A session's result: heart rate over time and the load table, right after the end or while it runs.

It computes no load; the store's questions do, by the one set of formulas.
"""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath, QueryParameter
from litestar.response import Template

from hub.analytics.catalogue import ZONE_PREFIX, columns, metric
from hub.analytics.doubt import doubt_text, doubtful_share
from hub.domain import Athlete, LoadRow, Session
from hub.results import loads
from hub.results.external import ExternalRow, external_table
from hub.results.speeds import speed_settings
from hub.store import sessions
from hub.syncing.clock_words import session_doubt
from hub.wearing.judgement import Trust, session_trust
from hub.web import external_view
from hub.web.limits_view import NAMES
from hub.web.parts import parts_of
from hub.web.shell import AnyRequest, minutes_text, page
from hub.web.trust_words import doubt_note
from hub.web.zone_colours import zone_css

COVERAGE_LOW = 0.8
CSV_HEAD = ("number", "name", *columns("banister_trimp", "edwards_trimp", "mean_bpm", "max_bpm"))
CSV_END = (*columns("coverage", "doubtful_share"), "estimated_s", "own_zone_edges_bpm", "flags")
STANDARD_COUNT = 6


@dataclass(frozen=True, slots=True)
class ZoneShare:
    """One piece of the zone bar, in per cent of its width; `css` is its colour's class."""

    zone: int
    css: str
    start: str
    width: str


@dataclass(frozen=True, slots=True)
class LoadView:
    """One row of the load table in words; `row` keeps the numbers for sorting."""

    row: LoadRow
    shares: tuple[ZoneShare, ...]
    zones_text: str
    hard_s: float
    flags: tuple[str, ...]
    doubt: str = ""


def zone_shares(zone_s: tuple[float, ...]) -> tuple[ZoneShare, ...]:
    """The zone bar's pieces from zone 0 up; none when no time has a zone."""
    total = sum(zone_s)
    shares, start = [], 0.0
    for zone, seconds in enumerate(zone_s):
        if total and seconds:
            css = zone_css(zone, len(zone_s) - 1)
            shares.append(ZoneShare(zone, css, f"{start:.2f}", f"{100 * seconds / total:.2f}"))
            start += 100 * seconds / total
    return tuple(shares)


def flags(row: LoadRow, trust: Trust | None = None) -> tuple[str, ...]:
    """What a reader must know before trusting the row."""
    said = []
    if not any(row.zone_s) and row.mean_bpm is not None:
        said.append("HRmax not set")
    elif row.banister_au is None and row.mean_bpm is not None:
        said.append(f"no {metric('banister_trimp').heading}: sex or resting HR not set")
    if row.estimated:
        said.append(f"{' and '.join(NAMES[name] for name in row.estimated if name in NAMES)} estimated")
    if row.has_own_zones and row.zone_edges_bpm:
        said.append(f"own zones at {', '.join(f'{edge:.0f}' for edge in row.zone_edges_bpm)}")
    if row.is_hr_max_exceeded:
        said.append("above HRmax: check it")
    if row.coverage < COVERAGE_LOW:
        said.append("gaps")
    if row.estimated_s >= 1:
        said.append(f"{minutes_text(row.estimated_s)} estimated")
    return (*said, *doubt_note(trust))


def with_gaps(session: Session, rows: list[LoadRow]) -> list[str]:
    """Whose heart rates an import might complete: the names, once the session is over."""
    return [] if session.is_live else [row.name for row in rows if row.coverage < COVERAGE_LOW]


def _minutes(seconds: float) -> str:
    return "<1" if seconds < 30 else f"{seconds / 60:.0f}"


def load_view(row: LoadRow, trust: Trust | None = None) -> LoadView:
    """Words and bar for one row."""
    spent = [f"Z{zone} {_minutes(s)}" for zone, s in enumerate(row.zone_s) if s >= 1]
    hard_s = sum(row.zone_s[4:])
    words, doubt = " · ".join(spent) or "–", doubt_text(_share(row, trust))
    return LoadView(row, zone_shares(row.zone_s), words, hard_s, flags(row, trust), doubt)


def minute_means(t_s: list[int], bpm: list[int | None]) -> list[tuple[int, int | None]]:
    """Mean heart rate of every minute that has any; the table behind the chart."""
    minutes: dict[int, list[int]] = {}
    for second, value in zip(t_s, bpm, strict=True):
        minutes.setdefault(second // 60, []).extend([] if value is None else [value])
    return [(minute, round(sum(v) / len(v)) if v else None) for minute, v in sorted(minutes.items())]


def _csv_text(value: str) -> str:
    """Text a spreadsheet will not run as a formula."""
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _share(row: LoadRow, trust: Trust | None) -> float | None:
    return None if trust is None else doubtful_share(trust.doubtful_ms, row.covered_s)


def load_csv(
    rows: list[LoadRow],
    moved: Mapping[str, ExternalRow] | None = None,
    trusts: Mapping[str, Trust] | None = None,
) -> str:
    """The load table as CSV; empty where a value is missing. `moved` by athlete id adds the work done."""
    out = io.StringIO()
    writer = csv.writer(out)
    count = max((len(row.zone_s) for row in rows), default=STANDARD_COUNT)
    count = max(count, STANDARD_COUNT)
    work_head = external_view.CSV_HEAD if moved else ()
    zones = columns(*(f"{ZONE_PREFIX}_{zone}" for zone in range(count)))
    writer.writerow([*CSV_HEAD, *zones, *CSV_END, *work_head])
    for row in rows:
        au = ["" if v is None else f"{v:.1f}" for v in (row.banister_au, row.edwards_au, row.mean_bpm)]
        writer.writerow(
            [
                row.shirt_number,
                _csv_text(row.name),
                *au,
                row.max_bpm,
                *(f"{s:.0f}" for s in row.zone_s),
                *[""] * (count - len(row.zone_s)),
                f"{row.coverage:.3f}",
                f"{_share(row, (trusts or {}).get(row.athlete_id)) or 0.0:.3f}",
                f"{row.estimated_s:.0f}",
                " ".join(f"{edge:.1f}" for edge in row.zone_edges_bpm) if row.has_own_zones else "",
                "; ".join(flags(row, (trusts or {}).get(row.athlete_id))),
                *(external_view.csv_cells(moved.get(row.athlete_id)) if moved else ()),
            ]
        )
    return out.getvalue()


Found = tuple[Session, list[LoadRow], dict[str, Trust]]


async def _found(request: AnyRequest, session_id: UUID) -> Found:
    parts = parts_of(request)
    now_mono_ms = parts.now_mono_ms()

    def question(db: sqlite3.Connection) -> Found:
        session = sessions.session(db, str(session_id))
        rows = loads.load_table(db, str(session_id), now_mono_ms if session.is_live else None)
        return session, rows, session_trust(db, session)

    return await parts.database.read(question)


def _moved(db: sqlite3.Connection, session: Session) -> dict[str, ExternalRow]:
    """Work done by athlete id, of those with motion."""
    settings = speed_settings(db)
    rows = external_table(db, session.session_id, settings.tops_m_s, settings.limits)
    return {row.athlete.athlete_id: row for row in rows}


def _time_doubt(db: sqlite3.Connection, session: Session) -> str:
    """Whether its date and time may be wrong; what another hub's clocks said is not known here."""
    return session_doubt(db, session.boot_no) if session.hub_id is None and session.boot_no else ""


async def _series(request: AnyRequest, session_id: UUID) -> list[tuple[Athlete, list[int], list[int | None]]]:
    return await parts_of(request).database.read(lambda db: loads.heart_series(db, str(session_id)))


@get("/sessions", include_in_schema=False)
async def session_list(request: AnyRequest) -> Template:
    """The latest sessions, newest first."""
    return page(request, "sessions.html", sessions=await parts_of(request).database.read(sessions.recent))


@get("/sessions/{session_id:uuid}", include_in_schema=False)
async def session_page(request: AnyRequest, session_id: FromPath[UUID]) -> Template:
    """Chart and load table of one session."""
    session, rows, trusts = await _found(request, session_id)
    athletes = [athlete for athlete, _, _ in await _series(request, session_id)]
    views = [load_view(row, trusts.get(row.athlete_id)) for row in rows]
    gaps = with_gaps(session, rows)
    time_doubt = await parts_of(request).database.read(lambda db: _time_doubt(db, session))
    return page(
        request, "session.html", session=session, rows=views, athletes=athletes, gaps=gaps,
        time_doubt=time_doubt,
    )  # fmt: skip


@get("/sessions/{session_id:uuid}/minutes", include_in_schema=False)
async def session_minutes(
    request: AnyRequest,
    session_id: FromPath[UUID],
    athlete: Annotated[str, QueryParameter()] = "",
) -> Template:
    """The chart's numbers as a table, for one athlete."""
    minutes: list[tuple[int, int | None]] = []
    for person, t_s, bpm in await _series(request, session_id):
        if person.athlete_id == athlete:
            minutes = minute_means(t_s, bpm)
    return page(request, "_minutes.html", minutes=minutes)


@get("/sessions/{session_id:uuid}/series.json", summary="Heart rate over time", tags=["sessions"])
async def session_series(request: AnyRequest, session_id: FromPath[UUID]) -> dict[str, Any]:
    """Seconds from the session's start and bpm (null where there is none), a list an athlete."""
    series = await _series(request, session_id)
    return {
        "athletes": [
            {"athlete_id": a.athlete_id, "name": a.name, "t_s": t_s, "bpm": bpm} for a, t_s, bpm in series
        ]
    }


@get("/sessions/{session_id:uuid}/load.csv", summary="Load table as CSV", tags=["sessions"])
async def session_csv(request: AnyRequest, session_id: FromPath[UUID]) -> Response[str]:
    """One row an athlete, times in seconds."""
    session, rows, trusts = await _found(request, session_id)
    moved = await parts_of(request).database.read(lambda db: _moved(db, session))
    name = f"load-{session.session_id[:8]}.csv"
    return Response(
        load_csv(external_view.with_movers(rows, moved), moved, trusts),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


HANDLERS = [session_list, session_page, session_minutes, session_series, session_csv]
