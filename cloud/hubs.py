"""Letting hubs in: enrolment by claim code, a session by signed nonce, the greeting that compares logs.

It takes in no data; that is ingest's. Keys are Ed25519, tokens and nonces are random and stored hashed.
"""

from __future__ import annotations

import base64
import binascii
import secrets
import uuid

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cloud import ingest
from cloud.accounts import sha256, use_claim_code
from cloud.clock import HELLO_SOURCE
from cloud.errors import BodyRefused, HubRefused, HubUnknown, SessionRequired
from cloud.store.database import Connection, execute, fetch_one, fetch_value
from cloud.store.rows import ClubClock, HubIdentity, HubRow
from sync import wire

NONCE_TTL_MS = 60_000
TOKEN_TTL_S = 3600
SIGNED_PREFIX = b"touchline-session:"
HELLO_ERR_MS = 2000
BATCH_BYTES = 1 << 20


async def enrol(db: Connection, request: wire.EnrolRequest, now_ms: int) -> wire.EnrolResponse:
    """Register a hub's key with the club of the claim code. Raises ClaimCodeRefused or BodyRefused."""
    pubkey = _decode(request.pubkey, 32, "pubkey")
    club = await use_claim_code(db, request.claim_code[:64], now_ms)
    hub = {"club_id": club.club_id, "hub_id": str(uuid.uuid4())}
    words = {"model": _word(request.model), "software": _word(request.sw)}
    await execute(db, "hub_directory_add", hub)
    await execute(db, "hub_add", {**hub, **words, "pubkey": pubkey, "now_ms": now_ms})
    return wire.EnrolResponse(
        hub_id=hub["hub_id"], club_id=club.club_id, club_name=club.name, server_ms=now_ms
    )


async def challenge(db: Connection, hub_id: str, now_ms: int) -> wire.ChallengeResponse:
    """A nonce to sign, good once and for 60 s. Raises HubUnknown."""
    hub = await _identity(db, hub_id)
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
    row = await _hub(db, hub)
    try:
        key = Ed25519PublicKey.from_public_bytes(row.pubkey)
        key.verify(_decode(request.sig, 64, "sig"), SIGNED_PREFIX + request.nonce.encode())
    except (InvalidSignature, BodyRefused) as error:
        raise HubRefused("The signature is not by this hub's key.") from error
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
    hub = await fetch_one(db, "token_hub", HubIdentity, params) if scheme.lower() == "bearer" else None
    if hub is None:
        raise SessionRequired()
    await execute(db, "hub_seen", {"club_id": hub.club_id, "hub_id": hub.hub_id, "now_ms": now_ms})
    return hub


async def hello(
    db: Connection, hub: HubIdentity, greeting: wire.HelloRequest, now_ms: int
) -> wire.HelloResponse:
    """Compare where both sides stand; a larger epoch starts the hub's log anew, epochs never go back."""
    if wire.PROTO not in greeting.proto:
        raise BodyRefused(
            f"This cloud speaks protocol {wire.PROTO} only.", hint="Update the hub or the cloud."
        )
    key = {"club_id": hub.club_id, "hub_id": hub.hub_id}
    if 0 < greeting.epoch < 2**62:
        await execute(db, "hub_new_epoch", {**key, "epoch": greeting.epoch})
    row = await _hub(db, hub)
    clock = await feed_clock(db, hub.club_id)
    if 0 <= greeting.cursor <= clock.seq:
        await execute(db, "hub_greeted", {**key, "cursor": greeting.cursor, "now_ms": now_ms})
    anchor = wire.Anchor(
        boot_no=greeting.boot_no,
        mono_ms=greeting.mono_ms,
        wall_ms=now_ms,
        err_ms=HELLO_ERR_MS,
        source=HELLO_SOURCE,
    )
    await ingest.add_anchors(db, hub, [anchor])
    return wire.HelloResponse(
        proto=wire.PROTO,
        server_ms=now_ms,
        last_seq=row.last_seq,
        last_chain=row.last_chain.hex(),
        epoch=row.epoch,
        feed_epoch=clock.feed_epoch,
        head=clock.seq,
        limits=wire.Limits(batch_bytes=BATCH_BYTES),
    )


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


async def _hub(db: Connection, hub: HubIdentity) -> HubRow:
    row = await fetch_one(db, "hub_get", HubRow, {"club_id": hub.club_id, "hub_id": hub.hub_id})
    if row is None:
        raise HubUnknown()
    return row


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
