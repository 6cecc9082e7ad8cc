"""A recording that lies whole hours beside its twin: offered as a time-zone correction, made and taken back.

Nothing is moved by itself. A correction seals the moved samples as new streams; the old ones stay as they
were and feed nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from sqlite3 import Connection

from hub.devices.exports.found import KnownBy
from hub.domain import Via
from hub.errors import ActionRefused
from hub.imports.arrange import Arranged, arrange
from hub.imports.hearing import Hearing
from hub.imports.settle import richness
from hub.imports.twins import LONGEST_SHIFT, QUARTER_MS, Relation, relation, shift_ms
from hub.store import boots, questions, segments, sessions, sources, straps
from hub.store.questions import Question
from hub.store.records import Moment, propose
from hub.store.sources import SourceRow
from hub.store.steps import Steps, at_once
from sync.motion import seal_motion, unseal_motion
from sync.segments import Segment, seal, unseal

ZONES = uuid.UUID("c9e8d7f6-2b1a-5c3d-8e4f-7a6b5c4d3e2f")
KIND = "zone"
CORRECTED, LEFT = "corrected", "left as it is"


def offer(db: Connection, moment: Moment, new: Iterable[SourceRow]) -> tuple[Question, ...]:
    """Ask about every twin of these sources that lies whole hours beside it; what is open after that."""
    return at_once(offering(db, moment, new))


def offering(db: Connection, moment: Moment, new: Iterable[SourceRow]) -> Steps[tuple[Question, ...]]:
    """As `offer`, in steps."""
    hearing, asked = Hearing(db), {}
    reach = (LONGEST_SHIFT + 1) * QUARTER_MS
    for it in new:
        if it.athlete_id is None:
            continue
        near = sources.of_athlete(db, it.athlete_id, it.started_at_ms - reach, it.ended_at_ms + reach)
        for other in near:
            is_shift = other.source_id != it.source_id and other.session_id != it.session_id
            if is_shift and relation(it, other, hearing.like) is Relation.ZONE_SHIFT:
                question = _question(it, other, hearing, moment.wall_ms)
                questions.ask(db, question)
                kept = questions.question(db, question.question_id)
                if kept.answered is None:
                    asked[kept.question_id] = kept
        yield
    return tuple(asked.values())


def _question(one: SourceRow, other: SourceRow, hearing: Hearing, at_ms: int) -> Question:
    """About the one whose zone was assumed, else the poorer one."""
    wrong, right = sorted(
        (one, other), key=lambda it: (it.offset_known_by != KnownBy.ASSUMED, richness(it), it.source_id)
    )
    moved = shift_ms(right, wrong, hearing.like) or right.started_at_ms - wrong.started_at_ms
    about = {
        "source_id": wrong.source_id, "other_source_id": right.source_id, "shift_s": moved // 1000,
        "started_at_ms": wrong.started_at_ms, "other_started_at_ms": right.started_at_ms,
    }  # fmt: skip
    question_id = str(uuid.uuid5(ZONES, f"{wrong.source_id}:{right.source_id}:{moved}"))
    return Question(question_id, wrong.import_id, KIND, about, None, at_ms)


def answer(db: Connection, moment: Moment, question_id: str, correct: bool) -> Arranged | None:
    """Correct the zone, or leave it as it is (taking an earlier correction back).

    What files say together with the one asked about lies as wrong as it, and moves along. Raises NotFound,
    or ActionRefused where the source is gone.
    """
    asked = questions.question(db, question_id)
    wrong = sources.source(db, asked.about["source_id"])
    if wrong.is_removed:
        raise ActionRefused("The import it asks about was undone.", hint="Import the file again.")
    questions.answer(db, question_id, CORRECTED if correct else LEFT)
    if correct == (asked.answered == CORRECTED):
        return None
    by_s = int(asked.about["shift_s"]) * (1 if correct else -1)
    moving = _together(db, wrong)
    if correct:
        _drop_siblings(db, {it.source_id for it in moving})
    arranged = shift(db, moment, moving, wrong.shifted_s + by_s)
    if not correct:
        offer(db, moment, [arranged.sources[it.source_id] for it in moving])
    return arranged


def _together(db: Connection, wrong: SourceRow) -> list[SourceRow]:
    """The source and those beside it in a session of files that were moved as much and no more."""
    kept = sessions.kept(db, wrong.session_id) if wrong.session_id is not None else None
    if kept is None or kept.session.source is not Via.FILE:
        return [wrong]
    beside = sources.of_session(db, kept.session.session_id)
    return [
        it for it in beside if it.shifted_s == wrong.shifted_s and it.offset_known_by == wrong.offset_known_by
    ]


def _drop_siblings(db: Connection, source_ids: set[str]) -> None:
    for other in questions.still_open(db):
        if other.about.get("source_id") in source_ids:
            questions.forget(db, other.question_id)


def shift(db: Connection, moment: Moment, moving: Iterable[SourceRow], shifted_s: int) -> Arranged:
    """Move sources to lie `shifted_s` beside what their files say; their local wall times stay."""
    return arrange(db, moment, [_shifted(db, moment, it, shifted_s) for it in moving])


def _shifted(db: Connection, moment: Moment, it: SourceRow, shifted_s: int) -> SourceRow:
    by_s = shifted_s - it.shifted_s
    return replace(
        it,
        started_at_ms=it.started_at_ms + by_s * 1000,
        rows_end_ms=None if it.rows_end_ms is None else it.rows_end_ms + by_s * 1000,
        utc_offset_s=it.utc_offset_s - by_s,
        shifted_s=shifted_s,
        laps=tuple({**lap, "started_at_ms": lap["started_at_ms"] + by_s * 1000} for lap in it.laps),
        hr_stream_id=_moved(db, moment, it, it.hr_stream_id, shifted_s, by_s * 1000),
        motion_stream_id=_moved(db, moment, it, it.motion_stream_id, shifted_s, by_s * 1000),
    )


def _moved(
    db: Connection, moment: Moment, it: SourceRow, stream_id: str | None, shifted_s: int, by_ms: int
) -> str | None:
    """The stream `by_ms` later under an id of its own, the same for the same shift of the same file."""
    stream = straps.stream_by_id(db, stream_id) if stream_id is not None else None
    if stream is None or stream_id is None or by_ms == 0:
        return stream_id
    original, _, _ = stream.strap_id.partition("@")
    strap_id = f"{original}@{shifted_s}" if shifted_s else original
    known = straps.stream_on(db, boots.CIVIL_BOOT, strap_id, stream.channel)
    if known is not None:
        return known.stream_id
    new_id = str(uuid.uuid5(ZONES, f"{it.source_id}:{stream.channel}:{shifted_s}"))
    propose(db, moment, "stream", new_id, {
        "strap_id": strap_id, "boot_no": boots.CIVIL_BOOT, "channel": stream.channel,
    })  # fmt: skip
    resealed = RESEALED[stream.channel]
    for segment in segments.of_stream(db, stream_id, -(1 << 60), None):
        segments.add(db, resealed(new_id, segment, by_ms))
    return new_id


def _moved_hearts(stream_id: str, segment: Segment, by_ms: int) -> Segment:
    samples = unseal(segment)
    return seal(stream_id, boots.CIVIL_BOOT, replace(samples, mono_ms=samples.mono_ms + by_ms))


def _moved_motion(stream_id: str, segment: Segment, by_ms: int) -> Segment:
    motion = unseal_motion(segment)
    return seal_motion(stream_id, boots.CIVIL_BOOT, replace(motion, mono_ms=motion.mono_ms + by_ms))


RESEALED: dict[str, Callable[[str, Segment, int], Segment]] = {"hr": _moved_hearts, "motion": _moved_motion}
