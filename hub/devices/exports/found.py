"""What any export file says, in one shape whoever wrote it: sessions with their columns, days, and doubts.

It reads nothing and decides nothing; readers fill it, the import takes it. Times are epoch ms UTC; the
local offset stands beside them with how it was known. In column arrays NaN is "not measured".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# The columns a reader may fill. A name carries its unit; other names are kept under `extra`.
TRACK_COLUMNS = (
    "bpm", "latitude_deg", "longitude_deg", "altitude_m", "distance_m", "speed_mps", "cadence_per_min",
    "power_w", "temperature_c", "hdop", "satellites",
)  # fmt: skip


class KnownBy(StrEnum):
    """How a local offset came to be known."""

    FILE = "file"
    COLUMN = "offset column"
    GPS = "gps"
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class Setting:
    """What a file cannot say: the club's time zone, and how to read what no one else knows.

    `mapping` is for this very file; `mappings` are those the club saved, by the header they fit.
    """

    zone: tzinfo
    mapping: Mapping[str, object] | None = None
    mappings: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Person:
    """Whose the data are, as far as the file tells; every field may be empty."""

    name: str = ""
    account: str = ""
    device_serial: str = ""
    shirt_number: int | None = None


@dataclass(frozen=True, slots=True)
class Track:
    """Rows with strictly rising times (n,) and columns (n,) of numbers, NaN where not measured."""

    at_ms: Ints
    columns: Mapping[str, Floats] = field(default_factory=dict)
    extra: Mapping[str, Floats] = field(default_factory=dict)

    def column(self, name: str) -> Floats:
        """The named column, all NaN where the file has none."""
        return self.columns.get(name, np.full(len(self.at_ms), np.nan))


@dataclass(frozen=True, slots=True)
class RrSeries:
    """RR intervals: the time each ended, its length in ms as written, and whether it is implausible.

    `is_rough` marks intervals that are differences of rounded beat times: good for rates, not for HRV.
    """

    at_ms: Ints
    rr_ms: Floats
    is_flagged: NDArray[np.bool_]
    is_rough: bool = False


NO_TRACK = Track(np.zeros(0, np.int64))
NO_RR = RrSeries(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.bool_))


@dataclass(frozen=True, slots=True)
class Lap:
    """A lap, period, phase or drill as the file states it."""

    name: str
    started_at_ms: int
    elapsed_s: float
    distance_m: float | None = None


@dataclass(frozen=True, slots=True)
class Stated:
    """A total the file states: `name` in snake case without the unit, the unit as the file means it."""

    name: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class DailyValue:
    """One number of one person's day. `date` is the local ISO date; `updated_at_ms` decides between two."""

    person: Person
    date: str
    name: str
    value: float
    unit: str
    updated_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """Rows held back: where in the file, why, and the start of the text; `n` counts alike rows in one go."""

    where: str
    reason: str
    text: str = ""
    n: int = 1


@dataclass(frozen=True, slots=True)
class FoundSession:
    """One session of one person as one file tells it.

    `identity` is what stays the same when the maker exports it again (FIT: manufacturer, product, serial
    and creation time; a provider's own id); "" where there is none. `sport` is in the words of `sports`;
    `written_sport` is the file's own. `elapsed_s` is end minus start, `timer_s` without the pauses.
    """

    person: Person
    sport: str
    written_sport: str
    started_at_ms: int
    elapsed_s: float
    timer_s: float | None = None
    distance_m: float | None = None
    energy_kcal: float | None = None
    utc_offset_s: int = 0
    offset_known_by: KnownBy = KnownBy.ASSUMED
    title: str = ""
    device: str = ""
    identity: str = ""
    track: Track = NO_TRACK
    rr: RrSeries = NO_RR
    laps: tuple[Lap, ...] = ()
    stated: tuple[Stated, ...] = ()
    pauses_ms: tuple[tuple[int, int], ...] = ()
    n_records: int = 0
    warnings: tuple[str, ...] = ()

    @property
    def ended_at_ms(self) -> int:
        """Start plus elapsed time."""
        return self.started_at_ms + round(self.elapsed_s * 1000)


@dataclass(frozen=True, slots=True)
class Found:
    """Everything one file says. `damage` is a sentence where the end is missing; the rest still counts."""

    format: str
    provider: str
    sessions: tuple[FoundSession, ...] = ()
    daily: tuple[DailyValue, ...] = ()
    held: tuple[Held, ...] = ()
    warnings: tuple[str, ...] = ()
    damage: str | None = None
