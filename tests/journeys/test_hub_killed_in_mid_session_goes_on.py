"""The hub dies without a word in mid-session; started again, it shows the same loads and goes on."""

from __future__ import annotations

import time

import pytest

from hub.clock import mono_ms
from hub.store import sessions
from hub.store.athletes import all_athletes
from hub.store.worn import heart_rates
from tests.journeys.world import Ground, Staff, wait_for

pytestmark = pytest.mark.journey
ATHLETES = 8


def test_a_killed_hub_comes_back_with_the_same_loads(ground: Ground, staff: Staff) -> None:
    ground.start_pitch("--athletes", str(ATHLETES), "--speed", "20")
    hub = ground.start_hub()
    staff.set_up()
    wait_for("every strap is heard", lambda: staff.frame()["top"][2] != "0" or None)
    for number in range(1, ATHLETES + 1):
        staff.add_athlete(number)
    wait_for("every athlete is live", lambda: ground.fresh() == ATHLETES)
    staff.post("/session/start", title="Interrupted", sport="training")
    time.sleep(12)

    killed_at_ms = mono_ms()
    hub.kill()
    session = ground.newest_session()
    heard = ground.stored(lambda db: heart_rates(db, session))
    assert len(heard) == ATHLETES
    for rates in heard.values():
        assert killed_at_ms - int(rates.mono_ms[-1]) <= 2000 + 1000  # its last beat may be a second old
    before = {row.athlete_id: row for row in ground.loads(session.session_id)}
    assert all(row.banister_au for row in before.values())

    ground.start_hub()
    staff.sign_in()
    refolded = {state["id"]: state["banister"] for state in board_texts(ground, staff)}
    for athlete_id, row in before.items():
        assert row.banister_au is not None
        assert refolded[athlete_id] == pytest.approx(row.banister_au, abs=1.0)
    wait_for("the straps are back", lambda: ground.fresh() == ATHLETES)
    time.sleep(3)
    staff.post("/session/end")

    ended = ground.stored(lambda db: sessions.session(db, session.session_id))
    assert ended.ended_at_ms is not None
    after = {row.athlete_id: row for row in ground.loads(session.session_id)}
    for athlete_id, row in before.items():
        assert (after[athlete_id].banister_au or 0) > (row.banister_au or 0)


def board_texts(ground: Ground, staff: Staff) -> list[dict[str, object]]:
    """Athlete id and Banister value of every tile in the first frame, in the board's order."""
    tiles = staff.frame()["tiles"]
    athletes = ground.stored(all_athletes)
    return [
        {"id": athlete.athlete_id, "banister": float(tile[5].split()[0])}
        for athlete, tile in zip(athletes, tiles, strict=True)
    ]
