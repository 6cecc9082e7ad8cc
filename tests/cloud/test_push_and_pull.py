"""Edits arrive exactly once, in order, with stamps nobody can fake."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import msgspec
import psycopg

from cloud.clock import now_ms
from sync import wire
from sync.chain import CHAIN_0
from tests.cloud.sender import Sender

Db = psycopg.Connection[tuple[object, ...]]


def everything(db: Db) -> list[object]:
    tables = ("change_log", "row_state", "dead_letter", "segment", "club_clock")
    return [db.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in tables]


def test_a_pushed_edit_comes_back_in_the_feed_with_a_stamp(hub: Sender) -> None:
    op = hub.op("athlete", "a1", name="Ann", shirt_number=7)
    before = now_ms()
    answer = hub.push(op, is_zipped=True)
    assert answer.json() == {"last_seq": 1, "results": [{"seq": 1, "status": "ok", "code": None}]}
    pulled = hub.pull()
    assert pulled.head == 1
    entry = pulled.ops[0]
    assert (entry.seq, entry.op_id, entry.kind, entry.tbl, entry.pk) == (1, op.op_id, "set", "athlete", "a1")
    assert entry.fields == {"name": "Ann", "shirt_number": 7}
    assert entry.hub_id == hub.hub_id
    assert entry.stamp_ms <= before + 5000


def test_replaying_any_batch_changes_nothing(hub: Sender, db: Db) -> None:
    ops = [hub.op("athlete", f"a{i}", name=f"N{i}") for i in range(5)] + [hub.op("nonsense", "x", y=1)]
    assert hub.push(*ops).status_code == 200
    before = everything(db)
    for batch in (ops, ops[:1], ops[2:4], ops[5:]):
        answer = hub.push(*batch)
        assert answer.json()["last_seq"] == 6
        told = {result["seq"]: result["status"] for result in answer.json()["results"]}
        assert told == {op.seq: "dead" if op.tbl == "nonsense" else "dup" for op in batch}
    assert everything(db) == before


def test_a_gap_is_answered_409_and_what_came_before_it_is_kept(hub: Sender) -> None:
    one, _, three = (hub.op("athlete", "a", name=str(i)) for i in range(3))
    answer = hub.push(one, three)
    assert answer.status_code == 409
    problem = msgspec.json.decode(answer.content, type=wire.Problem)
    assert (problem.err, problem.last_seq) == ("gap", 1)
    assert [op.op_id for op in hub.pull().ops] == [one.op_id]


def test_the_same_op_under_a_new_number_is_taken_once(hub: Sender) -> None:
    op = hub.op("athlete", "a", name="Ann")
    hub.push(op)
    hub.epoch, hub.seq, hub.chain = 2, 0, CHAIN_0  # the hub was restored and numbers its log anew
    assert hub.hello(epoch=2).last_seq == 0
    again = msgspec.structs.replace(op, seq=1)
    hub.seq, hub.chain = 1, again.chain
    answer = hub.push(again, hub.op("athlete", "b", name="Bea"))
    assert [result["status"] for result in answer.json()["results"]] == ["dup", "ok"]
    assert [result.get("at_seq") for result in answer.json()["results"]] == [1, None]
    assert [entry.pk for entry in hub.pull().ops] == ["a", "b"]


def test_an_old_hello_never_turns_the_epoch_back(hub: Sender) -> None:
    assert hub.hello(epoch=3).epoch == 3
    assert hub.hello(epoch=2).epoch == 3
    hub.epoch = 2
    answer = hub.push(hub.op("athlete", "a", name="Ann"))
    assert (answer.status_code, answer.json()["err"]) == (409, "epoch")


def test_another_log_under_the_same_numbers_is_refused(hub: Sender, db: Db) -> None:
    hub.push(hub.op("athlete", "a", name="Ann"))
    hub.seq, hub.chain = 0, CHAIN_0
    answer = hub.push(hub.op("athlete", "b", name="clone"))
    assert (answer.status_code, answer.json()["err"]) == (409, "epoch")
    broken = msgspec.structs.replace(hub.op("athlete", "c", name="x"), seq=2, chain="11" * 32)
    assert hub.push(broken).status_code == 409
    assert db.execute("SELECT count(*) FROM change_log").fetchone() == (1,)


def test_a_refused_op_is_kept_and_told_through_the_feed(hub: Sender, db: Db) -> None:
    bad = [
        hub.op("lineup", "x", name="?"),
        hub.op("athlete", "a", hr_max_bpm="fast"),
        hub.op("insight", "i", headline="mine"),
        hub.op("athlete", "a", name="zero\0byte"),
        hub.op("athlete", "a", name="late", mono_ms=2**60),
    ]
    good = hub.op("athlete", "a", name="Ann")
    answer = hub.push(*bad, good)
    codes = [result["code"] for result in answer.json()["results"]]
    assert codes == ["unknown_table", "invalid", "read_only_table", "invalid", "invalid", None]
    feed = hub.pull().ops
    assert [(entry.kind, entry.reason) for entry in feed[:3]] == [
        ("reject", "unknown_table"),
        ("reject", "invalid"),
        ("reject", "read_only_table"),
    ]
    assert [entry.op_id for entry in feed] == [op.op_id for op in [*bad, good]]
    assert db.execute("SELECT count(*) FROM dead_letter").fetchone() == (5,)


def test_fields_nobody_knows_yet_are_kept(hub: Sender, db: Db) -> None:
    hub.push(hub.op("athlete", "a", name="Ann", favourite_drill={"name": "rondo"}))
    row = db.execute("SELECT doc FROM row_state WHERE tbl = 'athlete'").fetchone()
    assert row == ({"name": "Ann", "favourite_drill": {"name": "rondo"}},)


def test_the_newer_edit_wins_field_by_field_whoever_sends_first(
    new_hub: Callable[..., Sender], db: Db
) -> None:
    ground, office = new_hub(), new_hub()
    later, earlier = now_ms() - 1000, now_ms() - 9000
    ground.push(ground.op("athlete", "a", mono_ms=later, name="Later", shirt_number=1))
    office.push(office.op("athlete", "a", mono_ms=earlier, name="Earlier", hr_max_bpm=188))
    row = db.execute("SELECT doc FROM row_state WHERE tbl = 'athlete'").fetchone()
    assert row == ({"name": "Later", "shirt_number": 1, "hr_max_bpm": 188},)
    assert len(ground.pull().ops) == 2


def test_a_clock_in_the_future_does_not_win_for_ever(new_hub: Callable[..., Sender], db: Db) -> None:
    ahead, right = new_hub(), new_hub()
    ahead.push(ahead.op("athlete", "a", mono_ms=now_ms() + 10**10, name="From 2036"))
    stamp = ahead.pull().ops[0].stamp_ms
    assert stamp <= now_ms()
    right.push(right.op("athlete", "a", after_ms=stamp, mono_ms=1, name="Now"))
    assert db.execute("SELECT doc ->> 'name' FROM row_state").fetchone() == ("Now",)


def test_an_edit_beats_what_its_author_saw_though_the_clock_is_stuck(hub: Sender, db: Db) -> None:
    hub.push(hub.op("athlete", "a", mono_ms=now_ms(), name="Seen"))
    seen = hub.pull().ops[0].stamp_ms
    hub.push(hub.op("athlete", "a", boot_no=9, mono_ms=5, after_ms=seen, name="Corrected"))
    assert db.execute("SELECT doc ->> 'name' FROM row_state").fetchone() == ("Corrected",)


def test_a_boast_about_what_was_seen_does_not_reach_into_the_future(hub: Sender) -> None:
    hub.push(hub.op("athlete", "a", after_ms=2**50, name="Ann"))
    assert hub.pull().ops[0].stamp_ms <= now_ms() + 1


def test_an_unanchored_boot_is_bounded_by_the_anchors_before_it(hub: Sender, db: Db) -> None:
    wall = now_ms() - 100_000
    anchor = wire.Anchor(boot_no=1, mono_ms=500, wall_ms=wall, err_ms=20, source="ntp")
    ops = [
        hub.op("athlete", "a", boot_no=1, mono_ms=1500, name="x"),
        hub.op("athlete", "b", boot_no=2, mono_ms=9, name="y"),
    ]
    hub.push(*ops, anchors=[anchor])
    rows = db.execute("SELECT stamp_ms, quality FROM change_log ORDER BY seq").fetchall()
    assert rows == [(wall + 1000, 1), (wall + 1001, 0)]


def test_concurrent_pushes_of_two_hubs_give_a_dense_feed(new_hub: Callable[..., Sender]) -> None:
    hubs = [new_hub(), new_hub()]

    def run(hub: Sender) -> list[int]:
        shared = [f"shared{i}" for i in range(4)]
        return [
            hub.push(
                *(hub.op("athlete", pk, name=str(uuid.uuid4())) for pk in shared[:: 1 if turn % 2 else -1])
            ).status_code
            for turn in range(12)
        ]

    with ThreadPoolExecutor(2) as pool:
        statuses = [status for each in pool.map(run, hubs) for status in each]
    assert set(statuses) == {200}
    feed = hubs[0].pull().ops
    assert [entry.seq for entry in feed] == list(range(1, 97))
    for hub in hubs:
        stamps = [entry.stamp_ms for entry in feed if entry.hub_id == hub.hub_id]
        assert stamps == sorted(stamps)


def test_pull_gives_what_fits_and_always_one(hub: Sender) -> None:
    hub.push(*(hub.op("athlete", f"a{i}", name="x" * 300) for i in range(10)))
    seen: list[int] = []
    while True:
        page = hub.pull(after=seen[-1] if seen else 0, byte_limit=1200)
        if not page.ops:
            break
        assert 1 <= len(page.ops) <= 3
        assert page.head == 10
        seen += [entry.seq for entry in page.ops]
    assert seen == list(range(1, 11))
    assert len(hub.pull(byte_limit=1).ops) == 1


def test_each_club_has_its_own_feed(new_hub: Callable[..., Sender]) -> None:
    rovers, united = new_hub("Rovers"), new_hub("United")
    rovers.push(rovers.op("athlete", "a", name="Ann"))
    assert united.pull() == wire.PullResponse(ops=[], head=0)
    united.push(united.op("athlete", "a", name="Bea"))
    assert [entry.fields for entry in united.pull().ops] == [{"name": "Bea"}]
