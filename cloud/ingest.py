"""Taking in what hubs send: a batch of ops as one durable step, segments one by one, each idempotent.

It does not answer before the commit, which belongs to whoever opened the transaction. It computes no loads;
it leaves a mark in the database at every session whose loads are no longer right.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec

from cloud import fence
from cloud.clock import offset_ms, wall_estimate
from cloud.errors import BodyRefused, ChainDiffers, EpochDiffers, Gap
from cloud.merge import Proposal, merge, stamp
from cloud.records import MAX_BOOT, MAX_INT, Refusal, is_op_id, refusal
from cloud.store import feed
from cloud.store.database import Connection, execute, execute_many, fetch_all, fetch_one, fetch_values
from cloud.store.rows import AnchorRow, HubIdentity, HubRow, RecordRow
from sync import wire
from sync.chain import next_chain
from sync.codecs import verify
from sync.errors import SegmentCorrupt
from sync.segments import Segment, unframe

MAX_OPS = 5000
SUSPECTED = Refusal("suspect", "the cloud failed on it again and again; its content stays on the hub")


@dataclass(frozen=True, slots=True)
class Taken:
    """What one batch did: the answer, and the refusal to raise after the commit when it stopped at a gap."""

    response: wire.PushResponse
    stopped: Gap | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one op; `code` says why one that came before had been refused."""

    op: wire.Op
    status: Literal["ok", "dup", "dead"]
    refusal: Refusal | None = None
    code: str | None = None


async def push(db: Connection, hub: HubIdentity, batch: wire.PushRequest, now_ms: int) -> Taken:
    """Take in one batch inside the caller's transaction. Raises PushRefused or BodyRefused, changing nothing.

    Ops before a gap are kept; `Taken.stopped` then holds what to answer once they are committed.
    """
    if len(batch.ops) > MAX_OPS or not all(is_op_id(op.op_id) for op in batch.ops):
        raise BodyRefused("It has too many ops, or an op_id is not a uuid.")
    row = await fetch_one(db, "hub_lock", HubRow, {"club_id": hub.club_id, "hub_id": hub.hub_id})
    if row is None or batch.epoch != row.epoch:
        raise EpochDiffers(last_seq=row.last_seq if row else None)
    await add_anchors(db, hub, batch.anchors, now_ms)
    known = await feed.known_ops(db, hub.club_id, [op.op_id for op in batch.ops])
    verdicts, stopped = judge(row, batch.ops, known)
    refused = await feed.refused_ops(db, hub.club_id, [it.op.op_id for it in verdicts if it.status == "dup"])
    verdicts = [replace(it, code=refused.get(it.op.op_id)) for it in verdicts]
    verdicts = await _fenced(db, row, verdicts)
    max_stamp = await _apply(db, row, verdicts, now_ms)
    taken = [verdict for verdict in verdicts if verdict.op.seq > row.last_seq]
    last_seq = taken[-1].op.seq if taken else row.last_seq
    chain = bytes.fromhex(taken[-1].op.chain) if taken else row.last_chain
    await execute(
        db,
        "hub_advance",
        {
            "club_id": row.club_id,
            "hub_id": row.hub_id,
            "last_seq": last_seq,
            "last_chain": chain,
            "max_stamp": max_stamp,
            "now_ms": now_ms,
        },
    )
    results = [_result(verdict) for verdict in verdicts]
    return Taken(
        wire.PushResponse(last_seq=last_seq, results=results), Gap(last_seq=last_seq) if stopped else None
    )


def judge(hub: HubRow, ops: Sequence[wire.Op], known: set[str]) -> tuple[list[Verdict], bool]:
    """What becomes of each op in order, and whether the batch stops at a gap. Raises ChainDiffers. Pure."""
    verdicts: list[Verdict] = []
    seen = set(known)
    last_seq, chain = hub.last_seq, hub.last_chain.hex()
    for op in ops:
        if op.seq <= last_seq:
            if op.op_id not in seen:  # another log under the same numbers: a cloned or restored card
                raise ChainDiffers(last_seq=hub.last_seq)
            verdicts.append(Verdict(op, "dup"))
            continue
        if op.seq != last_seq + 1:
            return verdicts, True
        chain = next_chain(chain, op.op_id)
        if chain != op.chain:
            raise ChainDiffers(last_seq=hub.last_seq)
        last_seq = op.seq
        if op.op_id in seen:
            verdicts.append(Verdict(op, "dup"))
            continue
        seen.add(op.op_id)
        reason = SUSPECTED if op.tbl == wire.SUSPECT else refusal(op)
        verdicts.append(Verdict(op, "dead" if reason else "ok", reason))
    return verdicts, False


