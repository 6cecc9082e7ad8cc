"""What was heard on nobody: stretches of straps in all stored sessions that no athlete is credited with.

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
MOST_ON_A_PAGE = 20
"""A page ends with the session that reaches so many stretches."""

AT_ONCE = 50
"""Sessions read in one go while looking for the next that has any."""


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


@dataclass(frozen=True, slots=True)
class Page:
    """Stretches of whole sessions, newest first; `older_than` leads to the next page, None at the end."""

    stretches: tuple[Stretch, ...]
    older_than: str | None


@dataclass(slots=True)
class _Known:
    """What a look through many sessions needs each time: straps, foreign ones, samples not yet sealed."""

    by_id: dict[str, Strap]
    ignored: frozenset[str]
    open_rows: dict[int, list[tuple[int, int]]]

    @classmethod
    def of(cls, db: Connection) -> _Known:
        rows: dict[int, list[tuple[int, int]]] = {}
        for _row_id, _boot_no, samples in journal.open_samples(db):
            for it in samples:
                rows.setdefault(it.stream_no, []).append((it.mono_ms, it.bpm))
        return cls({it.strap_id: it for it in straps.all_straps(db)}, ignored_straps.ids(db), rows)


def page(db: Connection, older_than: str | None = None, most: int = MOST_ON_A_PAGE) -> Page:
    """The sessions recorded here that have any, back to the oldest stored; none of ignored straps.

    `older_than` is the id of the last session of the page before. Raises NotFound for an unknown one.
    """
    if older_than is not None:
        sessions.session(db, older_than)
    found: list[Stretch] = []
    for of_session in _by_session(db, older_than):
        if len(found) >= most:
            return Page(tuple(found), found[-1].session_id)
        found += of_session
    return Page(tuple(found), None)


def stretch(db: Connection, stream_id: str, from_ms: int) -> Stretch | None:
    """The stretch of a stream that begins at that time of its own, as it is now."""
    stream = straps.stream_by_id(db, stream_id)
    if stream is None:
        return None
    known = _Known.of(db)
    for session in sessions.reaching(db, stream.boot_no):
        begin, end = _window(session, boots.shift_ms(db, stream.boot_no, session.boot_no))
        if begin <= from_ms < end:
            own = _of_session(db, session, known, stream_id)
            return next((it for it in own if it.from_ms == from_ms), None)
    return None


def _by_session(db: Connection, older_than: str | None) -> Iterator[list[Stretch]]:
    known = _Known.of(db)
    while some := sessions.recorded(db, older_than, AT_ONCE):
        for session in some:
            found = _of_session(db, session, known)
            if found:
                yield found
        older_than = some[-1].session_id


def _of_session(
    db: Connection, session: Session, known: _Known, stream_id: str | None = None
) -> list[Stretch]:
    """In order of time; of one stream where it is named."""
    found: list[Stretch] = []
    for boot_no in unworn.boots_of(db, session):
        shift = boots.shift_ms(db, boot_no, session.boot_no)
        window = _window(session, shift)
        streams = {it.stream_no: it for it in unworn.sealed_streams(db, boot_no, *window)}
        if session.is_live:
            streams |= {it.stream_no: it for it in unworn.open_streams(db, boot_no, set(known.open_rows))}
        worn = sessions.assignments(db, session.session_id) if streams else []
        wearers = {it.athlete_id for it in worn}
        for stream in streams.values():
            if stream.strap_id in known.ignored or stream_id not in (None, stream.stream_id):
                continue
            strap = known.by_id.get(stream.strap_id) or Strap(stream.strap_id, stream.strap_id, "")
            spare_of = strap.athlete_id if strap.athlete_id in wearers else None
            heard = unworn.rates(db, stream.stream_id, *window, known.open_rows.get(stream.stream_no, []))
            for part in _parts(heard, unworn.spans_taken(db, stream.stream_id)):
                found.append(_stretch(session, shift, stream, strap, part, spare_of))
    return sorted(found, key=lambda it: (it.started_at_ms, it.strap_name))


def _window(session: Session, shift: int) -> tuple[int, int]:
    """The session from begin to end on the clock of a boot that is `shift` ms behind its own."""
    return session.mono0_ms - shift, _end_of(session) - shift


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
