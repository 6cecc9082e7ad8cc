"""The secret each club's cloud seals and signs bundles with: made when first asked for, kept in the database.

Restoring a backup restores it, so that hubs go on trusting it. It derives nothing itself.
"""

from __future__ import annotations

import secrets

from cloud.store.database import Connection, execute, fetch_value
from sync.bundle_keys import cloud_key_b64


async def secret(db: Connection, club_id: str, now_ms: int) -> bytes:
    """The club's 32 secret bytes."""
    known = await fetch_value(db, "bundle_key", {"club_id": club_id})
    if known is None:
        new = {"club_id": club_id, "seed": secrets.token_bytes(32), "now_ms": now_ms}
        await execute(db, "bundle_key_add", new)
        known = await fetch_value(db, "bundle_key", {"club_id": club_id})
    return bytes(known)


async def public_key(db: Connection, club_id: str, now_ms: int) -> str:
    """What hubs are told of it, base64."""
    return cloud_key_b64(await secret(db, club_id, now_ms))
