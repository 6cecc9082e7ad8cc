"""Which sources are one session: worked out anew from all that could be concerned whenever one changes.

The sessions, their times and what feeds them are a function of the sources that stand, of the sessions
recorded here and of what people chose, so the order in which files came cannot matter. Only differences
are proposed.
"""

from __future__ import annotations

import uuid
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from sqlite3 import Connection
from typing import Any

from hub.domain import Via
from hub.imports import feed, settle
from hub.imports.feed import AthleteFeed, Repair, athlete_feed
from hub.imports.groups import Pair, groups
from hub.imports.hearing import LIVE, Hearing, Recorded
from hub.imports.likeness import likeness
from hub.imports.twins import LEAST_OVERLAP, Relation, overlap, relation
from hub.store import boots, feeds, sessions, sources
from hub.store.records import Moment, propose
from hub.store.sources import SourceRow
from hub.store.steps import Steps, in_pieces

SESSIONS = uuid.UUID("0b7f2a9c-5d1e-5a44-b6c3-9e8d7f6a5b41")
DAY_MS = 86_400_000
AT_ONCE = 8  # sources in one step
WEAKNESS = {
    Relation.SAME_IDENTITY: 0, Relation.TEAM_FILE: 1, Relation.SAME_EFFORT: 2, Relation.SAME_SESSION: 4,
}  # fmt: skip
TO_RECORDED = 3

Parts = Mapping[tuple[str, str], Recorded]
"""By session and athlete."""
Rows = Mapping[str, SourceRow]
Placed = list[tuple[str, tuple[SourceRow, ...]]]
"""Each session's id with its sources."""


@dataclass(frozen=True, slots=True)
class Arranged:
    """What came of it: each standing source concerned as it now is, and stretches of recorded sessions that
    are now fed otherwise than before."""

    sources: Rows
    repairs: tuple[Repair, ...]


def arrange(db: Connection, moment: Moment, changed: Iterable[SourceRow]) -> Arranged:
    """Store new or changed sources and bring every session they concern in order."""
    hearing = Hearing(db)
    wanted = {it.source_id: it for it in changed}
    found, before, parts = _gather(db, hearing, wanted)
    standing = {source_id: it for source_id, it in found.items() if not it.is_removed}
    placed = _placed(db, _grouped(standing, parts, hearing), before)
    feedings = _feedings(placed, parts, hearing)
    loads = feed.loads_before(db, feedings)
    for session_id, group in placed:
        if group and not any(session_id == it.session.session_id for it in parts.values()):
            fed = [it for it in feedings if it.session_id == session_id]
            _settle(db, moment, session_id, group, fed, [*found.values(), *before.values()])
    after = {it.source_id: replace(it, session_id=place) for place, group in placed for it in group}
    after |= {source_id: it for source_id, it in found.items() if it.is_removed}
    _close_empty(db, moment, {it.session_id for it in before.values()} - {place for place, _ in placed})
    for source_id, it in sorted(after.items()):
        sources.save(db, moment, before.get(source_id), it)
    feed.apply(db, moment, feedings, [it for it in after.values() if it.is_removed or it.athlete_id is None])
    repairs = feed.repairs(db, feedings, loads)
    return Arranged({key: it for key, it in after.items() if not it.is_removed}, repairs)


def arranging(db: Connection, moment: Moment, changed: Iterable[SourceRow]) -> Steps[Arranged]:
    """As `arrange` in steps, each of which leaves all that stands in order."""
    pieces = in_pieces(sorted(changed, key=lambda it: (it.started_at_ms, it.source_id)), AT_ONCE)
    return (yield from _arranging(db, moment, pieces))


def changing(db: Connection, moment: Moment, stored: Iterable[SourceRow], **changes: Any) -> Steps[Arranged]:
    """Stored sources changed alike, in steps; each is read anew when its turn comes."""
    ids = [it.source_id for it in sorted(stored, key=lambda it: (it.started_at_ms, it.source_id))]
    pieces = (
        [replace(sources.source(db, source_id), **changes) for source_id in piece]
        for piece in in_pieces(ids, AT_ONCE)
    )
    return (yield from _arranging(db, moment, pieces))


def _arranging(db: Connection, moment: Moment, pieces: Iterable[Sequence[SourceRow]]) -> Steps[Arranged]:
    found: dict[str, SourceRow] = {}
    repairs: dict[tuple[str, str], Repair] = {}
    for piece in pieces:
        arranged = arrange(db, moment, piece)
        found |= arranged.sources
        for it in arranged.repairs:
            first = repairs.get((it.session_id, it.athlete_id), it)
            repairs[it.session_id, it.athlete_id] = replace(it, before=first.before)
        yield
    return Arranged(found, tuple(repairs.values()))


