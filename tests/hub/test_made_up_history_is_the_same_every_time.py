"""The seeded squad and its two weeks depend on the day alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.domain import Sex
from hub.results.loads import load_table
from hub.seed import past_sessions, squad, store_history, store_session, store_squad
from hub.store import athletes, sessions
from hub.store.database import Database
from hub.store.records import Moment
from tests.store.small_store import counted_ids

TODAY = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)


def test_the_squad_is_the_same_and_everyone_has_a_full_profile() -> None:
    made = squad(26)
    assert made == squad(26)
    assert made[:5] == squad(5)
    assert len({athlete.name for athlete in made}) == 26
    assert [athlete.shirt_number for athlete in made] == list(range(1, 27))
    for athlete in made:
        assert athlete.sex is Sex.FEMALE
        assert athlete.hr_max_bpm is not None
        assert athlete.hr_rest_bpm is not None
        assert 30 < athlete.hr_rest_bpm < athlete.hr_max_bpm - 80 < 150


@pytest.mark.parametrize("days_on", range(7))
def test_past_sessions_lie_within_the_14_days_before_today(days_on: int) -> None:
    today = TODAY + timedelta(days=days_on)
    past = past_sessions(today)
    assert len(past) == 10
    starts = [one.starts for one in past]
    assert starts == sorted(starts)
    assert all(today - timedelta(days=15) < start for start in starts)
    assert all(one.starts + timedelta(minutes=one.minutes) < today for one in past)
    assert all(one.starts.date() >= (today - timedelta(days=14)).date() for one in past)


def stored(folder: Path) -> tuple[list[object], list[bytes]]:
    database = Database.open(folder / "hub.db")
    moment = Moment(0, 0, int(TODAY.timestamp() * 1000), counted_ids())
    people, first = squad(2), past_sessions(TODAY)[0]
    database.write_now(lambda db: store_squad(db, moment, people))
    database.write_now(lambda db: store_session(db, moment, first, people, 1))
    (session,) = database.read_now(sessions.recent)
    rows = database.read_now(lambda db: load_table(db, session.session_id))
    ids = database.read_now(lambda db: db.execute("SELECT seg_id FROM segment ORDER BY 1").fetchall())
    database.close()
    return [*rows], [seg_id for (seg_id,) in ids]


def test_the_same_day_gives_the_same_recordings_to_the_byte(tmp_path: Path) -> None:
    rows, ids = stored(tmp_path / "one")
    assert (rows, ids) == stored(tmp_path / "two")
    assert ids


def test_history_is_stored_a_session_at_a_time_and_tells_how_far_it_is(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "hub.db")
    moment = Moment(0, 0, int(TODAY.timestamp() * 1000), counted_ids())
    told: list[tuple[int, int]] = []
    store_history(database.write_now, moment, 1, lambda done, of: told.append((done, of)))
    assert told == [(n, 10) for n in range(1, 11)]
    recent = database.read_now(sessions.recent)
    assert len(recent) == 10
    assert not any(session.is_live for session in recent)
    assert len(database.read_now(athletes.all_athletes)) == 1
    database.close()
