"""Whether a cloud's certificate is to be believed by a machine that may not know the date: judgement alone.

It opens no connection and keeps nothing. Names and chains are OpenSSL's to check, always; only where dates
are all that does not fit is this asked, and then the key decides: one seen at an earlier, fully checked
contact, one announced at such a contact, or the one whose mark stands in the claim code.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sync.claim import key_mark

MOST_PINS = 3
"""A certificate's key, the one before it, and one announced for later; or two that were announced."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What counts of a certificate: `pin` is base64 of the sha256 of its public key (SPKI, RFC 7469)."""

    pin: str
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class Time:
    """What this machine believes about the date.

    It is `now_ms`, epoch ms, by something better than an unset clock where it `is_known`. In any case it is
    not before `least_ms`: the product's release and the last time that was known are past.
    """

    now_ms: int
    is_known: bool
    least_ms: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """`why` is a sentence for the log and the sync page, empty where there is trust."""

    is_trusted: bool
    why: str = ""


def read(der: bytes) -> Certificate:
    """The certificate in DER. Raises ValueError for what is none."""
    found = x509.load_der_x509_certificate(der)
    return Certificate(
        pin_of(found.public_key()), _ms(found.not_valid_before_utc), _ms(found.not_valid_after_utc)
    )


def pin_of(key: PublicKeyTypes) -> str:
    """Base64 of the sha256 of a public key as certificates hold it (SPKI, RFC 7469)."""
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(spki).digest()).decode("ascii")


def is_pin(text: str) -> bool:
    """Whether this can be a pin at all."""
    try:
        return len(base64.b64decode(text, validate=True)) == hashlib.sha256().digest_size
    except ValueError:
        return False


def judge(certificate: Certificate, time: Time, pins: Sequence[str], mark: str = "") -> Judgement:
    """Whether a certificate that is right but for its dates may be believed.

    A known date decides alone. An unknown one lets the key decide, but never over a certificate that had
    ended before a time that is surely past. `mark` is the key's as a claim code names it, "" without one.
    """
    if time.is_known:
        if certificate.from_ms <= time.now_ms <= certificate.to_ms:
            return Judgement(True)
        span = f"{_day(certificate.from_ms)} to {_day(certificate.to_ms)}"
        return Judgement(False, f"the certificate is for {span}, and today is {_day(time.now_ms)}")
    if certificate.to_ms < time.least_ms:
        return Judgement(False, f"the certificate ended on {_day(certificate.to_ms)}")
    if certificate.pin in pins or is_marked(certificate, mark):
        return Judgement(True)
    unknown = f"this hub does not know the date ({_day(time.now_ms)}?)"
    if mark:
        return Judgement(False, f"{unknown}, and the claim code names another key")
    if not pins:
        return Judgement(False, f"{unknown} nor the cloud's key yet")
    return Judgement(False, f"{unknown}, and the key is another one")


def is_marked(certificate: Certificate, mark: str) -> bool:
    """Whether this is the key a claim code names."""
    return mark != "" and key_mark(certificate.pin) == mark


def with_announced(pins: Sequence[str], announced: Sequence[str]) -> tuple[str, ...]:
    """The pins after the cloud named its keys at a fully checked contact: the one seen, then those named.

    Keys it no longer names are forgotten; what can be no key is left out, and no name at all changes nothing.
    """
    seen = tuple(pins[:1])
    named = tuple(dict.fromkeys(pin for pin in announced if is_pin(pin) and pin not in seen))
    return (seen + named)[:MOST_PINS] if any(map(is_pin, announced)) else tuple(pins)


def with_pin(pins: Sequence[str], seen: str) -> tuple[str, ...]:
    """The pins after a fully checked contact: the key seen first, others behind it, the oldest forgotten."""
    return (seen, *(pin for pin in pins if pin != seen))[:MOST_PINS]


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d")
