"""The diary of imported files."""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Connection


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """What became of one file."""

    import_id: str
    filename: str
    format: str
    status: str
    detail: str
    session_id: str | None
    at_ms: int


def recent(db: Connection, limit: int = 20) -> list[ImportRecord]:
    """Newest first."""
    rows = db.execute(
        "SELECT import_id, filename, format, status, detail, session_id, at_ms FROM import"
        " ORDER BY at_ms DESC, rowid DESC LIMIT ?",
        (limit,),
    )
    return [ImportRecord(*row) for row in rows]


def already_imported(db: Connection, sha256: str) -> ImportRecord | None:
    """The import that took these very bytes before."""
    row = db.execute(
        "SELECT import_id, filename, format, status, detail, session_id, at_ms FROM import"
        " WHERE sha256 = ? AND status = 'imported'",
        (sha256,),
    ).fetchone()
    return None if row is None else ImportRecord(*row)


def add(db: Connection, record: ImportRecord, sha256: str) -> None:
    """Note what became of a file."""
    db.execute(
        "INSERT INTO import(import_id, filename, sha256, format, status, detail, session_id, at_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (record.import_id, record.filename, sha256, record.format, record.status, record.detail,
         record.session_id, record.at_ms),
    )  # fmt: skip
