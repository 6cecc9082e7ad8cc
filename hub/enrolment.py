"""How a hub joins a club: its key is made here and never leaves, the claim code is used once."""

from __future__ import annotations

import os
from pathlib import Path
from sqlite3 import Connection

from hub.errors import ActionRefused
from hub.store import meta
from hub.store.database import Database
from sync.client import enrol as ask_cloud
from sync.errors import SyncError
from sync.keys import new_key


def load_key(path: Path) -> bytes:
    """The hub's private Ed25519 seed, made on first use and readable only by its owner."""
    if path.exists():
        return path.read_bytes()
    seed = new_key()
    draft = path.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(seed)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return seed


async def enrol(database: Database, key_path: Path, cloud_url: str, claim_code: str, version: str) -> str:
    """Enrol with a claim code; returns the club's name. Raises ActionRefused with the cloud's own hint."""
    known = await database.read(lambda db: meta.value(db, "club_name"))
    if known is not None:
        raise ActionRefused(
            f"This hub already belongs to {known}.", hint="Revoke it in the cloud first, then start afresh."
        )
    seed = load_key(key_path)
    try:
        answer = await ask_cloud(cloud_url, seed, claim_code.strip().upper(), model="touchline", sw=version)
    except SyncError as error:
        raise ActionRefused(f"The cloud did not take this hub: {error}", hint=error.hint) from error

    def change(db: Connection) -> None:
        meta.put(db, "hub_id", answer.hub_id)
        meta.put(db, "club_id", answer.club_id)
        meta.put(db, "club_name", answer.club_name)
        meta.put(db, "cloud_url", cloud_url)

    await database.write(change)
    return answer.club_name
