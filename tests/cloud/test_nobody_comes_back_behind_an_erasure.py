"""Whoever writes records while an athlete is erased waits for that, and then writes nothing about them."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from cloud import compaction, edits, erasure, letters, loads, meetings
from cloud.clock import now_ms
from cloud.edits import Edit
from cloud.errors import AthleteErased, NotThere
from cloud.greeting import begin_all_feeds_anew
from cloud.insights.job import refresh_club
from cloud.merge import merge
from cloud.store import feed
from cloud.store.database import Connection, Database, connect
from cloud.store.rows import StaleRow
from hub.store.outbox import StoreOutbox
from sync.wire import FeedOp
from tests.cloud.conftest import in_cloud, run
from tests.cloud.pitchside import HubOn, docs
from tests.cloud.sender import Sender

Db = psycopg.Connection[tuple[Any, ...]]
Start = Callable[..., HubOn]
ORIGIN = {"Origin": "http://cloud.test"}


def club_of(db: Db) -> str:
    row = db.execute("SELECT club_id FROM club").fetchone()
    assert row is not None
    return str(row[0])


def erase(url: str, club: str, subject_id: str) -> erasure.Erasure:
    return in_cloud(url, lambda it: erasure.erase(it, club, subject_id, "a test", now_ms()))


def while_erasing(url: str, db: Db, subject_id: str, work: Callable[[], Any]) -> Future[Any]:
    """Begin `work` when the erasure has done everything but commit, which it does once the work waits."""
    done, may_end = threading.Event(), threading.Event()

    async def erasing() -> None:
        other = await connect(url)
        try:
            async with other.transaction():
                await erasure.erase(other, club_of(db), subject_id, "a test", now_ms())
                done.set()
                may_end.wait(20)
        finally:
            await other.close()

    with ThreadPoolExecutor(2) as pool:
        erased = pool.submit(run, erasing())
        assert done.wait(20)
        working = pool.submit(work)
        asked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = 'fresh'"
        for _ in range(1500):
            if working.done() or db.execute(asked).fetchone() != (0,):
                break
            time.sleep(0.01)
        may_end.set()
        erased.result()
    return working


def nothing_is_left(db: Db, subject_id: str, name: str = "Ann") -> None:
    assert subject_id not in docs(db, "athlete")
    left = "SELECT count(*) FROM {} WHERE doc::text LIKE %s OR doc::text LIKE %s"
    told = (f"%{name}%", f"%{subject_id}%")
    assert db.execute(left.format("row_state"), told).fetchone() == (0,)
    said = "SELECT count(*) FROM change_log WHERE fields::text LIKE ANY (%s) AND kind = 'set'"
    assert db.execute(said, (list(told),)).fetchone() == (0,)
    words = "SELECT count(*) FROM {} WHERE fields::text LIKE %s"
    assert db.execute(words.format("last_word"), (f"%{name}%",)).fetchone() == (0,)
    seqs = [row[0] for row in db.execute("SELECT seq FROM change_log ORDER BY seq").fetchall()]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs))) if seqs else True


def come_back(url: str, club: str, tbl: str, pk: str, **fields: Any) -> None:
    """What an earlier version let happen: a record of somebody erased, in the cloud and in the feed."""

    async def go(db: Connection) -> None:
        record = (await feed.lock_records(db, club, [(tbl, pk)]))[tbl, pk]
        at_ms = now_ms()
        await feed.write_records(db, club, [merge(record, fields, at_ms)])
        await feed.append(db, club, [feed.Entry(str(uuid.uuid4()), "set", tbl, pk, fields, at_ms)])

    in_cloud(url, go)


# --- while it runs


def test_the_form_of_somebody_erased_while_it_was_saved_says_so(
    start: Start, db: Db, url: str, client: TestClient[Litestar], sign_in: Callable[..., None]
) -> None:
    hub = start("card")
    ann = hub.athlete("Ann")
    hub.sync()
    sign_in()
    before = {
        "was_name": "Ann", "was_shirt_number": "7", "was_sex": "F", "was_hr_max_bpm": "190",
        "was_hr_rest_bpm": "50", "was_is_active": "yes",
    }  # fmt: skip
    form = {name.removeprefix("was_"): value for name, value in before.items()} | before | {"name": "Ann E."}

    def save() -> Any:
        return client.post(f"/athletes/{ann}/edit", data=form, headers=ORIGIN)

    answers = [while_erasing(url, db, ann, save).result(), save()]  # while it was erased, and after

    assert [it.status_code for it in answers] == [410, 410]
    for answer in answers:
        assert "Nothing was saved: the data of the athlete this is about was erased meanwhile." in answer.text
    nothing_is_left(db, ann)
    hub.sync()
    hub.edit("athlete", ann, shirt_number=3)
    hub.sync()
    assert (hub.names(), hub.verify().is_equal) == ([], True)


@pytest.mark.parametrize(
    "edit",
    [
        lambda ann: Edit("athlete", ann, {"name": "Ann E."}),
        lambda ann: Edit("profile_change", "new", {"athlete_id": ann, "valid_from": "2026-01-01"}),
        lambda ann: Edit("profile_change", "p1", {"note": "Ann's"}),
        lambda ann: Edit("strap", "S1", {"athlete_id": ann}),
    ],
    ids=["a record that goes", "one that is new", "one that names nobody", "a strap laid on them"],
)
def test_an_online_edit_waits_for_the_erasure_and_is_refused(
    start: Start, db: Db, url: str, edit: Callable[[str], Edit]
) -> None:
    hub = start("card")
    ann = hub.athlete("Ann")
    hub.edit("profile_change", "p1", athlete_id=ann, valid_from="2026-01-01", hr_max_bpm=200)
    hub.edit("strap", "S1", name="S1", address="", athlete_id=None)
    hub.sync()
    club = club_of(db)

    def save() -> int:
        return in_cloud(url, lambda it: edits.make(it, club, [edit(ann)], "Ana", now_ms()))

    with pytest.raises(AthleteErased):
        while_erasing(url, db, ann, save).result()
    nothing_is_left(db, ann)
    hub.sync()
    assert hub.verify().is_equal


def test_settling_two_edits_of_somebody_erased_meanwhile_changes_nothing(
    start: Start, db: Db, url: str
) -> None:
    ours, theirs = start("ours"), start("theirs", "boot-b")
    ann = ours.athlete("Ann")
    ours.sync()
    theirs.sync()
    ours.edit("athlete", ann, hr_max_bpm=191)
    theirs.edit("athlete", ann, hr_max_bpm=192)
    ours.sync()
    theirs.sync()
    (met,) = docs(db, "two_edits")
    club = club_of(db)

    def settle() -> Any:
        return in_cloud(url, lambda it: meetings.settle(it, club, met, "other", "Ana", now_ms()))

    with pytest.raises(AthleteErased):
        while_erasing(url, db, ann, settle).result()
    nothing_is_left(db, ann)
    assert docs(db, "two_edits") == {}


@pytest.mark.parametrize("choice", [letters.retry, letters.discard])
def test_a_refused_edit_is_decided_about_beside_an_erasure_without_a_deadlock(
    new_hub: Callable[..., Sender], db: Db, url: str, choice: Callable[..., Any]
) -> None:
    hub = new_hub()
    ann = str(uuid.uuid4())
    hub.push(hub.op("athlete", ann, name="Ann", hr_max_bpm=190))
    refused = hub.op("athlete", ann, name="Ann", hr_max_bpm=999)
    about_bea = hub.op("athlete", "bea", name="Bea", hr_max_bpm=999)
    hub.push(refused, about_bea)
    club = club_of(db)

    def decide(op_id: str) -> Any:
        return in_cloud(url, lambda it: choice(it, club, op_id, now_ms()))

    with pytest.raises(NotThere):
        while_erasing(url, db, ann, lambda: decide(refused.op_id)).result()
    decide(about_bea.op_id)
    nothing_is_left(db, ann)


def test_an_insight_and_compaction_wait_for_an_erasure_and_keep_nothing_of_it(
    start: Start, db: Db, url: str, settle: Callable[[], None]
) -> None:
    hub = start("card")
    ann, bea = hub.athlete("Ann"), hub.athlete("Bea")
    hub.session({ann: [(0, 300)], bea: [(300, 600)]})
    hub.sync()
    settle()
    club = club_of(db)
    later = now_ms() + 400 * 86_400_000

    def write() -> None:
        in_cloud(url, lambda it: refresh_club(it, club, now_ms()))
        in_cloud(url, lambda it: compaction.compact(it, club, later))

    while_erasing(url, db, ann, write).result()
    assert docs(db, "insight")
    nothing_is_left(db, ann)


def test_loads_computed_beside_an_erasure_hold_nobody_erased(
    start: Start, db: Db, url: str, settle: Callable[[], None]
) -> None:
    hub = start("card")
    ann, bea = hub.athlete("Ann"), hub.athlete("Bea")
    session_id = hub.session({ann: [(0, 300)], bea: [(300, 600)]})
    hub.sync()
    settle()
    mark = db.execute(
        "INSERT INTO session_stale (club_id, session_id, marked_ms) SELECT club_id, %s, 1 FROM club"
        " RETURNING club_id, session_id, mark", (session_id,)
    ).fetchone()  # fmt: skip
    assert mark is not None

    async def compute() -> None:
        database = Database(url)
        try:
            await loads.recompute(database, StaleRow(*mark))
        finally:
            await database.close()

    while_erasing(url, db, ann, lambda: run(compute())).result()
    settle()
    for table in ("session_load", "session_load_history"):
        assert ann not in {row[0] for row in db.execute(f"SELECT athlete_id FROM {table}").fetchall()}
    assert db.execute("SELECT athlete_id FROM session_load").fetchall() == [(bea,)]


def test_a_hub_that_joins_while_somebody_is_erased_brings_nobody_back(
    start: Start, client: TestClient[Litestar], claim: Callable[[str], str], db: Db, url: str
) -> None:
    hub = start("card")
    ann = hub.athlete("Ann")
    hub.sync()
    late, code = Sender(client), claim("Rovers")

    def join() -> Any:
        assert late.enrol(code).status_code == 200
        assert late.sign_in().status_code == 200
        return late.push(late.op("athlete", ann, name="Ann of an old card", hr_max_bpm=180))

    assert while_erasing(url, db, ann, join).result().json()["results"][0]["status"] == "dead"
    nothing_is_left(db, ann)


# --- where it happened


@pytest.mark.parametrize("how", ["by hand", "at the start"])
def test_whoever_came_back_is_erased_again_on_every_side(start: Start, db: Db, url: str, how: str) -> None:
    ours, theirs = start("ours"), start("theirs", "boot-b")
    ann, bea = ours.athlete("Ann"), ours.athlete("Bea", 8)
    ours.sync()
    theirs.sync()
    club = club_of(db)
    first = erase(url, club, ann)
    ours.sync()
    come_back(url, club, "athlete", ann, name="Ann again")
    come_back(url, club, "profile_change", "new", athlete_id=ann, valid_from="2026-01-01", note="Ann")
    for hub in (ours, theirs, ours, theirs):
        hub.sync()
    assert ours.names() == theirs.names() == ["Bea"], "a hub takes nobody back"
    assert "Ann" not in str(ours.rows("SELECT * FROM profile_change"))
    words = "1 is not shown on this hub's pages as confirmed. Only the cloud has 1 of them."
    assert ours.verify().words == f"Of 3 records and 0 recordings, 1 differs from the cloud and {words}"

    async def at_the_start() -> int:
        database = Database(url)
        try:
            return await erasure.erase_returned(database, now_ms())
        finally:
            await database.close()

    if how == "by hand":
        erase(url, club, in_cloud(url, lambda it: erasure.find(it, club, "Ann again")).athlete_id)
    else:
        assert run(at_the_start()) == 1
    (told,) = in_cloud(url, lambda it: erasure.receipts(it, club))
    assert told.erased.seq > first.seq
    assert [it.is_done for it in told.hubs] == [False, False], "each has to do it again"
    for hub in (ours, theirs, ours, theirs):
        hub.sync()
    assert in_cloud(url, lambda it: erasure.receipts(it, club))[0].is_everywhere
    nothing_is_left(db, ann)
    assert list(docs(db, "athlete")) == [bea]
    assert "Ann" not in str(ours.rows("SELECT * FROM base")) + str(theirs.rows("SELECT * FROM base"))
    assert ours.verify().is_equal
    assert theirs.verify().is_equal
    assert run(at_the_start()) == 0
    with pytest.raises(NotThere):
        erase(url, club, ann)


def test_a_snapshot_that_holds_somebody_erased_brings_them_to_no_hub(start: Start, db: Db, url: str) -> None:
    hub = start("card")
    ann = hub.athlete("Ann")
    hub.athlete("Bea", 8)
    hub.sync()
    club = club_of(db)
    erase(url, club, ann)
    hub.sync()
    come_back(url, club, "athlete", ann, name="Ann again")
    in_cloud(url, lambda it: begin_all_feeds_anew(it, now_ms()))
    new = start("new", "boot-b")
    for it in (hub, new):
        it.sync()
        assert it.names() == ["Bea"]
        assert "Ann" not in str(it.rows("SELECT * FROM base"))
        words = "1 of 2 records and 0 recordings differs from the cloud. Only the cloud has 1 of them."
        assert it.verify().words == words
    come_back(url, club, "athlete", ann, name="Ann once more")
    for it in (hub, new):
        it.sync()
        assert it.names() == ["Bea"]


@pytest.mark.parametrize("is_one_by_one", [False, True], ids=["in one page", "an entry a page"])
def test_what_was_given_to_somebody_else_before_the_erasure_stays_whole_on_a_hub_that_was_behind(
    start: Start, db: Db, url: str, is_one_by_one: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply_feed = StoreOutbox.apply_feed

    async def one_by_one(outbox: StoreOutbox, ops: Sequence[FeedOp], head: int) -> None:
        for op in ops:
            await apply_feed(outbox, [op], head)

    if is_one_by_one:
        monkeypatch.setattr(StoreOutbox, "apply_feed", one_by_one)
    ours, behind = start("ours"), start("behind", "boot-b")
    ann, bea = ours.athlete("Ann"), ours.athlete("Bea", 8)
    ours.session({ann: [(0, 600)]})
    ours.sync()
    behind.sync()
    (worn,) = docs(db, "stream_assignment")
    ours.edit("athlete", ann, name="Ann E.")  # becomes a void, which is read before the next
    ours.edit("stream_assignment", worn, athlete_id=bea)
    ours.sync()
    erase(url, club_of(db), ann)
    behind.sync()
    assert behind.rows("SELECT athlete_id, from_ms, to_ms FROM stream_assignment") == [(bea, 0, 600_000)]
    assert behind.names() == ["Bea"]
    assert behind.verify().is_equal
