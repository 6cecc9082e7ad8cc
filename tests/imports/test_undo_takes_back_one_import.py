"""An undone import leaves what the others alone would have made, and can come again."""

from __future__ import annotations

import itertools

import pytest

from hub.devices.exports.found import DailyValue, Person
from hub.errors import ActionRefused
from hub.imports.keep import keep
from hub.imports.undo import undo
from hub.store import daily, imports, questions, sessions
from tests.imports import made

ANA = Person("Ana")
FILES = [
    made.file("strap.fit", made.session(30, at_s=3, device="H10", has_rr=True)),
    made.file("watch.fit", made.session(32, device="Fenix", title="Run")),
    made.file("track.gpx", made.session(70, device="Phone")),
    made.file("late.fit", made.session(30, at_s=2400, device="Fenix", title="Later")),
]


@pytest.mark.parametrize("gone", range(4))
def test_what_stands_is_what_the_others_alone_would_make(gone: int) -> None:
    others = [it for n, it in enumerate(FILES) if n != gone]
    db, now = made.memory_store()
    for read in others:
        keep(db, now, read, "a1")
    alone = made.content(db)
    for order in itertools.permutations(FILES):
        db, now = made.memory_store()
        ids = {it.name: keep(db, now, it, "a1").record.import_id for it in order}
        whole = made.content(db)
        undo(db, now, ids[FILES[gone].name])
        assert made.content(db) == alone
        again = keep(db, now, FILES[gone], "a1")
        assert again.record.status != "duplicate"
        assert made.content(db) == whole


def test_the_last_source_takes_its_session_along() -> None:
    db, now = made.memory_store()
    outcome = keep(db, now, FILES[0], "a1")
    undone = undo(db, now, outcome.record.import_id)
    assert undone.removed_session_ids == outcome.session_ids
    assert sessions.recent(db) == []
    assert imports.one(db, outcome.record.import_id).undone_at_ms == now.wall_ms
    back = keep(db, now, FILES[0], "a1")
    assert back.session_ids == outcome.session_ids


def test_an_undone_primary_hands_over_to_the_other_source() -> None:
    db, now = made.memory_store()
    strap, watch = (keep(db, now, it, "a1") for it in FILES[:2])
    undone = undo(db, now, strap.record.import_id)
    assert undone.removed_session_ids == ()
    (session,) = sessions.recent(db)
    rows = sessions.assignments(db, session.session_id)
    assert [it.stream_id for it in rows] == [watch.sources[0].hr_stream_id]


def test_days_said_by_others_come_back() -> None:
    db, now = made.memory_store()
    for name, value in (("old.csv", 50.0), ("new.csv", 60.0)):
        days = [DailyValue(ANA, "2026-11-01", "hrv", value, "ms", round(value))]
        outcome = keep(db, now, made.file(name, daily=days), "a1")
    assert undo(db, now, outcome.record.import_id).n_daily == 1
    assert [it["value"] for it in daily.of_athlete(db, "a1", "2026", "2027")] == [50]
    undo(db, now, imports.recent(db, 2)[1].import_id)
    assert daily.of_athlete(db, "a1", "2026", "2027") == []


def test_an_open_question_goes_with_either_import() -> None:
    for gone in (0, 1):
        db, now = made.memory_store()
        outcomes = [
            keep(db, now, made.file("a.fit", made.session(30)), "a1"),
            keep(db, now, made.file("b.csv", made.session(30, shift_s=3600)), "a1"),
        ]
        assert len(questions.still_open(db)) == 1
        undo(db, now, outcomes[gone].record.import_id)
        assert questions.still_open(db) == []


def test_only_what_brought_something_can_be_undone_and_once() -> None:
    db, now = made.memory_store()
    outcome = keep(db, now, FILES[0], "a1")
    again = keep(db, now, FILES[0], "a1")
    with pytest.raises(ActionRefused, match="brought nothing"):
        undo(db, now, again.record.import_id)
    undo(db, now, outcome.record.import_id)
    with pytest.raises(ActionRefused, match="undone before"):
        undo(db, now, outcome.record.import_id)
