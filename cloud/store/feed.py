"""Records, dead letters and the club's feed: rows are locked in one order, the club's counter last of all.

It decides nothing about what an entry means; whoever calls it holds the transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from cloud.store.database import Connection, execute, execute_many, fetch_all, fetch_value, fetch_values
from cloud.store.rows import RecordRow, RefusedOp

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """Something to append; `quality` 0 says that its time is only a lower bound."""

    op_id: str
    kind: str
    tbl: str
    pk: str
    fields: dict[str, Any]
    stamp_ms: int
    hub_id: str | None = None
    quality: int = 1
    reason: str | None = None
    resolves: str | None = None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An op that was refused, kept whole for whoever looks into it; `payload` is its JSON."""

    op_id: str
    hub_id: str
    payload: str
    code: str
    detail: str


async def known_ops(db: Connection, club_id: str, op_ids: Sequence[str]) -> set[str]:
    """Those of `op_ids` that were accepted or refused before."""
    return set(await fetch_values(db, "feed_known_ops", {"club_id": club_id, "op_ids": list(op_ids)}))


async def refused_ops(db: Connection, club_id: str, op_ids: Sequence[str]) -> dict[str, str]:
    """Those of `op_ids` that were refused before and still are, each with its code."""
    params = {"club_id": club_id, "op_ids": list(op_ids)}
    return {row.op_id: row.code for row in await fetch_all(db, "feed_refused_ops", RefusedOp, params)}


async def lock_records(
    db: Connection, club_id: str, keys: Iterable[Key], hub_id: str | None = None
) -> dict[Key, RecordRow]:
    """The records of these (table, pk), made by this hub if new, locked until the transaction ends."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    params = {"club_id": club_id, "tbls": [tbl for tbl, _ in wanted], "pks": [pk for _, pk in wanted]}
    await execute(db, "records_touch", {**params, "hub_id": hub_id})
    return {(row.tbl, row.pk): row for row in await fetch_all(db, "records_lock", RecordRow, params)}


async def write_records(db: Connection, club_id: str, records: Iterable[RecordRow]) -> None:
    """Store records locked before."""
    rows = [
        {"club_id": club_id, "tbl": r.tbl, "pk": r.pk, "doc": Jsonb(r.doc), "stamps": Jsonb(r.stamps)}
        for r in records
    ]
    await execute_many(db, "record_write", rows)


async def bury(db: Connection, club_id: str, letters: Iterable[DeadLetter], now_ms: int) -> None:
    """Keep refused ops."""
    rows = [
        {
            "club_id": club_id,
            "op_id": letter.op_id,
            "hub_id": letter.hub_id,
            "payload": letter.payload,
            "code": letter.code,
            "detail": letter.detail,
            "now_ms": now_ms,
        }
        for letter in letters
    ]
    await execute_many(db, "dead_letter_add", rows)


async def append(db: Connection, club_id: str, entries: Sequence[Entry]) -> int:
    """Give the entries their numbers; nothing may be locked after this in the same transaction.

    The last number given, 0 where there was nothing to append.
    """
    if not entries:
        return 0
    last = int(await fetch_value(db, "clock_advance", {"club_id": club_id, "n": len(entries)}))
    rows = [
        {
            "club_id": club_id,
            "seq": seq,
            "op_id": entry.op_id,
            "hub_id": entry.hub_id,
            "kind": entry.kind,
            "tbl": entry.tbl,
            "pk": entry.pk,
            "fields": Jsonb(entry.fields),
            "stamp_ms": entry.stamp_ms,
            "quality": entry.quality,
            "reason": entry.reason,
            "resolves": entry.resolves,
        }
        for seq, entry in enumerate(entries, start=last - len(entries) + 1)
    ]
    await execute_many(db, "feed_append", rows)
    return last
