"""Erasing an athlete: gone in the cloud and on every hub, and never back, with a receipt from each hub."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cloud import edits, erasure, hubs
from cloud.clock import now_ms
from cloud.edits import Edit
from cloud.errors import NotThere
from cloud.store.database import connect
from sync.cut import inside
from sync.segments import unseal
from tests.cloud.carrier import Carrier
from tests.cloud.conftest import in_cloud, run
from tests.cloud.pitchside import HubOn, docs, steady
from tests.cloud.sender import Sender

Db = psycopg.Connection[tuple[object, ...]]
Start = Callable[..., HubOn]


@pytest.fixture
def erase(url: str, db: Db) -> Callable[[str], erasure.Erasure]:
    async def go(subject_id: str) -> erasure.Erasure:
        other = await connect(url)
        try:
            async with other.transaction():
                return await erasure.erase(other, club_id(db), subject_id, "a test", now_ms())
        finally:
            await other.close()

    return lambda subject_id: run(go(subject_id))


@pytest.fixture
def receipts(url: str, db: Db) -> Callable[[], list[erasure.Confirmed]]:
    async def go() -> list[erasure.Confirmed]:
        other = await connect(url)
        try:
            return await erasure.receipts(other, club_id(db))
        finally:
            await other.close()

    return lambda: run(go())


def club_id(db: Db) -> str:
    row = db.execute("SELECT club_id FROM club").fetchone()
    assert row is not None
    return str(row[0])


def everything(hub: HubOn) -> str:
    """Every text the hub's database file still holds, freed pages included."""
    hub.store.write_now(lambda db: db.execute("SELECT 1"))
    hub.stop()
    text = (hub.card / "hub.db").read_bytes()
    return text.decode("latin-1")


def dump(db: Db) -> str:
    tables = db.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return "\n".join(str(db.execute(f"SELECT * FROM {table}").fetchall()) for (table,) in tables)


def test_an_erased_athlete_is_gone_everywhere_and_others_stay(
    start: Start, db: Db, erase: Callable[[str], erasure.Erasure]
) -> None:
    ours, theirs = start("ours"), start("theirs", "boot-b")
    ann, bea = ours.athlete("Ann Uncommon"), ours.athlete("Bea", 8)
    ours.session({ann: [(0, 600)]}, title="Hers")
    shared = ours.session({ann: [(0, 200)], bea: [(200, 600)]}, title="Shared")
    ours.edit("profile_change", "p1", athlete_id=ann, valid_from="2026-01-01", hr_max_bpm=200)
    ours.edit(
        "daily_value", "d1", athlete_id=ann, person_name="Ann Uncommon", date="2026-01-01", name="weight",
        value=61.5, unit="kg", source="x", import_id="i", updated_at_ms=1,
    )  # fmt: skip
    ours.sync()
    theirs.sync()
    assert theirs.names() == ["Ann Uncommon", "Bea"]

    done = erase(ann)
    for hub in (ours, theirs, ours):
        hub.sync()

    assert done.records == 5
    assert done.segments == 3  # two of her own session, and the one she shared with Bea
    assert ours.names() == theirs.names() == ["Bea"]
    assert "Uncommon" not in dump(db)
    assert ann not in docs(db, "athlete")
    assert {it["athlete_id"] for it in docs(db, "stream_assignment").values()} == {bea}
    assert {it["athlete_id"] for it in docs(db, "strap").values()} == {None}
    assert len(docs(db, "session")) == 2
    held = db.execute("SELECT stream_id, mono0_ms, mono1_ms FROM segment ORDER BY mono0_ms").fetchall()
    assert [row[1:] for row in held] == [(200_000, 299_000), (300_000, 599_000)]
    mine = ours.rows("SELECT mono0, mono1, state FROM segment ORDER BY mono0")
    assert mine == [(200_000, 299_000, "stored"), (300_000, 599_000, "stored")]
    assert ours.rows("SELECT athlete_id FROM stream_assignment WHERE session_id = ?", shared) == [(bea,)]
    assert ours.verify().is_equal
    assert theirs.verify().is_equal
    assert "Uncommon" not in everything(ours)
    assert "Uncommon" not in everything(theirs)


