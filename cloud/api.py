"""What hubs call, under /v1: enrolment, sessions, push, pull, snapshots, segments, in the wire's own types.

It holds no rules: it opens the transaction, asks hubs or ingest, and answers after the commit.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response, Router, get, post
from litestar.enums import MediaType
from litestar.exceptions import HTTPException
from litestar.params import JSONBody, QueryParameter

from cloud import erasure, greeting, hubs, ingest, proof, roll_call
from cloud.accounts import sha256
from cloud.callers import HubRequest, authenticate, in_greeting_turn, in_turn, parts_of, token_of
from cloud.clock import now_ms
from cloud.content import ContentGate
from cloud.errors import BodyRefused, CloudError, SessionRequired
from cloud.snapshot import snapshot_page
from cloud.store.database import execute, fetch_all, fetch_values
from cloud.store.rows import FeedRow
from sync import wire
from sync.chain import filled
from sync.digest import content_digest

MAX_IDS = 500
PULL_BYTES = 1 << 20
PULL_ROWS = 1000


@post("/hub/enrol", status_code=200, summary="Join a club with a claim code")
async def enrol(request: HubRequest, data: JSONBody[wire.EnrolRequest]) -> wire.EnrolResponse:
    parts = parts_of(request)
    caller = request.client.host if request.client else ""
    parts.enrol_tries.check(caller)
    try:
        async with parts.database.transaction() as db:
            answer = await hubs.enrol(db, data, now_ms())
        return msgspec.structs.replace(answer, spki_pins=parts.own_pins())
    except CloudError:
        parts.enrol_tries.count(caller)
        raise


@post("/sync/challenge", status_code=200, summary="Ask for a nonce to sign")
async def challenge(request: HubRequest, data: JSONBody[wire.ChallengeRequest]) -> wire.ChallengeResponse:
    async with parts_of(request).database.transaction() as db:
        return await hubs.challenge(db, data.hub_id, now_ms())


@post("/sync/session", status_code=200, summary="Open a session with a signed nonce")
async def open_session(request: HubRequest, data: JSONBody[wire.SessionRequest]) -> wire.SessionResponse:
    parts = parts_of(request)
    database = parts.database
    async with database.transaction() as db:  # committed before the signature is judged
        is_fresh = await hubs.use_nonce(db, data, now_ms())
    if not is_fresh:
        raise SessionRequired("The nonce is unknown, used or too old.")
    async with database.transaction() as db:
        answer = await hubs.open_session(db, data, now_ms())
    return msgspec.structs.replace(answer, spki_pins=parts.own_pins())


@post("/sync/hello", status_code=200, summary="Compare where both logs stand")
@in_greeting_turn
async def hello(request: HubRequest, data: JSONBody[wire.HelloRequest]) -> wire.HelloResponse:
    database = parts_of(request).database
    async with database.transaction() as db:  # committed whatever is answered
        hub = await authenticate(db, request)
        is_cloned = await greeting.find_clone(db, hub, data, now_ms())
        forgotten = await erasure.forgotten(db, hub.club_id, data.erased) if data.erased else []
    if is_cloned:
        raise greeting.refuse_clone()
    for subject_id in forgotten:  # a backup brought them back
        async with database.transaction() as db:
            await erasure.erase_again(db, hub.club_id, subject_id, f"hub {hub.hub_id}", now_ms())
    async with database.transaction() as db:
        return await greeting.hello(db, hub, data, now_ms(), sha256(token_of(request)))


@post("/hub/rotate", status_code=200, summary="Hand over the hub's next key")
@in_greeting_turn
async def rotate(request: HubRequest, data: JSONBody[wire.RotateRequest]) -> wire.RotateResponse:
    async with parts_of(request).database.transaction() as db:
        hub = await authenticate(db, request)
        return await hubs.rotate(db, hub, data, now_ms())


@post("/sync/push", status_code=200, summary="Propose edits, in order")
@in_turn
async def push(request: HubRequest, data: JSONBody[wire.PushRequest]) -> wire.PushResponse:
    parts = parts_of(request)
    async with parts.database.transaction() as db:
        hub = await authenticate(db, request)
    async with parts.database.transaction() as db:
        taken = await ingest.push(db, hub, msgspec.structs.replace(data, ops=filled(data.ops)), now_ms())
    if any(result.status != "dup" for result in taken.response.results):
        parts.on_arrival()
    if taken.stopped is not None:
        raise taken.stopped
    return taken.response


@get("/sync/pull", summary="Read the club's feed after a cursor")
@in_turn
async def pull(
    request: HubRequest,
    after: Annotated[int, QueryParameter(ge=0, le=2**62)],
    byte_limit: Annotated[int, QueryParameter(name="bytes", ge=1)] = PULL_BYTES,
    feed_epoch: Annotated[int, QueryParameter(ge=0, le=2**62)] = 0,
    cursor_op: Annotated[str, QueryParameter(max_length=100)] = "",
) -> wire.PullResponse:
    place = greeting.Place(feed_epoch, after, cursor_op)
    async with parts_of(request).database.transaction() as db:
        hub = await authenticate(db, request)
        clock = await greeting.feed_at(db, hub.club_id, place, now_ms())
        params = {"club_id": hub.club_id, "after": after, "limit": PULL_ROWS}
        rows = await fetch_all(db, "feed_after", FeedRow, params)
        is_elsewhere = feed_epoch not in (0, clock.feed_epoch) or after > clock.seq
        is_compacted = after < clock.horizon or (bool(rows) and rows[0].seq != after + 1)
        if feed_epoch and (is_elsewhere or is_compacted):
            return wire.PullResponse(
                ops=[], head=clock.seq, reset=wire.Reset(snapshot_url="/v1/sync/snapshot", at_seq=clock.seq)
            )
        cursor = min(after, clock.seq)
        await execute(db, "hub_pulled", {"club_id": hub.club_id, "hub_id": hub.hub_id, "cursor": cursor})
    ops = within(
        [msgspec.convert(row, wire.FeedOp, from_attributes=True) for row in rows], min(byte_limit, PULL_BYTES)
    )
    return wire.PullResponse(ops=ops, head=max(clock.seq, ops[-1].seq if ops else 0))


@get("/sync/snapshot", summary="Read the club's records as they are now, page by page")
@in_turn
async def snapshot(
    request: HubRequest,
    after_tbl: Annotated[str, QueryParameter(max_length=200)] = "",
    after_pk: Annotated[str, QueryParameter(max_length=200)] = "",
    byte_limit: Annotated[int, QueryParameter(name="bytes", ge=1)] = PULL_BYTES,
) -> wire.SnapshotPage:
    async with parts_of(request).database.transaction() as db:
        hub = await authenticate(db, request)
        return await snapshot_page(
            db, hub, after_tbl.replace("\0", ""), after_pk.replace("\0", ""), min(byte_limit, PULL_BYTES)
        )


@get("/sync/digest", summary="Prove what the cloud has, by day and squad")
@in_turn
async def digest(request: HubRequest) -> wire.DigestResponse:
    async with parts_of(request).database.transaction() as db:
        return await proof.digest(db, await authenticate(db, request))


@get("/sync/leaves", summary="Say exactly what the cloud has of one day and squad")
@in_turn
async def leaves(
    request: HubRequest,
    day: Annotated[str, QueryParameter(max_length=200)] = "",
    squad: Annotated[str, QueryParameter(max_length=200)] = "",
) -> wire.LeavesResponse:
    async with parts_of(request).database.transaction() as db:
        return await proof.leaves(db, await authenticate(db, request), day, squad)


@post("/sync/verified", status_code=200, summary="Say what a comparison found")
@in_turn
async def verified(request: HubRequest, data: JSONBody[wire.VerifiedRequest]) -> wire.VerifiedResponse:
    at_ms = now_ms()
    async with parts_of(request).database.transaction() as db:
        await proof.keep_finding(db, await authenticate(db, request), data, at_ms)
    return wire.VerifiedResponse(server_ms=at_ms)


@get("/sync/club", summary="The club's hubs, and which of them carried erasures out")
@in_turn
async def club(request: HubRequest) -> wire.ClubResponse:
    async with parts_of(request).database.transaction() as db:
        return await roll_call.club(db, await authenticate(db, request), now_ms())


def within(ops: list[wire.FeedOp], byte_limit: int) -> list[wire.FeedOp]:
    """As many entries from the front as fit, but always one, so that a cursor can move."""
    used = 0
    for count, op in enumerate(ops):
        used += len(msgspec.json.encode(op)) + 1
        if used > byte_limit and count > 0:
            return ops[:count]
    return ops


@post("/seg/have", status_code=200, summary="Ask which segments are missing")
@in_turn
async def have(request: HubRequest, data: JSONBody[wire.HaveRequest]) -> wire.HaveResponse:
    if len(data.ids) > MAX_IDS:
        raise BodyRefused(f"At most {MAX_IDS} ids.")
    try:
        wanted = [bytes.fromhex(text) for text in data.ids]
    except ValueError as error:
        raise BodyRefused("An id is not hex.") from error
    async with parts_of(request).database.transaction() as db:
        hub = await authenticate(db, request)
        held = set(await fetch_values(db, "segments_held", {"club_id": hub.club_id, "seg_ids": wanted}))
    return wire.HaveResponse(missing=[seg_id.hex() for seg_id in wanted if seg_id.hex() not in held])


@post("/seg", status_code=200, summary="Store segments, as concatenated frames or batches")
@in_turn
async def segments(request: HubRequest) -> wire.SegmentResponse:
    parts = parts_of(request)
    async with parts.database.transaction() as db:
        hub = await authenticate(db, request)
    kind = request.headers.get("content-type", wire.FRAMES)
    opened = await ingest.open_segments(await request.body(), kind)
    async with parts.database.transaction() as db:
        erased = await ingest.store_segments(db, hub, opened.good, now_ms())
    if opened.good:
        parts.on_arrival()
    gone = {it.id for it in erased}
    stored = [segment.seg_id.hex() for segment in opened.good if segment.seg_id.hex() not in gone]
    return wire.SegmentResponse(stored=stored, rejected=[*opened.rejected, *erased])


def on_cloud_error(_: HubRequest, error: CloudError) -> Response[bytes]:
    """A refusal as the wire's Problem."""
    detail = f"{error} {error.hint}".strip()
    problem = wire.Problem(err=error.err, err_class=error.err_class, detail=detail, last_seq=error.last_seq)
    headers = {"Retry-After": str(error.retry_after_s)} if error.status in (429, 503) else {}
    return _said(problem, error.status, headers)


