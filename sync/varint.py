"""Columns of whole numbers as LEB128 varints, whole arrays at a time.

It knows nothing of what the numbers mean, and trusts no byte it reads.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sync.errors import SegmentCorrupt

Unsigned = npt.NDArray[np.uint64]
Signed = npt.NDArray[np.int64]

_LONGEST = 10  # bytes of a 64-bit number, seven bits a byte


def zigzag(values: Signed) -> Unsigned:
    """Small magnitudes become small unsigned numbers: 0, -1, 1, -2 -> 0, 1, 2, 3."""
    return ((values << 1) ^ (values >> 63)).view(np.uint64)


def unzigzag(values: Unsigned) -> Signed:
    """The inverse of `zigzag`, exact over all 64 bits."""
    half = (values >> np.uint64(1)).view(np.int64)
    return half ^ -(values & np.uint64(1)).view(np.int64)


def differences(column: npt.NDArray[np.integer]) -> Signed:
    """Each number less the one before, the first from 0; beyond 64 bits they wrap round."""
    wide: Signed = column.astype(np.int64)
    wide[1:] -= column[:-1].astype(np.int64)
    return wide


def running(steps: Signed, low: int, high: int, offset: int) -> Signed:
    """The inverse of `differences`; wraps back what wrapped round.

    Raises SegmentCorrupt where a number is not from `low` to `high`; `offset` is where it lies.
    """
    values = np.cumsum(steps)
    if values.size and (int(values.min()) < low or int(values.max()) > high):
        raise SegmentCorrupt("a value is out of range", offset=offset)
    return values


def pack(values: Unsigned) -> bytes:
    """Seven bits a byte, lowest first; the high bit says that more follow. Always the shortest form."""
    if values.size == 0:
        return b""
    width = max(1, -(-int(values.max()).bit_length() // 7))
    if width == 1:
        return values.astype(np.uint8).tobytes()
    shifts = np.arange(width, dtype=np.uint64) * np.uint64(7)
    rest = values[:, None] >> shifts
    grid = (rest & np.uint64(0x7F)).astype(np.uint8)
    is_used = rest != 0
    is_used[:, 0] = True
    grid[:, :-1] |= is_used[:, 1:].astype(np.uint8) << 7
    return bytes(grid[is_used].tobytes())


def unpack(data: npt.NDArray[np.uint8], count: int, offset: int) -> Unsigned:
    """Exactly `count` numbers out of all of `data`; `offset` is where it lies, for the error.

    Raises SegmentCorrupt when there are more or fewer, one is cut off, too long, or not in its shortest form.
    """
    ends = np.flatnonzero(data < 0x80)
    if ends.size != count or (data.size and (not ends.size or int(ends[-1]) != data.size - 1)):
        raise SegmentCorrupt(f"{count} numbers expected, {ends.size} found", offset=offset + data.size)
    if data.size == count:
        return data.astype(np.uint64)
    starts = np.empty_like(ends)
    starts[0] = 0
    starts[1:] = ends[:-1] + 1
    lengths = ends - starts + 1
    longest = int(lengths.max())
    _check_shape(data, starts, ends, lengths, longest, offset)
    values = (data[starts] & 0x7F).astype(np.uint64)
    for place in range(1, longest):
        longer = np.flatnonzero(lengths > place)
        part = (data[starts[longer] + place] & 0x7F).astype(np.uint64)
        values[longer] |= part << np.uint64(7 * place)
    return values


def _check_shape(
    data: npt.NDArray[np.uint8], starts: Signed, ends: Signed, lengths: Signed, longest: int, offset: int
) -> None:
    """Every number fits 64 bits and ends in a byte that carries something."""
    is_bad = (lengths > 1) & (data[ends] == 0)
    if longest >= _LONGEST:
        is_bad |= (lengths > _LONGEST) | ((lengths == _LONGEST) & (data[ends] > 1))
    if is_bad.any():
        raise SegmentCorrupt("a number is malformed", offset=offset + int(starts[is_bad.argmax()]))
