"""Whose a file's data are: by what people confirmed before, or by an athlete of exactly that name.

Device serial, account and name must not contradict each other. What is merely alike is a suggestion for a
human and never an answer.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from sqlite3 import Connection

from hub.devices.exports.found import Person
from hub.domain import Athlete
from hub.store import aliases, athletes
from hub.store.aliases import Alias
from hub.store.sources import SourceRow

ALIKE = 0.6
MOST_SUGGESTED = 5


@dataclass(frozen=True, slots=True)
class Waiting:
    """A person in the inbox under the key that `assign` takes, with who it might be."""

    key: str
    person: Person
    provider: str
    source_ids: tuple[str, ...]
    n_daily: int
    suggestions: tuple[Athlete, ...]


def folded(name: str) -> str:
    """A name without accents, case, punctuation and order: "Müller, Ana" is "ana muller"."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    kept = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    return " ".join(sorted(kept.split()))


def person_of(it: SourceRow) -> Person:
    """The person a stored source speaks of."""
    return Person(it.person_name, it.account, it.device_serial)


def aliases_of(person: Person, provider: str) -> list[Alias]:
    """What a person is known by, the most personal first; a borrowed device is the weakest."""
    maker = provider.casefold()
    found = [
        Alias("account", maker, person.account.strip().casefold()),
        Alias("name", maker, folded(person.name)),
        Alias("serial", "", person.device_serial.strip().casefold()),
    ]
    return [it for it in found if it.key]


def key_of(alias: Alias) -> str:
    """An alias as one text."""
    return f"{alias.kind}:{alias.provider}:{alias.key}"


def person_key(person: Person, provider: str, otherwise: str) -> str:
    """The key of a person: their strongest alias, or for somebody without any the file's own."""
    known = aliases_of(person, provider)
    return key_of(known[0]) if known else f"file::{otherwise}"


def athlete_for(db: Connection, person: Person, provider: str) -> str | None:
    """The athlete whose data these are, None where nobody or more than one answers."""
    votes = {aliases.athlete_of(db, it) for it in _told_by(person, provider)} - {None}
    if not votes and (name := folded(person.name)):
        votes = {it.athlete_id for it in athletes.all_athletes(db) if folded(it.name) == name}
    return votes.pop() if len(votes) == 1 else None


def _told_by(person: Person, provider: str) -> list[Alias]:
    """A serial speaks only where nothing more personal does: devices are lent, and vests are shared."""
    known = aliases_of(person, provider)
    return [it for it in known if it.kind != "serial"] or known


def suggestions(person: Person, known: Iterable[Athlete]) -> tuple[Athlete, ...]:
    """Athletes whose name or shirt number is like the person's, the likeliest first."""
    name = folded(person.name)
    scored = [(_likeness(name, person.shirt_number, it), it) for it in known]
    likely = sorted((it for it in scored if it[0] >= ALIKE), key=lambda it: (-it[0], it[1].name))
    return tuple(it for _, it in likely[:MOST_SUGGESTED])


def _likeness(name: str, shirt_number: int | None, athlete: Athlete) -> float:
    number = 0.7 if shirt_number is not None and shirt_number == athlete.shirt_number else 0.0
    if not name:
        return number
    theirs = folded(athlete.name)
    share = len(set(name.split()) & set(theirs.split())) / max(len(name.split()), 1)
    return max(number, share, SequenceMatcher(None, name, theirs).ratio())
