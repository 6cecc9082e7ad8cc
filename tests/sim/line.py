"""A line between a hub and the cloud: what carries a request there and brings the answer back.

The product's client may speak over it through httpx, or, where worlds are many, straight; its own checks of
what comes back are the same either way.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from sync.client import CloudClient
from tests.sim.direct import Answered, Asked


class Line(httpx.AsyncBaseTransport):
    """Something that carries; subclasses say what becomes of a request."""

    async def carry(self, asked: Asked) -> Answered:
        """The answer. Raises httpx's errors for a line that fails."""
        raise NotImplementedError

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        headers = {name.decode().lower(): value.decode() for name, value in request.headers.raw}
        query = request.url.query.decode()
        asked = Asked(request.method, request.url.path, query, headers, await request.aread())
        answer = await self.carry(asked)
        return httpx.Response(
            answer.status_code, headers=dict(answer.headers), stream=httpx.ByteStream(answer.body)
        )

    def shorten(self, client: CloudClient) -> None:
        """Let a client speak over this line without httpx in between."""

        @asynccontextmanager
        async def stream(
            method: str,
            path: str,
            *,
            content: bytes | AsyncIterable[bytes] | None = None,
            headers: Mapping[str, str],
        ) -> AsyncIterator[Any]:
            place, _, query = path.partition("?")
            body = content if isinstance(content, bytes | None) else b"".join([it async for it in content])
            yield await self.carry(Asked(method, f"/{place}", query, headers, body or b""))

        client._http.stream = stream  # type: ignore[assignment, method-assign]
