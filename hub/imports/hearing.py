"""What the recordings of an athlete say, read once: heart rates of files and of the straps recorded here.

All times are epoch ms; a recorded strap's boot is put on the civil clock by its anchor. It changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection

import numpy as np

from hub.domain import Session
from hub.imports.gaps import Candidate, Span, heard_spans
from hub.imports.likeness import Beats, Likeness, likeness
from hub.store import boots, feeds, segments
from hub.store.feeds import Worn
from hub.store.sources import SourceRow
from sync.segments import unseal

LIVE = "live"
FAR_FUTURE_MS = 1 << 60
NO_BEATS = Beats(np.zeros(0, np.int64), np.zeros(0, np.int16))


@dataclass(frozen=True, slots=True)
class Recorded:
    """An athlete's part in a session recorded here, as one recording among the sources."""

    session: Session
    athlete_id: str
    span: Span
    worn: tuple[Worn, ...]


class Hearing:
    """Answers from one connection within one transaction; what was unsealed is kept for the next question."""

    def __init__(self, db: Connection) -> None:
        self._db = db
        self._beats: dict[str, Beats] = {}
        self._likeness: dict[tuple[str, str, int], Likeness | None] = {}

    def of_source(self, source: SourceRow) -> Beats:
        """A source's heart rates above 0."""
        if source.hr_stream_id is None:
            return NO_BEATS
        return self._stream(source.hr_stream_id, 0, (-FAR_FUTURE_MS, FAR_FUTURE_MS))

    def of_recorded(self, part: Recorded) -> Beats:
        """What the athlete's straps said in a session recorded here."""
        pieces = [
            self._stream(
                it.assignment.stream_id,
                civil_shift(self._db, part.session, it.boot_no),
                self.span_of(part, it),
            )
            for it in part.worn
            if it.is_own
        ]
        return _together(pieces)

    def on_boot(self, session_id: str, athlete_id: str, boot_no: int) -> Beats:
        """What the athlete's straps said in one boot of a session recorded here, on that boot's own clock."""
        pieces = [
            self._unsealed(
                it.assignment.stream_id, 0, (it.from_ms, FAR_FUTURE_MS if it.to_ms is None else it.to_ms)
            )
            for it in feeds.recorded(self._db, session_id, athlete_id)
            if it.is_own and it.boot_no == boot_no
        ]
        return _together(pieces)

    def like(self, one: SourceRow, other: SourceRow, moved_ms: int) -> Likeness | None:
        """How alike two sources' hearts are; the answer twins ask for."""
        key = (one.source_id, other.source_id, moved_ms)
        if key not in self._likeness:
            b = self.of_source(other)
            moved = Beats(b.at_ms + moved_ms, b.bpm)
            lag_s = 5 if moved_ms else 60
            self._likeness[key] = likeness(self.of_source(one), moved, lag_s)
        return self._likeness[key]

    def span_of(self, part: Recorded, worn: Worn) -> Span:
        """When a strap was worn, on the civil clock."""
        shift = civil_shift(self._db, part.session, worn.boot_no)
        to_ms = part.span[1] if worn.to_ms is None else worn.to_ms + shift
        return worn.from_ms + shift, max(to_ms, worn.from_ms + shift)

    def recorded(self, session: Session, athlete_id: str) -> Recorded | None:
        """An athlete's part in a session recorded here; None where its boot was never tied to true time."""
        if session.boot_no != boots.CIVIL_BOOT and boots.best_anchor(self._db, session.boot_no) is None:
            return None
        start = session.mono0_ms + civil_shift(self._db, session, session.boot_no)
        if session.mono1_ms is not None:
            length = session.mono1_ms - session.mono0_ms
        else:
            length = (session.ended_at_ms or session.started_at_ms) - session.started_at_ms
        worn = tuple(feeds.recorded(self._db, session.session_id, athlete_id))
        return Recorded(session, athlete_id, (start, start + max(length, 0)), worn)

    def source_candidate(self, source: SourceRow) -> Candidate:
        """A file's recording as one that may feed hearts."""
        span = (source.started_at_ms, source.ended_at_ms + 1)
        return Candidate(
            source.source_id, (span,), heard_spans(self.of_source(source).at_ms), source.may_fill
        )

    def recorded_candidate(self, part: Recorded) -> Candidate:
        """The straps of a session recorded here as one that may feed hearts."""
        spans = tuple(self.span_of(part, it) for it in part.worn if it.is_own)
        return Candidate(LIVE, spans, heard_spans(self.of_recorded(part).at_ms))

    def _stream(self, stream_id: str, shift: int, span: Span) -> Beats:
        key = f"{stream_id}:{shift}:{span}"
        if key not in self._beats:
            self._beats[key] = self._unsealed(stream_id, shift, span)
        return self._beats[key]

    def _unsealed(self, stream_id: str, shift: int, span: Span) -> Beats:
        from_ms, to_ms = span[0] - shift, span[1] - shift
        found = [unseal(it) for it in segments.of_stream(self._db, stream_id, from_ms, to_ms)]
        if not found:
            return NO_BEATS
        at_ms, bpm = np.concatenate([it.mono_ms for it in found]), np.concatenate([it.bpm for it in found])
        kept = (bpm > 0) & (at_ms >= from_ms) & (at_ms < to_ms)
        order = np.argsort(at_ms[kept], kind="stable")
        return Beats(at_ms[kept][order] + shift, bpm[kept][order])


def civil_shift(db: Connection, session: Session, boot_no: int) -> int:
    """What puts a boot's times in a session recorded here on the civil clock: right where the session began,
    or where that boot took it up."""
    near_ms = session.mono0_ms if boot_no == session.boot_no else None
    return boots.shift_ms(db, boot_no, boots.CIVIL_BOOT, near_ms)


def _together(pieces: Sequence[Beats]) -> Beats:
    """All of them as one, in order of time."""
    if not pieces:
        return NO_BEATS
    at_ms = np.concatenate([it.at_ms for it in pieces])
    order = np.argsort(at_ms, kind="stable")
    return Beats(at_ms[order], np.concatenate([it.bpm for it in pieces])[order])
