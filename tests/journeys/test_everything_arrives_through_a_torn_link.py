"""Between a real hub and a real cloud the link tears in every way: all arrives once, at little more cost."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from random import Random

import pytest

from hub.store.ledger import sync_ledger
from tests.journeys.cloud_view import CloudView
from tests.journeys.loaded_hub import LoadedHub
from tests.journeys.torn_proxy import FATES, TornProxy
from tests.journeys.world import Ground, Staff, wait_for

pytestmark = pytest.mark.journey
CUT_EVERY_BYTES = 60_000
MOST_OVERHEAD = 1.25
UNCUT_BYTES = 440_000
"""Of what an uncut run may need: cuts must not seem cheap because all runs are dear."""


def held_exactly_once(ground: Ground, hub: LoadedHub) -> None:
    """Every edit and every segment of the hub is in the cloud, whole and once."""
    view = CloudView(ground)
    op_ids = hub.asked(lambda db: [row[0] for row in db.execute("SELECT op_id FROM outbox")])
    assert sorted(view.hub_ops()) == sorted(op_ids)
    sealed = {segment.seg_id: segment.payload for it in hub.trainings for segment in it.segments}
    assert view.segments() == sealed


def test_every_fate_a_request_can_meet_is_overcome_by_a_hub_process(ground: Ground, staff: Staff) -> None:
    ground.start_cloud()
    recorded = LoadedHub(ground.folder / "hub", seed=3)
    recorded.record(athletes=8, minutes=30)
    with TornProxy(ground.cloud_port, seed=3, fates=[]) as link:
        ground.start_pitch("--athletes", "1")
        ground.start_hub()
        staff.set_up()
        fates = [*FATES * 2, *["arrives"] * 6]
        fates.remove("black hole")  # each costs the 20 s the hub waits for a sign of life
        Random(3).shuffle(fates)
        staff.post("/sync/enrol", cloud_url=link.url, claim_code=ground.claim_code())
        link.fates = fates
        deadline = time.monotonic() + 150
        while link.fates or ground.stored(sync_ledger).pending:
            assert time.monotonic() < deadline, f"{link.fates} left, {ground.stored(sync_ledger)}"
            staff.try_post("/sync/now")
            time.sleep(0.1)
        met = dict(link.met)
    assert set(met) == set(FATES), "every fate was met"
    wait_for("the hub has read its own echoes", lambda: ground.stored(sync_ledger).ops_pending == 0)
    held_exactly_once(ground, recorded)
    recorded.close()


def carried(ground: Ground, hub: LoadedHub, club: str, cut_every_bytes: float | None) -> TornProxy:
    """One training, always the same, on its way into a club; the link it went over."""
    hub.record(athletes=30, minutes=90)
    asyncio.run(hub.join(ground.cloud_url, ground.claim_code(club, f"coach@{club}.example")))
    with TornProxy(ground.cloud_port, seed=5, cut_every_bytes=cut_every_bytes) as link:
        began = time.monotonic()
        failed = asyncio.run(hub.drain(hub.relay(link.url), within_s=120))
        took_s = time.monotonic() - began
    print(
        f"\n{link.handed_up} bytes handed over upward and {link.handed_down} downward, {link.bytes_up} and "
        f"{link.bytes_down} got through; {link.cuts} cuts, {failed} failed rounds, {took_s:.1f} s"
    )
    return link


def test_cuts_every_sixty_kilobytes_cost_at_most_a_quarter_more(ground: Ground, tmp_path: Path) -> None:
    ground.start_cloud()
    hub, same = LoadedHub(tmp_path / "torn", seed=5), LoadedHub(tmp_path / "uncut", seed=5)
    torn = carried(ground, hub, "riverside", CUT_EVERY_BYTES)
    held_exactly_once(ground, hub)
    uncut = carried(ground, same, "lakeside", None)
    hub.close()
    same.close()
    up, down = torn.handed_up / uncut.handed_up, torn.handed_down / uncut.handed_down
    both = (torn.handed_up + torn.handed_down) / (uncut.handed_up + uncut.handed_down)
    print(f"with cuts {up:.2f} times as much upward, {down:.2f} downward, {both:.2f} both ways")
    assert torn.cuts >= 3
    assert uncut.cuts == 0
    assert uncut.handed_up <= UNCUT_BYTES
    assert up <= MOST_OVERHEAD
