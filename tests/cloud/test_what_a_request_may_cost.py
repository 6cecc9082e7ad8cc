"""However small a body is, what it can be made to cost is bounded, and refused before it is paid."""

from __future__ import annotations

import hashlib
import struct
import time
import uuid
import zlib
from collections.abc import Callable

import numpy as np
import pytest

from cloud import ingest
from cloud.errors import BodyRefused, BodyTooLarge
from sync import varint, wire
from sync.batch import packed
from sync.beats import ORDER
from sync.bounds import MOST_ANCHORS, MOST_BATCHES, MOST_SEGMENTS, MOST_STEPS, MOST_VALUES
from sync.motion import COLUMNS, Motion, seal_motion
from sync.segments import Samples, Segment, frame, seal
from tests.cloud.sender import Sender

ALLOWED_CPU_S = 3.0
"""For the costliest bodies that are refused; hours before they were bounded."""


def empty(n: int, at: int = 0) -> Segment:
    """So many seconds of nothing, of which as good as nothing is left when zipped."""
    times = np.arange(n, dtype=np.int64) * 1000 + at * n * 1000
    zeros = np.zeros(n, np.uint8)
    return seal(
        str(uuid.UUID(int=7)), 1, Samples(times, np.zeros(n, np.int16), zeros, zeros, np.zeros(0, np.uint16))
    )


def beating(n: int, at: int = 0) -> Segment:
    """A beat a second."""
    times, ones = np.arange(n, dtype=np.int64) * 1000 + at * n * 1000, np.ones(n, np.uint8)
    return seal(
        str(uuid.UUID(int=8)),
        1,
        Samples(times, np.full(n, 60, np.int16), ones, ones, np.full(n, 1024, np.uint16)),
    )


def still(n: int) -> Segment:
    """Somebody who does not move, fifty times a second."""
    zeros = {name: np.zeros(n) for name, _ in COLUMNS.values()}
    return seal_motion(str(uuid.UUID(int=9)), 1, Motion.of_columns(np.arange(n, dtype=np.int64) * 20, zeros))


def deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


def claiming(size: int, n: int) -> bytes:
    """A batch of 16 kB that claims so many segments of so many samples each."""
    rows = np.array(
        [[0] * size, [1] + [0] * (size - 1), [0] * size, [n] * size, [0] * size, [0] * size], np.int64
    )
    labels = struct.pack("<HH", 1, size) + bytes(16) + varint.pack(varint.zigzag(rows.ravel()))
    columns = [labels, bytes((ORDER + 1) * size), bytes(size * n), bytes(4 * size), bytes(size * (n - 1)),
               bytes(size * (n - 1)), b"", bytes(size * n), b""]  # fmt: skip
    body = b"".join(struct.pack("<BII", 0, len(it), len(z)) + z for it in columns if (z := deflated(it)))
    return struct.pack("<4sI8s", b"TLB1", len(body), hashlib.sha256(body).digest()[:8]) + body


def inflating(count: int) -> bytes:
    """Frames that each inflate to a whole mebibyte and then are nothing."""
    one = empty(10)
    payload = zlib.compress(bytes(1 << 20), 9)
    fake = Segment(one.seg_id, one.stream_id, 1, 0, 9000, 10, 1, payload)
    return frame(fake) * count


BODIES: dict[str, tuple[Callable[[], bytes], str]] = {
    "segments of nothing": (lambda: packed([empty(8191, it) for it in range(130)]) * 300, wire.BATCHES),
    "more than there is": (lambda: claiming(16, 1 << 18) * 250, wire.BATCHES),
    "one batch after another": (lambda: packed([empty(1)]) * (MOST_BATCHES + 1), wire.BATCHES),
    "long walks": (lambda: packed([beating(MOST_STEPS // 8)]) * 6, wire.BATCHES),
    "frames that inflate": (lambda: inflating(500), wire.FRAMES),
    "frames without end": (lambda: frame(empty(1)) * (MOST_SEGMENTS + 1), wire.FRAMES),
    "frames of stillness": (lambda: frame(still(15_000)) * 100, wire.FRAMES),
}


@pytest.mark.parametrize(("body", "kind"), BODIES.values(), ids=BODIES.keys())
def test_a_small_body_that_would_cost_much_is_refused_as_too_large_before_it_does(
    body: Callable[[], bytes], kind: str
) -> None:
    content = body()
    assert len(content) <= 4 << 20
    began = time.process_time()
    with pytest.raises(BodyTooLarge):
        ingest._open_segments(content, kind)
    assert time.process_time() - began < ALLOWED_CPU_S


def test_a_hub_is_told_in_the_products_own_words(hub: Sender) -> None:
    answer = hub.post("/v1/seg", claiming(16, 1 << 18), content_type=wire.BATCHES)
    said = answer.json()
    assert (answer.status_code, said["err"], said["err_class"]) == (413, "too_large", "permanent")
    assert "sha-256=" in answer.headers["content-digest"]
    anchor = wire.Anchor(boot_no=1, mono_ms=1, wall_ms=1, err_ms=1, source="ntp")
    flood = wire.PushRequest(epoch=1, ops=[], anchors=[anchor] * (MOST_ANCHORS + 1))
    assert hub.say("/v1/sync/push", flood).status_code == 413


def test_no_flipped_byte_makes_the_cloud_fail(hub: Sender) -> None:
    rng = np.random.default_rng(7)
    whole = packed([beating(30, it) for it in range(6)])
    head, body = whole[:16], bytearray(whole[16:])
    for _ in range(150):
        spoilt = bytearray(body)
        for at in rng.integers(0, len(body), 3):
            spoilt[at] = rng.integers(0, 256)
        sealed = head[:8] + hashlib.sha256(spoilt).digest()[:8] + bytes(spoilt)
        try:
            ingest._open_segments(sealed, wire.BATCHES)
        except BodyRefused:
            continue


def test_what_a_busy_hub_sends_in_one_request_is_far_within_the_bounds() -> None:
    heart = [beating(300, it) for it in range(MOST_SEGMENTS)]
    batches = b"".join(packed(heart[at : at + 32]) for at in range(0, MOST_SEGMENTS, 32))
    assert len(ingest._open_segments(batches, wire.BATCHES).good) == MOST_SEGMENTS
    assert len(ingest._open_segments(b"".join(map(frame, heart)), wire.FRAMES).good) == MOST_SEGMENTS
    assert len(ingest._open_segments(frame(still(15_000)), wire.FRAMES).good) == 1
    assert 20 * 15_000 * (len(COLUMNS) + 1) < MOST_VALUES
