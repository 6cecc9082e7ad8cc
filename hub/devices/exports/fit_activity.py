"""A FIT file's messages become an activity: one row a timestamp, its sessions, pauses and beats.

Rows whose time cannot be right are held apart and counted; no value is corrected or smoothed, no load
computed. Inside column arrays NaN is "not measured".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hub.devices.exports import fit_profile as profile
from hub.devices.exports.fit_beats import Beats, RrClock, StrapEvents
from hub.devices.exports.fit_profile import Scaled, epoch_ms
from hub.devices.exports.fit_wire import BYTES, TEXT, Layout, Message, Slot, Wire, read_wire

EARLIEST_MS = 946_684_800_000  # 2000-01-01: no FIT device is older
BEFORE_START_MS, LONGEST_MS = 3_600_000, 30 * 86_400_000
LONGEST_OFFSET_S = 26 * 3600
TIMER, STARTS, STOPS = 0, (0,), (1, 4, 9)
BULK = {profile.RECORD, profile.HRV, profile.HR, profile.MONITORING, 206, 207, 290, 372}
MOST_CHANNELS, MOST_ROWS = 64, 20_000  # more of a table than any device writes is passed over
# A developer's channel may stand in for these where the device measured none (same unit by convention).
STAND_INS = {3: "bpm", 4: "cadence", 7: "power_w"}

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Named = Mapping[str, Scaled]


@dataclass(frozen=True, slots=True)
class Records:
    """Rows with rising, different times (epoch ms UTC): columns of numbers, NaN where not measured."""

    at_ms: Ints
    columns: dict[str, Floats]
    developer: dict[str, Floats]
    is_paused: NDArray[np.bool_]

    def column(self, name: str) -> Floats:
        return self.columns.get(name, np.full(len(self.at_ms), np.nan))


@dataclass(frozen=True, slots=True)
class ActivitySession:
    """One sport of an activity; `first` to `last` (exclusive) are its rows of the records."""

    sport: str
    sub_sport: int | None
    start_ms: int
    end_ms: int
    elapsed_s: float
    timer_s: float
    distance_m: float | None
    energy_kcal: int | None
    first: int
    last: int
    is_derived: bool


@dataclass(frozen=True, slots=True)
class Activity:
    """All that a file says. `stated_elapsed_s` is the sum over its sessions, as they stand there."""

    records: Records
    sessions: tuple[ActivitySession, ...]
    pauses_ms: tuple[tuple[int, int | None], ...]
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
    warnings: tuple[str, ...]
    damage: str | None


@dataclass(slots=True)
class _Rows:
    """Record messages of one layout, with their places in the file."""

    layout: Layout
    data: bytes
    place: list[int] = field(default_factory=list)
    at_s: list[int] = field(default_factory=list)
    at: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Sorted:
    """The messages by what they are for."""

    rows: dict[int, _Rows] = field(default_factory=dict)
    n_records: int = 0
    clock: RrClock = field(default_factory=RrClock)
    strap: StrapEvents = field(default_factory=StrapEvents)
    monitoring: list[tuple[int, int]] = field(default_factory=list)
    tables: dict[str, list[Named]] = field(default_factory=dict)
    offset_s: int | None = None
    full_s: int = 0


def read_activity(data: bytes) -> Activity:
    """The activity in a FIT file. Raises ExportUnreadable where it is none; damage is told, not raised."""
    return fold(read_wire(data, profile.WANTED))


def fold(wire: Wire) -> Activity:
    """Messages in file order to an activity."""
    sorted_ = _sort(wire.messages)
    tables = {name: tuple(rows) for name, rows in sorted_.tables.items()}
    stated = tables.get("session", ())
    stated_ms = _stated_start_ms(stated)
    at_s, columns, developer, order_is_kept = _columns(sorted_)
    times_ms = (at_s + profile.UNIX_AT_FIT_ZERO) * 1000
    is_kept = _plausible(times_ms, stated_ms)
    if stated_ms is not None and not is_kept.any():  # it is the stated start that is wrong
        stated_ms, is_kept = None, _plausible(times_ms, None)
    warnings = list(wire.warnings)
    if not order_is_kept:
        warnings.append("its clock went back; rows were sorted by time")
    had_bpm = np.nan_to_num(columns.get("bpm", np.full(len(at_s), np.nan))) > 0
    n_lost, n_lost_bpm = int((~is_kept).sum()), int((had_bpm & ~is_kept).sum())
    if n_lost:
        warnings.append(f"{n_lost} rows have impossible times")
    pauses = _pauses(tables.get("event", ()))
    records = _merge(at_s[is_kept], columns, developer, is_kept, sorted_.strap, pauses)
    beats = sorted_.clock.beats()
    return Activity(
        records=records,
        sessions=_sessions(stated, records, pauses),
        pauses_ms=pauses,
        beats=beats if beats.rr_ms or not sorted_.strap.at_s else sorted_.strap.beats(),
        monitoring_bpm=tuple(sorted_.monitoring),
        utc_offset_s=sorted_.offset_s,
        sport=next((name for row in stated if (name := _sport(row))), ""),
        device=_device(tables.get("file_id", ())),
        stated_start_ms=stated_ms,
        stated_elapsed_s=sum(_number(row, "elapsed_s") or 0.0 for row in stated),
        tables=tables,
        n_records=sorted_.n_records,
        quarantined=n_lost,
        quarantined_bpm=n_lost_bpm,
        warnings=tuple(warnings),
        damage=wire.damage,
    )


def _sort(messages: Iterable[Message]) -> _Sorted:
    found, rows, record_s = _Sorted(), None, 0
    for message in messages:
        layout, data, at, at_s = message
        number = layout.number
        if number == profile.RECORD:
            if rows is None or rows.layout is not layout:
                rows = found.rows.setdefault(id(layout), _Rows(layout, data))
            rows.place.append(found.n_records)
            rows.at_s.append(-1 if at_s is None else at_s)
            rows.at.append(at)
            found.n_records += 1
            record_s = at_s or record_s
        elif number == profile.HRV:
            intervals = message.value(0)
            if (record_ms := epoch_ms(record_s)) is not None:
                found.clock.record(record_ms)
            if isinstance(intervals, int | float | tuple):
                found.clock.take(intervals if isinstance(intervals, tuple) else (intervals,))
        elif number == profile.HR:
            found.strap.take(message)
        elif number == profile.MONITORING:
            _monitor(found, message)
        elif number not in BULK:
            row = profile.named(message)
            table = found.tables.setdefault(profile.KINDS[number].name, [])
            if len(table) < MOST_ROWS:
                table.append(row)
            if number == profile.EVENT and row.get("event") == TIMER and row.get("event_type") in STOPS:
                found.clock.pause()
            elif number == profile.ACTIVITY:
                found.offset_s = _offset(message) if _offset(message) is not None else found.offset_s
        if at_s is not None:
            found.full_s = at_s
    return found


def _monitor(found: _Sorted, message: Message) -> None:
    """A day's heart rate; `timestamp_16` counts on from the last full time."""
    short, bpm = message.integer(26), message.integer(27)
    if short is not None and message.at_s is None:
        found.full_s += (short - found.full_s) & 0xFFFF
    at_s = found.full_s if message.at_s is None else message.at_s
    at_ms = epoch_ms(at_s)
    if bpm and at_ms is not None:
        found.monitoring.append((at_ms, bpm))


