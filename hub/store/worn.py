"""What was heard of each athlete in a session: segments and the open journal, through who wore what.

It attributes, cuts and puts every stream on the session's own boot clock; it computes no load.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from sqlite3 import Connection

import numpy as np
from numpy.typing import NDArray

from hub.domain import Assignment, Session
from hub.store import boots, journal, segments, sessions, straps
from hub.store.straps import Stream
from sync.motion import CHANNEL as MOTION
from sync.motion import Motion, joined, unseal_motion
from sync.segments import Samples, unseal

SECOND_BEST_MS = 5_000
"""A second receiver counts only where the better one was silent for longer than this, or not worn."""

FOR_EVER_MS = 1 << 62


@dataclass(frozen=True, slots=True)
class HeartRates:
    """(n,) times in ms on the session's own boot clock, and bpm (0 = none), in order of time."""

    mono_ms: NDArray[np.int64]
    bpm: NDArray[np.int16]


def heart_rates(
    db: Connection, session: Session, athlete_ids: set[str] | None = None
) -> dict[str, HeartRates]:
    """Heart rates by athlete id, of everyone who wore anything in the session or of those asked for."""
    open_rows = _open_by_stream(db) if session.is_live else {}
    pieces: dict[str, list[HeartRates]] = defaultdict(list)
    for worn in sessions.assignments(db, session.session_id):
        if athlete_ids is None or worn.athlete_id in athlete_ids:
            pieces[worn.athlete_id].extend(_pieces(db, session, worn, open_rows))
    return {athlete_id: _joined(parts) for athlete_id, parts in pieces.items()}


@dataclass(frozen=True, slots=True)
class Intervals:
    """One notification with its RR intervals: ms on the session's own boot clock, and the strap's id."""

    mono_ms: int
    rr_1024: tuple[int, ...]
    strap_id: str


def intervals(db: Connection, session: Session, athlete_ids: set[str]) -> dict[str, list[Intervals]]:
    """RR intervals by athlete id, in order of time, of every notification with a heart rate."""
    open_rows = _open_by_stream(db) if session.is_live else {}
    found: dict[str, list[Intervals]] = defaultdict(list)
    for worn in sessions.assignments(db, session.session_id):
        stream = straps.stream_by_id(db, worn.stream_id) if worn.athlete_id in athlete_ids else None
        if stream is not None and stream.channel == straps.CHANNEL:
            shift = boots.shift_ms(db, stream.boot_no, session.boot_no, session.mono0_ms)
            stored = segments.of_stream(db, worn.stream_id, worn.from_ms, worn.to_ms)
            heard = [row for segment in stored for row in _notifications(unseal(segment))]
            heard += [(s.mono_ms, s.bpm, s.rr_1024) for s in open_rows.get(stream.stream_no, [])]
            to_ms = math.inf if worn.to_ms is None else worn.to_ms
            found[worn.athlete_id] += [
                Intervals(mono_ms + shift, rr_1024, stream.strap_id)
                for mono_ms, bpm, rr_1024 in heard
                if bpm and rr_1024 and worn.from_ms <= mono_ms < to_ms
            ]
    return {athlete_id: sorted(rows, key=lambda row: row.mono_ms) for athlete_id, rows in found.items()}


def _notifications(samples: Samples) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    rr_1024, at = samples.rr_1024.tolist(), 0
    rows = zip(samples.mono_ms.tolist(), samples.bpm.tolist(), samples.rr_count.tolist(), strict=True)
    for mono_ms, bpm, count in rows:
        yield mono_ms, bpm, tuple(rr_1024[at : at + count])
        at += count


