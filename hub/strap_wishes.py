"""Tells the radio which straps are ours and what is wanted of each: at the start, and whenever that changes.

The store remembers and the fleet obeys; it decides nothing about either.
"""

from __future__ import annotations

from collections.abc import Callable
from sqlite3 import Connection

from hub.devices.fleet import Fleet
from hub.devices.wishes import WayIn, Wish
from hub.domain import Strap
from hub.store import ignored_straps, strap_wishes, straps
from hub.store.database import Database
from hub.store.strap_wishes import StrapWish


class StrapWishes:
    """Keeps the fleet in line with the store."""

    def __init__(self, database: Database, fleet: Fleet, now_wall_ms: Callable[[], int]) -> None:
        self._database, self._fleet, self._now_wall_ms = database, fleet, now_wall_ms
        self._told: dict[str, Wish] = {}
        self._ours: set[str] = set()

    async def restore(self) -> None:
        """Once at the start: straps of earlier sessions are known by their address from the first packet."""
        for strap in await self._database.read(straps.all_straps):
            if strap.address:
                self._fleet.remember(strap.strap_id, strap.address)
        await self.follow()

    async def follow(self) -> None:
        """After an assignment, a wish or the list of ignored straps has changed."""

        def question(db: Connection) -> tuple[list[Strap], dict[str, StrapWish], frozenset[str]]:
            return straps.all_straps(db), strap_wishes.all_wishes(db), ignored_straps.ids(db)

        known, wanted, ignored = await self._database.read(question)
        self._ours = ours = {strap.strap_id for strap in known if strap.athlete_id is not None}
        for strap_id in ours | set(wanted) | ignored | set(self._told):
            wish = fleet_wish(
                wanted.get(strap_id, StrapWish(strap_id)), is_ours=strap_id in ours,
                is_ignored=strap_id in ignored,
            )  # fmt: skip
            if self._told.get(strap_id) != wish:
                self._fleet.wish(strap_id, wish)
                self._told[strap_id] = wish

    def is_ours(self, strap_id: str) -> bool:
        """Whether somebody of the squad wears it."""
        return strap_id in self._ours

    async def keep(self, wanted: StrapWish) -> None:
        """Remember a wish across restarts, and obey it from now on."""
        at_ms = self._now_wall_ms()
        await self._database.write(lambda db: strap_wishes.keep(db, wanted, at_ms))
        await self.follow()


def fleet_wish(wanted: StrapWish, *, is_ours: bool, is_ignored: bool) -> Wish:
    """One strap's wish in the radio's words."""
    return Wish(
        way=WayIn(wanted.way),
        receiver=wanted.receiver,
        wants_rr=wanted.wants_rr,
        is_ignored=is_ignored,
        is_ours=is_ours,
    )
