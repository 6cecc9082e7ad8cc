"""A FIT file's messages become an activity: rows, sessions, pauses, beats, and tables of all the rest.

Rows whose time cannot be right are held apart and told; no value is corrected or smoothed, no load
computed. Inside column arrays NaN is "not measured".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

import numpy as np

from hub.devices.exports import fit_profile as profile
from hub.devices.exports.fit_beats import Beats, RrClock, StrapEvents
from hub.devices.exports.fit_clock import local_offset_s, moved, since_power_up
from hub.devices.exports.fit_held import held_rows, plausible, time_before
from hub.devices.exports.fit_layout import Value
from hub.devices.exports.fit_profile import epoch_ms
from hub.devices.exports.fit_rows import Bools, Ints, Records, Stretches, merged, raw_rows
from hub.devices.exports.fit_sessions import (
    EARLIEST_MS,
    MOST_SESSIONS,
    STOPS,
    TIMER,
    ActivitySession,
    Named,
    Pauses,
    number_of,
    pauses_of,
    sessions_of,
    sport_name,
    time_ms,
)  # fmt: skip
from hub.devices.exports.fit_wire import Message, Wire, read_wire
from hub.devices.exports.found import Held

HANDLED = {profile.RECORD, profile.HRV, profile.HR, profile.MONITORING, 206, 207, 290, 372}
MOST_ROWS = 20_000  # more of a table than any device writes is passed over


@dataclass(frozen=True, slots=True)
class Activity:
    """All that a file says. `stated_elapsed_s` is the sum over its sessions, as they stand there.

    `n_records` and `n_bpm` count record messages, held ones too; `held_before_ms` has for each held row
    the time of the row before it in the file.
    """

    records: Records
    sessions: tuple[ActivitySession, ...]
    pauses_ms: Pauses
    beats: Beats
    monitoring_bpm: tuple[tuple[int, int], ...]
    utc_offset_s: int | None
    sport: str
    device: str
    stated_start_ms: int | None
    stated_elapsed_s: float
    tables: Mapping[str, tuple[Named, ...]]
    n_records: int
    quarantined: int
    quarantined_bpm: int
    held: tuple[Held, ...]
    held_before_ms: Ints
    held_with_bpm: Bools
    warnings: tuple[str, ...]
    damage: str | None


@dataclass(slots=True)
class _Sorted:
    """The messages by what they are for."""

    rows: dict[int, Stretches] = field(default_factory=dict)
    n_records: int = 0
    clock: RrClock = field(default_factory=RrClock)
    intervals: RrClock = field(default_factory=RrClock)
    strap: StrapEvents = field(default_factory=StrapEvents)
    monitoring: list[tuple[int, int]] = field(default_factory=list)
    tables: dict[str, list[Named]] = field(default_factory=dict)
    offset_s: int | None = None
    full_s: int = 0


def read_activity(data: bytes, zone: tzinfo = UTC) -> Activity:
    """The activity in a FIT file. Raises ExportUnreadable where it is none; damage is told, not raised.

    `zone` is for a device that knew the local time of its activity but counted seconds from power-up.
    """
    return fold(read_wire(data, profile.WANTED, (profile.RECORD,)), zone)


def fold(wire: Wire, zone: tzinfo = UTC) -> Activity:
    """Messages in file order to an activity; the wire's messages are given up."""
    warnings = list(wire.warnings)
    shift_s = since_power_up(wire.messages, zone)
    if shift_s:
        warnings.append("its clock counted from power-up; its date comes from the one date it names")
    found = _sort(wire.messages, shift_s)
    wire.messages = []
    tables = {name: tuple(rows) for name, rows in found.tables.items()}
    stated = tables.get("session", ())
    raw = raw_rows(found.rows.values(), found.n_records, shift_s)
    found.rows.clear()
    stated_ms, is_kept = plausible(raw.at_ms, _stated_start_ms(stated))
    dated = raw.at_s[raw.at_s >= 0]
    if not (np.diff(dated) >= 0).all():
        warnings.append("its clock went back; rows were sorted by time")
    n_lost = int((~is_kept).sum())
    if n_lost:
        one, more = "1 row has an impossible time", f"{n_lost} rows have impossible times"
        warnings.append(f"{one} and is held back" if n_lost == 1 else f"{more} and are held back")
    if len(stated) > MOST_SESSIONS:
        warnings.append(
            f"it names {len(stated)} sessions; those after the first {MOST_SESSIONS} were left out"
        )
    held_bpm, before_ms = raw.has_bpm[~is_kept], time_before(raw.at_ms, is_kept)
    held = held_rows(raw, is_kept, stated_ms) if n_lost else ()
    pauses = pauses_of(tables.get("event", ()))
    records = merged(raw, is_kept, found.strap, pauses)
    return Activity(
        records=records,
        sessions=sessions_of(stated, records, pauses),
        pauses_ms=pauses,
        beats=_beats(found),
        monitoring_bpm=tuple(found.monitoring),
        utc_offset_s=found.offset_s,
        sport=next((name for row in stated if (name := sport_name(row))), ""),
        device=_device(tables.get("file_id", ())),
        stated_start_ms=stated_ms,
        stated_elapsed_s=sum(number_of(row, "elapsed_s") or 0.0 for row in stated),
        tables=tables,
        n_records=found.n_records,
        quarantined=n_lost,
        quarantined_bpm=int(held_bpm.sum()),
        held=held,
        held_before_ms=before_ms,
        held_with_bpm=held_bpm,
        warnings=tuple(warnings),
        damage=wire.damage,
    )


