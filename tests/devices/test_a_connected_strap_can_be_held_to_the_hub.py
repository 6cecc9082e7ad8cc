"""A connected strap is let go while somebody looks, found in the hand by its signal, and connected again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from hub.devices.scheduler import Connect, Release, Scheduler
from hub.devices.slots import SlotLedger
from hub.store.records import Moment
from hub.wearing.desk import Parts, WearingDesk
from hub.wearing.hold_to_hub import Finding, Proposal
from tests.devices.pitch_process import PitchProcess
from tests.devices.squad import BRISK, Squad, now_mono_ms, squad_on, strap_id
from tests.hub.ground import Ground

SPEED = 5
"""How much faster than true the desk's clock runs, so that nobody waits half a minute for a test."""


async def nothing(_session_id: str | None) -> None:
    """Nobody is told."""


def desk_on(squad: Squad, ground: Ground) -> WearingDesk:
    """The real desk on the real fleet, in a hurry."""

    def moment() -> Moment:
        return Moment(1, now_mono_ms() * SPEED, ground.wall_ms, lambda: str(uuid4()))

    def let_advertise(strap_ids: frozenset[str], for_ms: int) -> None:
        squad.fleet.let_advertise(strap_ids, for_ms // SPEED)

    return WearingDesk(
        Parts(ground.store, ground.recorder, squad.fleet.statuses, moment, nothing, let_advertise)
    )


def test_a_strap_in_use_is_let_go_found_and_connected_again(tmp_path: Path) -> None:
    async def story(pitch: PitchProcess) -> None:
        ground = Ground(tmp_path / "ground")
        worn = frozenset({strap_id(1), strap_id(2)})
        timing = replace(BRISK, heard_within_s=2.0)
        async with squad_on(pitch.port, timing=timing) as squad:
            await squad.until(lambda: squad.connected() == 4, 15)
            await squad.until(lambda: not (squad.status(1).receivers or squad.status(2).receivers), 4)
            desk = desk_on(squad, ground)

            async def looked(seconds: float, until: Finding | None = None) -> Proposal:
                found = desk.look(worn)
                for _ in range(round(seconds * SPEED)):
                    await asyncio.sleep(1 / SPEED)
                    found = desk.look(worn)
                    assert squad.is_connected(1)
                    assert squad.is_connected(2), "worn straps keep their links"
                    if found.finding is until:
                        break
                return found

            waiting = await looked(3)
            assert waiting == Proposal(Finding.NOTHING, let_go=(strap_id(3), strap_id(4)))
            assert squad.connected() == 2
            pitch.say("hold 3")
            held = await looked(6, Finding.FOUND)
            assert (held.finding, held.strap_ids) == (Finding.FOUND, (strap_id(3),))
            pitch.say("lay 3")
            await squad.until(lambda: squad.connected() == 4, 10)
        ground.close()

    with PitchProcess("--athletes", "4") as pitch:
        asyncio.run(story(pitch))


def test_straps_that_rest_are_let_go_once_and_connected_when_the_time_is_over() -> None:
    scheduler = Scheduler(SlotLedger(), lambda: 0.5)
    scheduler.ledger.set_receivers({"hci0": None})

    def heard(at_ms: int) -> None:
        scheduler.see("A", "hci0", -60, at_ms, is_connectable=True, broadcasts=False)

    heard(0)
    assert scheduler.moves(0) == [Connect("A", "hci0")]
    scheduler.connected("A", 1_000)
    scheduler.rest(frozenset({"A"}), 7_000)
    assert scheduler.moves(2_000) == [Release("A", "it shall advertise")]
    assert scheduler.moves(2_250) == []
    scheduler.ended("A", 2_500)
    heard(3_000)
    assert scheduler.moves(3_000) == []
    heard(7_000)
    assert scheduler.moves(7_000) == [Connect("A", "hci0")]
