"""A squad heard by link and by broadcast, one strap pinned, one running pod, and a hub killed in between."""

from __future__ import annotations

import time

from hub.control import ask
from hub.store.worn import motion
from tests.devices.squad import now_mono_ms
from tests.journeys.world import Ground, Staff, wait_for

POD = "A00F4241"
PINNED = "A0000001"


def scan(ground: Ground) -> dict[str, dict[str, object]]:
    """What the running hub hears, asked as `touchline-hub scan` does."""
    heard = ask(ground.folder / "hub" / "control.json", "radio") or {"straps": []}
    return {it["strap_id"]: it for it in heard["straps"]}


def is_broadcasting(ground: Ground) -> bool:
    strap = scan(ground).get(PINNED)
    return strap is not None and strap["via"] == "broadcast" and not strap["is_connected"]


def test_a_pin_and_a_pod_outlast_a_restart(ground: Ground, staff: Staff) -> None:
    ground.start_pitch("--athletes", "3", "--broadcast", "1", "--pods", "1")
    ground.start_hub()
    staff.set_up()
    people = [staff.add_athlete(number) for number in (1, 2, 3)]
    staff.post("/straps/one/wish", strap_id=PINNED, way="broadcast")
    wait_for("the pod is connected", lambda: POD in scan(ground))
    staff.post("/straps/one/give", strap_id=POD, athlete_id=people[1].athlete_id)
    wait_for("the pinned strap is let go and heard", lambda: is_broadcasting(ground))
    staff.post("/session/start", title="Run", sport="running")
    wait_for("all three are live", lambda: ground.fresh() == 3)
    wait_for("the pod speaks", lambda: "steps/min" in staff.get("/straps"))
    wait_for("its speed is on one tile", lambda: staff.get("/board").count("has-pod") == 1)
    time.sleep(2)  # until it is on disk

    assert ground.hub is not None
    ground.hub.kill()
    killed_ms = now_mono_ms()
    ground.start_hub()
    staff.sign_in()
    wait_for("all three are live again", lambda: ground.fresh() == 3)
    assert is_broadcasting(ground)
    wait_for("the pod speaks again", lambda: "steps/min" in staff.get("/straps"))
    staff.post("/session/end")

    session = ground.newest_session()
    moved = ground.stored(lambda db: motion(db, session))
    assert set(moved) == {people[1].athlete_id}
    rows = moved[people[1].athlete_id]
    assert (rows.mono_ms < killed_ms).any()
    assert (rows.mono_ms > killed_ms).any()
    assert (rows.cadence_per_min_x10 > 800).all()
