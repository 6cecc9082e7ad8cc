"""Corrections of who wore what, each with whose every stretch was before, so that it can be taken back.

The assignments themselves are records; this is the hub's own diary of their corrections.
"""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Connection


@dataclass(frozen=True, slots=True)
class Change:
    """One stretch [from_ms, to_ms) of a stream's own time: whose it was and whose it became."""

    stream_id: str
    from_ms: int
    to_ms: int | None
    before_id: str | None
    after_id: str | None


@dataclass(frozen=True, slots=True)
class Edit:
    """One correction in words; `undone_at_ms` is None while it holds."""

    edit_id: str
    session_id: str
    made_at_ms: int
    made_by: str
    words: str
    undone_at_ms: int | None = None


def keep(db: Connection, edit: Edit, changes: list[Change]) -> None:
    """Note a correction that was just made."""
    db.execute(
        "INSERT INTO wearing_edit VALUES (?, ?, ?, ?, ?, ?)",
        (edit.edit_id, edit.session_id, edit.made_at_ms, edit.made_by, edit.words, edit.undone_at_ms),
    )
    db.executemany(
        "INSERT INTO wearing_cell VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            (edit.edit_id, number, it.stream_id, it.from_ms, it.to_ms, it.before_id, it.after_id)
            for number, it in enumerate(changes)
        ),
    )


def edit(db: Connection, edit_id: str) -> Edit | None:
    """One correction."""
    row = db.execute(
        "SELECT edit_id, session_id, made_at_ms, made_by, words, undone_at_ms FROM wearing_edit"
        " WHERE edit_id = ?",
        (edit_id,),
    ).fetchone()
    return None if row is None else Edit(*row)


def recent(db: Connection, limit: int = 20) -> list[Edit]:
    """The latest corrections, newest first, those taken back among them."""
    rows = db.execute(
        "SELECT edit_id, session_id, made_at_ms, made_by, words, undone_at_ms FROM wearing_edit"
        " ORDER BY made_at_ms DESC, rowid DESC LIMIT ?",
        (limit,),
    )
    return [Edit(*row) for row in rows]


def changes(db: Connection, edit_id: str) -> list[Change]:
    """What a correction changed, in the order it was done."""
    rows = db.execute(
        "SELECT stream_id, from_ms, to_ms, before_id, after_id FROM wearing_cell"
        " WHERE edit_id = ? ORDER BY number",
        (edit_id,),
    )
    return [Change(*row) for row in rows]


def undone(db: Connection, edit_id: str, at_ms: int) -> None:
    """It was taken back."""
    db.execute("UPDATE wearing_edit SET undone_at_ms = ? WHERE edit_id = ?", (at_ms, edit_id))


def of_session(db: Connection, session_id: str) -> list[Edit]:
    """A session's corrections, newest first, those taken back among them."""
    rows = db.execute(
        "SELECT edit_id, session_id, made_at_ms, made_by, words, undone_at_ms FROM wearing_edit"
        " WHERE session_id = ? ORDER BY made_at_ms DESC, rowid DESC",
        (session_id,),
    )
    return [Edit(*row) for row in rows]
