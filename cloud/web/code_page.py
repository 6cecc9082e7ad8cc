"""Letting a hub in: a claim code, made by a press and shown once.

Between the press and the page it travels in the coach's own cookie, gone with the page; loading that again
makes no other code. Nothing is kept here but its hash.
"""

from __future__ import annotations

from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.response import Redirect

from cloud import accounts
from cloud.clock import now_ms
from cloud.store.rows import Club
from cloud.web.shell import PageRequest, check_origin, coach_of, is_secure, page, parts_of
from sync import claim

HERE = "/hubs/code"
CARRIED = "touchline_code"
CARRIED_S = 120


@post(HERE, include_in_schema=False, status_code=303)
async def make_code(request: PageRequest) -> Redirect:
    """Make one; the page behind the redirect shows it."""
    check_origin(request)
    coach, at_ms = await coach_of(request), now_ms()
    async with parts_of(request).database.transaction() as db:
        code = await accounts.new_claim_code(db, Club(coach.club_id, coach.club_name), at_ms)
    carried = Cookie(
        CARRIED, value=f"{code}.{at_ms + accounts.CODE_TTL_MS}", path=HERE, max_age=CARRIED_S,
        httponly=True, samesite="strict", secure=is_secure(request),
    )  # fmt: skip
    return Redirect(HERE, status_code=303, cookies=[carried])


@get(HERE, include_in_schema=False)
async def code_page(request: PageRequest) -> Response[str]:
    """The code, large; loaded again it says that it was shown."""
    coach = await coach_of(request)
    code, _, expires = request.cookies.get(CARRIED, "").partition(".")
    is_fresh = len(code) == claim.LENGTH and set(code) <= set(claim.ALPHABET) and expires.isdecimal()
    is_fresh = is_fresh and len(expires) <= 14
    scheme = "https" if is_secure(request) else "http"
    in_use = parts_of(request).own_keys.in_use if scheme == "https" else ""
    shown = page(
        "hub_code.html", coach=coach, here="hubs", code=claim.shown(code) if is_fresh else None,
        code_with_key=claim.shown(code, in_use) if is_fresh and in_use else None,
        address=f"{scheme}://{request.headers.get('host', '')}",
        expires_ms=int(expires) if is_fresh else None,
    )  # fmt: skip
    shown.delete_cookie(CARRIED, path=HERE)
    return shown


HANDLERS = [make_code, code_page]
