"""The points of a track as an XML file tells them, one after the other, gathered into columns.

Times without an offset are placed by where the points lie, else by the club's zone; no value is smoothed and
no gap is filled. What has no possible time is held and counted.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from hub.devices.exports.found import NO_TRACK, Floats, Held, Ints, KnownBy, Setting, Stated, Track
from hub.devices.exports.polar_track import Series
from hub.devices.exports.written import number
from hub.devices.exports.written_time import EARLIEST_YEAR, LATEST_YEAR, moment
from hub.devices.exports.zone_by_place import offset_at

MOST_POINTS = 1_000_000  # eleven days at one a second
MOST_PAUSES = 10_000
SHORTEST_PAUSE_MS = 2_000
LONGEST_FROM_MIDDLE_MS = 15 * 86_400_000
EARTH_RADIUS_M = 6_371_008.8
NO_FIX_DEG = 1e-6
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SHORTEST_TIME = len("2026-05-01T9")  # a date alone is no time
NAN = float("nan")

MAKERS = ("garmin", "polar", "suunto", "wahoo", "coros", "strava", "apple", "fitbit", "samsung", "bryton",
          "sigma", "komoot", "runkeeper", "endomondo", "mapmyride", "mapmyfitness", "runtastic")  # fmt: skip


def maker_of(text: str) -> str:
    """The maker a creator's name gives away, "" where none is known."""
    lower = text.casefold()
    return next((maker for maker in MAKERS if maker in lower), "")


def number_in(text: str) -> float | None:
    """A number as XML writes it, or with a decimal comma as some apps do; None for anything else."""
    try:
        return float(text)
    except ValueError:
        return number(text, decimal_comma=True)


def time_of(text: str) -> tuple[int, int | None] | None:
    """(epoch ms, offset in seconds) of a time; the offset is None where the text has none.

    Then the ms are the wall clock's, as if it were UTC's. None for no time, or years outside 1990 to 2099.
    """
    text = text.strip()
    try:
        at: datetime | None = datetime.fromisoformat(text)
    except ValueError:
        at = moment(text)
    if at is None or not EARLIEST_YEAR <= at.year <= LATEST_YEAR or len(text) < SHORTEST_TIME:
        return None
    zone = at.tzinfo
    if zone is UTC:
        return round(at.timestamp() * 1000), 0
    ahead = at.utcoffset()
    at_ms = round(at.replace(tzinfo=zone or UTC).timestamp() * 1000)
    return at_ms, None if ahead is None else round(ahead.total_seconds())


@dataclass(frozen=True, slots=True)
class Frame:
    """A track with what its times say: `began_ms` and `ended_ms` count points without values too."""

    track: Track
    began_ms: int
    ended_ms: int
    offset_s: int
    known_by: KnownBy
    way_m: float | None
    pauses_ms: tuple[tuple[int, int], ...]
    held: tuple[Held, ...]
    shift_ms: int
    n_heart: int

    @property
    def stated(self) -> tuple[Stated, ...]:
        """How many points had a heart rate, also those that share their time with another."""
        return (Stated("heart_rate_records", self.n_heart, ""),) if self.n_heart else ()


