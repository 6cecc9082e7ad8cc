"""A TCX file's activities become sessions, one each, also of a multisport file and its transitions.

Totals are the sums over laps as the file states them; the start is the first point's time, as the stated one
is sometimes cut to the minute. Courses and plans are not read.
"""

from __future__ import annotations

from hub.devices.exports.found import (
    NO_TRACK,
    Found,
    FoundSession,
    Held,
    KnownBy,
    Lap,
    Person,
    Setting,
    Stated,
)
from hub.devices.exports.source import Source
from hub.devices.exports.sports import sport_of
from hub.devices.exports.tcx_elements import MOST_SESSIONS, Elements, StatedActivity, StatedLap
from hub.devices.exports.xml_events import listen
from hub.devices.exports.xml_points import Frame, ahead_in, maker_of, time_of
from hub.errors import ExportUnreadable

NO_SERIAL = ("", "0", "4294967295")
LONGEST_LAP_S = 30 * 86_400.0
EARLY_START_MS = LATE_END_MS = 6 * 3_600_000
SLACK_S = 5.0


def read_tcx(source: Source, setting: Setting) -> Found:
    """A session for each activity; what stands before damage is kept and the damage told.

    Raises ExportUnreadable for a course, a header without an activity, or times that cannot be.
    """
    elements = Elements()
    damage = listen(source, "TrainingCenterDatabase", elements)
    elements.keep()
    sessions: list[FoundSession] = []
    held: list[Held] = []
    for activity in elements.activities:
        frame = activity.points.frame(setting)
        session = _session(activity, frame, setting)
        held += activity.points.held() if frame is None else frame.held
        if session is not None:
            sessions.append(session)
    if elements.n_surplus:
        held.append(Held("activity", f"more than {MOST_SESSIONS} activities", n=elements.n_surplus))
    if not sessions:
        raise _without_session(elements, damage)
    makers = [maker_of(" ".join((*one.words.values(), elements.author))) for one in elements.activities]
    provider = next(filter(None, makers), "garmin" if elements.author == "Connect Api" else "")
    return Found("TCX", provider, tuple(sessions), held=tuple(held), damage=damage)


def _session(activity: StatedActivity, frame: Frame | None, setting: Setting) -> FoundSession | None:
    """None where neither a point nor a lap has a possible time."""
    shift_ms = frame.shift_ms if frame else _shift_ms(activity, setting)
    warnings: tuple[str, ...] = ()
    laps = _laps(activity, shift_ms)
    begun = [lap.started_at_ms for lap, of in laps if not of.n_points]
    if frame is not None:
        begun = [frame.began_ms, *(at for at in begun if at > frame.began_ms - EARLY_START_MS)]
    if not begun:
        return None
    started = min(begun)
    ended = max([*begun, frame.ended_ms if frame else started, *_ends(laps, frame)])
    pauses = frame.pauses_ms if frame else ()
    elapsed_s = (ended - started) / 1000
    timer_s = _timer_s(activity, elapsed_s, pauses)
    if timer_s is not None and timer_s > elapsed_s + SLACK_S:
        warnings = (f"Its laps last {timer_s:.0f} s together, longer than the {elapsed_s:.0f} s they span.",)
        timer_s = None
    elapsed_s = max(elapsed_s, timer_s or 0.0)
    return FoundSession(
        person=Person(device_serial=_serial(activity)),
        sport=sport_of(activity.sport),
        written_sport=activity.sport,
        started_at_ms=started,
        elapsed_s=elapsed_s,
        timer_s=timer_s,
        distance_m=_distance_m(activity, frame),
        energy_kcal=_sum(activity, "energy_kcal"),
        utc_offset_s=frame.offset_s if frame else ahead_in(setting, started),
        offset_known_by=frame.known_by if frame else KnownBy.ASSUMED,
        title=activity.words.get("Notes", ""),
        device=activity.words.get("Name", ""),
        identity=_identity(activity),
        laps=tuple(lap for lap, _ in laps),
        stated=(*_stated(activity), *(frame.stated if frame else ())),
        pauses_ms=pauses,
        n_records=activity.points.n,
        track=frame.track if frame else NO_TRACK,
        warnings=warnings,
    )


