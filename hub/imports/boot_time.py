"""A watch's file that knows the time tells it to a boot that did not: offered where their hearts agree.

Only FIT, GPX and TCX with positions are asked, their clocks were set by GPS; and only for sessions recorded
here while neither network time nor the cloud had spoken. It moves nothing: a person decides.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from sqlite3 import Connection

import numpy as np

from hub.domain import Session
from hub.imports.alignment import Alignment, Refusal, Why, align
from hub.imports.hearing import Hearing
from hub.store import athletes, boots, imports, lost_boots, questions, segments, sources
from hub.store.questions import Question
from hub.store.records import Moment
from hub.store.sources import SourceRow
from hub.store.steps import Steps
from sync.motion import MISSING, unseal_motion

TIMES = uuid.UUID("5f1d9b34-7c02-5e6a-9d41-0c8b2a7e6f13")
KIND = "time"
TAKEN, LEFT = "taken", "left as it is"
FORMATS = frozenset({"fit", "gpx", "tcx"})
OFFER_FROM_MS = 60_000
"""What moves less is not worth a question."""


@dataclass(frozen=True, slots=True)
class TimeOffer:
    """A question with what it is about; times are epoch ms, `believed_ms` and `true_ms` the session's start.

    `n_sessions` of the same boot would move, `is_taken` says that they did.
    """

    question: Question
    filename: str
    athlete_name: str
    session: Session
    believed_ms: int
    true_ms: int
    err_ms: int
    common_s: int
    n_sessions: int
    is_taken: bool


def offering(db: Connection, moment: Moment, new: Iterable[SourceRow]) -> Steps[tuple[Question, ...]]:
    """Ask about each of these sources that tells the time of a session recorded here, in steps; what is
    open after that."""
    asked: list[Question] = []
    for source in new:
        question = _question(db, moment, source)
        if question is not None:
            questions.ask(db, question)
            kept = questions.question(db, question.question_id)
            asked += [kept] if kept.answered is None else []
            yield
    return tuple(asked)


def _question(db: Connection, moment: Moment, source: SourceRow) -> Question | None:
    if source.athlete_id is None or not _may_tell(source):
        return None
    parts = lost_boots.worn_in(db, source.athlete_id)
    if not parts or not _has_fixes(db, source):
        return None
    hearing = Hearing(db)
    beats = hearing.of_source(source)
    found: list[tuple[lost_boots.LostPart, Alignment]] = []
    for part in parts:
        answer = align(hearing.on_boot(part.session_id, source.athlete_id, part.boot_no), beats)
        if isinstance(answer, Alignment) and _is_possible(part, answer):
            found.append((part, answer))
        elif isinstance(answer, Refusal) and answer.why is Why.AMBIGUOUS:
            return None
    if len(found) != 1:
        return None  # two sessions fit one file: it may be either
    part, fit = found[0]
    if abs(part.mono0_ms + fit.offset_ms - part.started_at_ms) < OFFER_FROM_MS:
        return None
    about = {
        "source_id": source.source_id, "session_id": part.session_id, "boot_no": part.boot_no,
        "mono_ms": fit.middle_ms, "wall_ms": fit.middle_ms + fit.offset_ms, "err_ms": fit.err_ms,
        "believed_ms": part.started_at_ms, "true_ms": part.mono0_ms + fit.offset_ms,
        "common_s": fit.common_s, "r": round(fit.r, 4),
    }  # fmt: skip
    question_id = str(uuid.uuid5(TIMES, f"{source.source_id}:{part.session_id}:{part.boot_no}"))
    return Question(question_id, source.import_id, KIND, about, None, moment.wall_ms)


def _may_tell(source: SourceRow) -> bool:
    is_stamped = source.format.casefold() in FORMATS and source.shifted_s == 0
    return is_stamped and None not in (source.hr_stream_id, source.motion_stream_id)


def _has_fixes(db: Connection, source: SourceRow) -> bool:
    """Whether it was outside, in sight of satellites."""
    found = segments.of_stream(db, source.motion_stream_id or "", -(1 << 60), None)
    return any(bool(np.any(unseal_motion(it).latitude_1e7 != MISSING)) for it in found)


def _is_possible(part: lost_boots.LostPart, fit: Alignment) -> bool:
    """Boots follow each other: none was before what is known of an earlier one, nor after a later one's."""
    begin_ms = part.mono0_ms + fit.offset_ms
    is_after = part.not_before_ms is None or begin_ms > part.not_before_ms - OFFER_FROM_MS
    return is_after and (part.not_after_ms is None or begin_ms < part.not_after_ms + OFFER_FROM_MS)


def take(db: Connection, question_id: str) -> int | None:
    """Believe the file: its boot, whose sessions may have moved, None where that was done already.

    Raises NotFound.
    """
    asked = questions.question(db, question_id)
    if asked.kind != KIND or asked.answered == TAKEN:
        return None
    about = asked.about
    anchor = boots.add_gps_anchor(db, *(int(about[it]) for it in ("boot_no", "mono_ms", "wall_ms", "err_ms")))
    questions.tell(db, question_id, {**about, "anchor_mono_ms": anchor.mono_ms})
    questions.answer(db, question_id, TAKEN)
    return anchor.boot_no


def leave(db: Connection, question_id: str) -> int | None:
    """Do not believe it; one believed before is taken back. The boot, None where nothing was believed.

    Raises NotFound.
    """
    asked = questions.question(db, question_id)
    if asked.kind != KIND:
        return None
    questions.answer(db, question_id, LEFT)
    if asked.answered != TAKEN:
        return None
    boot_no = int(asked.about["boot_no"])
    boots.take_back_gps_anchor(db, boot_no, int(asked.about["anchor_mono_ms"]))
    return boot_no


def offers(db: Connection, import_id: str | None = None) -> list[TimeOffer]:
    """Open offers for boots whose time is still unknown, the best fit of each; and those that were taken.

    With an import only its own, and those that were left, too.
    """
    asked = questions.of_kind(db, KIND, import_id)
    names = {it.athlete_id: it.name for it in athletes.all_athletes(db, include_inactive=True)}
    found: list[TimeOffer] = []
    seen: set[int] = set()
    for it in sorted(asked, key=lambda it: -float(it.about["r"])):
        boot_no, is_taken = int(it.about["boot_no"]), it.answered == TAKEN
        if it.answered == LEFT and import_id is None:
            continue
        if not is_taken and (boot_no in seen or not lost_boots.is_lost(db, boot_no)):
            continue
        offer = _offer(db, it, names, is_taken)
        if offer is not None:
            found.append(offer)
            seen |= set() if is_taken else {boot_no}
    return sorted(found, key=lambda it: (it.is_taken, it.question.at_ms, it.question.question_id))


def _offer(db: Connection, asked: Question, names: dict[str, str], is_taken: bool) -> TimeOffer | None:
    about = asked.about
    source = sources.maybe(db, str(about["source_id"]))
    session = lost_boots.session(db, str(about["session_id"]))
    if session is None or source is None or (source.is_removed and not is_taken):
        return None
    return TimeOffer(
        asked, imports.one(db, source.import_id).filename,
        names.get(source.athlete_id or "", "nobody known yet"), session, int(about["believed_ms"]),
        int(about["true_ms"]), int(about["err_ms"]), int(about["common_s"]),
        lost_boots.n_sessions(db, int(about["boot_no"])), is_taken,
    )  # fmt: skip
