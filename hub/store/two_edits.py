"""Edits that met, as this hub shows them: which still ask for a word, and what a person chose.

Choosing is an ordinary edit of the field; that it was chosen is an edit of the meeting's own record, so both
travel like any other. Which edits met is found in the cloud.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from sqlite3 import Connection
from typing import Any

from hub.errors import ActionRefused, NotFound
from hub.store import records
from hub.store.records import Moment, propose
from sync.two_edits import (
    KEPT,
    OPEN,
    OTHER,
    TABLE,
    Meeting,
    Side,
    TwoEdits,
    field_words,
    from_fields,
    value_words,
)

__all__ = ["KEPT", "OPEN", "OTHER", "Meeting", "Side", "TwoEdits", "count", "count_open", "page", "settle"]

A_PAGE = 50
SELECT = """
SELECT two_edits_id, of_tbl, of_pk, field, athlete_id, stands, stands_by, stands_hub, stands_ms, stands_sure,
    other, other_by, other_hub, other_ms, other_sure, state, settled_by FROM two_edits"""
NAMES = (
    "two_edits_id", "of_tbl", "of_pk", "field", "athlete_id", "stands", "stands_by", "stands_hub",
    "stands_ms", "stands_sure", "other", "other_by", "other_hub", "other_ms", "other_sure", "state",
    "settled_by",
)  # fmt: skip


_ABOUT = " (?1 IS NULL OR (of_tbl = ?1 AND of_pk = ?2) OR (?1 = 'athlete' AND athlete_id = ?2))"
_AT = "max(stands_ms, other_ms)"
_BEHIND = f" AND ({_AT}, two_edits_id) < (?3, ?4) ORDER BY {_AT} DESC, two_edits_id DESC"
_BEFORE = f" AND ({_AT}, two_edits_id) > (?3, ?4) ORDER BY {_AT}, two_edits_id"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a meeting stands in the list: those that ask for a word come first, each the newest first."""

    is_open: bool
    at_ms: int
    two_edits_id: str


FIRST = Place(True, 2**62, "")


@dataclass(frozen=True, slots=True)
class MetPage:
    """A page of meetings, with the places that the pages before and behind it begin at; None for none."""

    found: list[Meeting]
    before: Place | None
    after: Place | None


def page(
    db: Connection,
    of: tuple[str, str] | None = None,
    *,
    after: Place | None = None,
    before: Place | None = None,
) -> MetPage:
    """Fifty meetings, or of those about one athlete or record (table, key), behind or before a place."""
    found = _listed(db, of, before, A_PAGE, is_back=True)[::-1] if before else []
    if len(found) < A_PAGE:
        found = _listed(db, of, after, A_PAGE) if after and not before else []
        found = found or _listed(db, of, FIRST, A_PAGE)
    if not found:
        return MetPage([], None, None)
    first, last = _place_of(found[0]), _place_of(found[-1])
    has_earlier, has_later = _listed(db, of, first, 1, is_back=True), _listed(db, of, last, 1)
    return MetPage(found, first if has_earlier else None, last if has_later else None)


def _place_of(it: Meeting) -> Place:
    edits = it.edits
    return Place(it.is_open, max(edits.stands.at_ms, edits.other.at_ms), edits.two_edits_id)


def _listed(
    db: Connection, of: tuple[str, str] | None, place: Place, most: int, *, is_back: bool = False
) -> list[Meeting]:
    """Up to `most` behind the place in order, or before it, the nearest first."""
    found: list[Meeting] = []
    for is_open in (False, True) if is_back else (True, False):
        if is_open == place.is_open:
            beyond: tuple[int, str] = place.at_ms, place.two_edits_id
        elif is_open == is_back:
            beyond = (-1, "") if is_back else (2**62, "")
        else:
            continue
        rows = _rows(db, of, beyond, is_back=is_back, is_undecided=is_open)
        found += islice((it for it in rows if it.is_open == is_open), most - len(found))
    return found


