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
from sync.true_time import View, doubt_at, view, wall_at
from sync.wire import Anchor

MOVES_FROM_MS = 5_000
"""A session that is right to a few seconds stays: what a day's drift or a surer anchor moves it by is no edit
worth making, which every hub would read and every result follow."""

OffsetAt = Callable[[int], int]
"""Seconds east of UTC at an epoch ms, where the hub stands."""


Moved = Callable[[Connection, Moment, str], object]
"""Told of each session that moved, inside the same transaction."""


async def rebase(
    database: Database, moment: Callable[[], Moment], offset_at: OffsetAt,
    moved: Moved = lambda db, moment, session_id: None,
) -> int:  # fmt: skip
    """Correct every recorded session whose boot's anchors say otherwise; how many moved."""
    if not await database.read(lambda db: due(db, offset_at)):
        return 0
    return len(await database.write(lambda db: correct(db, moment(), offset_at, moved)))


def correct(
    db: Connection, moment: Moment, offset_at: OffsetAt, moved: Moved, anew: Collection[int] = ()
) -> list[str]:
    """As `rebase`, inside the caller's transaction; the sessions that moved.

    Those of the boots `anew` go exactly where their boot's anchors say, though they be the system's own.
    """
    found = due(db, offset_at, anew)
    for session_id, fields in found.items():
        propose(db, moment, "session", session_id, fields)
    for session_id in found:
        moved(db, moment, session_id)
    return list(found)


def due(db: Connection, offset_at: OffsetAt, anew: Collection[int] = ()) -> dict[str, dict[str, object]]:
    """The fields to correct, by session id; `anew` as in `correct`."""
    views = boots.all_views(db)
    for boot_no in anew:
        if known := boots.telling(db, boot_no):
            views[boot_no] = view(known)
    found: dict[str, dict[str, object]] = {}
    for it in session_times.recorded_here(db):
        if it.boot_no in views and (fields := _corrected(it, views, offset_at, anew)):
            found[it.session_id] = fields
    return found


def _corrected(
    it: Recorded, views: dict[int, View[Anchor]], offset_at: OffsetAt, anew: Collection[int]
) -> dict[str, object]:
    if _is_torn(it):
        anew = {it.boot_no}
    fields: dict[str, object] = {}
    started_ms = _moved_to(it.started_at_ms, views[it.boot_no], it.mono0_ms, it.boot_no in anew)
    if started_ms is not None:
        fields["started_at_ms"] = started_ms
        if (offset_s := offset_at(started_ms)) != it.utc_offset_s:
            fields["utc_offset_s"] = offset_s
    least_ms = it.started_at_ms if started_ms is None else started_ms
    ended_in = views.get(it.end_boot_no) if it.end_boot_no is not None else None
    if it.ended_at_ms is not None and it.end_mono_ms is not None and ended_in is not None:
        is_anew = it.end_boot_no in anew
        ended_ms = _moved_to(it.ended_at_ms, ended_in, it.end_mono_ms, is_anew, least_ms)
        if ended_ms is not None:
            fields["ended_at_ms"] = ended_ms
    return fields


def _is_torn(it: Recorded) -> bool:
    """Whether the clock was set between begin and end: of one boot it is known how long a session was, even
    where it is not settled whom to believe of the time."""
    if it.ended_at_ms is None or it.end_mono_ms is None or it.end_boot_no != it.boot_no:
        return False
    return abs(it.ended_at_ms - it.started_at_ms - (it.end_mono_ms - it.mono0_ms)) > MOVES_FROM_MS


def _moved_to(was_ms: int, seen: View[Anchor], mono_ms: int, is_anew: bool, least_ms: int = 0) -> int | None:
    """Where a moment of a boot truly is, None where it is so nearly right that it stays."""
    is_ms = max(wall_at(seen.told, mono_ms), least_ms)
    stays_ms = 0 if is_anew else max(MOVES_FROM_MS, 2 * doubt_at(seen, mono_ms))
    return is_ms if abs(was_ms - is_ms) > stays_ms else None
