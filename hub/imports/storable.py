"""A read file made fit to be stored and sent: bounded texts any database takes, numbers that are numbers.

What cannot be is held back with its reason. It judges no plausibility beyond that.
"""

from __future__ import annotations

import math
from dataclasses import replace

from hub.devices.exports.found import DailyValue, FoundSession, Held, KnownBy, Lap, Person, Stated
from hub.imports.readfile import ReadFile, ReadSession
from hub.store.field_limits import BEYOND_MS, is_day, is_utc_offset

MOST_TEXT = 200
MOST_WARNING = 1000
MOST_LINES = 500
MOST_INT = 2**53
EARLIEST_MS = 631_152_000_000  # 1990, before any of these devices
LATEST_MS = 4_102_444_800_000  # 2100; the hub's own clock may be wrong, so it is not asked
LONGEST_S = 30 * 86_400


def storable(read: ReadFile) -> ReadFile:
    """The same file, of which everything can be stored."""
    sessions = [replace(it, about=_session(it.about)) for it in read.sessions]
    reasons = {it.number: _impossible(it) for it in sessions}
    daily = [_daily(it) for it in read.daily]
    held = [
        replace(it, where=text(it.where), reason=text(it.reason), text=text(it.text, MOST_LINES))
        for it in read.held
    ]
    held += [
        Held(f"session {it.number + 1}", reason, it.about.title or it.about.written_sport)
        for it in sessions
        if (reason := reasons[it.number]) is not None
    ]
    held += [
        Held(text(it.date) or "a day", "its value is no number or its day no date", text(it.name))
        for it in daily
        if not _is_day(it)
    ]
    return replace(
        read,
        name=text(read.name, MOST_WARNING),
        format=text(read.format),
        provider=text(read.provider),
        sessions=tuple(it for it in sessions if reasons[it.number] is None),
        daily=tuple(it for it in daily if _is_day(it)),
        held=tuple(held),
        warnings=tuple(text(it, MOST_WARNING) for it in read.warnings[:MOST_LINES]),
        error=None if read.error is None else text(read.error, MOST_WARNING),
        hint=text(read.hint, MOST_WARNING),
    )


def text(written: str, most: int = MOST_TEXT) -> str:
    """A text without zero characters and halves of characters, no longer than `most`."""
    return written.replace("\0", "").encode("utf-8", "replace").decode("utf-8").strip()[:most]


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _person(it: Person) -> Person:
    return replace(it, name=text(it.name), account=text(it.account), device_serial=text(it.device_serial))


def _session(it: FoundSession) -> FoundSession:
    is_near = is_utc_offset(it.utc_offset_s)
    return replace(
        it,
        person=_person(it.person),
        sport=text(it.sport),
        written_sport=text(it.written_sport),
        title=text(it.title),
        device=text(it.device),
        identity=text(it.identity),
        timer_s=_number(it.timer_s),
        distance_m=_number(it.distance_m),
        energy_kcal=_number(it.energy_kcal),
        utc_offset_s=it.utc_offset_s if is_near else 0,
        offset_known_by=it.offset_known_by if is_near else KnownBy.ASSUMED,
        laps=tuple(_lap(lap) for lap in it.laps[:MOST_LINES] if _is_lap(lap)),
        stated=tuple(_stated(s) for s in it.stated[:MOST_LINES] if math.isfinite(s.value)),
    )


def _is_lap(it: Lap) -> bool:
    return abs(it.started_at_ms) < MOST_INT and math.isfinite(it.elapsed_s)


def _lap(it: Lap) -> Lap:
    return replace(it, name=text(it.name), distance_m=_number(it.distance_m))


def _stated(it: Stated) -> Stated:
    return replace(it, name=text(it.name), unit=text(it.unit))


def _daily(it: DailyValue) -> DailyValue:
    updated = None if it.updated_at_ms is None else min(max(it.updated_at_ms, 0), BEYOND_MS - 1)
    return replace(
        it, person=_person(it.person), name=text(it.name), unit=text(it.unit), updated_at_ms=updated
    )


def _is_day(it: DailyValue) -> bool:
    return math.isfinite(it.value) and is_day(it.date)


def _impossible(it: ReadSession) -> str | None:
    """Why a session cannot be, None where it can."""
    if not EARLIEST_MS <= it.about.started_at_ms < LATEST_MS:
        return "it says it began at a time that cannot be"
    if not 0 <= it.about.elapsed_s <= LONGEST_S:  # NaN neither
        return "it says it lasted a time that cannot be"
    return None
