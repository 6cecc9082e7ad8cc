"""A read file is stored: once, whole or not at all, on the right athlete and in the right session.

It runs inside the caller's transaction, or in steps of several, and reads no file. What cannot be believed
is held back with its reason, and what nobody can be found for waits in the inbox.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from sqlite3 import Connection
from typing import Any

from hub.devices.exports.found import Person
from hub.imports import boot_time, inbox, zones
from hub.imports.arrange import Arranged, arranging
from hub.imports.feed import Repair
from hub.imports.readfile import ReadFile, ReadSession
from hub.imports.storable import storable
from hub.imports.whose import athlete_for, person_key
from hub.store import athletes, boots, daily, feeds, imports, quarantine, segments, sessions, sources, straps
from hub.store.daily import Told
from hub.store.imports import ImportRecord
from hub.store.quarantine import HeldRow
from hub.store.questions import Question
from hub.store.records import Moment, propose
from hub.store.sources import SourceRow
from hub.store.steps import Steps, at_once

SOURCES = uuid.UUID("a4c1e6b2-3f7d-5b18-9a20-5e4d3c2b1a09")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file: its line in the diary, its sources as they now stand, sessions recorded here
    that it repaired, and what a human has to decide."""

    record: ImportRecord
    sources: tuple[SourceRow, ...] = ()
    repairs: tuple[Repair, ...] = ()
    questions: tuple[Question, ...] = ()

    @property
    def session_ids(self) -> tuple[str, ...]:
        """The sessions its sources are in, in the file's order, each once."""
        return tuple(dict.fromkeys(it.session_id for it in self.sources if it.session_id is not None))


def keep(
    db: Connection, moment: Moment, read: ReadFile, athlete_id: str | None = None, batch: str | None = None
) -> Outcome:
    """Store what was read of a file and note what became of it. Raises NotFound for an unknown athlete."""
    return at_once(keeping(db, moment, storable(read), athlete_id, batch))


def keeping(
    db: Connection, moment: Moment, read: ReadFile, athlete_id: str | None = None, batch: str | None = None
) -> Steps[Outcome]:
    """As `keep`, in steps, of a file made storable; cut off, it is taken back by `undo.settling`."""
    if athlete_id is not None:
        athletes.athlete(db, athlete_id)
    record = ImportRecord(
        moment.new_id(), read.name, read.format, "failed", read.error or "", None, moment.wall_ms,
        read.sha256, read.hint, read.warnings, read.provider, read.size_bytes, batch,
    )  # fmt: skip
    if read.error is not None:
        return _noted(db, record)
    earlier = imports.already_imported(db, read.sha256)
    if earlier is not None:
        return (yield from _again(db, moment, record, earlier, athlete_id))
    held = [HeldRow(it.where, it.reason, it.text, it.n) for it in read.held]
    if not read.sessions and not read.daily:
        return _held_back(db, record, held)
    imports.add(db, replace(record, status=imports.STORING))
    quarantine.hold(db, record.import_id, held)
    whose = _Whose(db, record, athlete_id)
    new = []
    for session in read.sessions:
        new.append((yield from _keeping_source(db, moment, record, session, whose)))
    arranged = yield from arranging(db, moment, new)
    yield from daily.telling(db, moment, _told(record, read, whose))
    asked = yield from zones.offering(db, moment, sources.of_import(db, record.import_id))
    now = tuple(sources.of_import(db, record.import_id))
    times = yield from boot_time.offering(db, moment, now)
    record = replace(
        record,
        status="linked" if now and not read.daily and _all_joined(db, record, now) else "imported",
        detail=_detail(db, now, len(read.daily), sum(it.n for it in held), arranged, asked, times),
        session_id=now[0].session_id if now else None,
        sessions=lines(db, now),
    )
    imports.add(db, record)
    return Outcome(record, now, arranged.repairs, (*asked, *times))


