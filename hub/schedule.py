"""What the hub does by the clock, not by the tick: look for network time, tidy up.

The one-second tick is not here: it is the hub's heartbeat and lives in `app`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from apscheduler.schedulers.asyncio import AsyncIOScheduler


def hub_schedule(
    check_time: Callable[[], Awaitable[None]], tidy: Callable[[], Awaitable[None]]
) -> AsyncIOScheduler:
    """A scheduler, not yet started, with the hub's periodic jobs; a late job runs once, not twice."""
    scheduler = AsyncIOScheduler(timezone="UTC", job_defaults={"coalesce": True, "misfire_grace_time": 300})
    scheduler.add_job(check_time, "interval", minutes=1)
    scheduler.add_job(tidy, "interval", hours=1)
    return scheduler
