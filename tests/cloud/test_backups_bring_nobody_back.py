"""A cloud put back to a backup: hubs notice by what they read last, and remind it of whom it had erased."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from cloud import erasure
from cloud.clock import now_ms
from cloud.greeting import begin_all_feeds_anew
from sync import wire
from sync.errors import OutOfStep
from tests.cloud.conftest import in_cloud, run
from tests.cloud.pitchside import HubOn, docs
from tests.cloud.sender import Sender
from tests.cloud.test_cards_restored_and_copied import back_up, put_back

Db = psycopg.Connection[tuple[object, ...]]
Start = Callable[..., HubOn]
FENCE = ("erased_subject", "erased_row", "erased_stream", "erased_segment")


def erase(url: str, db: Db, athlete_id: str) -> None:
    club = str((db.execute("SELECT club_id FROM club").fetchone() or ("",))[0])
    in_cloud(url, lambda it: erasure.erase(it, club, athlete_id, "a test", now_ms()))


def restore(url: str, db: Db) -> None:
    """The database as it was before, and what the admin runs after it."""
    put_back(db)
    for table in FENCE:
        db.execute(f"DELETE FROM {table}")
    in_cloud(url, lambda it: begin_all_feeds_anew(it, now_ms()))


def epoch(db: Db) -> int:
    return int(str((db.execute("SELECT feed_epoch FROM club_clock").fetchone() or (0,))[0]))


@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_whom_a_backup_brings_back_the_hubs_have_erased_again(
    start: Start, db: Db, url: str, first: str
) -> None:
    hubs = {"ours": start("ours"), "theirs": start("theirs", "boot-b")}
    ours, theirs = hubs["ours"], hubs["theirs"]
    ann, bea = ours.athlete("Ann"), ours.athlete("Bea")
    ours.session({ann: [(0, 300)], bea: [(300, 600)]})
    ours.sync()
    theirs.sync()
    back_up(db)
    erase(url, db, ann)
    ours.sync()
    theirs.sync()
    held = db.execute("SELECT encode(seg_id, 'hex') FROM segment ORDER BY 1").fetchall()

    restore(url, db)
    assert ann in docs(db, "athlete")
    order = [hubs[first], *(it for name, it in hubs.items() if name != first)]
    for hub in [*order, *order, *order]:
        hub.sync()
        assert "Ann" not in hub.names()

    assert list(docs(db, "athlete")) == [bea]
    assert ann not in str(docs(db, "stream_assignment"))
    assert db.execute("SELECT encode(seg_id, 'hex') FROM segment ORDER BY 1").fetchall() == held
    assert db.execute("SELECT subject_id FROM erased_subject").fetchall() == [(ann,)]
    assert db.execute("SELECT count(*) FROM hub WHERE erased_seq >= (SELECT seq FROM erased_subject)"
                      ).fetchone() == (2,)  # fmt: skip
    assert ours.verify().is_equal
    assert theirs.verify().is_equal


def test_samples_whose_wearer_the_backup_never_knew_go_again(start: Start, db: Db, url: str) -> None:
    hub = start("ours")
    ann, bea = hub.athlete("Ann"), hub.athlete("Bea")
    hub.sync()
    hub.session({ann: [(0, 300)], bea: [(300, 600)]})
    hub.send_samples()
    back_up(db)  # the samples are in it, who wore the strap is not
    hub.sync()
    erase(url, db, ann)
    for _ in range(2):
        hub.sync()
    held = db.execute("SELECT encode(seg_id, 'hex') FROM segment ORDER BY 1").fetchall()
    assert len(held) == 1

    restore(url, db)
    assert db.execute("SELECT count(*) FROM segment").fetchone() == (2,)
    for _ in range(3):
        hub.sync()
    assert db.execute("SELECT encode(seg_id, 'hex') FROM segment ORDER BY 1").fetchall() == held
    assert {it["athlete_id"] for it in docs(db, "stream_assignment").values()} == {bea}
    assert hub.verify().is_equal


def test_a_hub_reminds_the_cloud_once_and_not_at_every_greeting(start: Start, db: Db, url: str) -> None:
    ours = start("ours")
    ann = ours.athlete("Ann")
    ours.sync()
    erase(url, db, ann)
    ours.sync()
    assert run(ours.outbox.standing()).erased == (ann,)
    ours.sync()
    assert run(ours.outbox.standing()).erased == ()


def test_somebody_this_backup_never_knew_is_fenced_off_all_the_same(hub: Sender, db: Db) -> None:
    greeting = wire.HelloRequest(
        proto=[1], epoch=1, head_seq=0, feed_epoch=0, cursor=0, boot_no=1, boot_id="b", mono_ms=1, wall_ms=0,
        erased=["gone", "gone", "", "x\0"],
    )  # fmt: skip
    for _ in range(2):
        assert hub.say("/v1/sync/hello", greeting).status_code == 200
    assert [op.kind for op in hub.pull().ops] == ["erase"]
    assert hub.push(hub.op("athlete", "gone", name="Ann")).json()["results"][0]["code"] == "erased"
    assert docs(db, "athlete") == {}


def test_two_restores_within_a_minute_are_two_feeds(start: Start, db: Db, url: str) -> None:
    ours, theirs = start("ours"), start("theirs", "boot-b")
    ours.athlete("Ann")
    ours.sync()
    theirs.sync()
    back_up(db)
    epochs = [epoch(db)]
    for name in ("Bea", "Cat"):
        restore(url, db)
        epochs.append(epoch(db))
        ours.athlete(name)
        for hub in (ours, theirs, ours, theirs):
            hub.sync()
    assert epochs == sorted(set(epochs))
    assert ours.names() == theirs.names() == ["Ann", "Bea", "Cat"]


def test_a_pull_behind_another_entry_than_the_clouds_is_told_to_begin_anew(hub: Sender, db: Db) -> None:
    hub.push(hub.op("athlete", "a", name="Ann"), hub.op("athlete", "b", name="Bea"))
    first = hub.pull().ops[0].op_id
    headers = {"Authorization": f"Bearer {hub.token}"}
    ask = {"after": 1, "feed_epoch": 1}
    same = hub.client.get("/v1/sync/pull", params={**ask, "cursor_op": first}, headers=headers).json()
    assert [op["seq"] for op in same["ops"]] == [2]
    assert same["reset"] is None
    other = hub.client.get("/v1/sync/pull", params={**ask, "cursor_op": hub.hub_id}, headers=headers).json()
    assert other["ops"] == []
    assert other["reset"]["at_seq"] == 2
    assert epoch(db) > 1


def test_after_the_copy_has_joined_as_a_hub_of_its_own_the_other_counts_as_one_again(
    start: Start, tmp_path: Path, claim: Callable[[str], str], db: Db
) -> None:
    first = start("card")
    first.athlete("Ann")
    first.sync()
    first.copy_card(tmp_path / "copy")
    second = start("copy", "boot-two")
    for hub, name in ((first, "Bea"), (second, "Cat")):
        hub.athlete(name)
        hub.sync()
    first.athlete("Dee")
    with pytest.raises(OutOfStep):
        first.sync()
    cloned = "SELECT count(*) FROM hub WHERE cloned_ms IS NOT NULL"
    assert db.execute(cloned).fetchone() == (1,)
    first.rejoin(claim("Rovers"))
    assert db.execute(cloned).fetchone() == (0,)
    for hub in (first, second, first, second):
        hub.sync()
    assert first.names() == second.names() == ["Ann", "Bea", "Cat", "Dee"]


def test_who_cannot_sign_as_that_hub_does_not_speak_for_it(
    hub: Sender, claim: Callable[[str], str], db: Db
) -> None:
    db.execute("UPDATE hub SET cloned_ms = 1")
    stranger = Sender(hub.client)
    request = wire.EnrolRequest(
        claim_code=claim("Rovers"), pubkey="A" * 43 + "=", leaves=hub.hub_id, sig_old="A" * 86 + "=="
    )
    assert stranger.say("/v1/hub/enrol", request).status_code == 200
    assert db.execute("SELECT count(*) FROM hub WHERE cloned_ms = 1").fetchone() == (1,)


def test_a_snapshot_tells_the_board_of_its_athletes(start: Start, db: Db, url: str) -> None:
    ours = start("ours")
    ours.athlete("Ann")
    ours.sync()
    told: list[set[str]] = []

    async def heard(athletes: set[str]) -> None:
        told.append(athletes)

    ours.outbox._on_athletes = heard
    db.execute("UPDATE club_clock SET feed_epoch = 77")
    ours.sync()
    assert told == [set(docs(db, "athlete"))]


def test_a_greeting_every_few_seconds_leaves_an_anchor_every_few_minutes(hub: Sender, db: Db) -> None:
    for mono_ms in (1000, 6000, 11_000, 599_000, 603_000, 610_000):
        greeting = wire.HelloRequest(
            proto=[1], epoch=1, head_seq=0, feed_epoch=0, cursor=0, boot_no=1, boot_id="b", mono_ms=mono_ms,
            wall_ms=0,
        )  # fmt: skip
        assert hub.say("/v1/sync/hello", greeting).status_code == 200
    assert db.execute("SELECT mono_ms FROM hub_anchor ORDER BY 1").fetchall() == [(1000,), (603_000,)]
