"""A hub proves who it is by signing a number the cloud just made up; Ed25519, no clock involved.

It stores nothing: where the seed lies and who may read it is the caller's business.
"""

from __future__ import annotations

import base64
import binascii

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_PURPOSE = b"touchline-session:"
_NEXT_KEY = b"touchline-rotate:"
_LEAVE = b"touchline-leave:"


def new_key() -> bytes:
    """A fresh private seed, 32 raw bytes."""
    return Ed25519PrivateKey.generate().private_bytes_raw()


def public_key_b64(seed: bytes) -> str:
    """The raw public key that belongs to a seed, base64."""
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    return base64.b64encode(public.public_bytes_raw()).decode("ascii")


def sign_nonce(seed: bytes, nonce: str) -> str:
    """Base64 signature of the purpose and the nonce; raises ValueError for a nonce that is not ASCII."""
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(_PURPOSE + nonce.encode("ascii"))
    return base64.b64encode(signature).decode("ascii")


def sign_next_key(seed: bytes, pubkey_next_b64: str) -> str:
    """Base64 signature by the key in use over the one to come after it."""
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(_NEXT_KEY + pubkey_next_b64.encode("ascii"))
    return base64.b64encode(signature).decode("ascii")


def verify_next_key(pubkey_b64: str, pubkey_next_b64: str, sig_b64: str) -> bool:
    """True when `sig_b64` was made with the key in use over the one to come; malformed input is not true."""
    return _is_signed(pubkey_b64, _NEXT_KEY, pubkey_next_b64, sig_b64)


def sign_leave(seed: bytes, pubkey_new_b64: str) -> str:
    """Base64 signature by a hub's key over the one under which this machine is another hub from now on."""
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(_LEAVE + pubkey_new_b64.encode("ascii"))
    return base64.b64encode(signature).decode("ascii")


def verify_leave(pubkey_b64: str, pubkey_new_b64: str, sig_b64: str) -> bool:
    """True when `sig_b64` was made by the hub that is left; malformed input is not true."""
    return _is_signed(pubkey_b64, _LEAVE, pubkey_new_b64, sig_b64)


def verify_nonce(pubkey_b64: str, nonce: str, sig_b64: str) -> bool:
    """True when `sig_b64` was made over `nonce` with the key; malformed input is simply not true."""
    return _is_signed(pubkey_b64, _PURPOSE, nonce, sig_b64)


def _is_signed(pubkey_b64: str, purpose: bytes, text: str, sig_b64: str) -> bool:
    try:
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(pubkey_b64, validate=True))
        public.verify(base64.b64decode(sig_b64, validate=True), purpose + text.encode("ascii"))
    except (ValueError, binascii.Error, InvalidSignature):
        return False
    return True
