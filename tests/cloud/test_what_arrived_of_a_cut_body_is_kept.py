"""A line cut in the middle of a request of segments: the frames that came whole are stored, nothing else."""

from __future__ import annotations

import socket
import struct
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from sync.bounds import MAX_BODY_BYTES
from sync.envelope import whole_frames
from sync.segments import Segment, frame, seal
from tests.cloud.sender import Sender, digest, steady
from tests.cloud.serving import Serving

Db = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def served(url: str, tmp_path: Path) -> Iterator[Serving]:
    """`touchline-cloud serve` on the test's database, behind a real socket."""
    serving = Serving({"DATABASE_URL": url, "TOUCHLINE_DATA": str(tmp_path)})
    try:
        assert serving.is_ready.wait(60), serving.lines
        yield serving
    finally:
        serving.end(15)


def sealed(count: int) -> list[Segment]:
    return [seal(str(uuid.uuid4()), 1, steady(120 + number, 60)) for number in range(count)]


def cut(serving: Serving, hub: Sender, body: bytes, declared: int, *, is_reset: bool) -> None:
    """Send a head that promises more than comes, then hang up: in good order, or as when a link dies."""
    host, _, port = serving.origin.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), 10) as line:
        head = (
            "POST /v1/seg HTTP/1.1\r\nHost: cloud\r\nContent-Type: application/octet-stream\r\n"
            f"Authorization: Bearer {hub.token}\r\nContent-Digest: {digest(b'of the whole')}\r\n"
            f"Content-Length: {declared}\r\n\r\n"
        )
        line.sendall(head.encode() + body)
        time.sleep(0.3)  # it must be read before a reset throws it away
        if is_reset:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def stored(db: Db, count: int) -> set[str]:
    """The segments held, after waiting for that many, or a moment longer where none should come."""
    deadline = time.monotonic() + (10 if count else 1)
    while True:
        held = {str(row[0]) for row in db.execute("SELECT encode(seg_id, 'hex') FROM segment").fetchall()}
        if (count and len(held) >= count) or time.monotonic() > deadline:
            return held
        time.sleep(0.05)


def test_frames_before_the_cut_are_stored_and_only_the_rest_is_missing(
    served: Serving, claim: Callable[[str], str], db: Db
) -> None:
    with httpx.Client(base_url=served.origin, timeout=20) as http:
        hub = Sender(http)
        hub.enrol(claim("Rovers"))
        hub.sign_in()
        segments = sealed(6)
        frames = [frame(it) for it in segments]
        whole = b"".join(frames)
        damaged = bytearray(frames[1])
        damaged[-12] ^= 1
        body = frames[0] + bytes(damaged) + frames[2] + frames[3][:-1]
        cut(served, hub, body, len(whole), is_reset=False)
        assert stored(db, 2) == {segments[0].seg_id.hex(), segments[2].seg_id.hex()}
        cut(served, hub, frames[4] + frames[5][:90], len(whole), is_reset=True)
        assert len(stored(db, 3)) == 3
        answer = hub.send_segments(*segments)
        assert len(answer.stored) == 6
        assert len(stored(db, 6)) == 6


def test_nothing_of_a_stranger_or_of_an_endless_body_is_stored(
    served: Serving, claim: Callable[[str], str], db: Db
) -> None:
    with httpx.Client(base_url=served.origin, timeout=20) as http:
        hub = Sender(http)
        hub.enrol(claim("Rovers"))
        hub.sign_in()
        one = frame(sealed(1)[0])
        known, hub.token = hub.token, "nobody"
        cut(served, hub, one, 2 * len(one), is_reset=False)
        hub.token = known
        cut(served, hub, one, MAX_BODY_BYTES + 1, is_reset=False)
        assert stored(db, 0) == set()


@pytest.mark.parametrize("size", [0, 1, 83, 84, 85])
def test_only_whole_frames_count(size: int) -> None:
    one, two = (frame(it) for it in sealed(2))
    assert whole_frames(one + two[:size]) == one
    assert whole_frames(one + two) == one + two
    assert whole_frames(one[:size]) == b""
