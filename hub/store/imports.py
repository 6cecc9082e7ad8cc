"""The diary of imported files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from hub.errors import NotFound

STORING = "storing"
"""The status while a file is stored in steps; nothing shows it, and a restart takes back what it finds so."""
SELECT = (
    "SELECT import_id, filename, format, status, detail, session_id, at_ms, sha256, hint, warnings, provider,"
    " size_bytes, batch_id, undone_at_ms, sessions FROM import"
)


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """What became of one file. `sessions` are the lines of `touchline-hub import --json`."""

    import_id: str
    filename: str
    format: str
    status: str
    detail: str
    session_id: str | None
    at_ms: int
    sha256: str = ""
    hint: str = ""
    warnings: tuple[str, ...] = ()
    provider: str = ""
    size_bytes: int = 0
    batch_id: str | None = None
    undone_at_ms: int | None = None
    sessions: tuple[dict[str, Any], ...] = ()


def _from_row(row: tuple[Any, ...]) -> ImportRecord:
    warnings, sessions = tuple(json.loads(row[9])), tuple(json.loads(row[14]))
    values = (*row[:9], warnings, *row[10:14], sessions)
    return ImportRecord(*values)


def recent(db: Connection, limit: int = 20) -> list[ImportRecord]:
    """Newest first."""
    rows = db.execute(SELECT + " WHERE status != ? ORDER BY at_ms DESC, rowid DESC LIMIT ?", (STORING, limit))
    return [_from_row(row) for row in rows]


def of_batch(db: Connection, batch_id: str) -> list[ImportRecord]:
    """The files that came in together, in the order they were kept."""
    rows = db.execute(SELECT + " WHERE batch_id = ? ORDER BY rowid", (batch_id,))
    return [_from_row(row) for row in rows]


def one(db: Connection, import_id: str) -> ImportRecord:
    """One import; raises NotFound."""
    row = db.execute(SELECT + " WHERE import_id = ?", (import_id,)).fetchone()
    if row is None:
        raise NotFound(f"import {import_id}", hint="Open the imports page and choose again.")
    return _from_row(row)


def already_imported(db: Connection, sha256: str) -> ImportRecord | None:
    """The import that took these very bytes before and stands."""
    row = db.execute(
        SELECT + " WHERE sha256 = ? AND status IN ('imported', 'linked') AND undone_at_ms IS NULL",
        (sha256,),
    ).fetchone()
    return None if row is None else _from_row(row)


def add(db: Connection, record: ImportRecord) -> None:
    """Note what became of a file, in place of what was noted of it before."""
    db.execute(
        "INSERT INTO import(import_id, filename, format, status, detail, session_id, at_ms, sha256, hint,"
        " warnings, provider, size_bytes, batch_id, undone_at_ms, sessions)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(import_id) DO UPDATE SET"
        " status = excluded.status, detail = excluded.detail, session_id = excluded.session_id,"
        " sessions = excluded.sessions",
        (record.import_id, record.filename, record.format, record.status, record.detail, record.session_id,
         record.at_ms, record.sha256, record.hint, json.dumps(record.warnings), record.provider,
         record.size_bytes, record.batch_id, record.undone_at_ms, json.dumps(record.sessions)),
    )  # fmt: skip


def set_undone(db: Connection, import_id: str, at_ms: int) -> None:
    """The import no longer stands."""
    db.execute("UPDATE import SET undone_at_ms = ? WHERE import_id = ?", (at_ms, import_id))


def half_stored(db: Connection) -> list[str]:
    """Imports that are being stored; at a start, those that were cut off in it."""
    rows = db.execute("SELECT import_id FROM import WHERE status = ? ORDER BY rowid", (STORING,))
    return [str(row[0]) for row in rows]


def half_undone(db: Connection) -> list[str]:
    """Undone imports of which something still counts: their undoing was cut off."""
    rows = db.execute(
        "SELECT import_id FROM import WHERE undone_at_ms IS NOT NULL AND ("
        " EXISTS (SELECT 1 FROM source WHERE source.import_id = import.import_id AND NOT is_removed)"
        " OR EXISTS (SELECT 1 FROM daily_told WHERE daily_told.import_id = import.import_id)) ORDER BY rowid"
    )
    return [str(row[0]) for row in rows]


def set_broken_off(db: Connection, import_id: str) -> None:
    """It was cut off while it was stored, and all of it was taken back."""
    db.execute(
        "UPDATE import SET status = 'failed', hint = 'Import it again.', sessions = '[]', session_id = NULL,"
        " detail = 'storing it was cut off; nothing of it counts.' WHERE import_id = ?",
        (import_id,),
    )