def test_each_hub_gives_a_receipt_only_when_its_files_are_deleted(
    start: Start, erase: Callable[[str], erasure.Erasure], receipts: Callable[[], list[erasure.Confirmed]]
) -> None:
    ours, theirs = start("ours"), start("theirs", "boot-b")
    ann = ours.athlete("Ann")
    words = dict.fromkeys(("identity", "device", "device_serial", "account", "sport", "title"), "")
    source = words | {
        "import_id": "i1", "athlete_id": ann, "sha256": "ab" * 32, "number": 0, "provider": "x",
        "format": "fit", "person_name": "Ann", "started_at_ms": 1, "elapsed_s": 1.0, "utc_offset_s": 0,
        "offset_known_by": "gps", "records": 1, "laps": [], "stated": [], "hr_n": 0, "rr_n": 0,
    }  # fmt: skip
    ours.edit("source", "s1", **source)
    ours.store.write_now(
        lambda db: db.execute(
            "INSERT INTO import(import_id, filename, sha256, format, status, detail, at_ms)"
            " VALUES ('i1', 'ann.fit', ?, 'fit', 'imported', 'Ann', 1)",
            ("ab" * 32,),
        )
    )
    ours.store.write_now(
        lambda db: db.execute("INSERT INTO original VALUES (?, 'ann.fit', 10, 5, 1)", ("ab" * 32,))
    )
    ours.sync()
    theirs.sync()
    delete, ours.outbox._delete_files = ours.outbox._delete_files, None  # the disk is away
    erase(ann)

    assert [hub.is_done for hub in receipts()[0].hubs] == [False, False]
    for hub in (ours, theirs, ours, theirs):
        hub.sync()
    assert [hub.is_done for hub in receipts()[0].hubs] == [False, True]
    ours.outbox._delete_files = delete
    ours.sync()
    ours.sync()

    assert ours.files == ["ab" * 32]
    assert receipts()[0].is_everywhere
    assert ours.rows("SELECT filename, detail FROM import") == [("(erased)", "")]
    assert ours.rows("SELECT count(*) FROM original") == [(0,)]


def test_what_a_hub_recorded_offline_of_somebody_erased_never_comes_up(
    start: Start, db: Db, erase: Callable[[str], erasure.Erasure]
) -> None:
    ours, theirs = start("ours"), start("theirs", "boot-b")
    ann, bea = ours.athlete("Ann"), ours.athlete("Bea", 8)
    ours.sync()
    theirs.sync()
    erase(ann)
    theirs.edit("athlete", ann, name="Ann again")  # it has not heard of it yet
    theirs.session({ann: [(0, 600)]}, title="Offline")
    theirs.session({ann: [(0, 100)], bea: [(100, 600)]}, title="Offline, shared")
    late = theirs.athlete("Cat", 9)
    theirs.sync()
    theirs.sync()

    assert set(docs(db, "athlete")) == {bea, late}
    assert {it["athlete_id"] for it in docs(db, "stream_assignment").values()} == {bea}
    held = db.execute("SELECT mono0_ms, mono1_ms FROM segment ORDER BY mono0_ms").fetchall()
    assert held == [(100_000, 299_000), (300_000, 599_000)]
    assert "Ann" not in dump(db)
    assert theirs.names() == ["Bea", "Cat"]
    assert theirs.books.pending == 0
    assert theirs.verify().is_equal


@pytest.mark.parametrize("hears_first", [True, False])
def test_samples_that_came_before_it_was_known_whose_they_are_go_too(
    start: Start, db: Db, erase: Callable[[str], erasure.Erasure], hears_first: bool
) -> None:
    hub = start("card")
    ann, bea = hub.athlete("Ann"), hub.athlete("Bea", 8)
    hub.sync()
    hub.session({ann: [(0, 600)]}, title="Hers")
    shared = hub.session({ann: [(0, 100)], bea: [(100, 600)]}, title="Shared")
    assert hub.send_samples() == 4  # who wore the straps has not been told
    erase(ann)
    if hears_first:
        hub.read_feed()
    hub.sync()
    hub.sync()

    assert {it["athlete_id"] for it in docs(db, "stream_assignment").values()} == {bea}
    held = db.execute("SELECT mono0_ms, mono1_ms FROM segment ORDER BY mono0_ms").fetchall()
    assert held == [(100_000, 299_000), (300_000, 599_000)]
    mine = hub.rows("SELECT mono0, mono1 FROM segment ORDER BY mono0")
    assert mine == held
    assert hub.rows("SELECT session_id, athlete_id FROM stream_assignment") == [(shared, bea)]
    assert hub.books.pending == 0
    assert hub.verify().is_equal
    assert "Ann" not in dump(db)


