"""Two weeks of a made-up squad: athletes, straps and sessions that end today, drawn from a seed.

The hearts are the virtual straps' own, so history and live sessions belong to the same bodies. It is
for demonstrations and tests; nothing of it pretends to be measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from sqlite3 import Connection

import numpy as np

from hub.devices.virtual.squad import heart_of, serial_of
from hub.domain import Athlete, Session, Sex, Via
from hub.store import boots, segments
from hub.store.records import Moment, propose
from hub.store.straps import CHANNEL
from sync.segments import Samples, seal

FIRST_NAMES = (
    "Amara", "Bea", "Carla", "Dunja", "Elif", "Femke", "Greta", "Hana", "Ines", "Jonna", "Kaja", "Leonie",
    "Mia", "Nadia", "Olga", "Petra", "Quinn", "Rosa", "Sanna", "Tove", "Uma", "Vera", "Wilma", "Yara",
)  # fmt: skip
LAST_NAMES = (
    "Okafor", "Haas", "Ortiz", "Novak", "Moe", "Diaz", "Klein", "Brandt", "Ito", "Pohl", "Graf", "Nowak",
    "Ekberg", "Lind", "Costa", "Jung", "Vega", "Silva", "Holm", "Marin", "Adler", "Rossi", "Berg", "Sato",
)  # fmt: skip
WEEK = (  # weekday (Monday 0), title, sport, start hour UTC, minutes
    (0, "Monday training", "training", 17, 65),
    (1, "Tuesday intervals", "training", 17, 70),
    (3, "Thursday small-sided games", "training", 17, 75),
    (4, "Friday activation", "training", 16, 45),
    (5, "Match", "match", 13, 90),
)
DAYS = 14
SEGMENT_S = 300


@dataclass(frozen=True, slots=True)
class SeedSession:
    """One session of the made-up past."""

    title: str
    sport: str
    starts: datetime
    minutes: int


def squad(count: int) -> list[Athlete]:
    """Athletes 1 to `count`; number n wears virtual strap n and has that strap's heart."""
    made: list[Athlete] = []
    for number in range(1, count + 1):
        heart = heart_of(number)
        first, last = FIRST_NAMES[(number - 1) % 24], LAST_NAMES[(number * 7 - 1) % 24]
        made.append(
            Athlete(
                athlete_id=f"00000000-0000-4000-8000-{number:012d}",
                name=f"{first} {last}" if number <= 24 else f"{first} {last} {number // 24 + 1}",
                shirt_number=number,
                sex=Sex.FEMALE,
                hr_max_bpm=round(heart.max_bpm),
                hr_rest_bpm=round(heart.rest_bpm),
            )
        )
    return made


def past_sessions(today: datetime) -> list[SeedSession]:
    """The sessions of the two weeks before `today`, oldest first."""
    days = [today - timedelta(days=n) for n in range(DAYS, 0, -1)]
    return [
        SeedSession(title, sport, day.replace(hour=hour, minute=0, second=0, microsecond=0), minutes)
        for day in days
        for weekday, title, sport, hour, minutes in WEEK
        if day.weekday() == weekday
    ]


def store_squad(db: Connection, moment: Moment, athletes: list[Athlete]) -> None:
    """The athletes, each with a strap and the stream their history lies in."""
    for athlete in athletes:
        fields = {name: value for name, value in asdict(athlete).items() if name != "athlete_id"}
        propose(db, moment, "athlete", athlete.athlete_id, fields)
        number = athlete.shirt_number or 0
        strap_id = serial_of(number)
        strap = {"name": f"Polar H10 {strap_id}", "address": "", "athlete_id": athlete.athlete_id}
        propose(db, moment, "strap", strap_id, strap)
        stream = {"strap_id": strap_id, "boot_no": boots.CIVIL_BOOT, "channel": CHANNEL}
        propose(db, moment, "stream", stream_of(athlete), stream)


def stream_of(athlete: Athlete) -> str:
    """The id of the stream that holds an athlete's made-up history."""
    return athlete.athlete_id.replace("-4000-", "-4001-")


def store_session(
    db: Connection, moment: Moment, seeded: SeedSession, athletes: list[Athlete], day: int
) -> None:
    """One past session with everyone who came, segments and all."""
    start_ms = int(seeded.starts.timestamp() * 1000)
    end_ms = start_ms + seeded.minutes * 60_000
    session = Session(
        session_id=moment.new_id(),
        title=seeded.title,
        sport=seeded.sport,
        started_at_ms=start_ms,
        utc_offset_s=0,
        boot_no=boots.CIVIL_BOOT,
        mono0_ms=start_ms,
        ended_at_ms=end_ms,
        mono1_ms=end_ms,
        source=Via.GATT,
    )
    fields = {name: value for name, value in asdict(session).items() if name != "session_id"}
    propose(db, moment, "session", session.session_id, fields)
    for athlete in athletes:
        chance = Random(day * 1000 + (athlete.shirt_number or 0))
        if chance.random() < 0.08:
            continue  # absent
        worn = {"stream_id": stream_of(athlete), "athlete_id": athlete.athlete_id,
                "session_id": session.session_id, "from_ms": start_ms, "to_ms": end_ms}  # fmt: skip
        propose(db, moment, "stream_assignment", moment.new_id(), worn)
        for samples in _recording(athlete, start_ms, seeded.minutes * 60, chance):
            segments.add(db, seal(stream_of(athlete), boots.CIVIL_BOOT, samples))


def _recording(athlete: Athlete, start_ms: int, seconds: int, chance: Random) -> Iterator[Samples]:
    heart = heart_of(athlete.shirt_number or 0, day=chance)
    gap_from = chance.randrange(seconds) if chance.random() < 0.1 else seconds
    gap = range(gap_from, gap_from + chance.randrange(20, 240))
    for first in range(0, seconds, SEGMENT_S):
        at_ms: list[int] = []
        bpm: list[int] = []
        beats: list[tuple[int, ...]] = []
        for second in range(first, min(first + SEGMENT_S, seconds)):
            heart.train(1.0)
            rr_1024 = heart.beats(1.0)
            if second not in gap:
                at_ms.append(start_ms + second * 1000)
                bpm.append(heart.bpm)
                beats.append(rr_1024)
        if at_ms:
            yield Samples(
                np.array(at_ms, np.int64),
                np.array(bpm, np.int16),
                np.full(len(at_ms), 2, np.uint8),
                np.array([len(rr) for rr in beats], np.uint8),
                np.array([interval for rr in beats for interval in rr], np.uint16),
            )


def store_history(
    write: Callable[[Callable[[Connection], None]], None],
    moment: Moment,
    count: int,
    on_progress: Callable[[int, int], None],
) -> None:
    """The squad and its two weeks, one transaction a session, telling how many are done of how many."""
    athletes = squad(count)
    past = past_sessions(datetime.fromtimestamp(moment.wall_ms / 1000, UTC))
    write(lambda db: store_squad(db, moment, athletes))
    for done, seeded in enumerate(past, 1):

        def change(db: Connection, seeded: SeedSession = seeded, day: int = done) -> None:
            store_session(db, moment, seeded, athletes, day)

        write(change)
        on_progress(done, len(past))
