"""A stick carries what the network would: edits, recordings and the cloud's word on them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hub.errors import ActionRefused
from hub.store import meta
from sync.errors import BundleDamaged
from sync.wire import PushResponse
from tests.cloud.carrier import Carrier
from tests.cloud.conftest import run
from tests.cloud.pitchside import HubOn, docs, same, steady

Start = Callable[..., HubOn]


@pytest.fixture
def carrier(url: str, tmp_path: Path) -> Carrier:
    return Carrier(url, tmp_path / "stick")


def test_one_walk_there_and_back_leaves_both_sides_equal(start: Start, carrier: Carrier, db: Any) -> None:
    hub = start("card")
    ann = hub.athlete("Ann")
    hub.session({ann: [(0, 600)]})
    assert (hub.books.ops_pending, hub.books.segments_pending) == (5, 2)

    bundle = carrier.write(hub)
    assert (hub.books.ops_pending, hub.books.segments_pending) == (5, 2), "writing marks nothing as sent"
    result = carrier.accept(bundle)
    assert (result.state, result.ops_new, result.segments_new) == ("taken", 5, 2), result
    assert docs(db, "athlete")[ann]["name"] == "Ann"
    assert hub.books.pending == 7, "nor does the cloud's taking it, until the hub hears of it"

    taken = carrier.take_back(hub, carrier.answer(hub))
    assert (taken.acknowledged, taken.segments_stored, taken.entries) == (5, 2, 5)
    assert hub.books.pending == 0
    assert hub.verify().is_equal
    assert hub.sync().words == "up to date"


def test_the_same_bundle_and_the_same_answer_again_change_nothing(
    start: Start, carrier: Carrier, db: Any
) -> None:
    hub = start("card")
    hub.session({hub.athlete("Ann"): [(0, 600)]})
    bundle = carrier.write(hub)
    carrier.accept(bundle)
    feed = db.execute("SELECT count(*) FROM change_log").fetchone()
    again = carrier.accept(bundle)
    assert (again.state, again.words) == ("there", "Everything in it was here already.")
    assert db.execute("SELECT count(*) FROM change_log").fetchone() == feed

    answer = carrier.answer(hub)
    carrier.take_back(hub, answer)
    state = hub.rows("SELECT * FROM outbox"), hub.rows("SELECT * FROM base")
    taken = carrier.take_back(hub, answer)
    assert (taken.is_old, taken.acknowledged, taken.entries) == (True, 0, 0)
    assert (hub.rows("SELECT * FROM outbox"), hub.rows("SELECT * FROM base")) == state


def test_a_bundle_the_network_overtook_is_there_already(start: Start, carrier: Carrier) -> None:
    hub = start("card")
    hub.session({hub.athlete("Ann"): [(0, 600)]})
    early = carrier.write(hub)
    hub.athlete("Bea")
    hub.sync()
    assert carrier.accept(early).state == "there"
    late = carrier.answer(hub)
    hub.athlete("Cleo")
    hub.sync()
    assert carrier.take_back(hub, late).is_old, "the network told more since"
    assert hub.books.pending == 0
    assert hub.verify().is_equal


def test_an_answer_that_knows_less_than_the_network_takes_nothing_back(
    start: Start, carrier: Carrier
) -> None:
    hub = start("card")
    hub.athlete("Ann")
    carrier.accept(carrier.write(hub))
    answer = carrier.answer(hub)
    hub.athlete("Bea")
    run(hub.outbox.record_pushed(PushResponse(last_seq=2, results=[])))  # within the round that was greeted
    assert not carrier.take_back(hub, answer).is_begun_anew
    assert hub.books.ops_pending == 0


def test_what_the_office_and_other_hubs_did_comes_back_on_the_stick(start: Start, carrier: Carrier) -> None:
    here, there = start("here"), start("there")
    ann = here.athlete("Ann")
    carrier.there_and_back(here)
    there.sync()
    assert there.names() == ["Ann"]
    there.edit("athlete", ann, name="Ann Example")
    there.sync()
    taken = carrier.there_and_back(here)
    assert taken.entries == 1
    assert same([here, there])


def test_two_hubs_with_one_file_are_both_told_that_it_is_there(start: Start, carrier: Carrier) -> None:
    one, other = start("one"), start("other")
    stream = "11111111-1111-4111-8111-111111111111"
    for hub in (one, other):
        hub.edit("stream", stream, strap_id="file:1", boot_no=0, channel="hr")
        hub.keep(steady(stream, 0, 120, 0, 60))
        carrier.there_and_back(hub)
        assert hub.books.segments_pending == 0


def test_bundles_in_the_wrong_order_end_the_same(start: Start, carrier: Carrier) -> None:
    hub = start("card")
    hub.athlete("Ann")
    first = carrier.write(hub)
    hub.athlete("Bea")
    second = carrier.write(hub)
    assert carrier.accept(second).ops_new == 2, "the later bundle holds all that waited"
    assert carrier.accept(first).state == "there"
    carrier.take_back(hub, carrier.answer(hub))
    assert hub.verify().is_equal


def test_a_gap_names_the_bundle_that_is_needed_first(
    start: Start, carrier: Carrier, db: Any, tmp_path: Path
) -> None:
    hub = start("card")
    hub.athlete("Ann")
    first = carrier.write(hub)
    kept = shutil.copy(first, tmp_path / first.name)
    carrier.accept(first)
    carrier.take_back(hub, carrier.answer(hub))
    _forget_everything(db)
    hub.athlete("Bea")
    bundle = carrier.write(hub)
    result = carrier.accept(bundle)
    assert result.state == "refused"
    assert "It begins with edit 2, and edit 1 of this hub never came." in result.words
    assert f"first ({first.name})" in result.words
    assert docs(db, "athlete") == {}, "nothing of it was applied"

    assert carrier.accept(Path(kept)).ops_new == 1
    assert carrier.accept(bundle).ops_new == 1
    assert len(docs(db, "athlete")) == 2


def test_a_cloud_put_back_to_a_backup_gets_everything_by_stick(
    start: Start, carrier: Carrier, db: Any
) -> None:
    hub = start("card")
    ann = hub.athlete("Ann")
    hub.session({ann: [(0, 600)]})
    carrier.there_and_back(hub)
    assert hub.books.pending == 0
    _forget_everything(db)
    hub.athlete("Bea")
    assert carrier.accept(carrier.write(hub)).state == "refused"
    taken = carrier.take_back(hub, carrier.answer(hub))
    assert taken.is_begun_anew
    assert "write a bundle again" in taken.words
    again = carrier.there_and_back(hub)
    assert (again.acknowledged, again.segments_stored) == (6, 2)
    assert hub.verify().is_equal
    assert docs(db, "athlete")[ann]["name"] == "Ann"


def _forget_everything(db: psycopg.Connection[tuple[object, ...]]) -> None:
    """A backup of before the hub ever sent anything, told to the hubs."""
    for table in ("change_log", "row_state", "segment", "bundle", "session_stale", "bundle_segment"):
        db.execute(f"DELETE FROM {table}")  # names of our own
    db.execute("UPDATE hub SET last_seq = 0, last_chain = decode(repeat('00', 32), 'hex'), pull_cursor = 0")
    db.execute("UPDATE club_clock SET seq = 0, feed_epoch = feed_epoch + 1")


def test_a_restored_card_begins_anew_by_stick_and_loses_nothing(
    start: Start, carrier: Carrier, tmp_path: Path, db: Any
) -> None:
    hub = start("card")
    hub.athlete("Ann")
    carrier.there_and_back(hub)
    hub.copy_card(tmp_path / "backup")
    hub.athlete("Bea")
    carrier.there_and_back(hub)
    hub.stop()

    restored = start("backup", "boot-two")
    restored.athlete("Cleo")
    result = carrier.accept(carrier.write(restored))
    assert result.state == "refused"
    assert "other edits under this hub's numbers" in result.words
    assert carrier.take_back(restored, carrier.answer(restored)).is_begun_anew
    assert restored.epoch == 2
    carrier.there_and_back(restored)
    assert sorted(it["name"] for it in docs(db, "athlete").values()) == ["Ann", "Bea", "Cleo"]
    assert restored.names() == ["Ann", "Bea", "Cleo"]
    assert restored.verify().is_equal


def test_an_older_logs_bundle_is_refused_once_the_log_was_begun_anew(start: Start, carrier: Carrier) -> None:
    hub = start("card")
    hub.athlete("Ann")
    bundle = carrier.write(hub)
    hub.store.write_now(lambda db: meta.put(db, "epoch", 3))
    hub.sync()
    result = carrier.accept(bundle)
    assert (result.state, result.words) == (
        "refused", "It was written before this hub's log was begun anew.",
    )  # fmt: skip


def test_a_refused_edit_comes_back_as_refused_and_blocks_nothing(start: Start, carrier: Carrier) -> None:
    hub = start("card")
    hub.athlete("Ann")
    bad = hub.athlete("Bea", number=7)
    hub.edit("athlete", bad, hr_max_bpm=9000)
    hub.athlete("Cleo")
    result = carrier.accept(carrier.write(hub))
    assert (result.ops_new, result.ops_refused) == (3, 1)
    carrier.take_back(hub, carrier.answer(hub))
    assert (hub.books.ops_pending, hub.books.ops_dead) == (0, 1)
    assert hub.verify().is_equal


def test_an_edit_the_cloud_fails_on_goes_in_without_its_content(
    start: Start, carrier: Carrier, db: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cloud import ingest

    real = ingest.push

    async def failing(connection: Any, hub: Any, batch: Any, now_ms: int) -> Any:
        if any(op.fields.get("name") == "Poison" for op in batch.ops):
            raise RuntimeError("a fault nobody thought of")
        return await real(connection, hub, batch, now_ms)

    monkeypatch.setattr(ingest, "push", failing)
    hub = start("card")
    for name in ("Ann", "Bea", "Poison", "Cleo", "Dora"):
        hub.athlete(name)
    result = carrier.accept(carrier.write(hub))
    assert (result.state, result.ops_new, result.ops_refused) == ("taken", 4, 1)
    carrier.take_back(hub, carrier.answer(hub))
    assert hub.rows("SELECT reason FROM outbox WHERE state = 'dead'") == [("suspect",)]


def test_an_erasure_reaches_the_hub_by_stick_and_its_bundle_brings_nobody_back(
    start: Start, carrier: Carrier, url: str, db: Any
) -> None:
    from cloud import erasure
    from cloud.clock import now_ms
    from cloud.store.database import connect

    hub = start("card")
    ann = hub.athlete("Ann")
    hub.session({ann: [(0, 600)]})
    old = carrier.write(hub)
    carrier.there_and_back(hub)

    async def erase() -> None:
        connection = await connect(url)
        try:
            async with connection.transaction():
                club = hub.ask(lambda db: meta.value(db, "club_id"))
                await erasure.erase(connection, str(club), ann, "test", now_ms())
        finally:
            await connection.close()

    run(erase())
    assert carrier.accept(old).segments_refused == 2
    carrier.there_and_back(hub)
    assert hub.rows("SELECT * FROM athlete") == []
    assert hub.rows("SELECT * FROM segment") == []
    carrier.accept(carrier.write(hub))
    assert db.execute("SELECT erased_seq >= seq FROM hub, erased_subject").fetchone() == (True,)


def test_a_feed_that_no_longer_reaches_back_comes_as_a_snapshot(
    start: Start, carrier: Carrier, db: Any
) -> None:
    here, there = start("here"), start("there")
    for name in ("Ann", "Bea", "Cleo"):
        here.athlete(name)
    here.sync()
    db.execute("DELETE FROM change_log WHERE seq <= 2")
    db.execute("UPDATE club_clock SET horizon = 2")
    there.athlete("Dora")
    there.sync()
    late = start("late")
    late.athlete("Eve")
    carrier.there_and_back(late)
    assert late.names() == ["Ann", "Bea", "Cleo", "Dora", "Eve"]
    here.sync()
    assert same([here, late])
    assert late.verify().is_equal


def test_an_answer_that_begins_too_late_is_told_and_changes_nothing(
    start: Start, carrier: Carrier, tmp_path: Path
) -> None:
    hub = start("card")
    hub.copy_card(tmp_path / "backup")
    hub.athlete("Ann")
    carrier.there_and_back(hub)
    other = start("other")
    other.athlete("Bea")
    other.sync()
    carrier.accept(carrier.write(hub))
    late = carrier.answer(hub)
    hub.stop()
    restored = start("backup", "boot-two")
    with pytest.raises(ActionRefused, match="begins with entry 2, this hub has read up to 0"):
        carrier.take_back(restored, late)
    assert restored.names() == []


def test_answers_for_others_of_others_or_hurt_are_refused(start: Start, carrier: Carrier) -> None:
    one, other = start("one"), start("other")
    one.athlete("Ann")
    bundle = carrier.write(one)
    carrier.accept(bundle)
    answer = carrier.answer(one)
    with pytest.raises(ActionRefused, match="the answer for another hub"):
        carrier.take_back(other, answer)
    with pytest.raises(ActionRefused, match="goes to the cloud"):
        carrier.take_back(one, bundle)
    whole = answer.read_bytes()
    for at in range(0, len(whole), 37):
        answer.write_bytes(whole[:at])
        with pytest.raises(BundleDamaged):
            carrier.take_back(one, answer)
        hurt = bytearray(whole)
        hurt[at] ^= 1
        answer.write_bytes(hurt)
        with pytest.raises((BundleDamaged, ActionRefused)):
            carrier.take_back(one, answer)
    assert one.books.pending == 1
    answer.write_bytes(whole)
    assert carrier.take_back(one, answer).acknowledged == 1
