"""A change of limits on the hub: the cloud computes the same numbers anew, and keeps the old ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cloud.profiles import athletes_today
from cloud.store.database import Database
from hub.analytics.custom_zones import EdgeUnit, ZoneEdges
from hub.analytics.effective import How
from hub.analytics.profile import Sex
from hub.domain import Session
from hub.results.profiles import NewChange, day_of, propose_change, set_removed
from tests.cloud.sender import Sender
from tests.cloud.test_loads_equal_the_hubs import Meeting
from tests.hub.ground import Ground, run

Db = psycopg.Connection[tuple[object, ...]]
TODAY = date(2026, 12, 31)


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    made = Ground(tmp_path / "ground")
    yield made
    made.close()


@pytest.fixture
def meeting(ground: Ground, hub: Sender, db: Db, settle: Callable[[], None]) -> Meeting:
    return Meeting(ground, hub, db, settle)


async def three_days(ground: Ground) -> list[Session]:
    await ground.add_squad(2)
    held = []
    for bpm in (140, 160, 180):
        await ground.start()
        await ground.train(60, {"S1": bpm, "S2": bpm - 20})
        ground.pass_ms(500)
        held.append(await ground.recorder.end_session())
        ground.pass_ms(86_400_000)
    return held


def propose(ground: Ground, new: NewChange) -> str:
    return ground.store.write_now(lambda db: propose_change(db, ground.moment(), "a1", new, "coach", TODAY))


def earlier(db: Db, session: Session) -> list[tuple[Any, ...]]:
    return db.execute(
        "SELECT athlete_id, banister_au, parameters ->> 'hr_max_bpm' FROM session_load_history"
        " WHERE session_id = %s ORDER BY superseded_ms",
        (session.session_id,),
    ).fetchall()


def test_hub_and_cloud_agree_before_and_after_a_change_and_its_undo(meeting: Meeting) -> None:
    async def story() -> None:
        ground = meeting.ground
        first, second, third = await three_days(ground)
        await meeting.sync()
        old = [meeting.are_equal(it)["a1"].banister_au for it in (first, second, third)]
        fields = {"hr_max_bpm": 210, "hr_rest_bpm": 45, "sex": Sex.MALE}
        change_id = propose(ground, NewChange(day_of(second), How.MEASURED, fields))
        await meeting.sync()
        new = [meeting.are_equal(it)["a1"].banister_au for it in (first, second, third)]
        assert new[0] == old[0]
        assert new[1] != old[1]
        assert new[2] != old[2]
        assert earlier(meeting.db, first) == []
        assert earlier(meeting.db, third) == [("a1", pytest.approx(old[2]), "186")]
        ground.store.write_now(lambda db: set_removed(db, ground.moment(), change_id, True))
        await meeting.sync()
        assert [meeting.are_equal(it)["a1"].banister_au for it in (first, second, third)] == old
        assert [row[2] for row in earlier(meeting.db, third)] == ["186", "210"]

    run(story())


def test_the_athletes_page_shows_the_limits_that_hold_today(meeting: Meeting, url: str) -> None:
    async def rows(at: date) -> dict[str, tuple[int | None, int | None]]:
        found = meeting.db.execute("SELECT DISTINCT club_id::text FROM row_state").fetchone()
        assert found is not None
        at_ms = 86_400_000 * (at - date(1970, 1, 1)).days
        database = Database(url)
        try:
            async with database.transaction() as db:
                people = await athletes_today(db, str(found[0]), at_ms)
        finally:
            await database.close()
        return {row.athlete_id: (row.hr_max_bpm, row.hr_rest_bpm) for row in people}

    async def story() -> None:
        ground = meeting.ground
        await three_days(ground)
        propose(ground, NewChange(TODAY - timedelta(days=2), How.MEASURED, {"hr_max_bpm": 210}))
        await meeting.sync()
        before, today = await rows(TODAY - timedelta(days=4)), await rows(TODAY)
        assert today["a1"] == (210, before["a1"][1])
        assert before["a1"][0] == 186
        assert today["a2"] == before["a2"]

    run(story())


def test_own_zones_are_kept_with_the_load_and_the_standard_ones_stay(meeting: Meeting) -> None:
    async def story() -> None:
        ground = meeting.ground
        (session, *_) = await three_days(ground)
        zones = ZoneEdges(EdgeUnit.PERCENT_RESERVE, (50.0, 70.0))
        propose(ground, NewChange(day_of(session), How.TYPED, {"zones": zones}))
        await meeting.sync()
        row = meeting.db.execute(
            "SELECT zone_edges_bpm, own_zone_s, zone_s FROM session_load"
            " WHERE session_id = %s AND athlete_id = 'a1'",
            (session.session_id,),
        ).fetchone()
        assert row is not None
        edges, own, standard = row
        here = ground.table(session)["a1"]
        assert edges == pytest.approx(list(here.zone_edges_bpm))
        assert own == pytest.approx(list(here.zone_s))
        assert isinstance(standard, list)
        assert len(standard) == 6

    run(story())


def test_more_samples_of_a_session_leave_no_history(meeting: Meeting) -> None:
    async def story() -> None:
        ground = meeting.ground
        await ground.add_squad(1)
        session = await ground.start()
        await ground.train(400, {"S1": 150})
        await meeting.sync()
        await ground.train(60, {"S1": 150})
        await ground.recorder.end_session()
        await meeting.sync()
        assert earlier(meeting.db, session) == []
        meeting.are_equal(session)

    run(story())


@pytest.mark.parametrize(
    "fields",
    [
        {"valid_from": "2026-02-30"}, {"valid_from": None}, {"hr_max_bpm": 400}, {"hr_max_bpm": "190"},
        {"zones": {"unit": "bpm", "edges": [150, 120]}}, {"zones": {"unit": "W", "edges": [150]}},
        {"mass_kg": -1}, {"sex": "X"}, {"how": "guessed"}, {"clears": ["name"]}, {"is_removed": 1},
        {"born_on": "long ago"}, {"lactate": {"a": 1}},
    ],
)  # fmt: skip
def test_the_cloud_refuses_values_that_make_no_sense(hub: Sender, fields: dict[str, Any]) -> None:
    good: dict[str, Any] = {"athlete_id": "a", "valid_from": "2026-11-01", "hr_max_bpm": 190, "how": "typed"}
    answer = hub.push(
        hub.op("profile_change", "c1", **good), hub.op("profile_change", "c2", **{**good, **fields})
    )
    assert [it["status"] for it in answer.json()["results"]] == ["ok", "dead"]


def test_a_change_may_come_in_pieces(meeting: Meeting, new_hub: Callable[..., Sender]) -> None:
    """Another hub's change, told before whose it is: it counts once it says from when and of whom."""

    async def story() -> None:
        ground = meeting.ground
        (session, *_) = await three_days(ground)
        await meeting.sync()
        (before,) = meeting.db.execute(
            "SELECT banister_au FROM session_load WHERE session_id = %s AND athlete_id = 'a1'",
            (session.session_id,),
        ).fetchall()
        hub = new_hub()
        day = (day_of(session) - timedelta(days=1)).isoformat()
        assert hub.push(hub.op("profile_change", "c1", hr_max_bpm=215)).status_code == 200
        assert hub.push(hub.op("profile_change", "c1", athlete_id="a1", valid_from=day)).status_code == 200
        meeting.settle()
        (after,) = meeting.db.execute(
            "SELECT banister_au FROM session_load WHERE session_id = %s AND athlete_id = 'a1'",
            (session.session_id,),
        ).fetchall()
        assert after != before

    run(story())
