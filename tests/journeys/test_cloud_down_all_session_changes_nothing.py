"""The cloud is away for a whole session: the board does not notice, and afterwards all arrives once."""

from __future__ import annotations

import time

import httpx
import pytest

from hub.store.ledger import sync_ledger
from tests.journeys.cloud_view import CloudView
from tests.journeys.world import Ground, Staff, wait_for

pytestmark = pytest.mark.journey
ATHLETES = 4


def test_a_session_recorded_without_the_cloud_arrives_once_when_it_is_back(
    ground: Ground, staff: Staff
) -> None:
    ground.start_pitch("--athletes", str(ATHLETES), "--speed", "5")  # faster, rates would jump
    cloud = ground.start_cloud()
    ground.start_hub()
    staff.set_up()
    staff.post("/sync/enrol", cloud_url=ground.cloud_url, claim_code=ground.claim_code())
    for number in range(1, ATHLETES + 1):
        staff.add_athlete(number)
    wait_for("every athlete is live", lambda: ground.fresh() == ATHLETES)
    wait_for("the roster is in the cloud", lambda: ground.health()["sync"]["pending"] == 0)

    cloud.stop()
    staff.post("/session/start", title="Off the grid", sport="training")
    seen = []
    for frame in staff.frames():
        seen.append([tile[0] for tile in frame["tiles"]])
        if len(seen) == 10:
            break
    assert all("is-fresh" in classes for tiles in seen for classes in tiles), f"the board noticed: {seen}"
    staff.post("/session/end")
    session_id = ground.newest_session().session_id
    waiting = ground.stored(sync_ledger)
    assert waiting.ops_pending > 0
    assert waiting.segments_pending == ATHLETES
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{ground.cloud_url}/healthz", timeout=2)

    ground.start_cloud()
    staff.post("/sync/now")
    wait_for("everything is accepted", lambda: ground.health()["sync"]["pending"] == 0, 40)
    view = CloudView(ground)
    assert view.count("segment") == ATHLETES
    assert view.rows("session") == [session_id]
    loads = wait_for("the cloud has the loads", lambda: view.loads(session_id))
    here = {row.athlete_id: row.banister_au for row in ground.loads(session_id)}
    assert loads == pytest.approx(here)

    before = view.everything()
    for _ in range(3):
        staff.post("/sync/now")
        time.sleep(0.5)
    assert view.everything() == before, "nothing arrives twice"
