"""A hub whose answer was lost asks again and is the same hub; nobody else gets in by it."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from cloud import compaction, erasure, hubs
from cloud.clock import now_ms
from hub.store import meta
from tests.cloud.conftest import in_cloud
from tests.cloud.pitchside import HubOn
from tests.cloud.sender import Sender

Client = TestClient[Litestar]
Db = psycopg.Connection[tuple[object, ...]]
Claim = Callable[[str], str]
Start = Callable[..., HubOn]
CLUB = "Rovers"


def rows(db: Db) -> int:
    found = db.execute("SELECT count(*) FROM hub").fetchone()
    assert found is not None
    return int(str(found[0]))


@pytest.mark.parametrize("is_same_code", [True, False])
def test_the_same_key_is_told_the_same_name_with_the_spent_code_or_a_new_one(
    client: Client, claim: Claim, db: Db, is_same_code: bool
) -> None:
    code, hub = claim(CLUB), Sender(client)
    lost = hub.enrol(code).json()
    again = hub.enrol(code if is_same_code else claim(CLUB)).json()
    assert {**again, "server_ms": 0} == {**lost, "server_ms": 0}
    assert rows(db) == 1
    assert hub.sign_in().status_code == 200
    assert hub.hello().last_seq == 0


def test_a_spent_code_is_good_for_the_key_it_was_spent_by_alone_and_not_for_ever(
    client: Client, claim: Claim, db: Db
) -> None:
    code, hub = claim(CLUB), Sender(client)
    hub.enrol(code)
    assert Sender(client).enrol(code).json()["err"] == "claim_code"
    db.execute("UPDATE claim_code SET expires_ms = 1")
    assert hub.enrol(code).json()["err"] == "claim_code"
    assert rows(db) == 1


def test_a_code_spent_on_asking_again_is_spent(client: Client, claim: Claim) -> None:
    hub, code = Sender(client), claim(CLUB)
    hub.enrol(claim(CLUB))
    hub.enrol(code)
    assert Sender(client).enrol(code).status_code == 403


def test_the_name_is_of_no_use_without_the_key(client: Client, claim: Claim) -> None:
    code, hub = claim(CLUB), Sender(client)
    hub.enrol(code)
    thief = Sender(client, hub_id=hub.enrol(code).json()["hub_id"])
    assert thief.sign_in().status_code == 401


def test_a_hub_that_was_shut_out_does_not_come_back_by_its_spent_code_and_joins_anew_by_another(
    client: Client, claim: Claim, db: Db, url: str
) -> None:
    code, hub = claim(CLUB), Sender(client)
    hub.enrol(code)
    in_cloud(url, lambda it: hubs.revoke(it, hub.club_id, hub.hub_id, now_ms()))
    assert hub.enrol(code).status_code == 403
    former = hub.hub_id
    assert hub.enrol(claim(CLUB)).status_code == 200
    assert hub.hub_id != former
    assert hub.sign_in().status_code == 200
    assert rows(db) == 2


def test_a_hub_that_was_heard_is_somebody_a_copy_of_its_key_gets_a_name_of_its_own(
    client: Client, claim: Claim
) -> None:
    code, hub = claim(CLUB), Sender(client)
    hub.enrol(code)
    former = hub.hub_id
    hub.sign_in()
    hub.hello()
    assert Sender(client, key=hub.key).enrol(code).status_code == 403
    copy = Sender(client, key=hub.key)
    assert copy.enrol(claim(CLUB)).status_code == 200
    assert copy.hub_id != former


def test_a_club_of_another_name_knows_nothing_of_the_key(client: Client, claim: Claim) -> None:
    here, there = Sender(client), claim("City")
    here.enrol(claim(CLUB))
    other = Sender(client, key=here.key)
    other.enrol(there)
    assert (other.hub_id != here.hub_id, other.club_id != here.club_id) == (True, True)


def test_a_rejoin_whose_answer_was_lost_becomes_one_hub_and_sends_everything(
    start: Start, claim: Claim, db: Db
) -> None:
    hub = start("card")
    hub.athlete("Ann")
    hub.sync()
    hub_id, code = hub.ask(lambda it: meta.value(it, "hub_id")), claim(CLUB)
    database_write, hub.store.write = hub.store.write, _lost  # type: ignore[method-assign, assignment]
    with pytest.raises(ConnectionError):
        hub.rejoin(code)
    hub.store.write = database_write  # type: ignore[method-assign]
    hub.rejoin(code)
    assert rows(db) == 2
    assert hub.ask(lambda it: meta.value(it, "hub_id")) != hub_id
    hub.relay = hub._relay()
    hub.athlete("Eve")
    assert hub.sync().ops_sent == 2


async def _lost(change: object) -> None:
    raise ConnectionError("power cut before the answer was written down")


def test_a_hub_that_was_never_heard_of_holds_up_neither_compaction_nor_an_erasures_receipts(
    start: Start, url: str
) -> None:
    hub, silent = start("card"), start("silent")
    athlete_id, _ = hub.athlete("Ann"), hub.athlete("Eve")
    hub.sync()
    club_id = str(hub.ask(lambda it: meta.value(it, "club_id")))
    in_cloud(url, lambda it: erasure.erase(it, club_id, athlete_id, "coach", now_ms()))
    hub.sync()
    hub.sync()

    def receipts() -> list[bool]:
        (found,) = in_cloud(url, lambda it: erasure.receipts(it, club_id))
        return sorted(it.is_done for it in found.hubs)

    assert receipts() == [True]
    assert in_cloud(url, lambda it: compaction.compact(it, club_id, now_ms() + 1, kept_ms=0)) > 0
    silent.sync()
    assert silent.rows("SELECT name FROM athlete") == [("Eve",)], "it begins with a snapshot"
    assert len(receipts()) == 2, "once heard it answers for itself"
