"""A FIT activity's sessions: as the file states them, checked against its rows, or told by the rows alone.

Every row goes to one session, so none is lost between two; no row or value is changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from hub.devices.exports import fit_profile as profile
from hub.devices.exports.fit_profile import Scaled, epoch_ms
from hub.devices.exports.fit_rows import Records

EARLIEST_MS = 946_684_800_000  # 2000-01-01: no FIT device is older
BEFORE_START_MS, LONGEST_MS = 3_600_000, 30 * 86_400_000
TIMER, STARTS, STOPS = 0, (0,), (1, 4, 9)
MOST_SESSIONS = 64  # of more than any watch writes the rest's rows go to the last one
NO_DURATION_S = 86_399.0  # 23:59:59, which Sigma writes for "none"

Named = Mapping[str, Scaled]
Pauses = tuple[tuple[int, int | None], ...]


@dataclass(frozen=True, slots=True)
class ActivitySession:
    """One sport of an activity; `first` to `last` (exclusive) are its rows of the records.

    `number` is its place among the stated sessions, in the file's order, and `stated` its message.
    """

    sport: str
    sub_sport: int | None
    start_ms: int
    end_ms: int
    elapsed_s: float
    timer_s: float | None
    distance_m: float | None
    energy_kcal: int | None
    first: int
    last: int
    is_derived: bool
    number: int = 0
    stated: Named = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def pauses_of(events: Iterable[Named]) -> Pauses:
    """Stretches between the timer's stop and its next start; the last may have no end."""
    pauses: list[tuple[int, int | None]] = []
    stopped: int | None = None
    for event in events:
        at_ms = time_ms(event, "timestamp_s")
        if event.get("event") != TIMER or at_ms is None:
            continue
        if event.get("event_type") in STOPS and stopped is None:
            stopped = at_ms
        elif event.get("event_type") in STARTS and stopped is not None:
            if at_ms > stopped:
                pauses.append((stopped, at_ms))
            stopped = None
    return (*pauses, (stopped, None)) if stopped is not None else tuple(pauses)


def sessions_of(stated: Iterable[Named], records: Records, pauses: Pauses) -> tuple[ActivitySession, ...]:
    """The stated sessions in order of time, or one derived from the rows where there is none."""
    at_ms, stated = records.at_ms, tuple(stated)
    begun = sorted(
        ((ms, n) for n, row in enumerate(stated) if (ms := _start_ms(row, records)) is not None),
        key=lambda one: one[0],
    )[:MOST_SESSIONS]
    if not begun:
        sport = next((sport_name(row) for row in stated), "")
        return (_derived(records, sport, pauses),) if len(at_ms) else ()
    cuts = [0, *(int(np.searchsorted(at_ms, ms)) for ms, _ in begun[1:]), len(at_ms)]
    found = []
    for n, (start_ms, number) in enumerate(begun):
        next_ms = begun[n + 1][0] if n + 1 < len(begun) else int(at_ms[-1]) + 1 if len(at_ms) else start_ms
        rows = (cuts[n], max(cuts[n], cuts[n + 1]))
        found.append(_stated(stated[number], number, start_ms, next_ms, rows, records, pauses))
    return tuple(found)


def _start_ms(row: Named, records: Records) -> int | None:
    """When a stated session begins, None where that cannot be."""
    ms, at_ms = time_ms(row, "start_s"), records.at_ms
    if ms is None or ms < EARLIEST_MS:
        return None
    is_near = not len(at_ms) or at_ms[0] - LONGEST_MS <= ms <= at_ms[-1] + BEFORE_START_MS
    return ms if is_near else None


def _stated(
    row: Named,
    number: int,
    start_ms: int,
    next_ms: int,
    rows: tuple[int, int],
    records: Records,
    pauses: Pauses,
) -> ActivitySession:
    warnings = []
    first, last = rows
    if first < last and records.at_ms[first] < start_ms:
        warnings.append(
            f"its rows begin {(start_ms - int(records.at_ms[first])) // 1000} s before its stated start"
        )
        start_ms = int(records.at_ms[first])
    span_s = max(0, next_ms - start_ms) / 1000
    elapsed_s, timer_s = _duration(row, "elapsed_s", span_s), _duration(row, "timer_s", span_s)
    if elapsed_s is None:
        elapsed_s = timer_s if timer_s is not None else span_s
    if timer_s is not None and timer_s > elapsed_s:
        warnings.append("its timer is longer than its elapsed time; the two were exchanged")
        elapsed_s, timer_s = timer_s, elapsed_s
    end_ms = start_ms + int(elapsed_s * 1000)
    if timer_s is None and pauses:
        timer_s = max(0.0, elapsed_s - _paused_s(pauses, start_ms, end_ms))
    if first < last and (late_s := (int(records.at_ms[last - 1]) - end_ms) // 1000) > 60:
        warnings.append(f"its rows go on for {late_s} s after its stated end")
    energy, sub_sport = row.get("energy_kcal"), row.get("sub_sport")
    return ActivitySession(
        sport=sport_name(row) or "generic", sub_sport=sub_sport if isinstance(sub_sport, int) else None,
        start_ms=start_ms, end_ms=end_ms, elapsed_s=elapsed_s, timer_s=timer_s,
        distance_m=number_of(row, "distance_m"), energy_kcal=energy if isinstance(energy, int) else None,
        first=first, last=last, is_derived=False, number=number, stated=row, warnings=tuple(warnings),
    )  # fmt: skip


def _derived(records: Records, sport: str, pauses: Pauses) -> ActivitySession:
    """What the rows alone say of a session that its device did not close."""
    start_ms, end_ms = int(records.at_ms[0]), int(records.at_ms[-1])
    elapsed_s = (end_ms - start_ms) / 1000
    way = records.column("distance_m")
    way = way[~np.isnan(way)]
    return ActivitySession(
        sport=sport or "generic", sub_sport=None, start_ms=start_ms, end_ms=end_ms, elapsed_s=elapsed_s,
        timer_s=max(0.0, elapsed_s - _paused_s(pauses, start_ms, end_ms)),
        distance_m=float(way.max() - way.min()) if len(way) else None,
        energy_kcal=None, first=0, last=len(records.at_ms), is_derived=True,
    )  # fmt: skip


def _paused_s(pauses: Pauses, start_ms: int, end_ms: int) -> float:
    """How long the timer stood between two times; an open pause reaches the end."""
    cut = (max(0, min(end_ms if to is None else to, end_ms) - max(at, start_ms)) for at, to in pauses)
    return sum(cut) / 1000


def _duration(row: Named, name: str, span_s: float) -> float | None:
    """A stated duration; 23:59:59 of a shorter span is none."""
    value = number_of(row, name)
    return None if value is not None and int(value) == NO_DURATION_S and span_s < NO_DURATION_S else value


def sport_name(row: Named) -> str:
    """FIT's word for a row's sport, "" where it names none."""
    number = row.get("sport")
    return profile.SPORTS.get(number, str(number)) if isinstance(number, int) else ""


def time_ms(row: Named, name: str) -> int | None:
    """A row's FIT time as epoch ms, None where it is no date."""
    value = row.get(name)
    return epoch_ms(value) if isinstance(value, int) else None


def number_of(row: Named, name: str) -> float | None:
    """A row's finite number; of an array its first."""
    value = row.get(name)
    value = value[0] if isinstance(value, tuple) and value else value
    return float(value) if isinstance(value, int | float) and np.isfinite(value) else None
