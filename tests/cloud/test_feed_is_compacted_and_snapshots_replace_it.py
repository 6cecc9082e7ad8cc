"""Old feed entries go when every hub has read them; one silent for long takes a snapshot, losing nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import psycopg

from cloud.clock import now_ms
from cloud.compaction import DAY_MS, SILENT_MS, compact_all
from cloud.store.database import Database
from sync.errors import CloudUnreachable
from tests.cloud.conftest import run
from tests.cloud.pitchside import HubOn, Through, docs, same
from tests.cloud.sender import Sender

Db = psycopg.Connection[tuple[object, ...]]
Start = Callable[..., HubOn]
LATER_MS = 200 * DAY_MS


def compacted(url: str, at_ms: int) -> int:
    async def go() -> int:
        database = Database(url)
        try:
            return await compact_all(database, at_ms)
        finally:
            await database.close()

    return run(go())


def entries(db: Db) -> int:
    row = db.execute("SELECT count(*) FROM change_log").fetchone()
    assert row is not None
    return int(str(row[0]))


def heard(db: Db, hub: HubOn, at_ms: int) -> None:
    db.execute("UPDATE hub SET seen_ms = %s WHERE hub_id = %s", (at_ms, hub.hub_id))


def test_only_what_is_old_and_read_by_every_living_hub_goes(start: Start, db: Db, url: str) -> None:
    ours, theirs = start("ours"), start("theirs", "boot-b")
    for number in range(4):
        ours.athlete(f"A{number}")
    ours.sync()
    assert compacted(url, now_ms()) == 0  # read by one, and young
    assert compacted(url, now_ms() + LATER_MS // 2) == 0  # the other has not read it
    theirs.sync()
    ours.sync()
    theirs.sync()
    assert compacted(url, now_ms()) == 0
    assert compacted(url, now_ms() + LATER_MS // 2) == 4
    assert entries(db) == 0
    assert len(docs(db, "athlete")) == 4


def test_a_hub_silent_for_half_a_year_takes_a_snapshot_and_keeps_its_own_edits(
    start: Start, db: Db, url: str
) -> None:
    ours, theirs = start("ours"), start("theirs", "boot-b")
    ann, bea = ours.athlete("Ann"), ours.athlete("Bea")
    ours.sync()
    theirs.sync()
    theirs.edit("athlete", ann, shirt_number=99)  # written before the long silence, never sent
    later = now_ms() + LATER_MS
    ours.edit("athlete", ann, name="Anna")
    ours.edit("athlete", bea, name="Bella")
    ours.athlete("Cat")
    ours.sync()
    ours.sync()
    heard(db, ours, later)
    heard(db, theirs, later - SILENT_MS - 1)
    assert compacted(url, later) == 5

    theirs.edit("athlete", bea, shirt_number=55)
    theirs.sync()
    theirs.sync()
    ours.sync()

    assert same([ours, theirs])
    assert sorted(theirs.rows("SELECT name, shirt_number FROM athlete")) == [
        ("Anna", 99),
        ("Bella", 55),
        ("Cat", 7),
    ]
    assert theirs.books.pending == 0
    assert theirs.rows("SELECT count(*) FROM outbox WHERE echoed_at_ms IS NULL") == [(0,)]
    assert theirs.verify().is_equal


def test_a_new_hub_of_an_old_club_begins_with_a_snapshot(start: Start, db: Db, url: str) -> None:
    ours = start("ours")
    for number in range(12):
        ours.athlete(f"A{number}")
    ours.sync()
    ours.sync()
    heard(db, ours, now_ms() + LATER_MS)
    assert compacted(url, now_ms() + LATER_MS) == 12
    late = start("late", "boot-b")
    late.athlete("Late")
    late.sync()
    ours.sync()
    assert same([ours, late])
    assert len(late.names()) == 13


def test_a_snapshot_comes_in_pages_and_a_cut_costs_one_page(
    start: Start, db: Db, url: str, line: Through
) -> None:
    ours, theirs = start("ours"), start("theirs", "boot-b")
    theirs.sync()
    for number in range(120):
        ours.athlete(f"Athlete with quite a long name {number:03}")
    ours.sync()
    ours.sync()
    heard(db, ours, now_ms() + LATER_MS)
    heard(db, theirs, 0)
    compacted(url, now_ms() + LATER_MS)
    line.asked.clear()
    asked = 0
    for _ in range(20):
        line.most = len(line.asked) + 5
        with suppress(CloudUnreachable):
            theirs.sync()
            break
        if asked == line.asked.count("/v1/sync/snapshot"):
            continue
        asked = line.asked.count("/v1/sync/snapshot")
        assert len(theirs.names()) in (0, 120)  # all at once, or nothing yet
    line.most = None
    theirs.sync()
    assert line.asked.count("/v1/sync/snapshot") > 2
    assert same([ours, theirs])


def test_an_old_operation_sent_again_after_compaction_is_still_known(
    start: Start, db: Db, url: str, tmp_path: object
) -> None:
    hub = start("ours")
    ann = hub.athlete("Ann")
    hub.sync()
    hub.copy_card(hub.card.parent / "old")
    hub.edit("athlete", ann, name="Anna")
    hub.sync()
    hub.sync()
    heard(db, hub, now_ms() + LATER_MS)
    assert compacted(url, now_ms() + LATER_MS) == 2
    restored = start("old", "boot-two")
    restored.sync()
    assert docs(db, "athlete")[ann]["name"] == "Anna"
    assert restored.names() == ["Anna"]
    assert entries(db) == 0


def test_a_hub_of_before_gets_an_alarm_and_never_a_silent_gap(hub: Sender, db: Db, url: str) -> None:
    for number in range(3):
        hub.push(hub.op("athlete", f"a{number}", name="x"))
    db.execute("UPDATE hub SET pull_cursor = 2, seen_ms = %s", (now_ms() + LATER_MS,))
    assert compacted(url, now_ms() + LATER_MS) == 2
    assert [op.seq for op in hub.pull().ops] == [3]  # it asks without naming a feed: a hole it sees itself


def test_a_refused_edit_is_still_refused_after_a_snapshot(start: Start, db: Db, url: str) -> None:
    ours, theirs = start("ours"), start("theirs", "boot-b")
    theirs.sync()
    ours.athlete("Ann")
    theirs.edit("athlete", "bad", name="Bad", hr_max_bpm=9999, sex="F")
    ours.sync()
    ours.sync()
    heard(db, ours, now_ms() + LATER_MS)
    heard(db, theirs, 0)
    compacted(url, now_ms() + LATER_MS)
    theirs.sync()
    assert theirs.names() == ["Ann"]
    assert theirs.books.ops_dead == 1


def test_a_place_no_record_can_have_begins_a_snapshot_behind_it(hub: Sender) -> None:
    hub.push(hub.op("athlete", "a1", name="Ann"))
    headers = {"Authorization": f"Bearer {hub.token}"}
    for place in ("after_tbl=%00", "after_tbl=athlete&after_pk=a%00", "after_tbl=zz"):
        assert hub.client.get(f"/v1/sync/snapshot?{place}", headers=headers).status_code == 200
