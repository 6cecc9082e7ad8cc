"""Who has which strap may be said on another hub, online, or by an erasure: a running hub records by it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from cloud import erasure, meetings
from cloud.clock import now_ms
from hub.board import Board
from hub.domain import MotionReading, Reading
from hub.pods import Pods
from hub.recorder import Recorder
from hub.store.outbox import StoreOutbox
from hub.store.records import Moment
from sync.two_edits import OTHER
from tests.cloud.conftest import in_cloud, run
from tests.cloud.pitchside import START_MS, HubOn, docs

Start = Callable[..., HubOn]


class Running:
    """A hub whose recorder and pods run, told by the feed as the program tells them."""

    def __init__(self, hub: HubOn, boot_id: str) -> None:
        self.hub, self.mono_ms, self.board = hub, 1000, Board()
        self.recorder = Recorder(hub.store, self.board, self.moment)
        self.pods = Pods(hub.store, self.moment, lambda: self.recorder.session)

        async def arrived(athlete_ids: set[str]) -> None:
            await self.recorder.roster_changed(athlete_ids)
            await self.pods.roster_changed()

        hub.outbox = StoreOutbox(hub.store, boot_id, self.moment, lambda _: None, None, arrived)
        hub.relay = hub._relay()
        run(self.recorder.restore())
        run(self.pods.restore())

    def moment(self) -> Moment:
        return Moment(self.hub.boot_no, self.mono_ms, START_MS + self.mono_ms, lambda: str(uuid.uuid4()))

    def give(self, strap_id: str, athlete_id: str | None) -> None:
        self.mono_ms += 1000
        run(self.recorder.assign(strap_id, athlete_id))

    def begin(self) -> str:
        self.mono_ms += 1000
        return run(self.recorder.start_session("Run", "training", 0)).session_id

    def end(self) -> None:
        self.mono_ms += 1000

        async def end() -> None:
            await self.recorder.end_session()
            await self.pods.tick()

        run(end())

    def wear(self, strap_id: str, seconds: int, *, is_pod: bool = False) -> None:
        async def wear() -> None:
            for _ in range(seconds):
                self.mono_ms += 1000
                if is_pod:
                    self.pods.hear(MotionReading(strap_id, self.mono_ms, 3000, 160, None))
                    await self.pods.tick()
                else:
                    self.recorder.hear(Reading(strap_id, self.mono_ms, 150, (700,)))
                    await self.recorder.tick()

        run(wear())

    def train(self, strap_id: str, seconds: int = 30) -> str:
        session_id = self.begin()
        self.wear(strap_id, seconds)
        self.end()
        return session_id

    def on_page(self, strap_id: str) -> str | None:
        (row,) = self.hub.rows(f"SELECT athlete_id FROM strap WHERE strap_id = '{strap_id}'")
        return row[0]  # type: ignore[no-any-return]


@pytest.fixture
def two(start: Start) -> tuple[Running, Running]:
    return Running(start("ours"), "boot-ours"), Running(start("theirs"), "boot-theirs")


def anns_strap(ours: Running, theirs: Running) -> tuple[str, str]:
    """Ann and Bea; both hubs know that S1 is Ann's."""
    ann, bea = ours.hub.athlete("Ann"), ours.hub.athlete("Bea")
    ours.give("S1", ann)
    ours.hub.sync()
    theirs.hub.sync()
    return ann, bea


def wearers(db: Any, session_id: str) -> list[str]:
    """Whose the session's streams are in the cloud."""
    found = docs(db, "stream_assignment").values()
    return sorted(it["athlete_id"] for it in found if it["session_id"] == session_id)


def test_a_strap_given_away_on_another_hub_is_recorded_for_its_new_wearer(
    two: tuple[Running, Running], db: Any
) -> None:
    ours, theirs = two
    _, bea = anns_strap(ours, theirs)
    theirs.give("S1", bea)
    theirs.hub.sync()
    ours.hub.sync()
    assert ours.on_page("S1") == bea
    session_id = ours.train("S1")
    ours.hub.sync()
    assert wearers(db, session_id) == [bea]


def test_a_strap_worn_in_a_session_stays_its_wearers_to_the_end(
    two: tuple[Running, Running], db: Any
) -> None:
    ours, theirs = two
    ann, bea = anns_strap(ours, theirs)
    first = ours.begin()
    ours.wear("S1", 10)
    theirs.give("S1", bea)
    theirs.hub.sync()
    ours.hub.sync()
    ours.wear("S1", 10)
    ours.end()
    second = ours.train("S1")
    ours.hub.sync()
    assert wearers(db, first) == [ann]
    assert wearers(db, second) == [bea]


