"""A club that asks too much at once waits, is asked to come back, and no other club notices; nothing is lost.

A lock on the club's feed, held by the test, stands for work that takes long: so much is worked on, so much
waits, and the order of what is answered does not depend on how fast the machine is.
"""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import replace

import httpx
import msgspec
import psycopg
import pytest
import uvicorn
from litestar import Litestar

from cloud.turns import AT_ONCE, RETRY_AFTER_S, SPREAD_S, WAITING, Turns
from sync import wire
from sync.errors import CloudUnreachable
from sync.segments import frame, seal
from tests.cloud.pitchside import HubOn
from tests.cloud.sender import Sender, digest, steady

Db = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def origin(app: Litestar) -> Iterator[str]:
    """The service behind a real socket; who waits in it waits till the test lets it."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        until(lambda: server.started)
        app.state.api = replace(app.state.api, turns=Turns(longest_wait_s=600))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


@pytest.fixture
def join(origin: str, claim: Callable[[str], str]) -> Iterator[Callable[[str], Sender]]:
    """A hub of that club, signed in, on connections of its own."""
    clients: list[httpx.Client] = []

    def go(club_name: str) -> Sender:
        client = httpx.Client(base_url=origin, timeout=30, limits=httpx.Limits(max_connections=100))
        clients.append(client)
        hub = Sender(client)
        assert hub.enrol(claim(club_name)).status_code == 200
        assert hub.sign_in().status_code == 200
        return hub

    yield go
    for client in clients:
        client.close()


def until(is_so: Callable[[], bool]) -> None:
    """Wait for it; never is a failure."""
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextmanager
def slow(db: Db, club_id: str) -> Iterator[None]:
    """While the block lasts no change of this club can be committed, and its hubs' rows are held."""
    with db.transaction():
        db.execute("SELECT 1 FROM hub WHERE club_id = %s FOR UPDATE", (club_id,))
        db.execute("SELECT 1 FROM club_clock WHERE club_id = %s FOR UPDATE", (club_id,))
        yield


def standing(app: Litestar, hub: Sender) -> tuple[int, int]:
    found: tuple[int, int] = app.state.api.turns.standing(hub.club_id)
    return found


def count(db: Db, sql: str, *values: object) -> object:
    row = db.execute(sql, values).fetchone()
    assert row is not None
    return row[0]


def test_while_one_club_floods_the_others_are_answered_and_it_loses_and_doubles_nothing(
    app: Litestar, join: Callable[[str], Sender], db: Db
) -> None:
    flooding, calm = join("Rovers"), join("United")
    ops = [flooding.add_athlete(f"Player {n}", n)[1] for n in range(40)]
    bodies = [msgspec.json.encode(wire.PushRequest(epoch=1, ops=ops[: n + 1])) for n in range(40)]
    with ThreadPoolExecutor(60) as pool:
        with slow(db, flooding.club_id):
            flood = [pool.submit(flooding.post, "/v1/sync/push", body) for body in bodies]
            sent_away = [it.result() for it in first(flood, 40 - AT_ONCE - WAITING)]
            assert standing(app, flooding) == (AT_ONCE, WAITING)
            # the others: their pushes, their samples and their greetings go through
            assert calm.hello().proto == 1
            assert calm.push(calm.add_athlete("Calm", 1)[1]).status_code == 200
            assert calm.send_segments(seal(str(uuid.uuid4()), 1, steady(120, 60))).stored
            assert [it.kind for it in calm.pull().ops] == ["set"]
            # and the flooding club's own hub may still ask to sign in
            assert flooding.sign_in().status_code == 200
            assert sum(it.done() for it in flood) == len(sent_away)
        worked_on = [it.result() for it in flood if it.result() not in sent_away]

    for answer in sent_away:
        assert answer.status_code == 429
        assert RETRY_AFTER_S <= int(answer.headers["retry-after"]) < RETRY_AFTER_S + SPREAD_S
        problem = msgspec.json.decode(answer.content, type=wire.Problem)
        assert (problem.err, problem.err_class) == ("busy", "transient")
        assert "content-digest" in answer.headers
    assert len(worked_on) == AT_ONCE + WAITING
    assert all(it.status_code == 200 for it in worked_on), [it.text for it in worked_on]
    assert standing(app, flooding) == (0, 0)
    again = flooding.push(*ops)  # the same once more, as a hub does that was asked to wait
    assert again.status_code == 200
    assert again.json()["last_seq"] == 40
    feed = flooding.pull().ops
    assert [it.op_id for it in feed] == [it.op_id for it in ops]
    assert count(db, "SELECT count(*) FROM row_state WHERE club_id = %s", flooding.club_id) == 40


def first(asked: list[Future[httpx.Response]], n: int) -> list[Future[httpx.Response]]:
    """The first so many to be answered."""
    answered = as_completed(asked, 20)
    return [next(answered) for _ in range(n)]


def test_two_hubs_of_a_club_that_send_two_requests_at_a_time_are_never_asked_to_wait(
    join: Callable[[str], Sender],
) -> None:
    hubs = [join("Rovers"), join("Rovers")]

    def samples(hub: Sender) -> list[int]:
        pieces = [frame(seal(str(uuid.uuid4()), 1, steady(100 + n, 300))) for n in range(8)]
        return [hub.post("/v1/seg", it, content_type=wire.FRAMES).status_code for it in pieces]

    def records(hub: Sender) -> list[int]:
        return [hub.push(hub.add_athlete(f"P{n}", n)[1]).status_code for n in range(8)]

    with ThreadPoolExecutor(6) as pool:
        busy = [pool.submit(samples, hub) for hub in hubs for _ in range(2)]
        busy += [pool.submit(records, hub) for hub in hubs]
        assert {code for it in busy for code in it.result()} == {200}


