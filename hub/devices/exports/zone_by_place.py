"""The local offset of a place at a time, for files whose only clue to local time is where they were.

It asks no network; borders are tzfpy's, simplified, so a kilometre from one it may err.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NO_FIX_DEG = 1e-6  # 0, 0 is what a receiver writes that has found nothing yet


def offset_at(latitude_deg: float, longitude_deg: float, at_ms: int) -> int | None:
    """Seconds local time is ahead of UTC there and then; None without a fix or where no zone is known."""
    if not (abs(latitude_deg) <= 90 and abs(longitude_deg) <= 180):  # NaN too
        return None
    if math.hypot(latitude_deg, longitude_deg) < NO_FIX_DEG:
        return None
    zone = _zone(round(latitude_deg, 3), round(longitude_deg, 3))
    if zone is None:
        return None
    try:
        offset = (EPOCH + timedelta(milliseconds=at_ms)).astimezone(zone).utcoffset()
    except OverflowError:
        return None
    return None if offset is None else int(offset.total_seconds())


@lru_cache(maxsize=256)
def _zone(latitude_deg: float, longitude_deg: float) -> ZoneInfo | None:
    from tzfpy import get_tz  # 32 MB once loaded, so only where a file needs it

    name = get_tz(longitude_deg, latitude_deg)
    try:
        return ZoneInfo(name) if name else None
    except (OSError, ValueError):  # ZoneInfoNotFoundError is a KeyError on a machine without the zone
        return None
    except KeyError:
        return None
