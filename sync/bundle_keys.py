"""The keys of the sneakernet: what each side seals with and signs with, derived from the one secret it keeps.

It stores nothing and knows no file. X25519 (RFC 7748) agrees on a key, HKDF-SHA256 (RFC 5869) stretches it,
Ed25519 (RFC 8032) signs; all three are the kept library's.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_SIGNED = b"touchline-bundle:"
_CHUNKS = b"touchline-bundle-chunks"


@dataclass(frozen=True, slots=True)
class CloudKey:
    """What a hub knows of its club's cloud: a key to seal for it (X25519), one to check it by (Ed25519)."""

    exchange: bytes
    signing: bytes

    @classmethod
    def from_wire(cls, text: str) -> CloudKey | None:
        """From the greeting's base64 of both, 64 bytes; None for anything else."""
        try:
            raw = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return None
        return cls(raw[:32], raw[32:]) if len(raw) == 64 else None


def cloud_key_b64(seed: bytes) -> str:
    """A club's public keys as they travel, from the cloud's 32 secret bytes for that club."""
    signing = Ed25519PrivateKey.from_private_bytes(signing_seed(seed)).public_key().public_bytes_raw()
    return base64.b64encode(public_of(receiving_key(seed)) + signing).decode("ascii")


def signing_seed(seed: bytes) -> bytes:
    """The Ed25519 seed with which the cloud signs its answers."""
    return _derived(seed, b"touchline-bundle-sign", b"")


def receiving_key(seed: bytes) -> X25519PrivateKey:
    """The key that opens what was sealed for the holder of `seed`."""
    return X25519PrivateKey.from_private_bytes(_derived(seed, b"touchline-bundle-receive", b""))


def one_time_key(seed: bytes, bundle_id: bytes) -> X25519PrivateKey:
    """The key one bundle is sealed with; whoever holds `seed` finds it again and can go on with it."""
    return X25519PrivateKey.from_private_bytes(_derived(seed, b"touchline-bundle-once", bundle_id))


def public_of(key: X25519PrivateKey) -> bytes:
    """The 32 public bytes of a private key."""
    return key.public_key().public_bytes_raw()


def fingerprint(public: bytes) -> str:
    """A short name of a public key: 16 hex digits of its sha256."""
    return hashlib.sha256(public).hexdigest()[:16]


def chunk_key(own: X25519PrivateKey, theirs: bytes, head: bytes) -> bytes:
    """The 32 bytes that seal the chunks under this head. Raises ValueError for a key of no use."""
    shared = own.exchange(X25519PublicKey.from_public_bytes(theirs))
    return HKDF(SHA256(), 32, hashlib.sha256(head).digest(), _CHUNKS).derive(shared)


def sign_head(seed: bytes, head: bytes) -> bytes:
    """The 64 bytes that say who wrote a head."""
    return Ed25519PrivateKey.from_private_bytes(seed).sign(_SIGNED + head)


def is_signed(public: bytes, head: bytes, signature: bytes) -> bool:
    """Whether `signature` over the head was made with this Ed25519 key."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, _SIGNED + head)
    except (ValueError, InvalidSignature):
        return False
    return True


def signing_public(seed: bytes) -> bytes:
    """The 32 public bytes of an Ed25519 seed."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def _derived(seed: bytes, purpose: bytes, salt: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt or None, purpose).derive(seed)
