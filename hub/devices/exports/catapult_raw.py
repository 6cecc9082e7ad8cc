"""A Catapult vest's own recording: 10 Hz rows as they stand, or every tenth row of a 100 Hz file.

Of 100 Hz the accelerations stay in the file, which is kept; the load that the vest itself wrote down is
taken as stated and none is computed here. Lists of efforts are marks, no recordings, and are refused.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from hub.devices.exports.catapult_clock import LONGEST_MS, RAW_HZ, RowClock, Said, keys_in, start_ms_of
from hub.devices.exports.found import (
    Floats,
    Found,
    FoundSession,
    Ints,
    KnownBy,
    Person,
    Setting,
    Stated,
    Track,
)
from hub.devices.exports.metrics import METRES_IN, METRES_PER_S_IN
from hub.devices.exports.source import Source
from hub.devices.exports.table import Table, fold, number, read_table
from hub.devices.exports.zone_by_place import offset_at
from hub.errors import ExportUnreadable

NAMES: Mapping[str, tuple[str, ...]] = {
    "unix_s": ("ts",),
    "centi": ("cs",),
    "since_s": ("seconds", "time"),
    "latitude_deg": ("lat", "latitude", "gps latitude"),
    "longitude_deg": ("long", "longitude", "lon", "gps longitude"),
    "distance_m": ("o", "odometer"),
    "speed_mps": ("v", "velocity", "rawvelocity", "gps velocity"),
    "bpm": ("hr", "heartrate", "heart rate"),
    "hdop": ("gnss hdop", "hdop"),
    "satellites": ("sats", "number of satellites"),
    "player_load": ("pl", "player load", "playerload", "plyr load"),
    "raw_player_load": ("rawplayerload",),
}
FIELD_OF = {name: field for field, names in NAMES.items() for name in names}
COLUMNS = ("bpm", "latitude_deg", "longitude_deg", "distance_m", "speed_mps", "hdop", "satellites")
PRECISE = frozenset({"acceleration forward", "acceleration side", "acceleration up", "rawplayerload"})
EFFORTS = frozenset({"startticks", "endticks"})
MOVEMENT = re.compile(r"acceleration (forward|side|up)|rotation|imu|facing")  # too fast for every tenth row
ITS_KEYS = frozenset({"reference time", "centisectime", "deviceid", "openfield export"})
UNITS = {
    "kilometers per hour": "km/h", "kilometres per hour": "km/h", "miles per hour": "mph",
    "meters per second": "m/s", "metres per second": "m/s", "kilometers": "km", "kilometres": "km",
    "miles": "mi", "yards": "yd", "meters": "m", "metres": "m",
}  # fmt: skip
EVERY, JITTER, MOST_EXTRAS, MOST_TAKEN = 10, 2, 24, 864_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Rows:
    """Rows taken so far: their times, a list of values each (name, place), and the load of every row."""

    names: Sequence[tuple[str, int]]
    at_ms: array[int] = field(default_factory=lambda: array("q"))
    values: list[array[float]] = field(default_factory=list)
    load: float = 0.0

    def column(self, name: str) -> Floats | None:
        """A column by its name, None where the file has none."""
        for (known, _), values in zip(self.names, self.values, strict=True):
            if known == name:
                return np.array(values, dtype=np.float64)
        return None


def is_catapult_raw(header: Sequence[str], name: str) -> bool:
    """Whether a row begins a vest's own file: its headings, or the lines that Catapult sets above them."""
    if _is_header(header) or {fold(cell) for cell in header} >= EFFORTS:
        return True
    return bool(ITS_KEYS & set(keys_in(header))) or fold(next(iter(header), "")).startswith("logan")


