"""Samples no assignment covers: which streams have any in a session, and what each says.

It tells nobody whose they are.
"""

from __future__ import annotations

from sqlite3 import Connection

import numpy as np
from numpy.typing import NDArray

from hub.domain import Session
from hub.store import segments, straps
from hub.store.straps import Stream
from hub.store.worn import HeartRates
from sync.segments import unseal

MOST_BOOTS = 4
"""A session goes on over so many restarts of the machine at most, to be looked through."""

EARLY_MS = 600_000
"""A segment is begun within its session; one of readings on their way at the start, hardly before it."""

UNWORN = """
-- whose a stream was at a time, in one look, however many sessions one boot has seen
CREATE INDEX assignment_worn ON stream_assignment(stream_id, from_ms, to_ms);
"""


def boots_of(db: Connection, session: Session) -> list[int]:
    """The boot a session began in and, where it did not end in that one, the next few that recorded."""
    if session.mono1_ms is not None:
        return [session.boot_no]
    rows = db.execute(
        "SELECT DISTINCT boot_no FROM stream WHERE boot_no >= ? AND boot_no > 0 ORDER BY boot_no LIMIT ?",
        (session.boot_no, MOST_BOOTS),
    )
    return [row[0] for row in rows]


def sealed_streams(db: Connection, boot_no: int, from_ms: int, to_ms: int) -> list[Stream]:
    """Heart-rate streams of a boot with a segment that no single assignment covers in [from_ms, to_ms).

    Streams worn throughout are told by one look into the index, which keeps a season quick.
    """
    rows = db.execute(
        "SELECT stream_no, stream_id, boot_no, sensor_id, channel FROM stream"
        " WHERE boot_no = ?1 AND channel = 'hr' AND sensor_id NOT LIKE 'file:%' AND NOT coalesce("
        " (SELECT worn.to_ms IS NULL OR worn.to_ms >= ?3 FROM stream_assignment worn"
        " WHERE worn.stream_id = stream.stream_id AND worn.from_ms <= ?2"
        " AND worn.to_ms IS NOT worn.from_ms ORDER BY worn.from_ms DESC LIMIT 1), 0)"
        " AND EXISTS (SELECT 1 FROM segment WHERE segment.stream_id = stream.stream_id"
        " AND segment.mono0 >= ?2 - ?4 AND segment.mono0 < ?3 AND segment.mono1 >= ?2 AND NOT coalesce("
        " (SELECT worn.to_ms IS NULL OR worn.to_ms > segment.mono1 FROM stream_assignment worn"
        " WHERE worn.stream_id = segment.stream_id AND worn.from_ms <= segment.mono0"
        " AND worn.to_ms IS NOT worn.from_ms ORDER BY worn.from_ms DESC LIMIT 1), 0))",
        (boot_no, from_ms, to_ms, EARLY_MS),
    )
    return [Stream(*row) for row in rows]


def open_streams(db: Connection, boot_no: int, stream_nos: set[int]) -> list[Stream]:
    """The heart-rate streams of a boot behind the open journal's short numbers."""
    found = [straps.stream_by_no(db, stream_no) for stream_no in sorted(stream_nos)]
    return [it for it in found if it.boot_no == boot_no and it.channel == straps.CHANNEL]


def spans_taken(db: Connection, stream_id: str) -> list[tuple[int, int | None]]:
    """Spans of a stream that are somebody's, were chosen away for a file, or were put aside."""
    rows = db.execute(
        "SELECT from_ms, to_ms FROM (SELECT from_ms, to_ms FROM stream_assignment WHERE stream_id = ?1"
        " UNION ALL SELECT b.from_ms, b.to_ms FROM worn_before b JOIN stream_assignment USING (assignment_id)"
        " WHERE stream_id = ?1 UNION ALL SELECT from_ms, to_ms FROM put_aside WHERE stream_id = ?1)"
        " WHERE to_ms IS NULL OR to_ms > from_ms",
        (stream_id,),
    )
    return [(row[0], row[1]) for row in rows]


def rates(
    db: Connection, stream_id: str, from_ms: int, to_ms: int, more: list[tuple[int, int]]
) -> HeartRates:
    """Heart rates above 0 of a stream in [from_ms, to_ms) in order of time; `more` are unsealed (ms, bpm)."""
    found = [unseal(it) for it in segments.of_stream(db, stream_id, from_ms, to_ms)]
    times: list[NDArray[np.int64]] = [it.mono_ms for it in found]
    values: list[NDArray[np.int16]] = [it.bpm for it in found]
    times.append(np.array([at_ms for at_ms, _ in more], dtype=np.int64))
    values.append(np.array([bpm for _, bpm in more], dtype=np.int16))
    at_ms, bpm = np.concatenate(times), np.concatenate(values)
    kept = (bpm > 0) & (at_ms >= from_ms) & (at_ms < to_ms)
    order = np.argsort(at_ms[kept], kind="stable")
    return HeartRates(at_ms[kept][order], bpm[kept][order])
