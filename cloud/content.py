"""The gate every machine request passes: bounded in size, whole by its digest, unzipped within bounds.

It understands no message; behind it a handler sees plain bytes. Answers get a Content-Digest as well. Of
segments whose sender was cut off, those that arrived whole go on: nobody hears the answer.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import zlib
from collections.abc import Callable, Mapping

from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from litestar.types.asgi_types import HTTPRequestEvent

from cloud.errors import BodyRefused, BodyTooLarge, DigestDiffers
from sync import wire
from sync.batch import whole_part
from sync.bounds import MAX_BODY_BYTES, MAX_INFLATED_BYTES
from sync.envelope import whole_frames

ARRIVED: Mapping[str, Callable[[bytes], bytes]] = {wire.BATCHES: whole_part, wire.FRAMES: whole_frames}
"""What of a body that was cut off can be kept, by its content type."""
WORTH_GZIP_BYTES = 400
FOR_BROWSERS = ("content-security-policy", "cross-origin-opener-policy", "referrer-policy")
"""Rules for pages: 300 bytes that would travel with every answer to a hub."""


class ContentGate(ASGIMiddleware):
    """Reads and checks the whole body before the handler runs."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Check the request, hand it on, seal the answer."""
        headers = Headers.from_scope(scope)
        body, is_whole = await read_bounded(receive, headers.get("content-length"))
        arrived = ARRIVED.get(headers.get("content-type", ""))
        if not is_whole and arrived is not None:
            body = arrived(body)  # each is whole by its own digest; the hub will ask what is here
        elif body:
            check_digest(body, headers.get("content-digest"))
        encoding = headers.get("content-encoding", "identity").lower()
        if encoding == "gzip":
            body = gunzip(body)
            own = MutableScopeHeaders(scope)
            del own["content-encoding"]
            own["content-length"] = str(len(body))
        elif encoding != "identity":
            raise BodyRefused(f"Content-Encoding {encoding[:40]!r} is unknown.")
        takes_gzip = "gzip" in headers.get("accept-encoding", "").lower()
        await next_app(scope, replay(body, receive), sealing(send, takes_gzip=takes_gzip))


async def read_bounded(receive: Receive, declared: str | None) -> tuple[bytes, bool]:
    """The body, at most 4 MiB, and whether it came to its end. Raises BodyTooLarge."""
    if declared is not None and declared.isdecimal() and int(declared) > MAX_BODY_BYTES:
        raise BodyTooLarge(f"At most {MAX_BODY_BYTES} bytes.")
    body = bytearray()
    while True:
        event = await receive()
        if event["type"] != "http.request":
            return bytes(body), False
        body += event.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLarge(f"At most {MAX_BODY_BYTES} bytes.")
        if not event.get("more_body", False):
            return bytes(body), True


def check_digest(body: bytes, header: str | None) -> None:
    """Compare with `sha-256=:<base64>:` (RFC 9530), taken over the bytes as sent. Raises DigestDiffers."""
    if header is None:
        raise DigestDiffers("Send Content-Digest: sha-256=:<base64>:")
    for part in header.split(","):
        name, _, value = part.strip().partition("=")
        if name.lower() == "sha-256":
            if value.strip() != digest_value(body):
                raise DigestDiffers()
            return
    raise DigestDiffers("Only sha-256 is understood.")


def digest_value(body: bytes) -> str:
    """The sha-256 member's value."""
    return f":{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def gunzip(body: bytes) -> bytes:
    """The inflated body, at most 8 MiB. Raises BodyTooLarge or BodyRefused."""
    stream = zlib.decompressobj(wbits=31)
    try:
        plain = stream.decompress(body, MAX_INFLATED_BYTES + 1)
    except zlib.error as error:
        raise BodyRefused("It is not gzip.") from error
    if len(plain) > MAX_INFLATED_BYTES:
        raise BodyTooLarge(f"At most {MAX_INFLATED_BYTES} bytes inflated.")
    if not stream.eof:
        raise BodyRefused("The gzip data is cut off.")
    return plain


def replay(body: bytes, receive: Receive) -> Receive:
    """A receive that gives the checked body once, then whatever the connection says."""
    events: list[HTTPRequestEvent] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return events.pop() if events else await receive()  # type: ignore[return-value]

    return again  # type: ignore[return-value]


def sealing(send: Send, *, takes_gzip: bool) -> Send:
    """A send that holds the head back until the body is whole, may zip it, and adds its digest."""
    head: list[Message] = []
    body = bytearray()

    async def sealed(message: Message) -> None:
        if message["type"] == "http.response.start":
            head.append(message)
            return
        if message["type"] != "http.response.body":
            await send(message)
            return
        body.extend(message.get("body", b""))
        if message.get("more_body", False):
            return
        start = head.pop()
        headers = MutableScopeHeaders.from_message(start)
        for name in FOR_BROWSERS:
            if name in headers:
                del headers[name]
        content = bytes(body)
        if takes_gzip and len(content) >= WORTH_GZIP_BYTES and "content-encoding" not in headers:
            content = gzip.compress(content, 6, mtime=0)
            headers["Content-Encoding"] = "gzip"
            headers["Content-Length"] = str(len(content))
        headers["Content-Digest"] = f"sha-256={digest_value(content)}"
        await send(start)
        await send({"type": "http.response.body", "body": content, "more_body": False})

    return sealed