class _Whose:
    """Each person of one file with their athlete, looked up once."""

    def __init__(self, db: Connection, record: ImportRecord, athlete_id: str | None) -> None:
        self._db, self._record, self._athlete_id = db, record, athlete_id
        self._known: dict[Person, tuple[str, str | None]] = {}

    def __call__(self, person: Person) -> tuple[str, str | None]:
        """The person's key, and their athlete where one is known."""
        if person not in self._known:
            provider = self._record.provider
            athlete_id = self._athlete_id or athlete_for(self._db, person, provider)
            self._known[person] = person_key(person, provider, self._record.sha256), athlete_id
        return self._known[person]


def _noted(db: Connection, record: ImportRecord) -> Outcome:
    imports.add(db, record)
    return Outcome(record)


def _again(
    db: Connection, moment: Moment, record: ImportRecord, earlier: ImportRecord, athlete_id: str | None
) -> Steps[Outcome]:
    """The same bytes once more: nothing is counted again, but an athlete given now ends their waiting."""
    found = sources.of_import(db, earlier.import_id)
    detail = f"already imported as {earlier.filename}"
    repairs: tuple[Repair, ...] = ()
    questions: tuple[Question, ...] = ()
    if athlete_id is not None and inbox.is_waiting(db, earlier.import_id):
        given = yield from inbox.giving_import(db, moment, earlier.import_id, athlete_id)
        repairs, questions = given.repairs, given.questions
        detail += f"; it waited in the inbox and is now {athletes.athlete(db, athlete_id).name}'s"
        found = sources.of_import(db, earlier.import_id)
    record = replace(
        record, status="duplicate", detail=detail, sessions=lines(db, found),
        session_id=found[0].session_id if found else earlier.session_id,
    )  # fmt: skip
    imports.add(db, record)
    return Outcome(record, tuple(found), repairs, questions)


def _held_back(db: Connection, record: ImportRecord, held: Sequence[HeldRow]) -> Outcome:
    quarantine.hold(db, record.import_id, held)
    if not held:
        return _noted(db, replace(record, detail="it holds no session and no daily value."))
    n, reasons = sum(it.n for it in held), list(dict.fromkeys(it.reason for it in held))
    rows = "1 row was" if n == 1 else f"all {n} rows were"
    detail = f"{rows} held back: {'; '.join(reasons[:3])}"
    return _noted(db, replace(record, status="quarantined", detail=detail))


def source_id_of(sha256: str, number: int) -> str:
    """The id of a file's session as a source: the same on every hub."""
    return str(uuid.uuid5(SOURCES, f"{sha256}:{number}"))


def _keeping_source(
    db: Connection, moment: Moment, record: ImportRecord, it: ReadSession, whose: _Whose
) -> Steps[SourceRow]:
    """Store a session's streams and give the row that tells of it, its place still open."""
    about, ids = it.about, {stream.channel: stream.stream_id for stream in it.streams}
    for stream in it.streams:
        if straps.stream_by_id(db, stream.stream_id) is None:
            propose(db, moment, "stream", stream.stream_id, {
                "strap_id": f"{feeds.FILE_PREFIX}{record.sha256[:16]}:{it.number}",
                "boot_no": boots.CIVIL_BOOT, "channel": stream.channel,
            })  # fmt: skip
        for segment in stream.segments:
            segments.add(db, segment)
            yield
    return SourceRow(
        source_id=source_id_of(record.sha256, it.number),
        import_id=record.import_id,
        session_id=None,
        athlete_id=whose(about.person)[1],
        sha256=record.sha256,
        number=it.number,
        provider=record.provider,
        format=record.format,
        identity=about.identity,
        device=about.device,
        device_serial=about.person.device_serial,
        person_name=about.person.name,
        account=about.person.account,
        sport=about.sport,
        title=about.title,
        started_at_ms=about.started_at_ms,
        elapsed_s=about.elapsed_s,
        timer_s=about.timer_s,
        distance_m=about.distance_m,
        energy_kcal=about.energy_kcal,
        utc_offset_s=about.utc_offset_s,
        offset_known_by=str(about.offset_known_by),
        records=about.n_records,
        laps=tuple(asdict(lap) for lap in about.laps),
        stated=tuple(asdict(stated) for stated in about.stated),
        hr_n=it.heart.n,
        hr_mean=it.heart.mean,
        hr_max=it.heart.max,
        rr_n=it.rr_n,
        hr_stream_id=ids.get("hr"),
        motion_stream_id=ids.get("motion"),
        rows_end_ms=it.rows_end_ms,
    )


