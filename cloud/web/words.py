"""Numbers and times as the pages write them; None is always a dash.

It decides nothing about what is shown.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from cloud.counted import counted
from hub.analytics.doubt import doubt_text, doubtful_share

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DASH = "–"


def number(value: float | None, digits: int = 0) -> str:
    """A number with fixed digits."""
    return DASH if value is None else f"{value:.{digits}f}"


def percent(share: float | None) -> str:
    """A share of 1 as a percentage; only all of it is 100 %."""
    if share is None:
        return DASH
    return "100 %" if share >= 0.9995 else f"{min(99, round(100 * share))} %"


def doubt(doubtful_ms: int | None, covered_s: float | None) -> str:
    """What stands beside a coverage: how much of the time covered is doubtful; empty where nothing is."""
    return doubt_text(doubtful_share(doubtful_ms, covered_s))


def minutes(seconds: float | None) -> str:
    """Seconds as minutes and seconds."""
    if seconds is None:
        return DASH
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02}"


def day(on: date) -> str:
    """As in Tue 3 Nov 2026."""
    return f"{DAYS[on.weekday()]} {on.day} {MONTHS[on.month - 1]} {on.year}"


def short_day(on: date) -> str:
    """As in 3 Nov."""
    return f"{on.day} {MONTHS[on.month - 1]}"


def local(at_ms: int | None, utc_offset_s: int | None) -> datetime | None:
    """The time on the wall where it happened; None for none, and for one that no calendar has."""
    try:
        return None if at_ms is None else datetime.fromtimestamp(at_ms / 1000 + (utc_offset_s or 0), UTC)
    except (OverflowError, ValueError, OSError):
        return None


def moment(at_ms: int | None, utc_offset_s: int | None = 0) -> str:
    """As in Tue 3 Nov 2026, 18:05."""
    at = local(at_ms, utc_offset_s)
    return DASH if at is None else f"{day(at.date())}, {at:%H:%M}"


def local_day(at_ms: int | None, utc_offset_s: int | None = 0) -> str:
    """The date alone."""
    at = local(at_ms, utc_offset_s)
    return DASH if at is None else day(at.date())


def duration(from_ms: int, to_ms: int | None) -> str:
    """As in 92 min."""
    return "running" if to_ms is None else f"{max(0, to_ms - from_ms) // 60_000} min"


def ago(at_ms: int, now_ms: int) -> str:
    """How long ago, in the largest fitting unit."""
    seconds = max(0, now_ms - at_ms) // 1000
    for size, word in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {word}{'' if count == 1 else 's'} ago"
    return "just now"


def bytes_words(count: int) -> str:
    """Bytes in a unit people read."""
    if count < 1000:
        return f"{count} bytes"
    if count < 1_000_000:
        return f"{count / 1000:.0f} kB"
    return f"{count / 1_000_000:.1f} MB" if count < 1_000_000_000 else f"{count / 1_000_000_000:.1f} GB"


FILTERS = {
    "number": number,
    "percent": percent,
    "doubt": doubt,
    "minutes": minutes,
    "day": day,
    "short_day": short_day,
    "moment": moment,
    "local_day": local_day,
    "counted": counted,
}
