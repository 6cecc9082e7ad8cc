"""A WHOOP export's four CSV files: cycles, sleeps and the journal become days, workouts become sessions.

It reads one file at a time and finds no minute of heart rate: the export has none. Times in the files are
local wall times whose offset stands in a column of its own. A journal's notes are private and never read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hub.devices.exports import whoop_words as words
from hub.devices.exports.found import DailyValue, Found, FoundSession, KnownBy, Setting, Stated
from hub.devices.exports.rows import Row, rows_in, wall_time
from hub.devices.exports.source import Source
from hub.devices.exports.sports import sport_of
from hub.devices.exports.table import fold, read_table
from hub.devices.exports.whoop_days import (
    NOBODY,
    Cycle,
    Reading,
    cycle_of,
    days_of_answers,
    days_of_cycles,
    days_of_sleeps,
    order_in,
    placed,
)
from hub.errors import ExportUnreadable

LONGEST_WORKOUT_S = 48 * 3600
MOST_NAMED, MOST_ROWS = 6, 200_000
DAYS = {"cycles": days_of_cycles, "sleeps": days_of_sleeps, "journal": days_of_answers}


def is_whoop(header: Sequence[str], name: str) -> bool:
    """Whether these headings are of one of WHOOP's files, in a known language; the name does not matter."""
    columns = words.Columns.of(header)
    return bool(words.kind_of(columns)) and len(columns.place) >= 4


def read_whoop(source: Source, setting: Setting) -> Found:
    """One of the four files. Raises ExportUnreadable where it is none of them, or holds nothing."""
    table = read_table(
        source, most_rows=MOST_ROWS, is_header=lambda cells: bool(words.kind_of(words.Columns.of(cells)))
    )
    columns = words.Columns.of(table.header)
    kind = words.kind_of(columns)
    rows = list(rows_in(table, columns.place))
    reading = Reading(setting, order_in(rows))
    if reading.order is None:
        raise ExportUnreadable(
            "its dates were rewritten so that day and month cannot be told apart.",
            hint="Choose the file as WHOOP sent it, not one saved by a spreadsheet.",
        )
    sessions: list[FoundSession] = []
    daily: list[DailyValue] = []
    if kind == "workouts":
        sessions = workouts(rows, reading)
    else:
        daily = DAYS[kind](rows, reading)
    if not sessions and not daily:
        raise ExportUnreadable(
            f"it is WHOOP's file of {kind}, but no row of it can be used.",
            hint="Request a new export in WHOOP's app.",
        )
    return Found(
        format="WHOOP CSV",
        provider="whoop",
        sessions=tuple(sessions),
        daily=tuple(daily),
        held=table.held,
        warnings=(*reading.warnings, *_asides(columns, kind)),
    )


def workouts(rows: Iterable[Row], reading: Reading) -> list[FoundSession]:
    """The sessions of the file of workouts, oldest first, each once."""
    found: dict[str, FoundSession] = {}
    for row in rows:
        cycle = cycle_of(row, reading)
        session = _workout(row, cycle, reading) if cycle else None
        if session is None:
            continue
        if session.identity in found:
            row.hold("the same workout stands there twice", session.title)
        else:
            found[session.identity] = session
    return sorted(found.values(), key=lambda session: (session.started_at_ms, session.identity))


def _workout(row: Row, cycle: Cycle, reading: Reading) -> FoundSession | None:
    started, ended = (wall_time(row.text(name), reading.order) for name in ("workout_start", "workout_end"))
    if started is None:
        row.hold("its start is no time")
        return None
    minutes = row.number("duration")
    elapsed_s = (ended - started).total_seconds() if ended else (minutes or 0.0) * 60
    if not 0 < elapsed_s <= LONGEST_WORKOUT_S:
        row.hold("it does not end after its start")
        return None
    (at_ms, ahead_s), activity = placed(cycle, started, reading), row.text("activity")
    numbers = {n: row.bounded(n.name, n.least, n.most) for n in words.WORKOUT}
    said = {n.name: value for n, value in numbers.items()}
    return FoundSession(
        person=NOBODY,
        sport=sport_of(activity),
        written_sport=activity,
        started_at_ms=at_ms,
        elapsed_s=elapsed_s,
        distance_m=said["distance"],
        energy_kcal=said["energy_kcal"],
        utc_offset_s=ahead_s,
        offset_known_by=KnownBy.ASSUMED if cycle.ahead_s is None else KnownBy.COLUMN,
        title=activity,
        device="WHOOP",
        identity=f"whoop:{at_ms}:{fold(activity)}",
        stated=tuple(
            Stated(n.name.removesuffix("_kcal"), value, n.unit)
            for n, value in numbers.items()
            if value is not None
        ),
    )


def _asides(columns: words.Columns, kind: str) -> Iterable[str]:
    if columns.unknown:
        named = ", ".join(f'"{name}"' for name in columns.unknown[:MOST_NAMED])
        n_more = len(columns.unknown) - MOST_NAMED
        yield f"These columns are not known and were left out: {named}{f' and {n_more} more' * (n_more > 0)}."
    if kind == "workouts" and not columns.has("timezone"):
        yield "Its workouts say no time zone; the club's own was taken."