def read_catapult_raw(source: Source, setting: Setting) -> Found:
    """The session of a vest. Raises ExportUnreadable for lists of efforts and files without usable rows."""
    table = read_table(source, is_header=lambda cells: _is_header(cells) or set(map(fold, cells)) >= EFFORTS)
    folded = [fold(cell) for cell in table.header]
    if set(folded) >= EFFORTS:
        what = "velocity efforts" if "bandnumber" in folded else "inertial movement events"
        raise ExportUnreadable(
            f"it is Catapult's list of {what}: marks in a recording, not the recording.",
            hint="Choose the 10 Hz sensor file of the activity, or its CTR export.",
        )
    said = {key: value for _, cells in table.preamble for key, value in keys_in(cells).items()}
    is_raw = set(folded) >= PRECISE
    rows = _rows(table, folded, is_raw, start_ms_of(said, setting))
    if len(rows.at_ms) < 2:
        raise ExportUnreadable(
            "it is a Catapult recording, but it has no rows with rising times.", hint="Export it again."
        )
    session = _session(rows, table, said, is_raw, setting)
    return Found(
        format="Catapult 100 Hz" if is_raw else "Catapult 10 Hz",
        provider="catapult",
        sessions=(session,),
        held=table.held,
    )


def _is_header(cells: Sequence[str]) -> bool:
    folded = {fold(cell) for cell in cells}
    fields = {FIELD_OF[cell] for cell in folded if cell in FIELD_OF}
    its_own = {"ts", "cs"} <= folded or folded >= PRECISE
    return its_own or {"since_s", "speed_mps", "player_load"} <= fields


def _rows(table: Table, folded: Sequence[str], is_raw: bool, start_ms: int | None) -> Rows:
    """The rows of a 10 Hz file, or of 100 Hz those with a position and else every tenth."""
    place = {FIELD_OF[cell]: at for at, cell in reversed(list(enumerate(folded))) if cell in FIELD_OF}
    names = [(name, place[name]) for name in COLUMNS if name in place]
    others = [(table.header[at], at) for at in range(len(folded)) if _is_extra(folded[at], is_raw)]
    rows = Rows(names=(*names, *others[:MOST_EXTRAS]))
    rows.values = [array("d") for _ in rows.names]
    clock = RowClock(place, start_ms, is_raw)
    fix, load, waited = place.get("latitude_deg"), place.get("raw_player_load"), 0
    for line, cells in table.rows:
        if is_raw:
            if load is not None:
                rows.load += (number(cells[load]) or 0.0) / RAW_HZ
            waited += 1
            has_fix = fix is not None and number(cells[fix]) is not None
            if not has_fix and waited < EVERY + JITTER:
                continue
            waited = 0 if has_fix else JITTER
        at_ms = clock.at_ms(line - table.header_line - 1, cells)
        if at_ms is None or (rows.at_ms and not rows.at_ms[-1] < at_ms <= rows.at_ms[0] + LONGEST_MS):
            reason = "its time cannot be read" if at_ms is None else "its time does not rise"
            table.held_rows.add(line, reason, ", ".join(cells[:6]))
            continue
        rows.at_ms.append(at_ms)
        for (_, at), values in zip(rows.names, rows.values, strict=True):
            value = number(cells[at], table.decimal_comma)
            values.append(np.nan if value is None else value)
        if len(rows.at_ms) > MOST_TAKEN:
            raise ExportUnreadable("it has more rows than a day at 10 Hz.", hint="Export single sessions.")
    return rows


def _is_extra(folded: str, is_raw: bool) -> bool:
    """Whether a column without a meaning of ours is kept under its own name."""
    if not folded or folded == "timestamp" or FIELD_OF.get(folded, "player_load") != "player_load":
        return False
    return not (is_raw and MOVEMENT.match(folded))


