"""Bundles from sticks: dropped or chosen here, followed while they are taken, answered with a file.

It takes nothing itself; what is not an upload of a signed-in coach never reaches the disk.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from litestar import Response, get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, QueryParameter
from litestar.response import Redirect, Stream

from cloud.bundle_answer import write_answer
from cloud.bundle_command import answer_name
from cloud.bundle_desk import MOST_BYTES, BundleDesk, Job
from cloud.clock import now_ms
from cloud.errors import BundleRefused, CloudError
from cloud.store.bundle_rows import BundleRow
from cloud.store.database import fetch_all
from cloud.store.rows import Coach, HubIdentity, HubStatus
from cloud.web.hubs import name_of
from cloud.web.shell import PageMissing, PageRequest, check_origin, coach_of, page, parts_of
from cloud.web.words import ago

ROWS = 30
READ_BYTES = 1 << 18
STATES = {"taken": "Taken", "there": "Already there", "refused": "Not taken"}
STEPS = {"waiting": "Waiting for its turn", "checking": "Checking", "taking": "Taking"}


@dataclass(frozen=True, slots=True)
class JobView:
    """An upload as it is shown; `tone` is taken, there, refused or busy."""

    name: str
    tone: str
    title: str
    words: str
    hint: str
    percent: int | None
    hub_id: str | None


@dataclass(frozen=True, slots=True)
class HubView:
    """A hub with its newest bundle, which an answer can be had to."""

    hub_id: str
    name: str
    newest: BundleRow | None


def desk_of(request: PageRequest) -> BundleDesk:
    """The desk the composition root left in the app's state."""
    desk: BundleDesk = request.app.state.bundles
    return desk


def shown(job: Job) -> JobView:
    """The upload in words."""
    if job.result is None:
        percent = None if job.step == "waiting" else job.percent
        return JobView(job.name, "busy", STEPS[job.step], "", "", percent, None)
    hub_id = job.result.hub.hub_id if job.result.hub else None
    return JobView(
        job.name, job.result.state, STATES[job.result.state], job.result.words, job.result.hint, None, hub_id
    )


@get("/bundles", include_in_schema=False)
async def bundles_page(request: PageRequest) -> Response[str]:
    coach = await coach_of(request)
    return page("bundles.html", coach=coach, here="bundles", problem="", **await _context(request, coach))


@get("/bundles/jobs", include_in_schema=False)
async def bundle_jobs(request: PageRequest) -> Response[str]:
    """The uploads alone, asked again while one is on its way."""
    coach = await coach_of(request)
    return page("_bundles.html", **await _context(request, coach))


@post("/bundles/file", status_code=200, request_max_body_size=MOST_BYTES, include_in_schema=False)
async def send_bundle(
    request: PageRequest, name: Annotated[str, QueryParameter(max_length=4096)] = ""
) -> dict[str, str]:
    """Take one file's bytes as they are."""
    coach = await _sender(request)
    declared = request.headers.get("content-length", "")
    n_bytes = int(declared) if declared.isdecimal() else 0
    try:
        job = await desk_of(request).receive(coach.club_id, name, n_bytes, request.stream())
    except BundleRefused as error:
        return {"fault": f"{error.detail} {error.hint}".strip()}
    return {"id": job.job_id}


@post("/bundles", status_code=200, request_max_body_size=MOST_BYTES, include_in_schema=False)
async def send_form(
    request: PageRequest, data: Annotated[dict[str, Any], Body(media_type=RequestEncodingType.MULTI_PART)]
) -> Response[str] | Redirect:
    """The same without a script."""
    coach = await _sender(request)
    given = data.get("file")
    files = given if isinstance(given, list) else [given]
    problem = ""
    for file in files:
        if isinstance(file, UploadFile) and file.filename:
            try:
                await desk_of(request).receive(coach.club_id, file.filename, 0, _parts(file))
            except BundleRefused as error:
                problem = f"{error} {error.hint}".strip()
    if not problem:
        return Redirect("/bundles", status_code=303)
    context = await _context(request, coach)
    return page("bundles.html", status=422, coach=coach, here="bundles", problem=problem, **context)


@get("/bundles/answers/{hub_id:str}", include_in_schema=False)
async def answer(request: PageRequest, hub_id: FromPath[str]) -> Stream:
    """The answer for a hub of the club, as a file."""
    coach = await coach_of(request)
    folder = desk_of(request).folder
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{uuid.uuid4()}.answer"
    try:
        hub = HubIdentity(coach.club_id, hub_id.replace("\0", ""))
        await write_answer(parts_of(request).database, hub, path)
    except CloudError as error:
        if error.is_temporary:
            raise
        raise PageMissing("answer") from error
    name = answer_name(hub_id, datetime.now(UTC))
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Length": str(path.stat().st_size),
        "Cache-Control": "no-store",
    }
    return Stream(_file(path), media_type="application/octet-stream", headers=headers)


async def _sender(request: PageRequest) -> Coach:
    check_origin(request)
    return await coach_of(request)


async def _context(request: PageRequest, coach: Coach) -> dict[str, Any]:
    jobs = [shown(job) for job in desk_of(request).jobs(coach.club_id)]
    async with parts_of(request).database.transaction() as db:
        rows = await fetch_all(db, "bundles", BundleRow, {"club_id": coach.club_id, "limit": ROWS})
        hubs = await fetch_all(db, "hub_statuses", HubStatus, {"club_id": coach.club_id})
        last = await fetch_all(db, "bundles_to_answer", BundleRow, {"club_id": coach.club_id, "hub_id": None})
    at_ms = now_ms()
    return {
        "jobs": jobs,
        "is_busy": any(job.tone == "busy" for job in jobs),
        "hubs": _answerable(hubs, last),
        "rows": rows,
        "states": STATES,
        "taken": {row.bundle_id: ago(row.taken_ms, at_ms) for row in rows},
        "again": {row.bundle_id: ago(row.again_ms, at_ms) for row in rows if row.again_ms is not None},
        "names": {hub.hub_id: name_of(hub.hub_id, hub.model) for hub in hubs},
        "limit_bytes": MOST_BYTES,
    }


def _answerable(hubs: Sequence[HubStatus], last: Sequence[BundleRow]) -> list[HubView]:
    bundles = {row.hub_id: row for row in last}
    return [
        HubView(hub.hub_id, name_of(hub.hub_id, hub.model), bundles[hub.hub_id])
        for hub in hubs
        if hub.hub_id in bundles
    ]


async def _parts(file: UploadFile) -> AsyncIterator[bytes]:
    while part := await file.read(READ_BYTES):
        yield part


async def _file(path: Path) -> AsyncIterator[bytes]:
    """The file's bytes; it is gone afterwards, also where the browser hung up."""
    try:
        with path.open("rb") as file:
            while part := await asyncio.to_thread(file.read, READ_BYTES):
                yield part
    finally:
        await asyncio.to_thread(path.unlink, missing_ok=True)


HANDLERS = [bundles_page, bundle_jobs, send_bundle, send_form, answer]
