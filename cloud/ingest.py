"""Taking in what hubs send: a batch of ops as one durable step, segments one by one, each idempotent.

It does not answer before the commit, which belongs to whoever opened the transaction. It computes no loads;
it leaves a mark in the database at every session whose loads are no longer right.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec

from cloud import fence, meeting, refused_edits
from cloud.clock import TrueTime, has_moved
from cloud.errors import BodyRefused, BodyTooLarge, ChainDiffers, EpochDiffers, Gap
from cloud.merge import Proposal, merge, stamp
from cloud.records import MAX_BOOT, MAX_INT, Refusal, is_op_id, refusal
from cloud.store import feed
from cloud.store.database import (
    Connection,
    ask,
    execute_many,
    fetch_all,
    fetch_values,
    send,
    together,
)
from cloud.store.rows import AnchorRow, FactRow, HubIdentity, HubRow, RecordRow
from sync import wire
from sync.batch import unpacked
from sync.bounds import MOST_ANCHORS, MOST_SEGMENTS, MOST_VALUES
from sync.chain import next_chain
from sync.codecs import verify
from sync.envelope import inflated_bytes
from sync.errors import SegmentCorrupt, TooMuch
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
    if len(batch.anchors) > MOST_ANCHORS:
        raise BodyTooLarge(f"At most {MOST_ANCHORS} anchors.")
    if len(batch.ops) > MAX_OPS or not all(is_op_id(op.op_id) for op in batch.ops):
        raise BodyRefused("It has too many ops, or an op_id is not a uuid.")
    found = await _look(db, hub, batch, now_ms)
    row = found.hub
    if row is None or batch.epoch != row.epoch:
        raise EpochDiffers(last_seq=row.last_seq if row else None)
    verdicts, stopped = judge(row, batch.ops, found.known)
    verdicts = await _own_letters_only(db, row, [_fenced(it, found.erased) for it in verdicts])
    verdicts = await _told_before(db, row, verdicts)
    max_stamp, entries = await _apply(db, row, verdicts, found, now_ms)
    taken = [verdict for verdict in verdicts if verdict.op.seq > row.last_seq]
    last_seq = taken[-1].op.seq if taken else row.last_seq
    chain = bytes.fromhex(taken[-1].op.chain) if taken else row.last_chain
    stands = {"last_seq": last_seq, "last_chain": chain, "max_stamp": max_stamp, "now_ms": now_ms}
    await send(db, "hub_advance", {"club_id": row.club_id, "hub_id": row.hub_id, **stands})
    await feed.put(db, row.club_id, entries)
    results = [_result(verdict, found.known) for verdict in verdicts]
    return Taken(
        wire.PushResponse(last_seq=last_seq, results=results), Gap(last_seq=last_seq) if stopped else None
    )


@dataclass(frozen=True, slots=True)
class Found:
    """All that a batch is judged and merged by; `records` are locked, those for refused edits for nothing."""

    hub: HubRow | None
    known: dict[str, int | None]
    erased: set[str]
    anchors: list[AnchorRow]
    records: dict[feed.Key, RecordRow]


async def _look(db: Connection, hub: HubIdentity, batch: wire.PushRequest, now_ms: int) -> Found:
    """Lock and read in one go; the hub's row first of all, so that its batches come one after the other."""
    key = {"club_id": hub.club_id, "hub_id": hub.hub_id}
    lock = await ask(db, "hub_lock", HubRow, key)
    await add_anchors(db, hub, batch.anchors, now_ms)
    told = [op for op in batch.ops if op.tbl != wire.SUSPECT]
    named = [op for op in told if refusal(op) is None]
    asked = {"club_id": hub.club_id, "op_ids": [op.op_id for op in batch.ops], **fence.named_in(told)}
    keys = sorted({(op.tbl, op.pk) for op in named})
    facts = await ask(db, "push_facts", FactRow, asked)
    anchors = await ask(db, "anchors", AnchorRow, key)
    records = await feed.ask_records(db, hub.club_id, keys, hub.hub_id)
    known = await facts.fetchall()
    held, gone = feed.by_key(await records.fetchall()), feed.erased_things(known)
    others = fence.of_others(held.values(), gone)
    erased = fence.stopped(gone, named, others)
    if erased:
        await fence.shut_out(db, hub.club_id, named, erased, others, hub.hub_id)
    valid = {op.op_id for op in named}  # of the invalid nothing is fenced, whose names may be anything
    erased |= fence.stopped(gone, told, others) - valid
    return Found(await lock.fetchone(), feed.known_ops(known), erased, await anchors.fetchall(), held)


