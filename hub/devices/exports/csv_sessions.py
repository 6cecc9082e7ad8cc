"""Typed rows of an unknown table gathered into what they are: moments of sessions, sessions, or days.

It merges nothing with other files. Moments of one athlete more than three hours apart are two sessions.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

import numpy as np

from hub.devices.exports.csv_mapping import Plan
from hub.devices.exports.csv_rows import Cells, When
from hub.devices.exports.found import (
    NO_RR,
    DailyValue,
    Floats,
    FoundSession,
    Ints,
    KnownBy,
    Person,
    RrSeries,
    Stated,
    Track,
)
from hub.devices.exports.sports import sport_of
from hub.devices.exports.table import Table
from hub.devices.exports.zone_by_place import offset_at
from hub.errors import ExportUnreadable

MOST_MOMENTS = 2_000_000
MOST_PEOPLE = 1000
MOST_ROWS_OF_SESSIONS = 100_000
NEW_SESSION_AFTER_MS = 3 * 3_600_000
LEAST_RR_MS, MOST_RR_MS = 300.0, 2000.0
NOT_OF_A_DAY = frozenset({"elapsed", "latitude", "longitude", "rr", "shirt_number"})
NOTHING_OVER = "far from the times of the other rows"


@dataclass(slots=True)
class _Moments:
    """One athlete's rows as they come."""

    person: Person
    sport: str
    title: str
    offset_s: int | None
    at_ms: array[int] = field(default_factory=lambda: array("q"))
    lines: array[int] = field(default_factory=lambda: array("q"))
    columns: dict[str, array[float]] = field(default_factory=dict)


def samples(table: Table, plan: Plan, cells_of: Cells) -> Iterator[FoundSession]:
    """Sessions of a table whose rows are moments, by athlete, then by time. Raises ExportUnreadable."""
    people: dict[Person, _Moments] = {}
    n = 0
    for line_no, cells in table.rows:
        when = cells_of.when(line_no, cells)
        if when is None:
            continue
        n += 1
        if n > MOST_MOMENTS:
            raise too_many_rows(MOST_MOMENTS)
        person = cells_of.person(line_no, cells)
        own = people.get(person)
        if own is None:
            if len(people) == MOST_PEOPLE:
                raise ExportUnreadable(
                    f"it names more than {MOST_PEOPLE:,} athletes.",
                    hint="Choose another column as the athlete's.",
                )
            sport = cells_of.text(cells, "sport") or plan.sport
            own = _Moments(person, sport, cells_of.text(cells, "title") or plan.title, when.offset_s)
            own.columns = {
                c.meaning.name: array("d") for c in cells_of.numbers if _is_measured(c.meaning.name)
            }
            people[person] = own
        if (own.offset_s is None) != (when.offset_s is None):
            cells_of.held.add(line_no, "its time is of another kind than those before", ", ".join(cells))
            continue
        own.at_ms.append(when.ms)
        own.lines.append(line_no)
        for name, column in own.columns.items():
            value = cells_of.value(line_no, cells, plan.columns[name])
            column.append(np.nan if value is None else value)
    for own in people.values():
        yield from _pieces(own, plan, cells_of)


def too_many_rows(most: int) -> ExportUnreadable:
    """The refusal of a table with more rows than are taken at once."""
    return ExportUnreadable(f"it has more than {most:,} rows.", hint="Export single sessions.")


def sessions(table: Table, plan: Plan, cells_of: Cells) -> Iterator[FoundSession]:
    """A table whose rows are sessions. Raises ExportUnreadable."""
    column = plan.columns.get("duration")
    if column is None:
        raise ExportUnreadable(
            "it has no column that says how long a session was.", hint="Say which column is the duration."
        )
    for n, (line_no, cells) in enumerate(table.rows):
        if n >= MOST_ROWS_OF_SESSIONS:
            raise too_many_rows(MOST_ROWS_OF_SESSIONS)
        when, elapsed_s = cells_of.when(line_no, cells), cells_of.value(line_no, cells, column)
        if when is None:
            continue
        if elapsed_s is None:
            cells_of.held.add(line_no, "it says no duration", ", ".join(cells))
            continue
        numbers = {
            c.meaning.name: cells_of.value(line_no, cells, c)
            for c in cells_of.numbers
            if c.meaning.name not in NOT_OF_A_DAY
        }
        started_ms, offset_s, known_by = _placed(when.ms, when.offset_s, plan.zone, (np.nan, np.nan))
        sport = cells_of.text(cells, "sport") or plan.sport
        yield FoundSession(
            person=cells_of.person(line_no, cells),
            sport=sport_of(sport),
            written_sport=sport,
            started_at_ms=started_ms,
            elapsed_s=elapsed_s,
            distance_m=numbers.get("distance"),
            energy_kcal=numbers.get("energy"),
            utc_offset_s=offset_s,
            offset_known_by=known_by,
            title=cells_of.text(cells, "title") or plan.title,
            stated=tuple(
                Stated(name, value, _unit(plan, name))
                for name, value in numbers.items()
                if value is not None and name not in ("distance", "energy", "duration")
            ),
        )


