"""A FIT file's record messages become columns: read by the stretch, then one row a time.

Rows are chosen and merged, never corrected or smoothed. Inside arrays NaN is "not measured", a time of -1
is none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hub.devices.exports import fit_profile as profile
from hub.devices.exports.fit_beats import StrapEvents
from hub.devices.exports.fit_layout import BYTES, TEXT, TIMESTAMP, DeveloperField, Layout, Slot
from hub.devices.exports.fit_wire import Message

# A developer's channel may stand in for these where the device measured none (same unit by convention).
STAND_INS = {3: "bpm", 4: "cadence", 7: "power_w"}
MOST_CHANNELS, MOST_CELLS = 64, 8_000_000  # more of developers' channels is passed over
PACKED = 8  # compressed_speed_distance

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(slots=True)
class Stretches:
    """Record messages of one layout: where each stretch begins, how long it is, its place in the file."""

    layout: Layout
    data: bytes
    place: list[int] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    n: list[int] = field(default_factory=list)
    at_s: list[int] = field(default_factory=list)

    def take(self, message: Message, place: int) -> None:
        """Add a stretch whose first message is the file's record number `place`."""
        self.place.append(place)
        self.at.append(message.at)
        self.n.append(message.n)
        self.at_s.append(-1 if message.at_s is None or message.n > 1 else message.at_s)


@dataclass(frozen=True, slots=True)
class RawRows:
    """Every record message in the file's order: FIT times, named columns, developers' channels."""

    at_s: Ints
    columns: dict[str, Floats]
    developer: dict[str, Floats]

    @property
    def at_ms(self) -> Ints:
        """Epoch ms UTC."""
        return (self.at_s + profile.UNIX_AT_FIT_ZERO) * 1000

    @property
    def has_bpm(self) -> Bools:
        """Which of them say a heart rate."""
        bpm = self.columns.get("bpm")
        return np.zeros(len(self.at_s), dtype=np.bool_) if bpm is None else ~np.isnan(bpm)


@dataclass(frozen=True, slots=True)
class Records:
    """Rows with rising, different times (epoch ms UTC) and columns, NaN where not measured.

    `n_messages` and `n_bpm` count the record messages behind each row, and those with a heart rate.
    """

    at_ms: Ints
    columns: dict[str, Floats]
    developer: dict[str, Floats]
    is_paused: Bools
    n_messages: Ints
    n_bpm: Ints

    def column(self, name: str) -> Floats:
        """The named column, all NaN where the file has none."""
        return self.columns.get(name, np.full(len(self.at_ms), np.nan))


class _Table:
    """The bytes of all messages of a layout, one behind another, read a field at a time."""

    def __init__(self, rows: Stretches) -> None:
        self.size, self.order = rows.layout.reading.size, rows.layout.order
        lengths = np.array(rows.n)
        self.n = int(lengths.sum())
        self.bytes = b"".join(
            rows.data[at - 1 : at - 1 + n * self.size] for at, n in zip(rows.at, rows.n, strict=True)
        )
        first = np.cumsum(lengths) - lengths
        self.place = np.repeat(np.array(rows.place) - first, lengths) + np.arange(self.n)
        self.at_s = np.repeat(np.array(rows.at_s), lengths)
        stamp = rows.layout.slots.get(TIMESTAMP)
        if stamp is not None and rows.layout.reading.stamp_offset is not None:
            times = self.numbers(stamp)
            is_timed = ~np.isnan(times)
            self.at_s[is_timed] = times[is_timed].astype(np.int64)

    def numbers(self, slot: Slot) -> Floats:
        """A field's (first) value of each message, NaN where it says nothing."""
        base = slot.base
        narrow: NDArray[np.generic] = np.ndarray(
            (self.n,), np.dtype(self.order + base.letter), self.bytes, slot.offset + 1, (self.size,)
        )
        with np.errstate(invalid="ignore"):
            wide = narrow.astype(np.float64)
        if base.nothing is not None:
            wide[narrow == base.nothing] = np.nan
        elif base.letter in "fd":
            wide[~np.isfinite(wide)] = np.nan
        return wide

    def packed(self, slot: Slot) -> list[bytes]:
        """A field's bytes of each message."""
        starts = range(slot.offset + 1, self.n * self.size, self.size)
        return [self.bytes[at : at + slot.size] for at in starts]


