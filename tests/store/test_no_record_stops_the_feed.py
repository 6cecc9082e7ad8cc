"""A record that cannot be shown is kept, named and tried again; it overrides nothing and stops no feed."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from hub.errors import ActionRefused
from hub.store import athletes, ledger, not_shown, records, shown_rows, snapshot
from hub.store.database import Database
from hub.store.field_limits import unsendable
from hub.store.ledger_kinds import kind_lines
from hub.store.records import apply_feed, catch_up, propose
from hub.syncing.words import reasons
from sync.bounds import MOST_OP_BYTES
from sync.wire import FeedOp, SnapshotPage, SnapshotRow
from tests.store import small_store
from tests.store.small_store import PERSON, WALL_MS, counted_ids, feed_reject, moment

ODD: dict[str, Any] = {
    "a number beyond what the store holds": {"hr_max_bpm": 10**25},
    "a text for a number": {"hr_max_bpm": "fast"},
    "nothing where something must be": {"name": None},
    "half a character": {"name": "\ud800"},
}


def feed_set(seq: int, tbl: str, pk: str, fields: dict[str, Any]) -> FeedOp:
    return small_store.feed_set(seq, tbl, pk, fields, stamp_ms=seq)


def feed(store: Database, *ops: FeedOp) -> None:
    store.write_now(lambda db: apply_feed(db, list(ops), WALL_MS))


def names(store: Database) -> dict[str, str]:
    return dict(store.read_now(lambda db: db.execute("SELECT athlete_id, name FROM athlete").fetchall()))


def unlike(store: Database) -> list[tuple[str, str]]:
    return [(it.pk, it.how) for it in store.read_now(shown_rows.unlike)]


@pytest.mark.parametrize("fields", ODD.values(), ids=ODD.keys())
def test_an_entry_that_cannot_be_shown_is_kept_and_the_next_one_applied(
    store: Database, fields: dict[str, Any]
) -> None:
    feed(store, feed_set(1, "athlete", "a1", PERSON))
    feed(store, feed_set(2, "athlete", "a1", fields), feed_set(3, "athlete", "a2", PERSON | {"name": "Bea"}))

    assert names(store) == {"a1": "Ada", "a2": "Bea"}
    assert store.read_now(lambda db: records.shown(db, "athlete", "a1")) == PERSON | fields
    assert store.read_now(not_shown.keys) == [("athlete", "a1")]
    [(pk, how)] = unlike(store)
    assert (pk, how[:15]) == ("a1", "not shown here:")


def test_what_cannot_be_shown_is_counted_and_said(store: Database) -> None:
    feed(store, feed_set(1, "athlete", "a1", PERSON), feed_set(2, "athlete", "a1", {"hr_max_bpm": "fast"}))
    books = store.read_now(ledger.sync_ledger)
    assert books.not_shown == 1
    assert [it.not_shown for it in store.read_now(kind_lines)] == [1]
    store.write_now(lambda db: db.execute("INSERT INTO meta VALUES ('hub_id', 'h')"))
    said = reasons(store.read_now(ledger.sync_ledger), None, {}, None, WALL_MS)
    [words] = [it for it in said if "cannot be shown" in it.why]
    assert words.why.startswith("1 record cannot be shown on this hub: cannot store TEXT")
    assert "tries again at every start" in words.next


def test_it_is_tried_again_at_every_start_and_with_every_later_entry(store: Database) -> None:
    for seq, pk in ((1, "a1"), (3, "a2")):
        feed(store, feed_set(seq, "athlete", pk, PERSON), feed_set(seq + 1, "athlete", pk, {"sex": None}))
    feed(store, feed_set(5, "athlete", "a1", {"sex": "M"}))
    assert store.read_now(not_shown.keys) == [("athlete", "a2")]
    store.write_now(lambda db: catch_up(db, WALL_MS))
    assert store.read_now(not_shown.keys) == [("athlete", "a2")]

    heal = "UPDATE base SET doc = json_set(doc, '$.sex', 'U') WHERE pk = 'a2'"  # as a newer version reads it
    store.write_now(lambda db: db.execute(heal))
    store.write_now(lambda db: catch_up(db, WALL_MS))
    assert store.read_now(not_shown.keys) == []
    assert unlike(store) == []


def test_no_field_overrides_the_key_or_a_column_of_the_hubs_own(store: Database) -> None:
    feed(
        store,
        feed_set(1, "athlete", "a1", PERSON),
        feed_set(2, "athlete", "x1", PERSON | {"athlete_id": "a1", "name": "Mallory"}),
        feed_set(3, "athlete", "a1", {"athlete_id": None, "hub_id": "mine"}),
    )
    assert names(store) == {"a1": "Ada", "x1": "Mallory"}
    assert unlike(store) == []


def test_a_snapshots_record_that_cannot_be_shown_stops_no_other(store: Database) -> None:
    rows = [("a1", PERSON), ("a2", PERSON | {"shirt_number": 10**25}), ("a3", PERSON | {"athlete_id": "a1"})]
    page = SnapshotPage(
        feed_epoch=1, at_seq=9, epoch=1, last_seq=0,
        rows=[SnapshotRow(tbl="athlete", pk=pk, doc=doc, stamps=dict.fromkeys(doc, 5)) for pk, doc in rows],
    )  # fmt: skip
    assert store.write_now(lambda db: snapshot.take_page(db, page, WALL_MS))
    assert sorted(names(store)) == ["a1", "a3"]
    assert store.read_now(not_shown.keys) == [("athlete", "a2")]


@pytest.mark.parametrize("code", [sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY])
def test_trouble_with_the_disk_is_no_records_fault(
    store: Database, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def full(*_: object) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = code
        raise error

    monkeypatch.setattr(records, "_put", full)
    with pytest.raises(Exception, match=r"disk|store|room"):
        feed(store, feed_set(1, "athlete", "a1", PERSON))
    assert store.read_now(not_shown.keys) == []


def test_a_refused_value_leaves_the_page_when_nothing_stood_before_it(store: Database) -> None:
    feed(store, feed_set(1, "athlete", "a1", {"name": "Ada", "sex": "F"}))
    store.write_now(lambda db: propose(db, moment(counted_ids()), "athlete", "a1", {"hr_max_bpm": 188}))
    op_id = store.read_now(lambda db: db.execute("SELECT op_id FROM outbox").fetchone()[0])
    assert unlike(store) == []
    feed(store, feed_reject(2, "athlete", "a1", op_id, "invalid"))
    assert store.read_now(lambda db: athletes.athlete(db, "a1")).hr_max_bpm is None
    assert unlike(store) == []


TAMPERED: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "changed": ("UPDATE athlete SET name = 'Eve' WHERE athlete_id = 'a1'", [("a1", shown_rows.OTHERWISE)]),
    "untold": ("UPDATE athlete SET hr_rest_bpm = 40 WHERE athlete_id = 'a2'", [("a2", shown_rows.OTHERWISE)]),
    "gone": ("DELETE FROM athlete WHERE athlete_id = 'a1'", [("a1", shown_rows.MISSING)]),
    "made up": (
        "INSERT INTO athlete(athlete_id, name) VALUES ('z', 'Zoe')", [("z", shown_rows.PHANTOM)]
    ),
}  # fmt: skip


@pytest.mark.parametrize(("sql", "found"), TAMPERED.values(), ids=TAMPERED.keys())
def test_pages_that_show_something_else_are_found_out_and_mended(
    store: Database, sql: str, found: list[tuple[str, str]]
) -> None:
    feed(store, feed_set(1, "athlete", "a1", PERSON), feed_set(2, "athlete", "a2", {"name": "Bea"}))
    store.write_now(lambda db: propose(db, moment(counted_ids()), "athlete", "a2", {"shirt_number": 9}))
    assert unlike(store) == []
    store.write_now(lambda db: db.execute(sql))
    assert unlike(store) == found
    store.write_now(lambda db: records.show(db, "athlete", found[0][0], WALL_MS))
    assert unlike(store) == []


UNSENDABLE: dict[str, tuple[dict[str, Any], str]] = {
    "a number too large": ({"hr_max_bpm": 10**25}, "hr_max_bpm holds a number beyond 64 bits"),
    "no number": ({"hr_max_bpm": float("inf")}, "hr_max_bpm holds a number that is not finite"),
    "half a character": ({"laps": ["\ud800"]}, "laps holds half a character"),
    "another's key": ({"athlete_id": "a2"}, "it sets athlete_id"),
    "too much": ({"name": "Ada", "note": "x" * MOST_OP_BYTES}, "1.0 MB, most of it in note"),
}


@pytest.mark.parametrize(("fields", "said"), UNSENDABLE.values(), ids=UNSENDABLE.keys())
def test_an_edit_that_could_never_be_sent_is_refused_where_it_is_made(
    store: Database, fields: dict[str, Any], said: str
) -> None:
    with pytest.raises(ActionRefused, match=said) as caught:
        store.write_now(lambda db: propose(db, moment(counted_ids()), "athlete", "a1", fields))
    assert caught.value.hint
    assert store.read_now(ledger.sync_ledger).ops_pending == 0
    assert said == "it sets athlete_id" or unsendable(fields) is not None
