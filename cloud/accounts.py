"""Who may sign in and how hubs get in: coaches' passwords and sign-ins, claim codes for hubs.

It renders nothing. Secrets are stored as hashes only and shown once, when they are made.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import uuid
from dataclasses import dataclass

import argon2

from cloud.errors import ClaimCodeRefused, CoachElsewhere, PasswordTooShort, SettingInvalid
from cloud.store.database import Connection, execute, fetch_one
from cloud.store.rows import ClaimCode, Club, Coach
from sync import claim

CODE_ALPHABET = claim.ALPHABET
CODE_TTL_MS = 24 * 3600 * 1000
SIGN_IN_TTL_MS = 12 * 3600 * 1000
PASSWORD_MIN = 12

HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
DECOY = HASHER.hash("no coach has this password")
"""Verified when the address is unknown, so that an answer takes as long either way."""


@dataclass(frozen=True, slots=True)
class NewCoach:
    """What to tell whoever enrols a coach; `password` None when the account was there before."""

    email: str
    password: str | None


def sha256(secret: str) -> bytes:
    """How random secrets are stored."""
    return hashlib.sha256(secret.encode()).digest()


def make_code() -> str:
    """A fresh claim code."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(claim.LENGTH))


def make_password() -> str:
    """Four groups of five letters and digits that are hard to mistake, about 99 bits."""
    alphabet = CODE_ALPHABET.lower()
    return "-".join("".join(secrets.choice(alphabet) for _ in range(5)) for _ in range(4))


async def ensure_club(db: Connection, name: str, now_ms: int) -> Club:
    """The club of that name, made if missing; names are compared without case."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= 100:
        raise SettingInvalid("The club's name is empty or longer than 100 characters.")
    club = await fetch_one(db, "club_by_name", Club, {"name": name})
    if club is None:
        await execute(db, "club_add", {"club_id": str(uuid.uuid4()), "name": name, "now_ms": now_ms})
        club = await fetch_one(db, "club_by_name", Club, {"name": name})
        assert club is not None
    await execute(db, "club_clock_add", {"club_id": club.club_id})
    return club


async def ensure_coach(db: Connection, club: Club, email: str, password: str | None, now_ms: int) -> NewCoach:
    """The coach's account, made if missing with `password` or a fresh one; an existing password stays."""
    email = normal_email(email)
    if "@" not in email or len(email) > 200:
        raise SettingInvalid(f"{email!r} is not an e-mail address.")
    coach = await fetch_one(db, "coach_by_email", Coach, {"email": email})
    if coach is not None:
        if coach.club_id != club.club_id:
            raise CoachElsewhere(f"({email})")
        return NewCoach(email, None)
    if password is not None and len(password) < PASSWORD_MIN:
        raise PasswordTooShort()
    password = password or make_password()
    password_hash = await asyncio.to_thread(HASHER.hash, password)
    params = {"email": email, "club_id": club.club_id, "password_hash": password_hash, "now_ms": now_ms}
    return NewCoach(email, password if await execute(db, "coach_add", params) else None)


async def new_claim_code(db: Connection, club: Club, now_ms: int) -> str:
    """A single-use code with which one hub may join the club within 24 h."""
    code = make_code()
    params = {"code_sha256": sha256(code), "club_id": club.club_id, "expires_ms": now_ms + CODE_TTL_MS}
    await execute(db, "claim_code_add", params)
    return code


async def use_claim_code(db: Connection, code: str, pubkey: bytes, now_ms: int) -> tuple[Club, bool]:
    """The club a code opens, with the mark of a key behind it or without, and whether it was spent before.

    It opens it to one hub's key only; to that one again until it expires. Raises ClaimCodeRefused.
    """
    try:
        secret = claim.parted(code)[0]
    except ValueError:
        raise ClaimCodeRefused() from None
    key = {"code_sha256": sha256(secret)}
    known = await fetch_one(db, "claim_code_lock", ClaimCode, {**key, "now_ms": now_ms})
    if known is None or known.used_by not in (None, pubkey):
        raise ClaimCodeRefused()
    await execute(db, "claim_code_use", {**key, "pubkey": pubkey})
    club = await fetch_one(db, "club_by_id", Club, {"club_id": known.club_id})
    assert club is not None, "a code is some club's"
    return club, known.used_by is not None


def normal_email(text: str) -> str:
    """Addresses are compared without case."""
    return text.strip().lower()


async def is_password_right(coach: Coach | None, password: str) -> bool:
    """Whether the password is the coach's; takes as long when there is no such coach."""
    password_hash = coach.password_hash if coach else DECOY
    try:
        is_right = await asyncio.to_thread(HASHER.verify, password_hash, password[:1000])
    except argon2.exceptions.VerificationError:
        return False
    return is_right and coach is not None


async def open_sign_in(db: Connection, coach: Coach, now_ms: int) -> str:
    """A fresh token for the coach's browser, stored hashed."""
    token = secrets.token_urlsafe(32)
    params = {"token_sha256": sha256(token), "email": coach.email, "now_ms": now_ms}
    await execute(db, "sign_in_add", {**params, "expires_ms": now_ms + SIGN_IN_TTL_MS})
    return token


async def signed_in(db: Connection, token: str, now_ms: int) -> Coach | None:
    """Whose token this is, if it is still good."""
    return await fetch_one(db, "sign_in_coach", Coach, {"token_sha256": sha256(token), "now_ms": now_ms})


async def close_sign_in(db: Connection, token: str) -> None:
    """Forget a token."""
    await execute(db, "sign_in_end", {"token_sha256": sha256(token)})


async def find_coach(db: Connection, email: str) -> Coach | None:
    """The coach with this address."""
    return await fetch_one(db, "coach_by_email", Coach, {"email": normal_email(email)})


async def remove_expired(db: Connection, now_ms: int) -> None:
    """Sweep out what can no longer be used."""
    for name in ("expired_sign_ins", "expired_codes", "expired_nonces", "expired_tokens"):
        await execute(db, f"{name}_remove", {"now_ms": now_ms})
