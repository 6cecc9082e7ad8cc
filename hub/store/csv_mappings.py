"""How this club reads tables nobody else knows: a mapping for each header, given once by a person."""

from __future__ import annotations

import json
from collections.abc import Mapping
from sqlite3 import Connection
from typing import Any


def by_signature(db: Connection) -> dict[str, dict[str, Any]]:
    """All saved mappings by the signature of the header they fit."""
    rows = db.execute("SELECT signature, mapping FROM csv_mapping")
    return {signature: json.loads(mapping) for signature, mapping in rows}


def save(db: Connection, signature: str, mapping: Mapping[str, Any], at_ms: int) -> None:
    """Keep a mapping, in place of an earlier one for the same header."""
    db.execute(
        "INSERT INTO csv_mapping VALUES (?, ?, ?) ON CONFLICT(signature)"
        " DO UPDATE SET mapping = excluded.mapping, saved_at_ms = excluded.saved_at_ms",
        (signature, json.dumps(mapping), at_ms),
    )


def forget(db: Connection, signature: str) -> None:
    """Ask again the next time."""
    db.execute("DELETE FROM csv_mapping WHERE signature = ?", (signature,))
