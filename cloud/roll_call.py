"""The club's hubs as each of them may know: who there is, when it was last heard, who carried erasures out.

No names of athletes and no keys go out with it.
"""

from __future__ import annotations

from cloud.erasure import receipts
from cloud.store.database import Connection, fetch_all
from cloud.store.rows import HubIdentity, HubStatus
from sync import wire


async def club(db: Connection, hub: HubIdentity, now_ms: int) -> wire.ClubResponse:
    """What to tell one of the club's hubs."""
    rows = await fetch_all(db, "hub_statuses", HubStatus, {"club_id": hub.club_id})
    confirmed = await receipts(db, hub.club_id)
    return wire.ClubResponse(
        server_ms=now_ms,
        hubs=[
            wire.ClubHub(
                hub_id=row.hub_id, model=row.model, sw=row.software, enrolled_ms=row.enrolled_ms,
                seen_ms=row.seen_ms, is_revoked=row.revoked_ms is not None, ops=row.ops_accepted,
                segments=row.segments,
            )
            for row in rows
        ],
        erasures=[
            wire.ErasureReceipt(
                erased_ms=one.erased.erased_ms,
                done=[it.hub_id for it in one.hubs if it.is_done],
                waiting=[it.hub_id for it in one.hubs if not it.is_done],
            )
            for one in confirmed
        ],
    )  # fmt: skip
