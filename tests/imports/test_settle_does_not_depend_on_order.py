"""Files of one effort end in one session whatever their order, number and haste."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from sqlite3 import Connection
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.devices.exports.found import Person
from hub.imports.choose import choose, choose_nothing
from hub.imports.keep import Outcome, keep
from hub.imports.readfile import ReadFile
from hub.store import boots, sessions, sources
from hub.store.database import Database
from hub.store.records import Moment, propose
from tests.imports import made

ANA, BEA = Person("Athlete 1"), Person("Athlete 2")
STRAP = made.file("strap.fit", made.session(30, at_s=3, device="Polar H10", has_rr=True, error_bpm=1))
WATCH = made.file("watch.fit", made.session(32, device="Fenix 7", title="Morning run", identity="w"))
EDITED = made.file("edited.fit", made.session(31, device="Fenix 7", title="Run with Bo", identity="w"))
TRACK = made.file("watch.gpx", made.session(31.9, device="Garmin Connect"))
BAND = made.file("band.csv", made.session(40, at_s=-300, heart=None, device="Band", sport="other"))
OTHER = made.file("other.fit", made.session(30, at_s=9000, heart=3))
TEAM = made.file(
    "team.csv",
    made.session(45, at_s=-120, person=ANA, sport="football", title="MD-1", has_rr=True, device="Vest 1"),
    made.session(45, at_s=-120, person=BEA, sport="football", title="MD-1", heart=4, device="Vest 2"),
)


def take(
    db: Connection, now: Moment, files: Sequence[ReadFile], athlete_id: str | None = "a1"
) -> list[Outcome]:
    return [keep(db, now, it, None if it is TEAM else athlete_id) for it in files]


def after(files: Sequence[ReadFile]) -> dict[str, Any]:
    db, now = made.memory_store()
    take(db, now, files)
    return made.content(db)


def session_count(found: dict[str, Any]) -> int:
    return sum(key.startswith("session") for key in found)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([STRAP, WATCH, TRACK, OTHER], 2),
        ([WATCH, EDITED, TRACK], 1),
        ([STRAP, WATCH, BAND, EDITED], 1),
        ([TEAM, STRAP, OTHER], 2),
    ],
)
def test_every_order_gives_the_same_sessions(files: list[ReadFile], expected: int) -> None:
    whole = after(files)
    assert session_count(whole) == expected
    for order in itertools.permutations(files):
        assert after(order) == whole
    assert after([*files, *files[::-1]]) == whole


def test_a_strap_feeds_the_hearts_and_the_watch_only_what_the_strap_left_out() -> None:
    db, now = made.memory_store()
    first, second = take(db, now, [WATCH, STRAP])
    assert (first.record.status, second.record.status) == ("imported", "linked")
    (session,) = sessions.recent(db)
    assert (session.title, session.sport) == ("Morning run", "running")
    watch, strap = (it.sources[0] for it in (first, second))
    fed = {it.stream_id: (it.from_ms, it.to_ms) for it in sessions.assignments(db, session.session_id)}
    assert fed[strap.hr_stream_id or ""] == (strap.started_at_ms, strap.ended_at_ms + 1)
    assert fed[watch.hr_stream_id or ""] == (strap.ended_at_ms + 1, watch.ended_at_ms + 1)
    assert len(fed) == 2


def test_a_re_export_joins_its_session_and_nothing_is_counted_twice() -> None:
    db, now = made.memory_store()
    _, again = take(db, now, [WATCH, EDITED])
    assert again.record.status == "linked"
    (session,) = sessions.recent(db)
    assert len(sources.of_session(db, session.session_id)) == 2
    assert len(sessions.assignments(db, session.session_id)) == 1


def test_two_players_of_one_match_with_the_same_times_stay_two() -> None:
    db, now = made.memory_store()
    keep(db, now, made.file("one.fit", made.session(90)), "a1")
    keep(db, now, made.file("two.fit", made.session(90, at_s=1)), "a2")
    found = sessions.recent(db)
    assert len(found) == 2
    assert {it.athlete_id for s in found for it in sessions.assignments(db, s.session_id)} == {"a1", "a2"}


def test_a_team_file_is_one_session_of_all_its_people() -> None:
    db, now = made.memory_store()
    (outcome,) = take(db, now, [TEAM])
    (session,) = sessions.recent(db)
    assert outcome.session_ids == (session.session_id,)
    assert {it.athlete_id for it in sessions.assignments(db, session.session_id)} == {"a1", "a2"}
    assert {it["athlete"] for it in outcome.record.sessions} == {"Athlete 1", "Athlete 2"}


def test_a_file_that_spans_two_sessions_makes_them_one_under_the_older_id() -> None:
    db, now = made.memory_store()
    early = made.file("early.fit", made.session(30, device="A"))
    late = made.file("late.fit", made.session(30, at_s=2400, device="A"))
    first, second = take(db, now, [early, late])
    assert len(sessions.recent(db)) == 2
    (long,) = take(db, now, [made.file("all.gpx", made.session(72, device="B"))])
    assert long.session_ids == first.session_ids != second.session_ids
    (session,) = sessions.recent(db)
    assert session.ended_at_ms == made.START_MS + 72 * 60_000
    rows = sessions.assignments(db, session.session_id)
    assert sum((it.to_ms or 0) - it.from_ms for it in rows) == pytest.approx(72 * 60_000, abs=10)


def test_a_choice_goes_before_the_ranking_and_can_be_taken_back() -> None:
    db, now = made.memory_store()
    first, _ = take(db, now, [WATCH, STRAP])
    before = made.content(db)
    watch = first.sources[0]
    choose(db, now, watch.source_id)
    (session,) = sessions.recent(db)
    assert [it.stream_id for it in sessions.assignments(db, session.session_id)] == [watch.hr_stream_id]
    take(db, now, [TRACK])
    assert [it.stream_id for it in sessions.assignments(db, session.session_id)] == [watch.hr_stream_id]
    choose_nothing(db, now, session.session_id, "a1")
    assert made.content(db) == after([WATCH, STRAP, TRACK])
    assert len(before) == len(made.content(db))


def test_a_title_a_human_wrote_outlives_every_file() -> None:
    db, now = made.memory_store()
    take(db, now, [STRAP])
    (session,) = sessions.recent(db)
    assert session.title == "Running"
    propose(db, now, "session", session.session_id, {"title": "Cup final warm-up"})
    take(db, now, [WATCH, TRACK])
    assert [it.title for it in sessions.recent(db)] == ["Cup final warm-up"]


def test_files_stored_from_many_threads_at_once_end_the_same(tmp_path: Path) -> None:
    files = [STRAP, WATCH, TRACK, EDITED, OTHER, BAND]
    store = Database.open(tmp_path / "hub.db")
    store.write_now(lambda db: boots.register(db, "boot-one"))
    now = made.moment(made.counted_ids())
    store.write_now(lambda db: made.add_athlete(db, now, 1))
    store.write_now(lambda db: made.add_athlete(db, now, 2))
    with ThreadPoolExecutor(12) as threads:
        outcomes = list(
            threads.map(lambda it: store.write_now(lambda db: keep(db, now, it, "a1")), files * 3)
        )
    assert sum(it.record.status == "duplicate" for it in outcomes) == 2 * len(files)
    assert store.read_now(made.content) == after(files)
    store.close()


POOL = [
    made.file(f"{place}.{fmt}", made.session(minutes, at_s=at_s, device=device, heart=heart, has_rr=has_rr))
    for place, (minutes, at_s, device, heart, has_rr, fmt) in enumerate([
        (10, 0, "H10", 1, True, "fit"), (10, 2, "Fenix", 1, False, "fit"), (11, -20, "", 1, False, "tcx"),
        (5, 100, "Ring", 1, False, "csv"), (10, 500, "Fenix", 1, False, "fit"),
        (10, 0, "Ring", 6, False, "csv"), (25, -100, "Band", None, False, "csv"),
        (10, 1200, "", 2, False, "gpx"), (40, 0, "Whole", 1, False, "gpx"),
    ])
]  # fmt: skip


@settings(max_examples=25)
@given(st.data())
def test_any_order_and_repetition_of_any_files_ends_in_the_same_content(data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(POOL), min_size=2, max_size=5, unique_by=lambda it: it.name))
    shuffled = data.draw(st.permutations(chosen + data.draw(st.lists(st.sampled_from(chosen), max_size=2))))
    assert after(shuffled) == after(chosen)
