"""The week in words: exactly these, from exactly these facts."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest

from cloud.insights.rules import AthleteWeek, SquadWeek, weekly_insight

WEEK = SquadWeek(
    starts_on=date(2026, 3, 9),
    days=7,
    sessions=4,
    athletes=(
        AthleteWeek("Ann", 420.0, 400.0, 4, 4, 0),
        AthleteWeek("Bea", None, 380.0, 4, 3, 1),
        AthleteWeek("Cleo", 520.0, 390.0, 3, 4, 0),
        AthleteWeek("Dina", 300.0, 310.0, 4, 4, 2),
    ),
)


def test_a_whole_week_beside_its_usual_one() -> None:
    insight = weekly_insight(WEEK)
    assert insight.week_start == "2026-03-09"
    assert insight.headline == "The squad's week was 13 % above its usual one"
    assert insight.body == (
        "The 3 athletes with a whole week of data did 413 AU on average, against 367 AU over the same days of"
        " up to 4 weeks before (+13 %). Cleo differs most from their own mean: 520 AU against 390 AU (+33 %)."
        " Heard for less than 80 % of the time: Bea (1 session), Dina (2 sessions);"
        " their loads may be too low."
        " Was this the week you had planned?"
    )
    assert insight.facts == (
        ("Week", "9 Mar to 15 Mar 2026"),
        ("Sessions", "4"),
        ("Athletes", "4"),
        ("Mean load per athlete", "413 AU"),
        ("Usual for these days", "367 AU"),
        ("Change", "+13 %"),
        ("Athletes compared", "3"),
        ("Largest change", "Cleo +33 %"),
        ("Gaps in the data", "Bea (1 session), Dina (2 sessions)"),
    )


def test_a_week_that_still_runs_says_how_far_it_is() -> None:
    insight = weekly_insight(replace(WEEK, days=3))
    assert insight.headline == "The squad's week so far was 13 % above its usual one"
    assert insight.facts[0] == ("Week", "9 Mar to 15 Mar 2026, 3 of 7 days")
    assert insight.body.endswith("Is this the week you are planning?")


def test_too_little_data_is_said_and_nothing_is_compared() -> None:
    first = tuple(replace(athlete, usual_au=None, usual_weeks=0) for athlete in WEEK.athletes)
    insight = weekly_insight(replace(WEEK, athletes=first))
    assert insight.headline == "Too little data to compare this week yet"
    assert insight.body == (
        "4 sessions with 4 athletes so far; nobody has a whole earlier week to compare with."
        " Heard for less than 80 % of the time: Bea (1 session), Dina (2 sessions);"
        " their loads may be too low."
        " Was everybody who trained wearing a strap?"
    )
    assert not any("Change" in label for label, _ in insight.facts)


@pytest.mark.parametrize("days", [1, 7])
@pytest.mark.parametrize("usual", [None, 0.0, 400.0])
def test_no_insight_explains_warns_or_diagnoses_and_each_ends_in_a_question(
    days: int, usual: float | None
) -> None:
    athletes = tuple(replace(athlete, usual_au=usual) for athlete in WEEK.athletes)
    insight = weekly_insight(replace(WEEK, days=days, athletes=athletes))
    words = f"{insight.headline} {insight.body}".lower()
    assert not re.search(r"risk|injur|fatigue|overtrain|because|caus|danger|should|recover|health|ill", words)
    assert insight.body.endswith("?")
    assert all(label and value for label, value in insight.facts)


def test_at_most_five_names_are_listed() -> None:
    many = tuple(AthleteWeek(f"A{i}", None, None, 0, 1, 1) for i in range(8))
    assert "A4 (1 session) and 3 more" in weekly_insight(replace(WEEK, athletes=many)).body