async def _fenced(db: Connection, hub: HubRow, verdicts: list[Verdict]) -> list[Verdict]:
    """Refuse what is about somebody who was erased, and keep nothing of it."""
    wanted = [it.op for it in verdicts if it.status == "ok"]
    erased = await fence.erased_ops(db, hub.club_id, wanted)
    return [
        Verdict(msgspec.structs.replace(it.op, fields={}), "dead", fence.ERASED)
        if it.status == "ok" and it.op.op_id in erased
        else it
        for it in verdicts
    ]


async def _apply(db: Connection, hub: HubRow, verdicts: Sequence[Verdict], now_ms: int) -> int:
    """Merge what is accepted, bury what is refused, append both to the feed; the hub's new largest stamp."""
    accepted = [verdict.op for verdict in verdicts if verdict.status == "ok"]
    anchors = await fetch_all(db, "anchors", AnchorRow, {"club_id": hub.club_id, "hub_id": hub.hub_id})
    keys = ((op.tbl, op.pk) for op in accepted)
    records = await feed.lock_records(db, hub.club_id, keys, hub.hub_id)
    before = dict(records)
    max_stamp = hub.max_stamp
    entries: list[feed.Entry] = []
    letters: list[feed.DeadLetter] = []
    for verdict in verdicts:
        op = verdict.op
        if verdict.refusal is not None:
            letters.append(_letter(hub, op, verdict.refusal))
            entries.append(_reject(hub, op, verdict.refusal, now_ms))
        elif verdict.status == "ok":
            estimate = wall_estimate(anchors, op.boot_no, op.mono_ms)
            record = records[op.tbl, op.pk]
            proposal = Proposal(estimate.wall_ms, op.after_ms)
            max_stamp = stamp(proposal, server_ms=now_ms, hub_max_stamp=max_stamp, record=record)
            records[op.tbl, op.pk] = merge(record, op.fields, max_stamp)
            quality = int(estimate.is_anchored)
            entries.append(
                feed.Entry(op.op_id, "set", op.tbl, op.pk, op.fields, max_stamp, hub.hub_id, quality=quality)
            )
    await feed.write_records(db, hub.club_id, records.values())
    await feed.bury(db, hub.club_id, letters, now_ms)
    await mark_changed(db, hub.club_id, before, records, now_ms)
    await feed.append(db, hub.club_id, entries)
    return max_stamp


def _letter(hub: HubRow, op: wire.Op, reason: Refusal) -> feed.DeadLetter:
    payload = msgspec.json.encode(op).decode()
    return feed.DeadLetter(op.op_id, hub.hub_id, payload, reason.code, reason.detail.replace("\0", "\\0"))


def _reject(hub: HubRow, op: wire.Op, reason: Refusal, now_ms: int) -> feed.Entry:
    """The feed's word on a refused op; names too odd to store are cut, the op_id is what identifies it."""
    tbl, pk = (text[:200].replace("\0", "") for text in (op.tbl, op.pk))
    return feed.Entry(op.op_id, "reject", tbl, pk, {}, now_ms, hub.hub_id, reason=reason.code)


def _result(verdict: Verdict) -> wire.OpResult:
    code = verdict.refusal.code if verdict.refusal else verdict.code
    status = "dead" if verdict.code is not None else verdict.status
    return wire.OpResult(seq=verdict.op.seq, status=status, code=code)


async def mark_changed(
    db: Connection,
    club_id: str,
    before: dict[feed.Key, RecordRow],
    after: dict[feed.Key, RecordRow],
    now_ms: int,
) -> None:
    """Mark the sessions whose loads these changes of records make stale."""
    sessions: set[str] = set()
    athletes: list[str] = []
    changed: list[tuple[str, str]] = []
    for (tbl, pk), record in after.items():
        if tbl == "session":
            sessions.add(pk)
        elif tbl == "stream_assignment":
            docs = (before[tbl, pk].doc, record.doc)
            sessions.update(doc["session_id"] for doc in docs if doc.get("session_id"))
        elif tbl == "athlete":
            athletes.append(pk)
        elif tbl == "profile_change":
            docs = (before[tbl, pk].doc, record.doc)
            changed += [(it["athlete_id"], it.get("valid_from", "")) for it in docs if "athlete_id" in it]
    if athletes:
        sessions.update(
            await fetch_values(db, "sessions_of_athletes", {"club_id": club_id, "athlete_ids": athletes})
        )
    if changed:
        params = {
            "club_id": club_id,
            "athlete_ids": [a for a, _ in changed],
            "from_days": [d for _, d in changed],
        }
        sessions.update(await fetch_values(db, "sessions_of_athletes_since", params))
    await mark_stale(db, club_id, sessions, now_ms)


