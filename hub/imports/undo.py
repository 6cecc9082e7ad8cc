"""An import taken back: its sources and days no longer count, and what stands without them is settled anew.

Nothing recorded here is ever removed, no byte is deleted, and the same file may be imported again.
"""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Connection

from hub.errors import ActionRefused
from hub.imports import boot_time
from hub.imports.arrange import changing
from hub.imports.feed import Repair
from hub.store import daily, imports, questions, sessions, sources
from hub.store.imports import ImportRecord
from hub.store.records import Moment
from hub.store.steps import Steps, at_once


@dataclass(frozen=True, slots=True)
class Undone:
    """What was taken back: sessions that are gone, sessions that others still tell of, and daily values."""

    record: ImportRecord
    removed_session_ids: tuple[str, ...]
    kept_session_ids: tuple[str, ...]
    n_daily: int
    repairs: tuple[Repair, ...]


def undo(db: Connection, moment: Moment, import_id: str) -> Undone:
    """Take an import back. Raises NotFound, and ActionRefused where it brought nothing or is undone."""
    return at_once(undoing(db, moment, import_id))


def undoing(db: Connection, moment: Moment, import_id: str) -> Steps[Undone]:
    """As `undo`, in steps; cut off, it is brought to its end by `settling`."""
    record = imports.one(db, import_id)
    if record.undone_at_ms is not None:
        raise ActionRefused(f"{record.filename} was undone before.", hint="Import it again to have it back.")
    if record.status not in ("imported", "linked"):
        raise ActionRefused(f"{record.filename} brought nothing.", hint="Undo the import that did.")
    imports.set_undone(db, import_id, moment.wall_ms)
    touched = sorted({it.session_id for it in sources.of_import(db, import_id) if it.session_id is not None})
    n_daily, repairs = yield from _taking_back(db, moment, import_id)
    gone = [it for it in touched if (kept := sessions.kept(db, it)) is not None and kept.is_removed]
    left = tuple(it for it in touched if it not in gone)
    return Undone(imports.one(db, import_id), tuple(gone), left, n_daily, repairs)


def settling(db: Connection, moment: Moment) -> Steps[None]:
    """Imports that were cut off while they were stored are taken back, undoings that were are finished."""
    for import_id in imports.half_stored(db):
        yield from _taking_back(db, moment, import_id)
        imports.set_broken_off(db, import_id)
        yield
    for import_id in imports.half_undone(db):
        yield from _taking_back(db, moment, import_id)


def _taking_back(db: Connection, moment: Moment, import_id: str) -> Steps[tuple[int, tuple[Repair, ...]]]:
    """All an import brought counts no more: how many days it told of, and what it had repaired."""
    mine = sources.of_import(db, import_id)
    yield
    arranged = yield from changing(db, moment, mine, is_removed=True)
    n_daily = yield from daily.untelling(db, moment, import_id)
    _drop_questions(db, {it.source_id for it in mine})
    return n_daily, arranged.repairs


def _drop_questions(db: Connection, source_ids: set[str]) -> None:
    times = [it for it in questions.of_kind(db, boot_time.KIND) if it.answered is None]
    for asked in (*questions.still_open(db), *times):
        if source_ids & {asked.about.get("source_id"), asked.about.get("other_source_id")}:
            questions.forget(db, asked.question_id)
