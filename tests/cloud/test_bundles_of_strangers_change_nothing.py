"""What is not a hub's own, whole bundle for this club is refused with a sentence, and nothing is applied."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from cloud.clock import now_ms
from cloud.hubs import revoke
from cloud.store.database import Database, connect
from hub.store import meta
from hub.syncing.enrolment import load_key
from sync import bundle_keys, wire
from sync.bundle import Head, Sealer, new_head
from sync.bundle_keys import CloudKey, one_time_key, public_of, receiving_key
from sync.bundle_wire import End, Manifest
from sync.reconcile import greeting
from tests.cloud.carrier import Carrier
from tests.cloud.conftest import run
from tests.cloud.pitchside import HubOn

Start = Callable[..., HubOn]
Chunks = list[tuple[str, bytes]]


@pytest.fixture
def carrier(url: str, tmp_path: Path) -> Carrier:
    return Carrier(url, tmp_path / "stick")


@pytest.fixture
def hub(start: Start) -> HubOn:
    hub = start("card")
    hub.session({hub.athlete("Ann"): [(0, 600)]})
    return hub


def untouched(db: Any) -> bool:
    rows = [
        db.execute(f"SELECT count(*) FROM {it}").fetchone() for it in ("change_log", "segment", "row_state")
    ]
    return rows == [(0,)] * 3


def forged(carrier: Carrier, hub: HubOn, contents: Chunks, seed: bytes | None = None, **other: Any) -> Path:
    """A bundle with a sound frame and whatever chunks are given."""
    author = carrier.author(hub)
    seed = seed or author.seed
    bundle_id = str(uuid.uuid4())
    once = one_time_key(seed, bundle_id.encode())
    said: dict[str, Any] = {
        "writer": "hub", "bundle_id": bundle_id, "club_id": author.club_id, "hub_id": author.hub_id,
        "made_ms": 1, "once": base64.b64encode(public_of(once)).decode(),
        "to": bundle_keys.fingerprint(author.cloud.exchange), **other,
    }  # fmt: skip
    signed = new_head(Head(**said), seed)
    sealer = Sealer(bundle_keys.chunk_key(once, author.cloud.exchange, signed.signed), signed.signed)
    data = b"".join(sealer.seal(kind, content) for kind, content in contents)  # type: ignore[arg-type]
    path = carrier.stick / f"{bundle_id}.tlb"
    path.write_bytes(signed.signed + signed.signature + data)
    return path


def manifest(carrier: Carrier, hub: HubOn, **other: Any) -> bytes:
    author = carrier.author(hub)
    reply = base64.b64encode(public_of(receiving_key(author.seed))).decode()
    said = {"first_seq": 1, "chain_before": "00" * 32, "reply_key": reply, **other}
    return msgspec.json.encode(Manifest(greeting=greeting(author.standing, 1, 1), **said))


def test_any_cut_and_any_changed_byte_leaves_the_cloud_as_it_was(
    hub: HubOn, carrier: Carrier, db: Any
) -> None:
    path = carrier.write(hub)
    whole, rng = path.read_bytes(), Random(3)
    sizes = [0, 8, 200, len(whole) - 1, *(rng.randrange(len(whole)) for _ in range(12))]
    for size in sizes:
        path.write_bytes(whole[:size])
        assert carrier.accept(path).state == "refused", size
    for at in (*range(0, 20), *(rng.randrange(len(whole)) for _ in range(25)), len(whole) - 1):
        hurt = bytearray(whole)
        hurt[at] ^= 1 << rng.randrange(8)
        path.write_bytes(hurt)
        result = carrier.accept(path)
        assert result.state == "refused", at
        assert result.words.endswith((".", ")")), result.words
    assert untouched(db)
    path.write_bytes(whole)
    assert carrier.accept(path).state == "taken"


def test_another_clubs_upload_page_refuses_it_without_a_word_of_whose_it_is(
    hub: HubOn, carrier: Carrier, db: Any
) -> None:
    result = carrier.accept(carrier.write(hub), club_id=str(uuid.uuid4()))
    assert result.words == "It is another club's."
    assert not result.may_be_answered
    assert untouched(db)


def test_a_hub_that_was_shut_out_is_shut_out_by_stick_too(
    hub: HubOn, carrier: Carrier, db: Any, url: str
) -> None:
    club_id = str(hub.ask(lambda db: meta.value(db, "club_id")))

    async def shut_out() -> None:
        connection = await connect(url)
        try:
            await revoke(connection, club_id, hub.hub_id, now_ms())
        finally:
            await connection.close()

    path = carrier.write(hub)
    run(shut_out())
    result = carrier.accept(path)
    assert result.state == "refused"
    assert "shut out" in f"{result.words} {result.hint}"
    assert untouched(db)


def test_a_hub_nobody_knows_and_a_key_that_is_not_its_own_are_refused(
    hub: HubOn, carrier: Carrier, db: Any
) -> None:
    contents = [("M", manifest(carrier, hub)), ("E", msgspec.json.encode(End()))]
    unknown = forged(carrier, hub, contents, hub_id=str(uuid.uuid4()))
    assert carrier.accept(unknown).state == "refused"
    stranger = forged(carrier, hub, contents, seed=bytes(32))
    assert "not signed with this hub's key" in carrier.accept(stranger).words
    answer = forged(carrier, hub, contents, writer="cloud")
    assert "the cloud's own answer" in carrier.accept(answer).words
    assert untouched(db)


def test_a_bundle_sealed_for_another_cloud_is_refused(hub: HubOn, carrier: Carrier, db: Any) -> None:
    path = forged(carrier, hub, [("M", manifest(carrier, hub))], to="0" * 16)
    assert "sealed for another key" in carrier.accept(path).words
    assert untouched(db)


def test_a_key_that_was_handed_over_but_not_used_yet_is_known(
    start: Start, hub: HubOn, carrier: Carrier
) -> None:
    hub.sync()
    hub.athlete("Bea")
    from hub.syncing.enrolment import adopt_next_key, prepare_next_key

    async def rotate() -> None:
        async with hub.dial() as client:
            seed = prepare_next_key(hub.key_path)
            request = wire.RotateRequest(
                pubkey_next=_public(seed), sig_old=_signed(load_key(hub.key_path), seed)
            )
            await client._signed_in("v1/hub/rotate", wire.RotateResponse, *_json(request))

    run(rotate())
    adopt_next_key(hub.key_path)
    assert carrier.there_and_back(hub).acknowledged == 1


def _public(seed: bytes) -> str:
    from sync.keys import public_key_b64

    return public_key_b64(seed)


def _signed(old: bytes, new: bytes) -> str:
    from sync.keys import public_key_b64, sign_next_key

    return sign_next_key(old, public_key_b64(new))


def _json(message: wire.Message) -> Any:
    from sync.client import _json as encoded

    return encoded(message)


def op(seq: int, **other: Any) -> wire.Op:
    said: dict[str, Any] = {
        "op_id": str(uuid.uuid4()), "tbl": "athlete", "pk": "a", "fields": {}, "after_ms": 0, "boot_no": 1,
        "mono_ms": 1, "chain": "11" * 32, **other,
    }  # fmt: skip
    return wire.Op(seq=seq, **said)


def test_sound_frames_with_senseless_content_are_refused_whole(hub: HubOn, carrier: Carrier, db: Any) -> None:
    start, end = ("M", manifest(carrier, hub)), ("E", msgspec.json.encode(End()))

    def ops(*given: wire.Op, epoch: int = 1) -> tuple[str, bytes]:
        return "O", msgspec.json.encode(wire.PushRequest(epoch=epoch, ops=list(given)))

    hostile: list[Chunks] = [
        [end],
        [start, start, end],
        [("M", b"[]"), end],
        [("M", b"[" * 5000), end],
        [("M", manifest(carrier, hub, first_seq=0)), end],
        [("M", manifest(carrier, hub, first_seq=-5)), end],
        [("M", manifest(carrier, hub, reply_key="AAAA")), end],
        [start, ("O", b"{"), end],
        [start, ops(op(1), op(3)), end],
        [start, ops(op(2)), end],
        [start, ops(op(1)), end],
        [start, ops(epoch=9), end],
        [start, ("S", b"no frames"), end],
        [start, ("F", b"{}"), end],
        [start, ("E", msgspec.json.encode(End(ops=7)))],
        [start, ops(*(op(n + 1) for n in range(5001))), end],
    ]
    for contents in hostile:
        result = carrier.accept(forged(carrier, hub, contents))
        assert result.state == "refused", contents
        assert "\n" not in result.words
    assert untouched(db)


def test_absurd_numbers_in_a_manifest_are_survived(hub: HubOn, carrier: Carrier, db: Any) -> None:
    author = carrier.author(hub)
    wild = msgspec.structs.replace(
        greeting(author.standing, 1, 1), epoch=1, cursor=-(2**62), head_seq=2**62, feed_epoch=-3, boot_no=-1,
        erased_seq=2**62, cursor_op="\0", run_id="\0" * 500,
    )  # fmt: skip
    reply = base64.b64encode(public_of(receiving_key(author.seed))).decode()
    said = msgspec.json.encode(Manifest(greeting=wild, first_seq=1, chain_before="00" * 32, reply_key=reply))
    path = forged(carrier, hub, [("M", said), ("E", msgspec.json.encode(End()))], made_ms=-(2**52))
    assert carrier.accept(path).state == "there"
    carrier.answer(hub)
    assert db.execute("SELECT erased_seq, pull_cursor FROM hub").fetchone() == (0, 0)


def test_recordings_that_are_damaged_inside_are_refused_one_by_one(
    hub: HubOn, carrier: Carrier, db: Any
) -> None:
    good = hub.rows("SELECT seg_id FROM segment")
    hub.store.write_now(
        lambda db: db.execute(
            "UPDATE segment SET blob = CAST(x'00' || substr(blob, 2) AS BLOB) WHERE seg_id = ?", good[0]
        )
    )
    result = carrier.accept(carrier.write(hub))
    assert (result.segments_new, result.segments_refused) == (1, 1)
    carrier.take_back(hub, carrier.answer(hub))
    assert hub.rows("SELECT count(*) FROM segment WHERE state = 'sealed'") == [(1,)], "the hub keeps it"
    assert (hub.books.segments_pending, hub.books.segments_refused) == (0, 1), "and heard of it"


def test_a_club_has_one_key_whoever_asks_first(url: str, start: Start) -> None:
    from cloud.bundle_keys import public_key

    hub = start("card")
    club_id = str(hub.ask(lambda db: meta.value(db, "club_id")))

    async def asked() -> set[str]:
        database = Database(url)
        try:
            keys = set()
            for _ in range(3):
                async with database.transaction() as db:
                    keys.add(await public_key(db, club_id, now_ms()))
            return keys
        finally:
            await database.close()

    keys = run(asked())
    assert keys == {hub.ask(lambda db: meta.value(db, "bundle_key"))}
    assert CloudKey.from_wire(keys.pop()) is not None
