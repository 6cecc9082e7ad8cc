"""What people chose for a strap is kept in the store and obeyed by the fleet, also by the next process."""

from __future__ import annotations

import asyncio

from hub.devices.fleet import Fleet
from hub.devices.wishes import WayIn
from hub.domain import StrapStatus
from hub.store import ignored_straps, strap_wishes
from hub.store.ignored_straps import IgnoredStrap
from hub.store.records import propose
from hub.store.strap_wishes import StrapWish
from hub.strap_wishes import StrapWishes
from tests.devices.test_a_hostile_air_costs_nothing import Air, polar, with_fleet
from tests.hub.ground import Ground

NAMED = "A0000001"


def statuses(ground: Ground, name: str | None = f"Polar H10 {NAMED}") -> dict[str, StrapStatus]:
    """What a new process makes of one strap heard at its address."""
    found: dict[str, StrapStatus] = {}
    air = Air()

    async def whole() -> None:
        def tell(fleet: Fleet, _readings: object) -> None:
            for frame in range(3):
                air.now_ms += 1_000
                air.tell(polar("C0:00:00:00:00:01", name, frame))
            found.update({it.strap_id: it for it in fleet.statuses()})

        async def prepared(fleet: Fleet) -> None:
            await StrapWishes(ground.store, fleet, lambda: ground.wall_ms).restore()

        fleets: list[Fleet] = []

        def first(fleet: Fleet, readings: object) -> None:
            fleets.append(fleet)

        await with_fleet(air, first)
        await prepared(fleets[0])
        work = asyncio.create_task(fleets[0].run())
        await asyncio.sleep(0.05)
        tell(fleets[0], None)
        work.cancel()
        await asyncio.wait({work})

    asyncio.run(whole())
    return found


def keep(ground: Ground, wanted: StrapWish) -> None:
    ground.store.write_now(lambda db: strap_wishes.keep(db, wanted, ground.wall_ms))


def test_a_pinned_strap_stays_pinned_and_letting_the_hub_choose_leaves_no_row(ground: Ground) -> None:
    keep(ground, StrapWish(NAMED, "broadcast", "hci0", wants_rr=True))
    status = statuses(ground)[NAMED]
    assert (status.is_pinned, status.wants_rr) == (True, True)
    keep(ground, StrapWish(NAMED))
    assert ground.store.read_now(strap_wishes.all_wishes) == {}
    assert not statuses(ground)[NAMED].is_pinned


def test_a_strap_of_earlier_sessions_is_known_by_its_address_before_it_says_its_name(ground: Ground) -> None:
    kept = {"name": "Polar H10", "address": "c0:00:00:00:00:01", "athlete_id": None}
    ground.store.write_now(lambda db: propose(db, ground.moment(), "strap", NAMED, kept))
    assert set(statuses(ground, name=None)) == {NAMED}


def test_an_ignored_strap_is_ignored_by_the_next_process(ground: Ground) -> None:
    stranger = IgnoredStrap(NAMED, "Polar H10", ground.wall_ms, "Kim")
    ground.store.write_now(lambda db: ignored_straps.ignore(db, stranger))
    assert statuses(ground)[NAMED].is_ignored
    ground.store.write_now(lambda db: ignored_straps.take_back(db, NAMED))
    assert not statuses(ground)[NAMED].is_ignored


def test_ways_of_the_store_are_ways_of_the_radio() -> None:
    assert tuple(way.value for way in WayIn) == strap_wishes.WAYS
