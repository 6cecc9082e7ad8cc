"""The fence round what was erased: whoever sends it again, by network or stick, it is refused.

It keeps nothing of what it refuses. Erasing itself is erasure's business.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence, Set

from cloud.records import Refusal
from cloud.store.database import Connection, execute_many, fetch_all, fetch_values, send, together
from cloud.store.rows import RecordRow, RowKey, SpanRow
from sync import wire
from sync.cut import Span, inside
from sync.segments import Segment

ERASED = Refusal("erased", "this athlete's data was erased")
NONE: frozenset[tuple[str, str]] = frozenset()
SUBJECT = ""
"""Stands where a table's name would, for the person."""


async def hold_erasures(db: Connection, club_id: str) -> None:
    """No erasure of the club goes on until this transaction ends: to be taken before any other lock.

    Whoever does not hold the row of the hub it writes for asks the fence behind this, or an erasure under way
    is not seen and what it takes away comes back.
    """
    await send(db, "erasures_wait", {"club_id": club_id})


async def erased_ops(db: Connection, club_id: str, ops: Sequence[wire.Op]) -> set[str]:
    """The op_ids of those that are about somebody erased; streams they name are fenced off as well."""
    if not ops:
        return set()
    params = {"club_id": club_id, **named_in(ops)}
    erased = {(row.tbl, row.pk) for row in await fetch_all(db, "erased_among", RowKey, params)}
    if not stopped(erased, ops):
        return set()
    keys = [{"club_id": club_id, "tbl": op.tbl, "pk": op.pk.replace("\0", "")} for op in ops]
    held = [it for key in keys for it in await fetch_all(db, "record_get", RecordRow, key)]
    others = of_others(held, erased)
    return await shut_out(db, club_id, ops, stopped(erased, ops, others), others)


def named_in(ops: Sequence[wire.Op]) -> dict[str, list[str]]:
    """Whom and what operations name, to be looked up among the erased."""
    people = {_subject(op) for op in ops} - {None}
    return {"ids": sorted(map(str, people)), "pks": sorted({op.pk.replace("\0", "") for op in ops})}


def stopped(
    erased: Set[tuple[str, str]], ops: Sequence[wire.Op], others: Set[tuple[str, str]] = NONE
) -> set[str]:
    """The op_ids of those that are about somebody or something `erased`.

    A strap is the club's and stays, and so do records that are `others`' by now: an edit that lays one on
    somebody erased does not. Of anything else no later edit is taken either.
    """
    found, rows, kept = set(), set(erased), set(others)
    for op in ops:
        if (op.tbl, op.pk) in rows or (SUBJECT, _subject(op)) in rows:
            found.add(op.op_id)
            if op.tbl != "strap" and (op.tbl, op.pk) not in kept:
                rows.add((op.tbl, op.pk))
        elif op.fields.get("athlete_id") is not None:
            kept.add((op.tbl, op.pk))
    return found


def of_others(records: Iterable[RecordRow], erased: Set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of the records that are somebody's who is not `erased`, whoever's they were once."""
    named = ((it, it.doc.get("athlete_id")) for it in records)
    return {(it.tbl, it.pk) for it, who in named if isinstance(who, str) and (SUBJECT, who) not in erased}


async def shut_out(
    db: Connection,
    club_id: str,
    ops: Sequence[wire.Op],
    found: set[str],
    others: Set[tuple[str, str]] = NONE,
    hub_id: str | None = None,
) -> set[str]:
    """Fence off the records and streams that stopped operations name, but not `others`' records; gives
    `found` back. They are of the log of `hub_id`, None where they are nobody's any more.
    """
    about = {(op.tbl, op.pk.replace("\0", "")) for op in ops if op.op_id in found and op.tbl != "strap"}
    about -= others
    about -= {
        (op.tbl, op.pk) for op in ops if op.op_id not in found and op.fields.get("athlete_id") is not None
    }
    rows = [{"club_id": club_id, "tbl": tbl, "pk": pk} for tbl, pk in sorted(about)]
    await execute_many(db, "erased_row_add", rows)
    streams = {op.fields.get("stream_id") for op in ops if op.op_id in found}
    named = [
        {"club_id": club_id, "stream_id": it, "named_by": hub_id} for it in streams if isinstance(it, str)
    ]
    await execute_many(db, "erased_stream_add", sorted(named, key=lambda it: it["stream_id"]))
    return found


def _subject(op: wire.Op) -> str | None:
    """Whom an operation is about."""
    subject = op.pk if op.tbl == "athlete" else op.fields.get("athlete_id")
    return subject.replace("\0", "") if isinstance(subject, str) else None


async def erased_segments(db: Connection, club_id: str, segments: Sequence[Segment]) -> set[bytes]:
    """Those that were erased, or hold anything of a stream an erased athlete wore that nobody else did."""
    if not segments:
        return set()
    named = {"club_id": club_id, "seg_ids": [it.seg_id for it in segments]}
    streams = {"club_id": club_id, "ids": sorted({it.stream_id for it in segments})}
    found, fenced = await together(
        fetch_values(db, "erased_segments_among", named), fetch_values(db, "erased_streams_among", streams)
    )
    gone = {bytes.fromhex(it) for it in found}
    spans = await worn_spans(db, club_id, sorted(fenced))
    for segment in segments:
        if segment.stream_id in fenced and segment.seg_id not in gone:
            left = await asyncio.to_thread(inside, segment, spans[segment.stream_id])
            if left is not segment:
                gone.add(segment.seg_id)
    return gone


async def worn_spans(db: Connection, club_id: str, stream_ids: Sequence[str]) -> dict[str, list[Span]]:
    """When each of these streams was worn by anybody."""
    spans: dict[str, list[Span]] = defaultdict(list)
    if stream_ids:
        params = {"club_id": club_id, "stream_ids": list(stream_ids)}
        for row in await fetch_all(db, "worn_spans", SpanRow, params):
            spans[row.stream_id].append((row.from_ms, row.to_ms))
    return spans
