"""Apple Health's words become numbers: its times, units, sources, and the clock times of single beats.

A local time is the phone's zone at export unless a sample names its own (HKTimeZone), so a date told by it
may be another one for samples taken on a journey; nothing is corrected.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

FIRST_DAY = date(1970, 1, 1).toordinal()
EARLIEST_S, LATEST_S = 631_152_000, 4_102_444_800  # 1990 to 2099
MOST_CACHED = 20_000
MOST_SOURCES = 65_000
HALF_DAY_S = 43_200
LONGEST_READING_S = 600
_BEAT = re.compile(r"(\d{1,2})[:.](\d{2})[:.](\d{2})(?:[.,](\d{1,6}))?(?!\d)", re.ASCII)
FACTORS = {
    "kcal": 1.0, "Cal": 1.0, "cal": 0.001, "kJ": 1 / 4.184, "J": 1 / 4184,
    "m": 1.0, "km": 1000.0, "mi": 1609.344, "ft": 0.3048, "yd": 0.9144, "cm": 0.01,
    "kg": 1.0, "g": 0.001, "lb": 0.45359237, "st": 6.35029318, "oz": 0.028349523125,
    "s": 1.0, "min": 60.0, "hr": 3600.0, "ms": 1.0, "count": 1.0, "count/min": 1.0, "count/s": 60.0,
    "%": 100.0, "mL/min·kg": 1.0, "mL/kg·min": 1.0, "ml/(kg*min)": 1.0, "degC": 1.0,
}  # fmt: skip


class Moment(NamedTuple):
    """Seconds since 1970 UTC, the local day (days since 1970) and seconds into it as written."""

    at_s: int
    day: int
    of_day_s: int

    @property
    def ahead_s(self) -> int:
        """Seconds the written clock is ahead of UTC."""
        return self.day * 86_400 + self.of_day_s - self.at_s


@dataclass(slots=True)
class Clock:
    """Reads "2024-05-01 07:12:33 +0200", remembering the days it has met."""

    days: dict[str, tuple[int, int]] = field(default_factory=dict)

    def read(self, text: str) -> Moment | None:
        """None for anything else, and for years outside 1990 to 2099."""
        key = text[:10] + text[19:]
        known = self.days.get(key)
        if known is None:
            known = _day(text[:10], text[19:])
            if known is None:
                return None
            if len(self.days) >= MOST_CACHED:
                self.days.clear()
            self.days[key] = known
        try:
            of_day_s = int(text[11:13]) * 3600 + int(text[14:16]) * 60 + int(text[17:19])
        except ValueError:
            return None
        return Moment(known[0] + of_day_s, known[1], of_day_s) if 0 <= of_day_s < 86_400 else None


def _day(written: str, offset: str) -> tuple[int, int] | None:
    """(midnight in seconds UTC, days since 1970) of a written date and offset."""
    try:
        midnight = datetime.strptime(written + offset.replace(" ", ""), "%Y-%m-%d%z")
    except ValueError:
        return None
    at_s = int(midnight.timestamp())
    return (at_s, midnight.toordinal() - FIRST_DAY) if EARLIEST_S <= at_s < LATEST_S else None


def iso_date(day: int) -> str:
    """The ISO date of a number of days since 1970."""
    return date.fromordinal(day + FIRST_DAY).isoformat()


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo | None:
    """The zone of an HKTimeZone, None where it is none."""
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return None


def ahead_in_zone(name: str, at_s: int) -> int | None:
    """Seconds the named zone is ahead of UTC then; None where there is no such zone."""
    there = zone(name) if name else None
    if there is None:
        return None
    offset = datetime.fromtimestamp(at_s, UTC).astimezone(there).utcoffset()
    return round((offset or timedelta()).total_seconds())


def quantity(value: str, unit: str) -> float | None:
    """A value in our unit of its kind: kcal, m, kg, s (ms stays), 1/min, %, °C; None for anything else."""
    try:
        number = float(value)
    except ValueError:
        return None
    if unit == "degF":
        number, unit = (number - 32) / 1.8, "degC"
    found = number * FACTORS.get(unit, math.nan)
    return found if math.isfinite(found) else None


@dataclass(slots=True)
class Sources:
    """Who recorded: names as numbers, in the order they come. Equal names with other spaces are one."""

    names: list[str] = field(default_factory=list)
    is_watch: list[bool] = field(default_factory=list)
    numbers: dict[tuple[str, bool], int] = field(default_factory=dict)
    folded: dict[str, str] = field(default_factory=dict)

    def number(self, name: str, device: str = "") -> int:
        """The number of a source; beyond 65,000 of them all are one."""
        plain = self.folded.get(name)
        if plain is None:
            if len(self.folded) > MOST_CACHED:
                self.folded.clear()
            plain = self.folded[name] = fold(name)
        key = plain, "Watch" in device or "watch" in plain.casefold()
        found = self.numbers.get(key)
        if found is None:
            found = len(self.names)
            if found >= MOST_SOURCES:
                return found - 1
            self.numbers[key] = found
            self.names.append(plain)
            self.is_watch.append(key[1])
        return found


def fold(text: str) -> str:
    """A name with plain spaces and apostrophes, at most 200 characters."""
    return " ".join(unicodedata.normalize("NFKC", text[:200]).replace("’", "'").split())


def beat_s(text: str, start: Moment) -> float | None:
    """Seconds from a reading's start to a beat told by its clock time, whatever the language of AM and PM.

    A time of a half-day is taken as the one nearest to the start, so midnight and AM or PM settle
    themselves; None where none lies within ten minutes.
    """
    found = _BEAT.search(unicodedata.normalize("NFKC", text[:40]))
    if found is None:
        return None
    hours, minutes, seconds, fraction = found.groups()
    of_day_s = int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction or 0}")
    after_s = (of_day_s - start.of_day_s) % HALF_DAY_S
    if after_s > HALF_DAY_S / 2:
        after_s -= HALF_DAY_S
    return after_s if abs(after_s) <= LONGEST_READING_S else None
