"""Erasing an athlete from a club: records, samples, results and old feed entries, in one transaction.

What is left is the fence that keeps them out, and an entry in the feed by which every hub does the same.
Backups hold the data until they are thrown away; how long that is, whoever runs the cloud must say.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from cloud import fence, former_names
from cloud.errors import NotThere
from cloud.ingest import keep_segments, mark_stale
from cloud.merge import Proposal, merge, stamp
from cloud.store import feed
from cloud.store.database import (
    Connection,
    Database,
    Params,
    execute,
    execute_many,
    fetch_all,
    fetch_value,
    fetch_values,
)
from cloud.store.rows import (
    BackRow,
    CalledRow,
    ErasedRow,
    HubIdentity,
    ReceiptRow,
    RecordRow,
    RowKey,
    SegmentRow,
)
from sync.cut import inside
from sync.segments import Segment

STREAM_FIELDS = ("stream_id", "hr_stream_id", "motion_stream_id")
"""What records name the samples of an athlete by."""
MOST_TOLD = 5000
"""Erasures a hub may remind of in one greeting."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was taken away; `seq` is its entry in the feed, by which hubs confirm it.

    `mentions` are texts of the club that say a name of theirs still, for a person to look at.
    """

    subject_id: str
    seq: int
    records: int
    segments: int
    mentions: tuple[str, ...] = ()


async def find(db: Connection, club_id: str, who: str) -> CalledRow:
    """The athlete with this id or name. Raises NotThere for none, and for several of one name."""
    found = await fetch_all(db, "athletes_called", CalledRow, {"club_id": club_id, "who": who})
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotThere(f"the club has no athlete {who!r}.", hint="Write the name as on the athletes page.")
    ids = ", ".join(row.athlete_id for row in found)
    raise NotThere(f"{len(found)} athletes are called {who!r}.", hint=f"Name one by its id: {ids}")


async def erase(db: Connection, club_id: str, subject_id: str, asked_by: str, now_ms: int) -> Erasure:
    """Erase an athlete inside the caller's transaction; hold nothing else in it. Raises NotThere.

    Every hub of the club and everybody online waits while it runs, so that nothing slips through between look
    and deed. Done again it takes away what is there again, and each hub has to confirm it again.
    """
    await _alone(db, club_id)
    rows = await fetch_all(db, "subject_rows", RecordRow, {"club_id": club_id, "subject_id": subject_id})
    straps = await fetch_all(db, "subject_straps", RecordRow, {"club_id": club_id, "subject_id": subject_id})
    if not rows and not straps:
        raise NotThere(f"the club has no athlete {subject_id}.", hint="It may have been erased before.")
    return await _take_away(db, club_id, subject_id, rows, asked_by, now_ms)


async def forgotten(db: Connection, club_id: str, subject_ids: Sequence[str]) -> list[str]:
    """Those of the athletes a hub knows to be erased whom this database holds nothing against.

    That is a database put back to a backup of before their erasure.
    """
    wanted = {it for it in subject_ids[:MOST_TOLD] if 0 < len(it) <= 200 and "\0" not in it}
    params: Params = {"club_id": club_id, "ids": sorted(wanted), "pks": []}
    rows = await fetch_all(db, "erased_among", RowKey, params)
    return sorted(wanted - {row.pk for row in rows})


async def erase_again(db: Connection, club_id: str, subject_id: str, told_by: str, now_ms: int) -> None:
    """Carry out an erasure that a backup had forgotten; the fence stands even where nothing came back."""
    await _alone(db, club_id)
    if not await forgotten(db, club_id, [subject_id]):
        return  # another hub was first
    rows = await fetch_all(db, "subject_rows", RecordRow, {"club_id": club_id, "subject_id": subject_id})
    await _take_away(db, club_id, subject_id, rows, told_by, now_ms)


async def erase_returned(database: Database, now_ms: int) -> int:
    """Erase whoever an earlier version let come back behind an erasure; how many."""
    async with database.transaction() as db:
        back = await fetch_all(db, "erased_back", BackRow, {})
    for it in back:
        with suppress(NotThere):  # somebody was first
            async with database.transaction() as db:
                await erase(db, it.club_id, it.subject_id, it.asked_by, now_ms)
    return len(back)


async def _alone(db: Connection, club_id: str) -> None:
    """Nobody writes a record of the club until the transaction ends: those online first, then every hub."""
    await execute(db, "erasure_alone", {"club_id": club_id})
    await execute(db, "hubs_lock", {"club_id": club_id})


async def _take_away(
    db: Connection, club_id: str, subject_id: str, rows: list[RecordRow], asked_by: str, now_ms: int
) -> Erasure:
    """What is to be done once every hub waits."""
    key = {"club_id": club_id, "subject_id": subject_id}
    athlete = next((row for row in rows if row.tbl == "athlete"), None)
    name = str(athlete.doc.get("name", "")) if athlete else ""
    names = await former_names.of(db, club_id, subject_id, rows)
    says = former_names.saying(name, names)
    rows += await former_names.of_nobody_yet(db, club_id, subject_id, names)
    rows += await _insights_about(db, club_id, says)
    straps = await fetch_all(db, "subject_straps", RecordRow, key)
    locked = await feed.lock_records(db, club_id, [(row.tbl, row.pk) for row in [*rows, *straps]])
    sessions = {str(row.doc["session_id"]) for row in rows if row.doc.get("session_id")}
    await _delete_rows(db, club_id, rows)
    streams = sorted({str(row.doc[it]) for row in rows for it in STREAM_FIELDS if row.doc.get(it)})
    cut = await _cut_streams(db, club_id, streams, now_ms)
    await _forget_names(db, club_id, says)
    await execute(db, "former_names_forget", key)
    await execute(db, "letters_void", key)
    await execute(db, "last_words_naming_forget", key)
    await execute(db, "subject_loads_forget", key)
    await execute(db, "subject_load_history_forget", key)
    await mark_stale(db, club_id, sessions, now_ms)
    entries = await _lay_down(db, club_id, [locked[row.tbl, row.pk] for row in straps], now_ms)
    fields = {"rows": [[row.tbl, row.pk] for row in rows]}
    entries.append(feed.Entry(str(uuid.uuid4()), "erase", "athlete", subject_id, fields, now_ms))
    seq = await feed.append(db, club_id, entries)
    await execute(db, "erased_subject_add", {**key, "seq": seq, "now_ms": now_ms, "asked_by": asked_by})
    mentions = await former_names.mentions(db, club_id, names)
    return Erasure(subject_id, seq, len(rows), cut, mentions)


async def _insights_about(db: Connection, club_id: str, says: former_names.Says) -> list[RecordRow]:
    """Insights that name the athlete by any name; the current week's is written anew without."""
    found = await fetch_all(db, "insights_all", RecordRow, {"club_id": club_id})
    return [row for row in found if says(row.doc)]


