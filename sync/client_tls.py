"""The TLS under the client: checked in full, and where only the dates do not fit, judged by key and date.

Before a byte is sent the judgement is made. It keeps nothing: what it saw it tells, what is known it asks.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from sync.trust import Judgement, Time, judge, read

NO_CHECK_TIME = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which Python's ssl takes but has no name for."""
NOT_YET_VALID, HAS_EXPIRED = 9, 10
"""OpenSSL's verify codes for a certificate of another time."""
MOST_CONNECTIONS = 2
Transport = httpx.AsyncBaseTransport


@dataclass(frozen=True, slots=True)
class Known:
    """What the judgement is made by, asked afresh at every handshake."""

    time: Callable[[], Time]
    pins: Callable[[], tuple[str, ...]]
    seen: Callable[[str], None] = lambda _: None
    """Told the key's pin after every handshake that was checked in full."""


def trusting_transport(
    known: Known, authorities: Path | None = None, most_connections: int = MOST_CONNECTIONS
) -> httpx.AsyncBaseTransport:
    """What a client dials https on. `authorities` is a file of certificates in place of the usual ones."""
    return _Trusting(known, authorities, httpx.Limits(max_connections=most_connections))


class _Trusting(httpx.AsyncBaseTransport):
    """Strict until dates stand in the way, from then on by judgement for as long as it lives."""

    def __init__(self, known: Known, authorities: Path | None, limits: httpx.Limits) -> None:
        self._strict = httpx.AsyncHTTPTransport(verify=_context(_noting(known), authorities), limits=limits)
        judged = _context(_judging(known), authorities)
        judged.verify_flags |= NO_CHECK_TIME
        self._judged = httpx.AsyncHTTPTransport(verify=judged, limits=limits)
        self._is_strict = True

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._is_strict:
            try:
                return await self._strict.handle_async_request(request)
            except httpx.ConnectError as error:  # nothing was sent: the request can be made again
                if not _is_about_dates(error):
                    raise
                self._is_strict = False
        return await self._judged.handle_async_request(request)

    async def aclose(self) -> None:
        await self._strict.aclose()
        await self._judged.aclose()


def _context(handshake: type[ssl.SSLObject], authorities: Path | None) -> ssl.SSLContext:
    file = os.fspath(authorities) if authorities is not None else None
    context = ssl.create_default_context(cafile=file) if file else httpx.create_ssl_context()
    context.sslobject_class = handshake
    return context


def _noting(known: Known) -> type[ssl.SSLObject]:
    """A handshake after which the key is noted, since OpenSSL has found everything in order.

    OpenSSL goes by the system's clock; where that is surely wrong its word on the dates is not enough.
    """

    class Noted(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            certificate, time = read(_certificate(self)), known.time()
            if time.is_known or certificate.to_ms < time.least_ms:
                _believe(judge(certificate, time, ()))
            known.seen(certificate.pin)

    return Noted


def _judging(known: Known) -> type[ssl.SSLObject]:
    """A handshake OpenSSL checked but for the dates; those are judged before it counts."""

    class Judged(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            _believe(judge(read(_certificate(self)), known.time(), known.pins()))

    return Judged


def _believe(found: Judgement) -> None:
    if not found.is_trusted:
        raise ssl.SSLCertVerificationError(f"CERTIFICATE_VERIFY_FAILED: {found.why}")


def _certificate(handshake: ssl.SSLObject) -> bytes:
    der = handshake.getpeercert(binary_form=True)
    if der is None:
        raise ssl.SSLCertVerificationError("CERTIFICATE_VERIFY_FAILED: no certificate was shown")
    return der


def _is_about_dates(error: BaseException | None) -> bool:
    """Whether dates are what OpenSSL refused, somewhere down the chain of causes."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return getattr(error, "verify_code", None) in (NOT_YET_VALID, HAS_EXPIRED)
        error = error.__cause__ or error.__context__
    return False
