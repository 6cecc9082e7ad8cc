"""One earlier import: its sessions as they stand, warnings and rows held back; undo; questions of zones.

It takes nothing back itself; the import desk does.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template

from hub.imports import boot_time
from hub.imports.boot_time import TimeOffer
from hub.store import athletes, imports, quarantine, sessions, sources
from hub.store.imports import ImportRecord
from hub.store.quarantine import HeldRow
from hub.store.sources import SourceRow
from hub.web.import_words import sentence, words
from hub.web.parts import parts_of
from hub.web.shell import SEE_OTHER, AnyRequest, Form, is_fragment, page

MOST_HELD = 100
MOST_SOURCES = 50


@dataclass(frozen=True, slots=True)
class Detail:
    """All that is known of one import: its sessions as they stand and the rows it held back."""

    record: ImportRecord
    sources: list[SourceRow]
    session_id: str | None
    names: dict[str, str]
    held: list[HeldRow]
    n_held: int
    times: list[TimeOffer]


def detail(db: sqlite3.Connection, import_id: str) -> Detail:
    """One import. Raises NotFound."""
    record = imports.one(db, import_id)
    found = sources.of_import(db, import_id)
    kept = sessions.kept(db, record.session_id) if record.session_id and not found else None
    names = {it.athlete_id: it.name for it in athletes.all_athletes(db, include_inactive=True)}
    return Detail(
        record,
        found,
        kept.session.session_id if kept is not None and not kept.is_removed else None,
        names,
        quarantine.of_import(db, import_id)[:MOST_HELD],
        quarantine.count(db, import_id),
        boot_time.offers(db, import_id),
    )


async def _detail_page(request: AnyRequest, import_id: UUID, done: str = "") -> Template:
    parts = parts_of(request)
    found = await parts.database.read(lambda db: detail(db, str(import_id)))
    name = "_import_detail.html" if is_fragment(request) else "import_detail.html"
    return page(
        request, name, it=found, done=done, fragment=is_fragment(request), most_sources=MOST_SOURCES,
        most_held=MOST_HELD, **words(parts.imports.setting.zone),
    )  # fmt: skip


@get("/import/{import_id:uuid}", include_in_schema=False)
async def import_detail(request: AnyRequest, import_id: FromPath[UUID]) -> Template:
    """One import: sessions, warnings, rows held back, and the way to undo it."""
    return await _detail_page(request, import_id)


@post("/import/{import_id:uuid}/undo", status_code=200, include_in_schema=False)
async def undo_import(request: AnyRequest, import_id: FromPath[UUID]) -> Template:
    """Take an import back and say what that changed."""
    undone = await parts_of(request).imports.undo(str(import_id))
    removed, kept = len(undone.removed_session_ids), len(undone.kept_session_ids)
    said = [f"{removed} session{'s' * (removed != 1)} taken back"] if removed else []
    said += [f"{kept} kept, because other recordings tell of them"] if kept else []
    said += [f"{undone.n_daily} daily values taken back"] if undone.n_daily else []
    return await _detail_page(request, import_id, done=sentence("; ".join(said) or "taken back"))


@post("/import/questions/{question_id:uuid}", include_in_schema=False)
async def answer_question(request: AnyRequest, question_id: FromPath[UUID], data: Form) -> Redirect:
    """Move a recording by its whole hours, or leave it."""
    await parts_of(request).imports.answer(str(question_id), data.get("answer") == "move")
    back = data.get("back", "")
    return Redirect(back if back.startswith("/sessions/") else "/import", status_code=SEE_OTHER)


HANDLERS = [import_detail, undo_import, answer_question]
