"""A card put back to an older copy, a copied card in a second machine, and a cloud put back to a backup."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from hub.errors import ActionRefused
from hub.store import sessions
from sync.errors import CloudUnreachable, OutOfStep
from tests.cloud.pitchside import HubOn, docs, same

Client = TestClient[Litestar]
Db = psycopg.Connection[tuple[object, ...]]
Start = Callable[..., HubOn]


def test_a_restored_card_loses_nothing_and_brings_nothing_back(start: Start, tmp_path: Path, db: Db) -> None:
    hub = start("card")
    ann = hub.athlete("Ann")
    hub.sync()
    hub.edit("athlete", ann, shirt_number=8)  # on the card when it is copied, not yet sent
    hub.copy_card(tmp_path / "old")
    hub.edit("athlete", ann, name="Anna")  # of the days that will be lost
    hub.sync()

    restored = start("old", "boot-two")
    restored.edit("athlete", ann, hr_max_bpm=199)
    restored.sync()

    assert restored.epoch == 2
    assert (
        docs(db, "athlete")[ann] | {"name": "Anna", "shirt_number": 8, "hr_max_bpm": 199}
        == docs(db, "athlete")[ann]
    )
    assert restored.rows("SELECT name, shirt_number, hr_max_bpm FROM athlete") == [("Anna", 8, 199)]
    assert restored.books.pending == 0
    counts = db.execute("SELECT count(*), count(DISTINCT op_id) FROM change_log").fetchone()
    assert counts == (4, 4)
    assert restored.verify().is_equal


def test_a_restored_card_with_nothing_new_is_found_out_too(start: Start, tmp_path: Path) -> None:
    hub = start("card")
    hub.athlete("Ann")
    hub.sync()
    hub.copy_card(tmp_path / "old")
    hub.athlete("Bea")
    hub.sync()
    restored = start("old", "boot-two")
    restored.sync()
    assert restored.epoch == 2
    assert restored.names() == ["Ann", "Bea"]
    restored.sync()
    assert restored.epoch == 2


def test_a_card_may_be_restored_again(start: Start, tmp_path: Path) -> None:
    hub = start("card")
    hub.athlete("Ann")
    hub.sync()
    hub.copy_card(tmp_path / "one")
    hub.copy_card(tmp_path / "two")
    hub.athlete("Lost")
    hub.sync()
    for card, name in (("one", "Bea"), ("two", "Cat")):
        restored = start(card, f"boot of {card}")
        restored.athlete(name)
        restored.sync()
    assert restored.epoch == 3
    assert restored.names() == ["Ann", "Bea", "Cat", "Lost"]


def test_a_restored_card_that_hears_of_its_edits_before_it_has_sent_them_again_goes_on(
    start: Start, tmp_path: Path, db: Db
) -> None:
    hub = start("card")
    ann = hub.athlete("Ann")
    hub.sync()
    hub.edit("athlete", ann, shirt_number=8)  # its echo comes after the copy was taken
    hub.copy_card(tmp_path / "old")
    hub.edit("athlete", ann, name="Anna")
    hub.sync()

    restored = start("old", "boot-two")
    restored.line.most = len(restored.line.asked) + 4  # signs in, and greets until its log is begun anew
    restored.edit("athlete", ann, hr_max_bpm=199)
    with pytest.raises(CloudUnreachable):
        restored.sync()
    assert restored.epoch == 2
    restored.line.most = None
    assert restored.read_feed() == 2
    restored.sync()

    assert restored.rows("SELECT name, shirt_number, hr_max_bpm FROM athlete") == [("Anna", 8, 199)]
    assert restored.books.pending == 0
    assert db.execute("SELECT last_seq FROM hub WHERE epoch = 2").fetchall() == [(3,)]
    assert restored.verify().is_equal


def test_a_session_of_the_lost_days_is_seen_and_not_gone_on_with(start: Start, tmp_path: Path) -> None:
    hub = start("card")
    hub.copy_card(tmp_path / "old")
    hub.edit(
        "session", "s1", title="Lost", sport="run", started_at_ms=1, utc_offset_s=0, ended_at_ms=None,
        boot_no=1, mono0_ms=0, mono1_ms=None, source="gatt",
    )  # fmt: skip
    hub.sync()
    restored = start("old", "boot-two")
    restored.sync()
    assert [it.title for it in restored.ask(sessions.recent)] == ["Lost"]
    assert restored.ask(sessions.live) is None
    with pytest.raises(ActionRefused):
        restored.edit("session", "s1", title="x")


def test_of_two_machines_with_one_card_one_is_stopped_with_a_clear_sentence(
    start: Start, tmp_path: Path, db: Db
) -> None:
    first = start("card")
    first.athlete("Ann")
    first.sync()
    first.copy_card(tmp_path / "copy")
    second = start("copy", "boot-two")
    first.athlete("Bea")
    first.sync()
    second.athlete("Cat")
    second.sync()  # looks like a restored card, and takes the hub's place
    first.athlete("Dee")

    for _ in range(2):
        with pytest.raises(OutOfStep, match="Two machines run with copies") as caught:
            first.sync()
        assert caught.value.kind == "clone"
        assert "rejoin" in caught.value.hint
    second.sync()

    assert {it["name"] for it in docs(db, "athlete").values()} == {"Ann", "Bea", "Cat"}
    assert first.books.ops_pending == 1


def test_the_stopped_one_joins_as_a_hub_of_its_own_and_both_go_on(
    start: Start, tmp_path: Path, claim: Callable[[str], str], db: Db
) -> None:
    first = start("card")
    ann = first.athlete("Ann")
    session_id = first.session({ann: [(0, 600)]})
    first.sync()
    first.copy_card(tmp_path / "copy")
    second = start("copy", "boot-two")
    first.athlete("Bea")
    first.sync()
    second.athlete("Cat")
    second.sync()
    first.athlete("Dee")
    with pytest.raises(OutOfStep):
        first.sync()

    first.rejoin(claim("Rovers"))
    for hub in (first, second, first, second):
        hub.sync()

    assert first.hub_id != second.hub_id
    assert same([first, second])
    assert first.names() == ["Ann", "Bea", "Cat", "Dee"]
    assert first.ask(lambda it: sessions.session(it, session_id)).hub_id is None
    assert db.execute("SELECT count(*), count(DISTINCT op_id) FROM change_log").fetchone() == (8, 8)
    assert first.verify().is_equal
    assert second.verify().is_equal


def test_a_stopped_copy_stays_stopped_after_it_is_started_anew(start: Start, tmp_path: Path) -> None:
    first = start("card")
    first.athlete("Ann")
    first.sync()
    first.copy_card(tmp_path / "copy")
    second = start("copy", "boot-two")
    second.athlete("Cat")
    second.sync()
    first.athlete("Bea")
    first.sync()  # its log is not what the cloud has: it begins anew, and the copy is found alive
    with pytest.raises(OutOfStep):
        second.sync()
    second.stop()
    again = start("copy", "boot-three")
    again.athlete("Dee")
    with pytest.raises(OutOfStep, match="Two machines"):
        again.sync()


def test_a_code_of_another_club_does_not_take_the_hub_there(
    start: Start, claim: Callable[[str], str]
) -> None:
    hub = start("card")
    with pytest.raises(ActionRefused, match="another club"):
        hub.rejoin(claim("United"))
    hub.sync()


# --- the cloud put back to a backup


TABLES = ("hub", "club_clock", "change_log", "row_state", "segment", "dead_letter", "hub_anchor", "hub_run")


def back_up(db: Db) -> None:
    for table in TABLES:
        db.execute(f"CREATE TABLE backup_{table} AS TABLE {table}")


def put_back(db: Db) -> None:
    for table in TABLES:
        db.execute(f"DELETE FROM {table}")
        db.execute(f"INSERT INTO {table} SELECT * FROM backup_{table}")


@pytest.mark.parametrize("is_told", [False, True])
def test_a_cloud_restored_from_yesterdays_backup_is_made_whole_by_its_hubs(
    start: Start, db: Db, client: Client, is_told: bool, url: str
) -> None:
    ours, theirs = start("ours"), start("theirs", "boot-b")
    ann = ours.athlete("Ann")
    ours.session({ann: [(0, 600)]})
    ours.sync()
    theirs.sync()
    back_up(db)
    ours.edit("athlete", ann, name="Anna")
    ours.session({ann: [(0, 300)]}, title="Lost by the cloud")
    bea = theirs.athlete("Bea")
    for hub in (ours, theirs, ours):
        hub.sync()
    before = (docs(db, "athlete"), docs(db, "session"), segment_ids(db))

    put_back(db)
    if is_told:
        db.execute("UPDATE club_clock SET feed_epoch = 77")
    assert bea not in docs(db, "athlete")
    for hub in (ours, theirs, ours, theirs):
        hub.sync()

    assert (docs(db, "athlete"), docs(db, "session"), segment_ids(db)) == before
    assert ours.names() == theirs.names() == ["Anna", "Bea"]
    assert ours.verify().is_equal
    assert theirs.verify().is_equal
    assert ours.epoch == theirs.epoch == 1


def test_a_backup_is_noticed_even_when_the_feed_has_grown_past_it_again(start: Start, db: Db) -> None:
    ours, theirs = start("ours"), start("theirs", "boot-b")
    ours.athlete("Ann")
    ours.sync()
    back_up(db)
    theirs.sync()
    ours.athlete("Bea")
    ours.sync()
    put_back(db)
    for number in range(3):
        theirs.athlete(f"New {number}")  # takes the numbers in the feed that Bea had
    theirs.sync()
    ours.sync()
    theirs.sync()
    assert ours.names() == theirs.names() == ["Ann", "Bea", "New 0", "New 1", "New 2"]


def segment_ids(db: Db) -> set[str]:
    return {str(row[0]) for row in db.execute("SELECT encode(seg_id, 'hex') FROM segment").fetchall()}
