"""Does the cloud have what this hub has? Digests are compared by day and squad, and opened where they differ.

It compares what is confirmed; what still waits to be sent is counted, not called a difference, and so is what
the cloud refused. What pages show must be what is confirmed with the edits of here on top: a record of which
that is not so is named as a difference, and written anew. Where the cloud wrote more meanwhile, both sides
were not looked at in one moment: then they are compared again.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from sqlite3 import Connection

from hub.store import ledger, meta, records, refused_segments, shown_rows
from hub.store.database import Database
from hub.store.sync_findings import DayProof
from hub.syncing.words import recording_words
from sync.client import CloudClient
from sync.proof import SEGMENT, Held, Key, Record, bucket_digest, buckets, differences
from sync.wire import VerifiedRequest

IDS_A_QUESTION = 500
LOOKS = 4
ONLY_THERE = "only in the cloud"
Tell = Callable[[str, int, int], None]
"""Is told what is being done, and how many of how many steps are."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One record or segment that is not the same on both sides; `where` says how.

    `is_of_the_pages`: it may be the same in the cloud, but pages here show something else.
    """

    day: str
    squad: str
    tbl: str
    pk: str
    where: str
    is_of_the_pages: bool = False


@dataclass(frozen=True, slots=True)
class Verification:
    """What was compared, what still waits, and what differs. `is_behind`: the cloud wrote more meanwhile.

    `records` and `segments` are those here and those only the cloud has. `segments_refused`
    are on this hub alone until somebody decides, `segments_kept` because somebody did. `recording_min`
    minutes were recorded that are in no segment yet, so that there is nothing to compare.
    """

    records: int
    segments: int
    ops_pending: int
    segments_pending: int
    is_behind: bool
    differences: tuple[Difference, ...]
    days: tuple[DayProof, ...] = ()
    segments_refused: int = 0
    segments_kept: int = 0
    recording_min: int = 0

    @property
    def is_equal(self) -> bool:
        """Both sides hold the same but for what somebody put away, and nothing waits or was refused."""
        waits = self.ops_pending or self.segments_pending or self.segments_refused or self.is_behind
        return not (self.differences or waits)

    @property
    def words(self) -> str:
        """The finding in a sentence or two."""
        open_yet = f" {recording_words(self.recording_min)} not sent yet." if self.recording_min else ""
        meanwhile = " The cloud wrote more meanwhile: compare again." if self.is_behind else ""
        return f"{self._compared}{meanwhile}{self._here_alone}{open_yet}"

    @property
    def _compared(self) -> str:
        held = f"{_counted(self.records, 'record')} and {_counted(self.segments, 'recording')}"
        if self.differences:
            return self._unlike(held)
        if self.is_equal:
            but = "" if not self.segments_kept else " but for what was put away"
            return f"The cloud has exactly what this hub has{but}: {held}."
        if not (self.ops_pending or self.segments_pending):
            return f"What was confirmed is the same ({held})."
        waits = f"{_counted(self.ops_pending, 'edit')} and {_counted(self.segments_pending, 'recording')}"
        return f"What was confirmed is the same ({held}); {waits} wait to be sent."

    def _unlike(self, held: str) -> str:
        n = sum(it.is_of_the_pages for it in self.differences)
        rest = len(self.differences) - n
        lacking = sum(it.where == ONLY_THERE for it in self.differences)
        those = "" if not lacking else f" Only the cloud has {lacking} of them."
        if not n:
            return f"{rest} of {held} {_differ(rest)} from the cloud.{those}"
        said = f"{n} {'is' if n == 1 else 'are'} not shown on this hub's pages as confirmed."
        if not rest:
            return f"Of {held}, {said}"
        return f"Of {held}, {rest} {_differ(rest)} from the cloud and {said}{those}"

    @property
    def _here_alone(self) -> str:
        sorts = (
            (self.segments_refused, "the cloud refused"),
            (self.segments_kept, "somebody put away after the cloud had refused them"),
        )
        said = [f"{_counted(n, 'recording')} {why}" for n, why in sorts if n]
        return f" On this hub alone: {', and '.join(said)}." if said else ""


def _counted(n: int, word: str) -> str:
    return f"{n} {word}{'' if n == 1 else 's'}"


def _differ(n: int) -> str:
    return "differs" if n == 1 else "differ"


async def verify(
    database: Database, client: CloudClient, sync: Callable[[], Awaitable[object]], tell: Tell
) -> Verification:
    """Sync, compare the hub's confirmed state with the cloud's, and tell the cloud what was found.

    Raises SyncError, and what `sync` raises.
    """
    for _ in range(LOOKS):
        tell("syncing first", 0, 1)
        await sync()
        found = await _looked(database, client, tell)
        if not found.is_behind:
            break
    tell("telling the cloud what was found", 1, 1)
    await client.tell_verified(_finding(found))
    return found


async def _looked(database: Database, client: CloudClient, tell: Tell) -> Verification:
    tell("asking the cloud for its digests", 0, 1)
    here, refused, cursor, books, unlike_pages = await database.read(_here)
    there = await client.digest()
    known = {(it.day, it.squad): it.sha256 for it in there.buckets}
    found: list[Difference] = []
    days: list[DayProof] = []
    keys = sorted(here.keys() | known.keys())
    for number, key in enumerate(keys):
        tell(f"comparing {key[0] or 'what has no date'}", number, len(keys))
        held = here.get(key, [])
        digest = bucket_digest(held)
        unlike: list[Difference] = []
        if known.get(key, bucket_digest([])) != digest:
            unlike = await _opened(client, key, held, refused)
        n = sum(it.tbl == SEGMENT for it in held)
        days.append(DayProof(*key, len(held) - n, n, not unlike, digest))
        found += unlike
    found += unlike_pages
    if unlike_pages:
        await database.write(partial(_show_anew, found=unlike_pages))
    lacking = [it for it in found if it.where == ONLY_THERE]
    return Verification(
        records=sum(it.records for it in days) + sum(it.tbl != SEGMENT for it in lacking),
        segments=sum(it.segments for it in days) + sum(it.tbl == SEGMENT for it in lacking),
        ops_pending=books.ops_pending,
        segments_pending=books.segments_pending,
        is_behind=there.head != cursor,
        differences=tuple(found),
        days=tuple(days),
        segments_refused=books.segments_refused,
        segments_kept=books.segments_kept,
        recording_min=books.recording_min,
    )


def _finding(found: Verification) -> VerifiedRequest:
    waiting = found.ops_pending + found.segments_pending + found.segments_refused + found.is_behind
    return VerifiedRequest(
        records=found.records, segments=found.segments, waiting=waiting, differences=len(found.differences)
    )


async def _opened(client: CloudClient, key: Key, held: list[Held], refused: set[str]) -> list[Difference]:
    """What differs in one bucket; a segment refused here may be there through another hub's file."""
    leaves = (await client.leaves(*key)).leaves
    theirs = [Held(it.tbl, it.pk, it.sha256) for it in leaves]
    only_here, only_there, unlike = differences(held, theirs)
    ids = [bytes.fromhex(it.pk) for it in only_here if it.tbl == SEGMENT]
    missing: set[str] = set()
    for at in range(0, len(ids), IDS_A_QUESTION):  # another hub may have sent the same file's
        missing |= {it.hex() for it in await client.have(ids[at : at + IDS_A_QUESTION])}
    sorts = (
        ("only on this hub", [it for it in only_here if it.tbl != SEGMENT or it.pk in missing]),
        (ONLY_THERE, [it for it in only_there if it.tbl != SEGMENT or it.pk not in refused]),
        ("not the same", unlike),
    )
    return [Difference(*key, it.tbl, it.pk, where) for where, things in sorts for it in things]


