"""What one reader took in no late answer undoes, and what is erased goes in whatever order it is told."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID

import pytest

from hub.store import dead_letters, meta, oplog, records, segments, snapshot
from hub.store.database import Database
from hub.store.outbox import StoreOutbox
from hub.store.records import propose
from sync.wire import FeedOp, OpResult, PushResponse, SnapshotPage, SnapshotRow
from tests.store.small_store import PERSON, WALL_MS, counted_ids, feed_set, moment, open_store, segment

ADA, SESSION, STREAM, WORN = "ada", "session", str(UUID(int=7)), str(UUID(int=8))
NEW_IDS = counted_ids()


@pytest.fixture
def store(tmp_path: Path) -> Database:
    return open_store(tmp_path)


def outbox(store: Database) -> StoreOutbox:
    return StoreOutbox(store, "boot-one", lambda: moment(NEW_IDS), lambda anchor: None)


def edit(store: Database, tbl: str, pk: str, fields: dict[str, object]) -> None:
    store.write_now(lambda db: propose(db, moment(NEW_IDS), tbl, pk, fields))


def number(store: Database, key: str) -> int:
    return store.read_now(lambda db: meta.number(db, key))


# --- erasure


def worn_by_ada(store: Database) -> None:
    """Ada has worn a strap, and nobody but this hub knows yet."""
    edit(store, "athlete", ADA, PERSON)
    edit(store, "session", SESSION, {
        "title": "T", "sport": "run", "started_at_ms": WALL_MS, "utc_offset_s": 0, "boot_no": 1,
        "mono0_ms": 0, "source": "gatt",
    })  # fmt: skip
    edit(store, "strap", "s", {"name": "S", "address": "", "athlete_id": ADA})
    edit(store, "stream", STREAM, {"strap_id": "s", "boot_no": 1, "channel": "hr"})
    edit(store, "stream_assignment", WORN, {
        "stream_id": STREAM, "athlete_id": ADA, "session_id": SESSION, "from_ms": 0, "to_ms": None,
    })  # fmt: skip
    store.write_now(lambda db: segments.add(db, segment(7, 1, 1_000)))
    assert held(store) == 1


def held(store: Database) -> int:
    return int(store.read_now(lambda db: db.execute("SELECT count(*) FROM segment").fetchone()[0]))


def told(seq: int, kind: str, tbl: str, pk: str, **more: object) -> FeedOp:
    named = {"op_id": str(UUID(int=900 + seq)), "fields": {}, "stamp_ms": seq, **more}
    return FeedOp(seq=seq, kind=kind, tbl=tbl, pk=pk, **named)  # type: ignore[arg-type]


@pytest.mark.parametrize("together", [True, False])
def test_samples_go_also_where_the_assignment_is_void_before_the_erasure_is_told(
    store: Database, together: bool
) -> None:
    worn_by_ada(store)
    words = [
        told(1, "void", "stream_assignment", WORN),
        told(2, "erase", "athlete", ADA, fields={"rows": [["athlete", ADA], ["stream_assignment", WORN]]}),
    ]
    for step in [words] if together else [[it] for it in words]:
        store.write_now(lambda db, step=step: records.apply_feed(db, step, WALL_MS))  # type: ignore[misc]
    assert held(store) == 0


def test_a_segment_the_cloud_has_fenced_off_is_cut_to_what_is_worn_here(store: Database) -> None:
    worn_by_ada(store)
    edit(store, "stream_assignment", WORN, {"to_ms": 3_000})
    whole = segment(7, 1, 1_000)
    asyncio.run(outbox(store).cut_erased([whole.seg_id]))
    (left,) = store.read_now(lambda db: segments.of_stream(db, STREAM, 0, None))
    assert (left.mono0_ms, left.mono1_ms, left.n) == (1_000, 2_000, 2)


# --- two readers


def test_entries_that_do_not_follow_the_cursor_are_left_for_later(store: Database) -> None:
    reader = outbox(store)
    asyncio.run(reader.apply_feed([feed_set(1, "athlete", "a", PERSON, stamp_ms=1)], 9))
    asyncio.run(reader.apply_feed([feed_set(3, "athlete", "b", PERSON, stamp_ms=3)], 9))
    assert number(store, "cursor") == 1
    asyncio.run(reader.apply_feed([feed_set(n, "athlete", "b", PERSON, stamp_ms=n) for n in (1, 2, 3)], 9))
    assert number(store, "cursor") == 3


def page(pk: str, *, is_last: bool) -> SnapshotPage:
    row = SnapshotRow(tbl="athlete", pk=pk, doc=dict(PERSON), stamps={"name": 7})
    return SnapshotPage(
        feed_epoch=3, at_seq=40, epoch=1, last_seq=0, rows=[row],
        next_tbl=None if is_last else "athlete", next_pk=None if is_last else pk,
    )  # fmt: skip


def test_a_second_page_that_comes_twice_is_not_taken_for_a_first(store: Database) -> None:
    for one, after in (
        (page("a", is_last=False), ("", "")),
        (page("a", is_last=False), ("", "")),
        (page("b", is_last=True), ("athlete", "a")),
        (page("b", is_last=True), ("athlete", "a")),
    ):
        store.write_now(lambda db, one=one, after=after: snapshot.take_page(db, one, WALL_MS, after))  # type: ignore[misc]
    found = store.read_now(lambda db: db.execute("SELECT athlete_id FROM athlete ORDER BY 1").fetchall())
    assert found == [("a",), ("b",)]


# --- echoes that never come


def test_what_the_cloud_had_before_the_snapshot_stops_being_shown_over_it(store: Database) -> None:
    edit(store, "athlete", "a", {**PERSON, "name": "Mine"})
    store.write_now(lambda db: snapshot.take_page(db, page("a", is_last=True), WALL_MS))
    link = outbox(store)
    assert [it.seq for it in asyncio.run(link.pending_ops(10_000))] == [1]
    asyncio.run(link.record_pushed(PushResponse(last_seq=1, results=[])))
    assert name(store) == "Mine"
    assert store.read_now(lambda db: oplog.unechoed(db, 1)) == [("athlete", "a")]
    asyncio.run(link.settle(1))
    assert name(store) == PERSON["name"]
    assert not store.read_now(lambda db: oplog.unechoed(db, 1))


def name(store: Database) -> object:
    return store.read_now(lambda db: db.execute("SELECT name FROM athlete").fetchone()[0])


def test_what_a_lost_cloud_refused_is_sent_to_the_restored_one_and_stays_hidden(store: Database) -> None:
    store.write_now(lambda db: snapshot.take_page(db, page("a", is_last=True), WALL_MS))
    edit(store, "athlete", "a", {"name": "Too long a name"})
    link = outbox(store)
    refused = OpResult(seq=1, status="dead", code="invalid")
    asyncio.run(link.record_pushed(PushResponse(last_seq=1, results=[refused])))
    assert not asyncio.run(link.pending_ops(10_000))
    store.write_now(lambda db: snapshot.take_page(db, page("a", is_last=True), WALL_MS))
    assert [it.seq for it in asyncio.run(link.pending_ops(10_000))] == [1]
    assert name(store) == PERSON["name"]
    asyncio.run(link.record_pushed(PushResponse(last_seq=1, results=[refused])))
    (letter,) = store.read_now(dead_letters.waiting)
    assert letter.reason == "invalid"