async def _forget_names(db: Connection, club_id: str, says: former_names.Says) -> None:
    """What insights said before they were written anew, and refused edits that name nobody else."""
    seqs = await former_names.insight_entries(db, club_id, says)
    await execute_many(db, "feed_void_entry", [{"club_id": club_id, "seq": it} for it in seqs])
    op_ids = await former_names.letters(db, club_id, says)
    await execute_many(db, "letter_void", [{"club_id": club_id, "op_id": it} for it in op_ids])


async def _delete_rows(db: Connection, club_id: str, rows: Sequence[RecordRow]) -> None:
    keys = [{"club_id": club_id, "tbl": row.tbl, "pk": row.pk} for row in rows]
    await execute_many(db, "feed_void", keys)
    await execute_many(db, "last_words_forget", keys)
    await execute_many(db, "row_delete", keys)
    await execute_many(db, "erased_row_add", [it for it in keys if it["tbl"] != "insight"])


async def _cut_streams(db: Connection, club_id: str, stream_ids: Sequence[str], now_ms: int) -> int:
    """Keep of the streams only what others wore; how many segments went."""
    if not stream_ids:
        return 0
    fenced = [{"club_id": club_id, "stream_id": it, "named_by": None} for it in stream_ids]
    await execute_many(db, "erased_stream_add", fenced)
    spans = await fence.worn_spans(db, club_id, stream_ids)
    params = {"club_id": club_id, "stream_ids": list(stream_ids)}
    gone = 0
    for row in await fetch_all(db, "segments_of_streams", SegmentRow, params):
        segment = Segment(
            row.seg_id, row.stream_id, row.boot_no, row.mono0_ms, row.mono1_ms, row.n, row.codec, row.payload
        )
        left = await asyncio.to_thread(inside, segment, spans[row.stream_id])
        if left is segment:
            continue
        hub_id = await fetch_value(db, "segment_hub", {"club_id": club_id, "seg_id": row.seg_id})
        named = {"club_id": club_id, "seg_id": row.seg_id}
        await execute(db, "segment_delete", named)
        await execute(db, "erased_segment_add", named)
        gone += 1
        if left is not None:
            await keep_segments(db, HubIdentity(club_id, hub_id), [left], now_ms)
    await execute(db, "stale_by_stream", {**params, "now_ms": now_ms})
    return gone


