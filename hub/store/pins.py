"""The keys the cloud's certificate was seen with, newest first: believed while the date is not known."""

from __future__ import annotations

import json
from sqlite3 import Connection

from hub.store import meta

KEY = "spki_pins"


def known(db: Connection) -> tuple[str, ...]:
    """The pins; none before the first contact over https."""
    return tuple(json.loads(meta.value(db, KEY) or "[]"))


def put(db: Connection, pins: tuple[str, ...]) -> None:
    """Remember exactly these."""
    meta.put(db, KEY, json.dumps(list(pins)) if pins else None)
