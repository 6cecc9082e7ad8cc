"""When hard efforts ended, as somebody said while the session ran; recovery is worked out from these times.

It computes nothing. A stop of the whole squad is one stop with a row an athlete.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from sqlite3 import Connection

from hub.errors import NotFound
from hub.store import boots

EFFORT_STOPS = """
-- hard efforts that somebody said had ended just then; mono_ms is of that boot
CREATE TABLE effort_stop(
    stop_id TEXT NOT NULL, athlete_id TEXT NOT NULL, session_id TEXT NOT NULL, boot_no INTEGER NOT NULL,
    mono_ms INTEGER NOT NULL, made_by TEXT NOT NULL, PRIMARY KEY(stop_id, athlete_id)) STRICT, WITHOUT ROWID;
CREATE INDEX effort_stop_session ON effort_stop(session_id);
"""


@dataclass(frozen=True, slots=True)
class EffortStop:
    """One stop and whom it was said of; `mono_ms` is of the boot `boot_no`."""

    stop_id: str
    session_id: str
    boot_no: int
    mono_ms: int
    made_by: str
    athlete_ids: tuple[str, ...]


def add(db: Connection, stop: EffortStop) -> None:
    """Keep a stop."""
    told = (stop.session_id, stop.boot_no, stop.mono_ms, stop.made_by)
    rows = ((stop.stop_id, athlete_id, *told) for athlete_id in stop.athlete_ids)
    db.executemany("INSERT INTO effort_stop VALUES (?, ?, ?, ?, ?, ?)", rows)


def of_session(db: Connection, session_id: str, boot_no: int) -> list[EffortStop]:
    """A session's stops in order of time, all on the clock of the boot `boot_no`."""
    found: dict[str, EffortStop] = {}
    rows = db.execute(
        "SELECT stop_id, boot_no, mono_ms, made_by, athlete_id FROM effort_stop"
        " WHERE session_id = ? ORDER BY stop_id, athlete_id",
        (session_id,),
    )
    for stop_id, of_boot, mono_ms, made_by, athlete_id in rows.fetchall():
        stop = found.get(stop_id) or EffortStop(stop_id, session_id, of_boot, mono_ms, made_by, ())
        found[stop_id] = replace(stop, athlete_ids=(*stop.athlete_ids, athlete_id))
    moved = (
        replace(it, boot_no=boot_no, mono_ms=it.mono_ms + boots.shift_ms(db, it.boot_no, boot_no))
        for it in found.values()
    )
    return sorted(moved, key=lambda it: it.mono_ms)


def latest_ms(stops: Iterable[EffortStop]) -> dict[str, int]:
    """When each athlete stopped last, of stops in order of time."""
    return {athlete_id: it.mono_ms for it in stops for athlete_id in it.athlete_ids}


def take_back(db: Connection, stop_id: str, athlete_id: str | None = None) -> tuple[str, set[str]]:
    """Forget a stop, or its part that is about one athlete: whose session, and whom it was about.

    Raises NotFound.
    """
    rows = db.execute(
        "DELETE FROM effort_stop WHERE stop_id = ?1 AND (?2 IS NULL OR athlete_id = ?2)"
        " RETURNING session_id, athlete_id",
        (stop_id, athlete_id),
    ).fetchall()
    if not rows:
        raise NotFound("this stop", hint="Somebody has taken it back already.")
    return rows[0][0], {athlete for _, athlete in rows}
