"""All refused edits of one reason at once: put away as they were shown, taken out as they were put away.

Each goes the way of a single one, some fifty of a hub in a transaction; what comes meanwhile is left alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cloud import letters
from cloud.store.database import Connection, Database, fetch_all, fetch_one
from cloud.store.rows import LetterPlace, ReasonRow, TogetherRow
from sync.refused_edits import AWAY, OPEN

AT_ONCE = 50
MOST_TIMES = 10


@dataclass(frozen=True, slots=True)
class Shown:
    """What was asked about: how many of a reason there were, up to which place; 0 and "" for none."""

    code: str
    n: int
    upto: str


async def reasons(db: Connection, club_id: str) -> list[ReasonRow]:
    """How many wait for somebody, by the reason they were refused for."""
    return await fetch_all(db, "letter_reasons", ReasonRow, {"club_id": club_id})


async def shown(db: Connection, club_id: str, code: str) -> Shown:
    """Those of a reason as they are now."""
    params = {"club_id": club_id, "code": code}
    newest = await fetch_one(db, "letter_newest_of_reason", LetterPlace, params)
    if newest is None:
        return Shown(code, 0, "")
    upto = letters.place_of(newest)
    return Shown(code, len(await _up_to(db, club_id, code, upto)), upto)


async def put_away(database: Database, club_id: str, it: Shown, now_ms: int, by: str) -> int | None:
    """Put away what was shown; how many that were. None, and nothing is done, where there are more by now.

    `now_ms` is what undoing it goes by.
    """
    async with database.transaction() as db:
        found = await _up_to(db, club_id, it.code, it.upto)
    if len(found) > it.n:
        return None
    return await _decide(database, club_id, found, AWAY, now_ms, by)


async def put_away_at(db: Connection, club_id: str, code: str, at_ms: int) -> list[LetterPlace]:
    """Those that were put away in one go at that time, and still are."""
    params = {"club_id": club_id, "code": code, "at_ms": at_ms}
    return await fetch_all(db, "letters_put_away_at", LetterPlace, params)


async def together(db: Connection, club_id: str) -> list[TogetherRow]:
    """The last times that several of a reason were put away in one go, the newest first; at most ten."""
    params = {"club_id": club_id, "limit": MOST_TIMES}
    return await fetch_all(db, "letters_away_together", TogetherRow, params)


async def take_out(database: Database, club_id: str, code: str, at_ms: int, now_ms: int, by: str) -> int:
    """Let all wait again that were put away in one go at that time; how many."""
    async with database.transaction() as db:
        found = await put_away_at(db, club_id, code, at_ms)
    return await _decide(database, club_id, found, OPEN, now_ms, by)


async def _up_to(db: Connection, club_id: str, code: str, upto: str) -> list[LetterPlace]:
    params = {"club_id": club_id, "code": code, **letters.place_params(upto)}
    return await fetch_all(db, "letters_of_reason", LetterPlace, params)


async def _decide(
    database: Database, club_id: str, found: Iterable[LetterPlace], state: str, now_ms: int, by: str
) -> int:
    n = 0
    for op_ids in _lots(found):
        async with database.transaction() as db:
            n += await letters.decide_all(db, club_id, op_ids, state, now_ms, by)
    return n


def _lots(found: Iterable[LetterPlace]) -> Iterator[list[str]]:
    """Hub by hub, so that each is held up by what is its own alone."""
    of_hub = defaultdict[str, list[str]](list)
    for it in found:
        of_hub[it.hub_id].append(it.op_id)
    for op_ids in of_hub.values():
        yield from (op_ids[first : first + AT_ONCE] for first in range(0, len(op_ids), AT_ONCE))
