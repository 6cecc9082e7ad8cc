"""Letting hubs in: enrolment by claim code, a session by signed nonce, keys that change, shutting out.

It takes in no data, that is ingest's, and compares no logs, that is greeting's. Keys are Ed25519, tokens and
nonces are random and stored hashed.
"""

from __future__ import annotations

import base64
import binascii
import secrets
import uuid

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cloud.accounts import sha256, use_claim_code
from cloud.bundle_keys import public_key
from cloud.errors import (
    BodyRefused,
    ClaimCodeRefused,
    HubRefused,
    HubRevoked,
    HubUnknown,
    NotThere,
    SessionRequired,
)
from cloud.fence import hold_erasures
from cloud.store.database import Connection, execute, fetch_one, fetch_value, send
from cloud.store.rows import ClubClock, HubIdentity, HubRow, TokenRow
from sync import wire
from sync.keys import verify_leave, verify_next_key

NONCE_TTL_MS = 60_000
TOKEN_TTL_S = 3600
SEEN_EVERY_MS = 10_000
SIGNED_PREFIX = b"touchline-session:"


async def enrol(db: Connection, request: wire.EnrolRequest, now_ms: int) -> wire.EnrolResponse:
    """Register a hub's key with the club of the claim code. Raises ClaimCodeRefused or BodyRefused.

    A hub whose answer was lost is told the same again. Nobody proves here that the key is theirs: what is
    told is no secret, and of no use without the key.
    """
    pubkey = _decode(request.pubkey, 32, "pubkey")
    await fetch_value(db, "hub_key_lock", {"pubkey": pubkey.hex()})
    club, is_spent = await use_claim_code(db, request.claim_code[:64], pubkey, now_ms)
    hub_id = await _never_answered(db, club.club_id, pubkey, request.leaves)
    if hub_id is None:
        if is_spent:
            raise ClaimCodeRefused()
        hub_id = await _add(db, club.club_id, pubkey, request, now_ms)
    bundle_key = await public_key(db, club.club_id, now_ms)
    return wire.EnrolResponse(
        hub_id=hub_id, club_id=club.club_id, club_name=club.name, server_ms=now_ms, bundle_key=bundle_key
    )


async def _never_answered(db: Connection, club_id: str, pubkey: bytes, leaves: str) -> str | None:
    """The hub with this key that was never heard of since it joined: it does not know its name yet.

    One that was heard is somebody: who has its key now is a copy and gets a name of its own, as does one that
    was shut out, or wants to leave that very name.
    """
    params = {"club_id": club_id, "pubkey": pubkey, "leaves": leaves[:100].replace("\0", "")}
    return await fetch_value(db, "hub_never_answered", params)  # type: ignore[no-any-return]


async def _add(db: Connection, club_id: str, pubkey: bytes, request: wire.EnrolRequest, now_ms: int) -> str:
    """A new hub's id."""
    hub = {"club_id": club_id, "hub_id": str(uuid.uuid4())}
    words = {"model": _word(request.model), "software": _word(request.sw)}
    await hold_erasures(db, club_id)  # one under way waits for the hubs there are, and not for a new one
    await _settle_copy(db, club_id, request)
    await execute(db, "hub_directory_add", hub)
    await execute(db, "hub_add", {**hub, **words, "pubkey": pubkey, "now_ms": now_ms})
    return hub["hub_id"]


async def _settle_copy(db: Connection, club_id: str, request: wire.EnrolRequest) -> None:
    """One of two machines with one card becomes a hub of its own: the other one is a single hub again."""
    if not request.leaves or len(request.leaves) > 100 or "\0" in request.leaves:
        return
    key = {"club_id": club_id, "hub_id": request.leaves}
    left = await fetch_one(db, "hub_get", HubRow, key)
    if left is None:
        return
    in_use = base64.b64encode(left.pubkey).decode()
    if verify_leave(in_use, request.pubkey, request.sig_old):
        await execute(db, "hub_copy_left", key)


async def challenge(db: Connection, hub_id: str, now_ms: int) -> wire.ChallengeResponse:
    """A nonce to sign, good once and for 60 s. Raises HubUnknown or HubRevoked."""
    hub = await _identity(db, hub_id)
    await known_hub(db, hub)
    nonce = secrets.token_urlsafe(32)
    params = {"nonce_sha256": sha256(nonce), "hub_id": hub.hub_id, "expires_ms": now_ms + NONCE_TTL_MS}
    await execute(db, "nonce_add", params)
    return wire.ChallengeResponse(nonce=nonce, server_ms=now_ms)


async def use_nonce(db: Connection, request: wire.SessionRequest, now_ms: int) -> bool:
    """Take the nonce out of use, whatever the signature is worth."""
    params = {
        "nonce_sha256": sha256(request.nonce),
        "hub_id": request.hub_id.replace("\0", ""),
        "now_ms": now_ms,
    }
    return await fetch_value(db, "nonce_use", params) is not None


