"""What every segment has in common, whatever it carries: a head, a hash, a bounded payload, a frame.

It does not know what the content means; each codec's module does.

Canonical content is little-endian and begins with a head; `seg_id` is its sha256 and `payload` its zlib
(level 6), at most 1 MiB inflated:

    at  size  what
    0   1     version: the codec's number
    1   16    stream uuid
    17  8     boot_no, unsigned
    25  8     mono0_ms, signed: the first sample's time
    33  4     n, unsigned, at least 1
    37  ...   what the codec's module says

A frame on the wire is sha256(32) | stream 16, boot u64, mono0 i64, mono1 i64, n u32, codec u32 | len u32 |
payload. Damage anywhere in it is found on unsealing, except for bits that zlib itself ignores (its level
flag, padding), which leave the samples exactly as they were.
"""

from __future__ import annotations

import hashlib
import struct
import uuid
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sync.errors import SegmentCorrupt, TooMuch

MAX_CANONICAL_BYTES = 1 << 20

_HEAD = struct.Struct("<B16sQqI")
_FRAME = struct.Struct("<32s16sQqqIII")
HEAD_BYTES = _HEAD.size


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


def sealed(
    codec: int, stream_id: str, boot_no: int, mono0_ms: int, mono1_ms: int, n: int, body: bytes
) -> Segment:
    """The segment of `n` samples whose columns `body` holds, under a head of its codec's version.

    Raises ValueError for a boot that is no unsigned 64-bit number, and for more than fits 1 MiB.
    """
    if not 0 <= boot_no < 1 << 64:
        raise ValueError("boot_no is an unsigned 64-bit number")
    stream = uuid.UUID(stream_id)
    canonical = _HEAD.pack(codec, stream.bytes, boot_no, mono0_ms, n) + body
    if len(canonical) > MAX_CANONICAL_BYTES:
        raise ValueError("too many samples for one segment")
    return Segment(
        seg_id=hashlib.sha256(canonical).digest(),
        stream_id=str(stream),
        boot_no=boot_no,
        mono0_ms=mono0_ms,
        mono1_ms=mono1_ms,
        n=n,
        codec=codec,
        payload=zlib.compress(canonical, 6),
    )


class Head(NamedTuple):
    """What the content says of itself."""

    stream_id: str
    boot_no: int
    mono0_ms: int
    n: int


def opened(segment: Segment, codec: int) -> tuple[Head, npt.NDArray[np.uint8]]:
    """The content's head and the bytes of its columns, which begin at `HEAD_BYTES`, after checking the hash.

    Raises SegmentCorrupt; never inflates more than 1 MiB. The label is checked by `check_label`, later.
    """
    if segment.codec != codec:
        raise SegmentCorrupt(f"unknown codec {segment.codec}")
    canonical = _inflate(segment.payload)
    if hashlib.sha256(canonical).digest() != segment.seg_id:
        raise SegmentCorrupt("the content does not match its hash")
    if len(canonical) < HEAD_BYTES:
        raise SegmentCorrupt("the head is cut off", offset=len(canonical))
    version, stream, boot_no, mono0_ms, n = _HEAD.unpack_from(canonical)
    if version != codec:
        raise SegmentCorrupt(f"unknown version {version}")
    if n == 0:
        raise SegmentCorrupt("0 samples cannot be in a segment", offset=HEAD_BYTES)
    body = np.frombuffer(canonical, np.uint8, offset=HEAD_BYTES)
    return Head(str(uuid.UUID(bytes=stream)), boot_no, mono0_ms, n), body


def check_label(segment: Segment, head: Head, mono1_ms: int) -> None:
    """Raises SegmentCorrupt unless the segment's label says what its content says."""
    label = (segment.stream_id, segment.boot_no, segment.mono0_ms, segment.n, segment.mono1_ms)
    if label != (*head, mono1_ms):
        raise SegmentCorrupt("the label does not match the content")


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


def unframe(data: bytes, most: int | None = None) -> list[Segment]:
    """All segments of concatenated frames, not yet unsealed.

    Raises SegmentCorrupt with the offset; TooMuch where there are more than `most`.
    """
    found: list[Segment] = []
    for segment in _frames(data):
        if len(found) == most:
            raise TooMuch(f"more than {most} segments")
        found.append(segment)
    return found


def inflated_bytes(segment: Segment) -> int:
    """How many bytes the payload is, inflated as far as it goes: at most 1 MiB and one."""
    stream = zlib.decompressobj()
    try:
        return len(stream.decompress(segment.payload, MAX_CANONICAL_BYTES + 1))
    except zlib.error:
        return len(segment.payload)


def whole_frames(data: bytes) -> bytes:
    """The frames at the front that arrived whole; what stands behind them was cut off."""
    at = 0
    while len(data) - at >= _FRAME.size:
        size = _FRAME.unpack_from(data, at)[-1]
        if size > MAX_CANONICAL_BYTES or size > len(data) - at - _FRAME.size:
            break
        at += _FRAME.size + size
    return data[:at]


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
