"""What an import leaves for a human to decide, asked once; an answer is kept and never asked again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from hub.errors import NotFound


@dataclass(frozen=True, slots=True)
class Question:
    """`kind` "zone": `about` names the source, the other, and `shift_s` to add to the source's times.

    "time": the source that tells a boot the time, a session of that boot, and the anchor it would give.
    """

    question_id: str
    import_id: str
    kind: str
    about: dict[str, Any]
    answered: str | None
    at_ms: int


SELECT = "SELECT question_id, import_id, kind, about, answered, at_ms FROM import_question "


def _from_row(row: tuple[Any, ...]) -> Question:
    return Question(row[0], row[1], row[2], json.loads(row[3]), row[4], row[5])


def ask(db: Connection, question: Question) -> None:
    """Ask, unless it was asked before."""
    db.execute(
        "INSERT OR IGNORE INTO import_question VALUES (?, ?, ?, ?, ?, ?)",
        (question.question_id, question.import_id, question.kind, json.dumps(question.about),
         question.answered, question.at_ms),
    )  # fmt: skip


def question(db: Connection, question_id: str) -> Question:
    """One question; raises NotFound."""
    row = db.execute(SELECT + "WHERE question_id = ?", (question_id,)).fetchone()
    if row is None:
        raise NotFound(f"question {question_id}", hint="Open the imports page again.")
    return _from_row(row)


def still_open(db: Connection) -> list[Question]:
    """Every zone question without an answer, oldest first, of imports that stand."""
    rows = db.execute(
        SELECT + "WHERE kind = 'zone' AND answered IS NULL AND NOT EXISTS (SELECT 1 FROM import"
        " WHERE import.import_id = import_question.import_id AND undone_at_ms IS NOT NULL)"
        " ORDER BY at_ms, question_id"
    )
    return [_from_row(row) for row in rows]


def of_import(db: Connection, import_id: str) -> list[Question]:
    """An import's zone questions, answered or not."""
    return of_kind(db, "zone", import_id)


def of_kind(db: Connection, kind: str, import_id: str | None = None) -> list[Question]:
    """Questions of one kind, answered or not, all of them or an import's."""
    where = "WHERE kind = ?1 AND (?2 IS NULL OR import_id = ?2) ORDER BY question_id"
    return [_from_row(row) for row in db.execute(SELECT + where, (kind, import_id))]


def tell(db: Connection, question_id: str, about: dict[str, Any]) -> None:
    """Keep more of what a question is about."""
    db.execute("UPDATE import_question SET about = ? WHERE question_id = ?", (json.dumps(about), question_id))


def answer(db: Connection, question_id: str, words: str | None) -> None:
    """Keep an answer, or open the question again with None."""
    db.execute("UPDATE import_question SET answered = ? WHERE question_id = ?", (words, question_id))


def forget(db: Connection, question_id: str) -> None:
    """What it was about is gone; it may be asked again one day."""
    db.execute("DELETE FROM import_question WHERE question_id = ?", (question_id,))
