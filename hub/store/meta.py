"""Small settings and counters the hub keeps about itself: one key, one text."""

from __future__ import annotations

from sqlite3 import Connection

DEAD_FORGOTTEN = "dead_forgotten"
"""Key: how many refused operations of this log are no longer kept."""


def value(db: Connection, key: str) -> str | None:
    """The text under a key, or None."""
    row = db.execute("SELECT v FROM meta WHERE k = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def number(db: Connection, key: str, default: int = 0) -> int:
    """The whole number under a key."""
    text = value(db, key)
    return default if text is None else int(text)


def put(db: Connection, key: str, new: str | int | None) -> None:
    """Set a key, or remove it with None."""
    if new is None:
        db.execute("DELETE FROM meta WHERE k = ?", (key,))
    else:
        db.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT(k) DO UPDATE SET v = excluded.v", (key, str(new))
        )


def cloud_ms(db: Connection, wall_ms: int) -> int:
    """Epoch ms by the cloud's clock at its last word, the hub's own before there was one.

    What is kept for a while is aged by it: a hub's clock may jump, and must not throw its log away.
    """
    return number(db, "heard_ms", wall_ms)
