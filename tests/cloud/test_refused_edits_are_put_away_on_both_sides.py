"""A refused edit put away, mended or taken out again on one side is so on the other, come what may."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import msgspec
import psycopg
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from cloud import compaction, letters, records
from cloud.clock import now_ms
from cloud.errors import NotThere
from cloud.greeting import begin_all_feeds_anew
from cloud.store.database import Database
from hub.errors import NotFound
from hub.store import dead_letters
from hub.store.dead_letters import DeadLetter
from sync.errors import CloudUnreachable
from sync.reconcile import greeting
from tests.cloud.carrier import Carrier
from tests.cloud.conftest import in_cloud, run
from tests.cloud.pitchside import HubOn, docs
from tests.cloud.test_cards_restored_and_copied import back_up, put_back
from tests.cloud.test_coaches_mind_the_hubs_online import post
from tests.cloud.test_pages import text

Client = TestClient[Litestar]
Db = psycopg.Connection[tuple[object, ...]]
Start = Callable[..., HubOn]
SignIn = Callable[..., None]
KIM = "Put away at the ground by Kim"
COACH = "Put away online by rovers"


@pytest.fixture
def hub(start: Start) -> HubOn:
    """A hub with one edit the cloud refused."""
    hub = start("card")
    hub.edit("athlete", hub.athlete("Ann"), hr_max_bpm=900)
    hub.sync()
    return hub


def refused(hub: HubOn) -> str:
    (letter,) = here(hub)
    return letter.op_id


def here(hub: HubOn) -> list[DeadLetter]:
    return hub.ask(dead_letters.waiting)


def away(hub: HubOn) -> list[str]:
    return [it.settled for it in hub.ask(dead_letters.away)]


def decide(hub: HubOn, what: Callable[..., None], op_id: str, *more: object) -> None:
    """Kim decides at the ground."""
    moment = replace(hub.moment(), by="Kim")
    hub.store.write_now(lambda db: what(db, moment, op_id, *more))


def there(db: Db) -> list[str]:
    """The states of what the cloud refused."""
    rows = db.execute("SELECT state FROM dead_letter ORDER BY received_ms, op_id").fetchall()
    return [str(row[0]) for row in rows]


def online(url: str, db: Db, what: str, op_id: str) -> None:
    """A coach decides online."""
    club = str((db.execute("SELECT club_id FROM club").fetchone() or ("",))[0])
    work = {"drop": letters.discard, "back": letters.take_out}[what]
    in_cloud(url, lambda it: work(it, club, op_id, now_ms(), "rovers"))


# --- either way, and back


def test_put_away_at_the_ground_it_is_put_away_online_and_undone_there_it_waits_here(
    hub: HubOn, client: Client, sign_in: SignIn
) -> None:
    op_id = refused(hub)
    decide(hub, dead_letters.put_away, op_id)
    assert (here(hub), away(hub)) == ([], [KIM])
    hub.sync()
    assert hub.books.pending == 0
    sign_in()
    said = client.get("/letters").text
    assert "Nothing was refused" in said
    assert f"{KIM} just now." in text(said)
    assert "Ann Athlete hr max bpm 900" in text(said)
    assert not re.search(r"edits? refused", text(client.get("/hubs").text))
    assert re.search(r'value="back" type="submit">Undo<', said)

    post(client, f"/letters/{op_id}", choice="back")
    said = client.get("/letters").text
    assert "Taken out again online by rovers just now." in text(said)
    assert f'href="/letters/{op_id}/drop"' in said
    hub.sync()
    (letter,) = here(hub)
    assert (letter.settled, letter.fields) == ("Taken out again online by rovers", {"hr_max_bpm": 900})
    assert away(hub) == []
    assert hub.verify().is_equal


def test_put_away_online_it_is_put_away_at_the_ground_and_undone_here_it_waits_there(
    hub: HubOn, client: Client, sign_in: SignIn, db: Db
) -> None:
    op_id = refused(hub)
    sign_in()
    post(client, f"/letters/{op_id}", choice="drop")
    assert f"{COACH} just now." in text(client.get("/letters").text)
    hub.sync()
    assert (here(hub), away(hub), hub.books.ops_dead) == ([], [COACH], 0)

    decide(hub, dead_letters.take_out, op_id)
    with pytest.raises(NotFound):
        decide(hub, dead_letters.take_out, op_id)
    assert [it.op_id for it in here(hub)] == [op_id]
    hub.sync()
    assert there(db) == ["open"]
    assert "Taken out again at the ground by Kim just now." in text(client.get("/letters").text)
    assert [it.op_id for it in here(hub)] == [op_id]
    assert hub.verify().is_equal


def test_mended_or_tried_again_at_the_ground_it_vanishes_online(hub: HubOn, db: Db) -> None:
    decide(hub, dead_letters.retry, refused(hub), {"hr_max_bpm": 199})
    hub.sync()
    assert (there(db), here(hub), away(hub)) == (["resent"], [], [])
    assert [it["hr_max_bpm"] for it in docs(db, "athlete").values()] == [199]


def test_tried_again_online_and_taken_in_it_vanishes_at_the_ground(
    start: Start, db: Db, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = start("card")
    hub.edit("lineup", "l1", formation="4-4-2")
    hub.sync()
    op_id = refused(hub)
    decide(hub, dead_letters.put_away, op_id)
    hub.sync()
    monkeypatch.setattr(records, "TABLES", {**records.TABLES, "lineup": {}})
    assert run(replayed(url)) == 0, "put away is put away, also after an update"
    online(url, db, "back", op_id)
    assert run(replayed(url)) == 1
    hub.sync()
    assert (there(db), here(hub), away(hub)) == (["retried"], [], [])
    assert docs(db, "lineup") == {"l1": {"formation": "4-4-2"}}
    assert hub.verify().is_equal


async def replayed(url: str) -> int:
    database = Database(url)
    try:
        return await letters.replay_deferred(database, now_ms())
    finally:
        await database.close()


def test_what_was_decided_knowing_the_other_sides_word_stands(hub: HubOn, db: Db, url: str) -> None:
    op_id = refused(hub)
    for _ in range(2):
        online(url, db, "drop", op_id)
        hub.sync()
        decide(hub, dead_letters.take_out, op_id)
        hub.sync()
        assert (there(db), len(here(hub))) == (["open"], 1)
        decide(hub, dead_letters.put_away, op_id)
        hub.sync()
        online(url, db, "back", op_id)
        hub.sync()
        assert (there(db), len(here(hub))) == (["open"], 1)


def test_decided_differently_on_both_sides_at_once_both_show_the_same_after_it(
    hub: HubOn, db: Db, url: str
) -> None:
    op_id = refused(hub)
    online(url, db, "drop", op_id)
    decide(hub, dead_letters.retry, op_id)
    for _ in range(2):
        hub.sync()
    assert len(here(hub)) == 1, "the new edit is refused as the old one was"
    state = {"discarded": [COACH], "resent": []}[there(db)[0]]
    assert away(hub) == state
    assert hub.verify().is_equal


# --- over cuts, cards, backups, sticks and versions


def test_a_cut_anywhere_changes_nothing_in_the_end(hub: HubOn, db: Db) -> None:
    for answered in range(1, 7):
        decide(hub, dead_letters.put_away, refused(hub))
        hub.line.most = len(hub.line.asked) + answered
        with suppress(CloudUnreachable):
            hub.sync()
        hub.line.most = None
        hub.sync()
        assert (set(there(db)), here(hub), away(hub)) == ({"discarded"}, [], [KIM] * answered)
        assert len(docs(db, "refused_edit")) == answered
        hub.edit("athlete", "bea", hr_max_bpm=900 + answered)
        hub.sync()


def test_a_hub_at_rest_says_nothing_of_it(hub: HubOn, db: Db) -> None:
    before = set(msgspec.to_builtins(greeting(run(hub.outbox.standing()), 1, 1)))
    decide(hub, dead_letters.put_away, refused(hub))
    hub.sync()
    feed = db.execute("SELECT count(*) FROM change_log").fetchone()
    assert run(hub.outbox.pending_ops(1 << 20)) == []
    assert set(msgspec.to_builtins(greeting(run(hub.outbox.standing()), 1, 1))) == before
    hub.sync()
    assert db.execute("SELECT count(*) FROM change_log").fetchone() == feed


@pytest.mark.parametrize("where", ["at the ground", "online"])
def test_a_card_put_back_hears_again_what_was_decided(
    start: Start, tmp_path: Path, hub: HubOn, db: Db, url: str, where: str
) -> None:
    op_id = refused(hub)
    hub.copy_card(tmp_path / "old")
    if where == "online":
        online(url, db, "drop", op_id)
    else:
        decide(hub, dead_letters.put_away, op_id)
        hub.sync()
    restored = start("old", "boot-two")
    for _ in range(2):
        restored.sync()
    assert (here(restored), away(restored)) == ([], [COACH if where == "online" else KIM])
    assert there(db) == ["discarded"]
    decide(restored, dead_letters.take_out, op_id)
    restored.sync()
    assert (there(db), len(here(restored))) == (["open"], 1)
    assert restored.verify().is_equal


@pytest.mark.parametrize("where", ["at the ground", "online"])
def test_a_cloud_put_back_is_told_again(hub: HubOn, db: Db, url: str, where: str) -> None:
    op_id = refused(hub)
    back_up(db)
    if where == "online":
        online(url, db, "drop", op_id)
    else:
        decide(hub, dead_letters.put_away, op_id)
    hub.sync()
    put_back(db)
    in_cloud(url, lambda it: begin_all_feeds_anew(it, now_ms()))
    assert there(db) == ["open"]
    for _ in range(3):
        hub.sync()
    assert (here(hub), away(hub)) == ([], [COACH if where == "online" else KIM])
    assert there(db) == ["discarded"]
    assert hub.verify().is_equal


def test_a_cloud_put_back_to_before_the_edit_came_does_not_get_what_was_put_away(
    start: Start, db: Db, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = start("card")
    hub.athlete("Ann")
    hub.sync()
    back_up(db)
    hub.edit("lineup", "l1", formation="4-4-2")
    hub.sync()
    decide(hub, dead_letters.put_away, refused(hub))
    hub.sync()
    put_back(db)
    in_cloud(url, lambda it: begin_all_feeds_anew(it, now_ms()))
    monkeypatch.setattr(records, "TABLES", {**records.TABLES, "lineup": {}})
    for _ in range(3):
        hub.sync()
    assert (here(hub), away(hub), hub.books.pending) == ([], [KIM], 0)
    assert (there(db), docs(db, "lineup")) == (["discarded"], {})
    assert hub.verify().is_equal


def test_a_snapshot_brings_it(hub: HubOn, start: Start, db: Db, url: str) -> None:
    club = str((db.execute("SELECT club_id FROM club").fetchone() or ("",))[0])
    op_id = refused(hub)
    online(url, db, "drop", op_id)
    hub.athlete("Bea")
    db.execute("UPDATE hub SET seen_ms = 0")
    in_cloud(url, lambda it: compaction.compact(it, club, now_ms() + 1, kept_ms=0))
    hub.sync()
    assert "/v1/sync/snapshot" in hub.line.asked
    assert (here(hub), away(hub)) == ([], [COACH])
    assert hub.verify().is_equal


def test_a_stick_carries_it_both_ways(hub: HubOn, db: Db, url: str, tmp_path: Path) -> None:
    carrier, op_id = Carrier(url, tmp_path / "stick"), refused(hub)
    decide(hub, dead_letters.put_away, op_id)
    bundle = carrier.write(hub)
    for _ in range(2):
        carrier.accept(bundle)
        assert there(db) == ["discarded"]
    carrier.take_back(hub, carrier.answer(hub))
    online(url, db, "back", op_id)
    carrier.accept(bundle)
    assert there(db) == ["open"], "an old stick changes nothing"
    answer = carrier.answer(hub)
    for _ in range(2):
        carrier.take_back(hub, answer)
        assert [it.settled for it in here(hub)] == ["Taken out again online by rovers"]


def test_another_hub_decides_nothing_about_it(hub: HubOn, start: Start, db: Db) -> None:
    theirs, op_id = start("theirs", "boot-b"), refused(hub)
    fields = {"state": "away", "settled_by": "Eve", "settled_at": "ground"}
    theirs.edit("refused_edit", op_id, **fields)
    theirs.sync()
    hub.sync()
    assert [it.op_id for it in here(hub)] == [op_id]
    assert there(db)[0] == "open"
    assert (theirs.books.ops_dead, here(theirs)) == (0, [])


def test_a_hub_that_joined_again_under_a_new_name_still_decides(
    hub: HubOn, claim: Callable[[str], str], db: Db
) -> None:
    db.execute("UPDATE hub SET revoked_ms = 1")
    hub.rejoin(claim("Rovers"))
    hub.sync()
    decide(hub, dead_letters.put_away, refused(hub))
    hub.sync()
    assert there(db) == ["discarded"]


def test_a_cloud_that_knows_nothing_of_it_hears_after_its_update(
    hub: HubOn, db: Db, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = records.TABLES
    monkeypatch.setattr(records, "TABLES", {tbl: it for tbl, it in known.items() if tbl != "refused_edit"})
    decide(hub, dead_letters.put_away, refused(hub))
    hub.sync()
    assert (here(hub), away(hub), hub.books.ops_dead) == ([], [KIM], 0)
    assert there(db) == ["open", "open"]
    monkeypatch.setattr(records, "TABLES", known)
    assert run(replayed(url)) == 1
    assert sorted(there(db)) == ["discarded", "retried"]
    hub.sync()
    assert (here(hub), away(hub)) == ([], [KIM])
    assert hub.verify().is_equal


def test_what_older_versions_put_away_is_told_after_their_update(
    hub: HubOn, start: Start, db: Db, url: str
) -> None:
    first = refused(hub)
    wall_ms = hub.moment().wall_ms
    hub.store.write_now(lambda it: dead_letters.discard(it, first, wall_ms))
    hub.sync()
    assert there(db) == ["open"]
    updated = start("card", "boot-two")
    updated.sync()
    assert there(db) == ["discarded"]

    updated.edit("athlete", "bea", hr_max_bpm=900)
    updated.sync()
    second = refused(updated)
    db.execute("UPDATE dead_letter SET state = 'discarded', settled_ms = 1 WHERE op_id = %s", (second,))

    async def tell() -> int:
        database = Database(url)
        try:
            return await letters.tell_hubs(database, now_ms())
        finally:
            await database.close()

    assert [run(tell()), run(tell())] == [1, 0]
    updated.sync()
    assert here(updated) == []
    assert "Put away online" in away(updated)


def test_one_that_was_decided_about_meanwhile_is_not_there_any_more(hub: HubOn, db: Db, url: str) -> None:
    op_id = refused(hub)
    with pytest.raises(NotThere):
        online(url, db, "back", op_id)
    decide(hub, dead_letters.put_away, op_id)
    hub.sync()
    with pytest.raises(NotThere):
        online(url, db, "drop", op_id)
