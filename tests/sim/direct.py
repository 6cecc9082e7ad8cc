"""The cloud's own gate and handlers, asked without the web framework: most worlds have no time for it.

It reads the routes from the product and decides nothing; what it does not understand goes the whole way. That
both ways give the same world is tested.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, get_type_hints
from urllib.parse import parse_qsl

import msgspec
from litestar.handlers import HTTPRouteHandler

from cloud import api
from cloud.content import ContentGate
from cloud.errors import CloudError
from cloud.turns import never
from sync import wire

GATE = ContentGate()


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it lies on the wire; names of headers are small."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer as it lies on the wire."""

    status_code: int
    headers: Mapping[str, str]
    body: bytes

    async def aiter_raw(self) -> Any:
        """As an httpx response gives it."""
        if self.body:
            yield self.body


@dataclass(slots=True)
class Seen:
    """What a handler may ask of its request."""

    app: Any
    headers: Mapping[str, str]
    content: bytes
    client: Any = field(default_factory=lambda: SimpleNamespace(host="hub"))

    async def receive(self) -> None:
        """Nothing more comes, and nobody hangs up."""
        await never()

    async def body(self) -> bytes:
        """All of it."""
        return self.content


@dataclass(frozen=True, slots=True)
class Route:
    """One handler of the product's and how its arguments are filled."""

    ask: Callable[..., Awaitable[Any]]
    data: Any
    queries: tuple[tuple[str, str, type], ...]


@lru_cache(maxsize=1)
def routes() -> dict[tuple[str, str], Route]:
    """The handlers hubs call whose arguments are a message, or whole numbers and words of the query."""
    found: dict[tuple[str, str], Route] = {}
    for handler in vars(api).values():
        if not isinstance(handler, HTTPRouteHandler):
            continue
        hints = get_type_hints(handler.fn, include_extras=True)
        hints.pop("return", None)
        hints.pop("request", None)
        data = hints.pop("data", None)
        if any(getattr(hint, "__origin__", None) not in (int, str) for hint in hints.values()):
            continue
        queries = tuple(
            (name, hint.__metadata__[0].name or name, hint.__origin__) for name, hint in hints.items()
        )
        kind = None if data is None else data.__origin__
        for method in handler.http_methods:
            for path in handler.paths:
                found[method, f"/v1{path}"] = Route(handler.fn, kind, queries)
    return found


async def answer(app: Any, asked: Asked) -> Answered | None:
    """What the cloud says, None where this request must go the whole way."""
    route = routes().get((asked.method, asked.path))
    if route is None:
        return None
    sent: dict[str, Any] = {"body": b""}

    async def receive() -> Any:
        return {"type": "http.request", "body": asked.body, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            sent["start"] = message
        else:
            sent["body"] += message.get("body", b"")

    async def handler(scope: Any, receive: Any, send: Any) -> None:
        content = (await receive())["body"]
        try:
            said = await _said(route, Seen(app, asked.headers, content), asked.query)
        except Exception as error:
            said = _refused(error)
        await _send(send, *said)

    raw = [(name.encode(), value.encode()) for name, value in asked.headers.items()]
    scope: Any = {"type": "http", "headers": raw, "state": {}}
    try:
        await GATE.handle(scope, receive, send, handler)
    except Exception as error:
        await _send(send, *_refused(error))
    headers = {name.decode().lower(): value.decode() for name, value in sent["start"]["headers"]}
    return Answered(sent["start"]["status"], headers, sent["body"])


async def _said(route: Route, seen: Seen, query: str) -> tuple[int, dict[str, str], bytes]:
    given: dict[str, Any] = {}
    if route.data is not None:
        given["data"] = msgspec.json.decode(seen.content, type=route.data)
    if route.queries:
        words = dict(parse_qsl(query, keep_blank_values=True))
        given.update((name, kind(words[word])) for name, word, kind in route.queries if word in words)
    return 200, {}, msgspec.json.encode(await route.ask(request=seen, **given))


def _refused(error: Exception) -> tuple[int, dict[str, str], bytes]:
    """As the router's own table of errors has it."""
    seen: Any = None
    if isinstance(error, CloudError):
        response = api.on_cloud_error(seen, error)
    elif isinstance(error, msgspec.MsgspecError):
        problem = wire.Problem(err="invalid", err_class="permanent", detail=str(error)[:500])
        return 400, {}, msgspec.json.encode(problem)
    else:
        response = api.on_failure(seen, error)
    status = response.status_code or 500
    return status, dict(response.headers), response.content


async def _send(send: Any, status: int, headers: Mapping[str, str], body: bytes) -> None:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    raw.append((b"content-type", b"application/json"))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": False})
