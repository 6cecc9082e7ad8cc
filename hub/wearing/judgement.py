"""How far a session's heart rates can be trusted: stored samples judged again by the rule of the live ones.

Every millisecond of an athlete's session is good, doubtful or missing, and the three add up. It takes no
sample away: loads are of all that was heard, and this says how much of it was doubtful.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from sqlite3 import Connection

import numpy as np
from numpy.typing import NDArray

from hub.analytics.doubt import HeardTime, doubtful_rates, heard_time, time_so_far
from hub.devices.quality import Observed, Quality
from hub.domain import DOUBTFUL, Assignment, Contact, Flaw, Session
from hub.results.kept import end_of, heard_keys
from hub.store import boots, journal, segments, session_quality, sessions, straps
from hub.store.straps import Stream
from sync.segments import Samples, unseal

TrustDoc = tuple[str, bytes, str]
"""Athlete, digest of what was heard, and the judgement as JSON."""

_CONTACT = (Contact.UNSUPPORTED, Contact.NO, Contact.YES)


@dataclass(frozen=True, slots=True)
class Judged:
    """One stored sample with its flaws; `mono_ms` is of its stream's own boot."""

    mono_ms: int
    has_rate: bool
    flaws: tuple[Flaw, ...]

    @property
    def is_doubtful(self) -> bool:
        """The rate is there and should not be believed as it stands."""
        return self.has_rate and any(flaw in DOUBTFUL for flaw in self.flaws)


@dataclass(frozen=True, slots=True)
class Trust:
    """One athlete's session: ms with good rates, with doubtful ones and without any, and counts of flaws."""

    good_ms: int
    doubtful_ms: int
    missing_ms: int
    flaws: tuple[tuple[str, int], ...]

    @property
    def elapsed_ms(self) -> int:
        """The whole."""
        return self.good_ms + self.doubtful_ms + self.missing_ms

    def count(self, flaw: Flaw) -> int:
        """How many samples had this flaw."""
        return dict(self.flaws).get(flaw.value, 0)


def judged(heard: list[journal.Sample]) -> list[Judged]:
    """The samples of one stream in the order they came, judged as they were live.

    What a segment does not hold cannot be judged again: broadcast counters, energy and damaged bytes. A gap
    is therefore told by time alone.
    """
    quality = Quality()
    found = []
    for it in heard:
        seen = Observed(it.mono_ms, it.bpm or None, _CONTACT[it.contact], it.rr_1024)
        found.append(Judged(it.mono_ms, it.bpm > 0, quality.judge(seen)))
    return found


def account(heard: list[Judged], from_ms: int, to_ms: int) -> Trust:
    """Where the time [from_ms, to_ms) went, by samples in order of time. All on one clock."""
    flaws: Counter[str] = Counter()
    inside = [it for it in heard if from_ms <= it.mono_ms < to_ms]
    for it in inside:
        flaws.update(flaw.value for flaw in it.flaws)
    rates = [it for it in inside if it.has_rate]
    times = np.array([it.mono_ms for it in rates], dtype=np.int64)
    time = heard_time(times, np.array([it.is_doubtful for it in rates], dtype=np.bool_), to_ms)
    missing_ms = max(0, to_ms - from_ms) - time.good_ms - time.doubtful_ms
    return Trust(time.good_ms, time.doubtful_ms, missing_ms, tuple(sorted(flaws.items())))


def session_trust(db: Connection, session: Session, now_mono_ms: int | None = None) -> dict[str, Trust]:
    """By athlete, of everyone who wore a strap that was recorded here; from what is kept where it holds.

    A live session is judged up to `now_mono_ms` of its own boot.
    """
    if session.is_live:
        return _judge(db, session, now_mono_ms, None)
    keys = heard_keys(db, session)
    found = {
        athlete_id: _trust(doc)
        for athlete_id, (heard_key, doc) in session_quality.kept(db, session.session_id).items()
        if keys.get(athlete_id) == heard_key
    }
    return found | _judge(db, session, None, set(keys) - set(found))


def trust_docs(db: Connection, session: Session) -> list[TrustDoc]:
    """The judgement of an ended session as it is kept, so that pages need not judge again."""
    keys = heard_keys(db, session)
    found = session_trust(db, session)
    return [(athlete_id, keys[athlete_id], _doc(trust)) for athlete_id, trust in sorted(found.items())]


def running_times(
    db: Connection, session: Session, athlete_ids: set[str], shift_ms: int
) -> dict[str, HeardTime]:
    """By athlete the account of a live session so far, to go on from; moved by `shift_ms` onto this boot's
    clock.
    """
    open_rows = _open_rows(db)
    streams: dict[str, tuple[NDArray[np.int64], NDArray[np.bool_]]] = {}
    people: dict[str, list[tuple[NDArray[np.int64], NDArray[np.bool_]]]] = {}
    for worn, stream, shift in _wearings(db, session, athlete_ids):
        if worn.stream_id not in streams:
            streams[worn.stream_id] = _doubted(db, stream, session.mono0_ms - shift, open_rows)
        own_ms, is_doubtful = streams[worn.stream_id]
        inside = (own_ms >= worn.from_ms) & (True if worn.to_ms is None else own_ms < worn.to_ms)
        part = own_ms[inside] + shift + shift_ms, is_doubtful[inside]
        people.setdefault(worn.athlete_id, []).append(part)
    return {
        athlete_id: time_so_far(
            np.concatenate([times for times, _ in parts]), np.concatenate([flags for _, flags in parts])
        )
        for athlete_id, parts in people.items()
    }


