"""A session's further heart-rate results: loads by own thresholds, extremes, energy, and tests run inside it.

It keeps nothing: a test is two or three times that somebody typed, or stops marked while the session ran.
"""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Connection

from hub.analytics.catalogue import metric
from hub.analytics.result import Result
from hub.analytics.session_results import field_tests
from hub.domain import Athlete, Session
from hub.results.kept import outcomes
from hub.store import athletes, boots, effort_stops, sessions
from hub.store.effort_stops import EffortStop
from hub.store.worn import HeartRates, heart_rates

TESTS = ("hrr60", "hrex")
SETTLED_MS = 67_000
"""How long after a stop its last reading is surely stored."""
SHOWN = ("min_bpm", "sustained_bpm", "peak_percent_hr_max", "lucia_trimp", "itrimp", "energy", *TESTS)


@dataclass(frozen=True, slots=True)
class HeartTest:
    """When a hard effort stopped, and from when to when a fixed easy run went, in s of the session.

    `stop_id` is a stop that was marked; without either every athlete's last marked one counts.
    """

    stop_s: int | None = None
    run_s: tuple[int, int] | None = None
    stop_id: str | None = None


@dataclass(frozen=True, slots=True)
class HeartRow:
    """One athlete's further results by metric; those without value and band are left out.

    `stop_s` is the stop that HRR60 is worked out from, in s of the session.
    """

    athlete: Athlete
    results: dict[str, Result]
    stop_s: float | None = None


@dataclass(frozen=True, slots=True)
class HeartTable:
    """A session's rows in shirt-number order, and the stops marked in it on its own boot's clock."""

    session: Session
    rows: list[HeartRow]
    stops: list[EffortStop]


def heart_table(db: Connection, session_id: str, now_mono_ms: int, test: HeartTest) -> HeartTable:
    """A row for everyone who wore a strap; a live session counts up to now.

    `now_mono_ms` is on the present boot's clock. Raises NotFound, and OutOfRange for a run under 60 s.
    """
    session = sessions.session(db, session_id)
    until = None
    if session.is_live:
        until = now_mono_ms + boots.shift_ms(db, boots.newest(db), session.boot_no)
    made = {it.athlete_id: it for it in outcomes(db, session, until)}
    stops = effort_stops.of_session(db, session_id, session.boot_no)
    stopped_ms = effort_stops.latest_ms(it for it in stops if test.stop_id in (None, it.stop_id))
    is_tested = test.stop_s is not None or test.run_s is not None or bool(stopped_ms)
    worn = heart_rates(db, session) if is_tested else {}
    rows = []
    for athlete in athletes.all_athletes(db, include_inactive=True):
        outcome = made.get(athlete.athlete_id)
        if outcome is None:
            continue
        found = {it.metric_id: it for it in outcome.results if it.metric_id in SHOWN}
        if outcome.sustained_bpm is not None:
            found["sustained_bpm"] = _made("sustained_bpm", float(outcome.sustained_bpm), outcome.histogram.n)
        stop_ms = _stop_ms(session, test, stopped_ms.get(athlete.athlete_id), until)
        if athlete.athlete_id in worn:
            heard = worn[athlete.athlete_id]
            found |= {it.metric_id: it for it in _tests(heard, session.mono0_ms, stop_ms, test)}
        given = {name: it for name, it in found.items() if it.value is not None or it.band or name in TESTS}
        stop_s = None if stop_ms is None else (stop_ms - session.mono0_ms) / 1000
        rows.append(HeartRow(athlete, given, stop_s))
    return HeartTable(session, rows, stops)


def _stop_ms(session: Session, test: HeartTest, marked_ms: int | None, until: int | None) -> int | None:
    """The stop that counts, on the session's clock: the typed one first; None until it is settled."""
    stop_ms = marked_ms if test.stop_s is None else session.mono0_ms + 1000 * test.stop_s
    is_settled = stop_ms is not None and (until is None or until >= stop_ms + SETTLED_MS)
    return stop_ms if is_settled else None


def _made(metric_id: str, value: float | None, n: int) -> Result:
    its = metric(metric_id)
    return Result(metric_id, value, its.unit, its.version, n=n)


def _tests(heard: HeartRates, mono0_ms: int, stop_ms: int | None, test: HeartTest) -> tuple[Result, ...]:
    run_ms = None
    if test.run_s is not None:
        run_ms = (mono0_ms + 1000 * test.run_s[0], mono0_ms + 1000 * test.run_s[1])
    return field_tests(heard.mono_ms, heard.bpm, stop_ms=stop_ms, run_ms=run_ms)
