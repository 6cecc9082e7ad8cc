"""A session's load table and heart-rate curves, computed from what is stored whenever they are asked for.

Nothing is cached, so an edited HRmax or a corrected assignment shows at once.
"""

from __future__ import annotations

from sqlite3 import Connection

import numpy as np

from hub.analytics.load import session_load
from hub.domain import Athlete, LoadRow, Session
from hub.store import athletes, boots, sessions
from hub.store.worn import HeartRates, heart_rates

LONGEST_CURVE = 1500
GAP_IN_CURVE_MS = 10_000


def load_table(db: Connection, session_id: str, now_mono_ms: int | None = None) -> list[LoadRow]:
    """One row for everyone who wore a strap, in shirt-number order; a live session counts up to now.

    `now_mono_ms` is on the present boot's clock, whichever boot the session began in.
    Raises NotFound.
    """
    session = sessions.session(db, session_id)
    if now_mono_ms is not None:
        now_mono_ms += boots.shift_ms(db, boots.newest(db), session.boot_no)
    worn = heart_rates(db, session)
    known = athletes.all_athletes(db, include_inactive=True)
    return [
        _row(session, athlete, worn[athlete.athlete_id], now_mono_ms)
        for athlete in known
        if athlete.athlete_id in worn
    ]


def heart_series(db: Connection, session_id: str) -> list[tuple[Athlete, list[int], list[int | None]]]:
    """(athlete, seconds since the start, bpm or None in a gap) for charts, at most 1500 points each.

    Raises NotFound.
    """
    session = sessions.session(db, session_id)
    worn = heart_rates(db, session)
    known = athletes.all_athletes(db, include_inactive=True)
    return [
        (athlete, *_curve(worn[athlete.athlete_id], session.mono0_ms))
        for athlete in known
        if athlete.athlete_id in worn
    ]


def end_of(session: Session, heard: HeartRates, now_mono_ms: int | None) -> int:
    """The session's end on its own boot's clock; a session ended in a later boot ends by wall time."""
    if session.mono1_ms is not None:
        return session.mono1_ms
    last = int(heard.mono_ms[-1]) + 1 if len(heard.mono_ms) else session.mono0_ms
    if session.ended_at_ms is not None:
        return max(session.mono0_ms + session.ended_at_ms - session.started_at_ms, last)
    return last if now_mono_ms is None else max(now_mono_ms, last)


def _row(session: Session, athlete: Athlete, heard: HeartRates, now_mono_ms: int | None) -> LoadRow:
    load = session_load(
        heard.mono_ms, heard.bpm, athlete.profile, session.mono0_ms, end_of(session, heard, now_mono_ms)
    )
    return LoadRow(
        athlete_id=athlete.athlete_id,
        name=athlete.name,
        shirt_number=athlete.shirt_number,
        mean_bpm=load.mean_bpm,
        max_bpm=load.max_bpm,
        banister_au=load.banister_au,
        edwards_au=load.edwards_au,
        coverage=load.coverage,
        zone_s=load.zone_s,
        estimated_s=load.estimated_s,
        is_hr_max_exceeded=load.above_max_s > 0,
    )


def _curve(heard: HeartRates, mono0_ms: int) -> tuple[list[int], list[int | None]]:
    valid = heard.bpm > 0
    at_ms, bpm = heard.mono_ms[valid], heard.bpm[valid]
    gaps_so_far = np.cumsum(np.diff(at_ms, prepend=at_ms[:1]) > GAP_IN_CURVE_MS)
    room = LONGEST_CURVE - min(int(gaps_so_far[-1]) if len(at_ms) else 0, LONGEST_CURVE // 2)
    step = max(1, -(-len(at_ms) // room))
    at_ms, bpm, gaps_so_far = at_ms[::step], bpm[::step], gaps_so_far[::step]
    seconds: list[int] = []
    rates: list[int | None] = []
    gaps = np.diff(gaps_so_far, prepend=gaps_so_far[:1]) > 0
    for t_ms, rate, after_gap in zip(at_ms.tolist(), bpm.tolist(), gaps.tolist(), strict=True):
        second = (t_ms - mono0_ms) // 1000
        if after_gap:
            seconds.append(second - 1)
            rates.append(None)
        seconds.append(second)
        rates.append(rate)
    return seconds, rates
