"""Two people change one field, neither knowing of the other: one stands, the other is kept and known."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from cloud import edits, erasure, meetings
from cloud.clock import now_ms
from cloud.errors import ChangedMeanwhile, EditRefused
from cloud.store.database import connect
from hub.store import two_edits
from hub.store.records import propose
from hub.store.two_edits import KEPT, OPEN, OTHER, Meeting
from tests.cloud.conftest import in_cloud, run
from tests.cloud.pitchside import HubOn, docs, same

Db = psycopg.Connection[tuple[object, ...]]
Start = Callable[..., HubOn]


def online(url: str, db: Db, pk: str, by: str, **fields: Any) -> None:
    """Somebody edits an athlete in the cloud."""

    async def go() -> None:
        async with await connect(url) as connection, connection.transaction():
            club_id = str(db.execute("SELECT club_id FROM club").fetchone()[0])  # type: ignore[index]
            await edits.make(connection, club_id, [edits.Edit("athlete", pk, fields)], by, now_ms())

    run(go())


def at_the_ground(hub: HubOn, pk: str, by: str, **fields: Any) -> None:
    hub.store.write_now(lambda db: propose(db, replace(hub.moment(), by=by), "athlete", pk, fields))


def choose(hub: HubOn, two_edits_id: str, choice: str, by: str) -> None:
    moment = replace(hub.moment(), by=by)
    hub.store.write_now(lambda db: two_edits.settle(db, moment, two_edits_id, choice))


def shown_online(url: str, db: Db) -> str:
    """What stands, as the cloud's page says it."""
    club_id = str(db.execute("SELECT club_id FROM club").fetchone()[0])  # type: ignore[index]
    (one,) = in_cloud(url, lambda it: meetings.page(it, club_id)).found
    return one.shown


def shown(hub: HubOn) -> list[Meeting]:
    return hub.ask(two_edits.page).found


def met(hub: HubOn, url: str, db: Db) -> str:
    """Ana online and Ben at the ground change one athlete's HRmax, neither knowing of the other."""
    pk = hub.athlete("Ann")
    hub.sync()
    online(url, db, pk, "Ana", hr_max_bpm=192)
    at_the_ground(hub, pk, "Ben", hr_max_bpm=188, shirt_number=9)
    hub.sync()
    return pk


def test_the_value_that_lost_is_known_on_both_sides_with_who_set_it(start: Start, url: str, db: Db) -> None:
    hub = start("ours")
    pk = met(hub, url, db)
    (found,) = shown(hub)
    it = found.edits
    assert found.is_open
    assert (it.tbl, it.pk, it.field, it.athlete_id, found.called) == ("athlete", pk, "hr_max_bpm", pk, "Ann")
    sides = {(side.by, side.hub_id, side.value) for side in (it.stands, it.other)}
    assert sides == {("Ana", None, 192), ("Ben", hub.hub_id, 188)}
    assert found.current == it.stands.value == docs(db, "athlete")[pk]["hr_max_bpm"]
    (kept,) = docs(db, "two_edits").values()
    assert json.loads(kept["other"]) == it.other.value
    assert hub.verify().is_equal


def test_the_other_value_is_one_edit_away_and_can_be_taken_back(start: Start, url: str, db: Db) -> None:
    hub, theirs = start("ours"), start("theirs", "boot-b")
    pk = met(hub, url, db)
    (found,) = shown(hub)
    it = found.edits
    for choice, value, is_open in (
        (OTHER, it.other.value, False), (OPEN, it.stands.value, True), (KEPT, it.stands.value, False),
    ):  # fmt: skip
        choose(hub, it.two_edits_id, choice, "Kim")
        hub.sync()
        theirs.sync()
        assert docs(db, "athlete")[pk]["hr_max_bpm"] == value
        for one in (hub, theirs):
            (now,) = shown(one)
            assert (now.is_open, now.current, now.edits.state) == (is_open, value, choice)
    assert now.edits.settled_by == "Kim"
    assert same([hub, theirs])


