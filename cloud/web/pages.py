"""All pages and static files as routers, with what holds for every one of them.

A page's own route lives in the file of its name.
"""

from __future__ import annotations

from litestar import Router
from litestar.static_files import create_static_files_router

from cloud.errors import CloudError
from cloud.web import (
    athlete_form,
    athletes,
    bundle_page,
    code_page,
    hubs,
    insights,
    letters_page,
    letters_reason_page,
    met_page,
    session_csv,
    sessions,
    sign_in,
)
from cloud.web.shell import (
    HERE,
    SECURITY_HEADERS,
    NotSignedIn,
    OriginDiffers,
    PageMissing,
    WebParts,
    on_cloud_problem,
    on_not_signed_in,
    on_origin_differs,
    on_page_missing,
    on_unknown_path,
)

__all__ = ["SECURITY_HEADERS", "WebParts", "on_unknown_path", "web_routers"]

MAX_FORM_BYTES = 16 * 1024


def web_routers() -> list[Router]:
    """The pages and their static files."""
    pages = Router(
        "/",
        route_handlers=[
            sign_in.sign_in_page,
            sign_in.sign_in,
            sign_in.sign_out,
            sessions.sessions_page,
            sessions.session_page,
            *session_csv.HANDLERS,
            athletes.athletes_page,
            athletes.athlete_page,
            insights.insights_page,
            *hubs.HANDLERS,
            *code_page.HANDLERS,
            *athlete_form.HANDLERS,
            *met_page.HANDLERS,
            *letters_page.HANDLERS,
            *letters_reason_page.HANDLERS,
            *bundle_page.HANDLERS,
        ],
        exception_handlers={
            NotSignedIn: on_not_signed_in,
            PageMissing: on_page_missing,
            OriginDiffers: on_origin_differs,
            CloudError: on_cloud_problem,
        },
        request_max_body_size=MAX_FORM_BYTES,
    )
    static = create_static_files_router(
        "/static", [HERE / "static"], include_in_schema=False, cache_control=None
    )
    return [pages, static]