class _Columns:
    """Columns as they fill, layout by layout."""

    def __init__(self, n: int) -> None:
        self.n, self.at_s = n, np.full(n, -1, dtype=np.int64)
        self.columns, self.developer = dict[str, Floats](), dict[str, Floats]()
        self.natives, self.packed = dict[str, str](), dict[int, bytes]()

    def add(self, rows: Stretches) -> None:
        table, fields = _Table(rows), profile.KINDS[profile.RECORD].fields
        self.at_s[table.place] = table.at_s
        for number, slot in rows.layout.slots.items():
            if slot.base is BYTES and number == PACKED:
                self.packed.update(zip(table.place.tolist(), table.packed(slot), strict=True))
            elif number in fields and number != TIMESTAMP and slot.base not in (BYTES, TEXT):
                kind = fields[number]
                self._put(self.columns, kind.name, table, slot, kind.scale, kind.offset)
        for slot, developed in rows.layout.extras.values():
            if developed is not None and slot.base not in (BYTES, TEXT):
                self._add_developed(table, slot, developed)

    def _add_developed(self, table: _Table, slot: Slot, kind: DeveloperField) -> None:
        name = f"{kind.name} [{kind.units}]" if kind.units else kind.name
        n = len(self.developer)
        if name not in self.developer and (n >= MOST_CHANNELS or (n + 1) * self.n > MOST_CELLS):
            return
        self._put(self.developer, name, table, slot, kind.scale, -kind.offset)
        if kind.native_message in (None, profile.RECORD) and kind.native_field in STAND_INS:
            self.natives[STAND_INS[kind.native_field]] = name

    def _put(
        self, into: dict[str, Floats], name: str, table: _Table, slot: Slot, scale: float, offset: float
    ) -> None:
        values = table.numbers(slot)
        if scale != 1:
            values /= scale
        if offset:
            values += offset
        if table.n == self.n and name not in into:
            into[name] = values  # its places are 0 to n
        else:
            into.setdefault(name, np.full(self.n, np.nan))[table.place] = values

    def rows(self) -> RawRows:
        """Finished: packed fields read, better fields chosen, stand-ins put where nothing was measured."""
        columns = self.columns
        _unpack(self.packed, columns, self.n)
        for plain in ("speed_m_s", "altitude_m", "respiration_per_min"):
            better = columns.pop(f"enhanced_{plain}", None)
            if better is not None:
                columns[plain] = np.where(np.isnan(better), columns.get(plain, better), better)
        for native, name in self.natives.items():
            if native not in columns or bool(np.isnan(columns[native]).all()):
                columns[native] = self.developer[name]
        return RawRows(self.at_s, columns, self.developer)


def raw_rows(stretches: Iterable[Stretches], n: int, shift_s: int = 0) -> RawRows:
    """All n record messages in file order; times since power-up are moved on by `shift_s`."""
    columns = _Columns(n)
    for rows in stretches:
        columns.add(rows)
    at_s = columns.at_s
    at_s[(at_s >= 0) & (at_s < profile.EARLIEST_DATE_S)] += shift_s
    return columns.rows()


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


def merged(
    raw: RawRows, is_kept: Bools, strap: StrapEvents, pauses: tuple[tuple[int, int | None], ...]
) -> Records:
    """One row a time from the rows that are kept: of several the last value known wins, field by field.

    The columns of `raw` are given up on the way.
    """
    has_bpm = raw.has_bpm
    if is_kept.all() and bool((np.diff(raw.at_s) > 0).all()):
        times, columns, developer = raw.at_s, raw.columns, raw.developer
        n_messages, n_bpm = np.ones(len(times), dtype=np.int64), has_bpm.astype(np.int64)
    else:
        times, group = np.unique(raw.at_s[is_kept], return_inverse=True)
        columns = _grouped(raw.columns, is_kept, group, len(times))
        developer = _grouped(raw.developer, is_kept, group, len(times))
        n_messages = np.bincount(group, minlength=len(times))
        n_bpm = np.bincount(group[has_bpm[is_kept]], minlength=len(times))
    if strap.at_s:
        own = columns.get("bpm", np.full(len(times), np.nan))
        columns["bpm"] = strap.merged(times.astype(np.float64), own)
        n_bpm = np.where(np.isnan(columns["bpm"]), 0, n_messages)
    at_ms = (times + profile.UNIX_AT_FIT_ZERO) * 1000
    is_paused = np.zeros(len(times), dtype=np.bool_)
    for start, end in pauses:
        last = len(at_ms) if end is None else np.searchsorted(at_ms, end)
        is_paused[np.searchsorted(at_ms, start, side="right") : last] = True
    return Records(at_ms, columns, developer, is_paused, n_messages, n_bpm)


def _grouped(columns: dict[str, Floats], is_kept: Bools, group: Ints, n: int) -> dict[str, Floats]:
    out = dict[str, Floats]()
    for name in list(columns):
        values = columns.pop(name)[is_kept]
        known = ~np.isnan(values)
        out[name] = np.full(n, np.nan)
        out[name][group[known]] = values[known]
    return out
