"""What was heard on nobody: stretches of straps in the latest sessions that no athlete is credited with.

They are kept raw and can be given to somebody at any time. It gives them to nobody itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from sqlite3 import Connection

import numpy as np

from hub.domain import Session, Strap
from hub.store import boots, ignored_straps, journal, sessions, straps, unworn
from hub.store.straps import Stream
from hub.store.worn import HeartRates

APART_MS = 120_000
"""A strap silent for longer than this was taken off: what follows is another stretch."""

FEWEST_RATES = 10
CURVE_POINTS = 60
FAR_FUTURE_MS = 1 << 62


@dataclass(frozen=True, slots=True)
class Stretch:
    """Heart rates of a strap in [from_ms, to_ms) of its stream's own time that are nobody's.

    `started_at_ms` is epoch ms; `curve` are mean rates of equal parts, None where it was silent. `spare_of`
    is the athlete whose spare strap it is; `is_open` says that it belongs to a running session.
    """

    stream_id: str
    strap_id: str
    strap_name: str
    session_id: str
    session_title: str
    utc_offset_s: int
    started_at_ms: int
    from_ms: int
    to_ms: int
    n: int
    min_bpm: int
    mean_bpm: float
    max_bpm: int
    curve: tuple[int | None, ...]
    spare_of: str | None
    is_open: bool

    @property
    def seconds(self) -> int:
        """How long it lasts."""
        return (self.to_ms - self.from_ms) // 1000


def stretches(db: Connection, limit: int = 10) -> list[Stretch]:
    """Of the latest sessions recorded here, newest first and in order of time; none of ignored straps."""
    known = {strap.strap_id: strap for strap in straps.all_straps(db)}
    rows: dict[int, list[tuple[int, int]]] = {}
    for _row_id, _boot_no, samples in journal.open_samples(db):
        for it in samples:
            rows.setdefault(it.stream_no, []).append((it.mono_ms, it.bpm))
    recorded = [it for it in sessions.recent(db, limit) if it.hub_id is None and it.boot_no > 0]
    ignored = ignored_straps.ids(db)
    found = (one for session in recorded for one in _of_session(db, session, known, rows))
    return [one for one in found if one.strap_id not in ignored]


def _of_session(
    db: Connection, session: Session, known: dict[str, Strap], rows: dict[int, list[tuple[int, int]]]
) -> list[Stretch]:
    found: list[Stretch] = []
    wearers = {it.athlete_id for it in sessions.assignments(db, session.session_id)}
    for boot_no in unworn.boots_from(db, session.boot_no):
        shift = boots.shift_ms(db, boot_no, session.boot_no)
        window = session.mono0_ms - shift, _end_of(session) - shift
        streams = {it.stream_no: it for it in unworn.sealed_streams(db, boot_no, *window)}
        if session.is_live:
            streams |= {it.stream_no: it for it in unworn.open_streams(db, boot_no, set(rows))}
        for stream in streams.values():
            strap = known.get(stream.strap_id) or Strap(stream.strap_id, stream.strap_id, "")
            spare_of = strap.athlete_id if strap.athlete_id in wearers else None
            heard = unworn.rates(db, stream.stream_id, *window, rows.get(stream.stream_no, []))
            for part in _parts(heard, unworn.spans_taken(db, stream.stream_id)):
                found.append(_stretch(session, shift, stream, strap, part, spare_of))
    return sorted(found, key=lambda it: (it.started_at_ms, it.strap_name))


def _end_of(session: Session) -> int:
    """The session's end on its own clock; one ended in a later boot ends by true time."""
    if session.mono1_ms is not None:
        return session.mono1_ms
    if session.ended_at_ms is None:
        return FAR_FUTURE_MS
    return session.mono0_ms + session.ended_at_ms - session.started_at_ms + 1


def _parts(heard: HeartRates, taken: list[tuple[int, int | None]]) -> Iterator[HeartRates]:
    """What is nobody's, parted where the strap was silent for long or somebody's."""
    free = np.ones(len(heard.mono_ms), dtype=bool)
    owner = np.zeros(len(heard.mono_ms), dtype=np.int64)
    for from_ms, to_ms in taken:
        last_ms = FAR_FUTURE_MS if to_ms is None else to_ms
        free &= (heard.mono_ms < from_ms) | (heard.mono_ms >= last_ms)
        owner += heard.mono_ms >= last_ms
    at_ms, bpm, after = heard.mono_ms[free], heard.bpm[free], owner[free]
    breaks = np.flatnonzero((np.diff(at_ms) > APART_MS) | (np.diff(after) != 0)) + 1
    for times, rates in zip(np.split(at_ms, breaks), np.split(bpm, breaks), strict=True):
        if len(times) >= FEWEST_RATES:
            yield HeartRates(times, rates)


def _stretch(
    session: Session, shift: int, stream: Stream, strap: Strap, part: HeartRates, spare_of: str | None
) -> Stretch:
    first_ms, last_ms = int(part.mono_ms[0]), int(part.mono_ms[-1])
    return Stretch(
        stream_id=stream.stream_id,
        strap_id=strap.strap_id,
        strap_name=strap.name,
        session_id=session.session_id,
        session_title=session.title,
        utc_offset_s=session.utc_offset_s,
        started_at_ms=session.started_at_ms + first_ms + shift - session.mono0_ms,
        from_ms=first_ms,
        to_ms=last_ms + 1,
        n=len(part.bpm),
        min_bpm=int(part.bpm.min()),
        mean_bpm=float(part.bpm.mean()),
        max_bpm=int(part.bpm.max()),
        curve=_curve(part),
        spare_of=spare_of,
        is_open=session.is_live,
    )


def _curve(part: HeartRates) -> tuple[int | None, ...]:
    span_ms = max(1, int(part.mono_ms[-1] - part.mono_ms[0]) + 1)
    points = min(CURVE_POINTS, max(1, span_ms // 1000))
    index = (part.mono_ms - part.mono_ms[0]) * points // span_ms
    sums = np.bincount(index, weights=part.bpm, minlength=points)
    counts = np.bincount(index, minlength=points)
    return tuple(round(s / c) if c else None for s, c in zip(sums.tolist(), counts.tolist(), strict=True))
