"""The messages hub and cloud exchange, as frozen structs; shapes follow the protocol's version 1.

It says nothing about transport, storage or retries. Field names are the wire's own; unknown fields
in a message are ignored when decoding, and fields added later have defaults, so either side may be newer.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

PROTO = 1
SCHEMA = 4
"""Rises whenever records get a new table or field; it only ever adds, so no side refuses a newer other."""
OLDEST_SCHEMA = 1
"""What a hub must know at least to sync with this version of the cloud."""
FRAMES = "application/octet-stream"
"""The content type of segments in frames."""
BATCHES = "application/x-touchline-batch"
"""The content type of segments in batches, which a cloud takes that says so in its limits."""
SUSPECT = "suspect"
"""The table a hub names in place of the real one when the cloud fails on an operation again and again."""


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """Base of every message: immutable, keyword-only."""


class EnrolRequest(Message, frozen=True, kw_only=True):
    """A hub asks to join a club. `pubkey` is the raw Ed25519 public key, base64.

    `leaves` is the hub it was so far, of which another machine holds a copy; `sig_old` is that hub's
    signature over b"touchline-leave:" + `pubkey`.
    """

    claim_code: str
    pubkey: str
    model: str = ""
    sw: str = ""
    leaves: str = ""
    sig_old: str = ""


class EnrolResponse(Message, frozen=True, kw_only=True):
    """`bundle_key`: the club's X25519 and Ed25519 public keys for bundles on a stick, base64 of 64 bytes.

    `spki_pins` as in `SessionResponse`.
    """

    hub_id: str
    club_id: str
    club_name: str
    server_ms: int
    spki_pins: list[str] = []
    bundle_key: str = ""


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


class RotateRequest(Message, frozen=True, kw_only=True):
    """A hub's next public key, signed with the one in use over b"touchline-rotate:" + the base64 text."""

    pubkey_next: str
    sig_old: str


class RotateResponse(Message, frozen=True, kw_only=True):
    """The next key is known; the old one is good until the next one is first used."""

    server_ms: int


class SessionResponse(Message, frozen=True, kw_only=True):
    """`spki_pins` are the keys the cloud's certificate has and will have, the one in use first, each base64
    of the sha256 of its SPKI; none where the cloud was not told, or is an older one.
    """

    token: str
    ttl_s: int
    spki_pins: list[str] = []


class Anchor(Message, frozen=True, kw_only=True):
    """A fact tying one boot's monotonic clock to true time."""

    boot_no: int
    mono_ms: int
    wall_ms: int
    err_ms: int
    source: str


class HelloRequest(Message, frozen=True, kw_only=True):
    """Where a hub stands.

    `run_id` names the running process: two of them alive under one hub id are a copied card. `cursor_op` is
    the op_id of the feed entry at the cursor, by which a cloud put back to a backup is found out.
    `erased_seq` is the feed number up to which every erasure was carried out here, files included. `erased`
    names everybody erased here, where the cloud may have forgotten it with a backup: after each snapshot, and
    when there is one more. `segments_waiting` is how many segments the cloud has not confirmed.
    """

    proto: list[int]
    epoch: int
    head_seq: int
    feed_epoch: int
    cursor: int
    boot_no: int
    boot_id: str
    mono_ms: int
    wall_ms: int
    run_id: str = ""
    cursor_op: str = ""
    schema_have: int = 0
    erased_seq: int = 0
    erased: list[str] = []
    segments_waiting: int = 0


class Limits(Message, frozen=True, kw_only=True):
    """What the cloud takes: `takes_batches`, segments in batches and not only in frames; `fills_chains`,
    operations without the chain that follows from the first one's.
    """

    batch_bytes: int = 1 << 20
    inflight: int = 2
    retry_after_s: int = 0
    takes_batches: bool = False
    fills_chains: bool = False


class HelloResponse(Message, frozen=True, kw_only=True):
    """`last_chain` is hex; `head` is the newest feed seq of the club.

    `min_schema` and `max_schema` are what the cloud asks of a hub and what it knows itself; 0 is an older
    cloud, which says neither. `bundle_key` as at enrolment, "" from an older cloud.
    """

    proto: int
    server_ms: int
    last_seq: int
    last_chain: str
    epoch: int
    feed_epoch: int
    head: int
    limits: Limits = Limits()
    min_schema: int = 0
    max_schema: int = 0
    bundle_key: str = ""


class Op(Message, frozen=True, kw_only=True):
    """One proposed edit. `chain` is hex sha256(previous chain || op_id).

    `after_seq` is the last feed entry applied where it was made, None from an older hub; `by` is who made it.
    """

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
    after_seq: int | None = None
    by: str = ""


