"""A Catapult OpenField CSV: a row a player and period becomes a session a player, its periods beside it.

Period 0 is the whole and never added to its parts, which may overlap. The file says neither its units nor
the edges of its bands: units are guessed and told, and a band keeps its number for a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hub.devices.exports.catapult_periods import Line, parted, players
from hub.devices.exports.found import Found, FoundSession, KnownBy, Lap, Person, Setting, Stated
from hub.devices.exports.metrics import Metric, metric_of, speed_unit
from hub.devices.exports.rows import LONGEST_OFFSET_S, Row, ahead_by, rows_in
from hub.devices.exports.source import Source
from hub.devices.exports.table import duration_s, fold, number, read_table
from hub.devices.exports.written_time import DateOrder, as_epoch_ms, date_order, epoch_ms, moment
from hub.errors import ExportUnreadable

NAMES: Mapping[str, tuple[str, ...]] = {
    "player": ("player name", "athlete name"),
    "period": ("period name",),
    "period_number": ("period number",),
    "position": ("position name", "position"),
    "shirt_number": ("jersey", "jersey number", "player number"),
    "title": ("activity name", "session name", "session title"),
    "started": ("unix start time",),
    "ended": ("unix end time",),
    "elapsed": ("total duration", "average duration session", "duration"),
}
FIELD_OF = {name: field for field, names in NAMES.items() for name in names}
DISTANCE, SPEED = "a distance", "a speed"  # units to be told once the whole file is read
# Metrics whose meaning is sure, by the names the report's variants give them.
SURE: Mapping[str, tuple[str, str]] = {
    "total distance": ("total_distance", DISTANCE), "average distance session": ("total_distance", DISTANCE),
    "total player load": ("player_load", "au"), "average player load session": ("player_load", "au"),
    "maximum heart rate": ("max_heart_rate", "bpm"), "minimum heart rate": ("min_heart_rate", "bpm"),
    "avg heart rate": ("mean_heart_rate", "bpm"), "average heart rate": ("mean_heart_rate", "bpm"),
    "maximum velocity": ("max_speed", SPEED), "max velocity": ("max_speed", SPEED),
    "total duration": ("total_duration", "s"), "average duration session": ("total_duration", "s"),
}  # fmt: skip
ITS_OWN = re.compile(
    r"player ?load|velocity band|meterage per minute|\bima\b|unix start time|maximum velocity"
)
NO_METRIC = re.compile(r"(start|end) time$|^(date|day|month)\b")
WHOLE = frozenset({"", "session", "whole session", "entire session"})
LONGEST_S, MOST_STATED, MOST_ROWS, NEAR_MS = 24 * 3600, 2000, 200_000, 36 * 3_600_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """What stands above the table: when it started, and how far local time is ahead; None where unsaid."""

    started_ms: int | None = None
    ahead_s: int | None = None


def is_catapult(header: Sequence[str], name: str) -> bool:
    """Whether a row is the headings of an OpenField report; they may stand ten lines down."""
    cells = [fold(cell) for cell in header]
    fields = {FIELD_OF.get(cell) for cell in cells}
    has_period = bool(fields & {"period", "period_number"})
    return "player" in fields and has_period and any(ITS_OWN.search(cell) for cell in cells)


def read_catapult(source: Source, setting: Setting) -> Found:
    """The sessions of an OpenField CSV. Raises ExportUnreadable where no row can be used."""
    table = read_table(source, is_header=lambda cells: is_catapult(cells, ""), most_rows=MOST_ROWS)
    place: dict[str, int] = {}
    for i, cell in enumerate(table.header):
        if field := FIELD_OF.get(fold(cell)):
            place.setdefault(field, i)
    columns = _columns(table.header, place)
    clock = _clock(table.preamble, setting)
    lines = [line for row in rows_in(table, place) if (line := _line(row, columns, clock))]
    unit, told = speed_unit(stated.value for line in lines for stated in line.stated if stated.unit == SPEED)
    units = {SPEED: unit, DISTANCE: "" if unit == "mph" or (told and not unit) else "m"}
    lines = [_with_units(line, units) for line in lines]
    sessions = [
        _session(whole, parts, mark, clock, setting)
        for mark, group in players(lines)
        for whole, parts in parted(group)
    ]
    if not sessions:
        raise ExportUnreadable(
            "it is an OpenField table, but no row of it has a player with a time.",
            hint='Export the activity as "CTR" CSV, with Unix Start Time and Total Duration.',
        )
    warnings = [told] if told else []
    if not units[DISTANCE]:
        warnings.append("Its distances may not be metres, so none was taken as such.")
    return Found(
        format="Catapult CSV",
        provider="catapult",
        sessions=tuple(sorted(sessions, key=lambda session: (session.started_at_ms, session.identity))),
        held=table.held,
        warnings=tuple(warnings),
    )


def _columns(header: Sequence[str], place: Mapping[str, int]) -> list[tuple[int, Metric, bool]]:
    """Columns that may hold a metric, and whether its meaning is sure."""
    found: list[tuple[int, Metric, bool]] = []
    taken = {place[field] for field in place if field != "elapsed"}
    for i, cell in enumerate(header):
        plain = fold(cell)
        if not plain or i in taken or NO_METRIC.search(plain):
            continue
        metric = metric_of(cell)
        name, unit = SURE.get(metric.name.replace("_", " "), ("", ""))
        found.append((i, Metric(name or metric.name, metric.unit or unit), bool(name)))
    return found


def _clock(preamble: Iterable[tuple[int, list[str]]], setting: Setting) -> Clock:
    """The start above the table. Its date is day or month first: whichever agrees with the Unix time."""
    said: dict[str, str] = {}
    for _, cells in preamble:
        key, _, value = " ".join(cell.strip() for cell in cells if cell.strip()).partition(":")
        said.setdefault(fold(key), value.strip())
    started_ms = epoch_ms(said.get("unix start time", ""))
    written = f"{said.get('date', '')} {said.get('start time', '')}"
    walls = {order: moment(written, order) for order in (DateOrder.DMY, DateOrder.MDY)}
    if started_ms is None:
        order = date_order([said.get("date", "")])
        wall = moment(written, order) if order else None
        return Clock(as_epoch_ms(wall, setting.zone)[0] if wall else None)
    for wall in walls.values():
        if wall is not None and wall.tzinfo is None:
            ahead_s = (as_epoch_ms(wall, ahead_by(0))[0] - started_ms) / 1000
            nearest_s = round(ahead_s / 900) * 900
            if abs(nearest_s) <= LONGEST_OFFSET_S and abs(ahead_s - nearest_s) <= 120:
                return Clock(started_ms, nearest_s)
    return Clock(started_ms)


def _line(row: Row, columns: Sequence[tuple[int, Metric, bool]], clock: Clock) -> Line | None:
    """A row's meaning; None, and the row held, where it has no player or no sound time."""
    player, number_text = row.text("player"), row.text("period_number")
    is_whole = row.number("period_number") == 0 if number_text else fold(row.text("period")) in WHOLE
    started_ms, ended_ms = epoch_ms(row.text("started")), epoch_ms(row.text("ended"))
    if started_ms is None:
        started_ms, ended_ms = clock.started_ms, None
    timer_s = duration_s(row.text("elapsed"))
    elapsed_s = (ended_ms - started_ms) / 1000 if started_ms and ended_ms else timer_s
    reason = (
        "it names no player" if not player
        else "it has no start" if started_ms is None
        else "its end and duration make no sense" if not elapsed_s or not 0 < elapsed_s <= LONGEST_S
        else ""
    )  # fmt: skip
    if reason or started_ms is None or elapsed_s is None:
        row.hold(reason)
        return None
    period = row.text("period") or f"Period {number_text}"
    return Line(
        row, player, period, is_whole, started_ms, elapsed_s, timer_s, _stated(row, columns, is_whole)
    )