def _doubted(
    db: Connection, stream: Stream, from_ms: int, open_rows: dict[int, list[journal.Sample]]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Times of a stream's rates on its own clock, and which are doubtful."""
    parts = [unseal(segment) for segment in segments.of_stream(db, stream.stream_id, from_ms, None)]
    rows = open_rows.get(stream.stream_no, [])
    mono_ms = np.concatenate([*(it.mono_ms for it in parts), np.array([r.mono_ms for r in rows], np.int64)])
    bpm = np.concatenate([*(it.bpm for it in parts), np.array([r.bpm for r in rows], np.int16)])
    contact = np.concatenate([*(it.contact for it in parts), np.array([r.contact for r in rows], np.uint8)])
    counts = np.concatenate(
        [*(it.rr_count for it in parts), np.array([len(r.rr_1024) for r in rows], np.uint8)]
    )
    rr_1024 = np.concatenate(
        [*(it.rr_1024 for it in parts), np.array([rr for r in rows for rr in r.rr_1024], np.uint16)]
    )
    inside = mono_ms >= from_ms
    is_off = contact[inside] == _CONTACT.index(Contact.NO)
    kept_rr = rr_1024[np.repeat(inside, counts)]
    mono_ms, bpm = mono_ms[inside], bpm[inside]
    found = doubtful_rates(mono_ms, bpm, is_off, counts[inside], kept_rr)
    return mono_ms[bpm > 0], found[bpm > 0]


def _judge(
    db: Connection, session: Session, now_mono_ms: int | None, athlete_ids: set[str] | None
) -> dict[str, Trust]:
    open_rows = _open_rows(db) if session.is_live else {}
    streams: dict[str, list[Judged]] = {}
    people: dict[str, list[Judged]] = {}
    for worn, stream, shift in _wearings(db, session, athlete_ids):
        if worn.stream_id not in streams:
            streams[worn.stream_id] = judged(list(_heard(db, stream, session.mono0_ms - shift, open_rows)))
        people.setdefault(worn.athlete_id, []).extend(_worn(streams[worn.stream_id], worn, shift))
    return {athlete_id: _account(session, heard, now_mono_ms) for athlete_id, heard in people.items()}


def _wearings(
    db: Connection, session: Session, athlete_ids: set[str] | None
) -> Iterator[tuple[Assignment, Stream, int]]:
    """Who wore which strap heard here, and what brings its clock to the session's; files are left out."""
    for worn in sessions.assignments(db, session.session_id):
        if athlete_ids is not None and worn.athlete_id not in athlete_ids:
            continue
        stream = straps.stream_by_id(db, worn.stream_id)
        if stream is None or stream.channel != straps.CHANNEL or stream.boot_no == boots.CIVIL_BOOT:
            continue
        yield worn, stream, boots.shift_ms(db, stream.boot_no, session.boot_no)


def _worn(heard: list[Judged], worn: Assignment, shift: int) -> Iterator[Judged]:
    for it in heard:
        if worn.from_ms <= it.mono_ms and (worn.to_ms is None or it.mono_ms < worn.to_ms):
            yield Judged(it.mono_ms + shift, it.has_rate, it.flaws)


def _account(session: Session, heard: list[Judged], now_mono_ms: int | None) -> Trust:
    rows = sorted(heard, key=lambda it: it.mono_ms)
    times = np.array([it.mono_ms for it in rows], dtype=np.int64)
    return account(rows, session.mono0_ms, end_of(session, times, now_mono_ms))


def _heard(
    db: Connection, stream: Stream, from_ms: int, open_rows: dict[int, list[journal.Sample]]
) -> Iterator[journal.Sample]:
    for segment in segments.of_stream(db, stream.stream_id, from_ms, None):
        yield from (it for it in samples_of(unseal(segment), stream.stream_no) if it.mono_ms >= from_ms)
    yield from (it for it in open_rows.get(stream.stream_no, ()) if it.mono_ms >= from_ms)


def samples_of(columns: Samples, stream_no: int) -> Iterator[journal.Sample]:
    """A segment's rows one by one."""
    rr_1024, at = columns.rr_1024.tolist(), 0
    rows = zip(
        columns.mono_ms.tolist(), columns.bpm.tolist(), columns.contact.tolist(), columns.rr_count.tolist(),
        strict=True,
    )  # fmt: skip
    for mono_ms, bpm, contact, count in rows:
        yield journal.Sample(stream_no, mono_ms, bpm, contact, tuple(rr_1024[at : at + count]))
        at += count


def _open_rows(db: Connection) -> dict[int, list[journal.Sample]]:
    rows: dict[int, list[journal.Sample]] = {}
    for _row_id, _boot_no, samples in journal.open_samples(db):
        for sample in samples:
            rows.setdefault(sample.stream_no, []).append(sample)
    return rows


def _doc(trust: Trust) -> str:
    return json.dumps([trust.good_ms, trust.doubtful_ms, trust.missing_ms, dict(trust.flaws)])


def _trust(doc: str) -> Trust:
    good_ms, doubtful_ms, missing_ms, flaws = json.loads(doc)
    return Trust(good_ms, doubtful_ms, missing_ms, tuple(sorted(flaws.items())))