def _offset(message: Message) -> int | None:
    """Seconds local time is ahead of UTC, to the quarter of an hour; None where it cannot be right."""
    local_s = message.integer(5)
    if local_s is None or message.at_s is None or message.at_s < profile.EARLIEST_DATE_S:
        return None
    offset_s = round((local_s - message.at_s) / 900) * 900
    return offset_s if abs(offset_s) < LONGEST_OFFSET_S else None


def _columns(found: _Sorted) -> tuple[Ints, dict[str, Floats], dict[str, Floats], bool]:
    """All record messages in file order: FIT times (-1 where none), columns, developers' channels."""
    n = found.n_records
    at_s, columns = np.full(n, -1, dtype=np.int64), dict[str, Floats]()
    developer, natives = dict[str, Floats](), dict[str, str]()
    fields = profile.KINDS[profile.RECORD].fields
    packed = dict[int, bytes]()
    for rows in found.rows.values():
        place = np.array(rows.place)
        at_s[place] = rows.at_s
        read = _Reader(rows)
        for number, slot in rows.layout.slots.items():
            if number == 253 or number not in fields:
                continue
            if slot.base is BYTES and number == 8:
                for i, at in zip(rows.place, rows.at, strict=True):
                    packed[i] = rows.data[at + slot.offset : at + slot.offset + slot.size]
            elif slot.base is not BYTES and slot.base is not TEXT:
                target = columns.setdefault(fields[number].name, np.full(n, np.nan))
                target[place] = read.numbers(slot) / fields[number].scale + fields[number].offset
        for slot, kind in rows.layout.extras.values():
            if kind is None or slot.base is BYTES or slot.base is TEXT:
                continue
            name = f"{kind.name} [{kind.units}]" if kind.units else kind.name
            if name in developer or len(developer) < MOST_CHANNELS:
                scaled = read.numbers(slot) / kind.scale - kind.offset
                developer.setdefault(name, np.full(n, np.nan))[place] = scaled
                if kind.native_message in (None, profile.RECORD) and kind.native_field in STAND_INS:
                    natives[STAND_INS[kind.native_field]] = name
    _unpack(packed, columns, n)
    for plain in ("speed_m_s", "altitude_m", "respiration_per_min"):
        better = columns.pop(f"enhanced_{plain}", None)
        if better is not None:
            columns[plain] = np.where(np.isnan(better), columns.get(plain, better), better)
    for native, name in natives.items():
        if native not in columns or bool(np.isnan(columns[native]).all()):
            columns[native] = developer[name]
    dated = at_s[at_s >= 0]
    return at_s, columns, developer, bool((np.diff(dated) >= 0).all())


