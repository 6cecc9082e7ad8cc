"""After an update what was refused for its table is taken in; one edit that cannot be stops no other."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from cloud import letters, records
from cloud.clock import now_ms
from cloud.store.database import Database
from tests.cloud.conftest import run
from tests.cloud.pitchside import docs
from tests.cloud.sender import Sender

Work = Callable[[Database, int], Any]


def at_start(url: str, work: Work) -> int:
    async def go() -> int:
        database = Database(url)
        try:
            return int(await work(database, now_ms()))
        finally:
            await database.close()

    return run(go())


def refused(hub: Sender, pk: str, **odd: Any) -> str:
    """An edit of a table the cloud does not know."""
    op = msgspec.structs.replace(hub.op("lineup", pk, formation="4-4-2"), **odd)
    assert hub.push(op).json()["results"][0]["status"] == "dead"
    return op.op_id


@pytest.fixture
def knows_lineups(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    return lambda: monkeypatch.setattr(records, "TABLES", {**records.TABLES, "lineup": {}})


def test_an_author_no_text_can_be_is_taken_in_as_far_as_it_can(
    hub: Sender, db: Any, url: str, knows_lineups: Callable[[], None]
) -> None:
    refused(hub, "l1", by="An\0n" + "x" * 200)
    knows_lineups()
    assert at_start(url, letters.replay_deferred) == 1
    assert set(docs(db, "lineup")) == {"l1"}
    (actor,) = db.execute("SELECT actor FROM change_log WHERE resolves IS NOT NULL").fetchone()
    assert actor == ("An\0n" + "x" * 200)[:100].replace("\0", "")


def test_one_that_cannot_be_taken_in_stops_no_other(
    new_hub: Callable[[str], Sender], db: Any, url: str, knows_lineups: Callable[[], None],
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    first, second = new_hub("Rovers"), new_hub("Albion")
    broken = refused(first, "l1")
    db.execute("UPDATE dead_letter SET op_id = 'no uuid', received_ms = 1 WHERE op_id = %s", (broken,))
    refused(first, "l2")
    refused(second, "l3")
    knows_lineups()
    with caplog.at_level(logging.ERROR):
        assert at_start(url, letters.replay_deferred) == 2
    assert set(docs(db, "lineup")) == {"l2", "l3"}
    assert "no uuid" in caplog.text
    (state,) = db.execute("SELECT state FROM dead_letter WHERE op_id = 'no uuid'").fetchone()
    assert state == "open"
