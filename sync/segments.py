"""A segment is a closed stretch of one stream's samples, named by the hash of its content.

It holds no athlete, no session and no wall time, so who wore the strap and when it truly was can be
corrected later without touching a byte. It never guesses: bytes that are not exactly a segment raise.

This is the codec of heart rates and intervals, number 1; the head is `envelope`'s. Behind it stand:

    n     contact: 0 unsupported, 1 no, 2 yes
    n     rr_count: beats reported with each sample
    ...   varints, each the zigzag of a signed difference, in three runs:
          n-1 times (step to this sample, less 1000 ms), n bpm (the first from 0),
          sum(rr_count) intervals of 1/1024 s (the first from 0)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sync import varint
from sync.envelope import HEAD_BYTES, check_label, opened, sealed
from sync.envelope import Segment as Segment
from sync.envelope import frame as frame
from sync.envelope import unframe as unframe
from sync.errors import SegmentCorrupt

CODEC_ZLIB = 1
USUAL_STEP_MS = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Columns of one stream, oldest first; `rr_1024` holds each sample's `rr_count` intervals in turn."""

    mono_ms: npt.NDArray[np.int64]
    bpm: npt.NDArray[np.int16]
    contact: npt.NDArray[np.uint8]
    rr_count: npt.NDArray[np.uint8]
    rr_1024: npt.NDArray[np.uint16]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Samples):
            return NotImplemented
        return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return int(self.mono_ms.size)


def seal(stream_id: str, boot_no: int, samples: Samples) -> Segment:
    """Close `samples` into a segment; the same samples always give the same bytes.

    Raises ValueError for columns that do not belong together, no samples at all, or more than fits 1 MiB.
    """
    _check_columns(samples)
    with np.errstate(over="ignore"):  # steps wrap round at 64 bits and wrap back when read
        steps = np.diff(samples.mono_ms) - USUAL_STEP_MS
    runs = (steps, varint.differences(samples.bpm), varint.differences(samples.rr_1024))
    packed = varint.pack(varint.zigzag(np.concatenate(runs)))
    body = samples.contact.tobytes() + samples.rr_count.tobytes() + packed
    first_ms, last_ms = int(samples.mono_ms[0]), int(samples.mono_ms[-1])
    return sealed(CODEC_ZLIB, stream_id, boot_no, first_ms, last_ms, len(samples), body)


def unseal(segment: Segment) -> Samples:
    """The samples of a segment, after checking its hash and that its label tells the truth.

    Raises SegmentCorrupt; never inflates more than 1 MiB.
    """
    head, body = opened(segment, CODEC_ZLIB)
    samples = _parse(body, head.mono0_ms, head.n)
    check_label(segment, head, int(samples.mono_ms[-1]))
    return samples


def _check_columns(samples: Samples) -> None:
    n = len(samples)
    if n == 0:
        raise ValueError("a segment holds at least one sample")
    kinds = {"mono_ms": "int64", "bpm": "int16", "contact": "uint8", "rr_count": "uint8", "rr_1024": "uint16"}
    for name, kind in kinds.items():
        column: npt.NDArray[Any] = getattr(samples, name)
        if column.dtype != kind or column.ndim != 1:
            raise ValueError(f"column {name} must be a flat array of {kind}")
        if name != "rr_1024" and column.size != n:
            raise ValueError(f"column {name} has {column.size} values for {n} samples")
    if int(samples.rr_count.sum(dtype=np.int64)) != samples.rr_1024.size:
        raise ValueError("rr_count does not add up to the intervals given")
    if int(samples.contact.max()) > 2:
        raise ValueError("contact is 0, 1 or 2")


def _parse(data: npt.NDArray[np.uint8], mono0_ms: int, n: int) -> Samples:
    """The columns; every length is checked against the bytes at hand before it is used."""
    if 2 * n > data.size:
        raise SegmentCorrupt(f"{n} samples cannot be in {data.size} bytes", offset=HEAD_BYTES)
    contact, rr_count = data[:n].copy(), data[n : 2 * n].copy()
    if int(contact.max()) > 2:
        raise SegmentCorrupt("contact is neither 0, 1 nor 2", offset=HEAD_BYTES + int((contact > 2).argmax()))
    at = HEAD_BYTES + 2 * n
    count = 2 * n - 1 + int(rr_count.sum(dtype=np.int64))
    numbers = varint.unzigzag(varint.unpack(data[2 * n :], count, at))
    mono_ms = np.empty(n, np.int64)
    mono_ms[0] = mono0_ms
    mono_ms[1:] = numbers[: n - 1] + USUAL_STEP_MS
    np.cumsum(mono_ms, out=mono_ms)
    bpm = _column(numbers[n - 1 : 2 * n - 1], np.int16, at)
    rr_1024 = _column(numbers[2 * n - 1 :], np.uint16, at)
    return Samples(mono_ms, bpm, contact, rr_count, rr_1024)


def _column(steps: npt.NDArray[np.int64], kind: type[Any], at: int) -> npt.NDArray[Any]:
    limits = np.iinfo(kind)
    return varint.running(steps, int(limits.min), int(limits.max), at).astype(kind)
