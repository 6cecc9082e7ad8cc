"""WHOOP's cycles, sleeps and journal answers become numbers of days.

A day is the local date of waking. Where two cycles wake on one date the longer sleep names the day and the
other is kept under names ending in _2; nothing is averaged or added, except the minutes of a day's naps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub.devices.exports import whoop_words as words
from hub.devices.exports.found import DailyValue, Person, Setting
from hub.devices.exports.rows import Row, ahead_by, offset_s, wall_time
from hub.devices.exports.written_time import DateOrder, as_epoch_ms, date_order

NOBODY = Person()  # the files name no account
HALF_A_CYCLE, LONGEST_CYCLE, LONGEST_SLEEP = timedelta(hours=12), timedelta(days=30), timedelta(hours=30)
LONGEST_QUESTION = 120


@dataclass(slots=True)
class Reading:
    """What reading one file has gathered so far."""

    setting: Setting
    order: DateOrder | None
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Cycle:
    """A row's frame: local start and end (None while it is open); `ahead_s` None is "not in the file"."""

    started: datetime
    ended: datetime | None
    ahead_s: int | None

    @property
    def middle(self) -> datetime:
        """Half-way, or half a day in while it is open: on its waking day for early and late sleepers."""
        return self.started + ((self.ended - self.started) / 2 if self.ended else HALF_A_CYCLE)


@dataclass(frozen=True, slots=True)
class Part:
    """What one row says of a day: how long its sleep was, and its numbers as (name, unit, value)."""

    date: str
    asleep_min: float
    values: Sequence[tuple[str, str, float]]


def cycle_of(row: Row, reading: Reading) -> Cycle | None:
    """The frame of a row; None, and the row held, where its times make no sense."""
    started, zone = wall_time(row.text("cycle_start"), reading.order), row.text("timezone")
    ended_text = row.text("cycle_end")
    ended, ahead_s = wall_time(ended_text, reading.order), offset_s(zone)
    if started is None:
        reason = "its start is no time"
    elif ended_text and (ended is None or not timedelta(0) < ended - started < LONGEST_CYCLE):
        reason = "its end is no time after its start"
    elif zone and ahead_s is None:
        reason = "its time zone is not understood"
    else:
        return Cycle(started, ended, ahead_s)
    row.hold(reason)
    return None


def placed(cycle: Cycle, wall: datetime, reading: Reading) -> tuple[int, int]:
    """Epoch ms and seconds ahead of UTC of a wall time: by the cycle's own column, else the club's zone."""
    zone = reading.setting.zone if cycle.ahead_s is None else ahead_by(cycle.ahead_s)
    at_ms, ahead_s, _ = as_epoch_ms(wall, zone)
    return at_ms, ahead_s


def order_in(rows: Iterable[Row]) -> DateOrder | None:
    """The order of the dates: WHOOP's own is by year, a spreadsheet may have changed it."""
    fields = ("cycle_start", "sleep_onset", "wake_onset", "workout_start")
    return date_order(text for row in rows for field in fields if (text := row.text(field)))


def days_of_cycles(rows: Iterable[Row], reading: Reading) -> list[DailyValue]:
    """The days of the file of cycles. Open cycles have no strain yet, unscored ones no recovery."""
    parts: list[Part] = []
    seen: set[tuple[datetime, int | None]] = set()
    n_open = n_unscored = n_sleepless = 0
    for row in rows:
        cycle = cycle_of(row, reading)
        if cycle is None:
            continue
        if (cycle.started, cycle.ahead_s) in seen:
            row.hold("the same cycle stands there twice")
            continue
        seen.add((cycle.started, cycle.ahead_s))
        slept = _sleep(row, reading)
        values = _numbers(row, (*words.DAY, *words.NIGHT))
        n_open += cycle.ended is None
        n_unscored += not row.text("recovery_score")
        n_sleepless += slept is None
        date = (slept[1] if slept else cycle.middle).date()
        if slept:
            values += _clock(slept, date.isoformat())
        parts.append(Part(date.isoformat(), row.number("asleep") or 0.0, values))
    if n_open:
        reading.warnings.append(f"{_cycles(n_open)} still open: strain and energy are missing there.")
    if n_unscored:
        reading.warnings.append(f"{_cycles(n_unscored)} without a recovery score.")
    if n_sleepless:
        reading.warnings.append(f"{_cycles(n_sleepless)} without a sleep; its middle names the day.")
    return _by_day(parts, reading)


