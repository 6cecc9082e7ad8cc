"""Beginning the log anew keeps every operation, in order, once; a half-taken snapshot is never seen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from sqlite3 import Connection
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.store import bundles, dead_letters, feed_head, ledger, meta, oplog, records, segments, snapshot
from hub.store.database import Database
from hub.store.outbox import StoreOutbox
from sync.chain import CHAIN_0, verify
from sync.wire import SUSPECT, FeedOp, Op, OpResult, PushResponse, SnapshotPage, SnapshotRow
from tests.store.small_store import (
    PERSON,
    WALL_MS,
    counted_ids,
    feed_reject,
    feed_set,
    moment,
    open_store,
    segment,
)

STATES = st.lists(
    st.sampled_from(["pending", "acked", "echoed", "dead", "forgotten"]), min_size=1, max_size=10
)


@settings(max_examples=30)
@given(STATES, st.integers(2, 9))
def test_a_log_begun_anew_holds_all_that_was_kept_in_order_without_holes(
    states: list[str], epoch: int
) -> None:
    with TemporaryDirectory() as folder:
        store, ids = open_store(Path(folder)), counted_ids()
        for number in range(len(states)):
            store.write_now(
                lambda db, n=number: records.propose(
                    db, moment(ids), "athlete", f"a{n}", PERSON | {"name": f"N{n}"}
                )  # type: ignore[misc]
            )
        before = store.read_now(lambda db: oplog.pending(db, 1 << 20))
        for seq, state in enumerate(states, 1):
            store.write_now(lambda db, s=seq, w=state: _become(db, s, w))  # type: ignore[misc]
        store.write_now(lambda db: oplog.fork(db, epoch, WALL_MS))
        after = store.read_now(lambda db: oplog.pending(db, 1 << 20))
        kept = [op for op, state in zip(before, states, strict=True) if state != "forgotten"]
        assert [op.op_id for op in after] == [op.op_id for op in kept]
        assert [op.fields for op in after] == [op.fields for op in kept]
        assert [op.seq for op in after] == list(range(1, len(kept) + 1))
        assert verify(CHAIN_0, after)
        head = store.read_now(
            lambda db: (meta.number(db, "epoch"), meta.number(db, "next_seq"), meta.number(db, "acked_seq"))
        )
        assert head == (epoch, len(kept) + 1, 0)
        for seq, op in enumerate(after, 1):
            assert store.read_now(lambda db, s=seq: oplog.chain_at(db, s)) == op.chain  # type: ignore[misc]
        store.close()


@pytest.mark.parametrize(("cursor", "feed_epoch", "shown"), [(7, 5, "Newer"), (6, 5, "N"), (7, 4, "N")])
def test_of_what_the_cloud_had_before_no_echo_is_waited_for_where_its_entry_was_read(
    tmp_path: Path, cursor: int, feed_epoch: int, shown: str
) -> None:
    store, ids = open_store(tmp_path), counted_ids()
    store.write_now(lambda db: records.propose(db, moment(ids), "athlete", "a", PERSON | {"name": "N"}))

    def told(db: Connection) -> None:
        """A snapshot with somebody's later edit, and nobody here knows that it holds this hub's own."""
        doc = json.dumps(PERSON | {"name": "Newer"})
        db.execute("INSERT INTO base(tbl, pk, doc, stamps) VALUES ('athlete', 'a', ?, '{}')", (doc,))
        meta.put(db, "cursor", cursor)
        meta.put(db, "feed_epoch", 5)
        feed_head.learn(db, feed_epoch, 9)

    store.write_now(told)
    outbox = StoreOutbox(store, "boot", lambda: moment(ids), lambda anchor: None)
    answer = PushResponse(last_seq=1, results=[OpResult(seq=1, status="dup", at_seq=7)])
    asyncio.run(outbox.record_pushed(answer))
    assert store.read_now(lambda db: db.execute("SELECT name FROM athlete").fetchone()) == (shown,)
    store.close()


def _become(db: Connection, seq: int, state: str) -> None:
    if state == "forgotten":
        db.execute("DELETE FROM outbox WHERE seq = ?", (seq,))
    elif state == "echoed":
        db.execute("UPDATE outbox SET state = 'acked', echoed_at_ms = 1 WHERE seq = ?", (seq,))
    else:
        reason = "bad" if state == "dead" else None
        db.execute("UPDATE outbox SET state = ?, reason = ? WHERE seq = ?", (state, reason, seq))


def test_a_refused_edit_stays_hidden_while_it_is_sent_again(store: Database) -> None:
    ids = counted_ids()
    store.write_now(lambda db: records.propose(db, moment(ids), "athlete", "a1", PERSON))
    store.write_now(lambda db: records.propose(db, moment(ids), "athlete", "a1", {"name": "Phantom"}))
    store.write_now(lambda db: _become(db, 2, "dead"))
    store.write_now(lambda db: oplog.fork(db, 2, WALL_MS))
    assert store.read_now(lambda db: db.execute("SELECT name FROM athlete").fetchall()) == [("Ada",)]
    assert len(store.read_now(lambda db: oplog.pending(db, 1 << 20))) == 2


@pytest.mark.parametrize("told", [{1}, {3}, {5}, {2, 4}, {1, 2, 3, 4, 5}])
@pytest.mark.parametrize(
    "again",
    [lambda db: oplog.fork(db, 2, WALL_MS), lambda db: oplog.rewind(db, 0, WALL_MS)],
    ids=["fork", "rewind"],
)
def test_what_is_sent_again_has_no_hole_where_the_feed_tells_of_it_first(
    store: Database, told: set[int], again: Callable[[Connection], object]
) -> None:
    """On its first journey it reached the cloud; the log that is sent now must still hold it."""
    ids = counted_ids()
    for number in range(1, 6):
        _edit(store, ids, f"a{number}")
    store.write_now(again)
    words = [_word(seq, op) for seq, op in enumerate(_pending(store), 1) if op.seq in told]
    store.write_now(lambda db: records.apply_feed(db, words, WALL_MS))
    _edit(store, ids, "a6")

    assert [op.seq for op in _pending(store)] == [1, 2, 3, 4, 5, 6]
    assert verify(CHAIN_0, _pending(store))
    assert store.read_now(bundles.waiting).first_seq == 1
    link = StoreOutbox(store, "boot-one", lambda: moment(ids), lambda _: None)
    for last_seq, left in ((3, [4, 5, 6]), (6, [])):
        asyncio.run(link.record_pushed(PushResponse(last_seq=last_seq, results=[])))
        assert [op.seq for op in _pending(store)] == left


def _edit(store: Database, ids: Callable[[], str], pk: str) -> None:
    store.write_now(lambda db: records.propose(db, moment(ids), "athlete", pk, PERSON))


def _pending(store: Database) -> list[Op]:
    return store.read_now(lambda db: oplog.pending(db, 1 << 20))


def _word(seq: int, op: Op) -> FeedOp:
    """What the feed says of an operation, good or bad by turns."""
    if op.seq % 2:
        return feed_set(seq, op.tbl, op.pk, op.fields, stamp_ms=seq, op_id=op.op_id)
    return feed_reject(seq, op.tbl, op.pk, op.op_id, "invalid")


def test_a_suspect_goes_out_without_its_content_and_shows_no_more(store: Database) -> None:
    ids = counted_ids()
    store.write_now(lambda db: records.propose(db, moment(ids), "athlete", "a1", PERSON))
    before = store.read_now(lambda db: oplog.pending(db, 1 << 20))[0]
    store.write_now(lambda db: oplog.suspect(db, 1, "it fails", WALL_MS))
    (op,) = store.read_now(lambda db: oplog.pending(db, 1 << 20))
    assert (op.tbl, op.fields, op.chain, op.op_id) == (SUSPECT, {}, before.chain, before.op_id)
    assert store.read_now(lambda db: db.execute("SELECT count(*) FROM athlete").fetchone()) == (0,)
    store.write_now(lambda db: _become(db, 1, "dead"))
    assert store.read_now(dead_letters.waiting)[0].fields == PERSON


def test_a_refused_edit_put_away_is_not_counted_any_more(store: Database) -> None:
    ids = counted_ids()
    store.write_now(lambda db: records.propose(db, moment(ids), "athlete", "a1", PERSON))
    store.write_now(lambda db: _become(db, 1, "dead"))
    (letter,) = store.read_now(dead_letters.waiting)
    store.write_now(lambda db: dead_letters.discard(db, letter.op_id, WALL_MS))
    books = store.read_now(ledger.sync_ledger)
    assert (books.ops_dead, books.ops_pending, books.ops_accepted) == (0, 0, 0), "nor as being in the cloud"
    assert store.read_now(lambda db: oplog.chain_at(db, 1)) is not None


def test_a_refused_edit_counts_as_not_accepted_when_it_is_long_forgotten(store: Database) -> None:
    ids = counted_ids()
    for pk in ("a1", "a2", "a3"):
        store.write_now(lambda db, it=pk: records.propose(db, moment(ids), "athlete", it, PERSON))  # type: ignore[misc]
    store.write_now(lambda db: _become(db, 1, "dead"))
    for seq in (2, 3):
        store.write_now(lambda db, it=seq: _become(db, it, "acked"))  # type: ignore[misc]
    (letter,) = store.read_now(dead_letters.waiting)
    store.write_now(lambda db: dead_letters.discard(db, letter.op_id, WALL_MS))
    store.write_now(lambda db: meta.put(db, "acked_seq", 3))
    much_later_ms = WALL_MS + records.KEPT_MS + 1
    entry = feed_set(1, "athlete", "x", PERSON, stamp_ms=5)
    store.write_now(lambda db: records.apply_feed(db, [entry], much_later_ms))
    assert store.read_now(lambda db: db.execute("SELECT seq FROM outbox").fetchall()) == [(2,), (3,)]
    assert store.read_now(ledger.sync_ledger).ops_accepted == 2
    store.write_now(lambda db: oplog.fork(db, 2, WALL_MS))
    assert store.read_now(ledger.sync_ledger).ops_pending == 2
    assert store.read_now(ledger.sync_ledger).ops_accepted == 0


# --- snapshots


def page(pks: str, *, is_last: bool, at_seq: int = 40, feed_epoch: int = 3, name: str = "S") -> SnapshotPage:
    rows = [
        SnapshotRow(tbl="athlete", pk=pk, doc=PERSON | {"name": f"{name} {pk}"}, stamps={"name": 7})
        for pk in pks
    ]
    return SnapshotPage(
        feed_epoch=feed_epoch, at_seq=at_seq, epoch=1, last_seq=0, rows=rows,
        next_tbl=None if is_last else "athlete", next_pk=None if is_last else pks[-1],
    )  # fmt: skip


def names(store: Database) -> list[str]:
    return [
        row[0]
        for row in store.read_now(lambda db: db.execute("SELECT name FROM athlete ORDER BY 1").fetchall())
    ]


def take(store: Database, one: SnapshotPage) -> None:
    store.write_now(lambda db: snapshot.take_page(db, one, WALL_MS))


def test_nothing_of_a_snapshot_is_seen_before_its_last_page(store: Database) -> None:
    store.write_now(
        lambda db: records.apply_feed(db, [feed_set(1, "athlete", "z", PERSON, stamp_ms=1)], WALL_MS)
    )
    take(store, page("ab", is_last=False))
    assert names(store) == ["Ada"]
    place = store.read_now(snapshot.place)
    assert place is not None
    assert (place.at_seq, place.after_pk) == (40, "b")
    take(store, page("c", is_last=True, at_seq=99))
    assert names(store) == ["S a", "S b", "S c"]
    assert (
        store.read_now(lambda db: meta.number(db, "cursor")) == 40
    )  # the first page's: the feed goes on there
    assert store.read_now(lambda db: meta.number(db, "feed_epoch")) == 3
    assert store.read_now(snapshot.place) is None


def test_pages_of_two_feeds_are_never_mixed(store: Database) -> None:
    take(store, page("ab", is_last=False))
    take(store, page("c", is_last=True, feed_epoch=4))
    assert names(store) == []
    assert store.read_now(snapshot.place) is None
    take(store, page("de", is_last=True, feed_epoch=4))
    assert names(store) == ["S d", "S e"]


def test_own_edits_on_the_way_stay_laid_over_a_snapshot(store: Database) -> None:
    ids = counted_ids()
    store.write_now(lambda db: records.propose(db, moment(ids), "athlete", "a", {"name": "Mine"}))
    take(store, page("ab", is_last=True))
    assert names(store) == ["Mine", "S b"]
    assert len(store.read_now(lambda db: oplog.pending(db, 1 << 20))) == 1


def test_what_changed_while_pages_travelled_ends_right_through_the_feed(store: Database) -> None:
    take(store, page("a", is_last=False, name="Newer than at_seq"))
    take(store, page("b", is_last=True))
    older = feed_set(41, "athlete", "a", {"name": "Older"}, stamp_ms=5)
    store.write_now(lambda db: records.apply_feed(db, [older], WALL_MS))
    assert names(store) == ["Newer than at_seq a", "S b"]


@pytest.mark.parametrize("is_fenced", [False, True])
def test_a_stream_that_was_erased_takes_no_more_of_what_nobody_wore(store: Database, is_fenced: bool) -> None:
    one = segment(1, 1, 0)
    if is_fenced:
        store.write_now(lambda db: db.execute("INSERT INTO erased_stream VALUES (?, 1)", (one.stream_id,)))
    store.write_now(lambda db: segments.add(db, one))
    assert store.read_now(lambda db: segments.unsent_ids(db, 9)) == ([] if is_fenced else [one.seg_id])


def test_a_snapshot_under_way_is_begun_again_under_the_new_epoch(tmp_path: Path) -> None:
    store, ids = open_store(tmp_path), counted_ids()
    store.write_now(lambda db: records.propose(db, moment(ids), "athlete", "a", {**PERSON, "name": "Mine"}))
    row = SnapshotRow(tbl="athlete", pk="a", doc={**PERSON, "name": "Theirs"}, stamps={"name": 7})

    def page(epoch: int, *, is_last: bool) -> SnapshotPage:
        return SnapshotPage(
            feed_epoch=3, at_seq=40, epoch=epoch, last_seq=1, rows=[row],
            next_tbl=None if is_last else "athlete", next_pk=None if is_last else "a",
        )  # fmt: skip

    def name() -> object:
        return store.read_now(lambda db: db.execute("SELECT name FROM athlete").fetchone()[0])

    store.write_now(lambda db: snapshot.take_page(db, page(1, is_last=False), WALL_MS, ("", "")))
    store.write_now(lambda db: oplog.fork(db, 2, WALL_MS))
    assert store.read_now(snapshot.place) is None
    store.write_now(lambda db: snapshot.take_page(db, page(1, is_last=True), WALL_MS, ("athlete", "a")))
    assert name() == "Mine", "a page behind the one given up is not taken"
    store.write_now(lambda db: snapshot.take_page(db, page(2, is_last=True), WALL_MS, ("", "")))
    assert name() == "Theirs", "the cloud holds the edit, and somebody's newer one"
    store.close()


@pytest.mark.parametrize(
    ("epoch", "last_seq", "last_chain", "is_taken"),
    [(1, 1, None, True), (1, 1, "", True), (1, 0, CHAIN_0, True), (2, 1, None, False), (1, 2, None, False),
     (1, 1, "ab" * 32, False)],
)  # fmt: skip
def test_a_snapshot_beside_another_log_under_this_hubs_name_is_given_up(
    tmp_path: Path, epoch: int, last_seq: int, last_chain: str | None, is_taken: bool
) -> None:
    store, ids = open_store(tmp_path), counted_ids()
    store.write_now(lambda db: records.propose(db, moment(ids), "athlete", "a", {**PERSON, "name": "Mine"}))
    own = store.read_now(lambda db: oplog.chain_at(db, 1)) or ""
    row = SnapshotRow(tbl="athlete", pk="b", doc={**PERSON, "name": "Theirs"}, stamps={"name": 7})
    page = SnapshotPage(
        feed_epoch=3, at_seq=40, epoch=epoch, last_seq=last_seq, rows=[row],
        last_chain=own if last_chain is None else last_chain,
    )  # fmt: skip
    store.write_now(lambda db: snapshot.take_page(db, page, WALL_MS, ("", "")))
    names = store.read_now(lambda db: {it[0] for it in db.execute("SELECT name FROM athlete")})
    assert ("Theirs" in names, store.read_now(lambda db: meta.number(db, "cursor"))) == (
        is_taken,
        40 * is_taken,
    )
    assert store.read_now(snapshot.place) is None
    store.close()
