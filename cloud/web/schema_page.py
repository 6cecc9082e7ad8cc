"""The API's own documentation page: Swagger UI from our own files, so that nothing is asked of the network.

It changes nothing about the schema itself, which Litestar makes from the handlers.
"""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.openapi.plugins import OpenAPIRenderPlugin

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Touchline cloud API</title>
<link rel="icon" href="/static/mark.svg">
<link rel="stylesheet" href="/static/vendor/swagger-ui.css">
</head>
<body>
<div id="schema" data-url="{url}"></div>
<script src="/static/vendor/swagger-ui-bundle.js"></script>
<script src="/static/schema.js"></script>
</body>
</html>
"""


class VendoredSwagger(OpenAPIRenderPlugin):
    """Swagger UI without inline script or style, from /static/vendor."""

    def __init__(self) -> None:
        super().__init__(path="/swagger")

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The page; the browser fetches the schema beside it."""
        return PAGE.format(url=self.get_openapi_json_route(request)).encode()
