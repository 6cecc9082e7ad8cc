"""What page tests share: a small hub, clients that are signed in or not, and Chromium."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from hub.domain import Role
from hub.store import accounts
from hub.web.app import create_web
from hub.web.auth import hashed
from tests.browser import browser
from tests.web.small_hub import SmallHub

__all__ = ["browser"]

PASSWORD = "correct horse battery"
ORIGIN = "http://testserver.local"
OWN = {"origin": ORIGIN, "accept": "text/html"}
Client = TestClient[Litestar]


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[SmallHub]:
    """A hub nobody has set up."""
    made = SmallHub(tmp_path)
    yield made
    made.close()


@pytest.fixture
def client(hub: SmallHub) -> Iterator[Client]:
    """A browser that has not signed in; it follows no redirect."""
    with TestClient(create_web(hub.parts), base_url=ORIGIN) as opened:
        opened.headers.update(OWN)
        opened.follow_redirects = False
        yield opened


def add_user(hub: SmallHub, name: str, role: Role) -> None:
    """Somebody with the tests' password."""
    with ThreadPoolExecutor(1) as aside:  # Playwright keeps a loop running in the test's own thread
        password_hash = aside.submit(lambda: asyncio.run(hashed(PASSWORD))).result()
    hub.database.write_now(lambda db: accounts.create_user(db, name, password_hash, role, hub.wall_ms))


def sign_in(client: Client, name: str) -> None:
    """Sign in and keep the cookie."""
    answer = client.post("/sign-in", data={"name": name, "password": PASSWORD})
    assert answer.status_code == 303, answer.text


@pytest.fixture
def admin(hub: SmallHub, client: Client) -> Client:
    """An admin's browser."""
    add_user(hub, "coach", Role.ADMIN)
    sign_in(client, "coach")
    return client


@pytest.fixture
def staff(hub: SmallHub, client: Client) -> Client:
    """A staff member's browser."""
    add_user(hub, "helper", Role.STAFF)
    sign_in(client, "helper")
    return client
