"""A STATSports (Sonra, Apex) CSV: a row a player, or a row a player and drill, becomes a session a player.

Columns are the user's choice, so they are found under many names, and every number is kept as stated. The
file has no time zone and seldom a start: noon in the club's zone stands for a start it does not say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.devices.exports.found import Found, FoundSession, Held, KnownBy, Lap, Person, Setting, Stated
from hub.devices.exports.metrics import KCAL_IN, METRES_IN, Metric, metric_of, speed_unit
from hub.devices.exports.rows import Row, rows_in
from hub.devices.exports.source import Source
from hub.devices.exports.table import Table, duration_s, fold, number, read_table
from hub.devices.exports.written_time import DateOrder, as_epoch_ms, date_order, moment, time_of_day_s
from hub.errors import ExportUnreadable

NAMES: Mapping[str, tuple[str, ...]] = {
    "date": ("session date", "date", "day", "session date dd mm yyyy", "session date mm dd yyyy"),
    "title": ("session title", "session name", "session"),
    "player": ("player name", "player display name", "player", "athlete", "athlete name"),
    "first_name": ("player first name", "first name"),
    "last_name": ("player last name", "last name"),
    "shirt_number": ("player number", "squad number", "jersey number", "jersey"),
    "drill": ("drill title", "drill name", "drill", "split name"),
    "started": ("session start time", "start time", "drill start time"),
    "ended": ("session end time", "end time", "drill end time"),
    "elapsed": (
        "total time",
        "total time h mm ss",
        "duration",
        "session duration",
        "drill time",
        "field time",
    ),
    "distance": ("total distance", "distance total"),
    "energy": ("calories", "energy expenditure"),
}
FIELD_OF = {name: field for field, names in NAMES.items() for name in names}
# Words that only STATSports heads columns with.
ITS_OWN = re.compile(
    r"hml|hmld|\bhsr\b|high speed running|dynamic stress load|explosive distance|lower speed loading|"
    r"total loading|speed intensity|fatigue index|high intensity bursts|average time since last|"
    r"(distance|entries|impacts|accelerations|decelerations|time in) zone \d .*(absolute|relative)"
)
# What a heading without a unit is in, by its name; the first that fits.
UNITS = (
    (re.compile(r"heart_rate"), "bpm"),
    (re.compile(r"percent|^pct_"), "%"),
    (re.compile(r"^calories$|^energy_expenditure$"), "kcal"),
    (re.compile(r"distance_per_min|hsr_per_min|hmld_per_min"), "m/min"),
    (re.compile(r"(per_min|count|efforts$|entries)"), ""),
    (re.compile(r"distance|^high_speed_running|^hsr"), "m"),
    (re.compile(r"^(max|maximum|peak|average)_(acceleration|deceleration)$"), "m/s²"),
)
SPEED = re.compile(r"(max|maximum|peak|average|avg)_?(speed|velocity)|maximum_speed$")
TOP_SPEED = re.compile(r"^(max|maximum|peak)_(speed|velocity)$")
DISTANCES = tuple(name.replace(" ", "_") for name in NAMES["distance"])
ENERGIES = tuple(name.replace(" ", "_") for name in NAMES["energy"])
WHOLE = frozenset({"", "entire session", "whole session", "full session", "session", "total"})
NOON_S, LONGEST_S, MOST_STATED, MOST_ROWS = 12 * 3600, 24 * 3600, 2000, 100_000
UNSAID = "Its start is not in the file: noon stands for it."


@dataclass(frozen=True, slots=True)
class Line:
    """A row with its meaning: local start (noon where unsaid), length and all its numbers."""

    row: Row
    started: datetime
    start_is_said: bool
    elapsed_s: float
    person: Person
    title: str
    drill: str
    stated: Sequence[Stated]

    @property
    def key(self) -> tuple[str, str, str]:
        """What the lines of one player's session have in common."""
        start = "" if not self.start_is_said or self.row.text("drill") else f"{self.started:%H:%M}"
        return f"{self.started:%Y-%m-%d} {start}".strip(), fold(self.title), fold(self.person.name)


