"""One session of a FIT activity in the shape of every export: its track, beats, laps, pauses and totals.

It takes what is the session's own by time, and changes no number; a pool's distance is its lengths.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hub.devices.exports import fit_profile as profile
from hub.devices.exports.fit_activity import Activity
from hub.devices.exports.fit_rows import Floats, Records
from hub.devices.exports.fit_sessions import (
    EARLIEST_MS,
    LONGEST_MS,
    NO_DURATION_S,
    ActivitySession,
    number_of,
    time_ms,
)
from hub.devices.exports.fit_totals import stated_of
from hub.devices.exports.found import (
    NO_RR,
    FoundSession,
    KnownBy,
    Lap,
    Person,
    RrSeries,
    Stated,
    Track,
)
from hub.devices.exports.sports import sport_of

PLAUSIBLE_RR_MS = (240, 2_000)
# How far beyond the rows an interval may end: a watch's own hardly drift further; a strap's memory holds
# what came before and after, too.
RR_SLACK_MS = {"hrv": 3_600_000, "hr": 10_000}
ACTIVE_LENGTH = 1
MOST_LAPS = 5_000
OURS = {
    "bpm": "bpm",
    "lat_deg": "latitude_deg",
    "long_deg": "longitude_deg",
    "altitude_m": "altitude_m",
    "distance_m": "distance_m",
    "speed_m_s": "speed_mps",
    "cadence": "cadence_per_min",
    "power_w": "power_w",
    "temperature_c": "temperature_c",
}


@dataclass(frozen=True, slots=True)
class _Span:
    """From a session's start to the next one's: what happened then is its own."""

    from_ms: int
    to_ms: int

    def holds(self, at_ms: int) -> bool:
        return self.from_ms <= at_ms < self.to_ms


def _span(sessions: list[ActivitySession], n: int) -> _Span:
    from_ms = sessions[n].start_ms if n else EARLIEST_MS
    return _Span(from_ms, sessions[n + 1].start_ms if n + 1 < len(sessions) else 1 << 62)


def session_found(
    activity: Activity,
    session: ActivitySession,
    n: int,
    sessions: list[ActivitySession],
    person: Person,
    offset_s: Callable[[int], int],
    known_by: KnownBy,
) -> FoundSession:
    span = _span(sessions, n)
    n_lengths, distance_m, warnings = _swum(activity, session, span)
    written = _written_sport(session)
    title = session.stated.get("profile_name")
    n_records, n_bpm = _counts(activity, session, span)
    stated = list(stated_of(session, activity.tables, n_lengths))
    if n_bpm:
        stated.append(Stated("heart_rate_records", n_bpm, ""))
    rr = _intervals(activity, span, session)
    if activity.beats.source == "hr" and len(rr.rr_ms):
        stated.append(Stated("rr_from_strap_memory", len(rr.rr_ms), ""))
    return FoundSession(
        person=person,
        sport=sport_of(written),
        written_sport=written,
        started_at_ms=session.start_ms,
        elapsed_s=session.elapsed_s,
        timer_s=session.timer_s,
        distance_m=distance_m,
        energy_kcal=session.energy_kcal,
        utc_offset_s=offset_s(session.start_ms),
        offset_known_by=known_by,
        title=title if isinstance(title, str) else "",
        device=activity.device or "FIT device",
        identity=_identity(activity, session),
        track=_track(activity.records, session.first, session.last),
        rr=rr,
        laps=_laps(activity, session, span),
        stated=tuple(stated),
        pauses_ms=_pauses(activity, session),
        n_records=n_records,
        warnings=tuple(f"{text}." for text in (*session.warnings, *warnings)),
    )


def sessions_from_beats(activity: Activity) -> tuple[ActivitySession, ...]:
    """A session told by RR intervals alone, where the file has neither rows nor a session."""
    at_ms = activity.beats.at_ms
    if activity.sessions or not at_ms or min(at_ms) < EARLIEST_MS or max(at_ms) - min(at_ms) > LONGEST_MS:
        return ()
    start_ms = min(at_ms) - activity.beats.rr_ms[0]
    elapsed_s = (max(at_ms) - start_ms) / 1000
    session = ActivitySession("generic", None, start_ms, max(at_ms), elapsed_s, None, None, None, 0, 0, True)
    return (session,)


def _written_sport(session: ActivitySession) -> str:
    """The file's word; that of the sub-sport with it where it names more than "fitness equipment"."""
    if session.sport in ("fitness_equipment", "training", "generic") and session.sub_sport is not None:
        return " ".join((session.sport, profile.SUB_SPORTS.get(session.sub_sport, ""))).strip()
    return session.sport


def _counts(activity: Activity, session: ActivitySession, span: _Span) -> tuple[int, int]:
    """The session's record messages and those with a heart rate; held ones go with the row before them."""
    rows = slice(session.first, session.last)
    before = activity.held_before_ms
    is_own = (before < span.to_ms) & ((before >= span.from_ms) | (span.from_ms == EARLIEST_MS))
    n_bpm = int(activity.records.n_bpm[rows].sum()) + int(activity.held_with_bpm[is_own].sum())
    return int(activity.records.n_messages[rows].sum()) + int(is_own.sum()), n_bpm


