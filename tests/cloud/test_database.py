"""The database: migrations add up, keys keep clubs apart, the embedded server starts, recovers and stops."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from litestar.testing import TestClient

from cloud.app import create_cloud
from cloud.config import CloudSettings
from cloud.errors import MigrationChanged
from cloud.store.embedded import Server, binaries, embedded_server, socket_dir
from cloud.store.migrate import Migration, all_migrations, migrate
from cloud.store.queries import SQL, blocks
from tests.cloud.sender import Sender
from tests.cloud.serving import Serving

Db = psycopg.Connection[tuple[object, ...]]

DIRECTORY = {
    "migration",
    "club",
    "coach",
    "coach_sign_in",
    "claim_code",
    "hub_directory",
    "hub_nonce",
    "hub_token",
}
"""Small tables asked before the club is known; on several machines they would be copied to each."""

COLUMNS = """
SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns
WHERE table_schema = 'public' ORDER BY 1, 2
"""
KEYS = """
SELECT t.relname, i.relname, array_agg(a.attname ORDER BY k.place)
FROM pg_index x
JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_class t ON t.oid = x.indrelid
JOIN unnest(x.indkey) WITH ORDINALITY AS k (attnum, place) ON true
LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum
WHERE t.relnamespace = 'public'::regnamespace AND (x.indisunique OR NOT %s)
GROUP BY 1, 2 ORDER BY 1, 2
"""


@pytest.fixture
def empty(server: str) -> str:
    with psycopg.connect(server.format("postgres"), autocommit=True) as db:
        db.execute("DROP DATABASE IF EXISTS bare WITH (FORCE)")
        db.execute("CREATE DATABASE bare")
    return server.format("bare")


@pytest.fixture
def short_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="tl-pg-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def shape(url: str) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    with psycopg.connect(url) as db:
        return db.execute(COLUMNS).fetchall(), db.execute(KEYS, (False,)).fetchall()


def test_one_migration_after_the_other_gives_the_fresh_schema(empty: str, url: str) -> None:
    for upto in range(1, len(all_migrations()) + 1):
        asyncio.run(migrate(empty, migrations=all_migrations()[:upto]))
    assert shape(empty) == shape(url)
    assert asyncio.run(migrate(empty)) == []


def test_a_dry_run_writes_nothing(empty: str) -> None:
    names = [migration.name for migration in all_migrations()]
    assert asyncio.run(migrate(empty, is_dry_run=True)) == names
    assert shape(empty) == ([], [])


def test_a_changed_migration_is_refused(empty: str) -> None:
    asyncio.run(migrate(empty, migrations=[Migration("0001_x.sql", "CREATE TABLE x (i int)")]))
    with pytest.raises(MigrationChanged):
        asyncio.run(migrate(empty, migrations=[Migration("0001_x.sql", "CREATE TABLE x (i bigint)")]))


def test_a_failing_migration_leaves_nothing_behind(empty: str) -> None:
    broken = Migration("0001_x.sql", "CREATE TABLE x (i int); SELECT 1 / 0")
    with pytest.raises(psycopg.Error):
        asyncio.run(migrate(empty, migrations=[broken]))
    assert asyncio.run(migrate(empty, is_dry_run=True, migrations=[broken])) == ["0001_x.sql"]


def test_two_migrators_at_once_do_it_once(empty: str) -> None:
    async def both() -> list[list[str]]:
        return list(await asyncio.gather(migrate(empty), migrate(empty)))

    assert sorted(map(len, asyncio.run(both()))) == [0, len(all_migrations())]


def test_every_tenant_key_and_index_starts_with_the_club(db: Db) -> None:
    rows = db.execute(KEYS, (False,)).fetchall()
    tenant = [(table, index, columns) for table, index, columns in rows if table not in DIRECTORY]
    assert len(tenant) > 10
    for table, index, columns in tenant:
        assert isinstance(columns, list)
        assert columns[0] == "club_id", f"{table}.{index}"


def test_only_the_built_in_language_is_needed(db: Db) -> None:
    assert db.execute("SELECT extname FROM pg_extension").fetchall() == [("plpgsql",)]


def test_every_named_query_is_loaded_and_none_twice() -> None:
    assert len(SQL) > 50
    assert dict(blocks("-- name: one\nSELECT 1;\n\n-- name: two\n-- why\nSELECT 2;\n")) == {
        "one": b"SELECT 1",
        "two": b"-- why\nSELECT 2",
    }


def claim_code(folder: Path, url: str) -> str:
    command = [sys.executable, "-m", "cloud.cli", "enrol", "--club", "Rovers", "--json"]
    env = {**os.environ, "DATABASE_URL": url, "TOUCHLINE_DATA": str(folder)}
    done = subprocess.run(command, env=env, check=True, capture_output=True)
    return str(json.loads(done.stdout)["claim_code"])


SYSTEM = Path("/usr/lib/postgresql/15/bin")


@pytest.mark.skipif(not SYSTEM.exists(), reason="Debian's Postgres 15 is not installed")
def test_the_schema_and_its_queries_also_pass_on_postgres_15(short_folder: Path) -> None:
    system = Server(short_folder / "pg15", SYSTEM)
    system.start()
    try:
        asyncio.run(migrate(system.url))
        with psycopg.connect(system.url) as db:
            assert db.info.server_version // 10000 == 15
        with TestClient(create_cloud(CloudSettings(database_url=system.url))) as client:
            hub = Sender(client)
            hub.enrol(claim_code(short_folder, system.url))
            hub.sign_in()
            ann, op = hub.add_athlete("Ann", 7)
            _, ops, segments = hub.record_session("Run", 10**12, 10, {ann: 150})
            assert hub.push(op, *ops).status_code == 200
            assert hub.send_segments(*segments).stored
            assert len(hub.pull().ops) == 3
    finally:
        system.stop()


def test_the_server_is_shared_and_the_last_one_out_stops_it(short_folder: Path) -> None:
    data = short_folder / "postgres"
    with embedded_server(data) as first:
        with embedded_server(data) as second:
            assert first == second
        with psycopg.connect(first) as db:
            assert db.execute("SELECT 1").fetchone() == (1,)
    assert not (data / "postmaster.pid").exists()


def test_a_server_killed_outright_is_recovered(short_folder: Path) -> None:
    data = short_folder / "postgres"
    with embedded_server(data) as url:
        with psycopg.connect(url, autocommit=True) as db:
            db.execute("CREATE TABLE kept (i int)")
        pid = int((data / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        time.sleep(0.5)
        # The number may belong to another program by the time we start again.
        lines = (data / "postmaster.pid").read_text().split("\n")
        (data / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]))
    with embedded_server(data) as url, psycopg.connect(url) as db:
        assert db.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_a_long_path_gets_a_short_socket_folder(short_folder: Path) -> None:
    data = short_folder / ("long" * 30) / "postgres"
    assert len(str(socket_dir(data, 1234))) < 60
    with embedded_server(data) as url, psycopg.connect(url) as db:
        assert db.execute("SELECT 1").fetchone() == (1,)
    shutil.rmtree(socket_dir(data, Server(data, binaries()).uid))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_enrol_works_beside_serve_and_a_signal_stops_the_server_too(short_folder: Path, number: int) -> None:
    short_folder.chmod(0o700)
    folder = short_folder / "data"
    serving = Serving({"TOUCHLINE_DATA": str(folder)})
    assert serving.is_ready.wait(60), serving.lines
    command = [
        sys.executable,
        "-m",
        "cloud.cli",
        "enrol",
        "--club",
        "Rovers",
        "--coach",
        "ann@example.org",
        "--json",
    ]
    first, second = (
        json.loads(subprocess.run(command, env=serving.env, check=True, capture_output=True).stdout)
        for _ in range(2)
    )
    assert len(first["claim_code"]) == 8
    assert first["club_id"] == second["club_id"]
    assert len(first["coach_password"]) >= 16
    assert second["coach_password"] is None
    assert serving.process.poll() is None
    assert serving.end(number) == 0, serving.lines
    assert not (folder / "cloud" / "postgres" / "postmaster.pid").exists()
