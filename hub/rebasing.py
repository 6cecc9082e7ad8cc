"""Sessions move to where they truly were once their boot's time is known better than when they were recorded.

Samples hold no wall time, so nothing of them is touched: a session's start, end and offset are corrected like
any other edit, and its results are computed again because they changed. It learns no time itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from sqlite3 import Connection

from hub.store import boots, session_times
from hub.store.database import Database
from hub.store.records import Moment, propose
from hub.store.session_times import Recorded
from sync.wire import Anchor

MOVES_FROM_MS = 5_000
"""A session that is right to a few seconds stays: the same anchor, told again, moves nothing."""

OffsetAt = Callable[[int], int]
"""Seconds east of UTC at an epoch ms, where the hub stands."""


Moved = Callable[[Connection, Moment, str], object]
"""Told of each session that moved, inside the same transaction."""


async def rebase(
    database: Database, moment: Callable[[], Moment], offset_at: OffsetAt,
    moved: Moved = lambda db, moment, session_id: None,
) -> int:  # fmt: skip
    """Correct every recorded session whose boot's best anchor says otherwise; how many moved."""
    if not await database.read(lambda db: due(db, offset_at)):
        return 0
    return len(await database.write(lambda db: correct(db, moment(), offset_at, moved)))


def correct(
    db: Connection, moment: Moment, offset_at: OffsetAt, moved: Moved, anew: Collection[int] = ()
) -> list[str]:
    """As `rebase`, inside the caller's transaction; the sessions that moved.

    Those of the boots `anew` go exactly where their boot's best anchor says, though it be the system's own.
    """
    found = due(db, offset_at, anew)
    for session_id, fields in found.items():
        propose(db, moment, "session", session_id, fields)
    for session_id in found:
        moved(db, moment, session_id)
    return list(found)


def due(db: Connection, offset_at: OffsetAt, anew: Collection[int] = ()) -> dict[str, dict[str, object]]:
    """The fields to correct, by session id; `anew` as in `correct`."""
    anchors = boots.best_anchors(db)
    for boot_no in anew:
        if (known := boots.best_anchor(db, boot_no)) is not None:
            anchors[boot_no] = known
    found: dict[str, dict[str, object]] = {}
    for it in session_times.recorded_here(db):
        anchor = anchors.get(it.boot_no)
        if anchor is not None and (fields := _corrected(it, anchor, anchors, offset_at, anew)):
            found[it.session_id] = fields
    return found


def _corrected(
    it: Recorded, anchor: Anchor, anchors: dict[int, Anchor], offset_at: OffsetAt, anew: Collection[int]
) -> dict[str, object]:
    fields: dict[str, object] = {}
    started_ms = _wall_ms(anchor, it.mono0_ms)
    if _has_moved(it.started_at_ms, started_ms, anchor, anew):
        fields["started_at_ms"] = started_ms
        if (offset_s := offset_at(started_ms)) != it.utc_offset_s:
            fields["utc_offset_s"] = offset_s
    else:
        started_ms = it.started_at_ms
    ended_in = anchors.get(it.end_boot_no) if it.end_boot_no is not None else None
    if it.ended_at_ms is not None and it.end_mono_ms is not None and ended_in is not None:
        ended_ms = max(_wall_ms(ended_in, it.end_mono_ms), started_ms)
        if _has_moved(it.ended_at_ms, ended_ms, ended_in, anew):
            fields["ended_at_ms"] = ended_ms
    return fields


def _wall_ms(anchor: Anchor, mono_ms: int) -> int:
    return anchor.wall_ms + mono_ms - anchor.mono_ms


def _has_moved(was_ms: int, is_ms: int, anchor: Anchor, anew: Collection[int]) -> bool:
    if anchor.boot_no in anew:
        return was_ms != is_ms
    return abs(was_ms - is_ms) > max(MOVES_FROM_MS, 2 * anchor.err_ms)
