"""The week in a coach's words, made by rules from facts alone: what was done beside what is usual.

It explains nothing, predicts nothing and advises nothing; it ends in a question, because the coach knows why.
Pure: facts in, insight out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from hub.analytics.catalogue import metric

MOST_NAMES = 5
ENOUGH_ATHLETES = 3
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class AthleteWeek:
    """One athlete's week in Banister AU; `load_au` None when a session of theirs gave no data.

    `usual_au` is the mean of `usual_weeks` earlier weeks over the same weekdays; `low_coverage` counts the
    week's sessions that were heard for less than 80 % of their time, `doubtful` those of which more than 5 %
    of what was heard is doubtful.
    """

    name: str
    load_au: float | None
    usual_au: float | None
    usual_weeks: int
    sessions: int
    low_coverage: int
    doubtful: int = 0


@dataclass(frozen=True, slots=True)
class SquadWeek:
    """The squad's week; `days` 1..7 says how much of it has passed."""

    starts_on: date
    days: int
    sessions: int
    athletes: tuple[AthleteWeek, ...]


@dataclass(frozen=True, slots=True)
class Insight:
    """What is shown: words, and the facts they rest on as (label, value with unit)."""

    week_start: str
    headline: str
    body: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Change:
    """An athlete's week beside their own usual one."""

    name: str
    load_au: float
    usual_au: float

    @property
    def percent(self) -> float:
        """How much more or less than usual."""
        return 100 * (self.load_au - self.usual_au) / self.usual_au


def weekly_insight(week: SquadWeek) -> Insight:
    """The week's insight; says so when there is too little to compare."""
    compared = comparable(week)
    facts = [
        ("Week", span_text(week)),
        ("Sessions", str(week.sessions)),
        ("Athletes", str(len(week.athletes))),
    ]
    if len(compared) < ENOUGH_ATHLETES:
        headline = "Too little data to compare this week yet"
        sentences = [
            f"{count(week.sessions, 'session')} with {count(len(week.athletes), 'athlete')} so far;"
            f" {compared_text(len(compared))} a whole earlier week to compare with."
        ]
    else:
        mean, usual = (sum(values) / len(compared) for values in (loads(compared), usuals(compared)))
        change = 100 * (mean - usual) / usual
        headline = headline_text(change, week)
        facts += [
            ("Mean load per athlete", au(mean)),
            ("Usual for these days", au(usual)),
            ("Change", signed(change)),
            ("Athletes compared", str(len(compared))),
        ]
        sentences = [
            f"The {len(compared)} athletes with a whole week of data did {au(mean)} on average, against"
            f" {au(usual)} over the same days of {earlier_text(week)} ({signed(change)})."
        ]
        most = max(compared, key=lambda one: (abs(one.percent), one.name))
        facts.append(("Largest change", f"{most.name} {signed(most.percent)}"))
        sentences.append(
            f"{most.name} differs most from their own mean: {au(most.load_au)} against {au(most.usual_au)}"
            f" ({signed(most.percent)})."
        )
    gaps = [(one.name, one.low_coverage) for one in week.athletes if one.low_coverage]
    if gaps:
        facts.append(("Gaps in the data", names_text(gaps)))
        sentences.append(
            f"Heard for less than 80 % of the time: {names_text(gaps)}; their loads may be too low."
        )
    doubts = [(one.name, one.doubtful) for one in week.athletes if one.doubtful]
    if doubts:
        facts.append(("Doubtful heart rates", names_text(doubts)))
        sentences.append(
            f"Of what was heard, more than 5 % is doubtful: {names_text(doubts)}; these rates jump or stand"
            " still, and count in the load."
        )
    sentences.append(question(week, len(compared) >= ENOUGH_ATHLETES))
    return Insight(week.starts_on.isoformat(), headline, " ".join(sentences), tuple(facts))


def comparable(week: SquadWeek) -> list[Change]:
    """Those with a whole week now and at least one before."""
    return [
        Change(athlete.name, athlete.load_au, athlete.usual_au)
        for athlete in week.athletes
        if athlete.load_au is not None and athlete.usual_au
    ]


def loads(changes: list[Change]) -> list[float]:
    """This week's values."""
    return [change.load_au for change in changes]


def usuals(changes: list[Change]) -> list[float]:
    """The usual values."""
    return [change.usual_au for change in changes]


def headline_text(change: float, week: SquadWeek) -> str:
    """The week in one line."""
    so_far = "" if week.days == 7 else " so far"
    if abs(change) < 5:
        return f"The squad's week{so_far} was close to its usual one"
    return (
        f"The squad's week{so_far} was {abs(change):.0f} % {'above' if change > 0 else 'below'} its usual one"
    )


def question(week: SquadWeek, is_compared: bool) -> str:
    """What only the coach can answer."""
    if not is_compared:
        return "Was everybody who trained wearing a strap?"
    return "Was this the week you had planned?" if week.days == 7 else "Is this the week you are planning?"


def earlier_text(week: SquadWeek) -> str:
    """How many weeks the usual one stands on."""
    most = max(athlete.usual_weeks for athlete in week.athletes)
    return "the week before" if most == 1 else f"up to {most} weeks before"


def compared_text(number: int) -> str:
    """Who has enough history."""
    return {0: "nobody has", 1: "only one athlete has"}.get(number, f"only {number} athletes have")


def names_text(sessions: list[tuple[str, int]]) -> str:
    """At most five names with their sessions, then how many more."""
    shown = [f"{name} ({count(times, 'session')})" for name, times in sessions[:MOST_NAMES]]
    more = len(sessions) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def span_text(week: SquadWeek) -> str:
    """The dates, and how much of the week has passed when it still runs."""
    last = week.starts_on + timedelta(days=6)
    dates = f"{day_text(week.starts_on)} to {day_text(last)} {last.year}"
    return dates if week.days == 7 else f"{dates}, {week.days} of 7 days"


def day_text(on: date) -> str:
    """As in 9 Mar."""
    return f"{on.day} {MONTHS[on.month - 1]}"


def au(value: float) -> str:
    """A load with its unit."""
    return metric("banister_trimp").text(value)


def signed(percent: float) -> str:
    """A change with its sign."""
    rounded = round(percent)
    return f"{'+' if rounded > 0 else '−' if rounded < 0 else '±'}{abs(rounded)} %"


def count(number: int, word: str) -> str:
    """As in 1 session, 2 sessions."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
