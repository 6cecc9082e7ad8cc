"""A real Postgres for every test: one server a run, a fresh database a test."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from cloud import accounts
from cloud.app import create_cloud
from cloud.clock import now_ms
from cloud.config import CloudSettings
from cloud.loads import recompute_stale
from cloud.store.database import Connection, Database, connect
from cloud.store.embedded import embedded_server
from cloud.store.migrate import migrate
from tests.cloud.sender import Sender

T = TypeVar("T")

PASSWORD = "a long enough password"


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in a thread of its own: the browser tests' thread has a loop already."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """An address with the database name left as `{}`."""
    given = os.environ.get("TOUCHLINE_TEST_DATABASE_URL")
    with ExitStack() as stack:
        if given is None:
            folder = Path(tempfile.mkdtemp(prefix="tl-test-"))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            given = stack.enter_context(embedded_server(folder / "postgres"))
            with psycopg.connect(given, autocommit=True) as db:
                db.execute("ALTER SYSTEM SET fsync = off")
                db.execute("ALTER SYSTEM SET synchronous_commit = off")
                db.execute("SELECT pg_reload_conf()")
        yield given.replace("/touchline?", "/{}?")


@pytest.fixture(scope="session")
def template(server: str) -> str:
    """A migrated database nobody is connected to."""
    with psycopg.connect(server.format("postgres"), autocommit=True) as db:
        db.execute("DROP DATABASE IF EXISTS migrated")
        db.execute("CREATE DATABASE migrated")
    run(migrate(server.format("migrated")))
    return "migrated"


@pytest.fixture
def url(server: str, template: str) -> str:
    """A fresh, migrated database."""
    with psycopg.connect(server.format("postgres"), autocommit=True) as db:
        db.execute("DROP DATABASE IF EXISTS fresh WITH (FORCE)")
        db.execute(f"CREATE DATABASE fresh TEMPLATE {template}")  # a name of our own
    return server.format("fresh")


@pytest.fixture
def app(url: str, tmp_path: Path) -> Litestar:
    """The whole service on that database."""
    return create_cloud(CloudSettings(data_dir=tmp_path, database_url=url))


@pytest.fixture
def client(app: Litestar) -> Iterator[TestClient[Litestar]]:
    """A browser that follows nothing by itself."""
    with TestClient(app, base_url="http://cloud.test", raise_server_exceptions=False) as client:
        client.follow_redirects = False
        yield client


def in_cloud(url: str, work: Callable[[Connection], Awaitable[T]]) -> T:
    """One transaction of the cloud's own."""

    async def go() -> T:
        db = await connect(url)
        try:
            async with db.transaction():
                return await work(db)
        finally:
            await db.close()

    return run(go())


@pytest.fixture
def claim(url: str) -> Callable[[str], str]:
    """A claim code for the club of that name, and its coach `<club>@example.org`."""

    async def make(db: Connection, club_name: str) -> str:
        club = await accounts.ensure_club(db, club_name, now_ms())
        await accounts.ensure_coach(db, club, f"{club_name}@example.org", PASSWORD, now_ms())
        return await accounts.new_claim_code(db, club, now_ms())

    return lambda club_name: in_cloud(url, lambda db: make(db, club_name))


@pytest.fixture
def new_hub(client: TestClient[Litestar], claim: Callable[[str], str]) -> Callable[..., Sender]:
    """A hub that has enrolled and opened its session."""

    def make(club_name: str = "Rovers") -> Sender:
        hub = Sender(client)
        assert hub.enrol(claim(club_name)).status_code == 200
        assert hub.sign_in().status_code == 200
        return hub

    return make


@pytest.fixture
def hub(new_hub: Callable[..., Sender]) -> Sender:
    """One hub of the club Rovers."""
    return new_hub()


@pytest.fixture
def db(url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """To look behind the service."""
    with psycopg.connect(url, autocommit=True) as db:
        yield db


@pytest.fixture
def settle(url: str) -> Callable[[], None]:
    """Compute every stale load now instead of a second later."""

    async def recompute() -> None:
        database = Database(url)
        try:
            await recompute_stale(database, now_ms() + 60_000)
        finally:
            await database.close()

    return lambda: run(recompute())


@pytest.fixture
def sign_in(client: TestClient[Litestar]) -> Callable[..., None]:
    """Sign the browser in as a club's coach."""

    def go(club_name: str = "Rovers") -> None:
        form = {"email": f"{club_name}@example.org", "password": PASSWORD}
        answer = client.post("/sign-in", data=form, headers={"Origin": "http://cloud.test"})
        assert answer.status_code == 303, answer.text

    return go


@pytest.fixture
def line(client: TestClient[Litestar]) -> Any:
    """The way of real hubs into the service."""
    from tests.cloud.pitchside import Through

    return Through(client)


@pytest.fixture
def start(tmp_path: Path, line: Any, claim: Callable[[str], str]) -> Iterator[Callable[..., Any]]:
    """A real hub on a card of that name, enrolled with the club Rovers if the card is new."""
    from tests.cloud.pitchside import HubOn

    running: list[HubOn] = []

    def go(card: str, boot_id: str = "boot-one") -> HubOn:
        (tmp_path / card).mkdir(exist_ok=True)
        hub = HubOn(tmp_path / card, line, boot_id)
        running.append(hub)
        if not hub.books.hub_id:
            hub.enrol(claim("Rovers"))
        return hub

    yield go
    for hub in running:
        hub.stop()
