"""The API description at /schema for admins, with Swagger UI from our own static files.

Litestar's stock page has inline scripts and a favicon elsewhere, so this renders its own.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Router
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import OpenAPIRenderPlugin

from hub.web.auth import admin_only
from hub.web.shell import environment


class VendoredSwagger(OpenAPIRenderPlugin):
    """Swagger UI without one request outside."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The page; its script fetches the description itself."""
        return environment().get_template("api_docs.html").render().encode()


def api_docs(version: str) -> OpenAPIConfig:
    """The description of the JSON routes; pages are not in it."""
    return OpenAPIConfig(
        title="Touchline hub",
        version=version,
        path="/schema",
        render_plugins=[VendoredSwagger(path="/swagger")],
        openapi_router=Router("/schema", route_handlers=[], guards=[admin_only], include_in_schema=False),
    )