def _said(problem: wire.Problem, status: int, headers: dict[str, str] | None = None) -> Response[bytes]:
    """A Problem under its digest, by which a hub knows the cloud's own word, also where the gate refuses."""
    content = msgspec.json.encode(problem)
    sealed = {**(headers or {}), "Content-Digest": content_digest(content)}
    return Response(content, status_code=status, headers=sealed, media_type=MediaType.JSON)


def on_bad_request(_: HubRequest, error: HTTPException) -> Response[bytes]:
    """What the framework itself refuses: a body or parameter of the wrong shape."""
    problem = wire.Problem(err="invalid", err_class="permanent", detail=str(error.detail)[:500])
    return _said(problem, error.status_code)


def on_failure(_: HubRequest, __: Exception) -> Response[bytes]:
    """Our own fault; the hub keeps the bytes and tries again."""
    problem = wire.Problem(
        err="failed", err_class="transient", detail="The cloud failed; it was logged there."
    )
    return _said(problem, 500)


def api_router() -> Router:
    """Everything under /v1."""
    return Router(
        "/v1",
        route_handlers=[
            *(enrol, rotate, challenge, open_session, hello),
            *(push, pull, snapshot, digest, leaves, verified, club),
            *(have, segments),
        ],
        middleware=[ContentGate()],
        exception_handlers={CloudError: on_cloud_error, HTTPException: on_bad_request, Exception: on_failure},
        tags=["sync"],
        request_max_body_size=None,
    )
