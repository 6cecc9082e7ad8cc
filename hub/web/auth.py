"""Who is asking: own sign-in tokens, roles, and refusal of requests other sites send.

A token is random, given anew at every sign-in, stored only as its SHA-256 and dead after twelve hours;
it is never taken from the client unseen. It holds no page.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast
from urllib.parse import urlsplit

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.enums import ScopeType
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult
from litestar.types import ASGIApp, Receive, Scope, Send

from hub.domain import Role, User
from hub.store import accounts
from hub.web.parts import parts_of

Connection = ASGIConnection[Any, Any, Any, Any]
SIGN_IN_LASTS_MS = 12 * 3600 * 1000
PASSWORD_MIN = 12
PASSWORD_MAX = 256
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_decoy = _hasher.hash(secrets.token_urlsafe(16))
_hashing = ThreadPoolExecutor(2, thread_name_prefix="argon2")


def password_fault(password: str, repeated: str) -> str | None:
    """Why this password cannot be used, as a sentence; None when it can."""
    if len(password) < PASSWORD_MIN:
        return f"The password needs at least {PASSWORD_MIN} characters; this one has {len(password)}."
    if len(password) > PASSWORD_MAX:
        return f"The password may have at most {PASSWORD_MAX} characters."
    if password != repeated:
        return "The two passwords are not the same."
    return None


async def hashed(password: str) -> str:
    """The argon2id hash, computed off the event loop, two at a time at most."""
    return await asyncio.get_running_loop().run_in_executor(_hashing, _hasher.hash, password)


async def verified(password_hash: str | None, password: str) -> bool:
    """Whether the password fits; without a hash it takes as long and fails."""
    loop = asyncio.get_running_loop()
    fits = await loop.run_in_executor(_hashing, _fits, password_hash or _decoy, password)
    return fits and password_hash is not None


def _fits(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


class Attempts:
    """A token bucket a name: a few tries at once, then one each `refill_s`. Memory only, bounded."""

    def __init__(self, size: int = 5, refill_s: float = 20.0, names: int = 1000) -> None:
        self._size, self._refill_s, self._names = size, refill_s, names
        self._buckets: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def wait_s(self, name: str, now_ms: int) -> float:
        """Take one try; 0 when it may go ahead, else the seconds to wait."""
        key = name.strip().casefold()
        left, then_ms = self._buckets.get(key, (float(self._size), now_ms))
        left = min(self._size, left + max(0, now_ms - then_ms) / 1000 / self._refill_s)
        if left < 1:
            return (1 - left) * self._refill_s
        self._buckets[key] = (left - 1, now_ms)
        self._buckets.move_to_end(key)
        while len(self._buckets) > self._names:
            self._buckets.popitem(last=False)
        return 0.0

    def forget(self, name: str) -> None:
        """A right password clears the name's count."""
        self._buckets.pop(name.strip().casefold(), None)


def cookie_name(connection: Connection) -> str:
    """Over https the name itself binds the cookie to this host."""
    return "__Host-touchline" if connection.url.scheme == "https" else "touchline"


def digest(token: str) -> bytes:
    """What the store keeps of a token."""
    return hashlib.sha256(token.encode()).digest()


async def sign_in_cookie(connection: Connection, user: User) -> Cookie:
    """Open a sign-in under a new token, end the one this browser had, and return the cookie."""
    parts = parts_of(connection)
    now_ms = parts.now_wall_ms()
    token = secrets.token_urlsafe(32)
    before = connection.cookies.get(cookie_name(connection))

    def change(db: Any) -> None:
        if before:
            accounts.close_sign_in(db, digest(before))
        accounts.open_sign_in(db, digest(token), user.user_id, now_ms, now_ms + SIGN_IN_LASTS_MS)

    await parts.database.write(change)
    return _cookie(connection, token, SIGN_IN_LASTS_MS // 1000)


async def sign_out_cookie(connection: Connection) -> Cookie:
    """End the sign-in in the store and return the cookie that removes it here."""
    token = connection.cookies.get(cookie_name(connection), "")
    await parts_of(connection).database.write(lambda db: accounts.close_sign_in(db, digest(token)))
    return _cookie(connection, "", 0)


def _cookie(connection: Connection, value: str, max_age_s: int) -> Cookie:
    return Cookie(
        key=cookie_name(connection),
        value=value,
        max_age=max_age_s,
        httponly=True,
        samesite="strict",
        secure=connection.url.scheme == "https",
        path="/",
    )


class SignInMiddleware(AbstractAuthenticationMiddleware):
    """Puts the signed-in user, or None, on the connection; the guards decide what that allows."""

    async def authenticate_request(self, connection: Connection) -> AuthenticationResult:
        """Look the cookie's digest up in the store."""
        token = connection.cookies.get(cookie_name(connection))
        if not token or len(token) > 200:
            return AuthenticationResult(user=None, auth=None)
        parts = parts_of(connection)
        now_ms = parts.now_wall_ms()
        user = await parts.database.read(lambda db: accounts.signed_in(db, digest(token), now_ms))
        return AuthenticationResult(user=user, auth=None)


def user_of(connection: Connection) -> User | None:
    """The signed-in user, also where no one has looked the cookie up."""
    return cast("User | None", connection.scope.get("user"))


def signed_in_only(connection: Connection, handler: BaseRouteHandler) -> None:
    """Guard of every route that does not say `is_public`."""
    if not handler.opt.get("is_public") and user_of(connection) is None:
        raise NotAuthorizedException


def admin_only(connection: Connection, _: BaseRouteHandler) -> None:
    """Guard of users, enrolment and the API description."""
    user = user_of(connection)
    if user is None:
        raise NotAuthorizedException
    if user.role is not Role.ADMIN:
        raise PermissionDeniedException("Only an admin can open this page.")


class SameOriginMiddleware:
    """Refuses every changing request that this hub's own pages did not send."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check before anything else looks at the request."""
        if scope["type"] == ScopeType.HTTP and scope["method"] not in SAFE_METHODS and not _is_own(scope):
            raise PermissionDeniedException("This request did not come from the hub's own pages.")
        await self.app(scope, receive, send)


def _is_own(scope: Scope) -> bool:
    """Sec-Fetch-Site decides where a browser sends it; else Origin must be this very host."""
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    site = headers.get(b"sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    origin = headers.get(b"origin")
    if origin is None:
        return site == "same-origin"
    parsed = urlsplit(origin)
    return parsed.scheme == scope["scheme"] and parsed.netloc == headers.get(b"host")
