"""The `Content-Digest` header: sha-256 over the bytes as they travel, that is after gzip (RFC 9530).

It compares and makes header values; what to do about damage is the caller's decision.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

_SHA_256 = re.compile(r"(?:^|[,\s])sha-256=:([A-Za-z0-9+/=]+):")


def content_digest(body: bytes) -> str:
    """The header's value for `body`."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode('ascii')}:"


def is_intact(body: bytes, header: str | None) -> bool:
    """False only when the header names a sha-256 and the body has another one."""
    found = _SHA_256.search(header or "")
    if found is None:
        return True
    expected = base64.b64encode(hashlib.sha256(body).digest()).decode("ascii")
    return hmac.compare_digest(found.group(1), expected)


def is_named(header: str | None) -> bool:
    """Whether the header names a sha-256: the cloud's own answers all do, refusals too."""
    return _SHA_256.search(header or "") is not None