@dataclass(slots=True)
class Points:
    """The points of one session as they come. `where` names it in the file, for what is held."""

    where: str
    most: int = MOST_POINTS
    n: int = 0
    n_rows: int = 0
    last_ms: int = 0
    blocks: dict[tuple[str, ...], array[float]] = field(default_factory=dict)  # by which columns a row has
    starts: list[int] = field(default_factory=list)  # rows that begin a new stretch
    marks: list[tuple[int, int]] = field(default_factory=list)  # times without values, as first and last
    pauses: list[tuple[int, int]] = field(default_factory=list)
    ahead_s: int | None = None
    is_local: bool = False
    n_untimed: int = 0
    n_impossible: int = 0
    n_garbled: int = 0
    n_surplus: int = 0
    _has_break: bool = False
    _mark: tuple[int, int] | None = None

    def add(self, texts: dict[str, str]) -> None:
        """One point: its "time" and its columns as texts; without values it marks a pause's begin or end."""
        self.n += 1
        time_text = texts.pop("time", "")
        if not time_text:
            self.n_untimed += 1
            return
        timed = time_of(time_text)
        if timed is None:
            self.n_impossible += 1
            return
        at_ms, ahead_s = timed
        if ahead_s is None:
            self.is_local = True
        elif ahead_s and self.ahead_s is None:
            self.ahead_s = ahead_s
        try:
            self._put(at_ms, tuple(texts), [float(text) for text in texts.values()])
        except ValueError:
            values = self._numbers(texts)
            self._put(at_ms, tuple(values), list(values.values()))

    def _numbers(self, texts: dict[str, str]) -> dict[str, float]:
        """What of the texts is a number, also with a decimal comma; the rest is counted."""
        found = {name: number_in(text) for name, text in texts.items()}
        self.n_garbled += sum(value is None and bool(texts[name].strip()) for name, value in found.items())
        return {name: value for name, value in found.items() if value is not None}

    def _put(self, at_ms: int, layout: tuple[str, ...], values: list[float]) -> None:
        if not layout:
            self._mark = (self._mark[0] if self._mark else at_ms, at_ms)
            return
        if self.n_rows >= self.most or len(self.pauses) >= MOST_PAUSES:
            self.n_surplus += 1
            return
        if self._mark or self._has_break:
            self._resume(at_ms)
        block = self.blocks.get(layout)
        if block is None:
            block = self.blocks[layout] = array("d")
        block.extend((self.n_rows, at_ms, *values))
        self.n_rows += 1
        self.last_ms = at_ms

    def part(self) -> None:
        """What comes next is a new stretch; the time to it was a pause."""
        self._has_break = self.n_rows > 0

    def _resume(self, at_ms: int) -> None:
        if self._mark:
            self.marks.append(self._mark)
        if self.n_rows:
            first, last = self._mark or (self.last_ms, at_ms)
            end = last if last > first else at_ms
            if end - first >= SHORTEST_PAUSE_MS:
                self.pauses.append((first, end))
            if self._has_break:
                self.starts.append(self.n_rows)
        self._mark, self._has_break = None, False

    def table(self) -> tuple[Ints, dict[str, Floats]]:
        """Times (n,) and columns (n,) in the order of the file, NaN where not measured."""
        at_ms, columns = np.zeros(self.n_rows, np.int64), dict[str, Floats]()
        for layout, block in self.blocks.items():
            rows = np.array(block).reshape(-1, len(layout) + 2)
            places = rows[:, 0].astype(np.int64)
            at_ms[places] = rows[:, 1].astype(np.int64)
            for n, name in enumerate(layout, start=2):
                columns.setdefault(name, np.full(self.n_rows, NAN))[places] = rows[:, n]
        return at_ms, columns

    def frame(self, setting: Setting) -> Frame | None:
        """The points in order of time; None where none has a possible one."""
        if self._mark:
            self.marks.append(self._mark)
            self._mark = None
        at_ms, columns = self.table()
        every = np.concatenate((at_ms, np.array(self.marks, np.int64).ravel()))
        if not len(every):
            return None
        nowhere = np.full(len(at_ms), NAN)
        lat, lon = columns.get("latitude_deg", nowhere), columns.get("longitude_deg", nowhere)
        has_fix = is_fix(lat, lon)
        lat, lon = np.where(has_fix, lat, NAN), np.where(has_fix, lon, NAN)
        columns |= {"latitude_deg": lat, "longitude_deg": lon}
        middle = np.sort(every)[len(every) // 2]
        is_near = np.abs(at_ms - middle) <= LONGEST_FROM_MIDDLE_MS
        every = every[np.abs(every - middle) <= LONGEST_FROM_MIDDLE_MS]
        first_ms, last_ms = int(every.min()), int(every.max())
        offset_s, known_by = self._offset(first_ms, lat[has_fix][:1], lon[has_fix][:1], setting)
        shift_ms = -offset_s * 1000 if self.is_local else 0
        series = Series()
        for name, column in columns.items():
            series.add(name, at_ms[is_near] + shift_ms, np.where(np.isfinite(column), column, NAN)[is_near])
        began_ms, ended_ms = first_ms + shift_ms, last_ms + shift_ms
        return Frame(
            _in_order(series, began_ms, ended_ms),
            began_ms, ended_ms, offset_s, known_by,
            way_m=self._way_m(lat, lon, has_fix),
            pauses_ms=tuple(
                (a + shift_ms, b + shift_ms) for a, b in self.pauses if first_ms <= a < b <= last_ms
            ),
            held=(*self.held(int((~is_near).sum())), *series.held),
            shift_ms=shift_ms,
            n_heart=int((columns.get("bpm", nowhere) > 0).sum()),
        )  # fmt: skip

    def _way_m(self, lat: Floats, lon: Floats, has_fix: NDArray[np.bool_]) -> float | None:
        """The way over the ground between the points of each stretch, by great circles; None without one."""
        if has_fix.sum() < 2:
            return None
        stretch = np.zeros(len(lat), np.int64)
        stretch[self.starts] = 1
        stretch = np.cumsum(stretch)[has_fix]
        return float(steps_m(lat[has_fix], lon[has_fix])[np.diff(stretch) == 0].sum())

    def held(self, n_far: int = 0) -> tuple[Held, ...]:
        """What was held back of the points, each reason once."""
        reasons = (
            (self.n_untimed, "a point has no time"),
            (self.n_impossible, f"its time lies outside {EARLIEST_YEAR} to {LATEST_YEAR} or is none"),
            (n_far, "its time lies days away from all others"),
            (self.n_surplus, f"more than {MOST_POINTS} points or {MOST_PAUSES} pauses in the file"),
            (self.n_garbled, "a value is no number"),
        )
        return tuple(Held(self.where, reason, n=n) for n, reason in reasons if n)

    def _offset(self, at_ms: int, lat: Floats, lon: Floats, setting: Setting) -> tuple[int, KnownBy]:
        """Seconds ahead of UTC: as written, else by the first fix (none or one), else by the club's zone."""
        if self.ahead_s is not None and not self.is_local:
            return self.ahead_s, KnownBy.FILE
        for latitude_deg, longitude_deg in zip(lat.tolist(), lon.tolist(), strict=True):
            ahead_s = offset_at(latitude_deg, longitude_deg, at_ms)
            if ahead_s is not None and self.is_local:  # now that UTC is nearly known, once more
                ahead_s = offset_at(latitude_deg, longitude_deg, at_ms - ahead_s * 1000)
            if ahead_s is not None:
                return ahead_s, KnownBy.GPS
        return ahead_in(setting, at_ms, is_local=self.is_local), KnownBy.ASSUMED


def _in_order(series: Series, began_ms: int, ended_ms: int) -> Track:
    """The rows as they are where their times rise, else sorted and made one where they share a time."""
    if not series.parts:
        return NO_TRACK
    at_ms = series.parts[0][1]
    if not (at_ms[1:] > at_ms[:-1]).all():
        return series.table(began_ms, ended_ms)
    filled = {name: column for name, _, column in series.parts if not np.isnan(column).all()}
    return Track(at_ms, filled)


def ahead_in(setting: Setting, at_ms: int, *, is_local: bool = False) -> int:
    """Seconds the club's zone is ahead of UTC then; with `is_local` the ms are of its wall clock."""
    at = EPOCH + timedelta(milliseconds=at_ms)
    there = at.replace(tzinfo=setting.zone) if is_local else at.astimezone(setting.zone)
    return round((there.utcoffset() or timedelta()).total_seconds())


def is_fix(lat: Floats, lon: Floats) -> NDArray[np.bool_]:
    """Which rows (n,) are a place on earth; 0, 0 is what a receiver writes that has found none."""
    with np.errstate(invalid="ignore"):
        return (np.abs(lat) <= 90) & (np.abs(lon) <= 180) & (np.hypot(lat, lon) > NO_FIX_DEG)


def steps_m(lat_deg: Floats, lon_deg: Floats) -> Floats:
    """Great-circle lengths (n-1,) between following places, by the haversine formula on a sphere."""
    lat, lon = np.radians(lat_deg), np.radians(lon_deg)
    half = np.sin(np.diff(lat) / 2) ** 2 + np.cos(lat[:-1]) * np.cos(lat[1:]) * np.sin(np.diff(lon) / 2) ** 2
    steps: Floats = 2 * EARTH_RADIUS_M * np.arcsin(np.minimum(1.0, np.sqrt(half)))
    return steps
