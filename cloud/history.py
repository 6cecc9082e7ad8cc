"""Loads by day and week with pandas: what an athlete has done, and the squad's week beside its usual one.

It predicts nothing and judges nothing. A day without a session is a rest day and counts 0; a day with a
session but without data is missing, never 0. Values leave as plain numbers, None where unknown.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

import pandas as pd

from cloud.clock import local_date
from cloud.insights.rules import AthleteWeek, SquadWeek
from cloud.store.rows import AttendedRow, RecordedSession
from hub.analytics.doubt import doubtful_share
from sync.record_fields import is_moment

SHORT_DAYS, LONG_DAYS = 7, 28
KNOWN_SHARE = 0.75
"""A mean is shown when at least this share of its days is known."""
USUAL_WEEKS = 4
LOW_COVERAGE = 0.8
DOUBTFUL = 0.05
Row = TypeVar("Row", AttendedRow, RecordedSession)


@dataclass(frozen=True, slots=True)
class Day:
    """One local date: `load_au` None means a session without data; the means end on this day."""

    on: date
    load_au: float | None
    sessions: int
    mean_7_au: float | None
    mean_28_au: float | None


@dataclass(frozen=True, slots=True)
class Week:
    """One ISO week: the sum of its known days and how many of its days those are."""

    starts_on: date
    total_au: float
    known_days: int
    missing_days: int


@dataclass(frozen=True, slots=True)
class History:
    """An athlete's days from the first one with data, and the same by week, newest last."""

    days: tuple[Day, ...]
    weeks: tuple[Week, ...]


def monday(on: date) -> date:
    """The first day of the ISO week."""
    return on - timedelta(days=on.weekday())


def _dated(rows: Sequence[Row]) -> list[Row]:
    """Those that began at a time a record may tell of; others, from before that was asked, are in no week."""
    return [row for row in rows if is_moment(row.started_at_ms)]


def daily_loads(
    attended: Sequence[AttendedRow], club: Sequence[RecordedSession], today: date
) -> pd.DataFrame:
    """One athlete's local dates up to `today`, columns load_au (NaN: missing) and sessions.

    Begins with the first day that has data; empty when there is none. `club` are all the club's sessions:
    on a day that has one which this athlete was not heard in, the load is unknown.
    """
    rows = pd.DataFrame(
        {
            "on": [pd.Timestamp(local_date(row.started_at_ms, row.utc_offset_s)) for row in attended],
            "load_au": pd.array([row.banister_au if row.n else None for row in attended], dtype="float64"),
        }
    )
    if rows["load_au"].notna().sum() == 0:
        return pd.DataFrame({"load_au": [], "sessions": []})
    by_on = rows.groupby("on")["load_au"]
    by_day = pd.DataFrame(
        {"load_au": by_on.apply(lambda loads: loads.sum(skipna=False)), "sessions": by_on.size()}
    )
    first = rows.loc[rows["load_au"].notna(), "on"].min()
    days = pd.date_range(first, max(pd.Timestamp(today), rows["on"].max()), freq="D")
    daily = by_day.reindex(days)
    held = pd.DatetimeIndex([pd.Timestamp(local_date(s.started_at_ms, s.utc_offset_s)) for s in club])
    is_rest = daily["sessions"].isna() & ~daily.index.isin(held)
    daily.loc[is_rest, "load_au"] = 0.0
    daily["sessions"] = daily["sessions"].fillna(0).astype(int)
    return daily


def athlete_history(attended: Sequence[AttendedRow], club: Sequence[RecordedSession], today: date) -> History:
    """Daily Banister totals, 7-day and 28-day load (means of daily totals) and weekly totals."""
    daily = daily_loads(_dated(attended), _dated(club), today)
    if daily.empty:
        return History((), ())
    short, long = (_mean(daily["load_au"], days) for days in (SHORT_DAYS, LONG_DAYS))
    days = tuple(
        Day(on.date(), _known(load), int(sessions), _known(mean_7), _known(mean_28))
        for on, load, sessions, mean_7, mean_28 in zip(
            pd.DatetimeIndex(daily.index), daily["load_au"], daily["sessions"], short, long, strict=True
        )
    )
    return History(days, tuple(_weeks(daily)))


def squad_week(
    attended: Sequence[AttendedRow], club: Sequence[RecordedSession], names: dict[str, str], today: date
) -> SquadWeek | None:
    """The week of the newest session beside the four before it; None when nothing was recorded.

    A week that is still running is compared with the same weekdays of the earlier weeks. An athlete's
    total is None when one of the days is missing.
    """
    attended, club = _dated(attended), _dated(club)
    if not club:
        return None
    newest = max(local_date(session.started_at_ms, session.utc_offset_s) for session in club)
    starts_on = monday(newest)
    days = 7 if today >= starts_on + timedelta(days=7) else max(today, newest).weekday() + 1
    people: dict[str, list[AttendedRow]] = {}
    for row in attended:
        people.setdefault(row.athlete_id, []).append(row)
    athletes = [
        _athlete_week(names.get(athlete_id, "Unknown"), rows, club, starts_on, days)
        for athlete_id, rows in people.items()
    ]
    in_week = [s for s in club if monday(local_date(s.started_at_ms, s.utc_offset_s)) == starts_on]
    return SquadWeek(
        starts_on=starts_on,
        days=days,
        sessions=len(in_week),
        athletes=tuple(sorted((a for a in athletes if a is not None), key=lambda a: a.name)),
    )


def _athlete_week(
    name: str, rows: list[AttendedRow], club: Sequence[RecordedSession], starts_on: date, days: int
) -> AthleteWeek | None:
    """One athlete's week, or None when they took no part in it."""
    week = [row for row in rows if monday(local_date(row.started_at_ms, row.utc_offset_s)) == starts_on]
    if not week:
        return None
    daily = daily_loads(rows, club, starts_on + timedelta(days=days - 1))["load_au"]
    totals: list[float | None] = []
    for back in range(USUAL_WEEKS + 1):
        begin = pd.Timestamp(starts_on - timedelta(weeks=back))
        span = daily[begin : begin + pd.Timedelta(days=days - 1)] if not daily.empty else daily
        is_whole = len(span) == days or (back == 0 and len(span) > 0)
        totals.append(_known(span.sum(skipna=False)) if is_whole else None)
    usual = [total for total in totals[1:] if total is not None]
    return AthleteWeek(
        name=name,
        load_au=totals[0],
        usual_au=sum(usual) / len(usual) if usual else None,
        usual_weeks=len(usual),
        sessions=len(week),
        low_coverage=sum(1 for row in week if not row.n or (row.coverage or 0.0) < LOW_COVERAGE),
        doubtful=sum(1 for r in week if (doubtful_share(r.doubtful_ms, r.covered_s) or 0.0) > DOUBTFUL),
    )


def _mean(load_au: pd.Series[float], days: int) -> pd.Series[float]:
    mean = load_au.rolling(days, min_periods=math.ceil(days * KNOWN_SHARE)).mean()
    mean.iloc[: days - 1] = float("nan")  # warming up: the window is not full yet
    return mean


def _weeks(daily: pd.DataFrame) -> list[Week]:
    weeks = daily["load_au"].groupby(pd.DatetimeIndex(daily.index).map(lambda on: monday(on.date())))
    return [
        Week(starts_on, float(loads.sum()), int(loads.notna().sum()), int(loads.isna().sum()))
        for starts_on, loads in weeks
    ]


def _known(value: float) -> float | None:
    return None if pd.isna(value) else float(value)
