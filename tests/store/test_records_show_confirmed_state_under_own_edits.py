"""Edits are proposals: seen here at once, queued in order, and laid over what the cloud confirmed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from sqlite3 import Connection
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import ActionRefused, NotFound
from hub.store import athletes, insights, ledger, meta, sessions, straps
from hub.store.database import Database
from hub.store.oplog import pending as _pending
from hub.store.records import apply_feed, propose, propose_many
from sync.chain import CHAIN_0, verify
from sync.wire import FeedOp
from tests.store.small_store import PERSON, WALL_MS, counted_ids, feed_reject, feed_set, moment, open_store

Edit = Callable[[str, str, dict[str, object]], str]


@pytest.fixture
def edit(store: Database) -> Edit:
    """Propose an edit; gives its op_id."""
    ids = counted_ids()

    def proposed(tbl: str, pk: str, fields: dict[str, object]) -> str:
        store.write_now(lambda db: propose(db, moment(ids), tbl, pk, fields))
        return store.read_now(lambda db: _pending(db, 1 << 20))[-1].op_id

    return proposed


def feed(store: Database, *ops: FeedOp) -> None:
    store.write_now(lambda db: apply_feed(db, list(ops), WALL_MS))


def name_of(store: Database, pk: str = "a1") -> str:
    return store.read_now(lambda db: athletes.athlete(db, pk)).name


def test_an_edit_is_seen_at_once_and_waits_in_the_outbox(store: Database, edit: Edit) -> None:
    edit("athlete", "a1", PERSON)
    ada = store.read_now(lambda db: athletes.athlete(db, "a1"))
    assert (ada.name, ada.hr_max_bpm, ada.is_active) == ("Ada", 190, True)
    assert [op.fields for op in store.read_now(lambda db: _pending(db, 1 << 20))] == [PERSON]


def test_edits_are_numbered_without_holes_and_chained(store: Database, edit: Edit) -> None:
    for number in range(20):
        edit("athlete", f"a{number}", PERSON | {"shirt_number": number})
    ops = store.read_now(lambda db: _pending(db, 1 << 20))
    assert [op.seq for op in ops] == list(range(1, 21))
    assert verify(CHAIN_0, ops)
    assert store.read_now(lambda db: meta.value(db, "chain_head")) == ops[-1].chain


def test_an_edit_carries_the_newest_stamp_its_author_had_seen(store: Database, edit: Edit) -> None:
    feed(store, feed_set(1, "athlete", "a1", PERSON, stamp_ms=777))
    edit("athlete", "a1", {"name": "Bea"})
    assert store.read_now(lambda db: _pending(db, 1 << 20))[0].after_ms == 777


def test_its_echo_takes_an_edit_off_the_outbox_and_keeps_the_value(store: Database, edit: Edit) -> None:
    op_id = edit("athlete", "a1", PERSON)
    feed(store, feed_set(1, "athlete", "a1", PERSON, stamp_ms=10, op_id=op_id))
    assert store.read_now(lambda db: _pending(db, 1 << 20)) == []
    assert name_of(store) == "Ada"


def test_own_pending_fields_lie_over_confirmed_ones_field_by_field(store: Database, edit: Edit) -> None:
    edit("athlete", "a1", {"name": "Mine"})
    feed(store, feed_set(1, "athlete", "a1", PERSON | {"name": "Office", "shirt_number": 99}, stamp_ms=10))
    found = store.read_now(lambda db: athletes.athlete(db, "a1"))
    assert (found.name, found.shirt_number) == ("Mine", 99)


def test_an_older_stamp_does_not_overwrite_a_newer_field(store: Database) -> None:
    feed(store, feed_set(1, "athlete", "a1", PERSON | {"name": "New"}, stamp_ms=20))
    feed(store, feed_set(2, "athlete", "a1", {"name": "Old", "shirt_number": 3}, stamp_ms=10))
    assert name_of(store) == "New"
    feed(store, feed_set(3, "athlete", "a1", {"name": "Tie"}, stamp_ms=20))
    assert name_of(store) == "Tie"


def test_a_rejected_edit_gives_the_confirmed_value_back(store: Database, edit: Edit) -> None:
    feed(store, feed_set(1, "athlete", "a1", PERSON, stamp_ms=10))
    op_id = edit("athlete", "a1", {"name": "Phantom"})
    assert name_of(store) == "Phantom"
    feed(store, feed_reject(2, "athlete", "a1", op_id, "hr_max_bpm"))
    assert name_of(store) == "Ada"
    assert store.read_now(ledger.sync_ledger).ops_dead == 1


def test_a_rejected_birth_takes_the_row_away(store: Database, edit: Edit) -> None:
    op_id = edit("athlete", "a1", PERSON)
    feed(store, feed_reject(1, "athlete", "a1", op_id, "bad"))
    with pytest.raises(NotFound):
        name_of(store)


def test_a_rejected_birth_with_a_later_partial_edit_leaves_no_phantom(store: Database, edit: Edit) -> None:
    born = edit("athlete", "a1", PERSON)
    edit("athlete", "a1", {"shirt_number": 8})
    feed(store, feed_reject(1, "athlete", "a1", born, "bad"))
    with pytest.raises(NotFound):
        name_of(store)


def test_a_record_is_shown_once_all_of_it_has_arrived(store: Database) -> None:
    feed(store, feed_set(1, "athlete", "a1", {"shirt_number": 9}, stamp_ms=1))
    assert store.read_now(athletes.all_athletes) == []
    feed(store, feed_set(2, "athlete", "a1", {"name": "Late"}, stamp_ms=2))
    assert [(a.name, a.shirt_number) for a in store.read_now(athletes.all_athletes)] == [("Late", 9)]


def test_tables_and_fields_of_a_newer_cloud_do_not_block_the_feed(store: Database) -> None:
    feed(
        store,
        feed_set(1, "wellness", "w1", {"mood": 3}, stamp_ms=1),
        feed_set(2, "athlete", "a1", PERSON | {"favourite_boots": ["red"]}, stamp_ms=2),
        feed_set(3, "athlete", "a2", PERSON | {"shirt_number": "seven"}, stamp_ms=3),
        feed_set(4, "athlete", "a3", PERSON, stamp_ms=4),
    )
    assert {a.athlete_id for a in store.read_now(athletes.all_athletes)} == {"a1", "a3"}


def test_an_insight_comes_down_with_its_facts(store: Database) -> None:
    fields: dict[str, object] = {
        "week_start": "2026-11-16", "headline": "A hard week", "body": "…", "facts": [["load", "420 au"]],
        "written_by": "rules",
    }  # fmt: skip
    feed(store, feed_set(1, "insight", "i1", fields, stamp_ms=1))
    (insight,) = store.read_now(insights.recent)
    assert insight.facts == (("load", "420 au"),)
    assert insight.received_at_ms == WALL_MS


def test_another_hubs_running_session_is_not_taken_for_our_own(store: Database) -> None:
    store.write_now(lambda db: meta.put(db, "hub_id", "us"))
    session: dict[str, object] = {
        "title": "Away", "sport": "match", "started_at_ms": WALL_MS, "utc_offset_s": 0, "ended_at_ms": None,
        "boot_no": 1, "mono0_ms": 5, "mono1_ms": None, "source": "gatt",
    }  # fmt: skip
    stream: dict[str, object] = {"strap_id": "A1", "boot_no": 1, "channel": "hr"}
    feed(
        store,
        feed_set(1, "session", "s1", session, stamp_ms=1, hub_id="them"),
        feed_set(2, "stream", "t1", stream, stamp_ms=1, hub_id="them"),
    )
    assert store.read_now(sessions.live) is None
    assert store.read_now(lambda db: straps.stream(db, 1, "A1")) is None
    (seen,) = store.read_now(sessions.recent)
    assert (seen.session_id, seen.hub_id, seen.title) == ("s1", "them", "Away")
    feed(store, feed_set(3, "session", "s1", {"title": "Away, late"}, stamp_ms=2))  # the office edits it
    assert store.read_now(sessions.recent)[0].hub_id == "them"
    assert store.read_now(sessions.live) is None


def test_another_hubs_session_is_not_edited_here(store: Database, edit: Edit) -> None:
    known: dict[str, object] = {
        "title": "Away", "sport": "match", "started_at_ms": WALL_MS, "utc_offset_s": 0, "ended_at_ms": 1,
        "boot_no": 1, "mono0_ms": 5, "mono1_ms": 6, "source": "gatt",
    }  # fmt: skip
    feed(store, feed_set(1, "session", "s1", known, stamp_ms=1, hub_id="them"))
    with pytest.raises(ActionRefused, match="another hub"):
        edit("session", "s1", {"title": "Ours"})
    assert store.read_now(sessions.recent)[0].title == "Away"


def test_results_are_not_asked_for_where_the_samples_are_not(store: Database) -> None:
    known: dict[str, object] = {
        "title": "Away", "sport": "match", "started_at_ms": WALL_MS, "utc_offset_s": 0, "ended_at_ms": 1,
        "boot_no": 1, "mono0_ms": 5, "mono1_ms": 6, "source": "gatt",
    }  # fmt: skip
    worn: dict[str, object] = {
        "stream_id": "t1", "athlete_id": "a1", "session_id": "s1", "from_ms": 0, "to_ms": None
    }  # fmt: skip
    feed(
        store,
        feed_set(1, "session", "s1", known, stamp_ms=1, hub_id="them"),
        feed_set(2, "stream_assignment", "w1", worn, stamp_ms=1, hub_id="them"),
    )
    assert store.read_now(lambda db: db.execute("SELECT * FROM result_stale").fetchall()) == []


def test_our_own_session_stays_ours_when_it_is_echoed(store: Database, edit: Edit) -> None:
    store.write_now(lambda db: meta.put(db, "hub_id", "us"))
    known: dict[str, object] = {
        "title": "Home", "sport": "match", "started_at_ms": WALL_MS, "utc_offset_s": 0, "ended_at_ms": None,
        "boot_no": 1, "mono0_ms": 5, "mono1_ms": None, "source": "gatt",
    }  # fmt: skip
    op_id = edit("session", "s2", known)
    feed(store, feed_set(1, "session", "s2", known, stamp_ms=1, op_id=op_id, hub_id="us"))
    ours = store.read_now(sessions.live)
    assert ours is not None
    assert (ours.session_id, ours.hub_id) == ("s2", None)


def test_what_a_restored_card_recorded_in_its_lost_days_is_not_taken_up_again(store: Database) -> None:
    store.write_now(lambda db: meta.put(db, "hub_id", "us"))
    known: dict[str, object] = {
        "title": "Lost", "sport": "match", "started_at_ms": WALL_MS, "utc_offset_s": 0, "ended_at_ms": None,
        "boot_no": 1, "mono0_ms": 5, "mono1_ms": None, "source": "gatt",
    }  # fmt: skip
    feed(store, feed_set(1, "session", "s3", known, stamp_ms=1, hub_id="us"))
    assert store.read_now(sessions.live) is None
    assert store.read_now(sessions.recent)[0].hub_id == "us"


def dump(db: Connection) -> list[tuple[object, ...]]:
    tables = ("base", "outbox", "athlete", "meta")
    return [row for table in tables for row in db.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()]


NAMES = st.fixed_dictionaries(
    {}, optional={"name": st.sampled_from("ABC"), "shirt_number": st.integers(1, 9), "sex": st.just("F")}
)
OPS = st.lists(
    st.tuples(st.sampled_from(["set", "reject"]), st.integers(1, 3), NAMES, st.integers(1, 5)),
    min_size=1,
    max_size=8,
)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 3), NAMES), max_size=5), OPS)
def test_applying_any_batch_twice_changes_nothing(
    own: list[tuple[int, dict[str, object]]], batch: list[tuple[str, int, dict[str, object], int]]
) -> None:
    with TemporaryDirectory() as folder:
        store, ids = open_store(Path(folder)), counted_ids()
        for number, fields in own:
            store.write_now(
                lambda db, n=number, f=fields: propose(db, moment(ids), "athlete", f"a{n}", f)  # type: ignore[misc]
            )
        mine = {op.pk: op.op_id for op in store.read_now(lambda db: _pending(db, 1 << 20))}
        ops = [
            feed_set(seq, "athlete", f"a{n}", fields, stamp_ms=stamp, op_id=mine.get(f"a{n}", ""))
            if kind == "set"
            else feed_reject(seq, "athlete", f"a{n}", mine.get(f"a{n}", "none"), "no")
            for seq, (kind, n, fields, stamp) in enumerate(batch, 1)
        ]
        feed(store, *ops)
        once = store.read_now(dump)
        feed(store, *ops)
        assert store.read_now(dump) == once
        store.close()


def test_the_typed_tables_refuse_what_is_not_of_their_type(store: Database) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        store.write_now(
            lambda db: db.execute(
                "INSERT INTO athlete(athlete_id, name, shirt_number) VALUES ('a', 'b', 'c')"
            )
        )


def test_many_edits_at_once_are_what_they_would_be_one_by_one(tmp_path: Path) -> None:
    edits = {f"a{n}": PERSON | {"shirt_number": n} for n in range(30)}
    seen = []
    for is_many in (False, True):
        database = open_store(tmp_path / str(is_many))
        ids = counted_ids()

        def change(db: Connection, is_many: bool = is_many, ids: Callable[[], str] = ids) -> None:
            apply_feed(db, [feed_set(1, "athlete", "a3", PERSON | {"name": "Cloud"}, stamp_ms=9)], WALL_MS)
            propose(db, moment(ids), "athlete", "a4", PERSON)
            if is_many:
                propose_many(db, moment(ids), "athlete", edits)
            else:
                for pk, fields in edits.items():
                    propose(db, moment(ids), "athlete", pk, fields)

        database.write_now(change)
        ops = database.read_now(lambda db: _pending(db, 1 << 20))
        assert verify(CHAIN_0, ops)
        seen.append((ops, database.read_now(athletes.all_athletes)))
        database.close()
    assert seen[0] == seen[1]
    assert len(seen[0][1]) == 30
