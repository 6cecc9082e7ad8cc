"""What was heard of each athlete in a session: segments and the open journal, through who wore what.

It attributes and cuts; it computes no load.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from sqlite3 import Connection

import numpy as np
from numpy.typing import NDArray

from hub.domain import Assignment, Session
from hub.store import boots, journal, segments, sessions, straps
from sync.segments import unseal


@dataclass(frozen=True, slots=True)
class HeartRates:
    """(n,) times in ms on the session's own boot clock, and bpm (0 = none), in order of time."""

    mono_ms: NDArray[np.int64]
    bpm: NDArray[np.int16]


def heart_rates(
    db: Connection, session: Session, athlete_ids: set[str] | None = None
) -> dict[str, HeartRates]:
    """Heart rates by athlete id, of everyone who wore a strap in the session or of those asked for."""
    open_rows = _open_by_stream(db) if session.is_live else {}
    pieces: dict[str, list[HeartRates]] = defaultdict(list)
    for worn in sessions.assignments(db, session.session_id):
        if athlete_ids is None or worn.athlete_id in athlete_ids:
            pieces[worn.athlete_id].extend(_pieces(db, session, worn, open_rows))
    return {athlete_id: _joined(parts) for athlete_id, parts in pieces.items()}


def _open_by_stream(db: Connection) -> dict[int, list[journal.Sample]]:
    rows: dict[int, list[journal.Sample]] = defaultdict(list)
    for _row_id, _boot_no, samples in journal.open_samples(db):
        for sample in samples:
            rows[sample.stream_no].append(sample)
    return rows


def _pieces(
    db: Connection, session: Session, worn: Assignment, open_rows: dict[int, list[journal.Sample]]
) -> list[HeartRates]:
    stream = straps.stream_by_id(db, worn.stream_id)
    if stream is None:
        return []
    shift = boots.shift_ms(db, stream.boot_no, session.boot_no)
    found = [unseal(s) for s in segments.of_stream(db, worn.stream_id, worn.from_ms, worn.to_ms)]
    parts = [HeartRates(s.mono_ms, s.bpm) for s in found]
    still_open = open_rows.get(stream.stream_no)
    if still_open:
        parts.append(
            HeartRates(
                np.array([s.mono_ms for s in still_open], dtype=np.int64),
                np.array([s.bpm for s in still_open], dtype=np.int16),
            )
        )
    return [_cut(part, worn.from_ms, worn.to_ms, shift) for part in parts]


def _cut(part: HeartRates, from_ms: int, to_ms: int | None, shift_ms: int) -> HeartRates:
    kept = part.mono_ms >= from_ms
    if to_ms is not None:
        kept &= part.mono_ms < to_ms
    return HeartRates(part.mono_ms[kept] + shift_ms, part.bpm[kept])


def _joined(parts: list[HeartRates]) -> HeartRates:
    if not parts:
        return HeartRates(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int16))
    mono_ms = np.concatenate([part.mono_ms for part in parts])
    order = np.argsort(mono_ms, kind="stable")
    return HeartRates(mono_ms[order], np.concatenate([part.bpm for part in parts])[order])
