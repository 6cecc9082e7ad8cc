"""The messages hub and cloud exchange, as frozen structs; shapes follow the protocol's version 1.

It says nothing about transport, storage or retries. Field names are the wire's own; unknown fields
in a message are ignored when decoding, so either side may be newer.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

PROTO = 1


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """Base of every message: immutable, keyword-only."""


class EnrolRequest(Message, frozen=True, kw_only=True):
    """A hub asks to join a club. `pubkey` is the raw Ed25519 public key, base64."""

    claim_code: str
    pubkey: str
    model: str = ""
    sw: str = ""


class EnrolResponse(Message, frozen=True, kw_only=True):
    hub_id: str
    club_id: str
    club_name: str
    server_ms: int
    spki_pins: list[str] = []


class ChallengeRequest(Message, frozen=True, kw_only=True):
    hub_id: str


class ChallengeResponse(Message, frozen=True, kw_only=True):
    nonce: str
    server_ms: int


class SessionRequest(Message, frozen=True, kw_only=True):
    """`sig` is the Ed25519 signature of b"touchline-session:" + nonce (ascii), base64."""

    hub_id: str
    nonce: str
    sig: str


class SessionResponse(Message, frozen=True, kw_only=True):
    token: str
    ttl_s: int


class Anchor(Message, frozen=True, kw_only=True):
    """A fact tying one boot's monotonic clock to true time."""

    boot_no: int
    mono_ms: int
    wall_ms: int
    err_ms: int
    source: str


class HelloRequest(Message, frozen=True, kw_only=True):
    proto: list[int]
    epoch: int
    head_seq: int
    feed_epoch: int
    cursor: int
    boot_no: int
    boot_id: str
    mono_ms: int
    wall_ms: int


class Limits(Message, frozen=True, kw_only=True):
    batch_bytes: int = 1 << 20
    inflight: int = 2
    retry_after_s: int = 0


class HelloResponse(Message, frozen=True, kw_only=True):
    """`last_chain` is hex; `head` is the newest feed seq of the club."""

    proto: int
    server_ms: int
    last_seq: int
    last_chain: str
    epoch: int
    feed_epoch: int
    head: int
    limits: Limits = Limits()


class Op(Message, frozen=True, kw_only=True):
    """One proposed edit. `chain` is hex sha256(previous chain || op_id)."""

    seq: int
    op_id: str
    tbl: str
    pk: str
    kind: Literal["set"] = "set"
    fields: dict[str, Any]
    after_ms: int
    boot_no: int
    mono_ms: int
    chain: str


class PushRequest(Message, frozen=True, kw_only=True):
    epoch: int
    ops: list[Op]
    anchors: list[Anchor] = []


class OpResult(Message, frozen=True, kw_only=True):
    seq: int
    status: Literal["ok", "dup", "dead"]
    code: str | None = None


class PushResponse(Message, frozen=True, kw_only=True):
    last_seq: int
    results: list[OpResult]


class FeedOp(Message, frozen=True, kw_only=True):
    """One entry of the club's feed, dense in `seq` and in commit order."""

    seq: int
    op_id: str
    kind: Literal["set", "reject", "erase", "void"]
    tbl: str
    pk: str
    fields: dict[str, Any]
    stamp_ms: int
    hub_id: str | None = None
    reason: str | None = None


class PullResponse(Message, frozen=True, kw_only=True):
    ops: list[FeedOp]
    head: int


class HaveRequest(Message, frozen=True, kw_only=True):
    """Up to 500 segment ids, hex sha256."""

    ids: list[str]


class HaveResponse(Message, frozen=True, kw_only=True):
    missing: list[str]


class SegmentRejected(Message, frozen=True, kw_only=True):
    id: str
    code: str


class SegmentResponse(Message, frozen=True, kw_only=True):
    stored: list[str]
    rejected: list[SegmentRejected] = []


class Problem(Message, frozen=True, kw_only=True):
    """An error answer. `err_class` decides what the sender does: retry, dead-letter or sign in again."""

    err: str
    err_class: Literal["transient", "permanent", "session"]
    detail: str = ""
    last_seq: int | None = None