def _show_anew(db: Connection, found: list[Difference]) -> None:
    """Let pages show these as they are; what cannot be shown stays noted."""
    heard_ms = meta.number(db, "last_contact_ms")
    for it in found:
        records.show(db, it.tbl, it.pk, heard_ms)


def _unlike_pages(db: Connection, here: dict[Key, list[Held]]) -> list[Difference]:
    found = shown_rows.unlike(db)
    if not found:
        return []
    days = {(it.tbl, it.pk): key for key, held in here.items() for it in held}
    return [Difference(*days.get((it.tbl, it.pk), ("", "")), it.tbl, it.pk, it.how, True) for it in found]


def _here(
    db: Connection,
) -> tuple[dict[Key, list[Held]], set[str], int, ledger.Ledger, list[Difference]]:
    """All there is to compare; and apart from it the segments that the cloud refused, the books, and what
    pages show otherwise.
    """
    rows = db.execute("SELECT tbl, pk, doc FROM base").fetchall()
    confirmed = [Record(tbl, pk, json.loads(doc)) for tbl, pk, doc in rows]
    segments = db.execute(
        "SELECT seg_id, stream_id FROM segment WHERE stream_id IN"
        " (SELECT pk FROM base WHERE tbl = 'stream' AND hub_id IS NULL)"
    ).fetchall()
    refused = refused_segments.all_ids(db)
    sent = [(bytes(seg_id), stream_id) for seg_id, stream_id in segments if bytes(seg_id) not in refused]
    names = {it.hex() for it in refused}
    here = buckets(confirmed, sent)
    return here, names, meta.number(db, "cursor"), ledger.sync_ledger(db), _unlike_pages(db, here)
