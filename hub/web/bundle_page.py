"""Sync by stick: write what waits onto a USB stick or into this tablet, and take the cloud's answer from it.

What a bundle is and when anything counts as sent is the desk's and the cloud's business.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

from litestar import get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import File, Redirect, Template

from hub.errors import ActionRefused, HubError, NotFound
from hub.syncing.bundle_desk import BundleDesk
from hub.web.parts import parts_of
from hub.web.shell import SEE_OTHER, AnyRequest, Form, ago_text, is_fragment, page
from hub.web.uploads import clean_name, refuse_without_room

MOST_ANSWER_BYTES = 1 << 30
READ_BYTES = 1 << 18
OWN = "tablet"


def desk_of(request: AnyRequest) -> BundleDesk:
    """The desk the pages were given."""
    return parts_of(request).bundles


async def _context(request: AnyRequest) -> dict[str, Any]:
    parts, desk = parts_of(request), desk_of(request)
    books, sticks = await desk.books(), await asyncio.to_thread(desk.sticks)
    now_ms = parts.now_wall_ms()
    own = books.written[0] if books.written else None
    is_own = own is not None and await asyncio.to_thread(desk.own_file, own.name) is not None
    return {
        "desk": desk.view,
        "books": books,
        "sticks": sticks,
        "own": own if is_own else None,
        "written": ago_text(books.written[0].made_ms, now_ms) if books.written else None,
        "answered": ago_text(books.answer.taken_ms, now_ms) if books.answer else None,
        "mb": _mb,
        "has_mounts": bool(desk.setting.mounts),
    }


def _mb(n_bytes: int) -> str:
    for size, unit in ((1e9, "GB"), (1e6, "MB")):
        if n_bytes >= size:
            return f"{n_bytes / size:,.1f} {unit}"
    return f"{-(-n_bytes // 1000)} kB"


@get("/bundle", include_in_schema=False)
async def bundle_page(request: AnyRequest) -> Template:
    """What waits, the sticks that are plugged in, and what became of the last one."""
    return page(request, "bundle.html", **await _context(request))


@get("/bundle/state", include_in_schema=False)
async def bundle_state(request: AnyRequest) -> Template:
    """The state alone, asked again while the page is open."""
    return page(request, "_bundle.html", **await _context(request))


@post("/bundle/write", status_code=200, include_in_schema=False)
async def write(request: AnyRequest, data: Form) -> Template | Redirect:
    """Begin to write onto one of the sticks, or for this tablet."""
    desk, name = desk_of(request), data.get("stick", "")
    if name == OWN:
        desk.start_writing(None)
    else:
        found = {str(it.path): it.path for it in await asyncio.to_thread(desk.sticks)}
        if name not in found:
            raise ActionRefused("That stick is not plugged in any more.", hint="Plug it in and try again.")
        desk.start_writing(found[name])
    return await _answered(request)


@post("/bundle/stop", status_code=200, include_in_schema=False)
async def stop(request: AnyRequest) -> Template | Redirect:
    """Stop writing; it goes on from there the next time."""
    desk_of(request).stop_writing()
    return await _answered(request)


@get("/bundle/files/{name:str}", include_in_schema=False)
async def download(request: AnyRequest, name: FromPath[str]) -> File:
    """The bundle written for this tablet."""
    found = await asyncio.to_thread(desk_of(request).own_file, name)
    if found is None:
        raise NotFound("a bundle of that name.", hint="Write one first.")
    return File(
        found, filename=name, media_type="application/octet-stream", content_disposition_type="attachment"
    )


@post("/bundle/answer", status_code=200, request_max_body_size=MOST_ANSWER_BYTES, include_in_schema=False)
async def take_answer(
    request: AnyRequest, data: Annotated[dict[str, Any], Body(media_type=RequestEncodingType.MULTI_PART)]
) -> Template | Redirect:
    """Take the cloud's answer as this tablet has it."""
    desk, file = desk_of(request), data.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        raise ActionRefused("No file was chosen.", hint="Choose the answer the cloud's page gave.")
    path = desk.setting.own / "answer.upload"
    try:
        await _kept(file, path)
        await desk.take(path, clean_name(file.filename))
    except HubError:
        pass  # the desk's own words are shown
    finally:
        await asyncio.to_thread(path.unlink, missing_ok=True)
    return await _answered(request)


async def _kept(file: UploadFile, path: Path) -> None:
    await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
    await asyncio.to_thread(refuse_without_room, path.parent, 0)
    with await asyncio.to_thread(path.open, "wb") as kept:
        async for part in _parts(file):
            await asyncio.to_thread(kept.write, part)


async def _parts(file: UploadFile) -> AsyncIterator[bytes]:
    while part := await file.read(READ_BYTES):
        yield part


async def _answered(request: AnyRequest) -> Template | Redirect:
    if is_fragment(request):
        return page(request, "_bundle.html", **await _context(request))
    return Redirect("/bundle", status_code=SEE_OTHER)


HANDLERS = [bundle_page, bundle_state, write, stop, download, take_answer]
