"""Operations that were refused: looked at, tried again after an update, put away, or taken out again.

None ever stands in a hub's way. A retried one comes into the feed as a new entry that names the old one; what
else is decided is an ordinary record, by which its hub hears of it.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import msgspec

from cloud import edits, fence, ingest, refused_edits
from cloud.clock import wall_estimate
from cloud.edits import Edit
from cloud.errors import NotThere
from cloud.merge import Proposal, merge, stamp
from cloud.records import Refusal, refusal
from cloud.store import feed
from cloud.store.database import (
    Connection,
    Database,
    execute,
    fetch_all,
    fetch_one,
    fetch_value,
    fetch_values,
)
from cloud.store.rows import AnchorRow, DeferredRow, HubRow, LetterRow
from sync import wire
from sync.refused_edits import AWAY, ONLINE, OPEN, TABLE, decision

MOST_AWAY = A_PAGE = 50


async def waiting(db: Connection, club_id: str) -> list[LetterRow]:
    """Those nobody has decided about, oldest first."""
    return await fetch_all(db, "letters", LetterRow, {"club_id": club_id})


@dataclass(frozen=True, slots=True)
class LetterPage:
    """A page of those that wait, with what the links before and behind it name, "" where there is none."""

    letters: list[LetterRow]
    total: int
    before: str
    after: str


async def page(db: Connection, club_id: str, *, after: str = "", before: str = "") -> LetterPage:
    """Fifty of those nobody has decided about, oldest first, behind or before a place; the first where none.

    A place is the "ms:op_id" of an edit, be it there or not.
    """
    key = {"club_id": club_id}
    total = int(await fetch_value(db, "letters_open_count", key))
    rows: list[LetterRow] = []
    if before:
        rows = await fetch_all(db, "letters_page_back", LetterRow, {**key, **_place(before), "limit": A_PAGE})
        rows = rows[::-1]
    if len(rows) < A_PAGE:
        rows = await fetch_all(
            db, "letters_page", LetterRow, {**key, **_place("" if before else after), "limit": A_PAGE}
        )
    if not rows:
        return LetterPage([], total, "", "")
    first, last = (f"{it.received_ms}:{it.op_id}" for it in (rows[0], rows[-1]))
    earlier = await fetch_all(db, "letters_page_back", LetterRow, {**key, **_place(first), "limit": 1})
    later = await fetch_all(db, "letters_page", LetterRow, {**key, **_place(last), "limit": 1})
    return LetterPage(rows, total, first if earlier else "", last if later else "")


def _place(text: str) -> dict[str, int | str]:
    ms, _, op_id = text.partition(":")
    is_one = ms.isascii() and ms.isdigit() and len(ms) < 17
    return {"ms": int(ms) if is_one else -1, "op_id": op_id.replace("\0", "") if is_one else ""}


async def one(db: Connection, club_id: str, op_id: str) -> LetterRow | None:
    """The one of this name if nobody has decided about it."""
    return await fetch_one(db, "letter_open", LetterRow, {"club_id": club_id, "op_id": op_id})


async def away(db: Connection, club_id: str) -> list[LetterRow]:
    """Those put away that can be taken out again, the newest decision first; at most fifty."""
    return await fetch_all(db, "letters_away", LetterRow, {"club_id": club_id, "limit": MOST_AWAY})


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
    await refused_edits.carry_out(db, club_id, {key: after}, now_ms)
    await ingest.mark_changed(db, club_id, before, {key: after}, now_ms)
    entry = feed.Entry(
        str(uuid.uuid5(uuid.UUID(op_id), "retried")), "set", op.tbl, op.pk, op.fields, stamp_ms,
        letter.hub_id, resolves=op_id, actor=op.by[:100] or None, after_seq=op.after_seq,
    )  # fmt: skip
    await feed.append(db, club_id, [entry])
    return None


async def discard(db: Connection, club_id: str, op_id: str, now_ms: int, by: str = "") -> None:
    """Put it away, at its hub too; it stays known and is not taken when it is sent again. Raises NotThere."""
    await _settle(db, club_id, await _locked(db, club_id, op_id), "discarded", now_ms)
    await edits.make(db, club_id, [Edit(TABLE, op_id, decision(AWAY, by, ONLINE))], by, now_ms)


async def take_out(db: Connection, club_id: str, op_id: str, now_ms: int, by: str = "") -> None:
    """It was not to be put away: it waits again, at its hub too. Raises NotThere."""
    await _settle(db, club_id, await _locked(db, club_id, op_id, "discarded"), "open", now_ms)
    await edits.make(db, club_id, [Edit(TABLE, op_id, decision(OPEN, by, ONLINE))], by, now_ms)


async def replay_deferred(database: Database, now_ms: int) -> int:
    """After an update: take in what was refused only because its table was not known; how many."""
    async with database.transaction() as db:
        letters = await fetch_all(db, "letters_deferred", DeferredRow, {})
    taken = 0
    for letter in letters:
        async with database.transaction() as db:
            taken += await retry(db, letter.club_id, letter.op_id, now_ms) is None
    return taken


async def tell_hubs(database: Database, now_ms: int) -> int:
    """After an update: let the hubs hear of what was put away before they could be told; how many."""
    async with database.transaction() as db:
        letters = await fetch_all(db, "letters_untold", DeferredRow, {})
    for it in letters:
        async with database.transaction() as db:
            await edits.make(db, it.club_id, [Edit(TABLE, it.op_id, decision(AWAY, "", ONLINE))], "", now_ms)
    return len(letters)


async def _locked(db: Connection, club_id: str, op_id: str, state: str = "open") -> LetterRow:
    """Behind its hub's lock, which every batch of that hub takes first: so neither waits for the other."""
    key = {"club_id": club_id, "op_id": op_id}
    await fence.hold_erasures(db, club_id)
    for hub_id in await fetch_values(db, "letter_hub", key):
        await fetch_one(db, "hub_lock", HubRow, {"club_id": club_id, "hub_id": hub_id})
    letter = await fetch_one(db, "letter_lock", LetterRow, {**key, "state": state})
    if letter is None:
        raise NotThere(f"refused operation {op_id}.", hint="It was retried or put away meanwhile.")
    return letter


async def _settle(db: Connection, club_id: str, letter: LetterRow, state: str, now_ms: int) -> None:
    params = {"club_id": club_id, "op_id": letter.op_id, "state": state, "now_ms": now_ms}
    await execute(db, "letter_settle", {**params, "payload": letter.payload})
