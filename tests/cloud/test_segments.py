"""Samples arrive whole, once, and become loads."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable

import psycopg
import pytest

from cloud.clock import now_ms
from hub.analytics.load import session_load
from hub.analytics.profile import HeartProfile, Sex
from sync import wire
from sync.segments import frame, seal
from tests.cloud.sender import Sender, steady

Db = psycopg.Connection[tuple[object, ...]]


def test_what_is_missing_is_asked_for_sent_and_stored_once(hub: Sender, db: Db) -> None:
    one, two = (seal(str(uuid.uuid4()), 1, steady(140, 300)) for _ in range(2))
    ids = [one.seg_id.hex(), two.seg_id.hex()]
    assert hub.say("/v1/seg/have", wire.HaveRequest(ids=ids)).json() == {"missing": ids}
    assert hub.send_segments(one).stored == ids[:1]
    assert hub.say("/v1/seg/have", wire.HaveRequest(ids=ids)).json() == {"missing": ids[1:]}
    before = db.execute("SELECT * FROM segment").fetchall()
    assert hub.send_segments(one, one).stored == ids[:1]
    assert db.execute("SELECT * FROM segment").fetchall() == before


def test_a_damaged_segment_is_refused_and_the_others_are_kept(hub: Sender) -> None:
    good, bad, lied = (seal(str(uuid.uuid4()), 1, steady(140, 60)) for _ in range(3))
    bad = dataclasses.replace(bad, payload=bad.payload[:-9] + bytes(9))
    lied = dataclasses.replace(lied, n=61)
    answer = hub.send_segments(bad, good, lied)
    assert answer.stored == [good.seg_id.hex()]
    assert answer.rejected == [
        wire.SegmentRejected(id=bad.seg_id.hex(), code="corrupt"),
        wire.SegmentRejected(id=lied.seg_id.hex(), code="corrupt"),
    ]


def test_frames_cut_off_in_the_middle_store_nothing(hub: Sender, db: Db) -> None:
    body = frame(seal(str(uuid.uuid4()), 1, steady(140, 60)))
    answer = hub.post("/v1/seg", body[:-5], content_type="application/octet-stream")
    assert (answer.status_code, answer.json()["err_class"]) == (400, "permanent")
    assert db.execute("SELECT count(*) FROM segment").fetchone() == (0,)


def test_another_clubs_segments_are_not_held_here(new_hub: Callable[..., Sender]) -> None:
    rovers, united = new_hub("Rovers"), new_hub("United")
    segment = seal(str(uuid.uuid4()), 1, steady(140, 60))
    rovers.send_segments(segment)
    ids = [segment.seg_id.hex()]
    assert united.say("/v1/seg/have", wire.HaveRequest(ids=ids)).json() == {"missing": ids}
    assert united.send_segments(segment).stored == ids


def test_a_sessions_loads_are_those_of_the_one_formula(
    hub: Sender, db: Db, settle: Callable[[], None]
) -> None:
    start = now_ms() - 10**7
    ann, op = hub.add_athlete("Ann", 7)
    session_id, ops, segments = hub.record_session("Run", start, 20, {ann: 150})
    hub.push(op, *ops)
    hub.send_segments(*segments)
    settle()
    samples = steady(150, 1200, from_ms=start)
    profile = HeartProfile(Sex.FEMALE, 190, 55)
    expected = session_load(samples.mono_ms, samples.bpm, profile, start, start + 1_200_000)
    row = db.execute("SELECT session_id, athlete_id, banister_au, coverage, n FROM session_load").fetchone()
    assert row == (session_id, ann, expected.banister_au, expected.coverage, 1200)
    assert expected.banister_au is not None
    assert expected.banister_au > 20


@pytest.mark.parametrize("order", ["segments last", "segments first"])
def test_the_order_in_which_things_arrive_does_not_matter(
    hub: Sender, db: Db, settle: Callable[[], None], order: str
) -> None:
    ann, op = hub.add_athlete("Ann", 7)
    _, ops, segments = hub.record_session("Run", now_ms() - 10**7, 10, {ann: 150})
    steps: list[Callable[[], object]] = [lambda: hub.push(op, *ops), lambda: hub.send_segments(*segments)]
    for step in steps if order == "segments last" else reversed(steps):
        step()
        settle()
    assert db.execute("SELECT n FROM session_load").fetchall() == [(600,)]
    assert db.execute("SELECT count(*) FROM session_stale").fetchone() == (0,)


def test_a_corrected_strap_or_profile_changes_the_loads(
    hub: Sender, db: Db, settle: Callable[[], None]
) -> None:
    (ann, first), (bea, second) = hub.add_athlete("Ann", 7), hub.add_athlete("Bea", 8)
    _, ops, segments = hub.record_session("Run", now_ms() - 10**7, 10, {ann: 150})
    hub.push(first, second, *ops)
    hub.send_segments(*segments)
    settle()
    assignment = ops[1].pk
    hub.push(hub.op("stream_assignment", assignment, mono_ms=now_ms(), athlete_id=bea))
    settle()
    assert db.execute("SELECT athlete_id, n FROM session_load").fetchall() == [(bea, 600)]
    before = db.execute("SELECT banister_au FROM session_load").fetchone()
    hub.push(hub.op("athlete", bea, mono_ms=now_ms(), hr_max_bpm=170))
    settle()
    assert db.execute("SELECT banister_au FROM session_load").fetchone() != before


def test_a_mark_set_during_the_computing_is_not_lost(hub: Sender, db: Db) -> None:
    ann, op = hub.add_athlete("Ann", 7)
    session_id, ops, _ = hub.record_session("Run", now_ms() - 10**7, 10, {ann: 150})
    hub.push(op, *ops)
    mark = db.execute("SELECT mark FROM session_stale").fetchone()
    hub.push(hub.op("session", session_id, mono_ms=now_ms(), title="Renamed"))
    assert mark == (1,)
    assert db.execute("SELECT mark FROM session_stale").fetchone() == (2,)
    clear = "DELETE FROM session_stale WHERE mark = 1"
    assert db.execute(clear).rowcount == 0


def test_the_running_service_computes_by_itself(hub: Sender, db: Db) -> None:
    ann, op = hub.add_athlete("Ann", 7)
    _, ops, segments = hub.record_session("Run", now_ms() - 10**7, 10, {ann: 150})
    hub.push(op, *ops)
    hub.send_segments(*segments)
    deadline = now_ms() + 10_000
    while now_ms() < deadline and db.execute("SELECT n FROM session_load WHERE n > 0").fetchone() is None:
        pass
    assert db.execute("SELECT n FROM session_load").fetchall() == [(600,)]
