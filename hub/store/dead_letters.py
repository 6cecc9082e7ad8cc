"""Operations the cloud refused: shown with the reason, tried once more as a new edit, or put away.

They never stand in the way of others; their numbers stay in the log, which must have no holes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from hub.errors import ActionRefused, NotFound
from hub.store import boots, meta
from hub.store.records import Moment, propose

ERASED = "erased"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One refused edit: what it was to change, and why the cloud would not; of the erased nothing is told."""

    op_id: str
    seq: int
    tbl: str
    pk: str
    fields: dict[str, Any]
    reason: str
    made_by: str
    boot_no: int
    mono_ms: int


def waiting(db: Connection) -> list[DeadLetter]:
    """Those nobody has decided about, oldest first."""
    rows = db.execute(
        "SELECT op_id, seq, tbl, pk, iif(reason = 'erased', '{}', fields), reason, made_by, boot_no, mono_ms"
        " FROM outbox"
        " WHERE state = 'dead' AND echoed_at_ms IS NULL ORDER BY seq"
    )
    return [
        DeadLetter(row[0], row[1], row[2], row[3], json.loads(row[4]), row[5] or "", row[6] or "", *row[7:])
        for row in rows
    ]


def one(db: Connection, op_id: str) -> DeadLetter:
    """One of them. Raises NotFound."""
    return _letter(db, op_id)


def made_ms(db: Connection, letter: DeadLetter) -> int | None:
    """When it was made, epoch ms; None where the time of that boot is not known."""
    anchor = boots.best_anchor(db, letter.boot_no, letter.mono_ms)
    return None if anchor is None else anchor.wall_ms + letter.mono_ms - anchor.mono_ms


def retry(db: Connection, moment: Moment, op_id: str, fields: dict[str, Any] | None = None) -> None:
    """Propose it anew as it was, or with better fields, and put the refused one away.

    Raises NotFound, and ActionRefused where an erasure has left nothing to propose.
    """
    letter = _letter(db, op_id)
    if not (fields or letter.fields):
        raise ActionRefused("Nothing of this edit is left to try again.", hint="Put it away.")
    discard(db, op_id, moment.wall_ms)
    propose(db, moment, letter.tbl, letter.pk, letter.fields if fields is None else fields)


def discard(db: Connection, op_id: str, wall_ms: int) -> None:
    """Put it away for good; what an erasure left in the log stays. Raises NotFound."""
    letter = _letter(db, op_id)
    db.execute(
        "UPDATE outbox SET echoed_at_ms = ?, fields = iif(reason = 'erased', fields, '{}') WHERE op_id = ?",
        (meta.cloud_ms(db, wall_ms), letter.op_id),
    )


def discard_erased(db: Connection, wall_ms: int) -> None:
    """Put away every edit about somebody whose data was erased."""
    for letter in waiting(db):
        if letter.reason == ERASED:
            discard(db, letter.op_id, wall_ms)


def _letter(db: Connection, op_id: str) -> DeadLetter:
    for letter in waiting(db):
        if letter.op_id == op_id:
            return letter
    raise NotFound("this refused edit.", hint="It was tried again or put away meanwhile; reload the page.")
