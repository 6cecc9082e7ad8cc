"""Import: one export file for one athlete, with its outcome as a sentence.

It reads no format; the import action does.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Annotated, Any

from litestar import get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Template

from hub.domain import Athlete
from hub.store import athletes, imports
from hub.store.imports import ImportRecord
from hub.web.parts import ImportOutcome, parts_of
from hub.web.shell import AnyRequest, is_fragment, page

FILE_LIMIT_BYTES = 32 << 20


@dataclass
class ImportForm:
    """The form as it arrives."""

    file: UploadFile | None = None
    athlete_id: str = ""


async def _context(request: AnyRequest) -> dict[str, Any]:
    def question(db: sqlite3.Connection) -> tuple[list[Athlete], list[ImportRecord]]:
        return athletes.all_athletes(db), imports.recent(db)

    people, records = await parts_of(request).database.read(question)
    return {"athletes": people, "records": records}


@get("/import", include_in_schema=False)
async def import_page(request: AnyRequest) -> Template:
    """The form and what was imported before."""
    return page(request, "import.html", outcome=None, **await _context(request))


@post("/import", status_code=200, request_max_body_size=FILE_LIMIT_BYTES, include_in_schema=False)
async def import_file(
    request: AnyRequest, data: Annotated[ImportForm, Body(media_type=RequestEncodingType.MULTI_PART)]
) -> Template:
    """Hand the file to the import action and show what it says."""
    if data.file is None or not data.file.filename:
        outcome = ImportOutcome("", "failed", "Choose a file first.", None)
    else:
        content = await data.file.read()
        outcome = await parts_of(request).actions.import_file(
            data.file.filename, content, data.athlete_id or None
        )
    name = "_imports.html" if is_fragment(request) else "import.html"
    return page(request, name, outcome=outcome, **await _context(request))


HANDLERS = [import_page, import_file]
