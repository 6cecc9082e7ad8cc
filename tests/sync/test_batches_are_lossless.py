"""Segments come out of a batch as they went in, and damage to one is found, whatever the hearts did."""

from __future__ import annotations

import hashlib
import uuid

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.segments import walk
from sync.batch import packed, unpacked, whole_part
from sync.bounds import MOST_SEGMENTS
from sync.errors import SegmentCorrupt
from sync.segments import Samples, Segment, frame, seal
from tests.sync.test_segments_are_lossless import INT64, columns, samples


def stream(number: int) -> str:
    return str(uuid.UUID(int=number, version=4))


@settings(max_examples=30)
@given(
    st.lists(st.tuples(samples(), st.integers(0, 3), st.integers(0, (1 << 64) - 1)), min_size=1, max_size=5)
)
def test_any_segments_survive_travelling_together(parts: list[tuple[Samples, int, int]]) -> None:
    segments = [seal(stream(number), boot_no, it) for it, number, boot_no in parts]

    assert unpacked(packed(segments)) == segments


@settings(max_examples=25)
@given(st.lists(INT64, min_size=1, max_size=12))
def test_times_that_wrap_round_survive(times: list[int]) -> None:
    n = len(times)
    bpm = ([-32768, 32767] * n)[:n]
    segment = seal(stream(1), 1, columns(times, bpm, [0] * n, [[0, 65535]] * n))

    assert unpacked(packed([segment])) == [segment]


def hearts(count: int, seconds: int = 300) -> list[Segment]:
    """Hearts whose notifications jitter and whose straps lose beats and seconds now and then."""
    rng, segments = np.random.default_rng(7), []
    for number in range(count):
        it = walk(seconds, rng)
        is_kept = rng.random(seconds) > 0.02
        beats = np.repeat(is_kept, it.rr_count)
        contact = np.where(rng.random(seconds) > 0.01, 2, 1).astype(np.uint8)
        segments.append(
            seal(
                stream(number), 1,
                Samples(it.mono_ms[is_kept], it.bpm[is_kept], contact[is_kept], it.rr_count[is_kept],
                        it.rr_1024[beats]),
            )
        )  # fmt: skip
    return segments


def test_thirty_hearts_travel_in_three_quarters_of_their_frames() -> None:
    segments = hearts(30)
    content = packed(segments)

    assert unpacked(content) == segments
    assert len(content) < 0.75 * sum(len(frame(it)) for it in segments)


def test_of_a_body_that_was_cut_the_batches_that_arrived_are_kept() -> None:
    first, second = hearts(4, 60), hearts(6, 40)
    one, two = packed(first), packed(second)

    assert unpacked(one + two) == [*first, *second]
    for cut in (1, len(one) - 1, len(one), len(one) + 5, len(one + two) - 1):
        kept = first if cut >= len(one) else []
        assert unpacked(whole_part((one + two)[:cut])) == kept
    assert whole_part(b"no batch at all, but long enough") == b""


def test_every_flipped_or_missing_byte_is_found() -> None:
    segments = hearts(2, 20)
    content = packed(segments)
    for at in range(len(content)):
        for damaged in (content[:at], content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :]):
            if damaged:
                with pytest.raises(SegmentCorrupt):
                    unpacked(damaged)


@settings(max_examples=60)
@given(st.data())
def test_nonsense_under_a_right_digest_can_do_no_worse_than_be_refused(data: st.DataObject) -> None:
    content = packed(hearts(2, 20))
    body = bytearray(content[16:])
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    forged = content[:8] + hashlib.sha256(body).digest()[:8] + bytes(body)
    try:
        found = unpacked(forged)
    except SegmentCorrupt:
        return
    assert [it.seg_id for it in found] == [it.seg_id for it in hearts(2, 20)]


def test_a_batch_is_neither_empty_nor_without_bounds() -> None:
    with pytest.raises(ValueError, match="1 to 512"):
        packed([])
    with pytest.raises(ValueError, match="1 to 512"):
        packed([seal(stream(1), 1, columns([0], [60], [0], [[]]))] * (MOST_SEGMENTS + 1))
