"""Whether the club has shut this hub out, as the cloud last said; kept, since it holds without a network too.

It decides nothing: recording goes on. Under a new name, after joining again, the word on the old one is void.
"""

from __future__ import annotations

from sqlite3 import Connection

from hub.store import meta

KEY = "shut_out"


def is_shut_out(db: Connection) -> bool:
    """Whether the cloud has said so of the name this hub bears now."""
    hub_id = meta.value(db, "hub_id")
    return hub_id is not None and meta.value(db, KEY) == hub_id


def heard(db: Connection, *, is_out: bool) -> None:
    """The cloud has said it, or has let this hub in again."""
    meta.put(db, KEY, meta.value(db, "hub_id") if is_out else None)
