"""The ledger's lines are right at once after every change, also those remembered between readings."""

from __future__ import annotations

from hub.store import refused_segments, segments
from hub.store.database import Database
from hub.store.ledger_kinds import KindCounts, kind_lines
from hub.store.records import apply_feed, propose
from sync.wire import FeedOp
from tests.cloud.pitchside import steady
from tests.store.small_store import PERSON, counted_ids, moment

WALL_MS = 1_795_276_000_000
STREAM = "5e551011-0000-4000-8000-000000000001"


def test_remembered_counts_follow_edits_echoes_refusals_and_segments(store: Database) -> None:
    counts, ids = KindCounts(), counted_ids()

    def line(name: str) -> tuple[int, int, int, int]:
        lines = store.read_now(counts.lines)
        assert lines == store.read_now(kind_lines), "as if counted now"
        found = next((it for it in lines if it.name == name), None)
        return (found.have, found.pending, found.stored, found.refused_n) if found else (0, 0, 0, 0)

    def entry(seq: int, pk: str) -> FeedOp:
        return FeedOp(seq=seq, op_id=f"o{seq}", kind="set", tbl="athlete", pk=pk, fields=PERSON, stamp_ms=seq)

    def confirm(seq: int, pk: str) -> None:
        def change(db) -> None:  # type: ignore[no-untyped-def]
            apply_feed(db, [entry(seq, pk)], WALL_MS)
            db.execute("UPDATE meta SET v = ? WHERE k = 'cursor'", (str(seq),))
            db.execute("UPDATE outbox SET state = 'acked' WHERE pk = ?", (pk,))

        store.write_now(change)

    people = "Athletes and their values"
    assert line(people) == (0, 0, 0, 0)
    store.write_now(lambda db: propose(db, moment(ids), "athlete", "a", PERSON))
    store.write_now(lambda db: propose(db, moment(ids), "athlete", "a", {"hr_max_bpm": 190}))
    assert line(people) == (1, 2, 0, 0)
    confirm(1, "a")
    assert line(people) == (1, 0, 1, 0)
    confirm(2, "b")
    store.write_now(lambda db: propose(db, moment(ids), "athlete", "b", {"hr_max_bpm": 900}))
    assert line(people) == (2, 1, 2, 0)
    store.write_now(
        lambda db: db.execute("UPDATE outbox SET state = 'dead', reason = 'invalid' WHERE pk = 'b'")
    )
    assert line(people) == (2, 0, 2, 1)

    first, second = (steady(STREAM, 1, 140, at, 60) for at in (0, 60))
    store.write_now(lambda db: segments.add(db, first))
    assert line("Heart-rate recordings") == (1, 1, 0, 0)
    store.write_now(lambda db: segments.mark_stored(db, [first.seg_id]))
    assert line("Heart-rate recordings") == (1, 0, 1, 0)
    store.write_now(lambda db: segments.add(db, second))
    store.write_now(lambda db: refused_segments.record(db, {second.seg_id: "corrupt"}, WALL_MS))
    assert line("Heart-rate recordings") == (2, 0, 1, 1)
    store.write_now(lambda db: refused_segments.put_away(db, [second.seg_id], WALL_MS))
    assert line("Heart-rate recordings") == (2, 0, 1, 0)
    store.write_now(lambda db: refused_segments.try_again(db, [second.seg_id]))
    assert line("Heart-rate recordings") == (2, 1, 1, 0)
