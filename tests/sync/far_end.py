"""A small cloud in memory and every way to break the line to it, for tests of the sender.

It speaks the real wire types over httpx's transport seam and keeps just enough to answer; the real service's
merging, stamping and storage are tested against Postgres elsewhere.
"""

from __future__ import annotations

import gzip
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TypeVar

import httpx
import msgspec

from sync import wire
from sync.chain import CHAIN_0, next_chain
from sync.digest import content_digest, is_intact
from sync.keys import verify_nonce
from sync.segments import Samples, unframe, unseal

Body = TypeVar("Body", bound=wire.Message)
SERVER_MS = 1_790_000_000_000


class Refusal(Exception):
    def __init__(self, status: int, err: str, err_class: str, last_seq: int | None = None) -> None:
        self.status = status
        self.problem = wire.Problem(err=err, err_class=err_class, last_seq=last_seq)  # type: ignore[arg-type]


class SmallCloud:
    """Durable state of the far side: the hub's log, the club's feed, the segments."""

    def __init__(self, pubkey: str, hub_id: str = "hub-1") -> None:
        self.pubkey = pubkey
        self.hub_id = hub_id
        self.log: list[wire.Op] = []
        self.old_log: list[wire.Op] = []
        self.epoch = 1
        self.feed: list[wire.FeedOp] = []
        self.anchors: list[wire.Anchor] = []
        self.segments: dict[bytes, Samples] = {}
        self.refuse_segments: dict[bytes, str] = {}
        self.largest_body = 1 << 20
        self.tokens: set[str] = set()
        self.nonces: set[str] = set()
        self.requests: list[str] = []
        self.sessions = 0
        self.feed_epoch = 1
        self.horizon = 0
        self.is_old = False  # speaks neither resets nor snapshots
        self.hellos: list[wire.HelloRequest] = []
        self.fails_on: set[str] = set()
        self._names = itertools.count(1)

    def answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        self.requests.append(request.url.path)
        try:
            message = self._route(request, body)
        except Refusal as refusal:
            return json_response(refusal.problem, refusal.status)
        return json_response(message, 200)

    def _route(self, request: httpx.Request, body: bytes) -> wire.Message:
        if not is_intact(body, request.headers.get("content-digest")):
            raise Refusal(400, "digest", "transient")
        if body and "content-digest" not in request.headers:
            raise Refusal(400, "no digest", "permanent")
        if len(body) > self.largest_body:
            raise Refusal(413, "too_large", "permanent")
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        path = request.url.path
        if path == "/v1/hub/enrol":
            return self._enrol(msgspec.json.decode(body, type=wire.EnrolRequest))
        if path == "/v1/sync/challenge":
            return self._challenge(msgspec.json.decode(body, type=wire.ChallengeRequest))
        if path == "/v1/sync/session":
            return self._session(msgspec.json.decode(body, type=wire.SessionRequest))
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            raise Refusal(401, "no_session", "session")
        return self._signed_in(path, request, body)

    def _signed_in(self, path: str, request: httpx.Request, body: bytes) -> wire.Message:
        if path == "/v1/sync/hello":
            return self._hello(msgspec.json.decode(body, type=wire.HelloRequest))
        if path == "/v1/sync/push":
            return self._push(msgspec.json.decode(body, type=wire.PushRequest))
        if path == "/v1/sync/pull":
            after, limit = int(request.url.params["after"]), int(request.url.params["bytes"])
            feed_epoch = int(request.url.params.get("feed_epoch", "0"))
            is_gone = after < self.horizon or after > len(self.feed) or feed_epoch != self.feed_epoch
            if is_gone and not self.is_old:
                reset = wire.Reset(snapshot_url="/v1/sync/snapshot", at_seq=len(self.feed))
                return wire.PullResponse(ops=[], head=len(self.feed), reset=reset)
            return wire.PullResponse(ops=self.feed[after : after + max(1, limit // 512)], head=len(self.feed))
        if path == "/v1/sync/snapshot":
            return self._snapshot(request.url.params["after_tbl"], request.url.params["after_pk"])
        if path == "/v1/seg/have":
            ids = msgspec.json.decode(body, type=wire.HaveRequest).ids
            return wire.HaveResponse(missing=[i for i in ids if bytes.fromhex(i) not in self.segments])
        if path == "/v1/seg":
            return self._store(body)
        raise Refusal(404, "no_such_place", "permanent")

    def _enrol(self, request: wire.EnrolRequest) -> wire.EnrolResponse:
        if request.claim_code != "CLAIM-ME":
            raise Refusal(403, "wrong_code", "permanent")
        self.pubkey = request.pubkey
        return wire.EnrolResponse(hub_id=self.hub_id, club_id="club-1", club_name="FC", server_ms=SERVER_MS)

    def _challenge(self, request: wire.ChallengeRequest) -> wire.ChallengeResponse:
        if request.hub_id != self.hub_id:
            raise Refusal(404, "unknown_hub", "permanent")
        nonce = f"nonce-{next(self._names)}"
        self.nonces.add(nonce)
        return wire.ChallengeResponse(nonce=nonce, server_ms=SERVER_MS)

    def _session(self, request: wire.SessionRequest) -> wire.SessionResponse:
        if request.nonce not in self.nonces or not verify_nonce(self.pubkey, request.nonce, request.sig):
            raise Refusal(401, "bad_signature", "session")
        self.nonces.remove(request.nonce)
        self.sessions += 1
        token = f"token-{next(self._names)}"
        self.tokens.add(token)
        return wire.SessionResponse(token=token, ttl_s=3600)

    def _snapshot(self, after_tbl: str, after_pk: str) -> wire.SnapshotPage:
        """Three records a page."""
        docs: dict[tuple[str, str], dict[str, object]] = {}
        for op in self.feed:
            if op.kind == "set":
                docs.setdefault((op.tbl, op.pk), {}).update(op.fields)
        left = [key for key in sorted(docs) if key > (after_tbl, after_pk)]
        page, rest = left[:3], left[3:]
        rows = [wire.SnapshotRow(tbl=tbl, pk=pk, doc=docs[tbl, pk], stamps={}) for tbl, pk in page]
        return wire.SnapshotPage(
            feed_epoch=self.feed_epoch, at_seq=len(self.feed), epoch=self.epoch, last_seq=len(self.log),
            rows=rows, next_tbl=page[-1][0] if rest else None, next_pk=page[-1][1] if rest else None,
        )  # fmt: skip

    def _hello(self, request: wire.HelloRequest) -> wire.HelloResponse:
        self.hellos.append(request)
        if request.epoch > self.epoch:
            self.epoch, self.old_log, self.log = request.epoch, [*self.old_log, *self.log], []
        return wire.HelloResponse(
            proto=1,
            server_ms=SERVER_MS,
            last_seq=len(self.log),
            last_chain=self.log[-1].chain if self.log else CHAIN_0,
            epoch=self.epoch,
            feed_epoch=self.feed_epoch,
            head=len(self.feed),
        )

    def _push(self, request: wire.PushRequest) -> wire.PushResponse:
        self.anchors += [anchor for anchor in request.anchors if anchor not in self.anchors]
        if request.epoch != self.epoch:
            raise Refusal(409, "epoch", "session", last_seq=len(self.log))
        if self.fails_on & {str(name) for op in request.ops for name in op.fields}:
            raise Refusal(500, "failed", "transient")
        results = [self._accept(op) for op in request.ops]
        return wire.PushResponse(last_seq=len(self.log), results=results)

    def _accept(self, op: wire.Op) -> wire.OpResult:
        if op.seq <= len(self.log):
            return wire.OpResult(seq=op.seq, status="dup")
        if op.seq != len(self.log) + 1:
            raise Refusal(409, "gap", "session", last_seq=len(self.log))
        assert op.chain == next_chain(self.log[-1].chain if self.log else CHAIN_0, op.op_id)
        self.log.append(op)
        if any(op.op_id == known.op_id for known in self.old_log):
            return wire.OpResult(seq=op.seq, status="dup")
        is_poison = "poison" in op.fields or op.tbl == wire.SUSPECT
        self.say("reject" if is_poison else "set", op)
        return wire.OpResult(seq=op.seq, status="dead" if is_poison else "ok")

    def say(self, kind: str, op: wire.Op) -> None:
        entry = wire.FeedOp(
            seq=len(self.feed) + 1,
            op_id=op.op_id,
            kind=kind,  # type: ignore[arg-type]
            tbl=op.tbl,
            pk=op.pk,
            fields=op.fields,
            stamp_ms=SERVER_MS + len(self.feed),
            hub_id=self.hub_id,
        )
        self.feed.append(entry)

    def _store(self, body: bytes) -> wire.SegmentResponse:
        stored, rejected = [], []
        for segment in unframe(body):
            if segment.seg_id in self.refuse_segments:
                code = self.refuse_segments[segment.seg_id]
                rejected.append(wire.SegmentRejected(id=segment.seg_id.hex(), code=code))
                continue
            self.segments[segment.seg_id] = unseal(segment)
            stored.append(segment.seg_id.hex())
        return wire.SegmentResponse(stored=stored, rejected=rejected)


class Bytes(httpx.AsyncByteStream):
    """A body that comes in small pieces and may break off."""

    def __init__(self, data: bytes, cut_at: int | None = None) -> None:
        self.data = data
        self.cut_at = cut_at

    async def __aiter__(self) -> AsyncIterator[bytes]:
        until = len(self.data) if self.cut_at is None else self.cut_at
        for at in range(0, until, 1000):
            yield self.data[at : min(at + 1000, until)]
        if self.cut_at is not None:
            raise httpx.ReadError("connection reset")


def json_response(message: wire.Message, status: int) -> httpx.Response:
    content = msgspec.json.encode(message)
    headers = {"content-type": "application/json", "content-digest": content_digest(content)}
    return httpx.Response(status, headers=headers, stream=Bytes(content))


def page(status: int, text: str = "<html>Welcome to Stadium WiFi</html>") -> httpx.Response:
    return httpx.Response(status, headers={"content-type": "text/html"}, stream=Bytes(text.encode()))


class Line(httpx.AsyncBaseTransport):
    """The way to the cloud; before each request `faults` says what happens to it (see `FAULTS`)."""

    def __init__(self, cloud: SmallCloud, faults: Callable[[], str] | Iterator[str] | None = None) -> None:
        self.cloud = cloud
        self.faults = faults
        self.late: list[tuple[httpx.Request, bytes]] = []
        self.is_closed = False

    def _fault(self) -> str:
        if self.faults is None:
            return "none"
        return self.faults() if callable(self.faults) else next(self.faults, "none")

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        return FAULTS[self._fault()](self, request, body)

    async def aclose(self) -> None:
        self.is_closed = True


def _works(line: Line, request: httpx.Request, body: bytes) -> httpx.Response:
    return line.cloud.answer(request, body)


def _never_arrives(line: Line, request: httpx.Request, body: bytes) -> httpx.Response:
    raise httpx.ConnectError("no route to host")


def _answer_is_lost(line: Line, request: httpx.Request, body: bytes) -> httpx.Response:
    line.cloud.answer(request, body)
    raise httpx.ReadError("connection reset")


def _arrives_twice(line: Line, request: httpx.Request, body: bytes) -> httpx.Response:
    line.cloud.answer(request, body)
    return line.cloud.answer(request, body)


def _arrives_late(line: Line, request: httpx.Request, body: bytes) -> httpx.Response:
    line.late.append((request, body))
    raise httpx.ReadTimeout("nothing heard")


def _late_ones_arrive(line: Line, request: httpx.Request, body: bytes) -> httpx.Response:
    while line.late:
        line.cloud.answer(*line.late.pop())
    return line.cloud.answer(request, body)


def _portal(line: Line, request: httpx.Request, body: bytes) -> httpx.Response:
    return page(200)


def _gateway(line: Line, request: httpx.Request, body: bytes) -> httpx.Response:
    return page(502, "<h1>Bad gateway</h1>")


def _redirect(line: Line, request: httpx.Request, body: bytes) -> httpx.Response:
    return httpx.Response(302, headers={"location": "http://portal/"}, stream=Bytes(b""))


def _busy(line: Line, request: httpx.Request, body: bytes) -> httpx.Response:
    response = json_response(wire.Problem(err="busy", err_class="transient"), 503)
    response.headers["retry-after"] = "40"
    return response


def _broken_off(line: Line, request: httpx.Request, body: bytes) -> httpx.Response:
    response = line.cloud.answer(request, body)
    assert isinstance(response.stream, Bytes)
    response.stream.cut_at = len(response.stream.data) // 2
    return response


def _shortened(line: Line, request: httpx.Request, body: bytes) -> httpx.Response:
    response = line.cloud.answer(request, body)
    assert isinstance(response.stream, Bytes)
    response.stream.data = response.stream.data[:-5]
    del response.headers["content-digest"]
    return response


def _answer_damaged(line: Line, request: httpx.Request, body: bytes) -> httpx.Response:
    response = line.cloud.answer(request, body)
    assert isinstance(response.stream, Bytes)
    response.stream.data = response.stream.data.replace(b"1", b"2")
    return response


def _request_damaged(line: Line, request: httpx.Request, body: bytes) -> httpx.Response:
    return line.cloud.answer(request, bytes([body[0] ^ 1]) + body[1:] if body else body)


def _session_forgotten(line: Line, request: httpx.Request, body: bytes) -> httpx.Response:
    line.cloud.tokens.clear()
    return line.cloud.answer(request, body)


FAULTS: dict[str, Callable[[Line, httpx.Request, bytes], httpx.Response]] = {
    "none": _works,
    "never arrives": _never_arrives,
    "answer is lost": _answer_is_lost,
    "arrives twice": _arrives_twice,
    "arrives late": _arrives_late,
    "late ones arrive": _late_ones_arrive,
    "portal": _portal,
    "gateway": _gateway,
    "redirect": _redirect,
    "busy": _busy,
    "broken off": _broken_off,
    "shortened": _shortened,
    "answer damaged": _answer_damaged,
    "request damaged": _request_damaged,
    "session forgotten": _session_forgotten,
}
