"""Only a hub with its key and an unused code gets in, and only whole bodies are read."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from litestar import Litestar
from litestar.testing import TestClient

from sync import wire
from sync.bounds import MAX_BODY_BYTES
from tests.cloud.sender import Sender

Client = TestClient[Litestar]
Db = psycopg.Connection[tuple[object, ...]]


def test_a_claim_code_works_once_however_it_is_typed(client: Client, claim: Callable[[str], str]) -> None:
    code = claim("Rovers")
    assert len(code) == 8
    typed = f" {code[:4].lower()}-{code[4:]} "
    assert Sender(client).enrol(typed).json()["club_name"] == "Rovers"
    again = Sender(client).enrol(code)
    assert (again.status_code, again.json()["err"]) == (403, "claim_code")


def test_an_expired_claim_code_is_refused(client: Client, claim: Callable[[str], str], db: Db) -> None:
    code = claim("Rovers")
    db.execute("UPDATE claim_code SET expires_ms = 1")
    assert Sender(client).enrol(code).status_code == 403


def test_guessing_claim_codes_is_stopped(client: Client, claim: Callable[[str], str]) -> None:
    statuses = [Sender(client).enrol(f"AAAA{i:04}").status_code for i in range(22)]
    assert statuses[:20] == [403] * 20
    assert statuses[20:] == [429, 429]
    assert Sender(client).enrol(claim("Rovers")).status_code == 429


def test_a_wrong_key_opens_no_session(hub: Sender) -> None:
    nonce = hub.nonce()
    refused = hub.sign_in(nonce=nonce, key=Ed25519PrivateKey.generate())
    assert (refused.status_code, refused.json()["err_class"]) == (401, "permanent")
    assert hub.sign_in(nonce=nonce).status_code == 401, "the nonce was used up"
    assert hub.sign_in().status_code == 200


def test_a_nonce_is_good_once_for_a_minute_and_for_its_own_hub(
    new_hub: Callable[..., Sender], db: Db
) -> None:
    hub, other = new_hub(), new_hub()
    nonce = hub.nonce()
    assert other.sign_in(nonce=nonce).status_code == 401
    assert hub.sign_in(nonce=nonce).status_code == 200
    assert hub.sign_in(nonce=nonce).status_code == 401
    old = hub.nonce()
    db.execute("UPDATE hub_nonce SET expires_ms = expires_ms - 60000")
    answer = hub.sign_in(nonce=old)
    assert (answer.status_code, answer.json()["err_class"]) == (401, "session")


def test_secrets_are_stored_hashed_only(hub: Sender, claim: Callable[[str], str], db: Db) -> None:
    secrets = [hub.token, hub.nonce(), claim("Rovers")]
    stored = [db.execute(f"SELECT * FROM {t}").fetchall() for t in ("hub_token", "hub_nonce", "claim_code")]
    assert all(stored)
    assert not any(secret.encode() in repr(stored).encode() for secret in secrets)


def test_without_a_good_token_the_hub_is_asked_to_sign_in(hub: Sender, db: Db) -> None:
    token = hub.token
    for bad in ("", "nonsense"):
        hub.token = bad
        answer = hub.push(hub.op("athlete", "a", name="Ann"))
        assert (answer.status_code, answer.json()["err_class"]) == (401, "session")
    hub.token = token
    db.execute("UPDATE hub_token SET expires_ms = 1")
    assert hub.say("/v1/seg/have", wire.HaveRequest(ids=[])).status_code == 401
    assert db.execute("SELECT count(*) FROM change_log").fetchone() == (0,)


def test_an_unknown_hub_gets_no_challenge(client: Client) -> None:
    answer = Sender(client).say("/v1/sync/challenge", wire.ChallengeRequest(hub_id="nobody"))
    assert (answer.status_code, answer.json()["err"]) == (404, "unknown_hub")


def test_hello_tells_both_sides_where_they_stand(hub: Sender) -> None:
    hub.push(hub.op("athlete", "a", name="Ann"))
    hello = hub.hello()
    assert (hello.last_seq, hello.last_chain, hello.epoch, hello.head) == (1, hub.chain, 1, 1)


def test_a_body_that_differs_from_its_digest_is_to_be_sent_again(hub: Sender) -> None:
    body = json.dumps({"ids": []}).encode()
    for wrong in ("sha-256=:AAAA:", "md5=:AAAA:"):
        answer = hub.post("/v1/seg/have", body, **{"Content-Digest": wrong})
        assert (answer.status_code, answer.json()["err_class"]) == (400, "transient")
    assert hub.post("/v1/seg/have", body).status_code == 200


def test_answers_carry_their_own_digest(hub: Sender) -> None:
    from tests.cloud.sender import digest

    answer = hub.say("/v1/seg/have", wire.HaveRequest(ids=[]))
    assert answer.headers["content-digest"] == digest(answer.content)


def test_bodies_too_large_or_unzipping_to_too_much_are_413(hub: Sender) -> None:
    large = hub.post("/v1/seg", bytes(MAX_BODY_BYTES + 1), content_type="application/octet-stream")
    assert large.status_code == 413
    bomb = gzip.compress(bytes(9 << 20))
    assert hub.post("/v1/sync/push", bomb, **{"Content-Encoding": "gzip"}).status_code == 413
    cut = hub.post("/v1/sync/push", gzip.compress(b"{}" * 99)[:-9], **{"Content-Encoding": "gzip"})
    assert cut.status_code == 400


def test_a_message_of_the_wrong_shape_is_a_permanent_problem(hub: Sender) -> None:
    for path, message in (("/v1/sync/push", {"epoch": "one"}), ("/v1/seg/have", {"ids": ["zz"]})):
        answer = hub.say(path, message)
        assert (answer.status_code, answer.json()["err_class"]) == (400, "permanent")
