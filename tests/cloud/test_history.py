"""Days and weeks: rest is 0, silence is missing, and a mean waits for its days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from cloud.clock import local_date
from cloud.history import athlete_history, squad_week
from cloud.store.rows import AttendedRow, RecordedSession

FIRST = date(2026, 3, 2)  # a Monday


def at_ms(day: int, hour: int = 12) -> int:
    on = FIRST + timedelta(days=day)
    return int(datetime(on.year, on.month, on.day, hour, tzinfo=UTC).timestamp() * 1000)


def attended(
    day: int, au: float | None, *, who: str = "a", hour: int = 12, coverage: float = 1.0
) -> AttendedRow:
    n = 0 if au is None else 600
    return AttendedRow(who, f"s{day}.{hour}", "Run", at_ms(day, hour), 0, au, coverage, n)


def held(*rows: AttendedRow) -> list[RecordedSession]:
    return [RecordedSession(row.session_id, row.started_at_ms, row.utc_offset_s) for row in rows]


def test_a_session_late_in_the_evening_belongs_to_the_local_date() -> None:
    late = at_ms(0, 23)
    assert local_date(late, 3600) == FIRST + timedelta(days=1)
    assert local_date(late, -3600) == FIRST


def test_rest_is_zero_and_a_session_without_data_is_missing() -> None:
    rows = [attended(0, 100.0), attended(2, None), attended(4, 50.0), attended(4, 25.0, hour=18)]
    past = athlete_history(rows, held(*rows), FIRST + timedelta(days=5))
    assert [day.load_au for day in past.days] == [100.0, 0.0, None, 0.0, 75.0, 0.0]
    assert [day.sessions for day in past.days] == [1, 0, 1, 0, 2, 0]
    assert past.weeks[0].total_au == 175.0
    assert (past.weeks[0].known_days, past.weeks[0].missing_days) == (5, 1)


def test_a_day_the_squad_trained_without_this_athletes_data_is_missing() -> None:
    mine, theirs = [attended(0, 100.0), attended(3, 90.0)], attended(1, 70.0, who="b")
    past = athlete_history(mine, held(*mine, theirs), FIRST + timedelta(days=3))
    assert [day.load_au for day in past.days] == [100.0, None, 0.0, 90.0]


def test_means_wait_until_their_window_is_full() -> None:
    rows = [attended(day, 70.0) for day in range(30)]
    days = athlete_history(rows, held(*rows), FIRST + timedelta(days=29)).days
    assert [day.mean_7_au for day in days[:7]] == [None] * 6 + [pytest.approx(70.0)]
    assert [day.mean_28_au for day in days[26:]] == [None, *[pytest.approx(70.0)] * 3]


def test_a_mean_is_over_the_known_days_and_gone_when_too_few_are() -> None:
    rows = [attended(day, None if day == 3 else 70.0) for day in range(7)]
    assert athlete_history(rows, held(*rows), FIRST + timedelta(days=6)).days[-1].mean_7_au == pytest.approx(
        70.0
    )
    rows = [attended(day, None if day in (2, 3) else 70.0) for day in range(7)]
    assert athlete_history(rows, held(*rows), FIRST + timedelta(days=6)).days[-1].mean_7_au is None


def test_without_data_there_is_no_history() -> None:
    assert athlete_history([], [], FIRST).days == ()
    assert athlete_history([attended(0, None)], [], FIRST).weeks == ()


def test_a_running_week_is_compared_with_the_same_days_of_earlier_weeks() -> None:
    rows = [attended(7 * week + day, 100.0 + 10 * week) for week in range(3) for day in (0, 2, 4)]
    rows = [row for row in rows if row.started_at_ms < at_ms(14 + 3)]  # it is Wednesday of the third week
    week = squad_week(rows, held(*rows), {"a": "Ann"}, FIRST + timedelta(days=16))
    assert week is not None
    assert (week.starts_on, week.days, week.sessions) == (FIRST + timedelta(days=14), 3, 2)
    (ann,) = week.athletes
    assert (ann.name, ann.load_au, ann.usual_au, ann.usual_weeks) == ("Ann", 240.0, 210.0, 2)


def test_a_week_with_a_missing_day_is_not_compared() -> None:
    rows = [attended(0, 100.0), attended(7, 100.0), attended(9, None, coverage=0.0)]
    week = squad_week(rows, held(*rows), {}, FIRST + timedelta(days=14))
    assert week is not None
    assert (week.athletes[0].load_au, week.athletes[0].low_coverage) == (None, 1)


def test_a_club_without_sessions_has_no_week() -> None:
    assert squad_week([], [], {}, FIRST) is None
