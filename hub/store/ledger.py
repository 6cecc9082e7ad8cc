"""What waits for the cloud, what it has, and when it was last heard: counted, never assumed."""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Connection

from hub.store import meta


@dataclass(frozen=True, slots=True)
class Ledger:
    """Counts of records (ops) and segments by state; times in epoch ms."""

    ops_pending: int
    ops_accepted: int
    ops_dead: int
    segments_pending: int
    segments_stored: int
    accepted_through: int
    cursor: int
    last_contact_ms: int | None
    hub_id: str | None
    club_name: str | None
    cloud_url: str | None

    @property
    def pending(self) -> int:
        """Everything recorded here that the cloud has not confirmed."""
        return self.ops_pending + self.segments_pending


def sync_ledger(db: Connection) -> Ledger:
    """The ledger as it stands."""
    counted = db.execute(
        "SELECT state, count(*) FROM outbox WHERE state != 'dead' OR echoed_at_ms IS NULL GROUP BY state"
    )  # a refused one that was put away is nobody's concern any more
    ops = dict(counted.fetchall())
    segments = dict(db.execute("SELECT state, count(*) FROM segment GROUP BY state").fetchall())
    proposed = meta.number(db, "next_seq", 1) - 1
    contact = meta.value(db, "last_contact_ms")
    return Ledger(
        ops_pending=ops.get("pending", 0),
        ops_accepted=proposed - ops.get("pending", 0) - ops.get("dead", 0),
        ops_dead=ops.get("dead", 0),
        segments_pending=segments.get("sealed", 0),
        segments_stored=segments.get("stored", 0),
        accepted_through=meta.number(db, "acked_seq"),
        cursor=meta.number(db, "cursor"),
        last_contact_ms=None if contact is None else int(contact),
        hub_id=meta.value(db, "hub_id"),
        club_name=meta.value(db, "club_name"),
        cloud_url=meta.value(db, "cloud_url"),
    )
