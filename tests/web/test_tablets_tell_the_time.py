"""Every page tells the hub its tablet's time; only who is signed in is heard, and no other site."""

from __future__ import annotations

from dataclasses import replace

from litestar.testing import TestClient

from hub.domain import Role
from hub.web.app import create_web
from tests.web.conftest import ORIGIN, OWN, PASSWORD, add_user
from tests.web.small_hub import SmallHub

NOW_MS = 1_795_255_200_000


def test_a_tablet_is_heard_under_its_own_sign_in(hub: SmallHub) -> None:
    heard: list[tuple[str, int]] = []
    add_user(hub, "coach", Role.ADMIN)
    add_user(hub, "helper", Role.STAFF)
    app = create_web(replace(hub.parts, hear_tablet=lambda tablet, said_ms: heard.append((tablet, said_ms))))
    with TestClient(app, base_url=ORIGIN) as client:
        client.headers.update(OWN)
        client.follow_redirects = False
        assert client.post("/clock", json={"now_ms": NOW_MS}).status_code in (303, 401)
        for name in ("coach", "helper", "helper"):
            client.post("/sign-in", data={"name": name, "password": PASSWORD})
            assert client.post("/clock", json={"now_ms": NOW_MS}).status_code == 204
            assert client.post("/clock", json={"now_ms": NOW_MS + 1}).status_code == 204
        assert client.post("/clock", json={"now_ms": "noon"}).status_code == 400
        alien = {"origin": "https://elsewhere.example", "sec-fetch-site": "cross-site"}
        assert client.post("/clock", json={"now_ms": 1}, headers=alien).status_code == 403
    assert [said_ms - NOW_MS for _, said_ms in heard] == [0, 1] * 3
    assert len({tablet for tablet, _ in heard}) == 3
