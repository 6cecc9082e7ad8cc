"""A Polar Team Pro table, CSV or XLSX: a row of totals an athlete and session, and rows of its phases.

Only the row of the whole session gives totals; phases become laps and are never added up. Zone edges stand
in the headings and differ between teams, so each zone is stated as three values: "time_in_hr_zone_1",
"hr_zone_1_from" and "hr_zone_1_to" (likewise speed zones and bands of acceleration).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from hub.devices.exports.found import Found, FoundSession, Lap, Person, Setting, Stated
from hub.devices.exports.polar_clock import Clock, clock_of, order_of, wall_of
from hub.devices.exports.polar_workbook import sheets_of
from hub.devices.exports.source import Source
from hub.devices.exports.sports import sport_of
from hub.devices.exports.table import HeldRows, duration_s, fold, has_cell, number, read_table
from hub.devices.exports.written_time import DateOrder
from hub.errors import ExportUnreadable

DISTANCE = "total distance m"
HEADINGS = ("player name", "session name", "start time", "duration")
MOST_ROWS, LONGEST_S, SLACK = 20_000, 3 * 86_400.0, timedelta(minutes=1)
_MOST_BYTES_TO_LOOK = 4000
_EDGES = re.compile(r"\(\s*(-?\d+(?:[.,]\d+)?)\s*-\s*(-?\d+(?:[.,]\d+)?)?\s*([^)\d]*)\)")
_ZONE_NO = re.compile(r"zone (\d{1,2})")
# Totals by their heading, folded, up to the unit: the name they are stated under, and their unit.
_TOTALS: Mapping[str, tuple[str, str]] = {
    "hr min bpm": ("min_heart_rate", "bpm"), "hr avg bpm": ("mean_heart_rate", "bpm"),
    "hr max bpm": ("max_heart_rate", "bpm"), "hr min": ("min_heart_rate_share", "%"),
    "hr avg": ("mean_heart_rate_share", "%"), "hr max": ("max_heart_rate_share", "%"),
    "distance min m min": ("distance_per_min", "m/min"), "maximum speed km h": ("max_speed", "km/h"),
    "average speed km h": ("mean_speed", "km/h"), "sprints": ("sprints", ""),
    "training load score": ("training_load", ""), "cardio load": ("cardio_load", ""),
    "muscle load": ("muscle_load", ""), "recovery time h": ("recovery_time", "h"),
}  # fmt: skip
# A zone's heading by its first words: how its amount is called, in what, and what its edges are of.
_ZONES: tuple[tuple[str, str, str, str], ...] = (
    ("time in hr zone", "time_in_hr_zone", "s", "hr_zone"),
    ("distance in speed zone", "distance_in_speed_zone", "m", "speed_zone"),
    ("time in speed zone", "time_in_speed_zone", "s", "speed_zone"),
    ("number of accelerations", "accelerations_in_band", "", "acceleration_band"),
    ("time in power zone", "time_in_power_zone", "s", "power_zone"),
)


@dataclass(frozen=True, slots=True)
class Zone:
    """A column of amounts in a zone, with the edges its heading tells."""

    amount: str
    unit: str
    edges: tuple[Stated, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One row: who, which session or phase of it, when in local time, and its cells by heading."""

    line_no: int
    person: Person
    title: str
    kind: str
    phase: str
    started: datetime
    elapsed_s: float
    timer_s: float | None
    cells: Mapping[int, str]


def is_polar_team_csv(head: bytes, _name: str = "") -> bool:
    """Whether a file that begins so is a Team Pro table of text."""
    plain = fold(head[:_MOST_BYTES_TO_LOOK].replace(b"\0", b"").decode("utf-8", "replace"))
    return all(heading in plain for heading in (*HEADINGS, "player number", "phase name"))


def is_polar_team_workbook(source: Source) -> bool:
    """Whether a workbook has a sheet with Team Pro's headings (a workbook's head does not tell)."""
    try:
        return any(_header_row(rows) is not None for rows in sheets_of(source, most_rows=20))
    except ExportUnreadable:
        return False


def read_polar_team(source: Source, setting: Setting) -> Found:
    """The sessions of a team. Raises ExportUnreadable where no row tells an athlete and a start."""
    if source.head(4) == b"PK\x03\x04":
        return _read_workbook(source, setting)
    table = read_table(source, is_header=has_cell(*HEADINGS), pads_short_rows=True, most_rows=MOST_ROWS)
    found = list(table.rows)
    sessions = _sessions(table.header, found, table.decimal_comma, table.held_rows, setting)
    return _found("Polar Team Pro CSV", sessions, table.held_rows)


