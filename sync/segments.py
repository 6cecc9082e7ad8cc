"""A segment is a closed stretch of one stream's samples, named by the hash of its content.

It holds no athlete, no session and no wall time, so who wore the strap and when it truly was can be
corrected later without touching a byte. It never guesses: bytes that are not exactly a segment raise.

Canonical bytes, little-endian; `seg_id` is their sha256 and `payload` is their zlib (level 6):

    at  size  what
    0   1     version, 1
    1   16    stream uuid
    17  8     boot_no, unsigned
    25  8     mono0_ms, signed: the first sample's time
    33  4     n, unsigned, at least 1
    37  n     contact: 0 unsupported, 1 no, 2 yes
    +   n     rr_count: beats reported with each sample
    +   ...   varints, each the zigzag of a signed difference, in three runs:
              n-1 times (step to this sample, less 1000 ms), n bpm (the first from 0),
              sum(rr_count) intervals of 1/1024 s (the first from 0)

A frame on the wire is sha256(32) | stream 16, boot u64, mono0 i64, mono1 i64, n u32, codec u32 | len u32 |
payload. Damage anywhere in it is found by `unseal`, except for bits that zlib itself ignores (its
level flag, padding), which leave the samples exactly as they were.
"""

from __future__ import annotations

import hashlib
import struct
import uuid
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sync import varint
from sync.errors import SegmentCorrupt

VERSION = 1
CODEC_ZLIB = 1
MAX_CANONICAL_BYTES = 1 << 20
USUAL_STEP_MS = 1000

_HEAD = struct.Struct("<B16sQqI")
_FRAME = struct.Struct("<32s16sQqqIII")


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


@dataclass(frozen=True, slots=True)
class Segment:
    """A sealed stretch of samples; everything but `codec` and `payload` also follows from the payload."""

    seg_id: bytes
    stream_id: str
    boot_no: int
    mono0_ms: int
    mono1_ms: int
    n: int
    codec: int
    payload: bytes


def seal(stream_id: str, boot_no: int, samples: Samples) -> Segment:
    """Close `samples` into a segment; the same samples always give the same bytes.

    Raises ValueError for columns that do not belong together, no samples at all, or more than fits 1 MiB.
    """
    stream = uuid.UUID(stream_id)
    canonical = _canonical(stream, boot_no, samples)
    return Segment(
        seg_id=hashlib.sha256(canonical).digest(),
        stream_id=str(stream),
        boot_no=boot_no,
        mono0_ms=int(samples.mono_ms[0]),
        mono1_ms=int(samples.mono_ms[-1]),
        n=len(samples),
        codec=CODEC_ZLIB,
        payload=zlib.compress(canonical, 6),
    )


def unseal(segment: Segment) -> Samples:
    """The samples of a segment, after checking its hash and that its label tells the truth.

    Raises SegmentCorrupt; never inflates more than 1 MiB.
    """
    if segment.codec != CODEC_ZLIB:
        raise SegmentCorrupt(f"unknown codec {segment.codec}")
    canonical = _inflate(segment.payload)
    if hashlib.sha256(canonical).digest() != segment.seg_id:
        raise SegmentCorrupt("the content does not match its hash")
    stream, boot_no, samples = _parse(canonical)
    label = (segment.stream_id, segment.boot_no, segment.mono0_ms, segment.mono1_ms, segment.n)
    if label != (stream, boot_no, int(samples.mono_ms[0]), int(samples.mono_ms[-1]), len(samples)):
        raise SegmentCorrupt("the label does not match the content")
    return samples


def frame(segment: Segment) -> bytes:
    """One segment as it travels; frames are simply concatenated."""
    stream = uuid.UUID(segment.stream_id).bytes
    head = _FRAME.pack(
        segment.seg_id,
        stream,
        segment.boot_no,
        segment.mono0_ms,
        segment.mono1_ms,
        segment.n,
        segment.codec,
        len(segment.payload),
    )
    return head + segment.payload


def unframe(data: bytes) -> list[Segment]:
    """All segments of concatenated frames, not yet unsealed. Raises SegmentCorrupt with the offset."""
    return list(_frames(data))


