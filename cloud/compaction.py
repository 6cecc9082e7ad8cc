"""Forgetting old feed entries that every hub has read; whoever comes later takes a snapshot instead.

Records are not touched, they are what snapshots are made of; the ids of operations are kept for ever, and so
are the last words of what people type, and athletes' names.
"""

from __future__ import annotations

from cloud import fence, former_names, last_words
from cloud.store.database import Connection, Database, execute, fetch_all, fetch_one, fetch_value
from cloud.store.rows import Club, ClubClock

DAY_MS = 86_400_000
KEPT_MS = 90 * DAY_MS
"""How long an entry stays in any case: what stood before, and who changed it, can be looked up so long."""
SILENT_MS = 180 * DAY_MS
"""A hub not heard for so long does not hold the feed back; it takes a snapshot when it returns."""
STEP = 5000


async def compact_all(database: Database, now_ms: int) -> int:
    """Compact every club's feed, a few thousand entries a transaction; how many entries went."""
    async with database.transaction() as db:
        clubs = await fetch_all(db, "clubs", Club, {})
    gone = 0
    for club in clubs:
        while True:
            async with database.transaction() as db:
                step = await compact(db, club.club_id, now_ms)
            gone += step
            if step < STEP:
                break
    return gone


async def compact(db: Connection, club_id: str, now_ms: int, *, kept_ms: int = KEPT_MS) -> int:
    """One step inside the caller's transaction; how many entries went, at most 5,000."""
    key = {"club_id": club_id}
    await fence.hold_erasures(db, club_id)  # or what is about to be erased would be kept as last words
    clock = await fetch_one(db, "clock_lock", ClubClock, key)
    assert clock is not None, "every club is made with its clock"
    read = await fetch_value(db, "feed_read_by_all", {**key, "silent_since_ms": now_ms - SILENT_MS})
    young = await fetch_value(db, "feed_first_young", {**key, "young_ms": now_ms - kept_ms})
    last = min(
        clock.seq if read is None else read, clock.seq if young is None else young - 1, clock.horizon + STEP
    )
    if last <= clock.horizon:
        return 0
    upto = {**key, "horizon": last}
    await last_words.keep(db, club_id, last)
    await former_names.keep(db, club_id, last)
    await execute(db, "feed_remember_ops", upto)
    await execute(db, "feed_forget", upto)
    await execute(db, "feed_horizon", upto)
    return int(last - clock.horizon)