class _Reader:
    """Reads a field from all messages of a layout at once, as wide numbers."""

    def __init__(self, rows: _Rows) -> None:
        self.raw, self.at = np.frombuffer(rows.data, dtype=np.uint8), np.array(rows.at)
        self.order = rows.layout.order

    def numbers(self, slot: Slot) -> Floats:
        """Its (first) value of each message, NaN where it says nothing."""
        base = slot.base
        span = self.at[:, np.newaxis] + np.arange(slot.offset, slot.offset + base.size)
        narrow = self.raw[span].view(np.dtype(self.order + base.letter))[:, 0]
        with np.errstate(invalid="ignore"):
            wide = narrow.astype(np.float64)
        if base.nothing is not None:
            wide[narrow == base.nothing] = np.nan
        wide[~np.isfinite(wide)] = np.nan
        return wide


def _unpack(packed: dict[int, bytes], columns: dict[str, Floats], n: int) -> None:
    """compressed_speed_distance: 12 bits of speed /100 and 12 bits of a distance /16 that rolls over."""
    known = {i: b for i, b in packed.items() if len(b) == 3 and b != b"\xff\xff\xff"}
    if not known:
        return
    raw = np.array([int.from_bytes(b, "little") for b in known.values()], dtype=np.int64)
    place = np.array(list(known))
    order = np.argsort(place)
    place, speed, rolling = place[order], (raw & 0xFFF)[order], (raw >> 12)[order]
    distance = np.cumsum(np.diff(rolling, prepend=0) & 0xFFF)
    for name, values in (("speed_m_s", speed / 100), ("distance_m", distance / 16)):
        if name not in columns:
            columns[name] = np.full(n, np.nan)
            columns[name][place] = values


def _stated_start_ms(stated: Iterable[Named]) -> int | None:
    starts = (_time_ms(row, "start_s") for row in stated)
    return next((ms for ms in starts if ms is not None and ms > EARLIEST_MS), None)


