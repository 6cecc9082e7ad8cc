"""Ended sessions whose results may no longer be right are computed again, one at a time, in the background.

The marks stand in the database, set by whatever made a result doubtful, so a crash forgets nothing. It runs
no formula itself, and never touches a running session.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from sqlite3 import Connection

from hub.errors import HubError, NotFound
from hub.results.kept import VERSIONS, Outcome, new_result, outcomes
from hub.store import session_quality, session_results, sessions
from hub.store.database import Database
from hub.store.session_results import Mark
from hub.wearing.judgement import TrustDoc, trust_docs

log = logging.getLogger(__name__)

IDLE_S = 2.0
AFTER_FAILURE_S = 10.0


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` sessions of the present run; both 0 when nothing was ever to do."""

    done: int = 0
    total: int = 0
    is_running: bool = False


class Recalculation:
    """The one worker. `run` goes on until it is cancelled."""

    def __init__(self, database: Database, now_wall_ms: Callable[[], int]) -> None:
        self._database, self._now_wall_ms = database, now_wall_ms
        self._woken = asyncio.Event()
        self.progress = Progress()

    def wake(self) -> None:
        """There is something to do now; marks nobody wakes it for are found within seconds."""
        self._woken.set()

    async def waiting(self) -> Progress:
        """The progress, counting also what was marked a moment ago."""
        if self.progress.is_running:
            return self.progress
        count = await self._database.read(session_results.stale_count)
        return Progress(0, count, True) if count else self.progress

    async def run(self) -> None:
        """Serve marks as they come."""
        is_failing = False
        with suppress(HubError):
            await self._database.write(lambda db: session_results.mark_outdated(db, VERSIONS))
            await self._database.write(session_quality.mark_missing)
        while True:
            try:
                await self.settle()
                is_failing = False
            except HubError as error:
                if not is_failing:
                    log.error("results cannot be kept: %s", error)
                is_failing = True
            with suppress(TimeoutError):
                async with asyncio.timeout(AFTER_FAILURE_S if is_failing else IDLE_S):
                    await self._woken.wait()
            self._woken.clear()

    async def settle(self) -> int:
        """Recompute all that is marked; how many sessions that were."""
        done = 0
        try:
            while marks := await self._database.read(session_results.stale):
                for mark in marks:
                    waiting = await self._database.read(session_results.stale_count)
                    self.progress = Progress(done, done + waiting, True)
                    await self._serve(mark)
                    done += 1
        finally:
            if done or self.progress.is_running:
                self.progress = Progress(done, done)
        return done

    async def _serve(self, mark: Mark) -> None:
        at_ms = self._now_wall_ms()
        try:
            made, trusted = await self._database.read(lambda db: _compute(db, mark.session_id))
        except HubError:
            raise
        except Exception:  # one bad session must not keep the others waiting; its page says the same
            log.exception("session %s cannot be computed", mark.session_id)
            await self._database.write(lambda db: session_results.clear(db, mark))
            return

        def change(db: Connection) -> None:
            if session_results.clear(db, mark):
                _keep(db, mark, made, at_ms)
                session_quality.keep(db, mark.session_id, trusted)

        await self._database.write(change)


def _compute(db: Connection, session_id: str) -> tuple[list[Outcome] | None, list[TrustDoc]]:
    """Everyone's outcome, and how far it can be trusted; None for a session that is gone or still runs."""
    try:
        session = sessions.session(db, session_id)
    except NotFound:
        return None, []
    return (None, []) if session.is_live else (outcomes(db, session), trust_docs(db, session))


def _keep(db: Connection, mark: Mark, made: list[Outcome] | None, at_ms: int) -> None:
    """Store what is new; a result whose athlete no longer took part, or whose session is gone, is retired."""
    present = {it.athlete_id for it in made or ()}
    for athlete_id in session_results.current(db, mark.session_id):
        if athlete_id not in present:
            session_results.retire(db, mark.session_id, athlete_id, at_ms, mark.why)
    fresh = [it for it in made or () if it.kept is None]
    session_results.keep(db, [new_result(mark.session_id, it, at_ms, mark.why) for it in fresh])
