"""Polar's local wall times become UTC, by the file's own offset, by where it was, or by the club's zone.

A zone mark behind a time ("Z", "+00:00") is passed over: Polar puts one behind local times. No time is
taken from a file's date on disk.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from hub.devices.exports.found import KnownBy
from hub.devices.exports.written_time import DateOrder, as_epoch_ms, date_order
from hub.devices.exports.written_time import moment as written_moment
from hub.devices.exports.zone_by_place import offset_at

FURTHEST_MINUTES = 14 * 60
EXCEL_DAY_0 = datetime(1899, 12, 30)  # noqa: DTZ001 (a local time without a zone)
EARLIEST_DAY, LATEST_DAY = 32_874, 73_050  # 1990 and 2100 as a spreadsheet numbers days
_DAY_NUMBER = re.compile(r"\d{5}(?:[.,]\d{1,12})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Clock:
    """How far local time is ahead of UTC in one recording, and how that is known."""

    ahead_s: int
    known_by: KnownBy

    def at_ms(self, wall: datetime) -> int:
        """Epoch ms UTC of a wall time of the recording."""
        return as_epoch_ms(wall, timezone(timedelta(seconds=self.ahead_s)))[0]


def clock_of(
    wall: datetime,
    zone: tzinfo,
    offset_minutes: float | None = None,
    place: tuple[float, float] | None = None,
) -> Clock:
    """The clock at a wall time: an offset in the file, else the place's, else the club's zone."""
    if offset_minutes is not None and abs(offset_minutes) <= FURTHEST_MINUTES:
        return Clock(round(offset_minutes * 60), KnownBy.FILE)
    at_ms, assumed, _ = as_epoch_ms(wall, zone)
    there = offset_at(*place, at_ms) if place else None
    if there is not None and place is not None:  # asked again at the time it gives, near a change of clocks
        there = offset_at(*place, at_ms + (assumed - there) * 1000)
    return Clock(assumed, KnownBy.ASSUMED) if there is None else Clock(there, KnownBy.GPS)


def iso_wall(text: str) -> datetime | None:
    """The wall time of "2019-07-04T18:30:00.000", whatever zone stands behind it; None for anything else."""
    at = written_moment(text, DateOrder.YMD)
    return None if at is None else at.replace(tzinfo=None)


def order_of(dates: list[str]) -> DateOrder:
    """How day and month stand in Polar's dates; undecided ones are month first with "/", else day first."""
    decided = date_order(dates)
    if decided is not None:
        return decided
    return DateOrder.MDY if any("/" in date for date in dates) else DateOrder.DMY


def wall_of(text: str, order: DateOrder) -> datetime | None:
    """A date and a time in one cell: "19-02-2026 17:01:05", ISO, or a spreadsheet's day number."""
    written = text.strip()
    if _DAY_NUMBER.fullmatch(written):
        days = float(written.replace(",", "."))
        is_likely = EARLIEST_DAY <= days < LATEST_DAY
        return EXCEL_DAY_0 + timedelta(seconds=round(days * 86_400)) if is_likely else None
    at = written_moment(written, order)
    return None if at is None else at.replace(tzinfo=None)


def as_utc(text: str) -> int | None:
    """Epoch ms of an ISO time read as UTC: good for telling which of two is newer, and nothing else."""
    wall = iso_wall(text)
    return None if wall is None else as_epoch_ms(wall, UTC)[0]
