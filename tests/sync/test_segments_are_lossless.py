"""Sealing and unsealing is the identity for anything a strap or a file can say, and the bytes are stable."""

from __future__ import annotations

import hashlib
import zlib

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sync.segments import Samples, Segment, frame, seal, unframe, unseal

STREAM = "6f1c2a52-5d0b-4f0e-9c53-0a3d8f2f7b11"
INT64 = st.integers(-(1 << 63), (1 << 63) - 1)


def columns(times: list[int], bpm: list[int], contact: list[int], beats: list[list[int]]) -> Samples:
    return Samples(
        mono_ms=np.array(times, np.int64),
        bpm=np.array(bpm, np.int16),
        contact=np.array(contact, np.uint8),
        rr_count=np.array([len(intervals) for intervals in beats], np.uint8),
        rr_1024=np.array([rr for intervals in beats for rr in intervals], np.uint16),
    )


@st.composite
def samples(draw: st.DrawFn) -> Samples:
    n = draw(st.integers(1, 40))
    step = st.one_of(st.integers(900, 1100), st.just(0), st.integers(-100_000, 10_000_000))
    steps = draw(st.lists(step, min_size=n, max_size=n))
    start = draw(st.integers(-(1 << 40), 1 << 50))
    return columns(
        [start + sum(steps[: i + 1]) for i in range(n)],
        draw(
            st.lists(
                st.one_of(st.just(0), st.integers(30, 240), st.integers(0, 32767)), min_size=n, max_size=n
            )
        ),
        draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)),
        draw(st.lists(st.lists(st.integers(0, 65535), max_size=6), min_size=n, max_size=n)),
    )


@given(samples(), st.integers(0, (1 << 64) - 1))
def test_unsealing_what_was_sealed_gives_the_same_samples(given_samples: Samples, boot_no: int) -> None:
    segment = seal(STREAM, boot_no, given_samples)

    assert unseal(segment) == given_samples
    assert unframe(frame(segment)) == [segment]


@given(st.lists(INT64, min_size=1, max_size=20))
@example([-(1 << 63), (1 << 63) - 1])
@example([(1 << 63) - 1, -(1 << 63), 0])
def test_any_times_survive_even_when_their_differences_do_not_fit(times: list[int]) -> None:
    n = len(times)
    given_samples = columns(times, [-32768] * n, [0] * n, [[]] * n)

    assert unseal(seal(STREAM, 0, given_samples)) == given_samples


def test_255_beats_in_every_sample_survive() -> None:
    given_samples = columns([5, 5, 4], [0, 0, 0], [0, 1, 2], [[0, 65535, *range(253)]] * 3)

    assert unseal(seal(STREAM, 1, given_samples)) == given_samples


def test_the_bytes_of_version_1_never_change() -> None:
    segment = seal(
        STREAM, 3, columns([10_000, 11_003, 10_900], [140, 141, 0], [2, 2, 1], [[430, 425], [], [7]])
    )

    golden = (
        "01" "6f1c2a525d0b4f0e9c530a3d8f2f7b11" "0300000000000000" "1027000000000000" "03000000"
        "020201" "020001" "06" "9d11" "9802" "02" "9902" "dc06" "09" "c306"
    )  # fmt: skip
    assert zlib.decompress(segment.payload).hex() == golden
    assert segment.seg_id == hashlib.sha256(bytes.fromhex(golden)).digest()
    assert (segment.mono0_ms, segment.mono1_ms, segment.n) == (10_000, 10_900, 3)


def test_the_same_samples_in_another_array_give_the_same_segment() -> None:
    whole = columns([1, 2, 3, 4], [60, 61, 62, 63], [2] * 4, [[900]] * 4)
    strided = Samples(*(np.repeat(getattr(whole, name), 2)[::2] for name in Samples.__slots__))

    assert not strided.bpm.flags["C_CONTIGUOUS"]
    assert seal(STREAM.upper(), 1, strided) == seal(STREAM, 1, whole)


def test_five_minutes_of_heart_rate_and_intervals_take_about_a_kilobyte() -> None:
    rng = np.random.default_rng(7)
    beats = [[int(rr) for rr in rng.normal(430, 9, 2)] for _ in range(300)]
    bpm = 140 + np.cumsum(rng.integers(-1, 2, 300))
    segment = seal(STREAM, 1, columns(list(range(0, 300_000, 1000)), bpm.tolist(), [2] * 300, beats))

    assert len(frame(segment)) < 900


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (columns([], [], [], []), "at least one"),
        (columns([1], [60, 61], [0], [[]]), "bpm has 2"),
        (columns([1], [60], [3], [[]]), "contact is"),
        (
            Samples(np.array([1]), np.array([60]), np.array([0]), np.array([0]), np.array([], np.uint16)),
            "int16",
        ),
    ],
)
def test_columns_that_do_not_belong_together_are_refused(broken: Samples, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        seal(STREAM, 1, broken)


def test_more_samples_than_one_segment_may_hold_are_refused() -> None:
    n = 400_000
    many = columns([0] * n, [60] * n, [0] * n, [[]] * n)
    with pytest.raises(ValueError, match="too many"):
        seal(STREAM, 1, many)


def test_frames_are_simply_concatenated() -> None:
    segments: list[Segment] = [seal(STREAM, 1, columns([i], [60], [0], [[]])) for i in range(3)]

    assert unframe(b"".join(frame(segment) for segment in segments)) == segments
    assert unframe(b"") == []