def test_the_value_chosen_online_counts_for_the_next_session(
    two: tuple[Running, Running], db: Any, url: str
) -> None:
    ours, theirs = two
    ann, bea = ours.hub.athlete("Ann"), ours.hub.athlete("Bea")
    ours.give("S1", ann)
    ours.hub.sync()
    ours.give("S1", None)
    ours.hub.sync()
    theirs.hub.sync()
    theirs.give("S1", bea)
    ours.give("S1", ann)
    for it in (ours, theirs, ours):
        it.hub.sync()
    (club,) = db.execute("SELECT club_id FROM club").fetchone()
    ((two_edits_id, met),) = docs(db, "two_edits").items()
    stands, other = json.loads(met["stands"]), json.loads(met["other"])
    assert {stands, other} == {ann, bea}
    assert wearers_next(ours, db) == [stands]
    in_cloud(url, lambda it: meetings.settle(it, club, two_edits_id, OTHER, "coach", now_ms()))
    ours.hub.sync()
    assert wearers_next(ours, db) == [other]


def wearers_next(hub: Running, db: Any) -> list[str]:
    session_id = hub.train("S1")
    hub.hub.sync()
    return wearers(db, session_id)


def test_the_strap_and_the_pod_of_an_erased_athlete_are_nobodys_and_lose_nothing(
    start: Start, db: Any, url: str
) -> None:
    ours = Running(start("ours"), "boot-ours")
    ann = ours.hub.athlete("Ann")
    ours.give("S1", ann)
    run(ours.pods.assign("P1", ann))
    ours.hub.sync()
    erase(db, url, ann)
    ours.hub.sync()
    session_id = ours.begin()
    ours.wear("S1", 30)
    ours.wear("P1", 30, is_pod=True)
    ours.end()
    before = ours.hub.rows("SELECT seg_id FROM segment ORDER BY 1")
    assert len(before) == 2
    ours.hub.sync()
    assert wearers(db, session_id) == []
    assert ours.hub.rows("SELECT seg_id FROM segment ORDER BY 1") == before
    assert db.execute("SELECT count(*) FROM segment").fetchone() == (2,)
    assert ours.hub.books.ops_dead == 0


@pytest.mark.parametrize("was_heard", [True, False])
def test_an_erasure_in_a_session_lets_what_others_wear_then_be_theirs(
    start: Start, db: Any, url: str, was_heard: bool
) -> None:
    ours = Running(start("ours"), "boot-ours")
    ann, bea = ours.hub.athlete("Ann"), ours.hub.athlete("Bea")
    ours.give("S1", ann)
    run(ours.pods.assign("P1", ann))
    ours.hub.sync()
    session_id = ours.begin()
    if was_heard:
        ours.wear("S1", 10)
        ours.wear("P1", 10, is_pod=True)
        ours.hub.sync()
    erase(db, url, ann)
    ours.hub.sync()
    ours.wear("S1", 10)
    ours.wear("P1", 10, is_pod=True)
    ours.give("S1", bea)
    run(ours.pods.assign("P1", bea))
    ours.wear("S1", 30)
    ours.wear("P1", 30, is_pod=True)
    ours.end()
    for _ in range(3):
        ours.hub.sync()
    assert wearers(db, session_id) == [bea, bea]
    (n,) = db.execute("SELECT count(*) FROM segment").fetchone()
    assert n == len(ours.hub.rows("SELECT seg_id FROM segment")) >= 2


def test_a_reading_between_the_erasure_and_the_news_of_it_wears_nothing(
    start: Start, db: Any, url: str
) -> None:
    ours = Running(start("ours"), "boot-ours")
    ann = ours.hub.athlete("Ann")
    ours.give("S1", ann)
    run(ours.pods.assign("P1", ann))
    ours.hub.sync()
    ours.begin()
    ours.hub.outbox._on_athletes = None
    erase(db, url, ann)
    ours.hub.sync()
    ours.wear("S1", 5)
    ours.wear("P1", 5, is_pod=True)
    ours.end()
    ours.hub.sync()
    assert ours.hub.books.ops_dead == 0
    assert len(ours.hub.rows("SELECT seg_id FROM segment")) == 2


def test_a_value_taken_back_elsewhere_is_told_with_whose_it_is(
    two: tuple[Running, Running],
) -> None:
    ours, theirs = two
    ann, change_id = ours.hub.athlete("Ann"), str(uuid.uuid4())
    ours.hub.edit(
        "profile_change", change_id, athlete_id=ann, valid_from="2026-01-01", hr_max_bpm=205, how="typed",
        made_at_ms=1, made_by="x", note="", is_removed=False, clears=[],
    )  # fmt: skip
    ours.hub.sync()
    theirs.hub.sync()
    told: list[set[str]] = []

    async def heard(athlete_ids: set[str]) -> None:
        told.append(athlete_ids)

    ours.hub.outbox._on_athletes = heard
    theirs.hub.edit("profile_change", change_id, is_removed=True)
    theirs.hub.sync()
    ours.hub.sync()
    assert told == [{ann}]


def erase(db: Any, url: str, athlete_id: str) -> None:
    (club,) = db.execute("SELECT club_id FROM club").fetchone()
    in_cloud(url, lambda it: erasure.erase(it, club, athlete_id, "coach", now_ms()))