def _sort(messages: Iterable[Message], shift_s: int) -> _Sorted:
    found, rows, record_s = _Sorted(), None, 0
    for message in messages:
        if shift_s:
            message = moved(message, shift_s)
        layout, data, _, at_s, n = message
        number = layout.number
        if number == profile.RECORD:
            if rows is None or rows.layout is not layout:
                rows = found.rows.setdefault(id(layout), Stretches(layout, data))
            rows.take(message, found.n_records)
            found.n_records += n
            record_s = at_s or record_s
        elif number == profile.HRV:
            if (record_ms := epoch_ms(record_s)) is not None:
                found.clock.record(record_ms)
            found.clock.take(_numbers(message.value(0)))
        elif number == profile.HR:
            found.strap.take(message)
        elif number == profile.MONITORING:
            _monitor(found, message)
        elif number in (profile.BEAT_INTERVALS, profile.RAW_BBI):
            _take_intervals(found.intervals, message)
        elif number not in HANDLED:
            _tabulate(found, message, shift_s)
        if at_s is not None:
            found.full_s = at_s
    return found


def _tabulate(found: _Sorted, message: Message, shift_s: int) -> None:
    row = profile.named(message)
    start_s = row.get("start_s")
    if shift_s and isinstance(start_s, int) and start_s < profile.EARLIEST_DATE_S:
        row["start_s"] = start_s + shift_s
    number = message.layout.number
    table = found.tables.setdefault(profile.KINDS[number].name, [])
    if len(table) < MOST_ROWS:
        table.append(row)
    if number == profile.EVENT and row.get("event") == TIMER and row.get("event_type") in STOPS:
        found.clock.pause()
    elif number in (profile.ACTIVITY, profile.MONITORING_INFO) and not shift_s:
        found.offset_s = offset if (offset := local_offset_s(row)) is not None else found.offset_s


def _numbers(value: Value) -> tuple[int | float | None, ...]:
    """A field's numbers, whether it is an array or not."""
    return value if isinstance(value, tuple) else (value,) if isinstance(value, int | float) else ()


def _take_intervals(clock: RrClock, message: Message) -> None:
    """Beats with a date of their own: beat_intervals (290) and raw_bbi (372)."""
    at_ms = None if message.at_s is None else epoch_ms(message.at_s)
    if at_ms is not None:
        clock.record(at_ms + (message.integer(0) or 0))
    values = _numbers(message.value(1))
    if message.layout.number == profile.RAW_BBI:
        clock.take_bits(values)
    else:
        clock.take(values)


def _beats(found: _Sorted) -> Beats:
    """The intervals the device wrote down, else those with dates of their own, else a strap's events."""
    for clock in (found.clock, found.intervals):
        if clock.rr_ms:
            return clock.beats()
    return found.strap.beats() if found.strap.at_s else found.clock.beats()


def _monitor(found: _Sorted, message: Message) -> None:
    """A day's heart rate; `timestamp_16` counts on from the last full time."""
    short, bpm = message.integer(26), message.integer(27)
    if short is not None and message.at_s is None:
        found.full_s += (short - found.full_s) & 0xFFFF
    at_s = found.full_s if message.at_s is None else message.at_s
    at_ms = epoch_ms(at_s)
    if bpm and at_ms is not None:
        found.monitoring.append((at_ms, bpm))


def _stated_start_ms(stated: Iterable[Named]) -> int | None:
    starts = (time_ms(row, "start_s") for row in stated)
    return next((ms for ms in starts if ms is not None and ms > EARLIEST_MS), None)


def _device(file_ids: tuple[Named, ...]) -> str:
    row = file_ids[0] if file_ids else {}
    maker, product = row.get("manufacturer"), row.get("product_name") or row.get("product")
    if isinstance(maker, int):
        maker = profile.MAKERS.get(maker, f"maker {maker}")
    return " ".join(str(part) for part in (maker, product) if part is not None)
