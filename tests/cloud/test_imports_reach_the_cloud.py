"""What imports write on the hub is taken by the cloud, and what was taken back is shown no more."""

from __future__ import annotations

from collections.abc import Callable

import psycopg

from cloud.clock import now_ms
from hub.devices.exports.found import DailyValue, Person
from hub.imports.keep import keep
from hub.imports.undo import undo
from hub.store.oplog import pending as _pending
from tests.cloud.sender import Sender
from tests.imports import made

Db = psycopg.Connection[tuple[object, ...]]


def test_every_edit_of_an_import_is_taken(hub: Sender, db: Db) -> None:
    store, now = made.memory_store()
    day = DailyValue(Person("Ana"), "2026-11-01", "hrv", 50, "ms")
    first = keep(store, now, made.file("strap.fit", made.session(10, has_rr=True, distance_m=2.5)), "a1")
    keep(store, now, made.file("watch.csv", made.session(12, device="Band"), daily=[day]), "a1")
    undo(store, now, first.record.import_id)
    answer = hub.push(*_pending(store, 1 << 30))
    assert {it["status"] for it in answer.json()["results"]} == {"ok"}
    kept = db.execute("SELECT tbl, count(*) FROM row_state GROUP BY tbl").fetchall()
    assert {("source", 2), ("daily_value", 1), ("session", 1)} <= set(kept)


def test_a_removed_session_is_forgotten_and_comes_back(
    hub: Sender, db: Db, settle: Callable[[], None]
) -> None:
    ann, op = hub.add_athlete("Ann", 7)
    session_id, ops, segments = hub.record_session("Run", now_ms() - 10**7, 10, {ann: 150})
    hub.push(op, *ops)
    hub.send_segments(*segments)
    for is_removed in (False, True, False):
        hub.push(hub.op("session", session_id, mono_ms=now_ms(), is_removed=is_removed))
        settle()
        loads = db.execute("SELECT session_id FROM session_load").fetchall()
        assert loads == ([] if is_removed else [(session_id,)])


def test_a_span_made_empty_leaves_nobody_in_the_session(
    hub: Sender, db: Db, settle: Callable[[], None]
) -> None:
    ann, op = hub.add_athlete("Ann", 7)
    start = now_ms() - 10**7
    _, ops, segments = hub.record_session("Run", start, 10, {ann: 150})
    hub.push(op, *ops)
    hub.send_segments(*segments)
    hub.push(hub.op("stream_assignment", ops[1].pk, mono_ms=now_ms(), to_ms=start))
    settle()
    assert db.execute("SELECT athlete_id FROM session_load").fetchall() == []
