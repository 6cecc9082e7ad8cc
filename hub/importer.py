"""A file becomes a session: read it, refuse it with a sentence, or store all of it in one transaction.

The same bytes are never stored twice. It reads one FIT file at a time; the other formats, matching and
undo come with the imports.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from sqlite3 import Connection

import numpy as np

from hub.devices.exports.fit import ExportedSession, read_fit
from hub.domain import Via
from hub.errors import ActionRefused, ExportUnreadable
from hub.store import athletes, boots, imports, segments
from hub.store.records import Moment, propose
from sync.segments import Samples, seal

MOST_BYTES = 64 << 20
SEGMENT_MS = 300_000


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file's bytes known by their hash, and what was read from them or why not."""

    filename: str
    sha256: str
    session: ExportedSession | None
    error: ExportUnreadable | None


def parse(filename: str, data: bytes) -> Parsed:
    """Read a file; never raises for what is in it."""
    digest = hashlib.sha256(data).hexdigest()
    try:
        if len(data) > MOST_BYTES:
            raise ExportUnreadable(
                f"it has {len(data) >> 20} MiB, more than 64.", hint="Export single activities."
            )
        return Parsed(filename, digest, read_fit(data), None)
    except ExportUnreadable as error:
        return Parsed(filename, digest, None, error)


def store(db: Connection, moment: Moment, parsed: Parsed, athlete_id: str | None) -> imports.ImportRecord:
    """Keep a parsed file's session and note the outcome; a repeat or a bad file changes nothing else.

    Raises ActionRefused without an athlete and NotFound for an unknown one.
    """
    before = imports.already_imported(db, parsed.sha256)
    if before is not None:
        record = _record(moment, parsed, "duplicate", f"already imported as {before.filename}")
        return _keep(db, record, parsed, before.session_id)
    if parsed.session is None:
        detail = f"{parsed.error} {parsed.error.hint if parsed.error else ''}".strip()
        return _keep(db, _record(moment, parsed, "failed", detail), parsed, None)
    if athlete_id is None:
        raise ActionRefused(
            "the file needs an athlete.", hint="Choose whose it is; --athlete takes a name or shirt number."
        )
    athlete = athletes.athlete(db, athlete_id)
    session_id = _store_session(db, moment, parsed, parsed.session, athlete_id)
    minutes = (parsed.session.ended_at_ms - parsed.session.started_at_ms) / 60_000
    detail = (
        f"{athlete.name}, {parsed.session.sport}, {minutes:.0f} min, {len(parsed.session.bpm)} heart rates"
    )
    if parsed.session.dropped:
        detail += f"; {parsed.session.dropped} rows with impossible times were left out"
    return _keep(db, _record(moment, parsed, "imported", detail), parsed, session_id)


def _store_session(
    db: Connection, moment: Moment, parsed: Parsed, found: ExportedSession, athlete_id: str
) -> str:
    session_id, stream_id = moment.new_id(), moment.new_id()
    strap_id = f"file:{parsed.sha256[:16]}"
    span = {"mono0_ms": found.started_at_ms, "mono1_ms": found.ended_at_ms}
    civil = {"boot_no": boots.CIVIL_BOOT}
    propose(db, moment, "strap", strap_id, {"name": found.device, "address": "", "athlete_id": None})
    propose(db, moment, "stream", stream_id, {"strap_id": strap_id, "channel": "hr", **civil})
    propose(db, moment, "session", session_id, {
        "title": parsed.filename, "sport": found.sport, "started_at_ms": found.started_at_ms,
        "utc_offset_s": found.utc_offset_s, "ended_at_ms": found.ended_at_ms, "source": str(Via.FILE),
        **span, **civil,
    })  # fmt: skip
    propose(db, moment, "stream_assignment", moment.new_id(), {
        "stream_id": stream_id, "athlete_id": athlete_id, "session_id": session_id,
        "from_ms": found.started_at_ms, "to_ms": found.ended_at_ms,
    })  # fmt: skip
    for samples in in_segments(found.at_ms, found.bpm):
        segments.add(db, seal(stream_id, boots.CIVIL_BOOT, samples))
    return session_id


def in_segments(at_ms: tuple[int, ...], bpm: tuple[int, ...]) -> list[Samples]:
    """Rising times (ms) and heart rates cut into stretches of at most 300 s."""
    times, rates = np.array(at_ms, dtype=np.int64), np.array(bpm, dtype=np.int16)
    number = (times - times[0]) // SEGMENT_MS
    cuts = np.flatnonzero(np.diff(number)) + 1
    return [
        Samples(t, r, np.zeros(len(t), np.uint8), np.zeros(len(t), np.uint8), np.zeros(0, np.uint16))
        for t, r in zip(np.split(times, cuts), np.split(rates, cuts), strict=True)
    ]


def _record(moment: Moment, parsed: Parsed, status: str, detail: str) -> imports.ImportRecord:
    return imports.ImportRecord(moment.new_id(), parsed.filename, "FIT", status, detail, None, moment.wall_ms)


def _keep(
    db: Connection, record: imports.ImportRecord, parsed: Parsed, session_id: str | None
) -> imports.ImportRecord:
    kept = replace(record, session_id=session_id)
    imports.add(db, kept, parsed.sha256)
    return kept
