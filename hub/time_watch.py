"""Once a minute: has anybody told the time better than it was known, and what of the past moves with it?

The cloud's word comes by the outbox and is kept there; here are network time, tablets, and what follows.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from hub.clock import Clock
from hub.rebasing import Moved, rebase
from hub.store import boots
from hub.store.database import Database
from hub.store.records import Moment
from hub.tablet_time import TabletTimes
from sync.wire import Anchor


def offset_s(wall_ms: int) -> int:
    """Seconds east of UTC where this hub stands, at an epoch ms."""
    return time.localtime(wall_ms / 1000).tm_gmtoff


class TimeWatch:
    """`moved` is called when sessions were put where they truly were, `relink` of each as it is."""

    def __init__(
        self, database: Database, clock: Clock, moment: Callable[[], Moment], moved: Callable[[], None],
        relink: Moved = lambda db, moment, session_id: None,
    ) -> None:  # fmt: skip
        self._database, self._clock, self._moment, self._moved = database, clock, moment, moved
        self._relink = relink
        self._heard: list[Anchor] = []
        self.tablets = TabletTimes(clock, self._heard.append)

    async def look(self) -> None:
        """Keep what was learnt, then correct the past by all that is known."""
        anchor = self._clock.system_anchor()
        if anchor.source == "ntp":
            await self._database.write(partial(boots.learn, anchor=anchor))
        self._clock.go_by(await self._database.read(partial(boots.view, boot_no=self._clock.boot_no)))
        if anchor.source == "ntp":
            self._clock.learn(anchor)
        while self._heard:
            heard = self._heard[0]
            await self._database.write(partial(boots.add_anchor, anchor=heard))
            self._heard.remove(heard)
        if await rebase(self._database, self._moment, offset_s, self._relink):
            self._moved()
