"""That a file was imported stays known after a restart and an erasure; what it was called does not."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from hub.store import taken

PATH = "/media/usb/Ann Example 2026-11-20.fit"


@pytest.fixture
def before() -> Iterator[sqlite3.Connection]:
    """A store that still kept the paths."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute(
            "CREATE TABLE taken_file(path TEXT PRIMARY KEY, size_bytes INTEGER NOT NULL,"
            " mtime_ns INTEGER NOT NULL, taken_at_ms INTEGER NOT NULL) STRICT"
        )
        db.execute("INSERT INTO taken_file VALUES (?, 100, 7, 1)", (PATH,))
        yield db


def test_files_known_before_are_known_after_and_no_name_is_left(before: sqlite3.Connection) -> None:
    taken.hash_paths(before)
    assert taken.knows(before, PATH, 100, 7)
    assert not taken.knows(before, PATH, 101, 7)
    assert not taken.knows(before, PATH + "x", 100, 7)
    assert "Ann" not in "".join(before.iterdump())


def test_a_file_that_changed_is_another_one(before: sqlite3.Connection) -> None:
    taken.hash_paths(before)
    taken.remember(before, PATH, 120, 8, 2)
    assert taken.knows(before, PATH, 120, 8)
    assert not taken.knows(before, PATH, 100, 7)
    assert before.execute("SELECT count(*) FROM taken_file").fetchone() == (1,)
