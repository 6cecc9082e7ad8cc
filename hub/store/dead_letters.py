"""Operations the cloud refused: shown with the reason, tried anew as another edit, put away, taken out again.

They never stand in the way of others; their numbers stay in the log, which must have no holes. Each decision
is a record, by which the other side hears of it; one made online comes the same way.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from hub.errors import ActionRefused, NotFound
from hub.store import boots, meta, refused_edits
from hub.store.records import Moment, propose
from sync.refused_edits import AGAIN, AWAY, GROUND, OPEN, TABLE, decision, words

ERASED = "erased"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One refused edit: what it was to change, and why the cloud would not; of the erased nothing is told.

    `settled` is what somebody decided about it, who and where, "" where nobody has; `settled_ms` when that
    was, or was heard here.
    """

    op_id: str
    seq: int
    tbl: str
    pk: str
    fields: dict[str, Any]
    reason: str
    made_by: str
    boot_no: int
    mono_ms: int
    settled: str = ""
    settled_ms: int | None = None


_LETTERS = (
    "SELECT op_id, seq, tbl, pk, iif(reason = 'erased', '{}', fields), reason, made_by, boot_no, mono_ms,"
    " it.state, settled_by, settled_at, at_ms FROM outbox LEFT JOIN refused_edit it USING (op_id)"
    " WHERE outbox.state = 'dead' AND "
)


def waiting(db: Connection) -> list[DeadLetter]:
    """Those nobody has decided about, oldest first."""
    return [_read(row) for row in db.execute(_LETTERS + "echoed_at_ms IS NULL ORDER BY seq")]


def counts(db: Connection) -> dict[str, int]:
    """How many nobody has decided about, by the reason they were refused for."""
    return dict(
        db.execute(
            "SELECT coalesce(reason, ''), count(*) FROM outbox WHERE state = 'dead' AND echoed_at_ms IS NULL"
            " GROUP BY 1 ORDER BY 1"
        ).fetchall()
    )


def newest(
    db: Connection, limit: int, *, before: int | None = None, is_erased: bool = True
) -> list[DeadLetter]:
    """Those nobody has decided about, the newest first; before that number; without the erased's or with."""
    rows = db.execute(
        _LETTERS
        + "echoed_at_ms IS NULL AND seq < ? AND (? OR reason IS NOT 'erased') ORDER BY seq DESC LIMIT ?",
        (2**62 if before is None else before, is_erased, limit),
    )
    return [_read(row) for row in rows]


def newer(db: Connection, limit: int, after: int) -> list[DeadLetter]:
    """The page of them before the one that begins behind that number, the newest first."""
    rows = db.execute(_LETTERS + "echoed_at_ms IS NULL AND seq > ? ORDER BY seq LIMIT ?", (after, limit))
    return [_read(row) for row in rows][::-1]


def away(db: Connection, limit: int = 50) -> list[DeadLetter]:
    """Those put away, here or online, that can still be taken out again; the newest decision first."""
    rows = db.execute(
        _LETTERS + "echoed_at_ms IS NOT NULL AND it.state = 'away' AND reason IS NOT 'erased'"
        " AND fields != '{}' ORDER BY at_ms DESC, seq DESC LIMIT ?",
        (limit,),
    )
    return [_read(row) for row in rows]


def _read(row: tuple[Any, ...]) -> DeadLetter:
    op_id, seq, tbl, pk, fields, reason, made_by, boot_no, mono_ms, state, by, place, at_ms = row
    return DeadLetter(
        op_id, seq, tbl, pk, json.loads(fields), reason or "", made_by or "", boot_no, mono_ms,
        words(state or "", by, place), at_ms,
    )  # fmt: skip


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
    _decide(db, moment, op_id, AGAIN)
    propose(db, moment, letter.tbl, letter.pk, letter.fields if fields is None else fields)


def put_away(db: Connection, moment: Moment, op_id: str) -> None:
    """Nobody needs it any more, here or online. Raises NotFound."""
    _decide(db, moment, _letter(db, op_id).op_id, AWAY)


def put_away_erased(db: Connection, moment: Moment) -> None:
    """Put away every edit about somebody whose data was erased."""
    put_away_all(db, moment, ERASED)


def put_away_all(db: Connection, moment: Moment, reason: str) -> int:
    """Put away every edit that was refused for this reason, here and online; how many."""
    found = db.execute(
        "SELECT op_id FROM outbox WHERE state = 'dead' AND echoed_at_ms IS NULL AND coalesce(reason, '') = ?"
        " ORDER BY seq",
        (reason,),
    ).fetchall()
    _decide_all(db, moment, [op_id for (op_id,) in found], AWAY)
    return len(found)


def take_out_all(db: Connection, moment: Moment, reason: str, at_ms: int) -> int:
    """Let all of a reason wait again that were put away in one go at that time; how many."""
    found = db.execute(
        "SELECT op_id FROM outbox JOIN refused_edit it USING (op_id) WHERE outbox.state = 'dead'"
        " AND it.state = 'away' AND coalesce(reason, '') = ? AND at_ms = ? ORDER BY seq",
        (reason, at_ms),
    ).fetchall()
    _decide_all(db, moment, [op_id for (op_id,) in found], OPEN)
    return len(found)


def take_out(db: Connection, moment: Moment, op_id: str) -> None:
    """It was not to be put away: it waits again, here and online. Raises NotFound."""
    found = db.execute(
        "SELECT 1 FROM outbox JOIN refused_edit it USING (op_id)"
        " WHERE op_id = ? AND outbox.state = 'dead' AND it.state = 'away'",
        (op_id,),
    ).fetchone()
    if found is None:
        raise NotFound("this refused edit.", hint="It was taken out again meanwhile; reload the page.")
    _decide(db, moment, op_id, OPEN)


def _decide(db: Connection, moment: Moment, op_id: str, state: str) -> None:
    propose(db, moment, TABLE, op_id, decision(state, moment.by, GROUND))


def _decide_all(db: Connection, moment: Moment, op_ids: list[str], state: str) -> None:
    for op_id in op_ids:
        _decide(db, moment, op_id, state)


def tell_again(db: Connection, moment: Moment) -> None:
    """Tell the cloud what was decided where no record says so: by an older version, or before its backup."""
    for it in refused_edits.untold(db):
        propose(db, moment, TABLE, it.op_id, decision(it.state, it.settled_by, it.settled_at))


def discard(db: Connection, op_id: str, wall_ms: int) -> None:
    """Put it away here; the cloud hears of it after the next start. Raises NotFound."""
    letter = _letter(db, op_id)
    at_ms = meta.cloud_ms(db, wall_ms)
    db.execute("UPDATE outbox SET echoed_at_ms = ? WHERE op_id = ?", (at_ms, letter.op_id))


def _letter(db: Connection, op_id: str) -> DeadLetter:
    row = db.execute(_LETTERS + "echoed_at_ms IS NULL AND op_id = ?", (op_id,)).fetchone()
    if row is not None:
        return _read(row)
    raise NotFound("this refused edit.", hint="It was tried again or put away meanwhile; reload the page.")
