"""The hub's web application: every page, behind sign-in, same-origin checks and a strict policy.

It starts no server and owns no part it is given.
"""

from __future__ import annotations

from typing import Any

from litestar import Litestar, Request, Response
from litestar.datastructures import MutableScopeHeaders, State
from litestar.exceptions import HTTPException, NotAuthorizedException
from litestar.middleware import DefineMiddleware
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Redirect
from litestar.static_files import create_static_files_router
from litestar.template import TemplateConfig
from litestar.types import Message, Scope

from hub.errors import HubError, NotFound
from hub.web import (
    athletes_page,
    batch_page,
    board_page,
    boot_time_page,
    bundle_page,
    clock_page,
    conflicts_page,
    days_page,
    external_page,
    foreign_page,
    health,
    heart_page,
    hold_page,
    import_detail_page,
    import_page,
    inbox_page,
    insights_page,
    limits_page,
    mend_page,
    metric_notes,
    pitch_page,
    radio_check_page,
    radio_page,
    recovery_page,
    refused_page,
    session_page,
    sign_in_page,
    sources_page,
    spare_page,
    straps_page,
    sync_page,
    table_page,
    unassigned_page,
    users_page,
    variability_page,
    wearing_page,
)
from hub.web.api_docs import api_docs
from hub.web.auth import Attempts, SameOriginMiddleware, SignInMiddleware, signed_in_only
from hub.web.parts import WebParts
from hub.web.shell import STATIC, environment, is_fragment, page

BODY_LIMIT_BYTES = 64 << 10
PAGES = (
    board_page,
    session_page,
    variability_page,
    recovery_page,
    external_page,
    heart_page,
    pitch_page,
    metric_notes,
    athletes_page,
    days_page,
    limits_page,
    straps_page,
    radio_page,
    radio_check_page,
    hold_page,
    spare_page,
    foreign_page,
    unassigned_page,
    wearing_page,
    import_page,
    boot_time_page,
    import_detail_page,
    batch_page,
    table_page,
    inbox_page,
    sources_page,
    insights_page,
    sync_page,
    refused_page,
    mend_page,
    bundle_page,
    conflicts_page,
    users_page,
    sign_in_page,
    clock_page,
    health,
)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
FOREVER = "public, max-age=31536000, immutable"


async def _add_headers(message: Message, scope: Scope) -> None:
    """Every answer, also an error's, carries the policy; only stamped static files may be cached."""
    if message["type"] != "http.response.start":
        return
    headers = MutableScopeHeaders.from_message(message)
    for name, value in HEADERS.items():
        headers[name] = value
    if scope["path"].startswith("/static/") and message["status"] == 200:
        headers["Cache-Control"] = FOREVER if b"v=" in scope["query_string"] else "no-cache"
    else:
        headers["Cache-Control"] = "no-store"


def _wants_page(request: Request[Any, Any, Any]) -> bool:
    return is_fragment(request) or "text/html" in request.headers.get("accept", "")


def _answer(request: Request[Any, Any, Any], status: int, message: str, hint: str) -> Response[Any]:
    """An error as a fragment for htmx, a page for a browser, JSON for a program."""
    if not _wants_page(request) or "user" not in request.scope:
        return Response({"detail": message, "hint": hint}, status_code=status)
    name = "_problem.html" if is_fragment(request) else "problem.html"
    return page(request, name, status=status, message=message, hint=hint)


def _not_signed_in(request: Request[Any, Any, Any], _: NotAuthorizedException) -> Response[Any]:
    """Lead a browser to sign-in; tell a program."""
    if is_fragment(request):
        return Response(None, status_code=401, headers={"HX-Redirect": "/sign-in"})
    if _wants_page(request):
        return Redirect("/sign-in", status_code=303)
    return Response({"detail": "Sign in first.", "hint": ""}, status_code=401)


def _refused(request: Request[Any, Any, Any], error: HubError) -> Response[Any]:
    """The error's own sentence; a status that says whether trying again may help."""
    status = 404 if isinstance(error, NotFound) else 503 if error.is_temporary else 422
    return _answer(request, status, str(error), error.hint)


def _failed(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """The framework's own errors in plain words."""
    said = {
        404: "There is no such page.",
        405: "This address cannot do that.",
        413: "That is too large: 2 GB is the limit for a file.",
    }
    return _answer(request, error.status_code, said.get(error.status_code, error.detail), "")


def create_web(parts: WebParts) -> Litestar:
    """The application over the given parts."""
    static_files = create_static_files_router(
        path="/static", directories=[STATIC], opt={"is_public": True}, include_in_schema=False
    )
    return Litestar(
        route_handlers=[*(handler for each in PAGES for handler in each.HANDLERS), static_files],
        state=State({"parts": parts, "attempts": Attempts()}),
        guards=[signed_in_only],
        middleware=[
            DefineMiddleware(SameOriginMiddleware),
            DefineMiddleware(SignInMiddleware, exclude="^/static/"),
        ],
        exception_handlers={
            NotAuthorizedException: _not_signed_in,
            HubError: _refused,
            HTTPException: _failed,
        },
        before_send=[_add_headers],
        template_config=TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment())),
        openapi_config=api_docs(parts.version),
        request_max_body_size=BODY_LIMIT_BYTES,
        logging_config=None,
    )
