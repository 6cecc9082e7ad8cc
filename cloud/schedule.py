"""What happens by the clock: the weekly insight, soon after ingest settles and every hour, sweeping, and
at the start and once a day forgetting old feed entries. What an update makes possible is done at the start.

It keeps nothing across restarts; every job may run twice without harm.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from cloud.accounts import remove_expired
from cloud.clock import now_ms
from cloud.compaction import compact_all
from cloud.erasure import erase_returned
from cloud.insights.job import refresh_insights
from cloud.letters import replay_deferred, tell_hubs
from cloud.store.database import Database

SETTLE_S = 3.0
INSIGHTS = "insights"


class CloudSchedule:
    """The service's few recurring jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "misfire_grace_time": 600}
        )

    def refresh_insights_soon(self) -> None:
        """Bring the hourly refresh forward to a few seconds from now."""
        job = self._scheduler.get_job(INSIGHTS)
        if job is not None:
            job.modify(next_run_time=datetime.now(UTC) + timedelta(seconds=SETTLE_S))

    @contextmanager
    def running(self) -> Iterator[None]:
        """The scheduler as long as the block runs."""
        logging.getLogger("apscheduler").setLevel(logging.WARNING)
        self._scheduler.add_job(self._insights, "interval", hours=1, id=INSIGHTS, max_instances=1)
        self._scheduler.add_job(self._sweep, "interval", hours=1, max_instances=1)
        at_once = datetime.now(UTC)  # a service that is started anew every night compacts, too
        self._scheduler.add_job(self._compact, "interval", days=1, max_instances=1, next_run_time=at_once)
        for once in (replay_deferred, tell_hubs, erase_returned):  # after an update; none stops another
            self._scheduler.add_job(self._at_start, args=[once], max_instances=1)
        self._scheduler.start()
        try:
            yield
        finally:
            self._scheduler.shutdown(wait=False)

    async def _insights(self) -> None:
        await refresh_insights(self._database, now_ms())

    async def _sweep(self) -> None:
        async with self._database.transaction() as db:
            await remove_expired(db, now_ms())

    async def _compact(self) -> None:
        await compact_all(self._database, now_ms())

    async def _at_start(self, once: Callable[[Database, int], Awaitable[int]]) -> None:
        await once(self._database, now_ms())