class PushRequest(Message, frozen=True, kw_only=True):
    epoch: int
    ops: list[Op]
    anchors: list[Anchor] = []


class OpResult(Message, frozen=True, kw_only=True):
    """What became of one operation. `at_seq` is the kept entry in the feed of one that came before."""

    seq: int
    status: Literal["ok", "dup", "dead"]
    code: str | None = None
    at_seq: int | msgspec.UnsetType = msgspec.UNSET


class PushResponse(Message, frozen=True, kw_only=True):
    last_seq: int
    results: list[OpResult]


class FeedOp(Message, frozen=True, kw_only=True):
    """One entry of the club's feed, dense in `seq` and in commit order.

    `hub_id` is the author's, None for the office. `resolves` is an operation refused earlier that this entry
    makes good. An `erase` has in `fields` the `rows` that are gone, as [table, key] pairs; a `void` is an
    entry whose content an erasure took away.
    """

    seq: int
    op_id: str
    kind: Literal["set", "reject", "erase", "void"]
    tbl: str
    pk: str
    fields: dict[str, Any]
    stamp_ms: int
    hub_id: str | None = None
    reason: str | None = None
    resolves: str | None = None


class Reset(Message, frozen=True, kw_only=True):
    """The feed no longer reaches back to the hub's cursor: take the snapshot instead."""

    snapshot_url: str
    at_seq: int


class PullResponse(Message, frozen=True, kw_only=True):
    ops: list[FeedOp]
    head: int
    reset: Reset | None = None


class SnapshotRow(Message, frozen=True, kw_only=True):
    """A record as confirmed; `hub_id` is the hub that made it, None for the cloud."""

    tbl: str
    pk: str
    doc: dict[str, Any]
    stamps: dict[str, int]
    hub_id: str | None = None


class Erased(Message, frozen=True, kw_only=True):
    """An athlete whose data is gone since feed entry `seq`."""

    subject_id: str
    seq: int


class SnapshotPage(Message, frozen=True, kw_only=True):
    """A page of the club's records in order of (tbl, pk); `next_tbl` None on the last.

    Pages may be taken minutes apart: what changes meanwhile comes again through the feed after the FIRST
    page's `at_seq`, and stamps make it harmless. Operations of the asking hub's `epoch` up to `last_seq` are
    in it, but for those `rejected`, where its chain there is `last_chain` (hex; "" from an older cloud).
    `erased` and `rejected` come with the first page only.
    """

    feed_epoch: int
    at_seq: int
    epoch: int
    last_seq: int
    rows: list[SnapshotRow]
    last_chain: str = ""
    next_tbl: str | None = None
    next_pk: str | None = None
    rejected: list[str] = []
    erased: list[Erased] = []


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


class Bucket(Message, frozen=True, kw_only=True):
    """How much there is of one day and squad, and the digest of all of it. Day "" has no date."""

    day: str
    squad: str
    records: int
    segments: int
    sha256: str


class DigestResponse(Message, frozen=True, kw_only=True):
    """The whole club's records, and the asking hub's segments, as of feed entry `head`."""

    head: int
    buckets: list[Bucket]


class Leaf(Message, frozen=True, kw_only=True):
    """One record, or one segment under the table name "segment", and its digest."""

    tbl: str
    pk: str
    sha256: str


class LeavesResponse(Message, frozen=True, kw_only=True):
    """What is in one bucket."""

    head: int
    leaves: list[Leaf]


class VerifiedRequest(Message, frozen=True, kw_only=True):
    """What a hub found when it compared: how much is the same on both sides, what waits, what differs."""

    records: int
    segments: int
    waiting: int
    differences: int


class VerifiedResponse(Message, frozen=True, kw_only=True):
    server_ms: int


class ClubHub(Message, frozen=True, kw_only=True):
    """One hub of the club, as the cloud knows it."""

    hub_id: str
    model: str
    sw: str
    enrolled_ms: int
    seen_ms: int
    is_revoked: bool
    ops: int
    segments: int


class ErasureReceipt(Message, frozen=True, kw_only=True):
    """An erasure with the hubs that carried it out and those that have not said so yet."""

    erased_ms: int
    done: list[str]
    waiting: list[str]


class ClubResponse(Message, frozen=True, kw_only=True):
    """The hubs of the asking hub's club, and who carried erasures out."""

    server_ms: int
    hubs: list[ClubHub]
    erasures: list[ErasureReceipt]


class Problem(Message, frozen=True, kw_only=True):
    """An error answer. `err_class` decides what the sender does: retry, dead-letter or sign in again."""

    err: str
    err_class: Literal["transient", "permanent", "session"]
    detail: str = ""
    last_seq: int | None = None
