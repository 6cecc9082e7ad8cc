"""Motion segments: where somebody was, how fast and how hard, sealed like heart rates under codec 2.

Columns are whole numbers in the units the sensors resolve. It judges no value: implausible speeds and poor
fixes are kept as they came, and filtered where they are used.

Behind the head (`envelope`) stand:

    2     u16: bit i says that column i of `COLUMNS` holds anything; no column that holds nothing is written
    ...   varints, each the zigzag of a signed difference: n-1 times (the step to this row, less the step
          before it, the first less 0), then n of each column written (the first from 0)
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from sync import varint
from sync.envelope import HEAD_BYTES, Segment, check_label, opened, sealed
from sync.errors import SegmentCorrupt

CODEC_MOTION = 2
CHANNEL = "motion"
MISSING = -(1 << 31)
"""Stands in every column for "not measured"."""

MOST_MS = 1 << 53
MOST_DM = 1 << 40
SEGMENT_MS = 300_000
MOST_ROWS = 15_000
"""So many rows fit 1 MiB whatever they hold."""

COLUMNS: dict[str, tuple[str, float]] = {
    "latitude_1e7": ("latitude_deg", 1e7),
    "longitude_1e7": ("longitude_deg", 1e7),
    "altitude_dm": ("altitude_m", 10),
    "speed_mmps": ("speed_mps", 1000),
    "distance_dm": ("distance_m", 10),
    "cadence_per_min_x10": ("cadence_per_min", 10),
    "power_w": ("power_w", 1),
    "hdop_x10": ("hdop", 10),
    "satellites": ("satellites", 1),
}
"""Each column in the order of the bitmap: the name of its floats outside, and steps to one unit of those."""

_BITMAP = struct.Struct("<H")

Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """Columns (n,) of one stream, times rising strictly; `MISSING` where a value was not measured.

    WGS 84 coordinates in 1e-7 degree, altitude and distance since the start in dm, speed in mm/s; cadence
    is as the device counts it (steps, strides or turns) in tenths a minute, HDOP in tenths.
    """

    mono_ms: Longs
    latitude_1e7: Ints
    longitude_1e7: Ints
    altitude_dm: Ints
    speed_mmps: Ints
    distance_dm: Longs
    cadence_per_min_x10: Ints
    power_w: Ints
    hdop_x10: Ints
    satellites: Ints

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Motion):
            return NotImplemented
        return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return int(self.mono_ms.size)

    @classmethod
    def of_columns(cls, at_ms: Longs, columns: Mapping[str, npt.NDArray[np.floating]]) -> Motion:
        """From times (n,) rising strictly and floats (n,) under the outside names, NaN "not measured".

        Other names are passed over, and rows in which nothing was measured are left out. A value beyond
        what its column holds counts as not measured.
        """
        n = len(at_ms)
        whole = {name: _rounded(name, columns.get(outside), n) for name, (outside, _) in COLUMNS.items()}
        holds = np.zeros(n, np.bool_)
        for column in whole.values():
            holds |= column != MISSING
        return cls(at_ms[holds].astype(np.int64), **{name: column[holds] for name, column in whole.items()})

    def columns(self) -> dict[str, Floats]:
        """Floats (n,) under the outside names, NaN where not measured; only columns that hold anything."""
        found: dict[str, Floats] = {}
        for name, (outside, steps) in COLUMNS.items():
            column: Longs = getattr(self, name)
            if (column != MISSING).any():
                found[outside] = np.where(column == MISSING, np.nan, column / steps)
        return found

    def rows(self, chosen: npt.NDArray[Any] | slice) -> Motion:
        """The rows a mask, a rising index or a slice chooses."""
        return Motion(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def pieces(self) -> list[Motion]:
        """Stretches of at most 300 s and `MOST_ROWS` rows, each of which fits one segment."""
        found, begin = [], 0
        while begin < len(self):
            end = int(np.searchsorted(self.mono_ms, int(self.mono_ms[begin]) + SEGMENT_MS))
            end = min(end, begin + MOST_ROWS)
            found.append(self.rows(slice(begin, end)))
            begin = end
        return found


def seal_motion(stream_id: str, boot_no: int, motion: Motion) -> Segment:
    """Close `motion` into a segment; the same rows always give the same bytes.

    Raises ValueError for columns that do not belong together, no rows at all, times that do not rise or lie
    beyond 2**53 ms, distances beyond 2**40 dm, or more than fits 1 MiB.
    """
    _check(motion)
    written = [name for name in COLUMNS if (getattr(motion, name) != MISSING).any()]
    bitmap = sum(1 << place for place, name in enumerate(COLUMNS) if name in written)
    runs = [varint.differences(np.diff(motion.mono_ms))]
    runs += [varint.differences(getattr(motion, name)) for name in written]
    body = _BITMAP.pack(bitmap) + varint.pack(varint.zigzag(np.concatenate(runs)))
    first_ms, last_ms = int(motion.mono_ms[0]), int(motion.mono_ms[-1])
    return sealed(CODEC_MOTION, stream_id, boot_no, first_ms, last_ms, len(motion), body)


def unseal_motion(segment: Segment) -> Motion:
    """The rows of a motion segment, after checking its hash and that its label tells the truth.

    Raises SegmentCorrupt, also for content that `seal_motion` would not have written.
    """
    head, body = opened(segment, CODEC_MOTION)
    motion = _parse(body, head.mono0_ms, head.n)
    check_label(segment, head, int(motion.mono_ms[-1]))
    return motion


def joined(parts: list[Motion]) -> Motion:
    """All rows in order of time; of two at one time the one of the earlier part stays."""
    names = [field.name for field in fields(Motion)]
    if not parts:
        return Motion(*(np.zeros(0, _kind(name)) for name in names))
    whole = Motion(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
    _, first = np.unique(whole.mono_ms, return_index=True)
    return whole.rows(first)


def _kind(name: str) -> type[Any]:
    return np.int64 if name in ("mono_ms", "distance_dm") else np.int32


def _most(name: str) -> int:
    return MOST_DM if name == "distance_dm" else (1 << 31) - 1


def _rounded(name: str, column: npt.NDArray[np.floating] | None, n: int) -> npt.NDArray[Any]:
    if column is None:
        return np.full(n, MISSING, _kind(name))
    steps = np.round(np.asarray(column, np.float64) * COLUMNS[name][1])
    is_held = np.isfinite(steps) & (steps > MISSING) & (steps <= _most(name))
    return np.where(is_held, steps, MISSING).astype(_kind(name))


def _check(motion: Motion) -> None:
    n = len(motion)
    if n == 0:
        raise ValueError("a segment holds at least one row")
    for field in fields(motion):
        column: npt.NDArray[Any] = getattr(motion, field.name)
        if column.dtype != _kind(field.name) or column.shape != (n,):
            raise ValueError(f"column {field.name} must be {n} of {np.dtype(_kind(field.name))}")
    if fault := _fault(motion):
        raise ValueError(fault)


def _fault(motion: Motion) -> str | None:
    """Why the values cannot be in a segment, whoever asks."""
    times, metres = motion.mono_ms, motion.distance_dm
    if int(times.min()) < -MOST_MS or int(times.max()) > MOST_MS:
        return "a time is out of range"
    if not (times[1:] > times[:-1]).all():
        return "the times do not rise"
    return "a value is out of range" if int(metres.min()) < MISSING or int(metres.max()) > MOST_DM else None


def _parse(data: npt.NDArray[np.uint8], mono0_ms: int, n: int) -> Motion:
    if data.size < _BITMAP.size:
        raise SegmentCorrupt("the list of columns is cut off", offset=HEAD_BYTES)
    (bitmap,) = _BITMAP.unpack(data[: _BITMAP.size].tobytes())
    if bitmap >= 1 << len(COLUMNS):
        raise SegmentCorrupt("an unknown column", offset=HEAD_BYTES)
    at = HEAD_BYTES + _BITMAP.size
    written = [name for place, name in enumerate(COLUMNS) if bitmap >> place & 1]
    count = n - 1 + n * len(written)
    if count > data.size:
        raise SegmentCorrupt(f"{n} rows cannot be in {data.size} bytes", offset=at)
    numbers = varint.unzigzag(varint.unpack(data[_BITMAP.size :], count, at))
    steps = np.cumsum(numbers[: n - 1])
    columns: dict[str, npt.NDArray[Any]] = {name: np.full(n, MISSING, _kind(name)) for name in COLUMNS}
    for place, name in enumerate(written):
        run = numbers[n - 1 + place * n : n - 1 + (place + 1) * n]
        columns[name] = varint.running(run, MISSING, _most(name), at).astype(_kind(name))
        if (columns[name] == MISSING).all():
            raise SegmentCorrupt(f"column {name} holds nothing", offset=at)
    motion = Motion(np.cumsum(np.concatenate(([mono0_ms], steps))), **columns)
    if fault := _fault(motion):
        raise SegmentCorrupt(fault, offset=at)
    return motion
