"""Edits that met as the cloud's pages show them, and what a coach chose.

Choosing is an ordinary edit made online. Finding out which edits met happens when they arrive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cloud import by_place, edits, fence
from cloud.edits import Edit
from cloud.errors import AthleteErased, ChangedMeanwhile, EditRefused, NotThere
from cloud.store import feed
from cloud.store.database import Connection, fetch_all, fetch_value
from cloud.store.rows import DocRow, MetPlace
from sync.two_edits import (
    OPEN,
    OTHER,
    STATES,
    TABLE,
    Meeting,
    TwoEdits,
    field_words,
    from_fields,
    value_words,
)

Docs = Mapping[tuple[str, str], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class MetPage:
    """A page of meetings, with what the links before and behind it name, "" where there is none."""

    found: list[Meeting]
    before: str
    after: str


async def page(
    db: Connection, club_id: str, athlete_id: str | None = None, *, after: str = "", before: str = ""
) -> MetPage:
    """Fifty meetings of the club's edits, or of those about one athlete, behind or before a place.

    Those that ask for a word come first, each the newest first.
    """
    key = {"club_id": club_id, "athlete_id": athlete_id}

    async def ask(place: str, most: int, *, is_back: bool = False) -> list[MetPlace]:
        name = "met_page_back" if is_back else "met_page"
        return await fetch_all(db, name, MetPlace, {**key, **_place(place), "limit": most})

    found = await by_place.page(ask, _place_of, after=after, before=before)
    known = await _known(db, club_id, [it.pk for it in found.rows])
    return MetPage([known[it.pk] for it in found.rows if it.pk in known], found.before, found.after)


def _place_of(it: MetPlace) -> str:
    return f"{int(it.is_open)}:{it.at_ms}:{it.pk}"


def _place(text: str) -> dict[str, bool | int | str]:
    is_open, _, rest = text.partition(":")
    ms, _, pk = rest.partition(":")
    if is_open in ("0", "1") and ms.isascii() and ms.isdigit() and len(ms) < 17:
        return {"is_open": is_open == "1", "ms": int(ms), "pk": pk.replace("\0", "")}
    return {"is_open": True, "ms": 2**62, "pk": ""}


async def counts(db: Connection, club_id: str) -> tuple[int, int]:
    """How many meetings there are, and how many of them ask for a word."""
    key = {"club_id": club_id}
    return int(await fetch_value(db, "met_count", key)), int(await fetch_value(db, "met_count_open", key))


async def one(db: Connection, club_id: str, two_edits_id: str) -> Meeting:
    """The meeting of this name. Raises NotThere."""
    known = await _known(db, club_id, [two_edits_id])
    if two_edits_id not in known:
        raise NotThere("these edits.", hint="They may have been erased meanwhile; reload the page.")
    return known[two_edits_id]


async def _known(db: Connection, club_id: str, pks: list[str]) -> dict[str, Meeting]:
    if not pks:
        return {}
    rows = await fetch_all(db, "met_records", DocRow, {"club_id": club_id, "pks": pks})
    docs = {(row.tbl, row.pk): row.doc for row in rows}
    found = [from_fields(row.pk, row.doc) for row in rows if row.tbl == TABLE]
    return {it.two_edits_id: _meeting(it, docs) for it in found if it is not None}


async def settle(
    db: Connection,
    club_id: str,
    two_edits_id: str,
    choice: str,
    by: str,
    now_ms: int,
    shown: str | None = None,
) -> Meeting:
    """Keep what stands, use the other value, or open it again as it was. Raises NotThere or EditRefused.

    `shown` is what the page said stands, `Meeting.shown`. Raises ChangedMeanwhile where something else does,
    looked at while nobody else can write it.
    """
    if choice not in STATES:
        raise EditRefused("that is no choice.")
    found = await _locked(db, club_id, two_edits_id)
    if not found.was_shown(choice, shown):
        raise ChangedMeanwhile(found.changed_words)
    it, made = found.edits, []
    if choice == OTHER and found.current != it.other.value:
        made.append(Edit(it.tbl, it.pk, {it.field: it.other.value}))
    if choice == OPEN and it.state == OTHER and found.current == it.other.value:
        made.append(Edit(it.tbl, it.pk, {it.field: it.stands.value}))
    settled_by = "" if choice == OPEN else by
    made.append(Edit(TABLE, two_edits_id, {"state": choice, "settled_by": settled_by}))
    await edits.make(db, club_id, made, by, now_ms)
    return found


async def _locked(db: Connection, club_id: str, two_edits_id: str) -> Meeting:
    """The meeting once its record and the one it is of are ours. Raises NotThere, or AthleteErased."""
    of = (await one(db, club_id, two_edits_id)).edits
    await fence.hold_erasures(db, club_id)
    await feed.lock_records(db, club_id, [(of.tbl, of.pk), (TABLE, two_edits_id)])
    try:
        return await one(db, club_id, two_edits_id)
    except NotThere as error:
        raise AthleteErased() from error


def _meeting(it: TwoEdits, docs: Docs) -> Meeting:
    doc = docs.get((it.tbl, it.pk), {})
    name = str(doc.get("name") or doc.get("title") or it.tbl)
    if it.tbl == "profile_change":
        name = f"{_called(docs, it.athlete_id)}, from {doc.get('valid_from', '')}"
    current = doc.get(it.field)
    words = [
        value_words(it.field, value, _called(docs, value) if it.field == "athlete_id" else None)
        for value in (it.stands.value, it.other.value, current)
    ]
    return Meeting(it, current, name, field_words(it.field), *words)


def _called(docs: Docs, athlete_id: str | None) -> str:
    if athlete_id is None:
        return "nobody"
    return str(docs.get(("athlete", athlete_id), {}).get("name") or "an athlete who is gone")
