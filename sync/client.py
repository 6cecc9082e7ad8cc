"""The hub's one door to the cloud: every question is a method, every answer is checked before it is believed.

It decides nothing: no retries (but one fresh sign-in when a session has expired), no order, no storage.
"""

from __future__ import annotations

import gzip
import socket
import ssl
import zlib
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import urlencode

import httpx
import msgspec

from sync import wire
from sync.digest import content_digest, is_intact, is_named
from sync.errors import (
    ASKING_TO_WAIT,
    UNSENDABLE,
    CloudRefused,
    CloudUnreachable,
    NotTheCloud,
    OutOfStep,
    ShutOut,
    SignInNeeded,
    SyncError,
)
from sync.keys import public_key_b64, sign_leave, sign_next_key, sign_nonce
from sync.segments import Segment, frame
from sync.throttle import Throttle

CONNECT_S = 10.0
IDLE_S = 20.0
MAX_ANSWER_BYTES = 16 << 20
CONNECTIONS = 3  # two for segments, one for records
STANDING_S = 60.0  # how long an unused connection is kept
SEND_ROOM_BYTES = 32 << 10  # what the kernel may hold of a request: more would hide whether it gets on
_WORTH_GZIP_BYTES = 400
NO_ADDRESS = "no_address"
"""Says of a refusal that nothing was asked: what was given is no address."""
LIMITS = httpx.Limits(max_connections=CONNECTIONS, keepalive_expiry=STANDING_S)
SOCKET_OPTIONS = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_ROOM_BYTES),
]  # fmt: skip

Answer = TypeVar("Answer", bound=wire.Message)