def _track(records: Records, first: int, last: int) -> Track:
    columns, extra = dict[str, Floats](), dict[str, Floats]()
    latitude, longitude = fixes_of(records)
    fraction = records.columns.get("fractional_cadence")
    for name, values in records.columns.items():
        if name == "lat_deg":
            values = latitude
        elif name == "long_deg":
            values = longitude
        elif name == "bpm":
            values = np.where(values > 0, values, np.nan)
        elif name == "cadence" and fraction is not None:
            values = values + np.nan_to_num(fraction)
        _put(columns if name in OURS else extra, OURS.get(name, name), values[first:last])
    for name, values in records.developer.items():
        _put(extra, name, values[first:last])
    return Track(records.at_ms[first:last], columns, extra)


def _put(into: dict[str, Floats], name: str, values: Floats) -> None:
    """A column that measured something somewhere."""
    if not np.isnan(values).all():
        into[name] = values


def _swum(activity: Activity, session: ActivitySession, span: _Span) -> tuple[int, float | None, list[str]]:
    """Active lengths, and the distance: they times the pool where there is one, else the stated one."""
    rows = activity.tables.get("length", ())
    active = [row for row in rows if row.get("type") == ACTIVE_LENGTH]
    n = sum(span.holds(ms) for row in active if (ms := time_ms(row, "start_s")) is not None)
    if not rows:
        n = int(number_of(session.stated, "n_active_lengths") or 0)
    pool_m, stated_m = number_of(session.stated, "pool_m"), session.distance_m
    if not pool_m or not n:
        return n, stated_m, []
    if stated_m and abs(stated_m - n * pool_m) > pool_m / 2:
        return n, n * pool_m, [f"its stated {stated_m:g} m are not {n} lengths of {pool_m:g} m"]
    return n, stated_m or n * pool_m, []


def _pauses(activity: Activity, session: ActivitySession) -> tuple[tuple[int, int], ...]:
    """The timer's pauses within the session, an open one to its end."""
    found = []
    for start, end in activity.pauses_ms:
        start, stop = (
            max(start, session.start_ms),
            min(session.end_ms if end is None else end, session.end_ms),
        )
        if stop > start:
            found.append((start, stop))
    return tuple(found)


def _laps(activity: Activity, session: ActivitySession, span: _Span) -> tuple[Lap, ...]:
    rows = [
        (ms, row)
        for row in activity.tables.get("lap", ())
        if (ms := time_ms(row, "start_s")) is not None and span.holds(ms)
    ]
    rows.sort(key=lambda one: one[0])
    laps = []
    for n, (ms, row) in enumerate(rows[:MOST_LAPS]):
        next_ms = rows[n + 1][0] if n + 1 < len(rows) else max(session.end_ms, ms)
        elapsed_s = number_of(row, "elapsed_s")
        if elapsed_s is None or (int(elapsed_s) == NO_DURATION_S and next_ms - ms < NO_DURATION_S * 1000):
            elapsed_s = (next_ms - ms) / 1000
        laps.append(Lap(str(n + 1), ms, elapsed_s, number_of(row, "distance_m")))
    return tuple(laps)


def _intervals(activity: Activity, span: _Span, session: ActivitySession) -> RrSeries:
    beats = activity.beats
    if not beats.rr_ms:
        return NO_RR
    at_ms, rr_ms = np.array(beats.at_ms, dtype=np.int64), np.array(beats.rr_ms, dtype=np.float64)
    from_ms, to_ms = _beat_bounds(activity, session)
    is_own = (at_ms >= max(span.from_ms, from_ms)) & (at_ms < min(span.to_ms, to_ms))
    is_flagged = (rr_ms < PLAUSIBLE_RR_MS[0]) | (rr_ms > PLAUSIBLE_RR_MS[1]) | np.array(beats.is_doubted)
    # Where the running clock was set back the file's order is kept, and the times wait for it.
    return RrSeries(np.maximum.accumulate(at_ms[is_own]), rr_ms[is_own], is_flagged[is_own])


def _beat_bounds(activity: Activity, session: ActivitySession) -> tuple[int, int]:
    at_ms = activity.records.at_ms
    first = int(at_ms[0]) if len(at_ms) else session.start_ms
    last = max(int(at_ms[-1]) if len(at_ms) else session.end_ms, session.end_ms)
    slack_ms = RR_SLACK_MS[activity.beats.source]
    return min(first, session.start_ms) - slack_ms, last + slack_ms


def _identity(activity: Activity, session: ActivitySession) -> str:
    """What stays the same when the file is exported again; "" where the file does not say."""
    row = next(iter(activity.tables.get("file_id", ())), {})
    maker, created = row.get("manufacturer"), row.get("created_s")
    if maker is None or created is None:
        return ""
    parts = ["fit", maker, row.get("product", ""), row.get("serial", ""), created]
    is_one_of_many = len(activity.tables.get("session", ())) > 1
    return ":".join(str(part) for part in [*parts, *([session.number] if is_one_of_many else [])])


# --- where its local time is known from


def fixes_of(records: Records) -> tuple[Floats, Floats]:
    """Latitudes and longitudes, both NaN where either is missing, impossible, or 0, 0: no fix."""
    latitude, longitude = records.column("lat_deg"), records.column("long_deg")
    is_fix = (np.abs(latitude) <= 90) & ~np.isnan(longitude) & ((latitude != 0) | (longitude != 0))
    return np.where(is_fix, latitude, np.nan), np.where(is_fix, longitude, np.nan)
