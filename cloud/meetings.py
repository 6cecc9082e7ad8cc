"""Edits that met as the cloud's pages show them, and what a coach chose.

Choosing is an ordinary edit made online. Finding out which edits met happens when they arrive.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloud import edits, fence
from cloud.edits import Edit
from cloud.errors import AthleteErased, ChangedMeanwhile, EditRefused, NotThere
from cloud.store import feed
from cloud.store.database import Connection, fetch_all
from cloud.store.rows import DocRow
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


async def meetings(db: Connection, club_id: str, athlete_id: str | None = None) -> list[Meeting]:
    """Every meeting of the club's edits, or those about one athlete; the newest first."""
    rows = await fetch_all(db, "met_records", DocRow, {"club_id": club_id, "athlete_id": athlete_id})
    docs = {(row.tbl, row.pk): row.doc for row in rows}
    found = [from_fields(row.pk, row.doc) for row in rows if row.tbl == TABLE]
    known = [_meeting(it, docs) for it in found if it is not None]
    known.sort(key=lambda it: it.edits.two_edits_id)
    return sorted(known, key=lambda it: -max(it.edits.stands.at_ms, it.edits.other.at_ms))


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
    one = await _locked(db, club_id, two_edits_id)
    if not one.was_shown(choice, shown):
        raise ChangedMeanwhile(one.changed_words)
    it, made = one.edits, []
    if choice == OTHER and one.current != it.other.value:
        made.append(Edit(it.tbl, it.pk, {it.field: it.other.value}))
    if choice == OPEN and it.state == OTHER and one.current == it.other.value:
        made.append(Edit(it.tbl, it.pk, {it.field: it.stands.value}))
    settled_by = "" if choice == OPEN else by
    made.append(Edit(TABLE, two_edits_id, {"state": choice, "settled_by": settled_by}))
    await edits.make(db, club_id, made, by, now_ms)
    return one


async def _locked(db: Connection, club_id: str, two_edits_id: str) -> Meeting:
    """The meeting once its record and the one it is of are ours. Raises NotThere, or AthleteErased."""
    of = (await _one(db, club_id, two_edits_id)).edits
    await fence.hold_erasures(db, club_id)
    await feed.lock_records(db, club_id, [(of.tbl, of.pk), (TABLE, two_edits_id)])
    try:
        return await _one(db, club_id, two_edits_id)
    except NotThere as error:
        raise AthleteErased() from error


async def _one(db: Connection, club_id: str, two_edits_id: str) -> Meeting:
    found = await meetings(db, club_id)
    one = next((it for it in found if it.edits.two_edits_id == two_edits_id), None)
    if one is None:
        raise NotThere("these edits.", hint="They may have been erased meanwhile; reload the page.")
    return one


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
