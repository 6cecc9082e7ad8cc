"""How much of the club's feed is still to come: the newest entry the cloud named, against what was read.

It is the cloud's last word, kept over a restart. It asks nobody and reads no entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Connection

from hub.store import meta

HEAD, FEED, BEGAN = "feed_head", "feed_head_epoch", "feed_read_from"
"""Meta keys: the newest entry named, of which feed, and the cursor where the reading under way began."""


@dataclass(frozen=True, slots=True)
class ToCome:
    """Entries still to come, `of` how many since the reading under way began.

    `entries` None: nobody knows, since the cloud named no newest entry of the feed this hub reads.
    """

    entries: int | None
    of: int


def learn(db: Connection, feed_epoch: int, head: int) -> None:
    """The cloud named entry `head` as the newest of this feed."""
    known, cursor = named(db), meta.number(db, "cursor")
    is_reading = known is not None and known[0] == feed_epoch and known[1] > cursor
    if not is_reading:
        meta.put(db, BEGAN, cursor)
    meta.put(db, HEAD, head)
    meta.put(db, FEED, feed_epoch)


def at_least(db: Connection, head: int) -> None:
    """The feed this hub reads has an entry `head`; an older word changes nothing."""
    feed_epoch, known = meta.number(db, "feed_epoch"), named(db)
    if known is None or known < (feed_epoch, head):
        learn(db, feed_epoch, head)


def named(db: Connection) -> tuple[int, int] | None:
    """The feed's epoch and newest entry as the cloud named them last, None where it never did."""
    head = meta.value(db, HEAD)
    return None if head is None else (meta.number(db, FEED), int(head))


def is_read_here(db: Connection) -> bool:
    """Whether the feed the cloud named last is the one this hub's cursor counts in."""
    known = named(db)
    return known is not None and known[0] == meta.number(db, "feed_epoch")


def to_come(db: Connection) -> ToCome:
    """What is known here to be missing here."""
    known, cursor = named(db), meta.number(db, "cursor")
    if known is None or not is_read_here(db) or known[1] < cursor:
        return ToCome(None, 0)
    entries, began = known[1] - cursor, min(meta.number(db, BEGAN), cursor)
    return ToCome(entries, known[1] - began if entries else 0)
