"""An athlete's last weeks day by day: morning variability, resting heart rate, load, what is worth asking.

It composes the formulas and judges nothing. A rest day is a load of 0; a day is missing where the athlete's
session left no heart rate, or where the squad's straps were recorded here without the athlete.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from sqlite3 import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hub.analytics.daily_load import acute_chronic, week_loads
from hub.analytics.hrv import MIN_BASELINE_VALUES, SwcBand, rolling_week, swc_band
from hub.analytics.prompts import Prompt, Usual, conversation_prompt, heart_rate_sign, variability_sign
from hub.domain import Athlete, Via
from hub.results.kept import outcomes
from hub.store import athletes, daily, days, sessions

SPAN_DAYS = 91
BASELINE_DAYS = 60
WEEK_DAYS = 7
SMALLEST_ERROR_BPM = 1.0
KINDS = ("banister_trimp", "edwards_trimp")

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Mornings:
    """lnRMSSD (days,) of the one source with most days, NaN for none; `band` is of the 60 days before the
    last 7, and holds only where these have 14 values."""

    source: str | None
    ln_rmssd: Floats
    week: Floats
    band: SwcBand

    @property
    def has_band(self) -> bool:
        """Whether the baseline has days enough for a band to be shown."""
        return self.band.lo is not None and self.band.n >= MIN_BASELINE_VALUES


@dataclass(frozen=True, slots=True, eq=False)
class Resting:
    """Resting heart rate in bpm (days,) of one source; `usual` from 14 baseline values on."""

    source: str | None
    bpm: Floats
    usual: Usual | None


@dataclass(frozen=True, slots=True, eq=False)
class Loads:
    """Load (days,) in AU of one kind, `metric_id`, None where no session has any; means in AU a day.

    `week_au` sums the last 7 days and `week_n` counts those with data.
    """

    metric_id: str | None
    daily_au: Floats
    acute_au: Floats
    chronic_au: Floats
    uncoupled: Floats
    week_au: Floats
    week_n: NDArray[np.int64]
    is_warming_up: bool


@dataclass(frozen=True, slots=True, eq=False)
class AthleteDays:
    """The last 91 days of an athlete, oldest first; the last one is today."""

    athlete: Athlete
    days: tuple[date, ...]
    mornings: Mornings
    resting: Resting
    loads: Loads
    prompt: Prompt | None


def athlete_days(db: Connection, athlete_id: str, today: date) -> AthleteDays:
    """Everything the athlete's days show. Raises NotFound."""
    athlete = athletes.athlete(db, athlete_id)
    span = tuple(today - timedelta(days=back) for back in range(SPAN_DAYS - 1, -1, -1))
    told = daily.of_athlete(db, athlete_id, span[0].isoformat(), today.isoformat())
    mornings, resting = _mornings(told, span), _resting(told, span)
    signs = [variability_sign(mornings.ln_rmssd, mornings.band)] if mornings.has_band else []
    signs += [heart_rate_sign(resting.bpm, resting.usual)] if resting.usual is not None else []
    prompt = conversation_prompt(signs)
    return AthleteDays(athlete, span, mornings, resting, _loads(db, athlete_id, span), prompt)


# --- what the mornings say


def _mornings(told: list[dict[str, Any]], span: Sequence[date]) -> Mornings:
    source, rmssd_ms = _of_one_source(told, "hrv_rmssd", span)
    values = np.log(np.where(rmssd_ms > 0, rmssd_ms, np.nan))
    return Mornings(source, values, rolling_week(values).mean, swc_band(_baseline(values)))


def _resting(told: list[dict[str, Any]], span: Sequence[date]) -> Resting:
    source, bpm = _of_one_source(told, "resting_heart_rate", span)
    before = _baseline(bpm)
    known = before[np.isfinite(before)]
    usual = None
    if len(known) >= MIN_BASELINE_VALUES:
        usual = Usual(float(known.mean()), max(SMALLEST_ERROR_BPM, float(known.std(ddof=1))))
    return Resting(source, bpm, usual)


def _baseline(values: Floats) -> Floats:
    """The 60 days before the last 7."""
    return values[-WEEK_DAYS - BASELINE_DAYS : -WEEK_DAYS]


def _of_one_source(told: list[dict[str, Any]], name: str, span: Sequence[date]) -> tuple[str | None, Floats]:
    """Values (days,) of the source that has most; makers measure differently and are never mixed."""
    places = {day.isoformat(): place for place, day in enumerate(span)}
    rows = [row for row in told if row["name"] == name and row["date"] in places]  # 2026-11-99 is no day
    values = np.full(len(span), np.nan)
    counts = Counter(row["source"] for row in rows)
    source = max(sorted(counts), key=lambda it: counts[it], default=None)
    for row in rows:
        if row["source"] == source:
            values[places[row["date"]]] = row["value"]
    return source, values


# --- what the sessions say


def _loads(db: Connection, athlete_id: str, span: Sequence[date]) -> Loads:
    places = {day.isoformat(): place for place, day in enumerate(span)}
    by_kind = {kind: np.zeros(len(span)) for kind in KINDS}
    found: Counter[str] = Counter()
    for it in days.sessions_between(db, athlete_id, span[0].isoformat(), span[-1].isoformat()):
        if not it.took_part and it.source == Via.FILE.value:
            continue  # somebody else's own recording says nothing of this athlete's day
        made = _session_loads(db, it.session_id, athlete_id) if it.took_part else {}
        found.update(made.keys())
        for kind in KINDS:
            by_kind[kind][places[it.day]] += made.get(kind, np.nan)
    kind = max(KINDS, key=lambda it: found[it])
    loads = by_kind[kind]
    joined = np.array([_joined(db, athlete_id, span)])
    series = loads[:, None]
    over, week = acute_chronic(series, joined), week_loads(series, joined)
    return Loads(
        metric_id=kind if found[kind] else None,
        daily_au=np.where(np.arange(len(span)) >= joined[0], loads, np.nan),
        acute_au=over.acute_au[:, 0],
        chronic_au=over.chronic_au[:, 0],
        uncoupled=over.uncoupled[:, 0],
        week_au=week.load_au[:, 0],
        week_n=week.n[:, 0].astype(np.int64),
        is_warming_up=bool(over.is_warming_up[-1, 0]),
    )


def _session_loads(db: Connection, session_id: str, athlete_id: str) -> dict[str, float]:
    """By kind, of a session that credited any time."""
    made = outcomes(db, sessions.session(db, session_id), athlete_ids={athlete_id})
    return {
        result.metric_id: result.value
        for outcome in made
        if outcome.has_time
        for result in outcome.results
        if result.metric_id in KINDS and result.value is not None
    }


def _joined(db: Connection, athlete_id: str, span: Sequence[date]) -> int:
    """The place of the first day anything is known of the athlete; past the end where nothing is."""
    first = days.first_day(db, athlete_id)
    return len(span) if first is None else max(0, (date.fromisoformat(first) - span[0]).days)
