"""A session's load table and heart-rate curves, as they follow from what is stored right now.

Kept results are read only where they still hold, so an edited HRmax or a corrected assignment shows at once.
"""

from __future__ import annotations

from sqlite3 import Connection

import numpy as np

from hub.analytics.catalogue import ZONE_PREFIX
from hub.analytics.trimp import banister_table
from hub.domain import Athlete, LoadRow
from hub.results.kept import Outcome, outcomes
from hub.results.kept import end_of as end_of
from hub.store import athletes, boots, session_results, sessions
from hub.store.worn import HeartRates, heart_rates

LONGEST_CURVE = 1500
GAP_IN_CURVE_MS = 10_000


def load_table(
    db: Connection, session_id: str, now_mono_ms: int | None = None, athlete_ids: set[str] | None = None
) -> list[LoadRow]:
    """One row for everyone who wore a strap, or those asked for, in shirt-number order; a live session
    counts up to now.

    `now_mono_ms` is on the present boot's clock, whichever boot the session began in.
    Raises NotFound.
    """
    session = sessions.session(db, session_id)
    if now_mono_ms is not None:
        now_mono_ms += boots.shift_ms(db, boots.newest(db), session.boot_no)
    made = {it.athlete_id: it for it in outcomes(db, session, now_mono_ms, athlete_ids)}
    redone = session_results.recomputed(db, session_id)
    return [
        _row(athlete, made[athlete.athlete_id], athlete.athlete_id in redone)
        for athlete in athletes.all_athletes(db, include_inactive=True)
        if athlete.athlete_id in made
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


def _row(athlete: Athlete, outcome: Outcome, is_recomputed: bool) -> LoadRow:
    found = {result.metric_id: result for result in outcome.results}
    zones = [result for name, result in found.items() if name.startswith(f"{ZONE_PREFIX}_")]
    edges = [value for result in zones for name, value in result.parameters if name == "from_bpm"]
    max_bpm, above = found["max_bpm"].value, found["time_above_hr_max"].value
    uses = ("banister_trimp", "edwards_trimp", zones[0].metric_id)
    kept, heart = outcome.kept, outcome.parameters.heart
    return LoadRow(
        athlete_id=athlete.athlete_id,
        name=athlete.name,
        shirt_number=athlete.shirt_number,
        mean_bpm=found["mean_bpm"].value,
        max_bpm=None if max_bpm is None else int(max_bpm),
        banister_au=found["banister_trimp"].value if outcome.has_time else _nothing(banister_table(heart)),
        edwards_au=found["edwards_trimp"].value if outcome.has_time else _nothing(heart.hr_max_bpm),
        coverage=outcome.histogram.coverage,
        zone_s=tuple(result.value or 0.0 for result in zones),
        estimated_s=outcome.histogram.estimated_s,
        is_hr_max_exceeded=above is not None and above > 0,
        zone_edges_bpm=tuple(float(edge) for edge in edges),
        has_own_zones=outcome.parameters.zones is not None,
        estimated=tuple(sorted({name for used in uses for name in found[used].estimated})),
        covered_s=outcome.histogram.covered_s,
        recomputed_at_ms=kept.new.computed_at_ms if kept is not None and is_recomputed else None,
    )


def _nothing(needed: object) -> float | None:
    """The load of no time at all: 0 as on the board, or None where the formula lacks an input."""
    return None if needed is None else 0.0


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