def _rows(
    db: Connection, of: tuple[str, str] | None, beyond: tuple[int, str], *, is_back: bool, is_undecided: bool
) -> Iterator[Meeting]:
    """Those beyond a time and a key, one after the other; of the undecided some may be answered by now."""
    undecided = " state = 'open' AND" if is_undecided else ""
    sql = f"{SELECT} WHERE{undecided}{_ABOUT}{_BEFORE if is_back else _BEHIND}"
    for row in db.execute(sql, (*(of or (None, None)), *beyond)):
        it = _read(row)
        if it is not None:
            yield _with_current(db, it)


def _read(row: tuple[Any, ...]) -> TwoEdits | None:
    return from_fields(row[0], dict(zip(NAMES, row, strict=True)))


def count(db: Connection) -> int:
    """How many meetings there are."""
    return int(db.execute("SELECT count(*) FROM two_edits").fetchone()[0])


def count_open(db: Connection) -> int:
    """How many still ask for a word."""
    undecided = [_read(row) for row in db.execute(SELECT + " WHERE state = 'open'")]
    return sum(it.is_open(records.shown(db, it.tbl, it.pk).get(it.field)) for it in undecided if it)


def one(db: Connection, two_edits_id: str) -> Meeting:
    """One of them. Raises NotFound."""
    row = db.execute(SELECT + " WHERE two_edits_id = ?", (two_edits_id,)).fetchone()
    it = None if row is None else _read(row)
    if it is None:
        raise NotFound("this pair of edits", hint="It may have been erased meanwhile; reload the page.")
    return _with_current(db, it)


def settle(
    db: Connection, moment: Moment, two_edits_id: str, choice: str, shown: str | None = None
) -> TwoEdits:
    """Keep what stands, use the other value, or open it again as it was. Raises NotFound or ActionRefused.

    `shown` is what the page said stands, `Meeting.shown`; it is refused where something else does.
    """
    found = may_settle(db, two_edits_id, choice, shown)
    it = found.edits
    if choice == OTHER and found.current != it.other.value:
        propose(db, moment, it.tbl, it.pk, {it.field: it.other.value})
    if choice == OPEN and it.state == OTHER and found.current == it.other.value:
        propose(db, moment, it.tbl, it.pk, {it.field: it.stands.value})
    by = "" if choice == OPEN else moment.by
    propose(db, moment, TABLE, two_edits_id, {"state": choice, "settled_by": by})
    return it


def may_settle(db: Connection, two_edits_id: str, choice: str, shown: str | None) -> Meeting:
    """The meeting, where this can be chosen of it. Raises NotFound or ActionRefused."""
    found = one(db, two_edits_id)
    if choice not in (OPEN, KEPT, OTHER):
        raise ActionRefused("that is no choice.", hint="Keep the value, use the other one, or undo.")
    if not found.was_shown(choice, shown):
        raise ActionRefused(found.changed_words, hint="Look at what stands now, and choose again.")
    return found


def called(db: Connection, athlete_id: str | None) -> str:
    """An athlete's name, "nobody" for none."""
    if athlete_id is None:
        return "nobody"
    return str(records.shown(db, "athlete", athlete_id).get("name") or "an athlete who is gone")


def _with_current(db: Connection, it: TwoEdits) -> Meeting:
    doc = records.shown(db, it.tbl, it.pk)
    name = str(doc.get("name") or doc.get("title") or it.tbl)
    if it.tbl == "profile_change":
        name = f"{called(db, it.athlete_id)}, from {doc.get('valid_from', '')}"
    current = doc.get(it.field)
    values = (it.stands.value, it.other.value, current)
    words = [value_words(it.field, value, _wearer(db, it.field, value)) for value in values]
    return Meeting(it, current, name, field_words(it.field), *words)


def _wearer(db: Connection, field: str, value: Any) -> str | None:
    return called(db, value) if field == "athlete_id" else None