async def open_session(db: Connection, request: wire.SessionRequest, now_ms: int) -> wire.SessionResponse:
    """A token for a hub that signed its nonce (already taken out of use). Raises HubRefused."""
    hub = await _identity(db, request.hub_id)
    row = await known_hub(db, hub)
    key = {"club_id": hub.club_id, "hub_id": hub.hub_id}
    if not _has_signed(row.pubkey, request):
        if row.pubkey_next is None or not _has_signed(row.pubkey_next, request):
            raise HubRefused("The signature is not by this hub's key.")
        await execute(db, "hub_tokens_end", key)
        await execute(db, "hub_key_rotated", key)
    token = secrets.token_urlsafe(32)
    expires_ms = now_ms + TOKEN_TTL_S * 1000
    params = {
        "token_sha256": sha256(token),
        "hub_id": hub.hub_id,
        "club_id": hub.club_id,
        "expires_ms": expires_ms,
    }
    await execute(db, "token_add", params)
    return wire.SessionResponse(token=token, ttl_s=TOKEN_TTL_S)


async def hub_of_token(db: Connection, authorization: str, now_ms: int) -> HubIdentity:
    """The hub behind an Authorization header, seen now. Raises SessionRequired."""
    scheme, _, token = authorization.partition(" ")
    params = {"token_sha256": sha256(token.strip()), "now_ms": now_ms}
    known = await fetch_one(db, "token_hub", TokenRow, params) if scheme.lower() == "bearer" else None
    if known is None:
        raise SessionRequired()
    if known.seen_ms < now_ms - SEEN_EVERY_MS:  # a hub that is busy sending was seen a moment ago
        await send(db, "hub_seen", {"club_id": known.club_id, "hub_id": known.hub_id, "now_ms": now_ms})
    return HubIdentity(known.club_id, known.hub_id)


async def rotate(
    db: Connection, hub: HubIdentity, request: wire.RotateRequest, now_ms: int
) -> wire.RotateResponse:
    """Remember the next key; the one in use is good until the next is first used. Raises HubRefused."""
    pubkey_next = _decode(request.pubkey_next, 32, "pubkey_next")
    row = await known_hub(db, hub)
    in_use = base64.b64encode(row.pubkey).decode()
    if not verify_next_key(in_use, request.pubkey_next, request.sig_old):
        raise HubRefused("The next key is not signed by this hub's key.")
    key = {"club_id": hub.club_id, "hub_id": hub.hub_id}
    await execute(db, "hub_next_key", {**key, "pubkey_next": pubkey_next})
    return wire.RotateResponse(server_ms=now_ms)


async def revoke(db: Connection, club_id: str, hub_id: str, now_ms: int) -> None:
    """Shut a hub out at once; what it sent stays. Raises NotThere for a hub the club does not have."""
    key = {"club_id": club_id, "hub_id": hub_id}
    if not await execute(db, "hub_revoke", {**key, "now_ms": now_ms}):
        raise NotThere(f"the club has no hub {hub_id}, or it is shut out already.")
    await execute(db, "hub_tokens_end", key)
    await execute(db, "hub_nonces_end", key)


async def feed_clock(db: Connection, club_id: str) -> ClubClock:
    """The head of the club's feed."""
    clock = await fetch_one(db, "clock", ClubClock, {"club_id": club_id})
    assert clock is not None, "every club is made with its clock"
    return clock


async def _identity(db: Connection, hub_id: str) -> HubIdentity:
    hub = await fetch_one(db, "hub_identity", HubIdentity, {"hub_id": hub_id.replace("\0", "")})
    if hub is None:
        raise HubUnknown()
    return hub


async def known_hub(db: Connection, hub: HubIdentity) -> HubRow:
    """The hub's row. Raises HubUnknown or HubRevoked."""
    row = await fetch_one(db, "hub_get", HubRow, {"club_id": hub.club_id, "hub_id": hub.hub_id})
    if row is None:
        raise HubUnknown()
    if row.revoked_ms is not None:
        raise HubRevoked()
    return row


def _has_signed(pubkey: bytes, request: wire.SessionRequest) -> bool:
    try:
        key = Ed25519PublicKey.from_public_bytes(pubkey)
        key.verify(_decode(request.sig, 64, "sig"), SIGNED_PREFIX + request.nonce.encode())
    except (InvalidSignature, BodyRefused):
        return False
    return True


def _decode(text: str, length: int, what: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BodyRefused(f"{what} is not base64.") from error
    if len(raw) != length:
        raise BodyRefused(f"{what} does not have {length} bytes.")
    return raw


def _word(text: str) -> str:
    return text[:100].replace("\0", "")