def test_so_they_do_where_a_stick_carries_all(
    start: Start, db: Db, erase: Callable[[str], erasure.Erasure], url: str, tmp_path: Path
) -> None:
    hub, carrier = start("card"), Carrier(url, tmp_path / "stick")
    ann, bea = hub.athlete("Ann"), hub.athlete("Bea", 8)
    hub.sync()
    hub.session({ann: [(0, 600)]}, title="Hers")
    shared = hub.session({ann: [(0, 100)], bea: [(100, 600)]}, title="Shared")
    assert hub.send_samples() == 4
    erase(ann)
    carrier.there_and_back(hub)

    held = db.execute("SELECT mono0_ms, mono1_ms FROM segment ORDER BY mono0_ms").fetchall()
    assert held == [(100_000, 299_000), (300_000, 599_000)]
    assert hub.rows("SELECT mono0, mono1 FROM segment ORDER BY mono0") == held
    assert hub.rows("SELECT session_id, athlete_id FROM stream_assignment") == [(shared, bea)]
    assert "Ann" not in dump(db)


def test_so_they_do_where_the_hub_joins_anew_before_it_tells(
    start: Start, claim: Callable[[str], str], db: Db, erase: Callable[[str], erasure.Erasure], url: str
) -> None:
    hub = start("card")
    ann, bea = hub.athlete("Ann"), hub.athlete("Bea", 8)
    hub.sync()
    hub.session({ann: [(0, 100)], bea: [(100, 600)]}, title="Shared")
    assert hub.send_samples() == 2
    erase(ann)
    in_cloud(url, lambda it: hubs.revoke(it, club_id(db), hub.hub_id, now_ms()))
    hub.rejoin(claim("Rovers"))
    hub.relay = hub._relay()
    for _ in range(3):
        hub.sync()

    held = db.execute("SELECT mono0_ms, mono1_ms FROM segment ORDER BY mono0_ms").fetchall()
    assert held == [(100_000, 299_000), (300_000, 599_000)]
    assert hub.rows("SELECT mono0, mono1 FROM segment ORDER BY mono0") == held
    assert hub.verify().is_equal


def test_what_had_been_given_to_somebody_else_is_untouched(
    start: Start, db: Db, erase: Callable[[str], erasure.Erasure], url: str
) -> None:
    hub = start("card")
    ann, bea = hub.athlete("Ann"), hub.athlete("Bea", 8)
    session_id, stream_id, assignment_id = (str(uuid.uuid4()) for _ in range(3))
    hub.edit("stream", stream_id, strap_id="S1", boot_no=hub.boot_no, channel="hr")
    hub.keep(steady(stream_id, hub.boot_no, 140, 0, 300))  # on nobody yet
    hub.keep(steady(stream_id, hub.boot_no, 140, 300, 300))
    hub.edit(
        "stream_assignment", assignment_id, stream_id=stream_id, athlete_id=ann, session_id=session_id,
        from_ms=300_000, to_ms=600_000,
    )  # fmt: skip
    hub.sync()
    given = [Edit("stream_assignment", assignment_id, {"athlete_id": bea})]
    in_cloud(url, lambda it: edits.make(it, club_id(db), given, "a coach", now_ms()))
    hub.sync()
    erase(ann)
    hub.sync()

    held = db.execute("SELECT mono0_ms, mono1_ms FROM segment ORDER BY mono0_ms").fetchall()
    assert held == [(0, 299_000), (300_000, 599_000)]
    assert hub.rows("SELECT mono0, mono1 FROM segment ORDER BY mono0") == held
    assert hub.verify().is_equal


