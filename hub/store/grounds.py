"""Grounds: where the club's pitches lie, and which of them somebody chose for a session.

It stays on this hub and computes no pitch; corners are kept as they were given.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from hub.errors import NotFound

Corners = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Ground:
    """A pitch by four corners (latitude, longitude) in degrees, round it, and its sides in m."""

    ground_id: str
    name: str
    corners_deg: Corners
    length_m: float
    width_m: float


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody chose for a session; `ground_id` None is the pitch fitted to where they ran."""

    ground_id: str | None


SELECT = "SELECT ground_id, name, corners, length_m, width_m FROM ground "


def _ground(row: tuple[Any, ...]) -> Ground:
    corners = tuple((float(lat), float(lon)) for lat, lon in json.loads(row[2]))
    return Ground(row[0], row[1], corners, row[3], row[4])


def all_grounds(db: Connection) -> list[Ground]:
    """Every ground by name."""
    return [_ground(row) for row in db.execute(SELECT + "ORDER BY name COLLATE NOCASE, ground_id")]


def ground(db: Connection, ground_id: str) -> Ground:
    """One ground. Raises NotFound."""
    row = db.execute(SELECT + "WHERE ground_id = ?", (ground_id,)).fetchone()
    if row is None:
        raise NotFound(f"ground {ground_id}.", hint="Open the session again and choose a ground of the list.")
    return _ground(row)


def save(db: Connection, it: Ground, at_ms: int) -> None:
    """Add a ground, or change it for every session on it."""
    db.execute(
        "INSERT INTO ground VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT(ground_id) DO UPDATE SET"
        " name = excluded.name, corners = excluded.corners, length_m = excluded.length_m,"
        " width_m = excluded.width_m",
        (it.ground_id, it.name, json.dumps(it.corners_deg), it.length_m, it.width_m, at_ms),
    )


def remove(db: Connection, ground_id: str) -> None:
    """Take a ground away; sessions it was chosen for find theirs anew."""
    db.execute("DELETE FROM session_ground WHERE ground_id = ?", (ground_id,))
    db.execute("DELETE FROM ground WHERE ground_id = ?", (ground_id,))


def choice(db: Connection, session_id: str) -> Choice | None:
    """What somebody chose for a session, None where nobody did."""
    row = db.execute("SELECT ground_id FROM session_ground WHERE session_id = ?", (session_id,)).fetchone()
    return None if row is None else Choice(row[0])


def choose(db: Connection, session_id: str, chosen: Choice | None) -> None:
    """Keep a choice for a session, or leave it open again."""
    db.execute("DELETE FROM session_ground WHERE session_id = ?", (session_id,))
    if chosen is not None:
        db.execute("INSERT INTO session_ground VALUES (?, ?)", (session_id, chosen.ground_id))
