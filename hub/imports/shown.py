"""What people are shown of a session's recordings: which there are, which feeds what, what a repair changed.

It asks the same rules that write the assignments and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from sqlite3 import Connection

from hub.analytics.histogram import heart_histogram
from hub.analytics.session_results import results_from_histogram
from hub.domain import Athlete, LoadRow, Session, Via
from hub.imports.feed import Fed, athlete_feed
from hub.imports.gaps import Span
from hub.imports.hearing import LIVE, Hearing, Recorded
from hub.imports.zones import CORRECTED
from hub.results.loads import load_table
from hub.results.profiles import all_parameters, day_of
from hub.store import athletes, feeds, imports, questions, sessions, sources
from hub.store.questions import Question
from hub.store.sources import SourceRow


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording with the spans in epoch ms it feeds; `source` None is what the straps said here."""

    source: SourceRow | None
    span: Span
    hearts: tuple[Span, ...]
    motions: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Numbers:
    """A load with its coverage, 0 to 1."""

    edwards_au: float | None
    banister_au: float | None
    coverage: float


@dataclass(frozen=True, slots=True)
class AthleteRecordings:
    """An athlete's recordings, the straps' own first. `without` and `now` compare the straps alone with
    what files fill, None where no file fills anything."""

    athlete: Athlete
    recordings: tuple[Recording, ...]
    filled_s: float
    without: Numbers | None
    now: Numbers | None


@dataclass(frozen=True, slots=True)
class SessionRecordings:
    """Everybody's recordings in a session; `unknown` are sources whose athlete nobody knows yet."""

    session: Session
    athletes: tuple[AthleteRecordings, ...]
    unknown: tuple[SourceRow, ...]
    questions: tuple[AskedAbout, ...]


@dataclass(frozen=True, slots=True)
class AskedAbout:
    """A zone question with the two sources it is about and the names of their files."""

    question: Question
    athlete_name: str
    wrong: SourceRow
    right: SourceRow
    wrong_file: str
    right_file: str

    @property
    def shift_s(self) -> int:
        """What would be added to the times of `wrong`."""
        return int(self.question.about["shift_s"])

    @property
    def is_corrected(self) -> bool:
        """Whether it was moved."""
        return self.question.answered == CORRECTED


def session_recordings(db: Connection, session_id: str) -> SessionRecordings:
    """The recordings of a session, without athletes where no file tells of it. Raises NotFound."""
    session = sessions.session(db, session_id)
    found = sources.of_session(db, session_id)
    hearing, loads = Hearing(db), {}
    if found:
        loads = {row.athlete_id: row for row in load_table(db, session_id)}
    mine = []
    for person in athletes.all_athletes(db, include_inactive=True):
        own = [it for it in found if it.athlete_id == person.athlete_id]
        if own:
            row = loads.get(person.athlete_id)
            mine.append(_of_athlete(db, hearing, session, person, own, row))
    unknown = tuple(it for it in found if it.athlete_id is None)
    return SessionRecordings(session, tuple(mine), unknown, tuple(_asked_about(db, found)))


def open_questions(db: Connection) -> list[AskedAbout]:
    """Every zone question without an answer, oldest first."""
    return _with_sources(db, questions.still_open(db))


def _asked_about(db: Connection, found: Iterable[SourceRow]) -> list[AskedAbout]:
    """Open questions about these sources, and answered ones that moved them."""
    mine = {it.source_id for it in found}
    of_files = [q for key in {it.import_id for it in found} for q in questions.of_import(db, key)]
    asked = {q.question_id: q for q in (*questions.still_open(db), *of_files)}
    concerned = [
        q for q in asked.values() if mine & {q.about.get("source_id"), q.about.get("other_source_id")}
    ]
    return [it for it in _with_sources(db, concerned) if it.question.answered is None or it.is_corrected]


def _with_sources(db: Connection, asked: Iterable[Question]) -> list[AskedAbout]:
    names = {it.athlete_id: it.name for it in athletes.all_athletes(db, include_inactive=True)}
    found = []
    for question in asked:
        wrong = sources.maybe(db, question.about["source_id"])
        right = sources.maybe(db, question.about["other_source_id"])
        if wrong is None or right is None or wrong.is_removed or right.is_removed:
            continue
        files = [imports.one(db, it.import_id).filename for it in (wrong, right)]
        name = names.get(wrong.athlete_id or "", "nobody known yet")
        found.append(AskedAbout(question, name, wrong, right, *files))
    return found


def _of_athlete(
    db: Connection, hearing: Hearing, session: Session, athlete: Athlete, own: Sequence[SourceRow],
    now: LoadRow | None,
) -> AthleteRecordings:  # fmt: skip
    part = _recorded_part(db, hearing, session, athlete.athlete_id)
    fed = athlete_feed(session.session_id, athlete.athlete_id, own, part, hearing)
    hearts = _without_each_other(fed.hearts)
    recordings = [
        Recording(it, (it.started_at_ms, it.ended_at_ms), hearts.get(it.source_id, ()),
                  fed.motions.get(it.source_id, ()))
        for it in own
    ]  # fmt: skip
    if part is None:
        return AthleteRecordings(athlete, tuple(recordings), 0.0, None, None)
    recordings.insert(0, Recording(None, part.span, hearts.get(LIVE, ()), ()))
    filled_s = sum(to_ms - from_ms for spans in fed.filled.values() for from_ms, to_ms in spans) / 1000
    if not filled_s or now is None:
        return AthleteRecordings(athlete, tuple(recordings), filled_s, None, None)
    after = Numbers(now.edwards_au, now.banister_au, now.coverage)
    without = _straps_alone(db, hearing, session, part)
    return AthleteRecordings(athlete, tuple(recordings), filled_s, without, after)


def _without_each_other(fed: Fed) -> Fed:
    """What each feeds less what the ones after it fill; the best comes first."""
    shown: dict[str, tuple[Span, ...]] = {}
    filled: list[Span] = []
    for key, spans in reversed(tuple(fed.items())):
        shown[key] = tuple(piece for span in spans for piece in _less(span, filled))
        filled += spans
    return shown


def _less(span: Span, others: Iterable[Span]) -> list[Span]:
    left, at = [], span[0]
    for from_ms, to_ms in sorted(others):
        if at < from_ms < span[1]:
            left.append((at, from_ms))
        at = max(at, to_ms)
    return [*left, (at, span[1])] if at < span[1] else left


def _recorded_part(db: Connection, hearing: Hearing, session: Session, athlete_id: str) -> Recorded | None:
    if session.source is Via.FILE or not feeds.recorded(db, session.session_id, athlete_id):
        return None
    return hearing.recorded(session, athlete_id)


def _straps_alone(db: Connection, hearing: Hearing, session: Session, part: Recorded) -> Numbers:
    """The load that the straps recorded here would give by themselves."""
    day = day_of(session)
    beats = hearing.of_recorded(part)
    histogram = heart_histogram(beats.at_ms, beats.bpm, *part.span)
    results = results_from_histogram(histogram, all_parameters(db, day)[part.athlete_id], day)
    values = {it.metric_id: it.value for it in results}
    return Numbers(values["edwards_trimp"], values["banister_trimp"], histogram.coverage)
