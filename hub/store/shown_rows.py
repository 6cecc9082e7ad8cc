"""Do pages show what was confirmed? Every typed row is held against base with this hub's own edits on top.

It reads each table once; a season's records take about a second, so it is asked when both sides are compared.
It changes nothing: `records.show` writes a row anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from hub.store import not_shown, records
from sync.record_fields import PRIMARY_KEYS, own_columns
from sync.refused_edits import TABLE as REFUSED_EDIT

OTHERWISE = "shown otherwise than it was confirmed"
MISSING = "not shown, though it was confirmed"
PHANTOM = "shown, though nobody confirmed it"
_FILLED_HERE = {"insight": frozenset({"received_at_ms"})}


@dataclass(frozen=True, slots=True)
class Unlike:
    """A record that pages show otherwise than it is, and how."""

    tbl: str
    pk: str
    how: str


def unlike(db: Connection) -> list[Unlike]:
    """All of them, by table and key."""
    noted = not_shown.reasons(db)
    found = [Unlike(tbl, pk, f"not shown here: {why}") for (tbl, pk), why in noted.items()]
    for tbl in PRIMARY_KEYS:
        if tbl != REFUSED_EDIT:
            found += [it for it in _of_table(db, tbl) if (it.tbl, it.pk) not in noted]
    return sorted(found, key=lambda it: (it.tbl, it.pk))


def _of_table(db: Connection, tbl: str) -> Iterator[Unlike]:
    columns = records.columns(db, tbl)
    compared = columns - own_columns(tbl) - _FILLED_HERE.get(tbl, frozenset())
    usual, wanted = _usual(db, tbl), _docs(db, tbl)
    names = sorted(columns)
    key = names.index(PRIMARY_KEYS[tbl])
    for values in db.execute(f"SELECT {', '.join(names)} FROM {tbl}"):
        row, pk = dict(zip(names, values, strict=True)), str(values[key])
        doc = wanted.pop(pk, None)
        if doc is None:
            yield Unlike(tbl, pk, PHANTOM)
            continue
        told = records.row_of(tbl, pk, doc, columns)
        if not all(_is_same(row[name], told.get(name, usual.get(name))) for name in compared):
            yield Unlike(tbl, pk, OTHERWISE)
    for pk, doc in wanted.items():
        if not records.is_incomplete(db, tbl, records.row_of(tbl, pk, doc, columns)):
            yield Unlike(tbl, pk, MISSING)


def _usual(db: Connection, tbl: str) -> dict[str, Any]:
    """What a column holds of which a record says nothing."""
    given = db.execute(
        "SELECT name, dflt_value FROM pragma_table_info(?) WHERE dflt_value IS NOT NULL", (tbl,)
    ).fetchall()
    return {name: db.execute(f"SELECT {text}").fetchone()[0] for name, text in given}


def _docs(db: Connection, tbl: str) -> dict[str, dict[str, Any]]:
    """The records of a table that are to be shown, as `records.shown` gives each."""
    is_shown = tbl not in records.OF_ONE_HUB or tbl in records.SHOWN_OF_OTHERS
    found: dict[str, dict[str, Any]] = {}
    others: set[str] = set()
    for pk, doc, hub_id in db.execute("SELECT pk, doc, hub_id FROM base WHERE tbl = ?", (tbl,)):
        if is_shown or hub_id is None:
            found[pk] = json.loads(doc)
        else:
            others.add(pk)
    laid_over = f"SELECT pk, fields FROM outbox WHERE tbl = ? AND {records.LAID_OVER}"
    for pk, fields in db.execute(laid_over, (tbl,)):
        if pk not in others:
            found.setdefault(pk, {}).update(json.loads(fields))
    return {pk: doc for pk, doc in found.items() if doc}


def _is_same(held: Any, told: Any) -> bool:
    """Whether a column holds what a record says; a number may stand in it as text, a flag as 0 or 1."""
    if isinstance(told, bool):
        told = int(told)
    return bool(held == told) or (held is not None and told is not None and str(held) == str(told))
