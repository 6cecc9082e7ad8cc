"""A FIT file to what every export is read into: a session for each of its sports, and its days.

It joins what fit_activity has read with whose it is and where it was; it decides nothing about matching.
RR intervals below 240 or above 2000 ms are flagged and kept as written.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np

from hub.devices.exports import fit_profile as profile
from hub.devices.exports.fit_activity import Activity, read_activity
from hub.devices.exports.fit_days import daily_of
from hub.devices.exports.fit_found import fixes_of, session_found, sessions_from_beats
from hub.devices.exports.found import (
    Found,
    FoundSession,
    Held,
    KnownBy,
    Person,
    Setting,
)
from hub.devices.exports.source import Source
from hub.devices.exports.zone_by_place import offset_at
from hub.errors import ExportUnreadable

MOST_BYTES = 64 << 20
NO_SERIAL = (0, 0xFFFFFFFF)
ANT, BLUETOOTH = 1, 3
HEART_STRAPS = {(ANT, 120), (BLUETOOTH, 1)}
DAYS = (9, 15, 28, 32)  # types of file that hold daily values
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_fit(file: Source, setting: Setting) -> Found:
    """Sessions and days of a FIT file; what stands before damage is kept and the damage told.

    Raises ExportUnreadable where it is no FIT file, or one of settings, a plan or a course.
    """
    activity = read_activity(file.read(MOST_BYTES), setting.zone)
    refuse_what_is_no_activity(activity)
    person = Person(device_serial=_serial(activity))
    offset_s, known_by = _offset(activity, setting)
    sessions = list(sessions_from_beats(activity)) or list(activity.sessions)
    found = tuple(
        session_found(activity, one, n, sessions, person, offset_s, known_by)
        for n, one in enumerate(sessions)
    )
    held, warnings = _left_beats(activity, found)
    daily = daily_of(activity, person, offset_s)
    if not found and not daily:
        raise _empty(activity)
    return Found(
        format="FIT",
        provider=_maker(activity),
        sessions=found,
        daily=daily,
        held=(*activity.held, *held),
        warnings=tuple(f"{text}." for text in (*activity.warnings, *warnings)),
        damage=f"{activity.damage}; what stands before it was read." if activity.damage else None,
    )


# --- what the file is, and whose


def refuse_what_is_no_activity(activity: Activity) -> None:
    """Raises ExportUnreadable for a plan, a course or settings, even where they hold rows or totals."""
    kind = _kind(activity)
    if kind is not None and kind in profile.FILE_TYPES and kind not in DAYS:
        raise ExportUnreadable(
            f"it is {profile.FILE_TYPES[kind]}, not a recorded activity.",
            hint="Choose a file from the watch's activity folder, or export a single activity.",
        )


def _kind(activity: Activity) -> int | None:
    kind = next((row.get("type") for row in activity.tables.get("file_id", ()) if "type" in row), None)
    return kind if isinstance(kind, int) else None


def _empty(activity: Activity) -> ExportUnreadable:
    if activity.damage:
        return ExportUnreadable(
            f"it is damaged: {activity.damage}.", hint="Copy it from the watch again, or export it anew."
        )
    if activity.quarantined:
        return ExportUnreadable(
            f"its clock is wrong throughout: none of its {activity.quarantined} rows has a possible time.",
            hint="Set the watch's date and export again.",
        )
    return ExportUnreadable(
        "it holds no activity and no daily values.",
        hint="Choose a file from the watch's activity folder, or export a single activity.",
    )


def _maker(activity: Activity) -> str:
    for row in activity.tables.get("file_id", ()):
        maker = row.get("manufacturer")
        if isinstance(maker, int):
            return profile.MAKERS.get(maker, f"maker {maker}")
    return ""


def _serial(activity: Activity) -> str:
    """The heart-rate strap's serial number, else the recording device's."""
    for row in activity.tables.get("device_info", ()):
        strap = (row.get("source_type", ANT), row.get("type"))
        if strap in HEART_STRAPS and isinstance(serial := row.get("serial"), int) and serial not in NO_SERIAL:
            return str(serial)
    own = (row.get("serial") for row in activity.tables.get("file_id", ()))
    return next((str(one) for one in own if isinstance(one, int) and one not in NO_SERIAL), "")


def _offset(activity: Activity, setting: Setting) -> tuple[Callable[[int], int], KnownBy]:
    """Seconds local time is ahead at a time: the file's word, else by its first place, else the club's."""
    stated_s = activity.utc_offset_s
    if stated_s is not None:
        return (lambda _at_ms: stated_s), KnownBy.FILE
    records = activity.records
    latitude, longitude = fixes_of(records)
    fixes = np.flatnonzero(~np.isnan(latitude))
    if len(fixes):
        first = int(fixes[0])
        here = float(latitude[first]), float(longitude[first])
        if offset_at(*here, int(records.at_ms[first])) is not None:
            return (lambda at_ms: offset_at(*here, at_ms) or 0), KnownBy.GPS

    def assumed(at_ms: int) -> int:
        offset = (EPOCH + timedelta(milliseconds=at_ms)).astimezone(setting.zone).utcoffset()
        return 0 if offset is None else int(offset.total_seconds())

    return assumed, KnownBy.ASSUMED


def _left_beats(activity: Activity, found: tuple[FoundSession, ...]) -> tuple[list[Held], list[str]]:
    """Intervals without a possible time are held; what a strap remembers from other hours is only told."""
    beats, held, warnings = activity.beats, list[Held](), list[str]()
    if beats.n_undated:
        held.append(Held("RR intervals", "they stand before any time", n=beats.n_undated))
    n_outside = len(beats.rr_ms) - sum(len(one.rr.rr_ms) for one in found)
    if n_outside and beats.source == "hr":
        warnings.append(
            f"{n_outside} beats in the strap's memory are from before or after the session and were left out"
        )
    elif n_outside:
        held.append(Held("RR intervals", "their times are far from the session", n=n_outside))
    return held, warnings
