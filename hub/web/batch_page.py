"""A batch of files while it is read: as a page, as a fragment, and live as server-sent events.

It queues nothing itself. A frame carries only the rows that changed since the one before, rendered by the
same template as the page; frames come at most a few times a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, suppress
from typing import Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Stream, Template

from hub.errors import NotFound
from hub.imports.jobs import BatchProgress, FileProgress
from hub.web.import_words import batch_view, file_view, said_of, shown_files
from hub.web.parts import parts_of
from hub.web.shell import SEE_OTHER, AnyRequest, Form, is_fragment, page

REST_S = 0.25
PING_S = 15.0
RECONNECT_MS = 2000

Row = Callable[[FileProgress], str]


class Frames:
    """Turns what a batch has become into frames of what is new in it."""

    def __init__(self, row: Row) -> None:
        self._row = row
        self._sent: dict[int, FileProgress] = {}

    def frame(self, batch: BatchProgress) -> bytes:
        """One server-sent event."""
        changed = [it for it in shown_files(batch) if self._sent.get(it.number) is not it]
        self._sent.update((it.number, it) for it in changed)
        told = {
            "done": batch.n_done,
            "files": len(batch.files),
            "said": said_of(batch),
            "finished": batch.is_finished,
            "rows": {str(it.number): self._row(it) for it in changed},
        }
        return b"data: %s\n\n" % msgspec.json.encode(told)


async def stream(
    changes: AsyncIterator[BatchProgress], frames: Frames, stopping: asyncio.Event, rest_s: float = REST_S
) -> AsyncIterator[bytes]:
    """Frames until the batch is finished or the hub stops; a ping where nothing changes for long."""
    halt = asyncio.create_task(stopping.wait())
    take: asyncio.Task[BatchProgress] | None = None
    try:
        yield b"retry: %d\n\n" % RECONNECT_MS
        while not stopping.is_set():
            take = take or asyncio.ensure_future(_next(changes))
            done, _ = await asyncio.wait({take, halt}, timeout=PING_S, return_when=asyncio.FIRST_COMPLETED)
            if halt in done:
                return
            if take not in done:
                yield b": ping\n\n"
                continue
            try:
                batch, take = take.result(), None
            except StopAsyncIteration:
                return
            yield frames.frame(batch)
            await asyncio.wait({halt}, timeout=rest_s)
    finally:
        for task in (halt, take):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError, StopAsyncIteration):
                    await task


async def _next(changes: AsyncIterator[BatchProgress]) -> BatchProgress:
    return await anext(changes)


def _progress(request: AnyRequest, batch_id: UUID) -> BatchProgress:
    progress = parts_of(request).imports.progress(str(batch_id))
    if progress is None:
        raise NotFound("this import is over", hint="What became of it stands under Earlier imports.")
    return progress


def _row_of(request: AnyRequest, batch_id: UUID) -> Row:
    engine = request.app.template_engine
    assert engine is not None
    template = engine.get_template("_batch_file.html")
    return lambda file: str(template.render(batch_id=str(batch_id), file=file_view(file)))


@get("/import/batches", include_in_schema=False)
async def batch_list(request: AnyRequest) -> list[str]:
    """The ids of the batches still known, newest first; a watched folder or a stick may have begun one."""
    return [it.batch_id for it in parts_of(request).imports.batches()[:10]]


@get("/import/batches/{batch_id:uuid}", include_in_schema=False)
async def batch_page(request: AnyRequest, batch_id: FromPath[UUID]) -> Template:
    """A batch as it stands."""
    batch = batch_view(_progress(request, batch_id))
    return page(request, "_batch.html" if is_fragment(request) else "batch.html", batch=batch)


@get("/import/batches/{batch_id:uuid}/stream", include_in_schema=False)
async def batch_stream(request: AnyRequest, batch_id: FromPath[UUID]) -> Stream:
    """What changes in a batch, until it is finished."""
    parts = parts_of(request)
    _progress(request, batch_id)
    frames = Frames(_row_of(request, batch_id))

    async def all_frames() -> AsyncIterator[bytes]:
        changes = parts.imports.events(str(batch_id))
        async with aclosing(stream(changes, frames, parts.stopping)) as found:  # type: ignore[type-var]
            async for frame in found:
                yield frame

    return Stream(
        all_frames(),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _number(data: dict[str, str]) -> int | None:
    text = data.get("number", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None


def _back(request: AnyRequest, batch_id: UUID) -> Response[Any]:
    if is_fragment(request):
        return Response(None, status_code=204)
    return Redirect(f"/import/batches/{batch_id}", status_code=SEE_OTHER)


@post("/import/batches/{batch_id:uuid}/cancel", include_in_schema=False)
async def cancel(request: AnyRequest, batch_id: FromPath[UUID], data: Form) -> Response[Any]:
    """Stop one file, or without a number all of them."""
    _progress(request, batch_id)
    parts_of(request).imports.cancel(str(batch_id), _number(data))
    return _back(request, batch_id)


@post("/import/batches/{batch_id:uuid}/retry", include_in_schema=False)
async def retry(request: AnyRequest, batch_id: FromPath[UUID], data: Form) -> Response[Any]:
    """Read a file once more, or without a number all that had a problem."""
    batch = batch_view(_progress(request, batch_id))
    asked = _number(data)
    numbers = [it.number for it in batch.files if it.can_retry] if asked is None else [asked]
    for number in numbers:
        parts_of(request).imports.retry(str(batch_id), number)
    return _back(request, batch_id)


HANDLERS = [batch_list, batch_page, batch_stream, cancel, retry]