def days(table: Table, plan: Plan, cells_of: Cells) -> Iterator[DailyValue]:
    """A table whose rows are days; a second row of an athlete's day is held. Raises ExportUnreadable."""
    seen: set[tuple[Person, str]] = set()
    for line_no, cells in table.rows:
        if len(seen) > MOST_ROWS_OF_SESSIONS:
            raise too_many_rows(MOST_ROWS_OF_SESSIONS)
        when = cells_of.when(line_no, cells)
        if when is None:
            continue
        local = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=when.ms, seconds=when.offset_s or 0)
        key = (cells_of.person(line_no, cells), local.date().isoformat())
        if key in seen:
            cells_of.held.add(line_no, "another row is of the same athlete and day", ", ".join(cells))
            continue
        seen.add(key)
        for column in cells_of.numbers:
            name = column.meaning.name
            value = None if name in NOT_OF_A_DAY else cells_of.value(line_no, cells, column)
            if value is not None:
                yield DailyValue(*key, name, value, _unit(plan, name))


def _is_measured(name: str) -> bool:
    return name not in ("elapsed", "shirt_number", "duration")


def _unit(plan: Plan, name: str) -> str:
    return next(iter(plan.columns[name].meaning.units), "")


def _pieces(own: _Moments, plan: Plan, cells_of: Cells) -> Iterator[FoundSession]:
    at_ms = np.array(own.at_ms, np.int64)
    order = np.argsort(at_ms, kind="stable")
    at_ms = at_ms[order]
    cuts = np.flatnonzero(np.diff(at_ms) > NEW_SESSION_AFTER_MS) + 1
    parts = [part for part in np.split(np.arange(len(at_ms)), cuts) if len(part)]
    longest = max(map(len, parts), default=0)
    for part in parts:
        rows = order[part]
        if longest >= 60 and len(rows) < 3:
            for row in rows:
                cells_of.held.add(own.lines[row], NOTHING_OVER, "")
            continue
        columns = {name: np.array(column, np.float64)[rows] for name, column in own.columns.items()}
        yield _session(own, plan, cells_of, at_ms[part], rows, columns)


def _session(
    own: _Moments, plan: Plan, cells_of: Cells, at_ms: Ints, rows: Ints, columns: dict[str, Floats]
) -> FoundSession:
    is_new = np.diff(at_ms, prepend=at_ms[0] - 1) > 0
    if not is_new.all() and "rr" not in columns:
        n_same = int((~is_new).sum())
        first = own.lines[rows[int(np.argmin(is_new))]]
        cells_of.held.add(first, "another row has the same time", "", n_same)
    fix = _first_fix(columns)
    start_ms, offset_s, known_by = _placed(int(at_ms[0]), own.offset_s, plan.zone, fix)
    at_ms = at_ms + (start_ms - int(at_ms[0]))
    rr = _beats(at_ms, columns.pop("rr")) if "rr" in columns else NO_RR
    track_columns = {
        plan.columns[name].meaning.track: column[is_new]
        for name, column in columns.items()
        if plan.columns[name].meaning.track and not np.isnan(column).all()
    }
    extra = {
        name: column[is_new]
        for name, column in columns.items()
        if not plan.columns[name].meaning.track and not np.isnan(column).all()
    }
    track = Track(at_ms[is_new], track_columns, extra)
    covered = track_columns.get("distance_m", np.zeros(0))
    covered = covered[~np.isnan(covered)]
    return FoundSession(
        person=own.person,
        sport=sport_of(own.sport),
        written_sport=own.sport,
        started_at_ms=start_ms,
        elapsed_s=(int(at_ms[-1]) - start_ms) / 1000,
        distance_m=float(covered[-1] - covered[0])
        if len(covered) and (np.diff(covered) >= 0).all()
        else None,
        utc_offset_s=offset_s,
        offset_known_by=known_by,
        title=own.title,
        track=track,
        rr=rr,
        n_records=len(track.at_ms),
    )


def _beats(at_ms: Ints, rr_ms: Floats) -> RrSeries:
    is_there = ~np.isnan(rr_ms)
    rr_ms = rr_ms[is_there]
    return RrSeries(at_ms[is_there], rr_ms, (rr_ms < LEAST_RR_MS) | (rr_ms > MOST_RR_MS))


def _first_fix(columns: dict[str, Floats]) -> tuple[float, float]:
    if not {"latitude", "longitude"} <= columns.keys():
        return np.nan, np.nan
    there = ~np.isnan(columns["latitude"]) & ~np.isnan(columns["longitude"])
    there &= (columns["latitude"] != 0) | (columns["longitude"] != 0)
    at = int(np.argmax(there))
    return (
        (float(columns["latitude"][at]), float(columns["longitude"][at])) if there.any() else (np.nan, np.nan)
    )


def _placed(
    ms: int, offset_s: int | None, zone: tzinfo, fix: tuple[float, float]
) -> tuple[int, int, KnownBy]:
    """(epoch ms, offset in seconds, how it is known) by the time's own offset, the place, or the club's zone.

    An offset of 0 is how programs write UTC, so it says the instant but not the local time.
    """
    if offset_s:
        return ms, offset_s, KnownBy.FILE
    here = offset_at(*fix, ms)
    if here is not None:
        return (ms if offset_s == 0 else ms - here * 1000), here, KnownBy.GPS
    wall = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    local = wall.astimezone(zone) if offset_s == 0 else wall.replace(tzinfo=zone)
    ahead_s = round((local.utcoffset() or timedelta()).total_seconds())
    return (ms if offset_s == 0 else ms - ahead_s * 1000), ahead_s, KnownBy.ASSUMED


def placed(when: When, zone: tzinfo) -> tuple[int, int, KnownBy]:
    """(epoch ms UTC, offset in seconds, how it is known) of a time without a place."""
    return _placed(when.ms, when.offset_s, zone, (np.nan, np.nan))
