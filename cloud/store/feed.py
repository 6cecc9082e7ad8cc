"""Records, dead letters and the club's feed: rows are locked in one order, the club's counter last of all.

It decides nothing about what an entry means; whoever calls it holds the transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from cloud.store.database import (
    Connection,
    ask,
    execute_many,
    fetch_all,
    fetch_value,
    send,
)
from cloud.store.rows import FactRow, RecordRow, RefusedOp

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
    actor: str | None = None
    after_seq: int | None = None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An op that was refused, kept whole for whoever looks into it; `payload` is its JSON."""

    op_id: str
    hub_id: str
    payload: str
    code: str
    detail: str


def known_ops(facts: Iterable[FactRow]) -> dict[str, int | None]:
    """Operations that were accepted or refused before, and their entries in the feed where those are kept."""
    known: dict[str, int | None] = {}
    for fact in facts:
        if fact.what == "op" and known.get(fact.key) is None:
            known[fact.key] = fact.seq
    return known


def erased_things(facts: Iterable[FactRow]) -> set[Key]:
    """People (under no table) and records that were erased."""
    return {(fact.tbl, fact.key) for fact in facts if fact.what == "erased"}


async def refused_ops(db: Connection, club_id: str, op_ids: Sequence[str]) -> dict[str, str]:
    """Those of `op_ids` that were refused before and still are, each with its code."""
    params = {"club_id": club_id, "op_ids": list(op_ids)}
    return {row.op_id: row.code for row in await fetch_all(db, "feed_refused_ops", RefusedOp, params)}


async def lock_records(
    db: Connection, club_id: str, keys: Iterable[Key], hub_id: str | None = None
) -> dict[Key, RecordRow]:
    """The records of these (table, pk), made by this hub if new, locked until the transaction ends."""
    wanted = sorted(set(keys))
    return by_key(await (await ask_records(db, club_id, wanted, hub_id)).fetchall()) if wanted else {}


async def ask_records(
    db: Connection, club_id: str, keys: Sequence[Key], hub_id: str | None
) -> psycopg.AsyncCursor[RecordRow]:
    """As `lock_records`, without waiting; `keys` in order."""
    params = {"club_id": club_id, "tbls": [tbl for tbl, _ in keys], "pks": [pk for _, pk in keys]}
    await send(db, "records_touch", {**params, "hub_id": hub_id})
    return await ask(db, "records_lock", RecordRow, params)


def by_key(rows: Iterable[RecordRow]) -> dict[Key, RecordRow]:
    """Records by their (table, pk)."""
    return {(row.tbl, row.pk): row for row in rows}


async def let_go(db: Connection, club_id: str, keys: Iterable[Key]) -> None:
    """Records locked before in vain: those that were made for it are gone again."""
    wanted = sorted(keys)
    if wanted:
        named = {"tbls": [tbl for tbl, _ in wanted], "pks": [pk for _, pk in wanted]}
        await send(db, "records_untouch", {"club_id": club_id, **named})


async def write_records(db: Connection, club_id: str, records: Iterable[RecordRow]) -> None:
    """Store records locked before."""
    rows = list(records)
    if rows:
        columns = {
            "tbls": [it.tbl for it in rows],
            "pks": [it.pk for it in rows],
            "docs": [json.dumps(it.doc) for it in rows],
            "stamps": [json.dumps(it.stamps) for it in rows],
        }
        await send(db, "records_write", {"club_id": club_id, **columns})


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
    await put(db, club_id, entries)
    return int(await fetch_value(db, "clock_seq", {"club_id": club_id}))


async def put(db: Connection, club_id: str, entries: Sequence[Entry]) -> None:
    """As `append`, without waiting to hear the numbers: so the counter is locked no longer than it must."""
    if entries:
        await send(db, "clock_advance", {"club_id": club_id, "n": len(entries)})
        rows = [{"place": place, **_row(it)} for place, it in enumerate(entries, 1)]
        await send(db, "feed_append", {"club_id": club_id, "n": len(rows), "entries": json.dumps(rows)})


def _row(it: Entry) -> dict[str, Any]:
    return {name: getattr(it, name) for name in Entry.__slots__}
