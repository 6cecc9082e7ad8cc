"""Every name an athlete of the club ever bore, and where texts say one, so that an erasure finds it.

It guesses nothing: no nicknames, no misspellings, no other writing of a name. It takes nothing away.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from cloud.store.database import Connection, Params, execute, fetch_all, fetch_values
from cloud.store.rows import DocRow, EntryRow, LetterRow, RecordRow
from sync import two_edits, wire

TYPED = {"session": ("title", "sport"), "strap": ("name",), "profile_change": ("note",), "source": ("title",)}
"""Texts in records that are not, or not only, an athlete's."""
Says = Callable[[Any], bool]
"""Whether a document says one of the names."""


async def keep(db: Connection, club_id: str, horizon: int) -> None:
    """Keep the names among the entries up to `horizon`, which are about to go."""
    await execute(db, "former_names_keep", {"club_id": club_id, "horizon": horizon})


async def of(db: Connection, club_id: str, athlete_id: str, rows: Iterable[RecordRow]) -> set[str]:
    """All their names, of which `rows`, the athlete's records, tell some; asked before any of it goes."""
    found = await fetch_values(db, "athlete_names", {"club_id": club_id, "athlete_id": athlete_id})
    for row in rows:
        what = (row.tbl, row.doc.get("of_tbl"), row.doc.get("field"))
        if what == (two_edits.TABLE, "athlete", "name"):
            found += [json.loads(row.doc[side]) for side in ("stands", "other") if row.doc.get(side)]
    return {it.strip() for it in found if isinstance(it, str)} - {""}


def saying(name: str, names: Iterable[str]) -> Says:
    """What says the name of today, wherever in a word, or another of `names` as a whole word.

    Somebody may once have been called "A" by a slip: that is in nearly every word.
    """
    whole = "|".join(re.escape(it) for it in sorted(names))
    either = [re.escape(name)] * bool(name) + [rf"(?<!\w)(?:{whole})(?!\w)"] * bool(whole)
    if not either:
        return lambda _: False
    pattern = re.compile("|".join(either))
    return lambda doc: any(pattern.search(it) for it in _texts(doc))


async def insight_entries(db: Connection, club_id: str, says: Says) -> list[int]:
    """Entries of the feed with insights that say it, also those that were written anew without since."""
    rows = await fetch_all(db, "insight_entries", EntryRow, {"club_id": club_id})
    return [row.seq for row in rows if says(row.fields)]


async def of_nobody_yet(db: Connection, club_id: str, athlete_id: str, names: set[str]) -> list[RecordRow]:
    """What imports brought under just one of the names and nobody has assigned yet.

    Not where another athlete of the club is called so: it may be theirs.
    """
    key: Params = {"club_id": club_id, "athlete_id": athlete_id}
    others = {it.casefold() for it in await fetch_values(db, "athlete_names_of_others", key)}
    wanted = {it.casefold(): it for it in names if it.casefold() not in others}
    if not wanted:
        return []
    rows = await fetch_all(db, "imported_of_nobody", RecordRow, {"club_id": club_id})
    return [row for row in rows if str(row.doc.get("person_name", "")).strip().casefold() in wanted]


async def letters(db: Connection, club_id: str, says: Says) -> list[str]:
    """The op_ids of refused edits that say it and are about nobody else."""
    rows = await fetch_all(db, "letters_with_content", LetterRow, {"club_id": club_id})
    return [row.op_id for row in rows if says([_about_nobody_else(row), row.detail])]


async def mentions(db: Connection, club_id: str, names: set[str]) -> tuple[str, ...]:
    """Titles, straps' names and notes that people typed and that say one of the names, in words.

    A name may be a word like any other there ("May", "Will"): whoever erases decides, record by record.
    """
    says = saying("", names)
    rows = await fetch_all(db, "typed_texts", DocRow, {"club_id": club_id})
    typed = ((row.tbl, row.doc.get(field)) for row in rows for field in TYPED[row.tbl])
    return tuple(sorted({f"{tbl.replace('_', ' ')} {text!r}" for tbl, text in typed if says(text)}))


def _about_nobody_else(letter: LetterRow) -> Any:
    """What it was to set, nothing where it names whom it is about: the erased athlete's go by their id."""
    try:
        op = msgspec.json.decode(letter.payload, type=wire.Op)
    except msgspec.MsgspecError:
        return letter.payload
    return op.fields if op.tbl != "athlete" and op.fields.get("athlete_id") is None else None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for it in value.values():
            yield from _texts(it)
    elif isinstance(value, list):
        for it in value:
            yield from _texts(it)
