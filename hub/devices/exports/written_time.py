"""Dates and times as files write them; day and month are told apart over a whole column, or not at all.

It never guesses one date from itself and knows no time zone: a time without an offset comes back naive,
and what clock it was is the reader's to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from enum import StrEnum

MOST_CHARS = 64
EARLIEST_YEAR, LATEST_YEAR = 1990, 2099
MOST_OFFSET = timedelta(hours=14)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TIME = r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(?:\s*([AaPp])\.?[Mm]\.?)?"
_OFFSET = r"(?:\s*(Z|UTC|GMT)?\s*(?:([+-])(\d{2}):?(\d{2})?)?)"
_MOMENT = re.compile(
    rf"(?P<date>[^\s:]+?(?: [A-Za-z]{{3,9}}\.? \d{{4}})?)(?:(?:T|,\s*|\s+){_TIME}{_OFFSET})?", re.ASCII
)
_YEAR_FIRST = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})|(\d{4})()(\d{2})(\d{2})", re.ASCII)
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})", re.ASCII)
_NAMED_MONTH = re.compile(r"(\d{1,2})[-/. ]?([A-Za-z]{3})[A-Za-z]*[-/. ]*(\d{4})", re.ASCII)
_TIME_ONLY = re.compile(_TIME, re.ASCII)
_EPOCH = re.compile(r"\d{9,10}(?:\.\d+)?|\d{12,13}(?:\.\d+)?", re.ASCII)


class DateOrder(StrEnum):
    """Which part of a date comes first. YMD needs no telling; of the others one column holds one only."""

    YMD = "ymd"
    DMY = "dmy"
    MDY = "mdy"


def date_order(cells: Iterable[str]) -> DateOrder | None:
    """The order of a whole column's dates; None where it must be asked, as nothing or both orders fit.

    Dates with dots are day first unless a part says otherwise. Cells that are no dates don't count; a column
    without day-or-month dates is YMD.
    """
    n_day_first = n_month_first = n_dotted = n_open = 0
    for cell in cells:
        found = _YEAR_LAST.match(cell.strip()[:MOST_CHARS])
        if found is None:
            continue
        first, mark, second = int(found[1]), found[2], int(found[3])
        n_day_first += first > 12 >= second
        n_month_first += second > 12 >= first
        n_dotted += mark == "."
        n_open += 1
    if not n_open:
        return DateOrder.YMD
    if n_day_first and n_month_first:
        return None
    if n_month_first:
        return DateOrder.MDY
    return DateOrder.DMY if n_day_first or n_dotted == n_open else None


def moment(text: str, order: DateOrder | None = None) -> datetime | None:
    """A date, or a date and time, aware where the text says an offset; None for anything else.

    Day-or-month dates need `order`. Years outside 1990 to 2099 are None.
    """
    text = text.strip()
    if len(text) >= 19 and text[4] == "-" and text[10] in "T ":  # the usual form, ten times as fast
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            pass
        else:
            is_sound = abs(at.utcoffset() or timedelta()) <= MOST_OFFSET
            return at if is_sound and EARLIEST_YEAR <= at.year <= LATEST_YEAR else None
    found = _MOMENT.fullmatch(text) if len(text) <= MOST_CHARS else None
    if found is None:
        return None
    date = _date(found["date"], order)
    if date is None or not EARLIEST_YEAR <= date[0] <= LATEST_YEAR:
        return None
    hours, minutes, seconds, fraction, half, zone, sign, zone_h, zone_min = found.groups()[1:]
    time = _time(hours, minutes, seconds, fraction, half) if hours else (0, 0, 0, 0)
    if time is None:
        return None
    offset: tzinfo | None = UTC if zone else None
    if sign:
        ahead = timedelta(hours=int(zone_h), minutes=int(zone_min or 0)) * (-1 if sign == "-" else 1)
        if abs(ahead) > MOST_OFFSET:
            return None
        offset = timezone(ahead)
    try:
        return datetime(*date, *time, tzinfo=offset)
    except ValueError:
        return None


def time_of_day_s(text: str) -> float | None:
    """Seconds since midnight of "19:15", "19:15:53.5" or "7:15 PM"; None for anything else."""
    found = _TIME_ONLY.fullmatch(text.strip()) if len(text) <= MOST_CHARS else None
    time = _time(*found.groups()) if found else None
    return None if time is None else time[0] * 3600 + time[1] * 60 + time[2] + time[3] / 1e6


def epoch_ms(text: str) -> int | None:
    """Epoch ms of a bare number of seconds or milliseconds since 1970, by its size; None for others."""
    found = _EPOCH.fullmatch(text.strip()) if len(text) <= MOST_CHARS else None
    if found is None:
        return None
    value = float(found[0])
    at_ms = round(value if value > 1e11 else value * 1000)
    year_ms = 365.25 * 86_400_000
    return at_ms if EARLIEST_YEAR <= 1970 + at_ms / year_ms < LATEST_YEAR else None


def as_epoch_ms(at: datetime, zone: tzinfo) -> tuple[int, int, bool]:
    """(epoch ms UTC, offset in seconds, whether the text itself gave the offset); `zone` for naive times."""
    is_given = at.tzinfo is not None
    placed = at if is_given else at.replace(tzinfo=zone)
    ahead = placed.utcoffset() or timedelta()
    since = placed.replace(tzinfo=UTC) - ahead - datetime(1970, 1, 1, tzinfo=UTC)
    return since // timedelta(milliseconds=1), round(ahead.total_seconds()), is_given


def _date(text: str, order: DateOrder | None) -> tuple[int, int, int] | None:
    if found := _YEAR_FIRST.fullmatch(text):
        year, _, month, day = found.groups()[:4] if found[1] else found.groups()[4:]
        return int(year), int(month), int(day)
    if found := _NAMED_MONTH.fullmatch(text):
        name = found[2].lower()
        return (int(found[3]), _MONTHS.index(name) + 1, int(found[1])) if name in _MONTHS else None
    found = _YEAR_LAST.fullmatch(text)
    if found is None or order not in (DateOrder.DMY, DateOrder.MDY):
        return None
    first, second, year = int(found[1]), int(found[3]), int(found[4])
    year += 2000 if year < 100 else 0
    return (year, second, first) if order is DateOrder.DMY else (year, first, second)


def _time(
    hours: str, minutes: str, seconds: str | None, fraction: str | None, half: str | None
) -> tuple[int, int, int, int] | None:
    hour = int(hours)
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half in "pP" else 0)
    time = (hour, int(minutes), int(seconds or 0), int((fraction or "0").ljust(6, "0")[:6]))
    return time if time[0] < 24 and time[1] < 60 and time[2] < 60 else None


_IN_NAME = re.compile(
    r"(?<!\d)(20\d{2})[-_.]?(\d{2})[-_.]?(\d{2})[ T_-]{1,3}(\d{2})[-_.:h]?(\d{2})(?:[-_.:m]?(\d{2}))?(?!\d)",
    re.ASCII,
)


def time_in_name(name: str) -> datetime | None:
    """The naive time a file's name tells, as in "2017-07-19 07-50-42.txt"; None where it tells none."""
    found = _IN_NAME.search(name)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
    try:
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 (a file's name says no zone)
    except ValueError:
        return None
