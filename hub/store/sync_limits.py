"""What people allow the sync: paused or not, how fast, over which network; kept over restarts.

It says nothing about whether the cloud is reached; that is the ledger's.
"""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Connection

from hub.store import meta


@dataclass(frozen=True, slots=True)
class SyncLimits:
    """`cap_kbit_s` None is as fast as the link is; `only_network` None is over any network."""

    is_paused: bool = False
    cap_kbit_s: int | None = None
    only_network: str | None = None


def sync_limits(db: Connection) -> SyncLimits:
    """The limits as they stand."""
    return SyncLimits(
        is_paused=meta.number(db, "sync_paused") == 1,
        cap_kbit_s=meta.number(db, "sync_kbit_s") or None,
        only_network=meta.value(db, "sync_network"),
    )


def put_paused(db: Connection, is_paused: bool) -> None:
    """Stop the sync, or let it go on."""
    meta.put(db, "sync_paused", 1 if is_paused else None)


def put_limits(db: Connection, cap_kbit_s: int | None, only_network: str | None) -> None:
    """Set speed and network; None takes a limit away."""
    meta.put(db, "sync_kbit_s", cap_kbit_s)
    meta.put(db, "sync_network", only_network)


def pending_bytes(db: Connection) -> int:
    """About how many bytes wait for the cloud; records count as they are kept, before they are zipped."""
    row = db.execute(
        "SELECT (SELECT coalesce(sum(length(blob) + 80), 0) FROM segment_waiting)"
        " + (SELECT coalesce(sum(length(fields) + 200), 0) FROM outbox WHERE state = 'pending')"
    ).fetchone()
    return int(row[0])
