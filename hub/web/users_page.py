"""Users: who may sign in here, and adding somebody; for admins.

It never shows or sends a password.
"""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.response import Redirect, Template

from hub.domain import Role
from hub.errors import ActionRefused
from hub.store import accounts
from hub.web.auth import admin_only, hashed, password_fault
from hub.web.parts import parts_of
from hub.web.shell import SEE_OTHER, AnyRequest, Form, page
from hub.web.sign_in_page import name_fault


async def _users_page(request: AnyRequest, fault: str | None, name: str) -> Template:
    people = await parts_of(request).database.read(accounts.users)
    status = 422 if fault else 200
    return page(request, "users.html", status=status, users=people, roles=list(Role), fault=fault, name=name)


@get("/users", guards=[admin_only], include_in_schema=False)
async def users_page(request: AnyRequest) -> Template:
    """The list and the form."""
    return await _users_page(request, None, "")


@post("/users", guards=[admin_only], include_in_schema=False)
async def add_user(request: AnyRequest, data: Form) -> Response[Any]:
    """Add somebody, or show what is wrong."""
    parts = parts_of(request)
    name, password = data.get("name", "").strip(), data.get("password", "")
    role = Role.ADMIN if data.get("role") == Role.ADMIN else Role.STAFF
    fault = name_fault(name) or password_fault(password, data.get("repeated", ""))
    if fault is None:
        password_hash, at_ms = await hashed(password), parts.now_wall_ms()
        try:
            await parts.database.write(lambda db: accounts.create_user(db, name, password_hash, role, at_ms))
            return Redirect("/users", status_code=SEE_OTHER)
        except ActionRefused as error:
            fault = f"{error} {error.hint}".strip()
    return await _users_page(request, fault, name)


HANDLERS = [users_page, add_user]
