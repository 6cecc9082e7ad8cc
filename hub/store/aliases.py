"""Which name, device serial or account of a maker's export belongs to which athlete, as people confirmed it.

It holds what was confirmed and nothing guessed; it stays on this hub.
"""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Connection


@dataclass(frozen=True, slots=True)
class Alias:
    """`kind` is "name", "serial" or "account"; serials hold for every provider ("")."""

    kind: str
    provider: str
    key: str


def athlete_of(db: Connection, alias: Alias) -> str | None:
    """Whose alias it is, if anybody's."""
    row = db.execute(
        "SELECT athlete_id FROM athlete_alias WHERE kind = ? AND provider = ? AND key = ?",
        (alias.kind, alias.provider, alias.key),
    ).fetchone()
    return None if row is None else str(row[0])


def remember(db: Connection, alias: Alias, athlete_id: str) -> None:
    """From now on the alias is this athlete's."""
    db.execute(
        "INSERT INTO athlete_alias VALUES (?, ?, ?, ?) ON CONFLICT(kind, provider, key)"
        " DO UPDATE SET athlete_id = excluded.athlete_id",
        (alias.kind, alias.provider, alias.key, athlete_id),
    )


def forget(db: Connection, alias: Alias) -> None:
    """The alias is nobody's again; what was assigned by it stays."""
    db.execute(
        "DELETE FROM athlete_alias WHERE kind = ? AND provider = ? AND key = ?",
        (alias.kind, alias.provider, alias.key),
    )


def all_aliases(db: Connection) -> list[tuple[Alias, str]]:
    """Every alias with its athlete's id, by kind and key."""
    rows = db.execute(
        "SELECT kind, provider, key, athlete_id FROM athlete_alias ORDER BY kind, key, provider"
    )
    return [(Alias(*row[:3]), str(row[3])) for row in rows]