def days_of_sleeps(rows: Iterable[Row], reading: Reading) -> list[DailyValue]:
    """The days of the file of sleeps; naps are counted and their minutes added, apart from the night."""
    parts: list[Part] = []
    naps: dict[str, list[tuple[float | None, float | None]]] = defaultdict(list)
    seen: set[tuple[datetime, int | None, bool]] = set()
    for row in rows:
        cycle = cycle_of(row, reading)
        if cycle is None:
            continue
        slept, is_nap = _sleep(row, reading), words.yes_or_no(row.text("nap")) or False
        if slept is None:
            if not (row.text("sleep_onset") or row.text("wake_onset")):
                row.hold("it has no sleep")
            continue
        if (slept[0], cycle.ahead_s, is_nap) in seen:
            row.hold("the same sleep stands there twice")
            continue
        seen.add((slept[0], cycle.ahead_s, is_nap))
        date = slept[1].date().isoformat()
        values = _numbers(row, words.NIGHT)
        if is_nap:
            said = {name: value for name, _, value in values}
            naps[date].append((said.get("asleep"), said.get("in_bed")))
        else:
            parts.append(Part(date, row.number("asleep") or 0.0, values + _clock(slept, date)))
    return _by_day(parts, reading) + [value for date in sorted(naps) for value in _naps(date, naps[date])]


def days_of_answers(rows: Iterable[Row], reading: Reading) -> list[DailyValue]:
    """Yes and no of the journal as 1 and 0. Its file has no waking time: a cycle's middle names the day."""
    answers: dict[tuple[str, str], list[bool]] = defaultdict(list)
    seen: set[tuple[datetime, str]] = set()
    for row in rows:
        cycle = cycle_of(row, reading)
        if cycle is None:
            continue
        question = " ".join(row.text("question").split())[:LONGEST_QUESTION]
        answer = words.yes_or_no(row.text("answer"))
        if not question or answer is None:
            row.hold("its answer is neither yes nor no", question)
        elif (cycle.started, question) in seen:
            row.hold("the same question of one cycle stands there twice", question)
        else:
            seen.add((cycle.started, question))
            answers[cycle.middle.date().isoformat(), question].append(answer)
    return [
        DailyValue(NOBODY, date, f"journal: {question}" + _nth(n), float(answer), "")
        for (date, question), given in sorted(answers.items())
        for n, answer in enumerate(given, start=1)
    ]


def _numbers(row: Row, wanted: Iterable[words.Number]) -> list[tuple[str, str, float]]:
    found = ((n, row.bounded(n.name, n.least, n.most)) for n in wanted)
    return [(n.name, n.unit, value) for n, value in found if value is not None]


def _sleep(row: Row, reading: Reading) -> tuple[datetime, datetime] | None:
    """Local onset and waking; None where the row has none, held where they make no sense."""
    texts = row.text("sleep_onset"), row.text("wake_onset")
    if not any(texts):
        return None
    onset, wake = (wall_time(text, reading.order) for text in texts)
    if onset is None or wake is None or not timedelta(0) < wake - onset < LONGEST_SLEEP:
        row.hold("its sleep has no sound onset and waking", ", ".join(texts))
        return None
    return onset, wake


def _clock(slept: tuple[datetime, datetime], date: str) -> list[tuple[str, str, float]]:
    """Onset and waking in minutes from the day's midnight; an evening is below 0."""
    midnight = datetime.fromisoformat(date)
    names = ("sleep_onset", "wake_onset")
    return [
        (name, "min", (at - midnight).total_seconds() / 60) for name, at in zip(names, slept, strict=True)
    ]


def _by_day(parts: Iterable[Part], reading: Reading) -> list[DailyValue]:
    days: dict[str, list[Part]] = defaultdict(list)
    for part in parts:
        if part.values:
            days[part.date].append(part)
    found: list[DailyValue] = []
    for date in sorted(days):
        longest_first = sorted(days[date], key=lambda part: -part.asleep_min)
        for n, part in enumerate(longest_first, start=1):
            found += [
                DailyValue(NOBODY, date, name + _nth(n), value, unit) for name, unit, value in part.values
            ]
    n_shared = sum(len(shared) > 1 for shared in days.values())
    if n_shared:
        reading.warnings.append(
            f"{n_shared} {'day has' if n_shared == 1 else 'days have'} two cycles; the longer sleep names "
            "the day, the other is kept under names ending in _2."
        )
    return found


def _naps(date: str, naps: Sequence[tuple[float | None, float | None]]) -> list[DailyValue]:
    values = [DailyValue(NOBODY, date, "nap_count", float(len(naps)), "")]
    for name, column in (("nap_asleep", 0), ("nap_in_bed", 1)):
        said = [nap[column] for nap in naps]
        if None not in said:
            values.append(DailyValue(NOBODY, date, name, sum(minutes or 0.0 for minutes in said), "min"))
    return values


def _nth(n: int) -> str:
    return "" if n == 1 else f"_{n}"


def _cycles(n: int) -> str:
    return "1 cycle is" if n == 1 else f"{n} cycles are"
