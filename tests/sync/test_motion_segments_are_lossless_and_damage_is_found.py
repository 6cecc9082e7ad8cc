"""Rows of motion come back as they went in, and no bytes from outside do worse than SegmentCorrupt."""

from __future__ import annotations

import dataclasses
import hashlib
import struct
import uuid
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.codecs import verify
from sync.envelope import Segment, frame, unframe
from sync.errors import SegmentCorrupt
from sync.motion import (
    COLUMNS,
    MISSING,
    MOST_DM,
    MOST_MS,
    MOST_ROWS,
    Motion,
    joined,
    seal_motion,
    unseal_motion,
)
from sync.segments import unseal

STREAM = "6f1c2a52-5d0b-4f0e-9c53-0a3d8f2f7b11"
INT32 = st.one_of(st.just(MISSING), st.integers(-50, 50), st.integers(MISSING, (1 << 31) - 1))
METRES = st.one_of(st.just(MISSING), st.integers(0, 99), st.integers(MISSING, MOST_DM))


def rows(times: list[int], **columns: list[int]) -> Motion:
    """Rows with the columns given and nothing in the others."""
    filled = {name: columns.get(name, [MISSING] * len(times)) for name in COLUMNS}
    kinds = {name: np.int64 if name == "distance_dm" else np.int32 for name in COLUMNS}
    arrays: dict[str, Any] = {name: np.array(values, kinds[name]) for name, values in filled.items()}
    return Motion(np.array(times, np.int64), **arrays)


@st.composite
def motions(draw: st.DrawFn) -> Motion:
    times = sorted(draw(st.sets(st.integers(-MOST_MS, MOST_MS), min_size=1, max_size=20)))
    chosen = draw(st.sets(st.sampled_from(list(COLUMNS))))
    columns = {
        name: draw(st.lists(METRES if name == "distance_dm" else INT32, min_size=len(times),
                            max_size=len(times)))
        for name in chosen
    }  # fmt: skip
    return rows(times, **columns)


SMALL = rows(
    [10_000, 10_100, 10_205], speed_mmps=[5000, 5100, MISSING], latitude_1e7=[599114910, 599114921, 599114931]
)
SEGMENT = seal_motion(STREAM, 3, SMALL)


def forged(content: bytes) -> Segment:
    """A segment whose hash is right and whose content is the sender's invention."""
    digest = hashlib.sha256(content).digest()
    return dataclasses.replace(SEGMENT, seg_id=digest, payload=zlib.compress(content, 6))


def head(n: int, bitmap: int = 0, mono0_ms: int = 10_000, version: int = 2) -> bytes:
    stream = uuid.UUID(STREAM).bytes
    return struct.pack("<B16sQqI", version, stream, 3, mono0_ms, n) + struct.pack("<H", bitmap)


@given(motions(), st.integers(0, (1 << 64) - 1))
def test_unsealing_what_was_sealed_gives_the_same_rows(motion: Motion, boot_no: int) -> None:
    segment = seal_motion(STREAM, boot_no, motion)
    assert unseal_motion(segment) == motion
    assert unframe(frame(segment)) == [segment]
    verify(segment)


def test_the_bytes_of_version_2_never_change() -> None:
    content = (
        "02" "6f1c2a525d0b4f0e9c530a3d8f2f7b11" "0300000000000000" "1027000000000000" "03000000"
        "0900" "c8010a" "bc92aebb04" "16" "14" "904e" "c801" "d7cf808010"
    )  # fmt: skip
    assert zlib.decompress(SEGMENT.payload).hex() == content
    assert SEGMENT.seg_id == hashlib.sha256(bytes.fromhex(content)).digest()
    assert (SEGMENT.mono0_ms, SEGMENT.mono1_ms, SEGMENT.n, SEGMENT.codec) == (10_000, 10_205, 3, 2)


def test_every_flipped_byte_of_a_frame_is_found_or_changes_nothing() -> None:
    whole = frame(SEGMENT)
    unnoticed = 0
    for at in range(len(whole)):
        for flip in (0x01, 0x20, 0x80, 0xFF):
            damaged = bytearray(whole)
            damaged[at] ^= flip
            try:
                (segment,) = unframe(bytes(damaged))
                verify(segment)
                assert unseal_motion(segment) == SMALL
                unnoticed += 1
            except SegmentCorrupt:
                continue
    assert unnoticed <= 4


def test_every_cut_and_every_byte_more_is_found_even_when_the_hash_is_right() -> None:
    content = zlib.decompress(SEGMENT.payload)
    for size in range(len(content)):
        with pytest.raises(SegmentCorrupt):
            unseal_motion(forged(content[:size]))
    with pytest.raises(SegmentCorrupt, match="numbers expected"):
        unseal_motion(forged(content + b"\0"))


@given(st.binary(max_size=200), st.integers(0, 30), st.integers(0, 0xFFFF))
def test_invented_content_raises_nothing_but_segment_corrupt(tail: bytes, n: int, bitmap: int) -> None:
    with pytest.raises(SegmentCorrupt):
        unseal_motion(forged(head(n, bitmap) + tail + b"\xff"))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (head(0), "0 samples"),
        (head(0xFFFFFFFF, 1) + bytes(100), "rows cannot be"),
        (head(1, version=1), "unknown version"),
        (head(1, 1 << 9), "unknown column"),
        (head(1)[:-1], "cut off"),
        (head(2) + b"\0", "do not rise"),
        (head(2) + b"\x01", "do not rise"),
        (head(2) + b"\xff" * 9 + b"\x01", "time is out of range"),
        (head(1, mono0_ms=MOST_MS + 1), "time is out of range"),
        (head(1, 1) + b"\xff\xff\xff\xff\x0f", "holds nothing"),
        (head(1, 1) + b"\x80\x80\x80\x80\x10", "a value is out of range"),
        (head(1, 16) + b"\xff\xff\xff\xff\x1f", "a value is out of range"),
        (head(1, 16) + b"\xff" * 9 + b"\x01", "a value is out of range"),
    ],
)
def test_content_that_sealing_would_not_write_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(SegmentCorrupt, match=why):
        unseal_motion(forged(content))