def test_a_choice_made_while_another_value_is_being_set_waits_for_it_and_changes_nothing(
    start: Start, url: str, db: Db
) -> None:
    hub = start("ours")
    pk = met(hub, url, db)
    (two_edits_id,) = docs(db, "two_edits")
    shown = shown_online(url, db)
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = 'fresh'"

    async def go() -> None:
        club_id = str(db.execute("SELECT club_id FROM club").fetchone()[0])  # type: ignore[index]
        async with await connect(url) as first, await connect(url) as second:
            async with first.transaction():
                await edits.make(
                    first, club_id, [edits.Edit("athlete", pk, {"hr_max_bpm": 201})], "Ana", now_ms()
                )

                async def choosing() -> None:
                    async with second.transaction():
                        await meetings.settle(second, club_id, two_edits_id, OTHER, "Kim", now_ms(), shown)

                chosen = asyncio.create_task(choosing())
                for _ in range(1500):
                    if chosen.done() or db.execute(waits).fetchone() != (0,):
                        break
                    await asyncio.sleep(0.01)
                assert not chosen.done()
            with pytest.raises(ChangedMeanwhile, match="HRmax of Ann was set to 201 bpm meanwhile"):
                await chosen

    run(go())
    assert docs(db, "athlete")[pk]["hr_max_bpm"] == 201
    assert docs(db, "two_edits")[two_edits_id]["state"] == OPEN


def test_a_third_edit_by_somebody_who_saw_the_value_ends_the_question(start: Start, url: str, db: Db) -> None:
    hub = start("ours")
    pk = met(hub, url, db)
    at_the_ground(hub, pk, "Ben", hr_max_bpm=201)
    assert not any(it.is_open for it in shown(hub)), "before the cloud is asked"
    hub.sync()
    (found,) = shown(hub)
    assert not found.is_open
    assert len(docs(db, "two_edits")) == 1


def test_three_values_of_three_people_leave_two_questions(start: Start, url: str, db: Db) -> None:
    ours, theirs = start("ours"), start("theirs", "boot-b")
    pk = ours.athlete("Ann")
    ours.sync()
    theirs.sync()
    online(url, db, pk, "Ana", hr_max_bpm=190)
    online(url, db, pk, "Ana", hr_max_bpm=192)
    at_the_ground(ours, pk, "Ben", hr_max_bpm=188)
    at_the_ground(theirs, pk, "Cas", hr_max_bpm=186)
    for hub in (ours, theirs, ours):
        hub.sync()
    for hub in (ours, theirs):
        found = [it for it in shown(hub) if it.is_open]
        standing = {it.current for it in found}
        values = standing | {it.edits.other.value for it in found}
        assert len(found) == 2
        assert len(standing) == 1
        assert values == {192, 188, 186}, "what its own author replaced is nobody's word any more"


@pytest.mark.parametrize("value", [188, 192])
def test_edits_that_agree_or_knew_of_each_other_raise_no_question(
    start: Start, url: str, db: Db, value: int
) -> None:
    hub = start("ours")
    pk = hub.athlete("Ann")
    hub.sync()
    online(url, db, pk, "Ana", hr_max_bpm=192)
    if value == 188:
        hub.sync()
    at_the_ground(hub, pk, "Ben", hr_max_bpm=value)
    at_the_ground(hub, pk, "Ben", shirt_number=11)
    hub.sync()
    assert shown(hub) == []
    assert docs(db, "two_edits") == {}


def test_an_erased_athletes_values_are_gone_from_the_questions_too(start: Start, url: str, db: Db) -> None:
    hub = start("ours")
    pk = met(hub, url, db)

    async def erase() -> None:
        async with await connect(url) as connection, connection.transaction():
            club_id = str(db.execute("SELECT club_id FROM club").fetchone()[0])  # type: ignore[index]
            await erasure.erase(connection, club_id, pk, "Ana", now_ms())

    run(erase())
    hub.sync()
    assert shown(hub) == []
    assert docs(db, "two_edits") == {}
    held = db.execute("SELECT count(*) FROM change_log WHERE fields::text LIKE '%%192%%'").fetchone()
    assert held == (0,)


def test_a_hub_cannot_invent_a_question_and_the_office_cannot_set_nonsense(
    start: Start, url: str, db: Db
) -> None:
    hub = start("ours")
    pk = met(hub, url, db)
    (found,) = shown(hub)
    hub.edit("two_edits", found.edits.two_edits_id, other="250")
    hub.sync()
    assert hub.books.ops_dead == 1
    assert [it.edits.other.value for it in shown(hub)] == [found.edits.other.value]
    with pytest.raises(EditRefused, match="hr_max_bpm"):
        online(url, db, pk, "Ana", hr_max_bpm=900)
