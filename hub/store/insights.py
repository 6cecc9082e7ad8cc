"""Insights that came down from the cloud."""

from __future__ import annotations

import json
from sqlite3 import Connection

from hub.domain import Insight


def recent(db: Connection, limit: int = 10) -> list[Insight]:
    """Newest week first."""
    rows = db.execute(
        "SELECT insight_id, week_start, headline, body, facts, written_by, received_at_ms FROM insight"
        " ORDER BY week_start DESC, received_at_ms DESC LIMIT ?",
        (limit,),
    )
    return [
        Insight(row[0], row[1], row[2], row[3], _facts(row[4]),
                row[5], row[6])
        for row in rows
    ]  # fmt: skip


def _facts(text: str) -> tuple[tuple[str, str], ...]:
    """Label and value of each; what is no such pair is passed over."""
    try:
        facts = json.loads(text)
    except ValueError:
        return ()
    pairs = [it for it in facts if isinstance(it, list) and len(it) == 2] if isinstance(facts, list) else []
    return tuple((str(label), str(value)) for label, value in pairs)
