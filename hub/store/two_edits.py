"""Edits that met, as this hub shows them: which still ask for a word, and what a person chose.

Choosing is an ordinary edit of the field; that it was chosen is an edit of the meeting's own record, so both
travel like any other. Which edits met is found in the cloud.
"""

from __future__ import annotations

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

__all__ = ["KEPT", "OPEN", "OTHER", "Meeting", "Side", "TwoEdits", "count_open", "meetings", "settle"]

SELECT = """
SELECT two_edits_id, of_tbl, of_pk, field, athlete_id, stands, stands_by, stands_hub, stands_ms, stands_sure,
    other, other_by, other_hub, other_ms, other_sure, state, settled_by FROM two_edits"""
NAMES = (
    "two_edits_id", "of_tbl", "of_pk", "field", "athlete_id", "stands", "stands_by", "stands_hub",
    "stands_ms", "stands_sure", "other", "other_by", "other_hub", "other_ms", "other_sure", "state",
    "settled_by",
)  # fmt: skip


def meetings(db: Connection, of: tuple[str, str] | None = None) -> list[Meeting]:
    """Every meeting of edits, or those about one athlete or record (table, key); the newest first."""
    rows = db.execute(
        SELECT + " WHERE ?1 IS NULL OR (of_tbl = ?1 AND of_pk = ?2) OR (?1 = 'athlete' AND athlete_id = ?2)"
        " ORDER BY max(stands_ms, other_ms) DESC, two_edits_id",
        of or (None, None),
    ).fetchall()
    found = [from_fields(row[0], dict(zip(NAMES, row, strict=True))) for row in rows]
    return [_with_current(db, it) for it in found if it is not None]


def count_open(db: Connection) -> int:
    """How many still ask for a word."""
    return sum(it.is_open for it in meetings(db))


def one(db: Connection, two_edits_id: str) -> Meeting:
    """One of them. Raises NotFound."""
    for it in meetings(db):
        if it.edits.two_edits_id == two_edits_id:
            return it
    raise NotFound("this pair of edits", hint="It may have been erased meanwhile; reload the page.")


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
