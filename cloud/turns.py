"""Turns: how much one club may have worked on at the same time, so that none can hold up another's hubs.

It knows no request and no database, only clubs' names and whose turn it is; it forgets at a restart and does
not know other processes. The figures, for requests of one club:

- 2 are worked on at once. Pushes of a hub stand in line for its row anyway and commits of a club for its
  feed, so a third would only hold a connection: of the pool's 8, a club has a quarter.
- 12 wait. A hub has at most three requests under way (two of samples, one of records), so four hubs of one
  club that all send at once are worked on or wait, and two of them never come near.
- 5 s is the longest wait. Nothing travels while a request waits, and a hub gives a silent line up after 20 s:
  that leaves 15 s for the work. A full queue of the largest requests, 0.3 s each, is through in 2 s.
- 5 to 8 s is what the others are asked to stay away: by then all who wait now were worked on or sent away.
  It differs from one to the next, so that they do not all come back in the same second.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from cloud.errors import ClubBusy

log = logging.getLogger(__name__)

AT_ONCE = 2
WAITING = 12
LONGEST_WAIT_S = 5.0
RETRY_AFTER_S = 5
SPREAD_S = 4
SAID_EVERY_S, FORGOTTEN_AFTER_S = 60.0, 3600.0
Gone = Callable[[], Coroutine[Any, Any, None]]
"""Ends when nobody waits for the answer any more."""


@dataclass(slots=True)
class Line:
    """One club's requests: how many are worked on, and who waits, the first to come in front."""

    working: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)


async def never() -> None:
    """For who waits to the end."""
    await asyncio.get_running_loop().create_future()


class Turns:
    """Places to be worked on, a few for each club, given in the order they were asked for.

    `waiting` None lets any number wait, `longest_wait_s` None for any time: nobody is ever sent away.
    """

    def __init__(
        self,
        at_once: int = AT_ONCE,
        waiting: int | None = WAITING,
        longest_wait_s: float | None = LONGEST_WAIT_S,
    ) -> None:
        self._at_once, self._most_waiting, self._longest_wait_s = at_once, waiting, longest_wait_s
        self._lines: dict[str, Line] = {}
        self._sent_away: dict[str, tuple[float, int]] = {}  # when that was last said, how many since
        self._spread = itertools.cycle(range(SPREAD_S))

    def standing(self, club_id: str) -> tuple[int, int]:
        """How many requests of the club are worked on, and how many wait."""
        line = self._lines.get(club_id)
        return (0, 0) if line is None else (line.working, len(line.waiting))

    @asynccontextmanager
    async def turn(self, club_id: str, gone: Gone = never) -> AsyncIterator[None]:
        """Held while the club has a request worked on; the place is free again whatever happens inside.

        Raises ClubBusy when too many wait, when it waited too long, or when `gone` ended while it waited.
        """
        line = self._lines.setdefault(club_id, Line())
        if line.working < self._at_once:
            line.working += 1
        else:
            await self._wait(club_id, line, gone)
        try:
            yield
        finally:
            self._pass_on(club_id, line)

    async def _wait(self, club_id: str, line: Line, gone: Gone) -> None:
        """Stand in line until a place is handed over."""
        if self._most_waiting is not None and len(line.waiting) >= self._most_waiting:
            raise self._busy(club_id)
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.waiting.append(place)
        leaving = asyncio.create_task(gone())
        leaving.add_done_callback(_heard)
        try:
            await asyncio.wait(
                {place, leaving}, timeout=self._longest_wait_s, return_when=asyncio.FIRST_COMPLETED
            )
        except asyncio.CancelledError:
            if place.done():  # handed over in the same moment
                self._pass_on(club_id, line)
            raise
        finally:
            is_gone = leaving.done()
            leaving.cancel()
            with suppress(ValueError):
                line.waiting.remove(place)
        if not place.done():
            raise ClubBusy("Nobody waits for the answer.") if is_gone else self._busy(club_id)

    def _pass_on(self, club_id: str, line: Line) -> None:
        """Hand the place to the first in line; where nobody is, the club may do with one less."""
        if line.waiting:
            line.waiting.popleft().set_result(None)
            return
        line.working -= 1
        if not line.working:
            del self._lines[club_id]

    def _busy(self, club_id: str) -> ClubBusy:
        """What to answer who is sent away; the log says so once a minute and club."""
        now_s = asyncio.get_running_loop().time()
        said_s, count = self._sent_away.get(club_id, (now_s - SAID_EVERY_S, 0))
        if now_s - said_s >= SAID_EVERY_S:
            log.warning("club %s asks too much at once; requests asked to wait: %d", club_id, count + 1)
            said_s, count = now_s, -1
            quiet_s = now_s - FORGOTTEN_AFTER_S
            self._sent_away = {club: it for club, it in self._sent_away.items() if it[0] > quiet_s}
        self._sent_away[club_id] = said_s, count + 1
        return ClubBusy(retry_after_s=RETRY_AFTER_S + next(self._spread))


def _heard(leaving: asyncio.Task[None]) -> None:
    """However it ended, the caller is gone: nothing is to be reported."""
    if not leaving.cancelled():
        leaving.exception()


class KnownClubs:
    """Whose token that was, to choose a line by without asking the database; it lets nobody in."""

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._club_of: dict[bytes, str] = {}

    def get(self, token_sha256: bytes) -> str | None:
        """The club, where the token was seen before."""
        return self._club_of.get(token_sha256)

    def keep(self, token_sha256: bytes, club_id: str) -> None:
        """The token is good; the one known longest gives way."""
        if len(self._club_of) >= self._most and token_sha256 not in self._club_of:
            del self._club_of[next(iter(self._club_of))]
        self._club_of[token_sha256] = club_id

    def forget(self, token_sha256: bytes) -> None:
        """The token is good no more."""
        self._club_of.pop(token_sha256, None)