@pytest.mark.parametrize("change", ["stream_id", "boot_no", "mono0_ms", "mono1_ms", "n", "codec", "seg_id"])
def test_a_label_that_lies_is_found(change: str) -> None:
    lies: dict[str, Any] = {"stream_id": str(uuid.UUID(int=1)), "seg_id": bytes(32)}
    with pytest.raises(SegmentCorrupt):
        verify(dataclasses.replace(SEGMENT, **{change: lies.get(change, 77)}))


def test_one_codec_never_opens_the_others_segments() -> None:
    with pytest.raises(SegmentCorrupt, match="unknown codec 2"):
        unseal(SEGMENT)
    with pytest.raises(SegmentCorrupt, match="unknown version 2"):
        verify(dataclasses.replace(SEGMENT, codec=1))
    with pytest.raises(SegmentCorrupt, match="unknown codec 3"):
        verify(dataclasses.replace(SEGMENT, codec=3))


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (rows([]), "at least one"),
        (rows([2, 2]), "do not rise"),
        (rows([2, 1]), "do not rise"),
        (rows([MOST_MS + 1]), "time is out of range"),
        (rows([1], distance_dm=[MOST_DM + 1]), "a value is out of range"),
        (dataclasses.replace(SMALL, power_w=np.zeros(2, np.int32)), "power_w must be 3 of int32"),
        (dataclasses.replace(SMALL, power_w=np.zeros(3, np.int16)), "power_w must be 3 of int32"),
    ],
)
def test_columns_that_do_not_belong_together_are_refused(broken: Motion, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        seal_motion(STREAM, 1, broken)


def test_floats_come_back_to_the_steps_a_column_resolves() -> None:
    at_ms = np.arange(4, dtype=np.int64) * 1000
    nan = np.nan
    given_columns = {
        "latitude_deg": np.array([59.911491, nan, -90.0, 90.0]),
        "longitude_deg": np.array([10.757933, nan, -180.0, 180.0]),
        "speed_mps": np.array([5.5004, nan, 7.0, 0.0]),
        "hdop": np.array([0.84, nan, nan, 99.9]),
        "bpm": np.array([140.0, 141, 142, 143]),
    }
    motion = Motion.of_columns(at_ms, given_columns)
    assert motion.mono_ms.tolist() == [0, 2000, 3000]
    back = motion.columns()
    assert set(back) == {"latitude_deg", "longitude_deg", "speed_mps", "hdop"}
    assert back["latitude_deg"] == pytest.approx([59.911491, -90, 90], abs=5e-8)
    assert back["longitude_deg"] == pytest.approx([10.757933, -180, 180], abs=5e-8)
    assert back["speed_mps"].tolist() == [5.5, 7.0, 0.0]
    assert back["hdop"] == pytest.approx([0.8, nan, 99.9], nan_ok=True)
    assert unseal_motion(seal_motion(STREAM, 0, motion)) == motion


def test_a_number_no_column_can_hold_counts_as_not_measured() -> None:
    at_ms = np.arange(3, dtype=np.int64)
    motion = Motion.of_columns(at_ms, {"power_w": np.array([1e12, np.inf, 300.0])})
    assert (motion.mono_ms.tolist(), motion.power_w.tolist()) == ([2], [300])
    assert len(Motion.of_columns(at_ms, {"bpm": np.ones(3)})) == 0


def test_pieces_are_short_enough_for_any_content_and_join_up_again() -> None:
    rng = np.random.default_rng(1)
    n = 2 * MOST_ROWS + 7
    wild = {name: rng.integers(MISSING, 1 << 31, n).tolist() for name in COLUMNS}
    wild["distance_dm"] = rng.integers(MISSING, MOST_DM, n).tolist()
    times = np.concatenate([np.arange(n - 3), 10**6 + np.array([0, 299_999, 300_000])])
    motion = rows(times.tolist(), **wild)
    pieces = motion.pieces()
    assert [len(piece) for piece in pieces] == [MOST_ROWS, MOST_ROWS, 4, 2, 1]
    assert joined([unseal_motion(seal_motion(STREAM, 1, piece)) for piece in pieces]) == motion


def test_of_two_rows_at_one_time_the_first_parts_stays() -> None:
    both = joined([rows([5, 7], power_w=[1, 2]), rows([6, 7], power_w=[3, 4])])
    assert (both.mono_ms.tolist(), both.power_w.tolist()) == ([5, 6, 7], [1, 3, 2])
    assert len(joined([])) == 0


def test_five_minutes_at_10_hz_take_a_few_bytes_a_row() -> None:
    rng = np.random.default_rng(3)
    n = 3000
    speed = np.clip(3 + np.cumsum(rng.normal(0, 0.05, n)), 0, 9)
    north = np.cumsum(speed) / 10 / 111_195
    columns = {"latitude_deg": 59.9 + north, "longitude_deg": np.full(n, 10.7), "speed_mps": speed}
    motion = Motion.of_columns(np.arange(n, dtype=np.int64) * 100, columns)
    assert len(seal_motion(STREAM, 1, motion).payload) < 4 * n
