"""The TLS under the client: checked in full, and where only the dates do not fit, judged by key and date.

Before a byte is sent the judgement is made; a connection that a remembered key alone vouched for is used no
more once the date is known. It keeps nothing: what it saw it tells, what is known it asks.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from sync.client import LIMITS, SOCKET_OPTIONS
from sync.trust import Judgement, Time, is_marked, judge, read

NO_CHECK_TIME = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which Python's ssl takes but has no name for."""
NOT_YET_VALID, HAS_EXPIRED = 9, 10
"""OpenSSL's verify codes for a certificate of another time."""
Transport = httpx.AsyncBaseTransport


@dataclass(frozen=True, slots=True)
class Known:
    """What the judgement is made by, asked afresh at every handshake."""

    time: Callable[[], Time]
    pins: Callable[[], tuple[str, ...]]
    seen: Callable[[str], None] = lambda _: None
    """Told the key's pin after every handshake that was checked in full, or vouched for by the claim code."""
    remembered: Callable[[], None] = lambda: None
    """Told after every handshake that only a remembered key vouched for."""
    mark: str = ""
    """The key's, as the claim code names it."""


def trusting_transport(known: Known, authorities: Path | None = None) -> httpx.AsyncBaseTransport:
    """What a client dials https on. `authorities` is a file of certificates in place of the usual ones."""
    return _Trusting(known, authorities)


class _Trusting(httpx.AsyncBaseTransport):
    """Strict until dates stand in the way, from then on by judgement for as long as it lives."""

    def __init__(self, known: Known, authorities: Path | None) -> None:
        self._known, self._authorities = known, authorities
        self._strict = _transport(_context(_noting(known), authorities))
        self._judged: list[httpx.AsyncHTTPTransport] = []  # the last one is in use
        self._is_strict, self._is_blind = True, False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._is_strict:
            try:
                return await self._strict.handle_async_request(request)
            except httpx.ConnectError as error:  # nothing was sent: the request can be made again
                if not _is_about_dates(error):
                    raise
                self._is_strict = False
        return await self._by_judgement().handle_async_request(request)

    def _by_judgement(self) -> httpx.AsyncHTTPTransport:
        """Fresh connections once the date has become known; what is under way on the old ones arrives."""
        if not self._judged or (self._is_blind and self._known.time().is_known):
            context = _context(_judging(self._known, self._note_blind), self._authorities)
            context.verify_flags |= NO_CHECK_TIME
            self._judged.append(_transport(context))
            self._is_blind = False
        return self._judged[-1]

    def _note_blind(self) -> None:
        self._is_blind = True

    async def aclose(self) -> None:
        for transport in (self._strict, *self._judged):
            await transport.aclose()


def _transport(context: ssl.SSLContext) -> httpx.AsyncHTTPTransport:
    return httpx.AsyncHTTPTransport(verify=context, limits=LIMITS, socket_options=SOCKET_OPTIONS)


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


def _judging(known: Known, note_blind: Callable[[], None]) -> type[ssl.SSLObject]:
    """A handshake OpenSSL checked but for the dates; those are judged before it counts."""

    class Judged(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            certificate, time = read(_certificate(self)), known.time()
            _believe(judge(certificate, time, known.pins(), known.mark))
            if not time.is_known:
                note_blind()
            if time.is_known or is_marked(certificate, known.mark):
                known.seen(certificate.pin)
            else:
                known.remembered()

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
