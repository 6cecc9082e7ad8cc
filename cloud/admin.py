"""The admin's verbs on the command line: erase an athlete, shut a hub out, say that a backup was restored.

They act on the database beside a running service; what they do is the erasure's, the hubs' and the feed's.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from cloud import erasure, hubs
from cloud.clock import now_ms
from cloud.config import CloudSettings
from cloud.errors import NotThere
from cloud.greeting import begin_all_feeds_anew
from cloud.store.database import Connection, connect, database_url, fetch_one
from cloud.store.migrate import migrate
from cloud.store.rows import CalledRow, Club, ReceiptRow

T = TypeVar("T")
ASKED_BY = "command line"


def erase(arguments: argparse.Namespace, settings: CloudSettings) -> int:
    """Erase after a second question, or list receipts."""
    if arguments.receipts:
        for line in _in_database(settings, lambda db: _receipts(db, arguments.club)):
            print(line)
        return 0
    if not arguments.athlete:
        raise NotThere(
            "no athlete was named.", hint='touchline-cloud erase --club "FC Example" "Ann Example"'
        )
    called = _in_database(settings, lambda db: _find(db, arguments.club, arguments.athlete))
    name = called.name or called.athlete_id
    if not arguments.yes:
        print(f"All data of {name} ({called.athlete_id}) will be gone, here and on every hub.")
        print("Type the name to go on: ", end="", flush=True)
        if sys.stdin.readline().strip() != name:
            print("nothing was erased")
            return 1
    done = _in_database(settings, lambda db: _erase(db, arguments.club, called))
    print(f"erased {name}: {done.records} records and {done.segments} segments, feed entry {done.seq}")
    for words in done.mentions:
        print(f"still says a name of theirs, if it means them: {words}")
    print("hubs carry it out when they next sync; see touchline-cloud erase --receipts")
    return 0


def revoke(arguments: argparse.Namespace, settings: CloudSettings) -> int:
    """Shut a hub out at once."""

    async def work(db: Connection) -> None:
        club = await _club(db, arguments.club)
        await hubs.revoke(db, club.club_id, arguments.hub_id, now_ms())

    _in_database(settings, work)
    print(f"hub {arguments.hub_id} is shut out; what it sent stays")
    return 0


def restored(_: argparse.Namespace, settings: CloudSettings) -> int:
    """Make every hub take a snapshot and send again what the backup lacks."""
    clubs = _in_database(settings, lambda db: begin_all_feeds_anew(db, now_ms()))
    print(f"feeds of {clubs} clubs begun anew; hubs send again what the backup does not have")
    return 0


async def _find(db: Connection, club_name: str, who: str) -> CalledRow:
    club = await _club(db, club_name)
    return await erasure.find(db, club.club_id, who)


async def _erase(db: Connection, club_name: str, called: CalledRow) -> erasure.Erasure:
    club = await _club(db, club_name)
    return await erasure.erase(db, club.club_id, called.athlete_id, ASKED_BY, now_ms())


async def _receipts(db: Connection, club_name: str) -> list[str]:
    club = await _club(db, club_name)
    lines = []
    for one in await erasure.receipts(db, club.club_id):
        day = datetime.fromtimestamp(one.erased.erased_ms / 1000, UTC).date()
        so_far = "open" if one.is_awaited else "not on hubs that were shut out"
        lines.append(
            f"{one.erased.subject_id} erased {day} ({'everywhere' if one.is_everywhere else so_far})"
        )
        lines += [f"  hub {hub.hub_id}: {_receipt_words(hub)}" for hub in one.hubs]
    return lines or ["nothing was ever erased"]


def _receipt_words(hub: ReceiptRow) -> str:
    if hub.is_done:
        return "done"
    return "shut out, never confirmed" if hub.is_shut_out else "not yet"


async def _club(db: Connection, name: str) -> Club:
    club = await fetch_one(db, "club_by_name", Club, {"name": name})
    if club is None:
        raise NotThere(f"a club called {name!r}.", hint="touchline-cloud enrol --club NAME makes one.")
    return club


def _in_database(settings: CloudSettings, work: Callable[[Connection], Awaitable[T]]) -> T:
    """Do the work in one transaction of a database that is up to date."""

    async def go(url: str) -> T:
        await migrate(url)
        db = await connect(url)
        try:
            async with db.transaction():
                return await work(db)
        finally:
            await db.close()

    with database_url(settings) as url:
        return asyncio.run(go(url))
