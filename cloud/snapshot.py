"""A club's records as they are now, for a hub the feed no longer reaches: pages, each its own question.

Nothing is kept between pages. A record changed while they travel comes again through the feed, behind the
first page's `at_seq`.
"""

from __future__ import annotations

import msgspec

from cloud.hubs import feed_clock, known_hub
from cloud.store.database import Connection, execute, fetch_all, fetch_values
from cloud.store.rows import ErasedRow, HubIdentity, OwnedRow
from sync import wire

PAGE_ROWS = 2000


async def snapshot_page(
    db: Connection, hub: HubIdentity, after_tbl: str, after_pk: str, byte_limit: int
) -> wire.SnapshotPage:
    """The page behind a record, the first behind ("", ""); as many records as fit, but always one."""
    key = {"club_id": hub.club_id, "hub_id": hub.hub_id}
    is_first = (after_tbl, after_pk) == ("", "")
    row = await known_hub(db, hub)  # before the clock: what the log holds by now is in the feed by then
    clock = await feed_clock(db, hub.club_id)
    question = {**key, "after_tbl": after_tbl, "after_pk": after_pk, "limit": PAGE_ROWS + 1}
    found = await fetch_all(db, "snapshot_page", OwnedRow, question)
    rows: list[wire.SnapshotRow] = []
    used = 0
    for one in found[:PAGE_ROWS]:
        shown = msgspec.convert(one, wire.SnapshotRow, from_attributes=True)
        used += len(msgspec.json.encode(shown)) + 1
        if rows and used > byte_limit:
            break
        rows.append(shown)
    has_more = len(rows) < len(found)
    if is_first:
        await execute(db, "hub_pulled", {**key, "cursor": clock.seq})
    erased = await fetch_all(db, "erasures", ErasedRow, key) if is_first else []
    return wire.SnapshotPage(
        feed_epoch=clock.feed_epoch,
        at_seq=clock.seq,
        epoch=row.epoch,
        last_seq=row.last_seq,
        last_chain=row.last_chain.hex(),
        rows=[it for it in rows if it.doc],
        next_tbl=rows[-1].tbl if has_more else None,
        next_pk=rows[-1].pk if has_more else None,
        rejected=await fetch_values(db, "snapshot_rejected", key) if is_first else [],
        erased=[wire.Erased(subject_id=it.subject_id, seq=it.seq) for it in erased],
    )