def arrange_recorded(db: Connection, moment: Moment, session_id: str) -> Arranged:
    """Link what files already tell of a session recorded here, once it has ended, and part what was linked
    with it and no longer fits. Raises NotFound."""
    hearing, session = Hearing(db), sessions.session(db, session_id)
    near = sources.of_session(db, session_id)
    for athlete_id in {it.athlete_id for it in sessions.assignments(db, session_id)}:
        part = hearing.recorded(session, athlete_id)
        if part is not None and session.ended_at_ms is not None:
            near += sources.of_athlete(db, athlete_id, *part.span)
    return arrange(db, moment, near)


def _gather(
    db: Connection, hearing: Hearing, wanted: Rows
) -> tuple[dict[str, SourceRow], dict[str, SourceRow], dict[tuple[str, str], Recorded]]:
    """All that could be concerned: sources as they shall be, as they are stored, and recorded parts."""
    found: dict[str, SourceRow] = {}
    before: dict[str, SourceRow] = {}
    parts: dict[tuple[str, str], Recorded] = {}
    queue = list(wanted.values())
    queued = set(wanted)
    for source_id in wanted:
        stored = sources.maybe(db, source_id)
        if stored is not None:
            before[source_id] = stored
    while queue:
        it = queue.pop()
        found[it.source_id] = it
        if it.source_id not in wanted:
            before[it.source_id] = it
        stored = before.get(it.source_id, it)
        near: dict[str, SourceRow | None] = {}
        for version in (it,) if stored is it else (it, stored):
            near |= dict.fromkeys(sources.beside(db, version))
            for part in _recorded_near(db, hearing, version):
                if parts.setdefault((part.session.session_id, part.athlete_id), part) is part:
                    near |= {row.source_id: row for row in sources.of_session(db, part.session.session_id)}
        for source_id in near.keys() - queued:
            queue.append(near[source_id] or sources.source(db, source_id))
        queued |= near.keys()
    return found, before, parts


def _recorded_near(db: Connection, hearing: Hearing, it: SourceRow) -> list[Recorded]:
    if it.athlete_id is None:
        return []
    span = it.started_at_ms, it.ended_at_ms
    near = feeds.sessions_recorded(db, it.athlete_id, span[0] - 2 * DAY_MS, span[1] + 2 * DAY_MS)
    if it.session_id is not None and it.session_id not in near and _is_recorded(db, it.session_id):
        near.append(it.session_id)
    parts = [hearing.recorded(sessions.session(db, session_id), it.athlete_id) for session_id in near]
    return [
        part
        for part in parts
        if part is not None
        and (overlap(part.span, span) > 0 or part.session.session_id == it.session_id)
    ]  # fmt: skip


def _is_recorded(db: Connection, session_id: str) -> bool:
    """Whether a session stands that was recorded here: it may have been moved far from its files."""
    kept = sessions.kept(db, session_id)
    return kept is not None and not kept.is_removed and kept.session.source is not Via.FILE


def _grouped(standing: Rows, parts: Parts, hearing: Hearing) -> list[tuple[str | None, list[SourceRow]]]:
    """Sources that are one session, with the id of the recorded session they are part of, if they are."""
    pairs: list[Pair] = []
    ordered = sorted(standing.values(), key=lambda it: (it.started_at_ms, it.source_id))
    for place, one in enumerate(ordered):
        for other in ordered[place + 1 :]:
            if other.started_at_ms > one.ended_at_ms:
                break
            kind = relation(one, other, hearing.like)
            if kind in WEAKNESS:
                shared = min(one.ended_at_ms, other.ended_at_ms) - other.started_at_ms
                pairs.append(Pair((WEAKNESS[kind], -shared), *sorted((one.source_id, other.source_id))))
    anchors = {f"{LIVE}:{session_id}": session_id for session_id, _ in parts}
    for (session_id, athlete_id), part in parts.items():
        for it in ordered:
            if it.athlete_id == athlete_id and _is_part_of(it, part, hearing):
                shared = min(it.ended_at_ms, part.span[1]) - max(it.started_at_ms, part.span[0])
                pairs.append(Pair((TO_RECORDED, -shared), it.source_id, f"{LIVE}:{session_id}"))
    found = []
    for names in groups([*standing, *anchors], pairs, anchors.keys()):
        anchor = next((anchors[name] for name in names if name in anchors), None)
        found.append((anchor, [standing[name] for name in names if name not in anchors]))
    return found