def hang_up_while_waiting(origin: str, hub: Sender, request: bytes, n: int) -> list[socket.socket]:
    host, _, port = origin.removeprefix("http://").partition(":")
    lines = [socket.create_connection((host, int(port)), 10) for _ in range(n)]
    for line in lines:
        line.sendall(request)
    return lines


def test_who_hangs_up_leaves_the_line_but_samples_that_arrived_are_stored(
    app: Litestar, origin: str, join: Callable[[str], Sender], db: Db
) -> None:
    hub = join("Rovers")
    op = hub.add_athlete("Ann", 1)[1]
    body = frame(seal(str(uuid.uuid4()), 1, steady(130, 60)))
    ask = f"GET /v1/sync/pull?after=0 HTTP/1.1\r\nHost: c\r\nAuthorization: Bearer {hub.token}\r\n\r\n"
    store = (
        f"POST /v1/seg HTTP/1.1\r\nHost: c\r\nAuthorization: Bearer {hub.token}\r\n"
        f"Content-Type: {wire.FRAMES}\r\nContent-Digest: {digest(body)}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with ThreadPoolExecutor(4) as pool, slow(db, hub.club_id):
        working = [pool.submit(hub.push, op) for _ in range(AT_ONCE)]
        until(lambda: standing(app, hub) == (AT_ONCE, 0))
        lines = hang_up_while_waiting(origin, hub, ask.encode(), WAITING - 1)
        lines += hang_up_while_waiting(origin, hub, store.encode() + body, 1)
        until(lambda: standing(app, hub) == (AT_ONCE, WAITING))
        assert hub.push(op).status_code == 429
        for line in lines:
            line.close()
        until(lambda: standing(app, hub) == (AT_ONCE, 1))
        later = pool.submit(hub.pull)
        until(lambda: standing(app, hub) == (AT_ONCE, 2))
    assert [it.result().status_code for it in working] == [200, 200]
    assert [it.op_id for it in later.result().ops] == [op.op_id]
    until(lambda: count(db, "SELECT count(*) FROM segment") == 1)
    until(lambda: standing(app, hub) == (0, 0))


def test_greetings_get_through_where_everything_else_of_the_club_is_sent_away(
    app: Litestar, join: Callable[[str], Sender], db: Db
) -> None:
    hub = join("Rovers")
    app.state.api = replace(app.state.api, turns=Turns(at_once=0, waiting=0))
    limits = hub.hello().limits
    assert (limits.inflight, limits.retry_after_s) == (AT_ONCE, RETRY_AFTER_S)
    assert hub.sign_in().status_code == 200
    op = hub.add_athlete("Ann", 1)[1]
    headers = {"Authorization": f"Bearer {hub.token}"}
    paths = ("pull?after=0", "snapshot", "digest", "leaves", "club")
    refused = [hub.client.get(f"/v1/sync/{it}", headers=headers) for it in paths]
    refused += [hub.push(op), hub.say("/v1/seg/have", wire.HaveRequest(ids=[]))]
    refused.append(
        hub.post("/v1/seg", frame(seal(str(uuid.uuid4()), 1, steady(99, 60))), content_type=wire.FRAMES)
    )
    found = wire.VerifiedRequest(records=1, segments=0, waiting=0, differences=0)
    refused.append(hub.say("/v1/sync/verified", found))
    assert [it.status_code for it in refused] == [429] * len(refused)
    assert count(db, "SELECT count(*) FROM change_log") == count(db, "SELECT count(*) FROM segment") == 0


def test_a_hub_that_was_asked_to_wait_sends_the_same_later_and_once(
    app: Litestar, start: Callable[..., HubOn], db: Db
) -> None:
    hub = start("card")
    worn = {hub.athlete("Ann"): [(0, 600)]}
    hub.session(worn)
    usual, none_at_all = app.state.api, Turns(at_once=0, waiting=0)
    app.state.api = replace(usual, turns=none_at_all)
    for _ in range(6):
        with pytest.raises(CloudUnreachable) as caught:
            hub.sync()
        asked_s = caught.value.retry_after_s or 0
        assert RETRY_AFTER_S <= asked_s < RETRY_AFTER_S + SPREAD_S
        assert caught.value.is_untouched
    assert hub.relay.status.asks_to_wait
    assert count(db, "SELECT count(*) FROM change_log") == 0
    app.state.api = usual
    hub.sync()
    assert count(db, "SELECT count(*) FROM change_log") == hub.books.ops_accepted > 0
    assert count(db, "SELECT count(*) FROM segment") == hub.books.segments_stored == 2
    assert (hub.books.pending, hub.books.ops_dead) == (0, 0)
    assert hub.verify().is_equal


def test_a_line_is_no_way_in_for_a_token_that_is_no_good_or_no_longer(
    app: Litestar, join: Callable[[str], Sender], db: Db
) -> None:
    hub = join("Rovers")
    op = hub.add_athlete("Ann", 1)[1]
    assert hub.push(op).status_code == 200
    db.execute("DELETE FROM hub_token")
    assert [hub.push(op).status_code for _ in range(2)] == [401, 401]
    hub.token = "nobody's"
    assert hub.push(op).status_code == 401
    assert standing(app, hub) == (0, 0)
