"""What people want of a strap: which way in, by which receiver, and whether beats are wanted.

It stays on this hub, whose receivers it names; the radio obeys it and nothing here does.
"""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Connection

WAYS = ("auto", "connected", "broadcast")


@dataclass(frozen=True, slots=True)
class StrapWish:
    """`way` is one of `WAYS`; `receiver` is the one adapter or relay to use, None for the best of all."""

    strap_id: str
    way: str = "auto"
    receiver: str | None = None
    wants_rr: bool = False

    @property
    def is_pinned(self) -> bool:
        """Whether the hub may not choose freely."""
        return self.way != "auto" or self.receiver is not None

    @property
    def is_nothing(self) -> bool:
        """Whether the hub chooses, as for every strap nobody spoke of."""
        return not (self.is_pinned or self.wants_rr)


def all_wishes(db: Connection) -> dict[str, StrapWish]:
    """Every wish by strap."""
    rows = db.execute("SELECT strap_id, way, receiver, wants_rr FROM strap_wish ORDER BY strap_id")
    return {strap_id: StrapWish(strap_id, way, receiver, bool(rr)) for strap_id, way, receiver, rr in rows}


def wish(db: Connection, strap_id: str) -> StrapWish:
    """What is wanted of one strap; nothing where nobody said anything."""
    row = db.execute("SELECT way, receiver, wants_rr FROM strap_wish WHERE strap_id = ?", (strap_id,))
    found = row.fetchone()
    return StrapWish(strap_id) if found is None else StrapWish(strap_id, found[0], found[1], bool(found[2]))


def keep(db: Connection, wanted: StrapWish, at_ms: int) -> None:
    """Take a wish in place of the strap's former one; one that asks for nothing leaves no row."""
    db.execute("DELETE FROM strap_wish WHERE strap_id = ?", (wanted.strap_id,))
    if not wanted.is_nothing:
        db.execute(
            "INSERT INTO strap_wish(strap_id, way, receiver, wants_rr, set_at_ms) VALUES (?, ?, ?, ?, ?)",
            (wanted.strap_id, wanted.way, wanted.receiver, wanted.wants_rr, at_ms),
        )
