"""Keys change hands safely, hubs are shut out, versions agree, refused edits are seen and tried again."""

from __future__ import annotations

import base64
from collections.abc import Callable

import msgspec
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud import hubs, letters, records
from cloud.clock import now_ms
from cloud.errors import NotThere
from cloud.records import Refusal
from cloud.store.database import Database
from hub.store import athletes, dead_letters
from hub.syncing.enrolment import load_key, load_next_key, prepare_next_key
from sync import wire
from sync.errors import CloudUnreachable, OutOfStep, SignInNeeded
from tests.cloud.conftest import in_cloud, run
from tests.cloud.pitchside import HubOn, Through, docs
from tests.cloud.sender import Sender

Db = psycopg.Connection[tuple[object, ...]]
Start = Callable[..., HubOn]


def rotate(hub: HubOn) -> None:
    seed = prepare_next_key(hub.key_path)

    async def go() -> None:
        async with hub.dial() as client:
            await client.rotate(seed)

    run(go())


# --- keys


def test_a_hub_gets_a_new_key_and_the_old_one_is_worth_nothing(start: Start, line: Through) -> None:
    hub = start("card")
    old = load_key(hub.key_path)
    rotate(hub)
    assert load_key(hub.key_path) != old
    assert load_next_key(hub.key_path) is None
    hub.athlete("Ann")
    hub.sync()
    hub.key_path.write_bytes(old)
    with pytest.raises(SignInNeeded):
        hub.sync()


@pytest.mark.parametrize("answered", [2, 3, 4, 5])
def test_a_cut_while_keys_change_leaves_the_hub_with_a_key_that_works(
    start: Start, line: Through, answered: int
) -> None:
    hub = start("card")
    line.most = len(line.asked) + answered  # challenge, session, rotate, challenge, session
    if answered < 5:
        with pytest.raises(CloudUnreachable):
            rotate(hub)
    else:
        rotate(hub)
    line.most = None
    hub.athlete("Ann")
    hub.sync()
    assert hub.books.pending == 0
    rotate(hub)
    hub.sync()


def test_the_next_key_must_be_signed_by_the_one_in_use(hub: Sender) -> None:
    coming = Ed25519PrivateKey.generate()
    pubkey = base64.b64encode(coming.public_key().public_bytes_raw()).decode()
    forged = base64.b64encode(coming.sign(b"touchline-rotate:" + pubkey.encode())).decode()
    answer = hub.say("/v1/hub/rotate", wire.RotateRequest(pubkey_next=pubkey, sig_old=forged))
    assert answer.status_code == 401
    assert hub.sign_in(key=coming).status_code == 401
    signed = base64.b64encode(hub.key.sign(b"touchline-rotate:" + pubkey.encode())).decode()
    answer = hub.say("/v1/hub/rotate", wire.RotateRequest(pubkey_next=pubkey, sig_old=signed))
    assert answer.status_code == 200
    assert hub.sign_in().status_code == 200  # good until the next one is first used
    old_token = hub.token
    assert hub.sign_in(key=coming).status_code == 200
    hub.token = old_token
    assert hub.push().status_code == 401
    assert hub.sign_in().status_code == 401


def test_a_hub_that_was_shut_out_is_told_so_and_can_join_anew(
    start: Start, url: str, db: Db, claim: Callable[[str], str]
) -> None:
    hub = start("card")
    hub.athlete("Ann")
    hub.sync()
    club = str(db.execute("SELECT club_id FROM club").fetchone()[0])  # type: ignore[index]
    in_cloud(url, lambda it: hubs.revoke(it, club, hub.hub_id, now_ms()))
    hub.athlete("Bea")
    with pytest.raises(SignInNeeded, match="shut out"):
        hub.sync()
    with pytest.raises(NotThere):
        in_cloud(url, lambda it: hubs.revoke(it, club, hub.hub_id, now_ms()))
    hub.rejoin(claim("Rovers"))
    hub.sync()
    assert {it["name"] for it in docs(db, "athlete").values()} == {"Ann", "Bea"}


