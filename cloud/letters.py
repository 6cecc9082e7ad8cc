"""Operations that were refused: looked at, tried again after an update, put away, or taken out again.

None ever stands in a hub's way. A retried one comes into the feed as a new entry that names the old one; what
else is decided is an ordinary record, by which its hub hears of it.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import msgspec

from cloud import by_place, edits, fence, ingest, refused_edits
from cloud.clock import wall_estimate
from cloud.edits import Edit
from cloud.errors import CloudError, NotThere
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
from cloud.store.rows import AnchorRow, DeferredRow, HubRow, LetterPlace, LetterRow
from sync import wire
from sync.refused_edits import AWAY, ONLINE, OPEN, TABLE, decision

log = logging.getLogger(__name__)

MOST_AWAY = 50


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

    async def ask(place: str, most: int, *, is_back: bool = False) -> list[LetterRow]:
        name = "letters_page_back" if is_back else "letters_page"
        return await fetch_all(db, name, LetterRow, {**key, **place_params(place), "limit": most})

    total = int(await fetch_value(db, "letters_open_count", key))
    found = await by_place.page(ask, place_of, after=after, before=before)
    return LetterPage(found.rows, total, found.before, found.after)


def place_of(it: LetterRow | LetterPlace) -> str:
    """Where a refused edit stands among the others, as text."""
    return f"{it.received_ms}:{it.op_id}"


def place_params(text: str) -> dict[str, int | str]:
    """A place as a question's parameters; before all of them where it is none."""
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
    await _settle(db, club_id, [op_id], "retried", now_ms)
    key = (op.tbl, op.pk)
    before = await feed.lock_records(db, club_id, [key], letter.hub_id)
    record = before[key]
    anchors = await fetch_all(db, "anchors", AnchorRow, {"club_id": club_id, "hub_id": letter.hub_id})
    estimate = wall_estimate(anchors, op.boot_no, op.mono_ms)
    proposal = Proposal(estimate.wall_ms, op.after_ms)
    stamp_ms = stamp(proposal, server_ms=now_ms, hub_max_stamp=0, record=record)
    after = merge(record, op.fields, stamp_ms)
    await feed.write_records(db, club_id, [after])
    await refused_edits.carry_out(db, club_id, {key: after}, now_ms)
    await ingest.mark_changed(db, club_id, before, {key: after}, now_ms)
    entry = ingest.entry_of(ingest.made_of(letter.hub_id, op, stamp_ms, int(estimate.is_anchored)))
    named = replace(entry, op_id=str(uuid.uuid5(uuid.UUID(op_id), "retried")), resolves=op_id)
    await feed.append(db, club_id, [named])
    return None


async def discard(db: Connection, club_id: str, op_id: str, now_ms: int, by: str = "") -> None:
    """Put it away, at its hub too; it stays known and is not taken when it is sent again. Raises NotThere."""
    await _decide(db, club_id, [await _locked(db, club_id, op_id)], AWAY, now_ms, by)


async def take_out(db: Connection, club_id: str, op_id: str, now_ms: int, by: str = "") -> None:
    """It was not to be put away: it waits again, at its hub too. Raises NotThere."""
    await _decide(db, club_id, [await _locked(db, club_id, op_id, "discarded")], OPEN, now_ms, by)


async def decide_all(
    db: Connection, club_id: str, op_ids: Sequence[str], state: str, now_ms: int, by: str
) -> int:
    """`discard` (AWAY) or `take_out` (OPEN) these; how many still were what that needs."""
    found = await _all_locked(db, club_id, op_ids, "open" if state == AWAY else "discarded")
    await _decide(db, club_id, found, state, now_ms, by)
    return len(found)


async def _decide(
    db: Connection, club_id: str, found: Sequence[LetterRow], state: str, now_ms: int, by: str
) -> None:
    if found:
        op_ids = [it.op_id for it in found]
        await _settle(db, club_id, op_ids, refused_edits.STATES[state], now_ms)
        told = [Edit(TABLE, op_id, decision(state, by, ONLINE)) for op_id in op_ids]
        await edits.make(db, club_id, told, by, now_ms)


async def replay_deferred(database: Database, now_ms: int) -> int:
    """After an update: take in what was refused only because its table was not known; how many."""
    async with database.transaction() as db:
        letters = await fetch_all(db, "letters_deferred", DeferredRow, {})
    taken = 0

    async def take_in(it: DeferredRow, db: Connection) -> None:
        nonlocal taken
        taken += await retry(db, it.club_id, it.op_id, now_ms) is None

    await _each(database, letters, take_in)
    return taken


async def tell_hubs(database: Database, now_ms: int) -> int:
    """After an update: let the hubs hear of what was put away before they could be told; how many."""
    async with database.transaction() as db:
        letters = await fetch_all(db, "letters_untold", DeferredRow, {})

    async def tell(it: DeferredRow, db: Connection) -> None:
        await edits.make(db, it.club_id, [Edit(TABLE, it.op_id, decision(AWAY, "", ONLINE))], "", now_ms)

    await _each(database, letters, tell)
    return len(letters)


async def _each(
    database: Database,
    letters: Iterable[DeferredRow],
    work: Callable[[DeferredRow, Connection], Awaitable[None]],
) -> None:
    """Each in a transaction of its own: one that cannot be done stands in no other's way."""
    for it in letters:
        try:
            async with database.transaction() as db:
                await work(it, db)
        except NotThere:
            continue  # somebody was first
        except CloudError as error:
            if error.is_temporary:
                raise
            log.warning("refused edit %s of club %s: %s", it.op_id, it.club_id, error)
        except Exception:
            log.exception("refused edit %s of club %s cannot be brought up to date", it.op_id, it.club_id)


async def _locked(db: Connection, club_id: str, op_id: str, state: str = "open") -> LetterRow:
    """One of them as `_all_locked` gives it. Raises NotThere."""
    found = await _all_locked(db, club_id, [op_id], state)
    if not found:
        raise NotThere(f"refused operation {op_id}.", hint="It was retried or put away meanwhile.")
    return found[0]


async def _all_locked(db: Connection, club_id: str, op_ids: Sequence[str], state: str) -> list[LetterRow]:
    """Those in that state, behind their hubs' locks, which every batch of a hub takes first.

    So neither waits for the other; nor do two of these, as each takes hubs in the order of their names.
    """
    key = {"club_id": club_id, "op_ids": list(op_ids)}
    await fence.hold_erasures(db, club_id)
    for hub_id in await fetch_values(db, "letter_hubs", key):
        await fetch_one(db, "hub_lock", HubRow, {"club_id": club_id, "hub_id": hub_id})
    return await fetch_all(db, "letters_lock", LetterRow, {**key, "state": state})


async def _settle(db: Connection, club_id: str, op_ids: Sequence[str], state: str, now_ms: int) -> None:
    params = {"club_id": club_id, "op_ids": list(op_ids), "state": state, "now_ms": now_ms}
    await execute(db, "letters_settle", params)
