"""What the hub last learnt of its sync: what a comparison with the cloud found, who else is in the club.

Both stay readable without the network, each with the time it was learnt; asking is the sync desk's part.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from sqlite3 import Connection

from hub.store import meta

FINDING, CLUB = "last_comparison", "club_hubs"
MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class DayProof:
    """What this hub has of one day and squad ("" for what has no date), and whether the cloud has the same.

    `sha256` is the digest of all of it, by which both sides say the same of themselves.
    """

    day: str
    squad: str
    records: int
    segments: int
    is_equal: bool
    sha256: str


@dataclass(frozen=True, slots=True)
class Unlike:
    """One thing that was not the same on both sides; `where` says how."""

    day: str
    squad: str
    tbl: str
    pk: str
    where: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A comparison's outcome; at most 200 differences are kept, `differences_n` is how many there were."""

    at_ms: int
    words: str
    is_equal: bool
    differences_n: int
    days: tuple[DayProof, ...]
    differences: tuple[Unlike, ...]


@dataclass(frozen=True, slots=True)
class ClubHub:
    """A hub of the club as the cloud last told."""

    hub_id: str
    model: str
    software: str
    seen_ms: int
    is_revoked: bool
    ops: int
    segments: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """An erasure and how many hubs have carried it out; `is_done_here` is about this one."""

    erased_ms: int
    done: int
    waiting: int
    is_done_here: bool


@dataclass(frozen=True, slots=True)
class Club:
    """The club's hubs and erasures as of `at_ms`."""

    at_ms: int
    hubs: tuple[ClubHub, ...]
    erasures: tuple[Receipt, ...]


def own_hub_id(db: Connection) -> str | None:
    """This hub's name in the club."""
    return meta.value(db, "hub_id")


def keep_finding(db: Connection, found: Finding) -> None:
    """Remember a comparison in place of the one before."""
    meta.put(db, FINDING, json.dumps(asdict(found)))


def last_finding(db: Connection) -> Finding | None:
    """The last comparison, None where there was none."""
    text = meta.value(db, FINDING)
    if text is None:
        return None
    kept = json.loads(text)
    days = tuple(DayProof(**it) for it in kept.pop("days"))
    return Finding(days=days, differences=tuple(Unlike(**it) for it in kept.pop("differences")), **kept)


def keep_club(db: Connection, club: Club) -> None:
    """Remember who is in the club."""
    meta.put(db, CLUB, json.dumps(asdict(club)))


def last_club(db: Connection) -> Club | None:
    """The club as last told, None where it was never asked."""
    text = meta.value(db, CLUB)
    if text is None:
        return None
    kept = json.loads(text)
    hubs = tuple(ClubHub(**it) for it in kept["hubs"])
    return Club(kept["at_ms"], hubs, tuple(Receipt(**it) for it in kept["erasures"]))
