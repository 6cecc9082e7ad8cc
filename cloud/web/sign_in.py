"""Signing in and out: password checked in a thread, a fresh token each time, few tries.

There is no self-service for lost passwords yet, and no session is ever taken over from before the sign-in.
"""

from __future__ import annotations

from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.params import URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from cloud import accounts
from cloud.clock import now_ms
from cloud.errors import TooManyTries
from cloud.web.shell import PageRequest, check_origin, cookie_name, is_secure, page, parts_of


class SignInForm(Struct, frozen=True):
    """What the form sends."""

    email: str = ""
    password: str = ""


@get("/sign-in", include_in_schema=False)
async def sign_in_page() -> Response[str]:
    return page("sign_in.html", email="", problem="")


@post("/sign-in", include_in_schema=False, status_code=200)
async def sign_in(request: PageRequest, data: URLEncodedBody[SignInForm]) -> Response[str] | Redirect:
    check_origin(request)
    parts = parts_of(request)
    email = accounts.normal_email(data.email)[:200].replace("\0", "")
    caller = request.client.host if request.client else ""
    try:
        parts.by_caller.check(caller)
        parts.by_account.check(email)
    except TooManyTries as error:
        return page("sign_in.html", status=429, email=email, problem=str(error))
    async with parts.database.transaction() as db:
        coach = await accounts.find_coach(db, email)
    if not await accounts.is_password_right(coach, data.password) or coach is None:
        parts.by_caller.count(caller)
        parts.by_account.count(email)
        return page("sign_in.html", status=401, email=email, problem="The address or the password is wrong.")
    async with parts.database.transaction() as db:
        token = await accounts.open_sign_in(db, coach, now_ms())
    return _with_cookie(request, Redirect("/", status_code=303), token, accounts.SIGN_IN_TTL_MS // 1000)


@post("/sign-out", include_in_schema=False, status_code=303)
async def sign_out(request: PageRequest) -> Redirect:
    check_origin(request)
    token = request.cookies.get(cookie_name(request), "")
    async with parts_of(request).database.transaction() as db:
        await accounts.close_sign_in(db, token)
    answer = Redirect("/sign-in", status_code=303, headers={"Clear-Site-Data": '"cache", "storage"'})
    return _with_cookie(request, answer, "", 0)


def _with_cookie(request: PageRequest, answer: Redirect, token: str, max_age_s: int) -> Redirect:
    answer.set_cookie(
        Cookie(
            key=cookie_name(request),
            value=token,
            max_age=max_age_s,
            path="/",
            httponly=True,
            secure=is_secure(request),
            samesite="lax",
        )
    )
    return answer