def _is_part_of(it: SourceRow, part: Recorded, hearing: Hearing) -> bool:
    if overlap((it.started_at_ms, it.ended_at_ms), part.span) < LEAST_OVERLAP:
        return False
    alike = likeness(hearing.of_recorded(part), hearing.of_source(it))
    return alike is None or not alike.is_clear_mismatch


def _placed(db: Connection, grouped: Sequence[tuple[str | None, list[SourceRow]]], before: Rows) -> Placed:
    """Each group under its session's id: the recorded one, else the oldest that is most its own, else new."""
    ages: dict[str, int] = {}
    claims: dict[str, list[tuple[int, str, int]]] = {}
    for place, (anchor, group) in enumerate(grouped):
        of = [before[it.source_id] for it in group if anchor is None and it.source_id in before]
        for session_id in {it.session_id for it in of if it.session_id is not None}:
            kept = sessions.kept(db, session_id)
            if kept is not None and kept.session.source is Via.FILE:
                ages[session_id] = kept.age
                standing = sum(it.session_id == session_id and not it.is_removed for it in of)
                claims.setdefault(session_id, []).append((-standing, group[0].source_id, place))
    won: dict[int, str] = {}
    for session_id in sorted(claims, key=lambda it: -ages[it]):
        won[min(claims[session_id])[2]] = session_id  # the oldest is written last and stays
    placed: Placed = []
    for place, (anchor, group) in enumerate(grouped):
        placed.append((anchor or won.get(place) or _new_id(db, group, claims), tuple(group)))
    return placed


def _new_id(db: Connection, group: Sequence[SourceRow], taken: Container[str]) -> str:
    """An id made of the group's first source, of which no session stands."""
    number = 0
    while True:
        session_id = str(uuid.uuid5(SESSIONS, f"{group[0].source_id}:{number}"))
        kept = sessions.kept(db, session_id)
        if session_id not in taken and (kept is None or kept.is_removed):
            return session_id
        number += 1


def _feedings(placed: Placed, parts: Parts, hearing: Hearing) -> list[AthleteFeed]:
    found = []
    for session_id, group in placed:
        who = {it.athlete_id for it in group if it.athlete_id is not None}
        who |= {athlete_id for at, athlete_id in parts if at == session_id}
        for athlete_id in sorted(who):
            own = [it for it in group if it.athlete_id == athlete_id]
            part = parts.get((session_id, athlete_id))
            found.append(athlete_feed(session_id, athlete_id, own, part, hearing))
    return found


def _settle(
    db: Connection, moment: Moment, session_id: str, group: Sequence[SourceRow], fed: Iterable[AthleteFeed],
    known: Iterable[SourceRow],
) -> None:  # fmt: skip
    """Make or correct a session that files alone tell of; what a human wrote stays."""
    spans = [s for it in fed for by in (it.hearts, it.motions) for spans in by.values() for s in spans]
    told = settle.settle(group, [(from_ms, to_ms - 1) for from_ms, to_ms in spans])
    fields: dict[str, Any] = {
        "title": told.title, "sport": told.sport, "started_at_ms": told.started_at_ms,
        "utc_offset_s": told.utc_offset_s, "ended_at_ms": told.ended_at_ms, "boot_no": boots.CIVIL_BOOT,
        "mono0_ms": told.started_at_ms, "mono1_ms": told.ended_at_ms, "source": str(Via.FILE),
    }  # fmt: skip
    kept = sessions.kept(db, session_id)
    if kept is not None:
        if settle.is_own_title(kept.session.title, known):
            del fields["title"]
        if settle.is_own_sport(kept.session.sport, known):
            del fields["sport"]
        fields = {name: new for name, new in fields.items() if getattr(kept.session, name) != new}
        if kept.is_removed:
            fields["is_removed"] = False
    if fields:
        propose(db, moment, "session", session_id, fields)


def _close_empty(db: Connection, moment: Moment, left: Iterable[str | None]) -> None:
    """A session of files that has no source any more is removed; one recorded here never is."""
    for session_id in sorted(it for it in left if it is not None):
        kept = sessions.kept(db, session_id)
        if kept is not None and kept.session.source is Via.FILE and not kept.is_removed:
            propose(db, moment, "session", session_id, {"is_removed": True})
