"""A session's heart rates without their order: the credited time at every whole bpm, small enough to keep.

Whatever depends on heart rate alone is a dot product with it, so a new HRmax or new zones need no samples. It
holds no order: recovery and curves cannot be worked out from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hub.analytics.credit import coverage_of, credited_time
from hub.analytics.errors import HistogramDamaged, OutOfRange, ShapeMismatch
from hub.analytics.trimp import TABLE_BPM

LAYOUT = 1
_HALF_MS = 2000
"""Half milliseconds in a second: two neighbours share the time between them, so this is exact."""


@dataclass(frozen=True, slots=True, eq=False)
class HeartHistogram:
    """Credited time per whole bpm, `half_ms` int64 (256,) counted in half milliseconds; 255 holds all above.

    `estimated_ms` of it bridges gaps of 10 to 60 s. `min_bpm` and `max_bpm` are those of all n samples, also
    of lone ones that earn no time; None without samples. Raises ShapeMismatch, OutOfRange.
    """

    half_ms: NDArray[np.int64]
    estimated_ms: int
    elapsed_ms: int
    n: int
    min_bpm: int | None
    max_bpm: int | None

    def __post_init__(self) -> None:
        if self.half_ms.shape != (TABLE_BPM,):
            raise ShapeMismatch(f"half_ms {self.half_ms.shape}, ({TABLE_BPM},) needed")
        if bool((self.half_ms < 0).any()) or min(self.estimated_ms, self.elapsed_ms, self.n) < 0:
            raise OutOfRange("times and counts are not negative")
        if (self.n == 0) != (self.min_bpm is None) or (self.n == 0) != (self.max_bpm is None):
            raise OutOfRange("samples have a lowest and a highest bpm")
        if self.min_bpm is not None and self.max_bpm is not None:
            lo, hi, times = self.min_bpm, self.max_bpm, self.half_ms
            if not 0 <= lo <= hi < TABLE_BPM or times[:lo].any() or times[hi + 1 :].any():
                raise OutOfRange(f"{lo} to {hi} bpm")
        elif self.half_ms.any():
            raise OutOfRange("time without samples")
        self.half_ms.setflags(write=False)

    @property
    def seconds(self) -> NDArray[np.float64]:
        """Credited seconds at 0, 1, ... 255 bpm, float64 (256,)."""
        return self.half_ms / _HALF_MS

    @property
    def covered_s(self) -> float:
        return float(self.half_ms.sum() / _HALF_MS)

    @property
    def estimated_s(self) -> float:
        return self.estimated_ms / 1000

    @property
    def elapsed_s(self) -> float:
        return self.elapsed_ms / 1000

    @property
    def coverage(self) -> float:
        """Share of the session's time with valid data, 0 to 1."""
        return coverage_of(self.covered_s, self.elapsed_s)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HeartHistogram) and pack(self) == pack(other)

    def __hash__(self) -> int:
        return hash(pack(self))


def heart_histogram(
    mono_ms: NDArray[np.int64], bpm: NDArray[np.integer | np.floating], from_ms: int, to_ms: int
) -> HeartHistogram:
    """The histogram of the samples in [from_ms, to_ms), gaps as in `credited_time`.

    `mono_ms` and `bpm` are (n,), in any order; bpm <= 0 or not finite is a gap, of two samples with one
    timestamp the first counts, and parts of a beat are cut off. Raises ShapeMismatch.
    """
    time = credited_time(mono_ms, bpm, from_ms, to_ms)
    index = np.minimum(time.bpm, TABLE_BPM - 1).astype(np.int64)
    shares = np.rint(time.weight_s * _HALF_MS)
    counted = np.bincount(
        index, shares, minlength=TABLE_BPM
    )  # whole numbers under 2^53: the order is no matter
    return HeartHistogram(
        half_ms=counted.astype(np.int64),
        estimated_ms=round(time.estimated_s * 1000),
        elapsed_ms=max(0, to_ms - from_ms),
        n=time.n,
        min_bpm=int(index.min()) if time.n else None,
        max_bpm=int(index.max()) if time.n else None,
    )


def merged(one: HeartHistogram, other: HeartHistogram) -> HeartHistogram:
    """Two spans of one athlete as one: times and counts add up, whichever comes first."""
    return HeartHistogram(
        half_ms=one.half_ms + other.half_ms,
        estimated_ms=one.estimated_ms + other.estimated_ms,
        elapsed_ms=one.elapsed_ms + other.elapsed_ms,
        n=one.n + other.n,
        min_bpm=min((it.min_bpm for it in (one, other) if it.min_bpm is not None), default=None),
        max_bpm=max((it.max_bpm for it in (one, other) if it.max_bpm is not None), default=None),
    )


def pack(histogram: HeartHistogram) -> bytes:
    """The histogram in some hundred bytes: layout, sums, and the times from the lowest bpm to the highest."""
    numbers = [LAYOUT, histogram.estimated_ms, histogram.elapsed_ms, histogram.n]
    if histogram.min_bpm is not None and histogram.max_bpm is not None:
        times = histogram.half_ms[histogram.min_bpm : histogram.max_bpm + 1].tolist()
        numbers += [histogram.min_bpm, histogram.max_bpm, *times]
    return b"".join(_varint(number) for number in numbers)


def unpack(data: bytes) -> HeartHistogram:
    """The histogram `pack` wrote, exactly. Raises HistogramDamaged for any other bytes."""
    numbers = list(_numbers(data))
    if len(numbers) < 4 or numbers[0] != LAYOUT:
        raise HistogramDamaged(f"{len(data)} bytes, layout {numbers[0] if numbers else None}")
    _, estimated_ms, elapsed_ms, n, *rest = numbers
    half_ms = np.zeros(TABLE_BPM, dtype=np.int64)
    lo, hi = (rest[0], rest[1]) if len(rest) > 1 else (None, None)
    if lo is not None and hi is not None:
        if not lo <= hi < TABLE_BPM or len(rest) != 3 + hi - lo:
            raise HistogramDamaged(f"{len(rest) - 2} times for {lo} to {hi} bpm")
        half_ms[lo : hi + 1] = rest[2:]
    elif rest:
        raise HistogramDamaged("it breaks off")
    try:
        return HeartHistogram(half_ms, estimated_ms, elapsed_ms, n, lo, hi)
    except OutOfRange as error:
        raise HistogramDamaged(error.detail) from error


def _varint(number: int) -> bytes:
    """Seven bits a byte, lowest first, the top bit saying that more follow."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _numbers(data: bytes) -> Iterator[int]:
    number, shift = 0, 0
    for byte in data:
        number |= (byte & 0x7F) << shift
        shift += 7
        if shift > 56 or (byte == 0 and shift > 7):
            raise HistogramDamaged("a number is too long")
        if byte < 0x80:
            yield number
            number, shift = 0, 0
    if shift:
        raise HistogramDamaged("it breaks off")
