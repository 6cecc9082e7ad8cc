"""Writing each club's weekly insight into its feed, and only when its words changed.

The words are the rules'; hubs receive them like any other record.
"""

from __future__ import annotations

import logging
import uuid
from datetime import date
from typing import Any

from cloud import fence, history
from cloud.clock import local_date
from cloud.insights.rules import Insight, weekly_insight
from cloud.merge import Proposal, merge, stamp
from cloud.store import feed
from cloud.store.database import Connection, Database, fetch_all
from cloud.store.rows import AthleteRow, AttendedRow, Club, RecordedSession

log = logging.getLogger(__name__)

NAMESPACE = uuid.UUID("6f1f3c52-6b0e-4f0e-9d3b-0f6c5f8f2a11")


async def refresh_insights(database: Database, at_ms: int) -> int:
    """Bring every club's insight up to date; how many changed. One club's trouble stops no other's."""
    async with database.transaction() as db:
        clubs = await fetch_all(db, "clubs", Club, {})
    changed = 0
    failed: dict[str, Exception] = {}
    for club in clubs:
        try:
            async with database.transaction() as db:
                changed += await refresh_club(db, club.club_id, at_ms)
        except Exception as error:
            failed[club.club_id] = error
    if failed:
        first = next(iter(failed))
        log.error("no insight for %d clubs, first %s", len(failed), first, exc_info=failed[first])
    return changed


async def refresh_club(db: Connection, club_id: str, at_ms: int) -> bool:
    """Write the club's insight inside the caller's transaction; whether there was anything new.

    Nobody is erased between the look at who trained and the words about them.
    """
    await fence.hold_erasures(db, club_id)
    key = {"club_id": club_id}
    attended = await fetch_all(db, "attended", AttendedRow, {**key, "athlete_id": None})
    club = await fetch_all(db, "club_sessions_held", RecordedSession, key)
    people = await fetch_all(db, "athletes", AthleteRow, key)
    week = history.squad_week(
        attended, club, {row.athlete_id: row.name for row in people}, today(club, at_ms)
    )
    if week is None:
        return False
    return await write_insight(db, club_id, weekly_insight(week), at_ms)


def today(club: list[RecordedSession], at_ms: int) -> date:
    """The date where the club last trained."""
    newest = max(club, key=lambda session: session.started_at_ms, default=None)
    return local_date(at_ms, newest.utc_offset_s if newest else 0)


def insight_id(club_id: str, week_start: str) -> str:
    """One insight a club and ISO week, whoever writes it."""
    year, week, _ = date.fromisoformat(week_start).isocalendar()
    return str(uuid.uuid5(NAMESPACE, f"{club_id} {year}-W{week:02}"))


async def write_insight(db: Connection, club_id: str, insight: Insight, at_ms: int) -> bool:
    """Append the insight to the feed when it differs from what stands there."""
    await fence.hold_erasures(db, club_id)
    fields: dict[str, Any] = {
        "week_start": insight.week_start,
        "headline": insight.headline,
        "body": insight.body,
        "facts": [list(fact) for fact in insight.facts],
        "written_by": "rules",
    }
    key = ("insight", insight_id(club_id, insight.week_start))
    record = (await feed.lock_records(db, club_id, [key]))[key]
    if record.doc == fields:
        return False
    stamp_ms = stamp(
        Proposal(at_ms, max(record.stamps.values(), default=0)),
        server_ms=at_ms,
        hub_max_stamp=0,
        record=record,
    )
    await feed.write_records(db, club_id, [merge(record, fields, stamp_ms)])
    await feed.append(db, club_id, [feed.Entry(str(uuid.uuid4()), "set", *key, fields, stamp_ms)])
    return True