def _read_workbook(source: Source, setting: Setting) -> Found:
    held, sessions = HeldRows(), []
    for rows in sheets_of(source, most_rows=MOST_ROWS):
        at = _header_row(rows)
        if at is not None:
            body = [(place, row) for place, row in enumerate(rows[at + 1 :], start=at + 2) if any(row)]
            sessions.extend(_sessions(rows[at], body, False, held, setting))
    return _found("Polar Team Pro XLSX", sessions, held)


def _found(format_: str, sessions: Sequence[FoundSession], held: HeldRows) -> Found:
    if not sessions:
        why = f" ({held.rows[0].where}: {held.rows[0].reason})" if held.rows else ""
        raise ExportUnreadable(
            f"it has no row of an athlete with a start time{why}.",
            hint="Export the session again from Team Pro, with player names and start times.",
        )
    return Found(format_, "polar", tuple(sessions), held=tuple(held.rows))


def _header_row(rows: Sequence[Sequence[str]]) -> int | None:
    is_header = has_cell(*HEADINGS)
    return next((place for place, row in enumerate(rows[:20]) if is_header(row)), None)


def _sessions(
    header: Sequence[str],
    body: Iterable[tuple[int, Sequence[str]]],
    decimal_comma: bool,
    held: HeldRows,
    setting: Setting,
) -> list[FoundSession]:
    folded = [fold(heading) for heading in header]
    rows = list(body)
    times = [place for place, heading in enumerate(folded) if heading in ("start time", "end time")]
    order = order_of([row[at].split(" ")[0] for _, row in rows for at in times if at < len(row)])
    lines = [line for no, row in rows if (line := _line(folded, no, row, order, held)) is not None]
    with_phases = _with_phases(lines)
    zones = {place: zone for place, heading in enumerate(header) if (zone := _zone(heading, header[:place]))}
    return [_session(whole, phases, folded, zones, decimal_comma, setting) for whole, phases in with_phases]


def _with_phases(lines: Sequence[Line]) -> list[tuple[Line, list[Line]]]:
    """Each row of a whole session with the rows of its phases, in file order.

    Phases whose session has no row of its own get one without cells: a session without totals.
    """
    wholes = [line for line in lines if not line.phase]
    by_key: dict[tuple[Person, str], list[Line]] = {}
    for whole in sorted(wholes, key=lambda line: line.started):
        by_key.setdefault((whole.person, whole.title), []).append(whole)
    phases: dict[int, list[Line]] = {whole.line_no: [] for whole in wholes}
    orphans: dict[tuple[Person, str, date], list[Line]] = {}
    for phase in (line for line in lines if line.phase):
        own = by_key.get((phase.person, phase.title), [])
        at = bisect_right(own, phase.started + SLACK, key=lambda line: line.started)
        whole_of = next((one for one in reversed(own[max(0, at - 3) : at]) if _spans(one, phase)), None)
        if whole_of is not None:
            phases[whole_of.line_no].append(phase)
        else:
            orphans.setdefault((phase.person, phase.title, phase.started.date()), []).append(phase)
    return [(whole, phases[whole.line_no]) for whole in wholes] + [
        (_stand_in(alike), alike) for alike in orphans.values()
    ]


def _line(
    folded: Sequence[str], line_no: int, row: Sequence[str], order: DateOrder, held: HeldRows
) -> Line | None:
    by_heading = {heading: cell.strip() for heading, cell in zip(folded, row, strict=False)}
    name, shirt = by_heading.get("player name", "")[:100], number(by_heading.get("player number", ""))
    started = wall_of(by_heading.get("start time", ""), order)
    ended = wall_of(by_heading.get("end time", ""), order)
    reason = "has no start time" if started is None else "" if name or shirt is not None else "has no athlete"
    if started is None or reason:
        held.add(line_no, reason, ",".join(row))
        return None
    timer_s = _seconds(by_heading.get("duration", ""))
    span_s = (ended - started).total_seconds() if ended is not None else -1.0
    elapsed_s = span_s if 0 < span_s <= LONGEST_S else timer_s or 0.0
    kind, phase = by_heading.get("type", "")[:80], by_heading.get("phase name", "")[:80]
    return Line(
        line_no,
        Person(name=name, shirt_number=int(shirt) if shirt is not None and 0 <= shirt < 1000 else None),
        by_heading.get("session name", "")[:200],
        kind,
        phase or ("Phase" if fold(kind) == "phase" else ""),
        started,
        elapsed_s,
        timer_s,
        dict(enumerate(row)),
    )