def is_statsports(header: Sequence[str], name: str) -> bool:
    """Whether these headings name players and two metrics of STATSports; a file's name does not matter."""
    cells = [fold(cell) for cell in header]
    fields = {_field(cell) for cell in header}
    has_player = bool(fields & {"player", "last_name"})
    return has_player and "elapsed" in fields and sum(bool(ITS_OWN.search(cell)) for cell in cells) >= 2


def read_statsports(source: Source, setting: Setting) -> Found:
    """The sessions of a STATSports CSV. Raises ExportUnreadable where no row can be used."""
    table = read_table(source, is_header=lambda cells: is_statsports(cells, ""), most_rows=MOST_ROWS)
    place: dict[str, int] = {}
    for i, cell in enumerate(table.header):
        if field := _field(cell):
            place.setdefault(field, i)
    if "date" not in place:
        raise ExportUnreadable(
            "it has no column with the sessions' dates.", hint='Add "Session Date" to the export and retry.'
        )
    rows = list(rows_in(table, place))
    order, warnings = _order(table, rows)
    metrics, told = _metrics(table, place, rows)
    idle: list[Row] = []
    groups: dict[tuple[str, str, str], list[Line]] = {}
    for row in rows:
        line = _line(row, order, metrics, idle)
        if line:
            groups.setdefault(line.key, []).append(line)
    sessions = [_session(lines, setting) for lines in groups.values()]
    if not sessions:
        raise ExportUnreadable(
            "it is a STATSports table, but no row of it can be used.",
            hint="Export the session again with dates, player names and total time.",
        )
    return Found(
        format="STATSports CSV",
        provider="statsports",
        sessions=tuple(sessions),
        held=(*table.held, *_idle(idle)),
        warnings=(*warnings, *told),
    )


def _field(heading: str) -> str | None:
    return FIELD_OF.get(metric_of(heading).name.replace("_", " "))


def _order(table: Table, rows: Sequence[Row]) -> tuple[DateOrder, list[str]]:
    """Which part of the dates comes first: the heading says, else the column, else day first."""
    heading = fold(table.header[rows[0].place["date"]]) if rows else ""
    if "mm dd" in heading or "dd mm" in heading:
        return (DateOrder.MDY if "mm dd" in heading else DateOrder.DMY), []
    order = date_order(row.text("date") for row in rows)
    if order is not None:
        return order, []
    return DateOrder.DMY, [
        "Its dates could be day or month first; day first was taken, as STATSports writes."
    ]


def _metrics(
    table: Table, place: Mapping[str, int], rows: Sequence[Row]
) -> tuple[list[tuple[int, Metric]], list[str]]:
    """The columns of numbers with their units, and what to tell of units that are a guess."""
    texts = {place[field] for field in place if field not in ("elapsed", "distance", "energy")}
    found = [(i, metric_of(cell)) for i, cell in enumerate(table.header) if cell and i not in texts]
    tops = [i for i, metric in found if TOP_SPEED.match(metric.name) and metric.unit is None]
    guess, told = speed_unit(number(row.cells[i], table.decimal_comma) for i in tops for row in rows)
    return [(i, Metric(m.name, _unit(m, guess))) for i, m in found], [told] if told else []


def _unit(metric: Metric, speed: str) -> str:
    if metric.unit is not None:
        return metric.unit
    if SPEED.search(metric.name):
        return speed
    return next((unit for words, unit in UNITS if words.search(metric.name)), "")


def _line(row: Row, order: DateOrder, metrics: Sequence[tuple[int, Metric]], idle: list[Row]) -> Line | None:
    """A row's meaning; None where it is held, or put to the idle ones."""
    name = row.text("player") or f"{row.text('first_name')} {row.text('last_name')}".strip()
    day = moment(row.text("date"), order)
    stated = _stated(row, metrics)
    if not name or day is None:
        row.hold("it names no player" if not name else "its date is no date")
        return None
    if not any(value.value for value in stated):
        idle.append(row)
        return None
    elapsed_s = _length_s(row)
    if elapsed_s is None or not 0 < elapsed_s <= LONGEST_S:
        row.hold("its total time is no length of a session")
        return None
    clock_s = time_of_day_s(row.text("started"))
    midnight = day.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    said = clock_s if clock_s is not None else (day.replace(tzinfo=None) - midnight).total_seconds() or None
    shirt = row.number("shirt_number")
    return Line(
        row=row,
        started=midnight + timedelta(seconds=NOON_S if said is None else said),
        start_is_said=said is not None,
        elapsed_s=elapsed_s,
        person=Person(name=name, shirt_number=int(shirt) if shirt and 0 < shirt < 1000 else None),
        title=row.text("title"),
        drill=row.text("drill"),
        stated=stated,
    )