def _plausible(at_ms: Ints, stated_ms: int | None) -> NDArray[np.bool_]:
    """Which rows lie within 1 h before and 30 d after the start: the stated one, or the first near most."""
    is_dated = at_ms >= EARLIEST_MS
    if not is_dated.any():
        return is_dated
    if stated_ms is None:
        times = np.unique(at_ms[is_dated])
        middle = times[len(times) // 2]
        stated_ms = int(times[times >= middle - LONGEST_MS][0])
    return is_dated & (at_ms >= stated_ms - BEFORE_START_MS) & (at_ms <= stated_ms + LONGEST_MS)


def _merge(
    at_s: Ints,
    columns: dict[str, Floats],
    developer: dict[str, Floats],
    is_kept: NDArray[np.bool_],
    strap: StrapEvents,
    pauses: tuple[tuple[int, int | None], ...],
) -> Records:
    """One row a time: of several the last value known wins, field by field."""
    times, group = np.unique(at_s, return_inverse=True)

    def merged(column: Floats) -> Floats:
        values = column[is_kept]
        known = ~np.isnan(values)
        out = np.full(len(times), np.nan)
        out[group[known]] = values[known]
        return out

    named = {name: merged(column) for name, column in columns.items()}
    if strap.at_s:
        own = named.get("bpm", np.full(len(times), np.nan))
        named["bpm"] = strap.merged(times.astype(np.float64), own)
    at_ms = (times + profile.UNIX_AT_FIT_ZERO) * 1000
    is_paused = np.zeros(len(times), dtype=np.bool_)
    for start, end in pauses:
        is_paused |= (at_ms > start) & (at_ms < (at_ms[-1] + 1 if end is None and len(at_ms) else end or 0))
    return Records(at_ms, named, {name: merged(column) for name, column in developer.items()}, is_paused)


def _pauses(events: Iterable[Named]) -> tuple[tuple[int, int | None], ...]:
    """Stretches between the timer's stop and its next start; the last may have no end."""
    pauses: list[tuple[int, int | None]] = []
    stopped: int | None = None
    for event in events:
        at_ms = _time_ms(event, "timestamp_s")
        if event.get("event") != TIMER or at_ms is None:
            continue
        if event.get("event_type") in STOPS and stopped is None:
            stopped = at_ms
        elif event.get("event_type") in STARTS and stopped is not None:
            if at_ms > stopped:
                pauses.append((stopped, at_ms))
            stopped = None
    return (*pauses, (stopped, None)) if stopped is not None else tuple(pauses)


def _sessions(
    stated: Iterable[Named], records: Records, pauses: tuple[tuple[int, int | None], ...]
) -> tuple[ActivitySession, ...]:
    """The stated sessions in order of time, or one derived from the rows where there is none."""
    at_ms = records.at_ms
    if not len(at_ms):
        return ()
    begun = [
        (ms, row)
        for row in stated
        if (ms := _time_ms(row, "start_s")) is not None
        and at_ms[0] - LONGEST_MS <= ms <= at_ms[-1] + BEFORE_START_MS
    ]
    begun.sort(key=lambda one: one[0])
    if not begun:
        return (_derived(records, next((_sport(row) for row in stated), ""), pauses),)
    found = []
    for n, (start_ms, row) in enumerate(begun):
        next_ms = begun[n + 1][0] if n + 1 < len(begun) else int(at_ms[-1]) + 1
        elapsed_s, timer_s = _number(row, "elapsed_s"), _number(row, "timer_s")
        if elapsed_s is None:
            elapsed_s = timer_s if timer_s is not None else max(0, next_ms - start_ms) / 1000
        timer_s = elapsed_s if timer_s is None else timer_s
        elapsed_s, timer_s = max(elapsed_s, timer_s), min(elapsed_s, timer_s)
        end_ms = start_ms + int(elapsed_s * 1000)
        stop_ms = max(start_ms, min(end_ms + 1000, next_ms) if n + 1 < len(begun) else end_ms + 1000)
        energy, sub_sport = row.get("energy_kcal"), row.get("sub_sport")
        found.append(ActivitySession(
            sport=_sport(row) or "generic", sub_sport=sub_sport if isinstance(sub_sport, int) else None,
            start_ms=start_ms, end_ms=end_ms, elapsed_s=elapsed_s, timer_s=timer_s,
            distance_m=_number(row, "distance_m"), energy_kcal=energy if isinstance(energy, int) else None,
            first=int(np.searchsorted(at_ms, start_ms)), last=int(np.searchsorted(at_ms, stop_ms)),
            is_derived=False,
        ))  # fmt: skip
    return tuple(found)


def _derived(records: Records, sport: str, pauses: tuple[tuple[int, int | None], ...]) -> ActivitySession:
    """What the rows alone say of a session that its device did not close."""
    start_ms, end_ms = int(records.at_ms[0]), int(records.at_ms[-1])
    elapsed_s = (end_ms - start_ms) / 1000
    cut = (max(0, min(to or end_ms, end_ms) - max(at, start_ms)) for at, to in pauses)
    way = records.column("distance_m")
    way = way[~np.isnan(way)]
    return ActivitySession(
        sport=sport or "generic", sub_sport=None, start_ms=start_ms, end_ms=end_ms, elapsed_s=elapsed_s,
        timer_s=max(0.0, elapsed_s - sum(cut) / 1000),
        distance_m=float(way.max() - way.min()) if len(way) else None,
        energy_kcal=None, first=0, last=len(records.at_ms), is_derived=True,
    )  # fmt: skip


def _sport(row: Named) -> str:
    number = row.get("sport")
    return profile.SPORTS.get(number, str(number)) if isinstance(number, int) else ""


def _device(file_ids: tuple[Named, ...]) -> str:
    row = file_ids[0] if file_ids else {}
    maker, product = row.get("manufacturer"), row.get("product_name") or row.get("product")
    if isinstance(maker, int):
        maker = profile.MAKERS.get(maker, f"maker {maker}")
    return " ".join(str(part) for part in (maker, product) if part is not None)


def _time_ms(row: Named, name: str) -> int | None:
    value = row.get(name)
    return epoch_ms(value) if isinstance(value, int) else None


def _number(row: Named, name: str) -> float | None:
    value = row.get(name)
    return float(value) if isinstance(value, int | float) and np.isfinite(value) else None