def test_what_is_recorded_after_the_erasure_was_heard_of_goes_as_well(
    start: Start, db: Db, erase: Callable[[str], erasure.Erasure]
) -> None:
    hub = start("card")
    ann = hub.athlete("Ann")
    hub.sync()
    erase(ann)
    hub.sync()
    hub.session({ann: [(0, 600)]}, title="Still in the recorder's memory")
    hub.sync()
    assert hub.rows("SELECT count(*) FROM segment") == [(0,)]
    assert hub.rows("SELECT count(*) FROM stream_assignment") == [(0,)]
    assert db.execute("SELECT count(*) FROM segment").fetchone() == (0,)


def test_a_card_of_before_brings_nobody_back(
    start: Start, db: Db, erase: Callable[[str], erasure.Erasure], tmp_path: Path
) -> None:
    hub = start("card")
    ann = hub.athlete("Ann")
    hub.session({ann: [(0, 600)]})
    hub.copy_card(tmp_path / "old")
    hub.sync()
    erase(ann)
    hub.sync()
    restored = start("old", "boot-two")
    restored.sync()
    restored.sync()
    assert docs(db, "athlete") == {}
    assert db.execute("SELECT count(*) FROM segment").fetchone() == (0,)
    assert restored.names() == []
    assert restored.rows("SELECT count(*) FROM segment") == [(0,)]


def test_nothing_slips_through_while_hubs_are_sending(
    start: Start, new_hub: Callable[..., Sender], db: Db, erase: Callable[[str], erasure.Erasure]
) -> None:
    first = start("card")
    ann = first.athlete("Ann")
    first.sync()
    senders = [new_hub("Rovers") for _ in range(4)]
    begun = threading.Barrier(5)

    def busy(sender: Sender) -> None:
        begun.wait()
        for number in range(12):
            stream_id = str(uuid.uuid4())
            worn: dict[str, Any] = {
                "stream_id": stream_id, "athlete_id": ann, "session_id": "s", "from_ms": 0, "to_ms": None
            }  # fmt: skip
            ops = [
                sender.op("athlete", ann, name=f"Ann {number}"),
                sender.op("stream_assignment", str(uuid.uuid4()), **worn),
            ]
            assert sender.push(*ops).status_code == 200
            sender.send_segments(steady(stream_id, 0, 140, 0, 60))

    def erased() -> None:
        begun.wait()
        time.sleep(0.25)
        erase(ann)

    with ThreadPoolExecutor(5) as pool:
        for work in [*(pool.submit(busy, it) for it in senders), pool.submit(erased)]:
            work.result()

    assert docs(db, "athlete") == {}
    assert docs(db, "stream_assignment") == {}
    assert db.execute("SELECT count(*) FROM segment").fetchone() == (0,)
    left = db.execute("SELECT count(*) FROM change_log WHERE kind = 'set' AND fields::text LIKE '%Ann%'")
    assert left.fetchone() == (0,)
    seqs = [row[0] for row in db.execute("SELECT seq FROM change_log ORDER BY seq").fetchall()]
    assert seqs == list(range(1, len(seqs) + 1))
    erased_at = db.execute("SELECT seq FROM erased_subject").fetchone()
    assert erased_at is not None
    assert 1 < int(str(erased_at[0])) < len(seqs)  # before it some was taken, after it all was refused


def test_erasing_twice_or_nobody_is_said(start: Start, erase: Callable[[str], erasure.Erasure]) -> None:
    hub = start("card")
    ann = hub.athlete("Ann")
    hub.sync()
    erase(ann)
    for who in (ann, "nobody"):
        with pytest.raises(NotThere):
            erase(who)


def test_a_cut_keeps_what_lies_inside_and_is_the_same_everywhere() -> None:
    segment = steady("00000000-0000-0000-0000-000000000001", 1, 140, 0, 300)
    assert inside(segment, [(0, None)]) is segment
    assert inside(segment, [(300_000, None)]) is None
    assert inside(segment, []) is None
    left = inside(segment, [(10_000, 20_000), (50_000, 60_000)])
    assert left is not None
    samples = unseal(left)
    assert (len(samples), samples.rr_1024.size) == (20, 20)
    assert left == inside(segment, [(50_000, 60_000), (10_000, 20_000)])
