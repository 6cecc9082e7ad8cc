"""Dated changes of an athlete's values are records like any other, and mark what they make doubtful."""

from __future__ import annotations

from collections.abc import Callable
from sqlite3 import Connection

import pytest

from hub.errors import NotFound
from hub.store import profile_changes, session_results
from hub.store.database import Database
from hub.store.records import apply_feed, propose
from tests.store.small_store import PERSON, WALL_MS, counted_ids, feed_reject, feed_set, moment, segment

DAY_MS = 86_400_000
CHANGE: dict[str, object] = {
    "athlete_id": "ada", "valid_from": "2026-11-22", "hr_max_bpm": 201, "how": "measured", "made_at_ms": 5,
    "zones": {"unit": "bpm", "edges": [120, 150]}, "clears": ["lthr_bpm"], "made_by": "coach", "note": "test",
}  # fmt: skip


@pytest.fixture
def three_days(store: Database) -> Callable[[], str]:
    """Sessions s0, s1, s2 of Ada on 21, 22 and 23 November, none of them marked; new ids."""
    new_id = counted_ids()

    def change(db: Connection) -> None:
        propose(db, moment(new_id), "athlete", "ada", PERSON)
        for day in range(3):
            start = WALL_MS + day * DAY_MS
            fields = {
                "title": "T", "sport": "training", "started_at_ms": start, "utc_offset_s": 0, "boot_no": 0,
                "mono0_ms": start, "mono1_ms": start + 9, "ended_at_ms": start + 9, "source": "gatt",
            }  # fmt: skip
            worn = {"stream_id": f"stream{day}", "athlete_id": "ada", "session_id": f"s{day}", "from_ms": 0}
            propose(db, moment(new_id), "session", f"s{day}", fields)
            propose(db, moment(new_id), "stream_assignment", f"w{day}", worn)
        forget(db)

    store.write_now(change)
    return new_id


def forget(db: Connection) -> None:
    for mark in session_results.stale(db):
        assert session_results.clear(db, mark)


def marked(store: Database) -> dict[str, str]:
    return {it.session_id: it.why for it in store.read_now(session_results.stale)}


def test_a_change_is_shown_as_it_was_recorded(store: Database, three_days: Callable[[], str]) -> None:
    store.write_now(lambda db: propose(db, moment(three_days), "profile_change", "c1", CHANGE))
    (kept,) = store.read_now(lambda db: profile_changes.of_athlete(db, "ada"))
    assert kept.doc == {
        name: CHANGE[name] for name in ("valid_from", "hr_max_bpm", "zones", "clears", "how", "made_at_ms")
    }
    assert (kept.made_by, kept.note, kept.is_removed) == ("coach", "test", False)
    assert store.read_now(profile_changes.standing) == {"ada": [kept]}
    with pytest.raises(NotFound):
        store.read_now(lambda db: profile_changes.change(db, "c2"))


def test_a_change_marks_the_sessions_of_its_day_and_later(
    store: Database, three_days: Callable[[], str]
) -> None:
    store.write_now(lambda db: propose(db, moment(three_days), "profile_change", "c1", CHANGE))
    assert marked(store) == dict.fromkeys(("s1", "s2"), "new values from 2026-11-22")
    store.write_now(forget)
    gone = {"is_removed": True}
    store.write_now(lambda db: propose(db, moment(three_days), "profile_change", "c1", gone))
    assert marked(store) == dict.fromkeys(("s1", "s2"), "the values from 2026-11-22 were taken back")
    assert store.read_now(profile_changes.standing) == {}


def test_another_hubs_change_counts_here_too(store: Database, three_days: Callable[[], str]) -> None:
    op = feed_set(1, "profile_change", "c1", CHANGE, stamp_ms=9, hub_id="another")
    store.write_now(lambda db: apply_feed(db, [op], WALL_MS))
    assert set(marked(store)) == {"s1", "s2"}


def test_a_change_the_cloud_refused_no_longer_counts(store: Database, three_days: Callable[[], str]) -> None:
    seen: list[str] = []

    def new_id() -> str:
        seen.append(three_days())
        return seen[-1]

    store.write_now(lambda db: propose(db, moment(new_id), "profile_change", "c1", CHANGE))
    store.write_now(forget)
    op = feed_reject(1, "profile_change", "c1", seen[-1], "invalid")
    store.write_now(lambda db: apply_feed(db, [op], WALL_MS))
    assert store.read_now(profile_changes.standing) == {}
    assert marked(store) == dict.fromkeys(("s1", "s2"), "the values from 2026-11-22 were refused")


@pytest.mark.parametrize(
    ("tbl", "pk", "fields", "expected"),
    [
        ("athlete", "ada", {"name": "Ada L."}, set()),
        ("athlete", "ada", {"hr_max_bpm": 199}, {"s0", "s1", "s2"}),
        ("session", "s1", {"title": "Renamed"}, set()),
        ("session", "s1", {"mono1_ms": 1}, {"s1"}),
        ("stream_assignment", "w2", {"to_ms": 5}, {"s2"}),
        ("stream_assignment", "w2", {"session_id": "s0"}, {"s0", "s2"}),
    ],
)
def test_an_edit_marks_only_what_it_makes_doubtful(
    store: Database,
    three_days: Callable[[], str],
    tbl: str,
    pk: str,
    fields: dict[str, object],
    expected: set[str],
) -> None:
    store.write_now(lambda db: propose(db, moment(three_days), tbl, pk, fields))
    assert set(marked(store)) == expected


def test_a_late_segment_marks_the_session_it_falls_in(store: Database, three_days: Callable[[], str]) -> None:
    late = segment(1, 0, 1_000)
    worn = {"stream_id": late.stream_id}
    store.write_now(lambda db: propose(db, moment(three_days), "stream_assignment", "w1", worn))
    store.write_now(forget)
    store.write_now(
        lambda db: db.execute(
            "INSERT INTO segment(seg_id, stream_id, boot_no, mono0, mono1, n, codec, blob)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (late.seg_id, late.stream_id, 0, late.mono0_ms, late.mono1_ms, late.n, late.codec, late.payload),
        )
    )
    assert marked(store) == {"s1": "more heart rates arrived"}


def test_a_newer_reason_keeps_the_mark(store: Database, three_days: Callable[[], str]) -> None:
    store.write_now(lambda db: propose(db, moment(three_days), "profile_change", "c1", CHANGE))
    first = store.read_now(session_results.stale)[0]
    newer = {"hr_max_bpm": 202}
    store.write_now(lambda db: propose(db, moment(three_days), "profile_change", "c1", newer))
    assert store.write_now(lambda db: session_results.clear(db, first)) is False
    assert first.session_id in marked(store)
