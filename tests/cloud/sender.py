"""A hub as the cloud sees it: signs in, numbers and chains its ops, frames its segments.

It keeps no store and never retries; a test decides what is sent twice.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sync import wire
from sync.chain import CHAIN_0, next_chain
from sync.segments import Samples, Segment, frame, seal

JSON = "application/json"


def digest(body: bytes) -> str:
    """The header that proves the body whole."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def steady(bpm: int, seconds: int, *, from_ms: int = 0) -> Samples:
    """One heart rate for so many seconds, once a second."""
    times = np.arange(seconds, dtype=np.int64) * 1000 + from_ms
    return Samples(
        times,
        np.full(seconds, bpm, np.int16),
        np.full(seconds, 2, np.uint8),
        np.zeros(seconds, np.uint8),
        np.zeros(0, np.uint16),
    )


@dataclass
class Sender:
    """One hub with its key, log and token."""

    client: httpx.Client
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    hub_id: str = ""
    club_id: str = ""
    token: str = ""
    epoch: int = 1
    chain: str = CHAIN_0
    seq: int = 0

    def post(self, path: str, body: bytes, *, content_type: str = JSON, **headers: str) -> httpx.Response:
        """Send bytes with their digest and the token; `headers` override."""
        sent = {"Content-Type": content_type, "Content-Digest": digest(body)}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        return self.client.post(path, content=body, headers={**sent, **headers})

    def say(self, path: str, message: Any, **headers: str) -> httpx.Response:
        """Send a message as JSON."""
        return self.post(path, msgspec.json.encode(message), **headers)

    def enrol(self, code: str) -> httpx.Response:
        """Join a club."""
        pubkey = base64.b64encode(self.key.public_key().public_bytes_raw()).decode()
        answer = self.say(
            "/v1/hub/enrol", wire.EnrolRequest(claim_code=code, pubkey=pubkey, model="Test hub", sw="1")
        )
        if answer.status_code == 200:
            self.hub_id, self.club_id = answer.json()["hub_id"], answer.json()["club_id"]
        return answer

    def nonce(self) -> str:
        """Ask for a challenge."""
        answer = self.say("/v1/sync/challenge", wire.ChallengeRequest(hub_id=self.hub_id))
        return str(answer.json()["nonce"])

    def sign_in(self, *, nonce: str | None = None, key: Ed25519PrivateKey | None = None) -> httpx.Response:
        """Open a session."""
        nonce = nonce or self.nonce()
        sig = base64.b64encode((key or self.key).sign(b"touchline-session:" + nonce.encode())).decode()
        answer = self.say("/v1/sync/session", wire.SessionRequest(hub_id=self.hub_id, nonce=nonce, sig=sig))
        if answer.status_code == 200:
            self.token = answer.json()["token"]
        return answer

    def hello(self, *, epoch: int = 1, cursor: int = 0) -> wire.HelloResponse:
        """Greet; the boot is 1 and its clock reads one second."""
        greeting = wire.HelloRequest(
            proto=[1],
            epoch=epoch,
            head_seq=self.seq,
            feed_epoch=1,
            cursor=cursor,
            boot_no=1,
            boot_id="boot",
            mono_ms=1000,
            wall_ms=0,
        )
        answer = self.say("/v1/sync/hello", greeting)
        assert answer.status_code == 200, answer.text
        return msgspec.json.decode(answer.content, type=wire.HelloResponse)

    def op(
        self, tbl: str, pk: str, *, after_ms: int = 0, boot_no: int = 0, mono_ms: int = 1, **fields: Any
    ) -> wire.Op:
        """The next op of this hub's log."""
        op_id = str(uuid.uuid4())
        self.seq += 1
        self.chain = next_chain(self.chain, op_id)
        return wire.Op(
            seq=self.seq,
            op_id=op_id,
            tbl=tbl,
            pk=pk,
            fields=fields,
            after_ms=after_ms,
            boot_no=boot_no,
            mono_ms=mono_ms,
            chain=self.chain,
        )

    def push(self, *ops: wire.Op, is_zipped: bool = False, **more: Any) -> httpx.Response:
        """Propose ops."""
        body = msgspec.json.encode(wire.PushRequest(epoch=self.epoch, ops=list(ops), **more))
        if is_zipped:
            return self.post("/v1/sync/push", gzip.compress(body), **{"Content-Encoding": "gzip"})
        return self.post("/v1/sync/push", body)

    def pull(self, after: int = 0, byte_limit: int = 1 << 20) -> wire.PullResponse:
        """Read the feed."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = self.client.get(
            "/v1/sync/pull", params={"after": after, "bytes": byte_limit}, headers=headers
        )
        assert answer.status_code == 200, answer.text
        return msgspec.json.decode(answer.content, type=wire.PullResponse)

    def send_segments(self, *segments: Segment) -> wire.SegmentResponse:
        """Send segments, framed."""
        body = b"".join(frame(segment) for segment in segments)
        answer = self.post("/v1/seg", body, content_type="application/octet-stream")
        assert answer.status_code == 200, answer.text
        return msgspec.json.decode(answer.content, type=wire.SegmentResponse)

    def add_athlete(self, name: str, number: int, **fields: Any) -> tuple[str, wire.Op]:
        """An athlete with a full profile."""
        known = {"name": name, "shirt_number": number, "sex": "F", "hr_max_bpm": 190, "hr_rest_bpm": 55}
        pk = str(uuid.uuid4())
        return pk, self.op("athlete", pk, **{**known, "is_active": True, **fields})

    def record_session(
        self, title: str, started_at_ms: int, minutes: int, bpm_of: dict[str, int | None], **fields: Any
    ) -> tuple[str, list[wire.Op], list[Segment]]:
        """A finished session of steady heart rates; None wore a strap that said nothing."""
        session_id = str(uuid.uuid4())
        ended = started_at_ms + minutes * 60_000
        known = {
            "title": title,
            "sport": "training",
            "started_at_ms": started_at_ms,
            "utc_offset_s": 3600,
            "ended_at_ms": ended,
            "boot_no": 0,
            "mono0_ms": started_at_ms,
            "mono1_ms": ended,
            "source": "file",
        }
        ops = [self.op("session", session_id, **{**known, **fields})]
        segments = []
        for athlete_id, bpm in bpm_of.items():
            stream_id = str(uuid.uuid4())
            worn: dict[str, Any] = {
                "stream_id": stream_id,
                "athlete_id": athlete_id,
                "session_id": session_id,
            }
            ops.append(
                self.op("stream_assignment", str(uuid.uuid4()), **worn, from_ms=started_at_ms, to_ms=None)
            )
            if bpm is not None:
                segments.append(seal(stream_id, 0, steady(bpm, minutes * 60, from_ms=started_at_ms)))
        return session_id, ops, segments
