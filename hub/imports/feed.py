"""Which recording feeds what of each athlete in a session, worked out and then written as assignments.

A session recorded here takes its own straps first and a file only where they were silent, unless somebody
chose the file. Loads follow by themselves; they are asked here only to tell what a repair changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from sqlite3 import Connection

from hub.domain import LoadRow
from hub.imports import settle
from hub.imports.gaps import Candidate, Span, feeding
from hub.imports.hearing import LIVE, Hearing, Recorded, civil_shift
from hub.results.loads import load_table
from hub.store import feeds
from hub.store.feeds import Worn
from hub.store.records import Moment
from hub.store.sources import SourceRow

Fed = Mapping[str, tuple[Span, ...]]


@dataclass(frozen=True, slots=True)
class AthleteFeed:
    """What feeds one athlete: spans in epoch ms by source id, or by LIVE for the straps recorded here."""

    session_id: str
    athlete_id: str
    sources: tuple[SourceRow, ...]
    part: Recorded | None
    hearts: Fed
    motions: Fed

    @property
    def filled(self) -> Fed:
        """What files feed of the hearts."""
        return {key: spans for key, spans in self.hearts.items() if key != LIVE}


@dataclass(frozen=True, slots=True)
class Repair:
    """Hearts of an athlete in a session recorded here, now taken from files in `spans`: before and after.

    Without spans a repair was taken back.
    """

    session_id: str
    athlete_id: str
    spans: Mapping[str, tuple[Span, ...]]
    before: LoadRow | None
    after: LoadRow | None

    @property
    def filled_s(self) -> float:
        """How long the filled stretches are together."""
        return sum(to_ms - from_ms for spans in self.spans.values() for from_ms, to_ms in spans) / 1000


def athlete_feed(
    session_id: str, athlete_id: str, sources: Iterable[SourceRow], part: Recorded | None, hearing: Hearing
) -> AthleteFeed:
    """Work out what feeds an athlete in a session, from their own sources and the straps they wore."""
    own = tuple(sources)
    return AthleteFeed(
        session_id, athlete_id, own, part, _hearts(own, part, hearing), _motions(own, part)
    )  # fmt: skip


def _hearts(own: Sequence[SourceRow], part: Recorded | None, hearing: Hearing) -> Fed:
    ranked = settle.hearts(own)
    if part is None and len(ranked) == 1:  # the usual case needs no look inside
        return {ranked[0].source_id: ((ranked[0].started_at_ms, ranked[0].ended_at_ms + 1),)}
    if not ranked:
        return {} if part is None else {LIVE: hearing.recorded_candidate(part).spans}
    chosen = [hearing.source_candidate(it) for it in ranked if it.hr_chosen_at_ms]
    others = [hearing.source_candidate(it) for it in ranked if not it.hr_chosen_at_ms]
    recorded = [hearing.recorded_candidate(part)] if part else []
    return feeding([*chosen, *recorded, *others], _within(own, part))


def _motions(own: Sequence[SourceRow], part: Recorded | None) -> Fed:
    ranked = settle.motions(own)
    spans = [((it.started_at_ms, it.ended_at_ms + 1),) for it in ranked]
    candidates = [Candidate(it.source_id, s, s, it.may_fill) for it, s in zip(ranked, spans, strict=True)]
    return feeding(candidates, _within(own, part)) if candidates else {}


def _within(own: Sequence[SourceRow], part: Recorded | None) -> Span:
    if part is not None:
        return part.span
    return min(it.started_at_ms for it in own), max(it.ended_at_ms for it in own) + 1


def apply(db: Connection, moment: Moment, feedings: Iterable[AthleteFeed], idle: Iterable[SourceRow]) -> None:
    """Write the assignments, as far as they differ; the streams of idle sources feed nothing."""
    for source in idle:
        for stream_id in (source.hr_stream_id, source.motion_stream_id):
            if stream_id is not None:
                feeds.set_spans(db, moment, stream_id, "", "", [])
    for it in feedings:
        for source in it.sources:
            for stream_id, fed in ((source.hr_stream_id, it.hearts), (source.motion_stream_id, it.motions)):
                if stream_id is not None:
                    spans = list(fed.get(source.source_id, ()))
                    feeds.set_spans(db, moment, stream_id, it.athlete_id, it.session_id, spans)
        if it.part is not None:
            _apply_recorded(db, moment, it.part, it.hearts.get(LIVE, ()))


def _apply_recorded(db: Connection, moment: Moment, part: Recorded, spans: Iterable[Span]) -> None:
    """Each recorded stream feeds its own spans where the answer has them, on its own boot's clock."""
    by_stream: dict[str, list[Worn]] = defaultdict(list)
    for worn in part.worn:
        by_stream[worn.assignment.stream_id].append(worn)
    wanted = list(spans)
    for rows in by_stream.values():
        pieces: list[tuple[int, int | None]] = []
        for worn in rows:
            if worn.is_own:
                pieces.extend(_pieces(db, part, worn, wanted))
        feeds.set_recorded_spans(db, moment, rows, pieces)


def _pieces(
    db: Connection, part: Recorded, worn: Worn, wanted: Iterable[Span]
) -> list[tuple[int, int | None]]:
    shift = civil_shift(db, part.session, worn.boot_no)
    found: list[tuple[int, int | None]] = []
    until = part.span[1] - shift if worn.to_ms is None else worn.to_ms
    for from_ms, to_ms in wanted:
        start, end = max(from_ms - shift, worn.from_ms), min(to_ms - shift, until)
        if (start, end) == (worn.from_ms, until):
            found.append((worn.from_ms, worn.to_ms))
        elif start < end:
            found.append((start, end))
    return found


Loads = Mapping[tuple[str, str], LoadRow | None]


def loads_before(db: Connection, feedings: Iterable[AthleteFeed]) -> Loads:
    """Loads in sessions recorded here, of those athletes whose feeding files are about to change."""
    changing = [it for it in feedings if it.part is not None and _filled_now(db, it) != dict(it.filled)]
    return _loads(db, [(it.session_id, it.athlete_id) for it in changing])


def repairs(db: Connection, feedings: Iterable[AthleteFeed], before: Loads) -> tuple[Repair, ...]:
    """What changed, once it is applied."""
    after = _loads(db, list(before))
    return tuple(
        Repair(it.session_id, it.athlete_id, dict(it.filled), before[key], after[key])
        for it in feedings
        if (key := (it.session_id, it.athlete_id)) in before
    )


def _filled_now(db: Connection, it: AthleteFeed) -> dict[str, tuple[Span, ...]]:
    found: dict[str, tuple[Span, ...]] = {}
    for source in it.sources:
        rows = feeds.of_stream(db, source.hr_stream_id) if source.hr_stream_id else []
        spans = [
            (row.from_ms, row.to_ms)
            for row in rows
            if row.session_id == it.session_id and row.to_ms is not None and row.to_ms > row.from_ms
        ]
        if spans:
            found[source.source_id] = tuple(spans)
    return found


def _loads(db: Connection, wanted: list[tuple[str, str]]) -> dict[tuple[str, str], LoadRow | None]:
    return {
        (session_id, athlete_id): next(iter(load_table(db, session_id, athlete_ids={athlete_id})), None)
        for session_id, athlete_id in wanted
    }