async def mark_stale(db: Connection, club_id: str, session_ids: Iterable[str], now_ms: int) -> None:
    """Leave a durable mark at sessions whose loads must be computed anew."""
    wanted = sorted(session_ids)
    if wanted:
        await execute(db, "stale_by_session", {"club_id": club_id, "session_ids": wanted, "now_ms": now_ms})


async def add_anchors(db: Connection, hub: HubIdentity, anchors: Iterable[wire.Anchor], now_ms: int) -> None:
    """Store facts about a hub's clock; absurd ones are ignored, known ones stay as they are.

    Sessions whose samples lie elsewhere by what is newly known are marked stale.
    """
    rows: list[dict[str, Any]] = [
        {
            "club_id": hub.club_id,
            "hub_id": hub.hub_id,
            "boot_no": anchor.boot_no,
            "mono_ms": anchor.mono_ms,
            "wall_ms": anchor.wall_ms,
            "err_ms": anchor.err_ms,
            "source": anchor.source[:40].replace("\0", ""),
        }
        for anchor in anchors
        if 0 < anchor.boot_no < MAX_BOOT
        and all(0 <= value < MAX_INT for value in (anchor.mono_ms, anchor.wall_ms, anchor.err_ms))
    ]
    if not rows:
        return
    key = {"club_id": hub.club_id, "hub_id": hub.hub_id}
    before = await fetch_all(db, "anchors", AnchorRow, key)
    await execute_many(db, "anchor_add", rows)
    after = await fetch_all(db, "anchors", AnchorRow, key)
    boot_nos = {int(row["boot_no"]) for row in rows}
    moved = sorted(it for it in boot_nos if offset_ms(before, it) != offset_ms(after, it))
    if moved:
        params = {"club_id": hub.club_id, "boot_nos": moved}
        await mark_stale(db, hub.club_id, await fetch_values(db, "sessions_across_boots", params), now_ms)


@dataclass(frozen=True, slots=True)
class Sorted:
    """A request's segments after every one was opened and checked."""

    good: list[Segment]
    rejected: list[wire.SegmentRejected]


async def open_segments(body: bytes) -> Sorted:
    """Unframe and verify, in a thread. Raises BodyRefused when the frames themselves cannot be told apart."""
    return await asyncio.to_thread(_open_segments, body)


def _open_segments(body: bytes) -> Sorted:
    try:
        segments = unframe(body)
    except SegmentCorrupt as error:
        raise BodyRefused(str(error)) from error
    good: dict[bytes, Segment] = {}
    rejected: list[wire.SegmentRejected] = []
    for segment in segments:
        code = _fault(segment)
        if code is None:
            good[segment.seg_id] = segment
        else:
            rejected.append(wire.SegmentRejected(id=segment.seg_id.hex(), code=code))
    return Sorted([good[seg_id] for seg_id in sorted(good)], rejected)


def _fault(segment: Segment) -> str | None:
    try:
        verify(segment)
    except SegmentCorrupt:
        return "corrupt"
    in_range = segment.boot_no < MAX_BOOT and max(abs(segment.mono0_ms), abs(segment.mono1_ms)) <= MAX_INT
    return None if in_range else "out_of_range"


async def store_segments(
    db: Connection, hub: HubIdentity, segments: Sequence[Segment], now_ms: int
) -> list[wire.SegmentRejected]:
    """Store segments inside the caller's transaction; those already held stay as they are.

    What somebody wore who was erased is not stored, and is in the answer.
    """
    await execute(db, "hub_share", {"club_id": hub.club_id, "hub_id": hub.hub_id})
    erased = await fence.erased_segments(db, hub.club_id, segments)
    rejected = [
        wire.SegmentRejected(id=it.seg_id.hex(), code="erased") for it in segments if it.seg_id in erased
    ]
    segments = [it for it in segments if it.seg_id not in erased]
    rows = [
        {
            "club_id": hub.club_id,
            "seg_id": segment.seg_id,
            "stream_id": segment.stream_id,
            "boot_no": segment.boot_no,
            "mono0_ms": segment.mono0_ms,
            "mono1_ms": segment.mono1_ms,
            "n": segment.n,
            "codec": segment.codec,
            "payload": segment.payload,
            "hub_id": hub.hub_id,
            "now_ms": now_ms,
        }
        for segment in segments
    ]
    await execute_many(db, "segment_add", rows)
    streams = sorted({segment.stream_id for segment in segments})
    if streams:
        touched = await fetch_values(
            db, "sessions_of_streams", {"club_id": hub.club_id, "stream_ids": streams}
        )
        await mark_stale(db, hub.club_id, touched, now_ms)
    return rejected