def _told(record: ImportRecord, read: ReadFile, whose: _Whose) -> Iterator[Told]:
    through = max((it.date for it in read.daily), default="")
    for it in read.daily:
        key, known = whose(it.person)
        yield Told(
            record.import_id, key, it.date, it.name, known, it.person.name, record.provider, it.value,
            it.unit, it.updated_at_ms or 0, through,
        )  # fmt: skip


def _all_joined(db: Connection, record: ImportRecord, now: Sequence[SourceRow]) -> bool:
    """Whether every session was known before this file came."""
    return all(
        session_id is not None and _is_known_otherwise(db, record, session_id)
        for session_id in {it.session_id for it in now}
    )


def _is_known_otherwise(db: Connection, record: ImportRecord, session_id: str) -> bool:
    kept = sessions.kept(db, session_id)
    if kept is None:
        return False
    return kept.session.source != "file" or sources.is_told_otherwise(db, session_id, record.import_id)


def _detail(
    db: Connection, now: Sequence[SourceRow], n_daily: int, n_held: int, arranged: Arranged,
    asked: Sequence[Question], times: Sequence[Question],
) -> str:  # fmt: skip
    names = _names(db)
    parts = []
    if len(now) == 1:
        it = now[0]
        who = names.get(it.athlete_id, "nobody known yet, waits in the inbox")
        parts.append(f"{who}, {it.sport}, {it.elapsed_s / 60:.0f} min, {it.hr_n} heart rates")
    elif now:
        waiting = sum(it.athlete_id is None for it in now)
        parts.append(f"{len(now)} sessions" + (f", {waiting} of them wait in the inbox" if waiting else ""))
    if n_daily:
        parts.append(f"{n_daily} daily values")
    if n_held:
        parts.append(f"{n_held} row{'s' * (n_held != 1)} held back")
    filled_s = sum(it.filled_s for it in arranged.repairs)
    if filled_s:
        parts.append(f"fills {filled_s / 60:.0f} min that the hub did not hear")
    if asked:
        parts.append("its times look shifted by whole hours: please decide")
    if times:
        parts.append("it knows when a session recorded here was: please decide")
    return "; ".join(parts)


def _names(db: Connection) -> Mapping[str | None, str]:
    return {it.athlete_id: it.name for it in athletes.all_athletes(db, include_inactive=True)}


def _stated(it: SourceRow, name: str, otherwise: int) -> int:
    return next((int(total["value"]) for total in it.stated if total["name"] == name), otherwise)


def lines(db: Connection, found: Sequence[SourceRow]) -> tuple[dict[str, Any], ...]:
    """Sources as `touchline-hub import --json` prints them.

    Counts are the file's: records with a heart rate before rows of one time are merged, and intervals the
    device wrote down, without those worked out from the times of a swim strap's beats.
    """
    names = _names(db)
    return tuple(
        {
            "id": it.session_id,
            "athlete": names.get(it.athlete_id),
            "sport": it.sport,
            "started_at": datetime.fromtimestamp(it.started_at_ms / 1000, UTC).isoformat(timespec="seconds"),
            "utc_offset_s": it.utc_offset_s,
            "elapsed_s": it.elapsed_s,
            "timer_s": it.timer_s,
            "distance_m": it.distance_m,
            "energy_kcal": it.energy_kcal,
            "hr": {"n": _stated(it, "heart_rate_records", it.hr_n), "mean": it.hr_mean, "max": it.hr_max},
            "rr_n": it.rr_n - _stated(it, "rr_from_strap_memory", 0),
            "records": it.records,
            "laps": len(it.laps),
        }
        for it in found
    )