async def enrol(
    base_url: str,
    seed: bytes,
    claim_code: str,
    *,
    model: str = "",
    sw: str = "",
    leaves: tuple[str, bytes] | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> wire.EnrolResponse:
    """Hand the cloud this hub's public key under a claim code, before there is a hub id.

    `leaves` is the id and key this machine had so far, where it shared them with a copy.

    Raises CloudRefused for a wrong or used code, CloudUnreachable or NotTheCloud otherwise.
    """
    pubkey = public_key_b64(seed)
    left, sig_old = ("", "") if leaves is None else (leaves[0], sign_leave(leaves[1], pubkey))
    request = wire.EnrolRequest(
        claim_code=claim_code, pubkey=pubkey, model=model, sw=sw, leaves=left, sig_old=sig_old
    )
    content, headers = _json(request)
    async with _open(base_url, transport) as http:
        return await _exchange(http, "POST", "v1/hub/enrol", wire.EnrolResponse, content, headers)


class CloudClient:
    """One hub's conversation with the cloud over one kept-alive connection; close it when done.

    `next_seed` is a key whose handing over may or may not have reached the cloud: it is tried where `seed` is
    not known there, and `on_next_key` is told when it was taken. `on_pins` is told, whenever a session opens,
    which keys the cloud says its certificates have or will have.
    """

    def __init__(
        self,
        base_url: str,
        hub_id: str,
        seed: bytes,
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        next_seed: bytes | None = None,
        on_next_key: Callable[[], None] = lambda: None,
        on_pins: Callable[[Sequence[str]], None] = lambda _: None,
        throttle: Throttle | None = None,
    ) -> None:
        self._throttle = throttle or Throttle()
        self._http = _open(base_url, transport)
        self._hub_id = hub_id
        self._seed = seed
        self._next_seed = next_seed
        self._on_next_key, self._on_pins = on_next_key, on_pins
        self._token: str | None = None
        self.bytes_sent = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Give the connection back; the client is of no use afterwards."""
        await self._http.aclose()

    @property
    def has_session(self) -> bool:
        """A token is at hand; the cloud may still find it too old."""
        return self._token is not None

    async def open_session(self) -> None:
        """Sign the cloud's nonce and keep the token. Raises SignInNeeded when the key is not known there."""
        self._token = None
        try:
            self._token = await self._new_token(self._seed)
        except SignInNeeded:
            if self._next_seed is None:
                raise
            self._token = await self._new_token(self._next_seed)
            self._seed, self._next_seed = self._next_seed, None
            self._on_next_key()

    async def _new_token(self, seed: bytes) -> str:
        try:
            ask = wire.ChallengeRequest(hub_id=self._hub_id)
            challenge = await self._send("v1/sync/challenge", wire.ChallengeResponse, *_json(ask))
            signature = _signature(seed, challenge.nonce)
            proof = wire.SessionRequest(hub_id=self._hub_id, nonce=challenge.nonce, sig=signature)
            session = await self._send("v1/sync/session", wire.SessionResponse, *_json(proof))
        except CloudRefused as error:
            if error.status in (401, 403, 404):
                raise SignInNeeded(error.detail) from error
            raise
        if not (session.token.isascii() and session.token.isprintable()):
            raise NotTheCloud("its token is malformed")
        self._on_pins(session.spki_pins)
        return session.token

    async def rotate(self, next_seed: bytes) -> None:
        """Hand over the next public key and use it from now on; the old one is good until then.

        Keep `next_seed` safe before asking: should the answer be lost, either key may be the right one.
        """
        pubkey = public_key_b64(next_seed)
        request = wire.RotateRequest(pubkey_next=pubkey, sig_old=sign_next_key(self._seed, pubkey))
        await self._signed_in("v1/hub/rotate", wire.RotateResponse, *_json(request))
        self._token = await self._new_token(next_seed)
        self._seed, self._next_seed = next_seed, None
        self._on_next_key()

    async def hello(self, request: wire.HelloRequest) -> wire.HelloResponse:
        """Say where this hub stands and learn where the cloud does."""
        return await self._signed_in("v1/sync/hello", wire.HelloResponse, *_json(request))

    async def push(self, request: wire.PushRequest) -> wire.PushResponse:
        """Propose operations in order. Raises OutOfStep when the cloud expects another number or epoch."""
        return await self._signed_in("v1/sync/push", wire.PushResponse, *_json(request))

    async def pull(
        self, after: int, limit_bytes: int, feed_epoch: int = 0, cursor_op: str = ""
    ) -> wire.PullResponse:
        """The club's feed behind `after`, oldest first; of the feed the hub has read so far, 0 for any.

        `cursor_op` is the op_id of entry `after`, "" where it is not known.
        """
        question = urlencode(
            {"after": after, "bytes": limit_bytes, "feed_epoch": feed_epoch, "cursor_op": cursor_op}
        )
        return await self._signed_in(f"v1/sync/pull?{question}", wire.PullResponse, None, {}, method="GET")

    async def snapshot(self, after_tbl: str, after_pk: str, limit_bytes: int) -> wire.SnapshotPage:
        """A page of the club's records behind the one given; "" and "" ask for the first page."""
        question = urlencode({"after_tbl": after_tbl, "after_pk": after_pk, "bytes": limit_bytes})
        return await self._signed_in(
            f"v1/sync/snapshot?{question}", wire.SnapshotPage, None, {}, method="GET"
        )

    async def digest(self) -> wire.DigestResponse:
        """How much the cloud has of each day and squad, and its digest."""
        return await self._signed_in("v1/sync/digest", wire.DigestResponse, None, {}, method="GET")

    async def leaves(self, day: str, squad: str) -> wire.LeavesResponse:
        """What exactly the cloud has of one day and squad."""
        question = urlencode({"day": day, "squad": squad})
        return await self._signed_in(
            f"v1/sync/leaves?{question}", wire.LeavesResponse, None, {}, method="GET"
        )

    async def tell_verified(self, found: wire.VerifiedRequest) -> None:
        """Let the cloud know what a comparison found, so that its pages can say so."""
        await self._signed_in("v1/sync/verified", wire.VerifiedResponse, *_json(found))

    async def club(self) -> wire.ClubResponse:
        """The club's hubs and what became of erasures."""
        return await self._signed_in("v1/sync/club", wire.ClubResponse, None, {}, method="GET")

    async def have(self, ids: Sequence[bytes]) -> set[bytes]:
        """Which of these segments (at most 500) the cloud lacks."""
        request = wire.HaveRequest(ids=[seg_id.hex() for seg_id in ids])
        answer = await self._signed_in("v1/seg/have", wire.HaveResponse, *_json(request))
        missing = set(answer.missing)
        return {seg_id for seg_id in ids if seg_id.hex() in missing}

    async def send_segments(self, segments: Sequence[Segment]) -> wire.SegmentResponse:
        """Send sealed segments in frames; the answer says which are durably stored."""
        return await self.send_samples(b"".join(frame(segment) for segment in segments), wire.FRAMES)

    async def send_samples(self, content: bytes, kind: str) -> wire.SegmentResponse:
        """Send segments as frames or batches (`wire.FRAMES`, `wire.BATCHES`)."""
        headers = {"content-type": kind, "content-digest": content_digest(content)}
        return await self._signed_in("v1/seg", wire.SegmentResponse, content, headers)

    async def _signed_in(
        self,
        path: str,
        answer: type[Answer],
        content: bytes | None,
        headers: Mapping[str, str],
        method: str = "POST",
    ) -> Answer:
        """Ask with the token; a session the cloud has forgotten is opened anew, once."""
        is_fresh = self._token is None
        if is_fresh:
            await self.open_session()
        try:
            return await self._send(path, answer, content, headers, method)
        except SignInNeeded:
            if is_fresh:
                raise
            await self.open_session()
        return await self._send(path, answer, content, headers, method)

    async def _send(
        self,
        path: str,
        answer: type[Answer],
        content: bytes | None,
        headers: Mapping[str, str],
        method: str = "POST",
    ) -> Answer:
        self.bytes_sent += len(content or b"")
        signed = dict(headers)
        if self._token is not None:
            signed["authorization"] = f"Bearer {self._token}"
        return await _exchange(self._http, method, path, answer, content, signed, self._throttle)


def _open(base_url: str, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    try:
        url = httpx.URL(base_url)
        is_address = _is_dialable(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise CloudRefused(f"{base_url!r} is no address", hint=_ADDRESS_HINT, err=NO_ADDRESS) from error
    if not is_address:
        raise CloudRefused(f"{base_url!r} is no address", hint=_ADDRESS_HINT, err=NO_ADDRESS)
    http = httpx.AsyncClient(
        base_url=url,
        transport=transport or httpx.AsyncHTTPTransport(limits=LIMITS, socket_options=SOCKET_OPTIONS),
        timeout=httpx.Timeout(IDLE_S, connect=CONNECT_S, pool=None),
        headers={"accept-encoding": "gzip"},
    )
    for needless in ("accept", "user-agent", "connection"):  # a hundred bytes a request
        del http.headers[needless]
    return http


def _is_dialable(url: httpx.URL) -> bool:
    """Whether name and port are such that the network can be asked. Raises ValueError for an odd name."""
    name = url.raw_host.decode("ascii")
    name.encode("idna")  # what looking a name up does to it
    is_port = url.port is None or 0 < url.port < 65_536
    return url.scheme in ("http", "https") and bool(url.host) and is_port and not set(name) & set(" %\\")


_ADDRESS_HINT = "Write the cloud's address like https://cloud.example.org"


def _signature(seed: bytes, nonce: str) -> str:
    try:
        return sign_nonce(seed, nonce)
    except UnicodeEncodeError as error:
        raise NotTheCloud("its challenge is malformed") from error


def _json(message: wire.Message) -> tuple[bytes, dict[str, str]]:
    """The message's bytes and headers; the same message always gives the same bytes.

    Raises CloudRefused for one that holds what cannot be written down.
    """
    try:
        content = msgspec.json.encode(message)
    except (msgspec.MsgspecError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise CloudRefused(f"it cannot be written down ({error})", err=UNSENDABLE) from error
    headers = {"content-type": "application/json"}
    if len(content) >= _WORTH_GZIP_BYTES:
        content = gzip.compress(content, 6, mtime=0)
        headers["content-encoding"] = "gzip"
    headers["content-digest"] = content_digest(content)
    return content, headers


def sent_size(message: wire.Message) -> int:
    """How many bytes the message is on the wire, without its headers. Raises CloudRefused as sending it."""
    return len(_json(message)[0])


async def _exchange(
    http: httpx.AsyncClient,
    method: str,
    path: str,
    answer: type[Answer],
    content: bytes | None,
    headers: Mapping[str, str],
    throttle: Throttle | None = None,
) -> Answer:
    """One request and its whole, checked answer; the connection is free again whatever happens.

    A body goes out in pieces, each with the whole idle time to itself: a slow link is not a dead one.
    """
    throttle = throttle or Throttle()
    sized = dict(headers) if content is None else {**headers, "content-length": str(len(content))}
    pieces = None if content is None else throttle.pieces(content)
    try:
        async with http.stream(method, path, content=pieces, headers=sized) as response:
            body = await _read(response, throttle)
    except (httpx.TransportError, OSError) as error:
        raise _cut(error) from error
    if not 200 <= response.status_code < 300:
        raise _refusal(response, body)
    return _decoded(response, body, answer)


async def _read(response: httpx.Response, throttle: Throttle) -> bytes:
    """The body as the cloud wrote it: bounded, its digest checked, gzip undone."""
    parts, size = [], 0
    async for part in response.aiter_raw():
        await throttle.passed(len(part))
        parts.append(part)
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            raise NotTheCloud("its answer does not end")
    body = b"".join(parts)
    if not is_intact(body, response.headers.get("content-digest")):
        raise CloudUnreachable("the answer was damaged on its way")
    if response.headers.get("content-encoding", "").strip().lower() != "gzip":
        return body
    stream = zlib.decompressobj(wbits=31)
    try:
        plain = stream.decompress(body, MAX_ANSWER_BYTES)
    except zlib.error as error:
        raise NotTheCloud("its answer is garbled") from error
    if not stream.eof:
        raise NotTheCloud("its answer is cut off or does not end")
    return plain


def _decoded(response: httpx.Response, body: bytes, answer: type[Answer]) -> Answer:
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise NotTheCloud(f"it sent {kind or 'something without a type'} (status {response.status_code})")
    try:
        return msgspec.json.decode(body, type=answer)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise NotTheCloud(f"its answer is not understood ({error})") from error


def _refusal(response: httpx.Response, body: bytes) -> SyncError:
    """The typed error an answer other than 2xx means."""
    status = response.status_code
    try:
        problem = _decoded(response, body, wire.Problem)
    except NotTheCloud as error:
        if status == 413:
            return CloudRefused("the batch is too large", status=status)
        if status == 429 or status >= 500:
            return CloudUnreachable(f"status {status}", status=status, retry_after_s=_retry_after_s(response))
        error.status = status
        return error
    words = f"{problem.err}: {problem.detail}" if problem.detail else problem.err
    if status == 409:
        for kind in ("gap", "epoch", "feed_reset", "clone", "proto"):
            if problem.err == kind:
                return OutOfStep(words, hint=_STOPPED.get(kind, ""), kind=kind, last_seq=problem.last_seq)
    if problem.err == "revoked":
        return ShutOut()
    if status == 401 or problem.err_class == "session":
        return SignInNeeded(words)
    if (problem.err_class == "transient" and status != 413) or status in ASKING_TO_WAIT:
        wait_s = _retry_after_s(response)
        return CloudUnreachable(words, status=status, err=problem.err, retry_after_s=wait_s)
    is_sealed = is_named(response.headers.get("content-digest")) and problem.err_class == "permanent"
    return CloudRefused(words, status=status, err=problem.err, is_its_own_word=is_sealed)


_STOPPED = {
    "clone": "Switch one of the two machines off, or let this one join as a hub of its own: make a claim"
    " code in the cloud and run touchline-hub rejoin CODE. Nothing recorded here is lost.",
    "proto": "Update this hub, or ask the cloud's admin to update the cloud. Nothing recorded here is lost.",
}


def _retry_after_s(response: httpx.Response) -> float | None:
    """Seconds the cloud asks to wait, however many; a date is ignored, since a hub's clock may be wrong."""
    text = response.headers.get("retry-after", "").strip()
    return float(text) if text.isascii() and text.isdigit() else None


def _cut(error: Exception) -> SyncError:
    words = str(error) or type(error).__name__
    if isinstance(error.__cause__, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in words:
        return NotTheCloud(
            f"its certificate is not valid ({words})",
            hint="Check the cloud's address, the hub's date, and whether this network wants a sign-in.",
        )
    return CloudUnreachable(words)