def judge(hub: HubRow, ops: Sequence[wire.Op], known: Iterable[str]) -> tuple[list[Verdict], bool]:
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


def _fenced(verdict: Verdict, erased: set[str]) -> Verdict:
    """Refuse what is about somebody who was erased, and keep nothing of it."""
    if verdict.status == "dup" or verdict.op.op_id not in erased:
        return verdict
    return Verdict(msgspec.structs.replace(verdict.op, fields={}), "dead", fence.ERASED)


async def _own_letters_only(db: Connection, hub: HubRow, verdicts: list[Verdict]) -> list[Verdict]:
    """Refuse what a hub decides about another hub's refused edits."""
    decided = {it.op.pk for it in verdicts if it.status == "ok" and it.op.tbl == refused_edits.TABLE}
    others = await refused_edits.of_others(db, hub.club_id, hub.hub_id, decided) if decided else set()
    return [
        replace(it, status="dead", refusal=refused_edits.NOT_YOURS)
        if it.status == "ok" and it.op.tbl == refused_edits.TABLE and it.op.pk in others
        else it
        for it in verdicts
    ]


async def _told_before(db: Connection, hub: HubRow, verdicts: list[Verdict]) -> list[Verdict]:
    """Say again of what was refused when it first came that it was."""
    dups = [it.op.op_id for it in verdicts if it.status == "dup"]
    if not dups:
        return verdicts
    refused = await feed.refused_ops(db, hub.club_id, dups)
    return [replace(it, code=refused.get(it.op.op_id)) for it in verdicts]


async def _apply(
    db: Connection, hub: HubRow, verdicts: Sequence[Verdict], found: Found, now_ms: int
) -> tuple[int, list[feed.Entry]]:
    """Merge what is accepted, bury what is refused; the hub's new largest stamp, and what the feed gets."""
    wanted = {(it.op.tbl, it.op.pk) for it in verdicts if it.status == "ok"}
    await feed.let_go(db, hub.club_id, found.records.keys() - wanted)
    records = {key: found.records[key] for key in sorted(wanted)}
    before = dict(records)
    max_stamp = hub.max_stamp
    entries: list[feed.Entry] = []
    letters: list[feed.DeadLetter] = []
    made: list[meeting.Made] = []
    time = TrueTime(found.anchors)
    for verdict in verdicts:
        op = verdict.op
        if verdict.refusal is not None:
            letters.append(_letter(hub, op, verdict.refusal))
            entries.append(_reject(hub, op, verdict.refusal, now_ms))
        elif verdict.status == "ok":
            estimate = time.estimate(op.boot_no, op.mono_ms)
            record = records[op.tbl, op.pk]
            proposal = Proposal(estimate.wall_ms, op.after_ms)
            max_stamp = stamp(proposal, server_ms=now_ms, hub_max_stamp=max_stamp, record=record)
            records[op.tbl, op.pk] = merge(record, op.fields, max_stamp)
            it = made_of(hub.hub_id, op, max_stamp, int(estimate.is_anchored))
            made.append(it)
            entries.append(entry_of(it))
    await feed.write_records(db, hub.club_id, records.values())
    entries += await meeting.note(db, hub.club_id, made, before, records, now_ms)
    await feed.bury(db, hub.club_id, letters, now_ms)
    await refused_edits.carry_out(db, hub.club_id, records, now_ms)
    await mark_changed(db, hub.club_id, before, records, now_ms)
    return max_stamp, entries


