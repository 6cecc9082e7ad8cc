"""What the cloud has, proved by digests a hub can compare with its own.

All of the club's records, and of segments those of streams the asking hub began.
"""

from __future__ import annotations

import asyncio

from cloud.hubs import feed_clock
from cloud.store.database import Connection, execute, fetch_all
from cloud.store.rows import DocRow, HeldSegment, HubIdentity
from sync import wire
from sync.proof import Held, Key, Record, bucket_digest, buckets


async def digest(db: Connection, hub: HubIdentity) -> wire.DigestResponse:
    """Every bucket with its digest, as of the feed's head."""
    head, found = await _buckets(db, hub)
    shown = [
        wire.Bucket(
            day=day, squad=squad, records=sum(it.tbl != "segment" for it in held),
            segments=sum(it.tbl == "segment" for it in held), sha256=bucket_digest(held),
        )
        for (day, squad), held in found.items()
    ]  # fmt: skip
    return wire.DigestResponse(head=head, buckets=shown)


async def leaves(db: Connection, hub: HubIdentity, day: str, squad: str) -> wire.LeavesResponse:
    """What lies in one bucket."""
    head, found = await _buckets(db, hub)
    held = found.get((day, squad), [])
    return wire.LeavesResponse(
        head=head, leaves=[wire.Leaf(tbl=it.tbl, pk=it.pk, sha256=it.sha256) for it in held]
    )


async def keep_finding(db: Connection, hub: HubIdentity, found: wire.VerifiedRequest, now_ms: int) -> None:
    """Remember what a hub says it found when it compared."""
    counts = {
        name: min(max(getattr(found, name), 0), 2**62)
        for name in ("records", "segments", "waiting", "differences")
    }
    key = {"club_id": hub.club_id, "hub_id": hub.hub_id}
    await execute(db, "hub_verified", {**key, **counts, "now_ms": now_ms})


async def _buckets(db: Connection, hub: HubIdentity) -> tuple[int, dict[Key, list[Held]]]:
    key = {"club_id": hub.club_id, "hub_id": hub.hub_id}
    clock = await feed_clock(db, hub.club_id)
    rows = await fetch_all(db, "proof_records", DocRow, key)
    segments = await fetch_all(db, "proof_segments", HeldSegment, key)
    records = [Record(row.tbl, row.pk, row.doc) for row in rows]
    found = await asyncio.to_thread(buckets, records, [(it.seg_id, it.stream_id) for it in segments])
    return clock.seq, found