def motion(db: Connection, session: Session, athlete_ids: set[str] | None = None) -> dict[str, Motion]:
    """Motion by athlete id on the session's own boot clock, of those who have any.

    Rows of two receivers are never mixed: the one with more rows counts, and another only where it was
    silent or not worn. Sealed segments only; the open journal of a running pod is not read.
    """
    people: dict[str, dict[str, list[_Moved]]] = defaultdict(lambda: defaultdict(list))
    for worn in sessions.assignments(db, session.session_id):
        if athlete_ids is None or worn.athlete_id in athlete_ids:
            stream = straps.stream_by_id(db, worn.stream_id)
            if stream is not None and stream.channel == MOTION:
                people[worn.athlete_id][worn.stream_id].append(_moved(db, session, worn, stream))
    found = {athlete_id: _best(list(streams.values())) for athlete_id, streams in people.items()}
    return {athlete_id: rows for athlete_id, rows in found.items() if len(rows)}


@dataclass(frozen=True, slots=True)
class _Moved:
    """One assignment's motion on the session's own clock; near its rows in [from_ms, to_ms) no other counts.

    That is as long as a pod was worn. A file's is without end: what it lasted says not when it was put on.
    """

    rows: Motion
    from_ms: int
    to_ms: int


def _moved(db: Connection, session: Session, worn: Assignment, stream: Stream) -> _Moved:
    stored = segments.of_stream(db, worn.stream_id, worn.from_ms, worn.to_ms)
    rows = joined([unseal_motion(segment) for segment in stored])
    rows = rows.rows(_worn(rows.mono_ms, worn))
    shift = boots.shift_ms(db, stream.boot_no, session.boot_no, session.mono0_ms)
    rows = replace(rows, mono_ms=rows.mono_ms + shift)
    if stream.strap_id.startswith("file:"):
        return _Moved(rows, -FOR_EVER_MS, FOR_EVER_MS)
    return _Moved(rows, worn.from_ms + shift, FOR_EVER_MS if worn.to_ms is None else worn.to_ms + shift)


def _best(streams: list[list[_Moved]]) -> Motion:
    """The rows of the fullest stream, and of each other one those that no fuller one speaks for."""
    best: list[_Moved] = []
    for parts in sorted(streams, key=lambda parts: sum(len(it.rows) for it in parts), reverse=True):
        kept = [it.rows.rows(~_spoken_for(it.rows.mono_ms, best)) for it in parts]
        best += [replace(it, rows=rows) for it, rows in zip(parts, kept, strict=True)]
    return joined([it.rows for it in best])


def _spoken_for(mono_ms: NDArray[np.int64], better: list[_Moved]) -> NDArray[np.bool_]:
    """Which times lie near rows of a better receiver while that was worn; one laid down speaks no more."""
    found = np.zeros(len(mono_ms), dtype=np.bool_)
    for it in better:
        at = np.searchsorted(it.rows.mono_ms, mono_ms)
        edges = np.concatenate(([-FOR_EVER_MS], it.rows.mono_ms, [FOR_EVER_MS]))
        distance_ms = np.minimum(mono_ms - edges[at], edges[at + 1] - mono_ms)
        found |= (distance_ms <= SECOND_BEST_MS) & (mono_ms >= it.from_ms) & (mono_ms < it.to_ms)
    return found


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
    if stream is None or stream.channel != straps.CHANNEL:
        return []
    shift = boots.shift_ms(db, stream.boot_no, session.boot_no, session.mono0_ms)
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
    kept = [_worn(part.mono_ms, worn) for part in parts]
    return [HeartRates(part.mono_ms[it] + shift, part.bpm[it]) for part, it in zip(parts, kept, strict=True)]


def _worn(mono_ms: NDArray[np.int64], worn: Assignment) -> NDArray[np.bool_]:
    """Which times of the stream's own clock lie in the assignment."""
    to_ms = np.iinfo(np.int64).max if worn.to_ms is None else worn.to_ms
    return (mono_ms >= worn.from_ms) & (mono_ms < to_ms)


def _joined(parts: list[HeartRates]) -> HeartRates:
    if not parts:
        return HeartRates(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int16))
    mono_ms = np.concatenate([part.mono_ms for part in parts])
    order = np.argsort(mono_ms, kind="stable")
    return HeartRates(mono_ms[order], np.concatenate([part.bpm for part in parts])[order])
