"""A Polar Personal Trainer XML: its exercises, each with series of values at one interval.

Times are local, so the offset is assumed. It reads no fitness data, targets or zones' limits, expands no
entity and keeps one exercise at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from hub.devices.exports.found import Found, FoundSession, Held, Lap, Person, Setting, Stated
from hub.devices.exports.polar_clock import clock_of, iso_wall
from hub.devices.exports.polar_track import Series
from hub.devices.exports.source import Source, too_large
from hub.devices.exports.sports import sport_of
from hub.devices.exports.table import duration_s, number
from hub.errors import ExportUnreadable

MOST_BYTES, DEEPEST, MOST_EXERCISES, LONGEST_S = 64 << 20, 64, 10_000, 30 * 86_400.0
NAMESPACE = "{http://www.polarpersonaltrainer.com}"
_SERIES = {
    "HEARTRATE": ("bpm", 1.0), "SPEED": ("speed_mps", 3.6), "ALTITUDE": ("altitude_m", 1.0),
    "DISTANCE": ("distance_m", 1.0), "CADENCE": ("cadence_per_min", 1.0),
    "TEMPERATURE": ("temperature_c", 1.0), "POWER": ("power_w", 1.0),
}  # fmt: skip


def is_polar_xml(head: bytes, _name: str = "") -> bool:
    """Whether a file that begins so is Personal Trainer's."""
    return b"<polar-exercise-data" in head


def read_polar_xml(source: Source, setting: Setting) -> Found:
    """Its exercises; damage ends the reading and is told. Raises ExportUnreadable where none was read."""
    if source.size_bytes > MOST_BYTES:
        raise too_large(source.size_bytes, MOST_BYTES)
    sessions: list[FoundSession] = []
    held: list[Held] = []
    damage: str | None = None
    try:
        for place, exercise in enumerate(_exercises(source), start=1):
            session = _session(exercise, place, setting, held)
            if session is not None:
                sessions.append(session)
    except ParseError as error:
        damage = f"its XML breaks at line {error.position[0]}"
    except (DefusedXmlException, LookupError, ValueError) as error:
        damage = f"its XML holds what no export does ({type(error).__name__})"
    if not sessions:
        why = f": {damage}" if damage else ""
        raise ExportUnreadable(
            f"it is a Polar Personal Trainer file without a readable exercise{why}.",
            hint="Export the exercises again from Polar.",
        )
    return Found("Polar XML", "polar", tuple(sessions), held=tuple(held), damage=damage)


def _exercises(source: Source) -> Iterator[Element]:
    depth, found = 0, 0
    with source.open() as stream:
        for event, element in iterparse(stream, events=("start", "end"), forbid_dtd=True):
            depth += 1 if event == "start" else -1
            if depth > DEEPEST:
                raise ValueError("nested too deeply")
            if event == "end" and element.tag == f"{NAMESPACE}exercise":
                found += 1
                yield element
                element.clear()
                if found >= MOST_EXERCISES:
                    return


def _text(element: Element, path: str) -> str:
    steps = "/".join(NAMESPACE + step for step in path.split("/"))
    return (element.findtext(steps) or "").strip()[:200]


def _session(exercise: Element, place: int, setting: Setting, held: list[Held]) -> FoundSession | None:
    wall = iso_wall(_text(exercise, "time"))
    if wall is None:
        held.append(Held(f"exercise {place}", "has no start time", _text(exercise, "time")))
        return None
    clock = clock_of(wall, setting.zone)
    start_ms, series = clock.at_ms(wall), Series()
    spanned_s = _fill(series, exercise, start_ms, number(_text(exercise, "result/recording-rate")) or 1.0)
    timer_s = duration_s(_text(exercise, "result/duration"))
    elapsed_s = min(max(timer_s or 0.0, spanned_s), LONGEST_S)
    track = series.table(start_ms, start_ms + round(elapsed_s * 1000))
    held.extend(Held(f"exercise {place}: {one.where}", one.reason, one.text, one.n) for one in series.held)
    far, kcal = number(_text(exercise, "result/distance")), number(_text(exercise, "result/calories"))
    sport = _text(exercise, "sport")
    return FoundSession(
        Person(),
        sport=sport_of(sport),
        written_sport=sport,
        started_at_ms=start_ms,
        elapsed_s=elapsed_s,
        timer_s=timer_s,
        distance_m=far if far and 0 < far < 1_000_000 else None,
        energy_kcal=kcal if kcal and 0 < kcal < 30_000 else None,
        utc_offset_s=clock.ahead_s,
        offset_known_by=clock.known_by,
        title=_text(exercise, "name"),
        track=track,
        laps=tuple(_laps(exercise, start_ms)),
        stated=tuple(_stated(exercise)),
        n_records=len(track.at_ms),
    )


def _fill(series: Series, exercise: Element, start_ms: int, interval_s: float) -> float:
    """Adds every series once and tells how many seconds the longest spans."""
    spanned_s, seen = 0.0, set()
    for sample in exercise.iter(f"{NAMESPACE}sample"):
        kind = _text(sample, "type").upper()
        if kind not in _SERIES or kind in seen or not 0 < interval_s <= 3600:
            continue
        seen.add(kind)
        name, ours = _SERIES[kind]
        cells = (sample.findtext(f"{NAMESPACE}values") or "").split(",")
        values = [np.nan if (value := number(cell)) is None else value for cell in cells]
        at_ms = start_ms + np.round(np.arange(len(values)) * interval_s * 1000).astype(np.int64)
        series.add(name, at_ms, np.array(values) / ours)
        spanned_s = max(spanned_s, (len(values) - 1) * interval_s)
    return spanned_s


def _laps(exercise: Element, start_ms: int) -> Iterator[Lap]:
    for place, lap in enumerate(exercise.iter(f"{NAMESPACE}lap"), start=1):
        elapsed_s = duration_s(_text(lap, "duration"))
        if elapsed_s is None:
            return  # where the next one starts is not known
        yield Lap(f"Lap {place}", start_ms, elapsed_s, number(_text(lap, "distance")))
        start_ms += round(elapsed_s * 1000)


def _stated(exercise: Element) -> Iterator[Stated]:
    for name, path, unit in (
        ("mean_heart_rate", "result/heart-rate/average", "bpm"),
        ("max_heart_rate", "result/heart-rate/maximum", "bpm"),
        ("mean_speed", "result/speed/speed/average", "km/h"),
        ("max_speed", "result/speed/speed/maximum", "km/h"),
        ("ascent", "result/altitude-info/ascent", "m"),
        ("descent", "result/altitude-info/descent", "m"),
        ("profile_hr_rest", "result/user-settings/heart-rate/resting", "bpm"),
        ("profile_hr_max", "result/user-settings/heart-rate/maximum", "bpm"),
    ):
        value = number(_text(exercise, path))
        if value:
            yield Stated(name, value, unit)
