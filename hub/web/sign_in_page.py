"""The way in: first-run set-up, sign-in and sign-out.

There is no default account: the first admin proves presence with the code on the hub's console.
"""

from __future__ import annotations

import hmac
import sqlite3
from typing import Any

from litestar import Response, get, post
from litestar.response import Redirect

from hub.domain import Role, User
from hub.errors import ActionRefused
from hub.store import accounts
from hub.web.auth import Attempts, hashed, password_fault, sign_in_cookie, sign_out_cookie, verified
from hub.web.parts import parts_of
from hub.web.shell import SEE_OTHER, AnyRequest, Form, page
from hub.web.typed import is_unseen


def _attempts(request: AnyRequest) -> Attempts:
    attempts: Attempts = request.app.state["attempts"]
    return attempts


def same_code(expected: str | None, given: str) -> bool:
    """Compare set-up codes without regard to case, spaces or hyphens, in constant time."""
    plain = "".join(c for c in given if c.isalnum()).upper()
    wanted = "".join(c for c in expected or "" if c.isalnum()).upper()
    return bool(wanted) and hmac.compare_digest(plain.encode(), wanted.encode())


def name_fault(name: str) -> str | None:
    """Why this cannot be a user's name."""
    if is_unseen(name):
        return "Give a name to sign in with."
    return "The name may have at most 60 characters." if len(name) > 60 else None


@get("/set-up", opt={"is_public": True}, include_in_schema=False)
async def set_up_form(request: AnyRequest) -> Response[Any]:
    """The first page of a new hub; afterwards it only leads to sign-in."""
    if await parts_of(request).database.read(accounts.user_count):
        return Redirect("/sign-in", status_code=SEE_OTHER)
    return page(request, "set_up.html", fault=None, name="")


@post("/set-up", opt={"is_public": True}, include_in_schema=False)
async def set_up(request: AnyRequest, data: Form) -> Response[Any]:
    """Make the first admin and sign them in."""
    parts = parts_of(request)
    name, password = data.get("name", "").strip(), data.get("password", "")
    wait_s = _attempts(request).wait_s("set-up code", parts.now_mono_ms())
    expected = await parts.database.read(accounts.setup_code)
    fault = None
    if wait_s:
        fault = f"Too many tries. Wait {wait_s:.0f} seconds."
    elif not same_code(expected, data.get("code", "")):
        fault = "That is not the set-up code. It stands on the hub's console."
    fault = fault or name_fault(name) or password_fault(password, data.get("repeated", ""))
    if fault:
        return page(request, "set_up.html", status=422, fault=fault, name=name)
    password_hash = await hashed(password)
    at_ms = parts.now_wall_ms()

    def change(db: sqlite3.Connection) -> User:
        if accounts.user_count(db):
            raise ActionRefused("the hub is set up already.", hint="Sign in instead.")
        return accounts.create_user(db, name, password_hash, Role.ADMIN, at_ms)

    user = await parts.database.write(change)
    return Redirect("/", status_code=SEE_OTHER, cookies=[await sign_in_cookie(request, user)])


@get("/sign-in", opt={"is_public": True}, include_in_schema=False)
async def sign_in_form(request: AnyRequest) -> Response[Any]:
    """Ask for name and password; a hub without users asks to be set up."""
    if not await parts_of(request).database.read(accounts.user_count):
        return Redirect("/set-up", status_code=SEE_OTHER)
    return page(request, "sign_in.html", fault=None, name="")


@post("/sign-in", opt={"is_public": True}, include_in_schema=False)
async def sign_in(request: AnyRequest, data: Form) -> Response[Any]:
    """Check the password and give a new token; too many tries have to wait."""
    parts, attempts = parts_of(request), _attempts(request)
    name, password = data.get("name", "").strip(), data.get("password", "")[:1024]
    wait_s = attempts.wait_s(name, parts.now_mono_ms())
    if wait_s:
        fault = f"Too many tries for this name. Wait {max(1, wait_s):.0f} seconds."
        return page(request, "sign_in.html", status=429, fault=fault, name=name)
    found = await parts.database.read(lambda db: accounts.credentials(db, name))
    if not await verified(found[1] if found else None, password) or found is None:
        fault = "Name or password is not right."
        return page(request, "sign_in.html", status=422, fault=fault, name=name)
    attempts.forget(name)
    return Redirect("/", status_code=SEE_OTHER, cookies=[await sign_in_cookie(request, found[0])])


@post("/sign-out", include_in_schema=False)
async def sign_out(request: AnyRequest) -> Response[Any]:
    """End this sign-in here and in the store."""
    cookie = await sign_out_cookie(request)
    return Redirect(
        "/sign-in", status_code=SEE_OTHER, cookies=[cookie], headers={"Clear-Site-Data": '"cache"'}
    )


HANDLERS = [set_up_form, set_up, sign_in_form, sign_in, sign_out]
