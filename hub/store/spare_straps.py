"""Which straps stand by: their athlete is fed by another one and they step in when that falls silent.

It keeps the role alone; whose a strap is stands in the strap's record.
"""

from __future__ import annotations

from sqlite3 import Connection


def ids(db: Connection) -> frozenset[str]:
    """The straps that stand by."""
    return frozenset(row[0] for row in db.execute("SELECT strap_id FROM spare_strap"))


def keep(db: Connection, strap_ids: set[str], at_ms: int) -> None:
    """Exactly these stand by; one that did before keeps its date."""
    for gone in ids(db) - strap_ids:
        db.execute("DELETE FROM spare_strap WHERE strap_id = ?", (gone,))
    db.executemany(
        "INSERT OR IGNORE INTO spare_strap VALUES (?, ?)", ((it, at_ms) for it in sorted(strap_ids))
    )
