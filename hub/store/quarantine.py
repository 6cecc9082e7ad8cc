"""Rows of an import that were held back, each with where it stood and why; never silently dropped.

A line holds the start of its text only; past a thousand lines the rest is counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from sqlite3 import Connection

MOST_LINES = 1000
MOST_TEXT = 500


@dataclass(frozen=True, slots=True)
class HeldRow:
    """Where in the file, why, the start of the text, and how many alike rows the line stands for."""

    place: str
    reason: str
    text: str
    n: int = 1


def hold(db: Connection, import_id: str, rows: Iterable[HeldRow]) -> None:
    """Keep what was held back of an import."""
    kept: list[HeldRow] = []
    rest = 0
    for row in rows:
        if len(kept) < MOST_LINES:
            kept.append(row)
        else:
            rest += row.n
    if rest:
        kept.append(HeldRow("further on", "more rows like these were held back", "", rest))
    db.executemany(
        "INSERT INTO quarantine VALUES (?, ?, ?, ?, ?, ?)",
        (
            (import_id, number, row.place[:MOST_TEXT], row.reason[:MOST_TEXT], row.text[:MOST_TEXT], row.n)
            for number, row in enumerate(kept)
        ),
    )


def of_import(db: Connection, import_id: str) -> list[HeldRow]:
    """What is held of an import, in the file's order."""
    rows = db.execute(
        "SELECT place, reason, text, n FROM quarantine WHERE import_id = ? ORDER BY number", (import_id,)
    )
    return [HeldRow(*row) for row in rows]


def count(db: Connection, import_id: str) -> int:
    """How many rows of an import are held."""
    row = db.execute(
        "SELECT coalesce(sum(n), 0) FROM quarantine WHERE import_id = ?", (import_id,)
    ).fetchone()
    return int(row[0])
