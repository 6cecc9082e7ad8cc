"""Times of a session as people type and read them: local, to the second, always near a known moment.

It knows no time zone but the offset the session was recorded with.
"""

from __future__ import annotations

from datetime import UTC, datetime

from hub.errors import ActionRefused

DAY_MS = 86_400_000
DASH = "–"


def clock_text(at_ms: int, utc_offset_s: int) -> str:
    """14:03:07, as a time field wants it; parts of a second are cut off. A dash where no calendar has it."""
    at = local_time(at_ms, utc_offset_s)
    return DASH if at is None else at.strftime("%H:%M:%S")


def local_time(at_ms: int, utc_offset_s: int) -> datetime | None:
    """The time on the wall where it happened; None for one that no calendar has, as a broken hub may tell."""
    try:
        return datetime.fromtimestamp(at_ms / 1000 + utc_offset_s, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def near(text: str, at_ms: int, utc_offset_s: int) -> int:
    """The moment (epoch ms) within twelve hours of `at_ms` at which a clock shows `text`.

    Raises ActionRefused for what is no time of day.
    """
    try:
        parts = [int(part) for part in text.strip().split(":")]
        hour, minute, second = (*parts, 0)[:3] if len(parts) == 2 else parts
        if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60):
            raise ValueError(text)
    except ValueError as error:
        raise ActionRefused("That is no time of day.", hint="Write it as 14:03 or 14:03:07.") from error
    local_ms = at_ms + utc_offset_s * 1000
    found_ms = local_ms - local_ms % DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000
    off_ms = (found_ms - local_ms + DAY_MS // 2) % DAY_MS - DAY_MS // 2
    return at_ms + off_ms