def _stated(row: Row, metrics: Sequence[tuple[int, Metric]]) -> list[Stated]:
    found: list[Stated] = []
    for i, metric in metrics:
        text = row.cells[i].strip()
        value, unit = number(text, row.decimal_comma), metric.unit or ""
        if value is None and (value := duration_s(text)) is not None:
            unit = "s"
        if value is None or (unit == "bpm" and value <= 0):  # 0 is "no strap"
            continue
        found.append(Stated(metric.name, value, unit))
    return found[:MOST_STATED]


def _length_s(row: Row) -> float | None:
    text = row.text("elapsed")
    seconds = duration_s(text)
    minutes = number(text, row.decimal_comma)
    return seconds if seconds is not None or minutes is None else minutes * 60


def _session(lines: Sequence[Line], setting: Setting) -> FoundSession:
    """One session: the row of the whole with the drills as laps, or the drills alone, never added to it."""
    wholes = [line for line in lines if fold(line.drill) in WHOLE]
    drills = [line for line in lines if fold(line.drill) not in WHOLE]
    for line in wholes[1:]:
        line.row.hold("the same player and session stand there twice")
    first = wholes[0] if wholes else min(drills, key=lambda line: line.started)
    at_ms, ahead_s, _ = as_epoch_ms(first.started, setting.zone)
    warnings = [] if first.start_is_said else [UNSAID]
    laps: list[Lap] = []
    next_ms = at_ms
    for drill in drills:
        said_ms, _, _ = as_epoch_ms(drill.started, setting.zone)
        lap_ms = said_ms if drill.start_is_said else next_ms
        laps.append(Lap(drill.drill, lap_ms, drill.elapsed_s, _total(drill, DISTANCES, METRES_IN)))
        next_ms = lap_ms + round(drill.elapsed_s * 1000)
    if drills and not first.start_is_said:
        warnings.append("Its drills say no time: they were set one after the other.")
    elapsed_s = first.elapsed_s
    if not wholes:
        elapsed_s = (max(lap.started_at_ms + round(lap.elapsed_s * 1000) for lap in laps) - at_ms) / 1000
        warnings.append("It has no row for the whole session: its drills were not added up.")
    return FoundSession(
        person=first.person,
        sport="training",
        written_sport="",
        started_at_ms=at_ms,
        elapsed_s=elapsed_s,
        distance_m=_total(first, DISTANCES, METRES_IN) if wholes else None,
        energy_kcal=_total(first, ENERGIES, KCAL_IN) if wholes else None,
        utc_offset_s=ahead_s,
        offset_known_by=KnownBy.ASSUMED,
        title=first.title,
        device="STATSports",
        identity="statsports:" + ":".join(first.key),
        laps=tuple(laps),
        stated=tuple(first.stated) if wholes else (),
        warnings=tuple(warnings),
    )


def _total(line: Line, names: Sequence[str], factors: Mapping[str, float]) -> float | None:
    """A row's distance in metres, or energy in kcal; None where it has none, or in an unknown unit."""
    for stated in line.stated:
        if stated.name in names and stated.value > 0 and stated.unit in factors:
            return stated.value * factors[stated.unit]
    return None


def _idle(rows: Sequence[Row]) -> list[Held]:
    """Rows of nothing but zeros, told in one go."""
    if not rows:
        return []
    where = ", ".join(str(row.line) for row in rows[:10]) + (", …" if len(rows) > 10 else "")
    names = ", ".join(row.text("player") or row.text("last_name") for row in rows[:10])
    reason = "all values are 0: the player did not take part"
    return [Held(f"line{'s' * (len(rows) > 1)} {where}", reason, names[:120], n=len(rows))]
