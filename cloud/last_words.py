"""What outlives the feed of an edit: each author's last word of each field that people type.

An edit may come half a year late, from a hub that was silent so long, and must still find whose value it
met. It keeps no history: what an author replaced, and what machines write, goes with the feed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cloud.store.database import Connection, execute_many, fetch_all
from cloud.store.rows import RivalRow
from sync.two_edits import WATCHED


async def keep(db: Connection, club_id: str, horizon: int) -> None:
    """Keep the last words among the entries up to `horizon`, which are about to go."""
    key = {"club_id": club_id, "horizon": horizon, "tbls": sorted(WATCHED)}
    last: dict[tuple[str, str, str, str], RivalRow] = {}
    for row in await fetch_all(db, "last_words_leaving", RivalRow, key):
        for field in row.fields.keys() & WATCHED[row.tbl]:
            last[row.tbl, row.pk, field, row.hub_id or ""] = row
    if last:
        await execute_many(db, "last_word_keep", [_kept(club_id, *it) for it in last.items()])


async def rivals(db: Connection, params: Mapping[str, Any]) -> list[RivalRow]:
    """Edits that others may not know of, in the feed and before it, oldest first; one row may tell of a
    single field. `params` are those of `feed_rivals`."""
    before = await fetch_all(db, "last_words", RivalRow, params)
    return [*before, *await fetch_all(db, "feed_rivals", RivalRow, params)]


def _kept(club_id: str, key: tuple[str, str, str, str], row: RivalRow) -> dict[str, Any]:
    tbl, pk, field, author_hub = key
    return {
        "club_id": club_id, "tbl": tbl, "pk": pk, "field": field, "author_hub": author_hub, "seq": row.seq,
        "op_id": row.op_id, "hub_id": row.hub_id, "fields": json.dumps({field: row.fields[field]}),
        "stamp_ms": row.stamp_ms, "quality": row.quality, "actor": row.actor, "after_seq": row.after_seq,
    }  # fmt: skip
