"""Between a real hub and a real cloud the link tears in every way: all arrives once, at little more cost."""

from __future__ import annotations

import asyncio
import gzip
import time
from pathlib import Path
from random import Random

import pytest

from hub.store.ledger import sync_ledger
from sync.segments import frame
from tests.journeys.cloud_view import CloudView
from tests.journeys.loaded_hub import LoadedHub
from tests.journeys.torn_proxy import FATES, TornProxy
from tests.journeys.world import Ground, Staff, wait_for

pytestmark = pytest.mark.journey
CUT_EVERY_BYTES = 60_000
MOST_OVERHEAD = 1.25


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


def test_cuts_every_sixty_kilobytes_cost_at_most_a_quarter_more(ground: Ground, tmp_path: Path) -> None:
    ground.start_cloud()
    hub = LoadedHub(tmp_path / "loaded", seed=5)
    hub.record(athletes=30, minutes=90)
    samples = sum(len(frame(segment)) for segment in hub.trainings[0].segments)
    ops = hub.asked(
        lambda db: [str(row) for row in db.execute("SELECT op_id, pk, fields, chain FROM outbox")]
    )
    payload = samples + len(gzip.compress("\n".join(ops).encode()))
    asyncio.run(hub.join(ground.cloud_url, ground.claim_code()))
    with TornProxy(ground.cloud_port, seed=5, cut_every_bytes=CUT_EVERY_BYTES) as link:
        began = time.monotonic()
        failed = asyncio.run(hub.drain(hub.relay(link.url), within_s=120))
        took_s, sent, cuts = time.monotonic() - began, link.bytes_up, link.cuts
        down = link.bytes_down
    held_exactly_once(ground, hub)
    hub.close()
    overhead = sent / payload
    print(
        f"\n{samples} bytes of segments and {len(ops)} records, {payload} bytes in all: {sent} sent "
        f"({overhead:.2f}x), {down} received, {cuts} cuts, {failed} failed rounds, {took_s:.1f} s"
    )
    assert cuts >= 3
    assert overhead <= MOST_OVERHEAD