async def cut_late(db: Connection, hub: HubIdentity, now_ms: int) -> int:
    """Cut what a hub sent before it was known whose it was; to be asked when all its edits are in.

    Samples may come first, and then be laid on somebody who was erased meanwhile: that edit is refused and
    the stream fenced, but only with the hub's whole log is it clear what others wore. How many segments went.
    """
    of_hub = {"club_id": hub.club_id, "hub_id": hub.hub_id}
    streams = await fetch_values(db, "fenced_streams_of_hub", of_hub)
    if not streams:
        return 0
    rows = await fetch_all(
        db, "segments_of_streams", SegmentRow, {"club_id": hub.club_id, "stream_ids": streams}
    )
    held = [
        Segment(it.seg_id, it.stream_id, it.boot_no, it.mono0_ms, it.mono1_ms, it.n, it.codec, it.payload)
        for it in rows
    ]
    late = await fence.erased_segments(db, hub.club_id, held)
    stream_ids = sorted({it.stream_id for it in held if it.seg_id in late})
    return await _cut_streams(db, hub.club_id, stream_ids, now_ms)


async def _lay_down(
    db: Connection, club_id: str, straps: Iterable[RecordRow], now_ms: int
) -> list[feed.Entry]:
    """Straps the athlete used to wear are nobody's now: ordinary edits by the office."""
    entries, changed = [], []
    for record in straps:
        fields = {"athlete_id": None}
        newest = max(record.stamps.values(), default=0)
        stamp_ms = stamp(Proposal(now_ms, newest), server_ms=now_ms, hub_max_stamp=0, record=record)
        changed.append(merge(record, fields, stamp_ms))
        entries.append(feed.Entry(str(uuid.uuid4()), "set", record.tbl, record.pk, fields, stamp_ms))
    await feed.write_records(db, club_id, changed)
    return entries


@dataclass(frozen=True, slots=True)
class Confirmed:
    """An erasure and which hubs have carried it out."""

    erased: ErasedRow
    hubs: list[ReceiptRow]

    @property
    def is_everywhere(self) -> bool:
        """Every hub that was there at the time has confirmed it, those shut out since or before as well."""
        return all(hub.is_done for hub in self.hubs)

    @property
    def is_awaited(self) -> bool:
        """Whether a hub may still confirm it; one that was shut out never will."""
        return any(not hub.is_done and not hub.is_shut_out for hub in self.hubs)


async def receipts(db: Connection, club_id: str) -> list[Confirmed]:
    """Every erasure of the club with its receipts, oldest first."""
    erased = await fetch_all(db, "erasures", ErasedRow, {"club_id": club_id})
    found = []
    for row in erased:
        params = {"club_id": club_id, "seq": row.seq, "erased_ms": row.erased_ms}
        found.append(Confirmed(row, await fetch_all(db, "erasure_receipts", ReceiptRow, params)))
    return found