def _shift_ms(activity: StatedActivity, setting: Setting) -> int:
    """What to add to laps' local times where no point tells the zone."""
    for lap in activity.laps:
        timed = time_of(lap.start)
        if timed is not None:
            return -1000 * ahead_in(setting, timed[0], is_local=True) if timed[1] is None else 0
    return 0


def _laps(activity: StatedActivity, shift_ms: int) -> list[tuple[Lap, StatedLap]]:
    found = []
    for n, lap in enumerate(activity.laps, start=1):
        timed = time_of(lap.start) or (time_of(activity.words.get("Id", "")) if n == 1 else None)
        if timed is None:
            continue
        elapsed_s = min(lap.numbers.get("timer_s", 0.0), LONGEST_LAP_S)
        at_ms = timed[0] + (shift_ms if timed[1] is None else 0)
        name = f"lap {n}" + (" (rest)" if lap.intensity == "Resting" else "")
        found.append((Lap(name, at_ms, elapsed_s, lap.numbers.get("distance_m")), lap))
    return found


def _ends(laps: list[tuple[Lap, StatedLap]], frame: Frame | None) -> list[int]:
    """When each lap ends, as far as that is no later than the points make likely."""
    ends = [lap.started_at_ms + round(lap.elapsed_s * 1000) for lap, _ in laps]
    if frame is None:
        return ends
    latest = max([frame.ended_ms, *(lap.started_at_ms for lap, _ in laps)]) + LATE_END_MS
    return [end for end in ends if end <= latest]


def _sum(activity: StatedActivity, name: str) -> float | None:
    values = [lap.numbers[name] for lap in activity.laps if name in lap.numbers]
    return sum(values) if values else None


def _timer_s(activity: StatedActivity, elapsed_s: float, pauses: tuple[tuple[int, int], ...]) -> float | None:
    """The laps' times together where each states one, else what the pauses leave."""
    if activity.laps and all("timer_s" in lap.numbers for lap in activity.laps):
        return _sum(activity, "timer_s")
    paused_s = sum(end - start for start, end in pauses) / 1000
    return max(0.0, elapsed_s - paused_s) if paused_s else None


def _distance_m(activity: StatedActivity, frame: Frame | None) -> float | None:
    """As the laps state it, else what the device's distances span, else the way between the points."""
    stated = _sum(activity, "distance_m")
    if stated is not None or frame is None:
        return stated
    way = frame.track.column("distance_m")
    way = way[way == way]
    return float(way.max() - way.min()) if len(way) > 1 else frame.way_m


def _stated(activity: StatedActivity) -> tuple[Stated, ...]:
    found = []
    for name, unit in (("maximum_heart_rate", "bpm"), ("maximum_speed", "m/s")):
        values = [lap.numbers[name] for lap in activity.laps if name in lap.numbers]
        if values:
            found.append(Stated(name, max(values), unit))
    if len(activity.laps) == 1 and (mean := activity.laps[0].numbers.get("average_heart_rate")):
        found.append(Stated("average_heart_rate", mean, "bpm"))
    return tuple(found)


def _serial(activity: StatedActivity) -> str:
    serial = activity.words.get("UnitId", "")
    return "" if serial in NO_SERIAL else serial


def _identity(activity: StatedActivity) -> str:
    """Device and the id it gave the activity; "" where the device is not told from its like."""
    serial, own = _serial(activity), activity.words.get("Id", "")
    return f"tcx:{activity.words.get('ProductID', '')}:{serial}:{own}" if serial and own else ""


def _without_session(elements: Elements, damage: str | None) -> ExportUnreadable:
    if damage:
        return ExportUnreadable(
            "it is damaged and holds no whole point with a time.", hint="Copy or export it again."
        )
    if any(one.points.n_impossible for one in elements.activities):
        return ExportUnreadable(
            "its clock is wrong throughout: none of its points has a possible time.",
            hint="Set the device's date and export again.",
        )
    if elements.has_course:
        return ExportUnreadable(
            "it is a course or a plan, not a recorded activity.", hint="Choose a recorded activity instead."
        )
    return ExportUnreadable(
        "it is a header without laps or points.", hint="Export that activity again, or as FIT."
    )
