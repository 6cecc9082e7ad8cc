"""The store's outbox keeps every promise of the relay's seam, over the real database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from hub.store import athletes, boots, ledger, records, segments
from hub.store.database import Database
from hub.store.outbox import LOG_LINES, StoreOutbox
from hub.store.records import propose
from sync.outbox import Outbox
from sync.wire import Anchor, OpResult, PushResponse
from tests.store.small_store import PERSON, anchor, counted_ids, feed_set, moment, open_store, segment


class Desk:
    """An outbox, the ids its edits take, and the anchors it handed on."""

    def __init__(self, store: Database) -> None:
        self.store, self.ids = store, counted_ids()
        self.learnt: list[Anchor] = []
        self.outbox = StoreOutbox(store, "boot-one", lambda: moment(self.ids), self.learnt.append)
        self.as_the_relay_sees_it: Outbox = self.outbox

    def edit(self, count: int, pk: str = "") -> None:
        for _ in range(count):
            key = pk or self.ids()
            self.store.write_now(lambda db, k=key: propose(db, moment(self.ids), "athlete", k, PERSON))  # type: ignore[misc]

    def pending(self, limit_bytes: int = 1 << 20) -> list[int]:
        return [op.seq for op in asyncio.run(self.outbox.pending_ops(limit_bytes))]

    def pushed(self, last_seq: int, *results: OpResult) -> None:
        asyncio.run(self.outbox.record_pushed(PushResponse(last_seq=last_seq, results=list(results))))


@pytest.fixture
def desk(store: Database) -> Desk:
    return Desk(store)


def test_a_new_hub_stands_at_nothing_sent_and_no_feed_learnt(desk: Desk) -> None:
    standing = asyncio.run(desk.outbox.standing())
    assert (standing.head_seq, standing.acked_seq, standing.cursor, standing.feed_epoch) == (0, 0, 0, 0)
    assert (standing.epoch, standing.boot_no, standing.boot_id) == (1, 1, "boot-one")


def test_a_batch_holds_at_least_one_operation_and_about_what_was_asked(desk: Desk) -> None:
    desk.edit(10)
    assert desk.pending(1) == [1]
    assert 1 < len(desk.pending(1_500)) < 10
    assert desk.pending() == list(range(1, 11))


def test_what_was_pushed_is_not_pending_and_stays_until_its_echo(desk: Desk) -> None:
    desk.edit(3)
    desk.pushed(2)
    assert desk.pending() == [3]
    standing = desk.store.read_now(ledger.sync_ledger)
    assert (standing.ops_pending, standing.ops_accepted, standing.accepted_through) == (1, 2, 2)


def test_an_old_answer_does_not_take_the_acknowledgement_back(desk: Desk) -> None:
    desk.edit(3)
    desk.pushed(3)
    desk.pushed(1)
    assert asyncio.run(desk.outbox.standing()).acked_seq == 3


def test_rewinding_makes_everything_after_pending_again(desk: Desk) -> None:
    desk.edit(5)
    desk.pushed(5)
    assert asyncio.run(desk.outbox.rewind(2))
    assert desk.pending() == [3, 4, 5]
    assert asyncio.run(desk.outbox.standing()).acked_seq == 2


def test_a_rewound_log_has_no_hole_where_an_operation_had_been_rejected(desk: Desk) -> None:
    desk.edit(3)
    desk.pushed(3, OpResult(seq=2, status="dead", code="bad"))
    assert desk.store.read_now(ledger.sync_ledger).ops_dead == 1
    assert asyncio.run(desk.outbox.rewind(1))
    assert desk.pending() == [2, 3]


def test_rewinding_goes_back_past_echoed_operations_as_long_as_they_are_kept(desk: Desk) -> None:
    desk.edit(3)
    desk.pushed(3)
    (first,) = desk.store.read_now(
        lambda db: db.execute("SELECT op_id, pk FROM outbox WHERE seq = 1").fetchall()
    )
    echo = feed_set(1, "athlete", first[1], PERSON, stamp_ms=5, op_id=first[0])
    asyncio.run(desk.outbox.apply_feed([echo], 1))
    assert not asyncio.run(desk.outbox.rewind(9))
    assert desk.pending() == []
    assert asyncio.run(desk.outbox.rewind(0))
    assert desk.pending() == [1, 2, 3]


def test_rewinding_past_what_was_forgotten_is_refused_and_changes_nothing(desk: Desk) -> None:
    desk.edit(3)
    desk.pushed(3)
    month_ago = moment(desk.ids).wall_ms - 31 * 86_400_000
    desk.store.write_now(lambda db: db.execute("UPDATE outbox SET echoed_at_ms = ?", (month_ago,)))
    asyncio.run(desk.outbox.apply_feed([feed_set(1, "athlete", "b", PERSON, stamp_ms=5)], 1))
    kept = desk.store.read_now(lambda db: db.execute("SELECT seq FROM outbox").fetchall())
    assert kept == [(3,)]  # its chain proves for ever that this log is this log
    assert not asyncio.run(desk.outbox.rewind(1))
    assert desk.pending() == []


def test_a_clock_that_jumps_ahead_throws_no_operations_away(desk: Desk) -> None:
    desk.edit(3)
    desk.pushed(3)
    now_ms = moment(desk.ids).wall_ms
    asyncio.run(desk.outbox.record_contact(now_ms, 20, 1_000))
    rows = desk.store.read_now(lambda db: db.execute("SELECT op_id, pk FROM outbox ORDER BY seq").fetchall())
    for number, (op_id, pk) in enumerate(rows, start=1):
        echo = feed_set(number, "athlete", pk, PERSON, stamp_ms=5, op_id=op_id)
        desk.store.write_now(lambda db, it=echo: records.apply_feed(db, [it], now_ms))  # type: ignore[misc]
    year_on = now_ms + 365 * 86_400_000
    late = feed_set(4, "athlete", "b", PERSON, stamp_ms=6)
    desk.store.write_now(lambda db: records.apply_feed(db, [late], year_on))
    assert asyncio.run(desk.outbox.rewind(0))
    assert desk.pending() == [1, 2, 3]


def test_the_cursor_moves_with_the_feed_and_never_back(desk: Desk) -> None:
    ops = [feed_set(n, "athlete", f"a{n}", PERSON | {"name": f"N{n}"}, stamp_ms=n) for n in (1, 2, 3)]
    asyncio.run(desk.outbox.apply_feed(ops, 3))
    newer = feed_set(4, "athlete", "a1", {"name": "Newest"}, stamp_ms=1)
    asyncio.run(desk.outbox.apply_feed([newer], 4))
    asyncio.run(desk.outbox.apply_feed(ops, 4))
    assert asyncio.run(desk.outbox.standing()).cursor == 4
    assert desk.store.read_now(lambda db: athletes.athlete(db, "a1")).name == "Newest"


def test_segments_of_the_newest_boot_go_first_and_files_last(desk: Desk) -> None:
    by_age = [
        segment(1, 2, 9_000),
        segment(1, 2, 100),
        segment(2, 1, 8_000_000),
        segment(3, 0, 1_795_000_000_000),
    ]
    for one in reversed(by_age):
        desk.store.write_now(lambda db, s=one: segments.add(db, s))  # type: ignore[misc]
    wanted = [s.seg_id for s in by_age]
    assert asyncio.run(desk.outbox.unsent_segment_ids(10)) == wanted
    assert asyncio.run(desk.outbox.unsent_segment_ids(2)) == wanted[:2]
    asyncio.run(desk.outbox.record_stored(wanted[:3]))
    assert asyncio.run(desk.outbox.unsent_segment_ids(10)) == wanted[3:]
    standing = desk.store.read_now(ledger.sync_ledger)
    assert (standing.segments_pending, standing.segments_stored, standing.pending) == (1, 3, 1)


def test_segments_come_back_in_the_order_asked_without_the_unknown(desk: Desk) -> None:
    two = [segment(1, 1, 0), segment(1, 1, 5_000)]
    for one in [*two, two[0]]:
        desk.store.write_now(lambda db, s=one: segments.add(db, s))  # type: ignore[misc]
    asked = [two[1].seg_id, bytes(32), two[0].seg_id]
    assert asyncio.run(desk.outbox.segments(asked)) == [two[1], two[0]]


def test_contact_with_the_cloud_teaches_the_time_and_keeps_the_surest(desk: Desk) -> None:
    asyncio.run(desk.outbox.record_contact(5_000_000, 400, 1_000))
    asyncio.run(desk.outbox.record_contact(5_001_000, 900, 2_000))
    asyncio.run(desk.outbox.record_contact(5_002_000, 20, 3_000))
    assert [a.err_ms for a in desk.learnt] == [200, 450, 10]
    kept = asyncio.run(desk.outbox.anchors())
    assert sorted(a.mono_ms for a in kept) == [1_000, 3_000]
    best = desk.store.read_now(lambda db: boots.best_anchor(db, 1))
    assert best == anchor(1, 3_000, 5_002_000, err_ms=10)
    assert desk.store.read_now(ledger.sync_ledger).last_contact_ms is not None


def test_the_diary_keeps_its_last_lines(desk: Desk) -> None:
    async def chatter() -> None:
        for number in range(LOG_LINES + 5):
            await desk.outbox.note("sync", str(number))

    asyncio.run(chatter())
    rows = desk.store.read_now(lambda db: db.execute("SELECT outcome FROM sync_log ORDER BY id").fetchall())
    assert [rows[0][0], rows[-1][0], len(rows)] == ["5", str(LOG_LINES + 4), LOG_LINES]


@pytest.mark.parametrize(
    ("from_boot", "to_boot", "expected"), [(1, 1, 0), (1, 2, -1_000_000), (2, 1, 1_000_000), (1, 9, 0)]
)
def test_a_moment_moves_between_boots_by_their_anchors(
    store: Database, from_boot: int, to_boot: int, expected: int
) -> None:
    facts = [anchor(1, 2_000_000, 50_000_000), anchor(2, 500_000, 49_500_000)]
    store.write_now(lambda db: db.execute("INSERT INTO boot VALUES (2, 'boot-two')"))
    for fact in facts:
        store.write_now(lambda db, f=fact: boots.add_anchor(db, f))  # type: ignore[misc]
    assert store.read_now(lambda db: boots.shift_ms(db, from_boot, to_boot)) == expected


def test_a_boot_keeps_its_number(store: Database) -> None:
    def numbered(boot_id: str) -> int:
        register: Callable[..., int] = boots.register
        return store.write_now(lambda db: register(db, boot_id))

    first, second, again, third = [numbered(b) for b in ("boot-one", "boot-two", "boot-one", "boot-three")]
    assert (first, again) == (1, 1)
    assert first < second < third == store.read_now(boots.newest)


def test_two_copies_of_a_card_go_on_with_different_boot_numbers(tmp_path: Path) -> None:
    def next_boot(folder: str, boot_id: str) -> int:
        store = open_store(tmp_path / folder)
        try:
            return store.write_now(lambda db: boots.register(db, boot_id))
        finally:
            store.close()

    assert next_boot("card", "ground-a") != next_boot("copy", "ground-b")


def test_a_verified_anchor_beats_the_system_clock_whatever_its_error(store: Database) -> None:
    store.write_now(lambda db: boots.add_anchor(db, anchor(1, 1, 10, err_ms=1, source="system")))
    store.write_now(lambda db: boots.add_anchor(db, anchor(1, 2, 20, err_ms=900, source="ntp")))
    best = store.read_now(lambda db: boots.best_anchor(db, 1))
    assert best is not None
    assert best.source == "ntp"
    assert [a.source for a in store.read_now(boots.verified_anchors)] == ["ntp"]
