"""A session's further heart-rate results: loads by own thresholds, extremes, energy, and tests run inside it.

It keeps nothing: a test is two or three times that somebody typed, worked out from what is stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Connection

from hub.analytics.catalogue import metric
from hub.analytics.result import Result
from hub.analytics.session_results import field_tests
from hub.domain import Athlete, Session
from hub.results.kept import outcomes
from hub.store import athletes, boots, sessions
from hub.store.worn import HeartRates, heart_rates

TESTS = ("hrr60", "hrex")
SHOWN = ("min_bpm", "sustained_bpm", "peak_percent_hr_max", "lucia_trimp", "itrimp", "energy", *TESTS)


@dataclass(frozen=True, slots=True)
class HeartTest:
    """When a hard effort stopped, and from when to when a fixed easy run went, in s of the session."""

    stop_s: int | None = None
    run_s: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class HeartRow:
    """One athlete's further results by metric; those without value and band are left out."""

    athlete: Athlete
    results: dict[str, Result]


def heart_table(
    db: Connection, session_id: str, now_mono_ms: int, test: HeartTest
) -> tuple[Session, list[HeartRow]]:
    """A row for everyone who wore a strap, in shirt-number order; a live session counts up to now.

    `now_mono_ms` is on the present boot's clock. Raises NotFound, and OutOfRange for a run under 60 s.
    """
    session = sessions.session(db, session_id)
    until = None
    if session.is_live:
        until = now_mono_ms + boots.shift_ms(db, boots.newest(db), session.boot_no)
    made = {it.athlete_id: it for it in outcomes(db, session, until)}
    is_tested = test.stop_s is not None or test.run_s is not None
    worn = heart_rates(db, session) if is_tested else {}
    rows = []
    for athlete in athletes.all_athletes(db, include_inactive=True):
        outcome = made.get(athlete.athlete_id)
        if outcome is None:
            continue
        found = {it.metric_id: it for it in outcome.results if it.metric_id in SHOWN}
        if outcome.sustained_bpm is not None:
            found["sustained_bpm"] = _made("sustained_bpm", float(outcome.sustained_bpm), outcome.histogram.n)
        if athlete.athlete_id in worn:
            found |= {it.metric_id: it for it in _tests(worn[athlete.athlete_id], session.mono0_ms, test)}
        given = {name: it for name, it in found.items() if it.value is not None or it.band or name in TESTS}
        rows.append(HeartRow(athlete, given))
    return session, rows


def _made(metric_id: str, value: float | None, n: int) -> Result:
    its = metric(metric_id)
    return Result(metric_id, value, its.unit, its.version, n=n)


def _tests(heard: HeartRates, mono0_ms: int, test: HeartTest) -> tuple[Result, ...]:
    stop_ms = None if test.stop_s is None else mono0_ms + 1000 * test.stop_s
    run_ms = None
    if test.run_s is not None:
        run_ms = (mono0_ms + 1000 * test.run_s[0], mono0_ms + 1000 * test.run_s[1])
    return field_tests(heard.mono_ms, heard.bpm, stop_ms=stop_ms, run_ms=run_ms)