# --- versions


def test_a_hub_of_another_protocol_is_told_to_update(hub: Sender) -> None:
    greeting = wire.HelloRequest(
        proto=[2, 3],
        epoch=1,
        head_seq=0,
        feed_epoch=1,
        cursor=0,
        boot_no=1,
        boot_id="b",
        mono_ms=1,
        wall_ms=1,
    )
    answer = hub.say("/v1/sync/hello", greeting)
    problem = msgspec.json.decode(answer.content, type=wire.Problem)
    assert (answer.status_code, problem.err) == (409, "proto")
    assert "Update" in problem.detail


def test_a_newer_hub_that_also_speaks_this_protocol_is_let_in(hub: Sender) -> None:
    body = {
        "proto": [1, 2], "epoch": 1, "head_seq": 0, "feed_epoch": 1, "cursor": 0, "boot_no": 1,
        "boot_id": "b", "mono_ms": 1, "wall_ms": 1, "schema_have": 99, "weather": {"rain": True},
    }  # fmt: skip
    answer = hub.say("/v1/sync/hello", body)
    assert answer.status_code == 200
    assert answer.json()["proto"] == 1
    assert answer.json()["max_schema"] == wire.SCHEMA


def test_a_cloud_that_wants_a_newer_hub_stops_it_with_a_sentence(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = start("card")
    monkeypatch.setattr(wire, "OLDEST_SCHEMA", wire.SCHEMA + 1)
    hub.athlete("Ann")
    with pytest.raises(OutOfStep, match="too old") as caught:
        hub.sync()
    assert caught.value.kind == "proto"
    assert hub.books.ops_pending == 1


def test_a_newer_hubs_fields_pass_through_an_older_hub_unharmed(start: Start, db: Db) -> None:
    newer, older = start("newer"), start("older", "boot-b")
    ann = newer.athlete("Ann")
    newer.edit("athlete", ann, boot_size=41, sizes={"shirt": "M"})
    newer.sync()
    older.sync()
    older.edit("athlete", ann, shirt_number=9)
    older.sync()
    newer.sync()
    known = docs(db, "athlete")[ann]
    assert (known["boot_size"], known["sizes"], known["shirt_number"]) == (41, {"shirt": "M"}, 9)
    kept = older.rows("SELECT doc FROM base WHERE pk = ?", ann)[0][0]
    assert msgspec.json.decode(kept)["boot_size"] == 41
    assert newer.verify().is_equal
    assert older.verify().is_equal


def test_after_an_update_a_hub_shows_what_it_had_been_sent_before(start: Start) -> None:
    newer, hub = start("newer"), start("card", "boot-b")
    ann = newer.athlete("Ann")
    newer.edit("athlete", ann, boot_size=41)
    newer.sync()
    hub.sync()
    hub.store.write_now(lambda db: db.execute("ALTER TABLE athlete ADD COLUMN boot_size INTEGER"))
    hub.stop()
    updated = HubOn(hub.card, hub.line, "boot-c")
    try:
        assert updated.rows("SELECT boot_size FROM athlete") == [(41,)]
    finally:
        updated.stop()


def test_a_table_the_cloud_learns_later_is_taken_in_after_its_update(
    start: Start, db: Db, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = start("card")
    hub.edit("lineup", "l1", formation="4-4-2")
    ann = hub.athlete("Ann")
    hub.sync()
    assert hub.books.ops_dead == 1
    assert set(docs(db, "athlete")) == {ann}

    async def replay() -> int:
        database = Database(url)
        try:
            return await letters.replay_deferred(database, now_ms())
        finally:
            await database.close()

    assert run(replay()) == 0
    monkeypatch.setattr(records, "TABLES", {**records.TABLES, "lineup": {}})
    assert run(replay()) == 1
    hub.sync()
    assert docs(db, "lineup") == {"l1": {"formation": "4-4-2"}}
    assert hub.books.ops_dead == 0
    assert run(replay()) == 0
    assert hub.verify().is_equal


# --- refused edits


def test_a_refused_edit_blocks_nothing_is_seen_and_can_be_mended(start: Start, db: Db) -> None:
    hub = start("card")
    ann = hub.athlete("Ann")
    hub.edit("athlete", ann, hr_max_bpm=9999, shirt_number=3)
    hub.athlete("Bea")
    hub.sync()
    assert {it["name"] for it in docs(db, "athlete").values()} == {"Ann", "Bea"}
    (letter,) = hub.ask(dead_letters.waiting)
    assert (letter.pk, letter.reason) == (ann, "invalid")
    assert hub.ask(lambda it: athletes.athlete(it, ann)).hr_max_bpm == 190

    fields = letter.fields | {"hr_max_bpm": 199}
    hub.store.write_now(lambda it: dead_letters.retry(it, hub.moment(), letter.op_id, fields))
    hub.sync()

    assert docs(db, "athlete")[ann]["hr_max_bpm"] == 199
    assert hub.ask(dead_letters.waiting) == []
    assert hub.ask(lambda it: athletes.athlete(it, ann)).shirt_number == 3


def test_a_refused_edit_put_away_is_gone_and_stays_gone(start: Start, db: Db) -> None:
    hub = start("card")
    ann = hub.athlete("Ann")
    hub.edit("athlete", ann, hr_max_bpm=9999)
    hub.sync()
    (letter,) = hub.ask(dead_letters.waiting)
    hub.store.write_now(lambda it: dead_letters.discard(it, letter.op_id, hub.moment().wall_ms))
    hub.sync()
    assert hub.ask(dead_letters.waiting) == []
    assert hub.verify().is_equal


def test_the_office_sees_refused_edits_and_puts_them_away(start: Start, db: Db, url: str) -> None:
    hub = start("card")
    hub.edit("athlete", "x", hr_max_bpm=9999)
    hub.sync()
    club = str(db.execute("SELECT club_id FROM club").fetchone()[0])  # type: ignore[index]
    (letter,) = in_cloud(url, lambda it: letters.waiting(it, club))
    assert (letter.hub_id, letter.code) == (hub.hub_id, "invalid")
    refused = in_cloud(url, lambda it: letters.retry(it, club, letter.op_id, now_ms()))
    assert isinstance(refused, Refusal)
    in_cloud(url, lambda it: letters.discard(it, club, letter.op_id, now_ms()))
    assert in_cloud(url, lambda it: letters.waiting(it, club)) == []
    with pytest.raises(NotThere):
        in_cloud(url, lambda it: letters.discard(it, club, letter.op_id, now_ms()))


def test_an_operation_the_cloud_fails_on_becomes_a_refused_edit_with_its_content_kept_here(
    start: Start, db: Db, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = start("card")
    for number in range(5):
        hub.athlete(f"A{number}")
    hub.edit("athlete", "crash", name="boom", sex="F")
    last = hub.athlete("Last")
    before = records.refusal

    def failing(op: wire.Op) -> Refusal | None:
        if op.pk == "crash" and op.fields:
            raise RuntimeError("a fault of the cloud's own")
        return before(op)

    monkeypatch.setattr("cloud.ingest.refusal", failing)
    for _ in range(12):
        try:
            hub.sync()
        except CloudUnreachable:
            continue
        break
    assert last in docs(db, "athlete")
    assert len(docs(db, "athlete")) == 6
    (letter,) = hub.ask(dead_letters.waiting)
    assert (letter.pk, letter.fields["name"]) == ("crash", "boom")
    assert "failed on it" in letter.reason
    monkeypatch.setattr("cloud.ingest.refusal", before)
    hub.store.write_now(lambda it: dead_letters.retry(it, hub.moment(), letter.op_id))
    hub.sync()
    assert docs(db, "athlete")["crash"]["name"] == "boom"
