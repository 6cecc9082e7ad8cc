"""Imports: files in by drop, choice or plain form; what waits for a person; what came of earlier ones.

It reads no format and decides nothing about a file; the import desk does.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.datastructures import UploadFile
from litestar.params import Body, FromPath, QueryParameter
from litestar.response import Redirect, Template

from hub.domain import Athlete
from hub.errors import ActionRefused
from hub.imports import boot_time, inbox, shown
from hub.imports.boot_time import TimeOffer
from hub.imports.jobs import MOST_FILES, Incoming
from hub.imports.shown import AskedAbout
from hub.store import athletes, imports
from hub.store.imports import ImportRecord
from hub.web.import_words import batch_view, words
from hub.web.parts import parts_of
from hub.web.shell import SEE_OTHER, AnyRequest, is_fragment, page
from hub.web.uploads import FILE_LIMIT_BYTES, clean_name, receive, refuse_without_room, throw_away, uploaded

PAGE_ROWS = 50
BATCHES_SHOWN = 10
LIST_LIMIT_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class SentFile:
    """An upload as the page names it: the id it was given and what people call it."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class StartList:
    """Uploads to import together; without an athlete each is for whom it says it is."""

    files: list[SentFile]
    athlete_id: str = ""


@dataclass(frozen=True, slots=True)
class Earlier:
    """A page of earlier imports, newest first."""

    records: list[ImportRecord]
    number: int
    has_older: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for a person: people in the inbox, zones, times of boots; and times taken before."""

    n_people: int
    asked: list[AskedAbout]
    times: list[TimeOffer]
    taken: list[TimeOffer]


def _waiting(db: sqlite3.Connection) -> Waiting:
    times = boot_time.offers(db)
    return Waiting(
        len(inbox.inbox(db)),
        shown.open_questions(db),
        [it for it in times if not it.is_taken],
        [it for it in times if it.is_taken],
    )


def earlier(db: sqlite3.Connection, number: int) -> Earlier:
    """The numbered page of the diary, counted from 1."""
    found = imports.recent(db, number * PAGE_ROWS + 1)
    rows = found[(number - 1) * PAGE_ROWS :]
    return Earlier(rows[:PAGE_ROWS], number, len(rows) > PAGE_ROWS)


@get("/import", include_in_schema=False)
async def import_page(
    request: AnyRequest,
    number: Annotated[int, QueryParameter(name="page", ge=1, le=10_000)] = 1,
) -> Template:
    """The drop zone, what is under way, what waits for a person, and what was imported before."""
    parts = parts_of(request)

    def question(db: sqlite3.Connection) -> tuple[list[Athlete], Earlier, Waiting]:
        return athletes.all_athletes(db), earlier(db, number), _waiting(db)

    people, rows, waiting = await parts.database.read(question)
    if is_fragment(request):
        return page(request, "_earlier.html", earlier=rows, **words(parts.imports.setting.zone))
    batches = [batch_view(it) for it in parts.imports.batches()[:BATCHES_SHOWN]]
    return page(
        request, "import.html", athletes=people, earlier=rows, waiting=waiting,
        batches=batches, limit_bytes=FILE_LIMIT_BYTES, **words(parts.imports.setting.zone),
    )  # fmt: skip


@get("/import/waiting", include_in_schema=False)
async def import_waiting(request: AnyRequest) -> Template:
    """What waits for a person, asked anew once a batch is over."""
    parts = parts_of(request)
    waiting = await parts.database.read(_waiting)
    return page(request, "_import_waiting.html", waiting=waiting, **words(parts.imports.setting.zone))


@post("/import/files", request_max_body_size=FILE_LIMIT_BYTES, include_in_schema=False)
async def send_file(
    request: AnyRequest, name: Annotated[str, QueryParameter(max_length=4096)]
) -> dict[str, str]:
    """Take one file's bytes as they are; the answer names it for the start."""
    n_bytes = int(request.headers.get("content-length", "0") or 0)
    return {"id": await receive(parts_of(request).imports, name, n_bytes, request.stream())}


@post("/import/files/{upload_id:uuid}/forget", status_code=204, include_in_schema=False)
async def forget_file(request: AnyRequest, upload_id: FromPath[UUID]) -> None:
    """An upload is not wanted after all."""
    await asyncio.to_thread(throw_away, parts_of(request).imports, upload_id)


async def _known_athlete(request: AnyRequest, athlete_id: str) -> str | None:
    if not athlete_id:
        return None
    found = await parts_of(request).database.read(lambda db: athletes.athlete(db, athlete_id))
    return found.athlete_id


@post("/import/start", status_code=200, request_max_body_size=LIST_LIMIT_BYTES, include_in_schema=False)
async def start(request: AnyRequest, data: Annotated[StartList, Body()]) -> Template:
    """Import what was sent, as one batch."""
    desk = parts_of(request).imports
    athlete_id = await _known_athlete(request, data.athlete_id)
    if not data.files or len(data.files) > MOST_FILES:
        raise ActionRefused(f"{len(data.files)} files cannot be one import.", hint="Choose fewer at a time.")
    files = [uploaded(desk, it.id, it.name) for it in data.files]
    progress = desk.progress(desk.submit(files, athlete_id))
    assert progress is not None
    return page(request, "_batch.html", batch=batch_view(progress))


@post("/import", request_max_body_size=FILE_LIMIT_BYTES, include_in_schema=False)
async def plain_form(request: AnyRequest) -> Redirect:
    """One or more files by a plain form, then the page of their batch."""
    form = await request.form()
    chosen = [it for it in form.getall("file", []) if isinstance(it, UploadFile) and it.filename]
    if not chosen:
        raise ActionRefused("No file was chosen.", hint="Go back and choose one or more files.")
    athlete_id = await _known_athlete(request, str(form.get("athlete_id") or ""))
    files = [await _copied(request, it) for it in chosen]
    batch_id = parts_of(request).imports.submit(files, athlete_id)
    return Redirect(f"/import/batches/{batch_id}", status_code=SEE_OTHER)


async def _copied(request: AnyRequest, upload: UploadFile) -> Incoming:
    def copy() -> Incoming:
        place = parts_of(request).imports.place_for(clean_name(upload.filename))
        refuse_without_room(place.path.parent, 0)
        with place.path.open("wb") as file:
            shutil.copyfileobj(upload.file, file)
        return place

    return await asyncio.to_thread(copy)


HANDLERS = [import_page, import_waiting, send_file, forget_file, start, plain_form]
