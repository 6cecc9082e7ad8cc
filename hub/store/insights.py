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
        Insight(row[0], row[1], row[2], row[3], tuple((str(a), str(b)) for a, b in json.loads(row[4])),
                row[5], row[6])
        for row in rows
    ]  # fmt: skip