def _frames(data: bytes) -> Iterator[Segment]:
    at = 0
    while at < len(data):
        if len(data) - at < _FRAME.size:
            raise SegmentCorrupt("a frame's head is cut off", offset=at)
        seg_id, stream, boot_no, mono0_ms, mono1_ms, n, codec, size = _FRAME.unpack_from(data, at)
        start = at + _FRAME.size
        if size > MAX_CANONICAL_BYTES or size > len(data) - start:
            raise SegmentCorrupt(f"a payload of {size} bytes is cut off or too long", offset=start)
        payload = bytes(data[start : start + size])
        stream_id = str(uuid.UUID(bytes=stream))
        yield Segment(seg_id, stream_id, boot_no, mono0_ms, mono1_ms, n, codec, payload)
        at = start + size


def _canonical(stream: uuid.UUID, boot_no: int, samples: Samples) -> bytes:
    _check_columns(samples)
    if not 0 <= boot_no < 1 << 64:
        raise ValueError("boot_no is an unsigned 64-bit number")
    with np.errstate(over="ignore"):  # steps wrap round at 64 bits and wrap back when read
        steps = np.diff(samples.mono_ms) - USUAL_STEP_MS
    numbers = np.concatenate((steps, _differences(samples.bpm), _differences(samples.rr_1024)))
    head = _HEAD.pack(VERSION, stream.bytes, boot_no, int(samples.mono_ms[0]), len(samples))
    packed = varint.pack(varint.zigzag(numbers))
    canonical = head + samples.contact.tobytes() + samples.rr_count.tobytes() + packed
    if len(canonical) > MAX_CANONICAL_BYTES:
        raise ValueError("too many samples for one segment")
    return canonical


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


def _differences(column: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    wide: npt.NDArray[np.int64] = column.astype(np.int64)
    wide[1:] -= column[:-1]
    return wide


def _inflate(payload: bytes) -> bytes:
    """At most 1 MiB out of zlib bytes that must end exactly where the payload ends."""
    stream = zlib.decompressobj()
    try:
        canonical = stream.decompress(payload, MAX_CANONICAL_BYTES + 1)
    except zlib.error as error:
        raise SegmentCorrupt("the payload is not zlib") from error
    if len(canonical) > MAX_CANONICAL_BYTES:
        raise SegmentCorrupt("the payload inflates beyond 1 MiB", offset=len(payload))
    if not stream.eof or stream.unused_data:
        raise SegmentCorrupt("the payload does not end where it should", offset=len(payload))
    return canonical


def _parse(canonical: bytes) -> tuple[str, int, Samples]:
    """Stream, boot and columns; every length is checked against the bytes at hand before it is used."""
    if len(canonical) < _HEAD.size:
        raise SegmentCorrupt("the head is cut off", offset=len(canonical))
    version, stream, boot_no, mono0_ms, n = _HEAD.unpack_from(canonical)
    if version != VERSION:
        raise SegmentCorrupt(f"unknown version {version}")
    data = np.frombuffer(canonical, np.uint8)
    at = _HEAD.size
    if n == 0 or 2 * n > data.size - at:
        raise SegmentCorrupt(f"{n} samples cannot be in {data.size} bytes", offset=at)
    contact, rr_count = data[at : at + n].copy(), data[at + n : at + 2 * n].copy()
    if int(contact.max()) > 2:
        raise SegmentCorrupt("contact is neither 0, 1 nor 2", offset=at + int((contact > 2).argmax()))
    at += 2 * n
    count = 2 * n - 1 + int(rr_count.sum(dtype=np.int64))
    numbers = varint.unzigzag(varint.unpack(data[at:], count, at))
    mono_ms = np.empty(n, np.int64)
    mono_ms[0] = mono0_ms
    mono_ms[1:] = numbers[: n - 1] + USUAL_STEP_MS
    with np.errstate(over="ignore"):
        np.cumsum(mono_ms, out=mono_ms)
    bpm = _running(numbers[n - 1 : 2 * n - 1], np.int16, at)
    rr_1024 = _running(numbers[2 * n - 1 :], np.uint16, at)
    return str(uuid.UUID(bytes=stream)), boot_no, Samples(mono_ms, bpm, contact, rr_count, rr_1024)


def _running(differences: npt.NDArray[np.int64], kind: type[Any], at: int) -> npt.NDArray[Any]:
    """Sum the differences back up into `kind`, refusing what would not fit (each step is checked too)."""
    if differences.size == 0:
        return np.empty(0, kind)
    if int(differences.min()) < -(1 << 17) or int(differences.max()) > 1 << 17:
        raise SegmentCorrupt("a step between two values is impossible", offset=at)
    values = np.cumsum(differences)
    limits = np.iinfo(kind)
    if int(values.min()) < limits.min or int(values.max()) > limits.max:
        raise SegmentCorrupt("a value is out of range", offset=at)
    return values.astype(kind)
