"""Operations that were refused: looked at, tried again after an update, or put away.

None ever stands in a hub's way. A retried one comes into the feed as a new entry that names the old one.
"""

from __future__ import annotations

import uuid

import msgspec

from cloud import fence, ingest
from cloud.clock import wall_estimate
from cloud.errors import NotThere
from cloud.merge import Proposal, merge, stamp
from cloud.records import Refusal, refusal
from cloud.store import feed
from cloud.store.database import Connection, Database, execute, fetch_all, fetch_one
from cloud.store.rows import AnchorRow, DeferredRow, LetterRow
from sync import wire


async def waiting(db: Connection, club_id: str) -> list[LetterRow]:
    """Those nobody has decided about, oldest first."""
    return await fetch_all(db, "letters", LetterRow, {"club_id": club_id})


async def retry(db: Connection, club_id: str, op_id: str, now_ms: int) -> Refusal | None:
    """Judge it again and take it in if it may be; else why it still may not. Raises NotThere."""
    letter = await _locked(db, club_id, op_id)
    try:
        op = msgspec.json.decode(letter.payload, type=wire.Op)
    except msgspec.MsgspecError:
        return Refusal(letter.code, "its content was not kept")
    if op.tbl == wire.SUSPECT:
        return ingest.SUSPECTED
    reason = refusal(op)
    if reason is None and await fence.erased_ops(db, club_id, [op]):
        reason = fence.ERASED
    if reason is not None:
        return reason
    await _settle(db, club_id, letter, "retried", now_ms)
    key = (op.tbl, op.pk)
    before = await feed.lock_records(db, club_id, [key], letter.hub_id)
    record = before[key]
    anchors = await fetch_all(db, "anchors", AnchorRow, {"club_id": club_id, "hub_id": letter.hub_id})
    proposal = Proposal(wall_estimate(anchors, op.boot_no, op.mono_ms).wall_ms, op.after_ms)
    stamp_ms = stamp(proposal, server_ms=now_ms, hub_max_stamp=0, record=record)
    after = merge(record, op.fields, stamp_ms)
    await feed.write_records(db, club_id, [after])
    await ingest.mark_changed(db, club_id, before, {key: after}, now_ms)
    entry = feed.Entry(
        str(uuid.uuid5(uuid.UUID(op_id), "retried")), "set", op.tbl, op.pk, op.fields, stamp_ms,
        letter.hub_id, resolves=op_id, actor=op.by[:100] or None, after_seq=op.after_seq,
    )  # fmt: skip
    await feed.append(db, club_id, [entry])
    return None


async def discard(db: Connection, club_id: str, op_id: str, now_ms: int) -> None:
    """Put it away; it stays known, so that it is not taken when it is sent again. Raises NotThere."""
    await _settle(db, club_id, await _locked(db, club_id, op_id), "discarded", now_ms)


async def replay_deferred(database: Database, now_ms: int) -> int:
    """After an update: take in what was refused only because its table was not known; how many."""
    async with database.transaction() as db:
        letters = await fetch_all(db, "letters_deferred", DeferredRow, {})
    taken = 0
    for letter in letters:
        async with database.transaction() as db:
            taken += await retry(db, letter.club_id, letter.op_id, now_ms) is None
    return taken


async def _locked(db: Connection, club_id: str, op_id: str) -> LetterRow:
    letter = await fetch_one(db, "letter_lock", LetterRow, {"club_id": club_id, "op_id": op_id})
    if letter is None:
        raise NotThere(f"refused operation {op_id}.", hint="It was retried or put away meanwhile.")
    return letter


async def _settle(db: Connection, club_id: str, letter: LetterRow, state: str, now_ms: int) -> None:
    params = {"club_id": club_id, "op_id": letter.op_id, "state": state, "now_ms": now_ms}
    await execute(db, "letter_settle", {**params, "payload": letter.payload})
