"""The inbox: data of people not known yet, given to an athlete later with everything that follows from it.

What was assigned once is remembered by the person's name, account or device, if wished.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from sqlite3 import Connection

from hub.devices.exports.found import Person
from hub.imports import boot_time, zones
from hub.imports.arrange import changing
from hub.imports.feed import Repair
from hub.imports.whose import Waiting, aliases_of, athlete_for, key_of, person_key, person_of, suggestions
from hub.store import aliases, athletes, daily, sources
from hub.store.questions import Question
from hub.store.records import Moment
from hub.store.sources import SourceRow
from hub.store.steps import Steps, at_once


@dataclass(frozen=True, slots=True)
class Given:
    """What an athlete was given: sources as they now stand, days, repaired sessions and open questions."""

    sources: tuple[SourceRow, ...]
    n_daily: int
    repairs: tuple[Repair, ...]
    questions: tuple[Question, ...] = ()


def inbox(db: Connection) -> list[Waiting]:
    """Everybody who waits, each with athletes it might be."""
    known = athletes.all_athletes(db)
    people: dict[str, tuple[Person, str]] = {}
    waiting: dict[str, list[str]] = defaultdict(list)
    days = {key: (name, provider, n) for key, name, provider, n in daily.waiting(db)}
    for it in sources.waiting(db):
        key = _key(it)
        people.setdefault(key, (person_of(it), it.provider))
        waiting[key].append(it.source_id)
    for key, (name, provider, _) in days.items():
        people.setdefault(key, (Person(name), provider))
    return [
        Waiting(
            key, person, provider, tuple(waiting[key]), days[key][2] if key in days else 0,
            suggestions(person, known),
        )
        for key, (person, provider) in sorted(people.items())
    ]  # fmt: skip


def assign(db: Connection, moment: Moment, key: str, athlete_id: str, remember: bool = True) -> Given:
    """Give everything that waits under a person's key to an athlete. Raises NotFound for an unknown one.

    `remember` lets later files of the same person go there by themselves.
    """
    return at_once(assigning(db, moment, key, athlete_id, remember))


def assigning(
    db: Connection, moment: Moment, key: str, athlete_id: str, remember: bool = True
) -> Steps[Given]:
    """As `assign`, in steps; cut off, the rest still waits."""
    athletes.athlete(db, athlete_id)
    mine = [it for it in sources.waiting(db) if _key(it) == key]
    if remember:
        known = {key_of(a): a for it in mine for a in aliases_of(person_of(it), it.provider)}
        kind, _, rest = key.partition(":")
        provider, _, text = rest.partition(":")
        if kind != "file":
            aliases.remember(db, known.get(key, aliases.Alias(kind, provider, text)), athlete_id)
    yield
    return (yield from _giving(db, moment, mine, athlete_id, [key]))


def give(db: Connection, moment: Moment, source_id: str, athlete_id: str | None) -> Given:
    """Give one source to another athlete, or back to the inbox with None. Raises NotFound."""
    if athlete_id is not None:
        athletes.athlete(db, athlete_id)
    return at_once(_giving(db, moment, [sources.source(db, source_id)], athlete_id, []))


def giving_import(db: Connection, moment: Moment, import_id: str, athlete_id: str) -> Steps[Given]:
    """Give what still waits of one import to an athlete, in steps."""
    mine = [it for it in sources.of_import(db, import_id) if it.athlete_id is None]
    return _giving(db, moment, mine, athlete_id, daily.people_waiting(db, import_id))


def match_again(db: Connection, moment: Moment) -> list[Given]:
    """Look once more for whom the waiting are, as after an athlete was added."""
    return at_once(matching_again(db, moment))


def matching_again(db: Connection, moment: Moment) -> Steps[list[Given]]:
    """As `match_again`, in steps."""
    found = []
    for it in inbox(db):
        athlete_id = athlete_for(db, it.person, it.provider)
        yield
        if athlete_id is not None:
            found.append((yield from assigning(db, moment, it.key, athlete_id, remember=False)))
    return found


def is_waiting(db: Connection, import_id: str) -> bool:
    """Whether anything of an import waits for an athlete."""
    sessions = any(it.athlete_id is None for it in sources.of_import(db, import_id))
    return sessions or bool(daily.people_waiting(db, import_id))


def _giving(
    db: Connection, moment: Moment, mine: Sequence[SourceRow], athlete_id: str | None, keys: Iterable[str]
) -> Steps[Given]:
    arranged = yield from changing(db, moment, mine, athlete_id=athlete_id)
    n_daily = 0
    for key in keys:
        n_daily += yield from daily.assigning(db, moment, key, athlete_id)
    now = tuple(sources.source(db, it.source_id) for it in mine)
    asked = yield from zones.offering(db, moment, now)
    times = yield from boot_time.offering(db, moment, now)
    return Given(now, n_daily, arranged.repairs, (*asked, *times))


def _key(it: SourceRow) -> str:
    return person_key(person_of(it), it.provider, it.sha256)
