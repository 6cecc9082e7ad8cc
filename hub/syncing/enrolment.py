"""How a hub joins a club: its key is made here and never leaves, the claim code is used once.

A key that is to follow lies beside the one in use until the cloud has taken it; either may be the right one.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from sqlite3 import Connection

from hub.errors import ActionRefused
from hub.store import meta, oplog, segments
from hub.store.database import Database
from hub.syncing.cloud_line import CloudLine
from sync import claim
from sync.client import NO_ADDRESS
from sync.client import enrol as ask_cloud
from sync.errors import CloudRefused, CloudUnreachable, NotTheCloud, SyncError
from sync.files import put_in_place
from sync.keys import new_key

NEXT = ".next"
CODE_REFUSED = "The cloud does not take this claim code: it is mistyped, was used already, or is too old."
NEW_CODE = "Compare it with the cloud's page Hubs, or make a new one there and type that; each works once."
NO_WAY = (
    "Check the address, and that this hub has a network, then join again: it does not try again by itself."
    " Nothing recorded here is lost."
)
LATER = "Join again in a few minutes; the claim code is still good. Nothing recorded here is lost."
DATELESS = (
    "Check the cloud's address. While this hub does not know the date, type the longer claim code, which"
    " names the cloud's key, or let the hub get the time from a network first."
)


def load_key(path: Path) -> bytes:
    """The hub's private Ed25519 seed, made on first use and readable only by its owner."""
    if path.exists():
        return path.read_bytes()
    return _write_key(path)


def load_next_key(path: Path) -> bytes | None:
    """A key that is to follow the one in use, if one was prepared."""
    coming = path.with_suffix(NEXT)
    return coming.read_bytes() if coming.exists() else None


def prepare_next_key(path: Path) -> bytes:
    """The key that is to follow, made and safe on the disk before anybody hears of it."""
    return load_next_key(path) or _write_key(path.with_suffix(NEXT))


def adopt_next_key(path: Path) -> None:
    """The cloud has taken the key that was to follow: it is the one in use."""
    with suppress(FileNotFoundError):
        put_in_place(path.with_suffix(NEXT), path)


def _write_key(path: Path) -> bytes:
    seed = new_key()
    draft = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(seed)
        file.flush()
        os.fsync(file.fileno())
    put_in_place(draft, path)
    return seed


async def enrol(
    database: Database,
    key_path: Path,
    cloud_url: str,
    claim_code: str,
    version: str,
    line: CloudLine | None = None,
) -> str:
    """Enrol with a claim code; returns the club's name. Raises ActionRefused with the cloud's own hint.

    `line` remembers the key of the cloud's certificate, by which the cloud is known again before the date is;
    at this first contact the claim code may name it.
    """
    known = await database.read(lambda db: meta.value(db, "club_name"))
    if known is not None:
        raise ActionRefused(
            f"This hub already belongs to {known}.", hint="Revoke it in the cloud first, then start afresh."
        )
    seed = load_key(key_path)
    secret, mark = _parted(claim_code)
    try:
        answer = await ask_cloud(
            cloud_url, seed, secret, model="touchline", sw=version,
            transport=None if line is None else line.transport(cloud_url, mark),
        )  # fmt: skip
    except SyncError as error:
        raise _not_taken(error, cloud_url, line) from error

    def change(db: Connection) -> None:
        meta.put(db, "hub_id", answer.hub_id)
        meta.put(db, "club_id", answer.club_id)
        meta.put(db, "club_name", answer.club_name)
        meta.put(db, "cloud_url", cloud_url)
        meta.put(db, "bundle_key", answer.bundle_key or None)

    await database.write(change)
    if line is not None:
        line.announced(answer.spki_pins)
        await line.keep()
    return answer.club_name


async def rejoin(
    database: Database, key_path: Path, claim_code: str, version: str, line: CloudLine | None = None
) -> str:
    """Become a hub of its own, under a new name and key, with everything recorded; the club's name.

    For a copied card, and for a hub that was shut out. What the cloud has already it recognises.
    Raises ActionRefused.
    """
    names = ("cloud_url", "club_id", "hub_id")
    cloud_url, club_id, hub_id = await database.read(lambda db: [meta.value(db, it) for it in names])
    if cloud_url is None or club_id is None:
        raise ActionRefused("This hub belongs to no club yet.", hint="Enrol it on the sync page.")
    secret, mark = _parted(claim_code)
    seed = prepare_next_key(key_path)
    leaves = None if hub_id is None else (hub_id, load_key(key_path))
    try:
        answer = await ask_cloud(
            cloud_url, seed, secret, model="touchline", sw=version, leaves=leaves,
            transport=None if line is None else line.transport(cloud_url, mark),
        )  # fmt: skip
    except SyncError as error:
        raise _not_taken(error, cloud_url, line) from error
    if answer.club_id != club_id:
        raise ActionRefused(
            f"This claim code is of {answer.club_name}, another club.", hint="Make one for this hub's club."
        )

    def change(db: Connection) -> None:
        meta.put(db, "hub_id", answer.hub_id)
        meta.put(db, "bundle_key", answer.bundle_key or None)
        oplog.fork(db, 1, answer.server_ms)
        segments.doubt_stored(db)

    await database.write(change)
    adopt_next_key(key_path)
    if line is not None:
        line.announced(answer.spki_pins)
        await line.keep()
    return answer.club_name


def _parted(claim_code: str) -> tuple[str, str]:
    """The secret and the key's mark in a claim code as it was typed. Raises ActionRefused."""
    try:
        return claim.parted(claim_code)
    except ValueError as error:
        raise ActionRefused(
            f"This claim code has {error}.", hint="Type it again as the cloud's page shows it."
        ) from error


def _not_taken(error: SyncError, cloud_url: str, line: CloudLine | None) -> ActionRefused:
    """The cloud's refusal in words, with what to do next on a tablet: joining is not tried again."""
    if isinstance(error, CloudRefused) and error.err == NO_ADDRESS:
        return ActionRefused(f"{cloud_url[:80]} is no address of a cloud.", hint=error.hint)
    if isinstance(error, CloudRefused) and error.err == "claim_code":
        return ActionRefused(CODE_REFUSED, hint=NEW_CODE)
    if isinstance(error, CloudUnreachable) and error.status is None:
        return ActionRefused(f"Nothing answers at {cloud_url} ({error.detail.rstrip('.')}).", hint=NO_WAY)
    if isinstance(error, CloudUnreachable):
        return ActionRefused(f"The cloud at {cloud_url} is busy or being mended.", hint=LATER)
    is_dateless = line is not None and not line.time().is_known and cloud_url.lower().startswith("https:")
    hint = DATELESS if is_dateless and isinstance(error, NotTheCloud) else error.hint
    return ActionRefused(f"The cloud did not take this hub: {error}", hint=hint)
