"""No bytes from outside can do worse to a reader than SegmentCorrupt."""

from __future__ import annotations

import dataclasses
import hashlib
import struct
import tracemalloc
import uuid
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.errors import SegmentCorrupt
from sync.segments import Samples, Segment, frame, seal, unframe, unseal

STREAM = "6f1c2a52-5d0b-4f0e-9c53-0a3d8f2f7b11"
SAMPLES = Samples(
    mono_ms=np.arange(0, 30_000, 1000, dtype=np.int64),
    bpm=np.array([140 + (i * 7) % 13 for i in range(30)], np.int16),
    contact=np.full(30, 2, np.uint8),
    rr_count=np.full(30, 2, np.uint8),
    rr_1024=np.array([420 + (i * 31) % 57 for i in range(60)], np.uint16),
)
SEGMENT = seal(STREAM, 1, SAMPLES)


def forged(canonical: bytes) -> Segment:
    """A segment whose hash is right and whose content is the sender's invention."""
    return dataclasses.replace(
        SEGMENT, seg_id=hashlib.sha256(canonical).digest(), payload=zlib.compress(canonical, 6)
    )


def head(n: int, version: int = 1) -> bytes:
    return struct.pack("<B16sQqI", version, uuid.UUID(STREAM).bytes, 1, 0, n)


def test_every_flipped_byte_of_a_frame_is_found_or_changes_nothing() -> None:
    whole = frame(SEGMENT)
    unnoticed = 0
    for at in range(len(whole)):
        for flip in (0x01, 0x20, 0x80, 0xFF):
            damaged = bytearray(whole)
            damaged[at] ^= flip
            try:
                (segment,) = unframe(bytes(damaged))
                assert unseal(segment) == SAMPLES
                unnoticed += 1
            except SegmentCorrupt:
                continue
    assert unnoticed <= 4


def test_every_flipped_byte_of_the_content_is_found() -> None:
    canonical = zlib.decompress(SEGMENT.payload)
    for at in range(len(canonical)):
        damaged = bytearray(canonical)
        damaged[at] ^= 0x01
        with pytest.raises(SegmentCorrupt, match="hash"):
            unseal(dataclasses.replace(SEGMENT, payload=zlib.compress(bytes(damaged))))


def test_every_cut_of_a_frame_is_found_with_its_place() -> None:
    whole = frame(SEGMENT)
    for size in range(1, len(whole)):
        with pytest.raises(SegmentCorrupt) as caught:
            unframe(whole + whole[:size])
        assert len(whole) <= caught.value.offset <= 2 * len(whole)


def test_every_cut_of_the_content_is_found_even_when_its_hash_is_right() -> None:
    canonical = zlib.decompress(SEGMENT.payload)
    for size in range(len(canonical)):
        with pytest.raises(SegmentCorrupt):
            unseal(forged(canonical[:size]))
    with pytest.raises(SegmentCorrupt, match="numbers expected"):
        unseal(forged(canonical + b"\0"))


@given(st.binary(max_size=400), st.integers(0, 200))
def test_invented_content_raises_nothing_but_segment_corrupt(tail: bytes, n: int) -> None:
    with pytest.raises(SegmentCorrupt):
        unseal(forged(head(n) + tail + b"\xff"))


@given(st.binary(max_size=400))
def test_invented_frames_raise_nothing_but_segment_corrupt(data: bytes) -> None:
    try:
        segments = unframe(data)
    except SegmentCorrupt:
        return
    for segment in segments:
        with pytest.raises(SegmentCorrupt):
            unseal(segment)


@pytest.mark.parametrize(
    ("canonical", "why"),
    [
        (head(0), "0 samples"),
        (head(0xFFFFFFFF) + bytes(100), "samples cannot be"),
        (head(1, version=9) + b"\0\0\0", "unknown version"),
        (head(1) + b"\x03\0\0", "contact"),
        (head(1) + b"\0\xff\0", "numbers expected"),
        (head(1) + b"\0\0\x80\x00", "malformed"),
        (head(1) + b"\0\0" + b"\xff" * 9 + b"\x02", "malformed"),
        (head(1) + b"\0\0" + b"\x80" * 10 + b"\x01", "malformed"),
        (head(1) + b"\0\0" + b"\xff" * 9 + b"\x01", "out of range"),
        (head(1) + b"\0\0" + b"\x80\x80\x04", "out of range"),
        (head(1) + b"\0\x01\0\x01", "out of range"),
    ],
)
def test_content_that_is_not_exactly_a_segment_is_refused(canonical: bytes, why: str) -> None:
    with pytest.raises(SegmentCorrupt, match=why):
        unseal(forged(canonical))


@pytest.mark.parametrize("change", ["stream_id", "boot_no", "mono0_ms", "mono1_ms", "n", "codec", "seg_id"])
def test_a_label_that_lies_is_found(change: str) -> None:
    lies: dict[str, Any] = {"stream_id": str(uuid.UUID(int=1)), "seg_id": bytes(32)}
    with pytest.raises(SegmentCorrupt):
        unseal(dataclasses.replace(SEGMENT, **{change: lies.get(change, 77)}))


def test_a_payload_that_inflates_without_end_takes_little_memory() -> None:
    bomb = dataclasses.replace(SEGMENT, payload=zlib.compress(bytes(200 << 20), 9))
    tracemalloc.start()
    with pytest.raises(SegmentCorrupt, match="1 MiB"):
        unseal(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


def test_bytes_after_the_payload_are_found() -> None:
    with pytest.raises(SegmentCorrupt, match="end where"):
        unseal(dataclasses.replace(SEGMENT, payload=SEGMENT.payload + b"x"))
