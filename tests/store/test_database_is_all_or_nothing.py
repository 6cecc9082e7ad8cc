"""One writer, readers that cannot write, and changes that happen whole or not at all."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from sqlite3 import Connection

import pytest

from hub.errors import DiskFull, StoreUnavailable
from hub.store import journal, meta
from hub.store.database import Database
from hub.store.records import propose
from tests.store.small_store import PERSON, counted_ids, moment, open_store


def everything(path: Path) -> list[str]:
    """The file's whole content as SQL."""
    with sqlite3.connect(path) as db:
        lines = list(db.iterdump())
    db.close()
    return lines


def test_opening_twice_applies_each_migration_once(tmp_path: Path) -> None:
    Database.open(tmp_path / "hub.db").close()
    once = everything(tmp_path / "hub.db")
    Database.open(tmp_path / "hub.db").close()
    assert everything(tmp_path / "hub.db") == once


def test_a_failed_change_leaves_nothing_behind(store: Database) -> None:
    def change(db: Connection) -> None:
        propose(db, moment(counted_ids()), "athlete", "a1", PERSON)
        journal.append(db, 1, [journal.Sample(1, 5, 120, 2, ())])
        raise RuntimeError("the power went")

    before = everything(store.path)
    with pytest.raises(RuntimeError, match="power"):
        store.write_now(change)
    assert everything(store.path) == before
    store.write_now(lambda db: propose(db, moment(counted_ids()), "athlete", "a1", PERSON))
    assert store.read_now(lambda db: meta.number(db, "next_seq")) == 2


def test_a_committed_change_is_seen_by_every_reader_at_once(store: Database) -> None:
    async def story() -> list[str | None]:
        await store.write(lambda db: meta.put(db, "k", "new"))
        return await asyncio.gather(*(store.read(lambda db: meta.value(db, "k")) for _ in range(8)))

    assert asyncio.run(story()) == ["new"] * 8


def test_a_reader_cannot_write(store: Database) -> None:
    with pytest.raises(StoreUnavailable, match="readonly"):
        store.read_now(lambda db: meta.put(db, "k", "v"))
    assert store.read_now(lambda db: meta.value(db, "k")) is None


def test_a_reader_sees_one_moment_for_its_whole_question(store: Database) -> None:
    def question(db: Connection) -> tuple[str | None, str | None]:
        first = meta.value(db, "k")
        store.write_now(lambda writer: meta.put(writer, "k", "later"))
        return first, meta.value(db, "k")

    assert store.read_now(question) == (None, None)
    assert store.read_now(lambda db: meta.value(db, "k")) == "later"


def test_a_store_opened_to_read_refuses_to_write(store: Database) -> None:
    beside = Database.open(store.path, read_only=True)
    with pytest.raises(StoreUnavailable, match="not open for writing"):
        beside.write_now(lambda db: meta.put(db, "k", "v"))
    assert beside.read_now(lambda db: meta.number(db, "next_seq")) == 1
    beside.close()


def test_a_full_disk_is_named_and_loses_nothing_already_stored(store: Database) -> None:
    pages = store.read_now(lambda db: db.execute("PRAGMA page_count").fetchone()[0])
    store.write_now(lambda db: meta.put(db, "kept", "yes"))
    assert store._connection is not None
    store._connection.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(DiskFull, match="room"):
        store.write_now(lambda db: meta.put(db, "big", "x" * 1_000_000))
    store._connection.execute("PRAGMA max_page_count=1000000")
    store.write_now(lambda db: meta.put(db, "after", "yes"))
    found = store.read_now(lambda db: [meta.value(db, k) for k in ("kept", "big", "after")])
    assert found == ["yes", None, "yes"]


def test_a_fault_in_our_own_sql_is_not_dressed_up_as_a_disk_error(store: Database) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        store.write_now(lambda db: db.execute("SELECT * FROM nowhere"))
    with pytest.raises(sqlite3.IntegrityError):
        store.write_now(lambda db: db.execute("INSERT INTO meta VALUES ('epoch', '2')"))


@pytest.mark.parametrize("read_only", [True, False])
def test_a_file_that_is_no_database_is_refused_with_a_hint(tmp_path: Path, read_only: bool) -> None:
    (tmp_path / "hub.db").write_bytes(b"this is a shopping list, not a database " * 50)

    def use() -> None:
        database = Database.open(tmp_path / "hub.db", read_only=read_only)
        try:
            database.read_now(lambda db: meta.value(db, "epoch"))
        finally:
            database.close()

    with pytest.raises(StoreUnavailable) as refused:
        use()
    assert refused.value.hint


def test_a_second_writer_waits_for_the_lock_and_then_says_so(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.store.database.BUSY_TIMEOUT_S", 0.05)
    second = open_store(store.path.parent)

    def hold(_db: Connection) -> None:
        with pytest.raises(StoreUnavailable, match="locked"):
            second.write_now(lambda db: meta.put(db, "k", "second"))

    store.write_now(hold)
    second.write_now(lambda db: meta.put(db, "k", "second"))
    second.close()