def _seconds(text: str) -> float | None:
    """A duration as h:mm:ss, or as a spreadsheet's part of a day."""
    seconds = duration_s(text)
    part = number(text) if seconds is None else None
    if part is not None and 0 <= part < LONGEST_S / 86_400:
        seconds = float(round(part * 86_400))
    return seconds if seconds is not None and seconds <= LONGEST_S else None


def _spans(whole: Line, phase: Line) -> bool:
    return phase.started <= whole.started + timedelta(seconds=whole.elapsed_s) + SLACK


def _stand_in(phases: Sequence[Line]) -> Line:
    """A session over phases of one athlete, title and day."""
    first = min(phases, key=lambda line: line.started)
    elapsed_s = max((line.started - first.started).total_seconds() + line.elapsed_s for line in phases)
    return replace(first, kind="", phase="", elapsed_s=elapsed_s, timer_s=None, cells={})


def _zone(heading: str, before: Sequence[str]) -> Zone | None:
    words = fold(heading)
    known = next((zone for zone in _ZONES if words.startswith(zone[0])), None)
    if known is None:
        return None
    start, amount, unit, edge = known
    match = _ZONE_NO.search(words)
    place = int(match.group(1)) if match else 1 + sum(fold(one).startswith(start) for one in before)
    return Zone(f"{amount}_{place}", unit, tuple(_edges(heading, f"{edge}_{place}")))


def _edges(heading: str, name: str) -> Iterator[Stated]:
    match = _EDGES.search(heading)
    if match is None:
        return
    for end, edge in (("from", match.group(1)), ("to", match.group(2))):
        value = number(edge or "", decimal_comma=True)
        if value is not None:
            yield Stated(f"{name}_{end}", value, match.group(3).strip())


def _session(
    whole: Line,
    phases: Sequence[Line],
    folded: Sequence[str],
    zones: Mapping[int, Zone],
    decimal_comma: bool,
    setting: Setting,
) -> FoundSession:
    clock = clock_of(whole.started, setting.zone)
    values = {place: number(cell, decimal_comma) for place, cell in whole.cells.items()}
    by_heading = {folded[place]: value for place, value in values.items() if place < len(folded)}
    far_column = folded.index(DISTANCE) if DISTANCE in folded else -1
    return FoundSession(
        whole.person,
        sport=sport_of(whole.kind),
        written_sport=whole.kind,
        started_at_ms=clock.at_ms(whole.started),
        elapsed_s=whole.elapsed_s,
        timer_s=whole.timer_s,
        distance_m=by_heading.get(DISTANCE),
        energy_kcal=by_heading.get("calories kcal"),
        utc_offset_s=clock.ahead_s,
        offset_known_by=clock.known_by,
        title=whole.title,
        device="Polar Team Pro",
        laps=tuple(_lap(phase, clock, far_column, decimal_comma) for phase in phases),
        stated=(*_totals(folded, whole, values), *_in_zones(zones, whole, decimal_comma)),
        warnings=() if whole.cells else ("The file has its phases only, so it has no totals.",),
    )


def _lap(phase: Line, clock: Clock, far_column: int, decimal_comma: bool) -> Lap:
    far = number(phase.cells.get(far_column, ""), decimal_comma)
    return Lap(phase.phase, clock.at_ms(phase.started), phase.elapsed_s, far)


def _totals(folded: Sequence[str], whole: Line, values: Mapping[int, float | None]) -> Iterator[Stated]:
    for place, heading in enumerate(folded):
        value = values.get(place)
        if heading in _TOTALS and value is not None:
            yield Stated(_TOTALS[heading][0], value, _TOTALS[heading][1])


def _in_zones(zones: Mapping[int, Zone], whole: Line, decimal_comma: bool) -> Iterator[Stated]:
    for place, zone in zones.items():
        cell = whole.cells.get(place, "").strip()
        value = _seconds(cell) if zone.unit == "s" else number(cell, decimal_comma)
        if value is not None and value >= 0:
            yield Stated(zone.amount, value, zone.unit)
            yield from zone.edges