def _session(rows: Rows, table: Table, said: Said, is_raw: bool, setting: Setting) -> FoundSession:
    columns = _columns(rows, said)
    at_ms = np.array(rows.at_ms, dtype=np.int64)
    started_ms, device = int(at_ms[0]), said.get("deviceid", "")
    ahead_s, known_by = _ahead_s(columns, at_ms, setting)
    distance = columns.get("distance_m")
    load = _load(rows, is_raw)
    warnings = ["Its movement at 100 Hz stays in the file: every tenth row was taken."] if is_raw else []
    return FoundSession(
        person=Person(name=said.get("athlete", ""), device_serial=device),
        sport="training",
        written_sport="",
        started_at_ms=started_ms,
        elapsed_s=(int(at_ms[-1]) - started_ms) / 1000,
        distance_m=None if distance is None or np.isnan(distance).all() else float(np.nanmax(distance)),
        utc_offset_s=ahead_s,
        offset_known_by=known_by,
        device=f"Catapult {said.get('devicefamily', '')}".strip(),
        identity=f"catapult:{fold(device)}:{started_ms}" if device else "",
        track=Track(at_ms, columns, _extra(rows)),
        stated=() if load is None else (Stated("player_load", load, "au"),),
        n_records=len(at_ms),
        warnings=tuple(warnings),
    )


def _columns(rows: Rows, said: Said) -> dict[str, Floats]:
    """The columns with a meaning, in our units: no strap and no fix are NaN, distance begins at 0."""
    found = {name: values for name in COLUMNS if (values := rows.column(name)) is not None}
    if "bpm" in found:
        found["bpm"][(found["bpm"] <= 0) | (found["bpm"] >= 255)] = np.nan
    latitude, longitude = found.pop("latitude_deg", None), found.pop("longitude_deg", None)
    if latitude is not None and longitude is not None:
        is_fix = (np.abs(latitude) <= 90) & (np.abs(longitude) <= 180) & ((latitude != 0) | (longitude != 0))
        found["latitude_deg"] = np.where(is_fix, latitude, np.nan)
        found["longitude_deg"] = np.where(is_fix, longitude, np.nan)
    if "distance_m" in found:
        factor = METRES_IN[UNITS.get(said.get("distance units", "").casefold(), "m")]
        found["distance_m"] = _since_start(found["distance_m"]) * factor
    if "speed_mps" in found:
        found["speed_mps"] *= METRES_PER_S_IN[UNITS.get(said.get("speed units", "").casefold(), "m/s")]
    return found


def _since_start(counter: Floats) -> Floats:
    """What a counter has risen since its first value; a fall is a new beginning and adds nothing."""
    known = ~np.isnan(counter)
    risen = np.full(len(counter), np.nan)
    risen[known] = np.cumsum(np.maximum(np.diff(counter[known], prepend=counter[known][:1]), 0.0))
    return risen


def _load(rows: Rows, is_raw: bool) -> float | None:
    """The load the vest wrote down, in its own unit: the sum of its rows, or what its counter has risen."""
    if is_raw:
        return rows.load if rows.load > 0 else None
    counter = next(
        (rows.column(name) for name, _ in rows.names if FIELD_OF.get(fold(name)) == "player_load"), None
    )
    if counter is None or np.isnan(counter).all():
        return None
    return float(np.nanmax(_since_start(counter)))


def _extra(rows: Rows) -> dict[str, Floats]:
    """Columns under their own names, those with any number in them."""
    others = {name: rows.column(name) for name, _ in rows.names if name not in COLUMNS}
    return {
        name: values for name, values in others.items() if values is not None and not np.isnan(values).all()
    }


def _ahead_s(columns: Mapping[str, Floats], at_ms: Ints, setting: Setting) -> tuple[int, KnownBy]:
    """Seconds local time is ahead of UTC: by the first position, else by the club's zone."""
    latitude, longitude = columns.get("latitude_deg"), columns.get("longitude_deg")
    if latitude is not None and longitude is not None:
        for n in np.flatnonzero(~np.isnan(latitude) & ~np.isnan(longitude))[:1]:
            ahead_s = offset_at(float(latitude[n]), float(longitude[n]), int(at_ms[n]))
            if ahead_s is not None:
                return ahead_s, KnownBy.GPS
    offset = (EPOCH + timedelta(milliseconds=int(at_ms[0]))).astimezone(setting.zone).utcoffset()
    return int((offset or timedelta()).total_seconds()), KnownBy.ASSUMED