def made_of(hub_id: str, op: wire.Op, stamp_ms: int, quality: int) -> meeting.Made:
    """An operation that is taken in; what a broken hub may say of its author is cut to what can be kept."""
    by = op.by[:100].replace("\0", "")
    after_seq = None if op.after_seq is None else min(max(op.after_seq, 0), MAX_INT)
    return meeting.Made(
        op.op_id, op.tbl, op.pk, op.fields, stamp_ms, hub_id, by, op.after_ms, after_seq, quality
    )


def entry_of(it: meeting.Made) -> feed.Entry:
    """What the feed says of it."""
    return feed.Entry(
        it.op_id, "set", it.tbl, it.pk, dict(it.fields), it.stamp_ms, it.hub_id, it.quality,
        actor=it.by or None, after_seq=it.after_seq,
    )  # fmt: skip


def _letter(hub: HubRow, op: wire.Op, reason: Refusal) -> feed.DeadLetter:
    payload = msgspec.json.encode(op).decode()
    return feed.DeadLetter(op.op_id, hub.hub_id, payload, reason.code, reason.detail.replace("\0", "\\0"))


def _reject(hub: HubRow, op: wire.Op, reason: Refusal, now_ms: int) -> feed.Entry:
    """The feed's word on a refused op; names too odd to store are cut, the op_id is what identifies it."""
    tbl, pk = (text[:200].replace("\0", "") for text in (op.tbl, op.pk))
    return feed.Entry(op.op_id, "reject", tbl, pk, {}, now_ms, hub.hub_id, reason=reason.code)


def _result(verdict: Verdict, known: Mapping[str, int | None]) -> wire.OpResult:
    code = verdict.refusal.code if verdict.refusal else verdict.code
    status = "dead" if verdict.code is not None else verdict.status
    at_seq = known.get(verdict.op.op_id) if status == "dup" else None
    kept = msgspec.UNSET if at_seq is None else at_seq
    return wire.OpResult(seq=verdict.op.seq, status=status, code=code, at_seq=kept)


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
    if not athletes and not changed:
        await mark_stale(db, club_id, sessions, now_ms)
        return
    named = {
        "session_ids": sorted(sessions),
        "athlete_ids": sorted(athletes),
        "changed_ids": [athlete_id for athlete_id, _ in changed],
        "from_days": [day for _, day in changed],
    }
    await send(db, "stale_by_records", {"club_id": club_id, "now_ms": now_ms, **named})


async def mark_stale(db: Connection, club_id: str, session_ids: Iterable[str], now_ms: int) -> None:
    """Leave a durable mark at sessions whose loads must be computed anew."""
    wanted = sorted(session_ids)
    if wanted:
        await send(db, "stale_by_session", {"club_id": club_id, "session_ids": wanted, "now_ms": now_ms})


async def add_anchors(db: Connection, hub: HubIdentity, anchors: Iterable[wire.Anchor], now_ms: int) -> None:
    """Store facts about a hub's clock; absurd ones are ignored, known ones stay as they are.

    Sessions whose samples lie elsewhere by what is newly known are marked stale; what is of no use any more
    is let go.
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
    before = TrueTime(await fetch_all(db, "anchors", AnchorRow, key))
    await execute_many(db, "anchor_add", rows)
    after = TrueTime(await fetch_all(db, "anchors", AnchorRow, key))
    boot_nos = sorted({int(row["boot_no"]) for row in rows})
    gone = [it for boot_no in boot_nos for it in after.to_forget(boot_no)]
    if gone:
        one_by_one = [{**key, "boot_no": it.boot_no, "mono_ms": it.mono_ms} for it in gone]
        await execute_many(db, "anchor_forget", one_by_one)
    moved = [it for it in boot_nos if has_moved(before.telling(it), after.telling(it))]
    if moved:
        params = {"club_id": hub.club_id, "boot_nos": moved}
        await mark_stale(db, hub.club_id, await fetch_values(db, "sessions_across_boots", params), now_ms)


@dataclass(frozen=True, slots=True)
class Sorted:
    """A request's segments after every one was opened and checked."""

    good: list[Segment]
    rejected: list[wire.SegmentRejected]


