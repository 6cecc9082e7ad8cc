"""Refused edits in words: whose each is, who made it, when and at which hub, as far as that is known.

It decides nothing about them, and of an edit whose content was not kept it can say little.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloud import letters
from cloud.clock import TrueTime
from cloud.store.database import Connection, fetch_all
from cloud.store.rows import AnchorRow, DocRow, HubStatus, LetterRow
from cloud.web.hubs import KIND_WORDS, REFUSED_WORDS, name_of
from cloud.web.words import ago, moment
from sync.refused_edits import words as decided_words

MOST_FIELDS = 6
MOST_TEXT = 40
MOST_CALLED = 80
ONE_WORDS = {
    "athlete": "Athlete", "profile_change": "Value from a date", "session": "Session", "strap": "Strap",
    "stream": "Stream", "stream_assignment": "Who wore which strap", "source": "Import",
    "daily_value": "Value of a day", "refused_edit": "Decision about a refused edit",
}  # fmt: skip

Key = tuple[str, str]
Docs = Mapping[Key, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class LetterView:
    """A refused edit in words; `whose` is the athlete, session or strap it is about, empty where unknown.

    `settled` is what was decided about it last, by whom and where, empty where nothing was.
    """

    op_id: str
    kind: str
    whose: str
    what: str
    made: str
    came: str
    reason: str
    detail: str
    settled: str


async def views(db: Connection, club_id: str, rows: Sequence[LetterRow], at_ms: int) -> list[LetterView]:
    """These refused edits in words."""
    ops = {row.op_id: content(row) for row in rows}
    docs = await _docs(db, club_id, [_key(op) for op in ops.values()])
    people = {("athlete", it) for op in ops.values() if (it := _athlete_id(op, docs)) is not None}
    docs = {**docs, **await _docs(db, club_id, people)}
    hubs = await fetch_all(db, "hub_statuses", HubStatus, {"club_id": club_id})
    names = {hub.hub_id: name_of(hub.hub_id, hub.model) for hub in hubs}
    clocks = {}
    for hub_id in {row.hub_id for row in rows}:
        of_hub = {"club_id": club_id, "hub_id": hub_id}
        clocks[hub_id] = TrueTime(await fetch_all(db, "anchors", AnchorRow, of_hub))
    return [
        _view(row, ops[row.op_id], docs, names.get(row.hub_id, name_of(row.hub_id, "")),
              clocks[row.hub_id], at_ms)
        for row in rows
    ]  # fmt: skip


async def away(db: Connection, club_id: str, at_ms: int) -> list[LetterView]:
    """Those that were put away, here or at their hub, the newest decision first."""
    return await views(db, club_id, await letters.away(db, club_id), at_ms)


def content(row: LetterRow) -> dict[str, Any]:
    """The operation as it was sent; empty where that was not kept."""
    try:
        found = json.loads(row.payload)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _view(
    row: LetterRow, op: Mapping[str, Any], docs: Docs, hub: str, clock: TrueTime, at_ms: int
) -> LetterView:
    whose, fields = _whose(op, docs), _fields(op)
    told = {name: value for name, value in fields.items() if not (whose and name == "athlete_id")}
    shown = [f"{name.replace('_', ' ')} {_short(value)}" for name, value in (told or fields).items()]
    more = f" and {len(shown) - MOST_FIELDS} more" if len(shown) > MOST_FIELDS else ""
    tbl = _key(op)[0]
    kind = ONE_WORDS.get(tbl) or KIND_WORDS.get(tbl, tbl.replace("_", " ").capitalize())
    by = op.get("by")
    made_ms = _made_ms(row, op, clock)
    made = f"Made{f' by {_short(by)}' if by and isinstance(by, str) else ''} at {hub}"
    if made_ms is not None:
        made += f", {moment(made_ms)} UTC"
    return LetterView(
        row.op_id, kind, whose, ", ".join(shown[:MOST_FIELDS]) + more, made,
        ago(row.received_ms, at_ms), REFUSED_WORDS.get(row.code, row.code), row.detail,
        _settled(row, at_ms),
    )  # fmt: skip


def _settled(row: LetterRow, at_ms: int) -> str:
    said = decided_words(row.decided or "", row.settled_by, row.settled_at)
    return f"{said} {ago(row.settled_ms, at_ms)}" if said and row.settled_ms is not None else said


def _made_ms(row: LetterRow, op: Mapping[str, Any], clock: TrueTime) -> int | None:
    """True time of the edit, at the latest when it came; None where nothing tells it."""
    boot_no, mono_ms = op.get("boot_no"), op.get("mono_ms")
    if type(boot_no) is not int or type(mono_ms) is not int:
        return None
    found = clock.estimate(boot_no, mono_ms)
    if not found.is_anchored or found.wall_ms <= 0:
        return None
    return min(found.wall_ms, row.received_ms)


def _whose(op: Mapping[str, Any], docs: Docs) -> str:
    athlete_id = _athlete_id(op, docs)
    asked = [docs.get(("athlete", athlete_id), {})] if athlete_id is not None else []
    for doc in (*asked, docs.get(_key(op), {}), _fields(op)):
        for name in ("name", "title"):
            if isinstance(found := doc.get(name), str) and found.strip():
                return found if len(found) <= MOST_CALLED else f"{found[: MOST_CALLED - 1]}…"
    return ""


def _athlete_id(op: Mapping[str, Any], docs: Docs) -> str | None:
    tbl, pk = _key(op)
    found = pk if tbl == "athlete" else None
    for doc in (_fields(op), docs.get((tbl, pk), {})):
        found = found or doc.get("athlete_id")
    return found if isinstance(found, str) and found else None


def _key(op: Mapping[str, Any]) -> Key:
    return str(op.get("tbl", "")), str(op.get("pk", ""))


def _fields(op: Mapping[str, Any]) -> dict[str, Any]:
    found = op.get("fields")
    return found if isinstance(found, dict) else {}


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MOST_TEXT else f"{text[: MOST_TEXT - 1]}…"


async def _docs(db: Connection, club_id: str, keys: Iterable[Key]) -> dict[Key, dict[str, Any]]:
    wanted: Sequence[Key] = sorted({key for key in keys if "\0" not in key[0] + key[1]})
    params = {"club_id": club_id, "tbls": [tbl for tbl, _ in wanted], "pks": [pk for _, pk in wanted]}
    return {(row.tbl, row.pk): row.doc for row in await fetch_all(db, "docs_named", DocRow, params)}
