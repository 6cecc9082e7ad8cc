"""Edits made online: checked like a hub's, stamped and merged like a hub's, and into the same feed.

Whoever edits has the page in front of them, so they have seen what stands; what a page showed too long ago is
the page's business.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloud import fence
from cloud.errors import AthleteErased, EditRefused, NotThere
from cloud.ingest import mark_changed
from cloud.merge import Proposal, merge, stamp
from cloud.records import refusal
from cloud.store import feed
from cloud.store.database import Connection, Params, fetch_all, fetch_one
from cloud.store.rows import RecordRow, RowKey
from sync import wire

NO_CHAIN = "00" * 32


@dataclass(frozen=True, slots=True)
class Edit:
    """Some fields of one record to be set."""

    tbl: str
    pk: str
    fields: Mapping[str, Any]


async def record(db: Connection, club_id: str, tbl: str, pk: str) -> RecordRow:
    """The record as it stands. Raises NotThere."""
    key = {"club_id": club_id, "tbl": tbl, "pk": pk}
    found = await fetch_one(db, "record_get", RecordRow, key)
    if found is None or not found.doc:
        raise NotThere(f"no {tbl.replace('_', ' ')} {pk[:40]}.")
    return found


async def is_erased(db: Connection, club_id: str, athlete_id: str) -> bool:
    """Whether the athlete's data was erased, rather than never there."""
    params: Params = {"club_id": club_id, "ids": [athlete_id], "pks": []}
    return bool(await fetch_all(db, "erased_among", RowKey, params))


async def make(db: Connection, club_id: str, edits: Sequence[Edit], by: str, now_ms: int) -> int:
    """Make these edits inside the caller's transaction; their last number in the feed.

    Whoever locked anything before has held off erasures before that. Raises EditRefused, or AthleteErased.
    """
    await fence.hold_erasures(db, club_id)
    ops = [
        wire.Op(
            seq=1, op_id=str(uuid.uuid4()), tbl=it.tbl, pk=it.pk, fields=dict(it.fields), after_ms=0,
            boot_no=0, mono_ms=now_ms, chain=NO_CHAIN,
        )
        for it in edits
    ]  # fmt: skip
    erased = await fence.erased_ops(db, club_id, ops)
    for op in ops:
        if op.op_id in erased:
            raise AthleteErased()
        if (reason := refusal(op)) is not None:
            raise EditRefused(f"{reason.detail}.")
    records = await feed.lock_records(db, club_id, [(op.tbl, op.pk) for op in ops])
    before = dict(records)
    entries: list[feed.Entry] = []
    for op in ops:
        key = (op.tbl, op.pk)
        newest = max(records[key].stamps.values(), default=0)
        proposal = Proposal(now_ms, newest)
        stamp_ms = stamp(proposal, server_ms=now_ms, hub_max_stamp=0, record=records[key])
        records[key] = merge(records[key], op.fields, stamp_ms)
        entries.append(feed.Entry(op.op_id, "set", op.tbl, op.pk, op.fields, stamp_ms, actor=by[:100]))
    await feed.write_records(db, club_id, records.values())
    await mark_changed(db, club_id, before, records, now_ms)
    return await feed.append(db, club_id, entries)