def _stated(row: Row, columns: Sequence[tuple[int, Metric, bool]], is_whole: bool) -> tuple[Stated, ...]:
    """A row's numbers, those of a period only where their meaning is sure; a heart rate of 0 is no strap."""
    found: list[Stated] = []
    for i, metric, is_sure in columns:
        text = row.cells[i].strip()
        if not text or not (is_sure or is_whole):
            continue
        value, unit = number(text, row.decimal_comma), metric.unit or ""
        if value is None and (value := duration_s(text)) is not None:
            unit = "s"
        if value is None or (unit == "bpm" and not 0 < value < 255):
            continue
        found.append(Stated(metric.name, value, unit))
    return tuple(found[:MOST_STATED])


def _with_units(line: Line, units: Mapping[str, str]) -> Line:
    stated = (Stated(one.name, one.value, units.get(one.unit, one.unit)) for one in line.stated)
    return replace(line, stated=tuple(stated))


def _session(whole: Line, parts: Sequence[Line], mark: str, clock: Clock, setting: Setting) -> FoundSession:
    wall = EPOCH + timedelta(milliseconds=whole.started_ms)
    is_near = clock.started_ms is not None and abs(whole.started_ms - clock.started_ms) <= NEAR_MS
    known = clock.ahead_s if is_near else None
    offset = wall.astimezone(setting.zone).utcoffset() or timedelta()
    shirt = whole.row.number("shirt_number")
    warnings = (
        [] if whole.is_whole else ["It has no row for the whole session: its periods were not added up."]
    )
    return FoundSession(
        person=Person(name=whole.player, shirt_number=int(shirt) if shirt and 0 < shirt < 1000 else None),
        sport="training",
        written_sport="",
        started_at_ms=whole.started_ms,
        elapsed_s=whole.elapsed_s,
        timer_s=whole.timer_s,
        distance_m=whole.distance_m,
        utc_offset_s=int(offset.total_seconds()) if known is None else known,
        offset_known_by=KnownBy.ASSUMED if known is None else KnownBy.FILE,
        title=whole.row.text("title") or ("" if fold(whole.period) in WHOLE else whole.period),
        device="Catapult",
        identity=f"catapult:{whole.started_ms // 1000}:{fold(whole.player)}" + (f":{mark}" if mark else ""),
        laps=tuple(Lap(part.period, part.started_ms, part.elapsed_s, part.distance_m) for part in parts),
        stated=tuple(whole.stated),
        warnings=tuple(warnings),
    )
