"""Decisions about refused edits as this hub keeps them: each settles, or opens again, the edit it names.

They are records like others, so they travel, merge and come back by themselves; a decision the cloud would
not take, or has lost, still holds here. Whoever decides does so in `dead_letters`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from sync.refused_edits import AWAY, GROUND, OPEN, STATES, TABLE

__all__ = ["REFUSED_EDITS", "Untold", "show", "untold"]

REFUSED_EDITS = """
CREATE TABLE refused_edit(
    op_id TEXT PRIMARY KEY, state TEXT NOT NULL CHECK(state IN ('open','away','again')),
    settled_by TEXT NOT NULL, settled_at TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True)
class Untold:
    """A decision that no record tells of."""

    op_id: str
    state: str
    settled_by: str
    settled_at: str


def show(db: Connection, op_id: str, doc: Mapping[str, Any], at_ms: int) -> None:
    """Do what the record says; where it says nothing, what was decided before stays."""
    state = doc.get("state")
    if state not in STATES:
        return
    db.execute(
        "INSERT INTO refused_edit VALUES (?, ?, ?, ?, ?) ON CONFLICT(op_id) DO UPDATE SET"
        " state = excluded.state, settled_by = excluded.settled_by, settled_at = excluded.settled_at,"
        " at_ms = iif(state = excluded.state, at_ms, excluded.at_ms)",
        (op_id, state, str(doc.get("settled_by") or ""), str(doc.get("settled_at") or ""), at_ms),
    )
    db.execute(
        "UPDATE outbox SET echoed_at_ms = iif(?2, NULL, coalesce(echoed_at_ms, ?3))"
        " WHERE op_id = ?1 AND state != 'acked'",
        (op_id, state == OPEN, at_ms),
    )


def untold(db: Connection) -> list[Untold]:
    """Edits done with here of which neither the log nor what is confirmed says so.

    They were decided about before decisions were told, or the cloud was put back to a backup of before.
    """
    rows = db.execute(
        "SELECT op_id, coalesce(it.state, ?2), coalesce(settled_by, ''), coalesce(settled_at, ?3)"
        " FROM outbox LEFT JOIN refused_edit it USING (op_id)"
        " WHERE tbl != ?1 AND (it.state IN ('away', 'again') AND outbox.state != 'acked'"
        " OR it.state IS NULL AND outbox.state = 'dead' AND echoed_at_ms IS NOT NULL)"
        " AND NOT EXISTS (SELECT 1 FROM outbox told WHERE told.tbl = ?1 AND told.pk = outbox.op_id)"
        " AND NOT EXISTS (SELECT 1 FROM base WHERE base.tbl = ?1 AND base.pk = outbox.op_id) ORDER BY seq",
        (TABLE, AWAY, GROUND),
    )
    return [Untold(*row) for row in rows]
