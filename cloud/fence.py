"""The fence round what was erased: whoever sends it again, by network or stick, it is refused.

It keeps nothing of what it refuses. Erasing itself is erasure's business.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from cloud.records import Refusal
from cloud.store.database import Connection, execute_many, fetch_all, fetch_values
from cloud.store.rows import RowKey, SpanRow
from sync import wire
from sync.cut import Span, inside
from sync.segments import Segment

ERASED = Refusal("erased", "this athlete's data was erased")


async def erased_ops(db: Connection, club_id: str, ops: Sequence[wire.Op]) -> set[str]:
    """The op_ids of those that are about somebody erased; streams they name are fenced off as well."""
    if not ops:
        return set()
    people = [_subject(op) for op in ops]
    ids = sorted({it for it in people if it is not None})
    subjects = set(await fetch_values(db, "erased_subjects_among", {"club_id": club_id, "ids": ids}))
    keys = {"club_id": club_id, "pks": sorted({op.pk.replace("\0", "") for op in ops})}
    rows = {(row.tbl, row.pk) for row in await fetch_all(db, "erased_rows_among", RowKey, keys)}
    found = [
        op
        for op, subject in zip(ops, people, strict=True)
        if (op.tbl, op.pk) in rows or (subject in subjects and op.tbl != "strap")
    ]
    streams = {str(op.fields["stream_id"]) for op in found if isinstance(op.fields.get("stream_id"), str)}
    await execute_many(
        db, "erased_stream_add", [{"club_id": club_id, "stream_id": it} for it in sorted(streams)]
    )
    return {op.op_id for op in found}


def _subject(op: wire.Op) -> str | None:
    """Whom an operation is about."""
    subject = op.pk if op.tbl == "athlete" else op.fields.get("athlete_id")
    return subject.replace("\0", "") if isinstance(subject, str) else None


async def erased_segments(db: Connection, club_id: str, segments: Sequence[Segment]) -> set[bytes]:
    """Those that were erased, or hold anything of a stream an erased athlete wore that nobody else did."""
    if not segments:
        return set()
    named = {"club_id": club_id, "seg_ids": [it.seg_id for it in segments]}
    gone = {bytes.fromhex(it) for it in await fetch_values(db, "erased_segments_among", named)}
    streams = {"club_id": club_id, "ids": sorted({it.stream_id for it in segments})}
    fenced = set(await fetch_values(db, "erased_streams_among", streams))
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