async def open_segments(body: bytes, kind: str = wire.FRAMES, most: int = MOST_SEGMENTS) -> Sorted:
    """Open and verify, in a thread; at most `most` frames.

    Raises BodyRefused when frames or batches cannot be told apart, and BodyTooLarge when they hold more than
    a request may: before all of it was worked out.
    """
    return await asyncio.to_thread(_open_segments, body, kind, most)


def _open_segments(body: bytes, kind: str, most: int = MOST_SEGMENTS) -> Sorted:
    try:
        segments = unpacked(body) if kind == wire.BATCHES else unframe(body, most)
    except TooMuch as error:
        raise BodyTooLarge(str(error)) from error
    except SegmentCorrupt as error:
        raise BodyRefused(str(error)) from error
    good: dict[bytes, Segment] = {}
    rejected: list[wire.SegmentRejected] = []
    n_values = 0
    for segment in segments:
        code, n = _judged(segment)
        n_values += n
        if n_values > MOST_VALUES:
            raise BodyTooLarge(f"At most {MOST_VALUES} values in all of its segments.")
        if code is None:
            good[segment.seg_id] = segment
        else:
            rejected.append(wire.SegmentRejected(id=segment.seg_id.hex(), code=code))
    return Sorted([good[seg_id] for seg_id in sorted(good)], rejected)


def _judged(segment: Segment) -> tuple[str | None, int]:
    """Why a segment is not taken, and how many values (of a damaged one bytes) were worked out to know it."""
    try:
        n = verify(segment)
    except SegmentCorrupt:
        return "corrupt", inflated_bytes(segment)
    in_range = segment.boot_no < MAX_BOOT and max(abs(segment.mono0_ms), abs(segment.mono1_ms)) <= MAX_INT
    return None if in_range else "out_of_range", n


async def store_segments(
    db: Connection, hub: HubIdentity, segments: Sequence[Segment], now_ms: int
) -> list[wire.SegmentRejected]:
    """Store segments inside the caller's transaction; those already held stay as they are.

    What somebody wore who was erased is not stored, and is in the answer.
    """
    key = {"club_id": hub.club_id, "hub_id": hub.hub_id}
    _, erased = await together(send(db, "hub_share", key), fence.erased_segments(db, hub.club_id, segments))
    rejected = [
        wire.SegmentRejected(id=it.seg_id.hex(), code="erased") for it in segments if it.seg_id in erased
    ]
    kept = [it for it in segments if it.seg_id not in erased]
    await keep_segments(db, hub, kept, now_ms)
    return rejected


async def keep_segments(db: Connection, hub: HubIdentity, segments: Sequence[Segment], now_ms: int) -> None:
    """Store them, and mark the sessions they were recorded in; no fence is asked."""
    if not segments:
        return
    columns = {
        "seg_ids": [it.seg_id for it in segments],
        "stream_ids": [it.stream_id for it in segments],
        "boot_nos": [it.boot_no for it in segments],
        "mono0s": [it.mono0_ms for it in segments],
        "mono1s": [it.mono1_ms for it in segments],
        "ns": [it.n for it in segments],
        "codecs": [it.codec for it in segments],
        "payloads": [it.payload for it in segments],
    }
    await send(
        db, "segments_add", {"club_id": hub.club_id, "hub_id": hub.hub_id, "now_ms": now_ms, **columns}
    )
    streams = {
        "club_id": hub.club_id,
        "stream_ids": sorted({it.stream_id for it in segments}),
        "now_ms": now_ms,
    }
    await send(db, "stale_by_stream", streams)
