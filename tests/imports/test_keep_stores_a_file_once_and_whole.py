"""A file is kept once and whole, on an athlete or in the inbox, and what cannot be believed is held."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cloud.records import refusal
from hub.devices.exports.found import DailyValue, FoundSession, Held, KnownBy, Lap, Person
from hub.errors import NotFound
from hub.imports import zones
from hub.imports.keep import keep, source_id_of
from hub.results.loads import load_table
from hub.store import daily, imports, quarantine, questions, sessions, sources
from hub.store.oplog import pending
from tests.imports import made

RUN = made.file("run.fit", made.session(30, title="Morning run", device="Fenix", has_rr=True))
ANA = Person("Ana Alves", account="ana@example.org")


def day(value: float, date: str = "2026-11-01", **more: object) -> DailyValue:
    return DailyValue(**({"person": ANA, "date": date, "name": "hrv", "value": value, "unit": "ms"} | more))  # type: ignore[arg-type]


def test_a_file_becomes_a_session_with_its_source_and_load() -> None:
    db, now = made.memory_store()
    outcome = keep(db, now, RUN, "a1", "batch-1")
    (session,) = sessions.recent(db)
    assert (session.title, session.sport, session.source, session.utc_offset_s) == (
        "Morning run", "running", "file", 3600,
    )  # fmt: skip
    (told,) = sources.of_session(db, session.session_id)
    assert outcome.sources == (told,)
    assert (told.source_id, told.athlete_id) == (source_id_of(RUN.sha256, 0), "a1")
    assert (told.hr_n, told.rr_n, told.records, len(told.laps)) == (1801, 1801, 1801, 1)
    (row,) = load_table(db, session.session_id)
    assert row.coverage == pytest.approx(1, abs=0.001)
    assert row.banister_au is not None
    assert outcome.record == imports.recent(db)[0] == imports.of_batch(db, "batch-1")[0]
    assert outcome.record.detail == "Athlete 1, running, 30 min, 1801 heart rates"
    (line,) = outcome.record.sessions
    assert (line["id"], line["athlete"], line["hr"]["n"]) == (session.session_id, "Athlete 1", 1801)
    assert line["started_at"] == "2026-11-20T10:00:00+00:00"


def test_the_same_bytes_again_change_nothing_but_the_diary() -> None:
    db, now = made.memory_store()
    first = keep(db, now, RUN, "a1")
    before, queued = made.content(db), len(pending(db, 1 << 30))
    again = keep(db, now, replace(RUN, name="copy.fit"), "a2")
    assert again.record.status == "duplicate"
    assert "already imported as run.fit" in again.record.detail
    assert again.session_ids == first.session_ids
    assert (made.content(db), len(pending(db, 1 << 30))) == (before, queued)


def test_nobody_known_waits_in_the_inbox_until_the_file_comes_with_an_athlete() -> None:
    db, now = made.memory_store()
    waiting = keep(db, now, RUN)
    (session,) = sessions.recent(db)
    assert "inbox" in waiting.record.detail
    assert sessions.assignments(db, session.session_id) == []
    again = keep(db, now, RUN, "a1")
    assert again.record.status == "duplicate"
    db2, now2 = made.memory_store()
    keep(db2, now2, RUN, "a1")
    assert made.content(db) == made.content(db2)


def test_an_unknown_athlete_is_refused() -> None:
    db, now = made.memory_store()
    with pytest.raises(NotFound):
        keep(db, now, RUN, "nobody")


def test_a_file_that_could_not_be_read_may_be_tried_again() -> None:
    db, now = made.memory_store()
    bad = replace(RUN, sessions=(), error="it is cut off.", hint="Copy it again.")
    outcome = keep(db, now, bad, "a1")
    assert (outcome.record.status, outcome.record.detail, outcome.record.hint) == (
        "failed", "it is cut off.", "Copy it again.",
    )  # fmt: skip
    assert keep(db, now, RUN, "a1").record.status == "imported"


def test_rows_held_back_are_kept_with_their_reasons() -> None:
    db, now = made.memory_store()
    read = made.file(
        "r.fit", made.session(10), held=[Held("record 7", "its time is 791 days later", "x" * 900, 3)]
    )
    outcome = keep(db, now, read, "a1")
    assert outcome.record.status == "imported"
    assert "3 rows held back" in outcome.record.detail
    (row,) = quarantine.of_import(db, outcome.record.import_id)
    assert (row.place, row.n, len(row.text)) == ("record 7", 3, 500)


def test_a_file_of_impossible_sessions_only_is_quarantined_whole() -> None:
    db, now = made.memory_store()
    old = replace(made.session(10), started_at_ms=3_600_000)
    long = replace(made.session(10), elapsed_s=40 * 86_400.0)
    read = made.file("old.fit", old, long, held=[Held("row 1", "no time")])
    outcome = keep(db, now, read, "a1")
    assert outcome.record.status == "quarantined"
    assert "all 3 rows were held back" in outcome.record.detail
    assert len(quarantine.of_import(db, outcome.record.import_id)) == 3
    assert sessions.recent(db) == []
    assert keep(db, now, read, "a1").record.status == "quarantined"


def test_endless_held_rows_are_counted_not_stored() -> None:
    db, now = made.memory_store()
    read = made.file("r.csv", made.session(10), held=[Held(f"row {n}", "no time") for n in range(1500)])
    outcome = keep(db, now, read, "a1")
    rows = quarantine.of_import(db, outcome.record.import_id)
    assert len(rows) == 1001
    assert quarantine.count(db, outcome.record.import_id) == 1500


def test_legs_of_one_file_are_sessions_of_their_own() -> None:
    db, now = made.memory_store()
    legs = [made.session(20, at_s=at, sport=sport, identity="tri") for at, sport in
            ((0, "swimming"), (1230, "cycling"), (2460, "running"))]  # fmt: skip
    outcome = keep(db, now, made.file("tri.fit", *legs), "a1")
    assert len(outcome.session_ids) == 3
    assert [it.sport for it in sessions.recent(db)] == ["running", "cycling", "swimming"]


@pytest.mark.parametrize("order", [0, 1])
def test_the_last_word_on_a_day_wins_in_any_order(order: int) -> None:
    db, now = made.memory_store()
    files = [
        made.file("old.csv", daily=[day(50, updated_at_ms=10), day(40, "2026-11-02")]),
        made.file("new.csv", daily=[day(55, updated_at_ms=20), day(41, "2026-11-02"), day(1, "2026-11-03")]),
    ]
    for read in files[:: -1 if order else 1]:
        assert keep(db, now, read, "a1").record.status == "imported"
    found = daily.of_athlete(db, "a1", "2026-11-01", "2026-11-30")
    assert [(it["date"], it["value"]) for it in found] == [
        ("2026-11-01", 55), ("2026-11-02", 41), ("2026-11-03", 1),
    ]  # fmt: skip


def test_two_makers_days_stand_beside_each_other() -> None:
    db, now = made.memory_store()
    for provider in ("whoop", "polar"):
        keep(db, now, made.file(f"{provider}.csv", daily=[day(50)], provider=provider), "a1")
    assert [it["source"] for it in daily.of_athlete(db, "a1", "2026", "2027")] == ["polar", "whoop"]


def wrong_zone() -> FoundSession:
    return made.session(30, shift_s=7200, offset_known_by=KnownBy.ASSUMED, has_rr=True)


def test_a_zone_error_is_asked_about_corrected_and_taken_back() -> None:
    db, now = made.memory_store()
    keep(db, now, RUN, "a1")
    outcome = keep(db, now, made.file("run.csv", wrong_zone()), "a1")
    (asked,) = outcome.questions
    assert outcome.record.status == "imported"
    assert asked.about["shift_s"] == -7200
    assert len(sessions.recent(db)) == 2
    before = made.content(db)
    zones.answer(db, now, asked.question_id, True)
    (session,) = sessions.recent(db)
    assert {it.started_at_ms for it in sources.of_session(db, session.session_id)} == {made.START_MS}
    assert {it.utc_offset_s for it in sources.of_session(db, session.session_id)} == {3600, 10_800}
    assert questions.still_open(db) == []
    zones.answer(db, now, asked.question_id, False)
    assert made.content(db) == before


def test_what_lies_as_wrong_beside_it_moves_along_and_comes_back() -> None:
    db, now = made.memory_store()
    keep(db, now, RUN, "a1")
    keep(db, now, made.file("run.csv", wrong_zone()), "a1")
    no_heart = made.session(30, heart=None, shift_s=7200, offset_known_by=KnownBy.ASSUMED)
    keep(db, now, made.file("totals.csv", no_heart), "a1")
    assert len(sessions.recent(db)) == 2
    before = made.content(db)
    (asked,) = questions.still_open(db)
    zones.answer(db, now, asked.question_id, True)
    assert len(sessions.recent(db)) == 1
    zones.answer(db, now, asked.question_id, False)
    assert made.content(db) == before


def test_a_corrected_source_carries_its_hearts_with_it() -> None:
    db, now = made.memory_store()
    plain = made.file("run.gpx", made.session(30, heart=None, distance_m=5000.0))
    keep(db, now, plain, "a1")
    moved = made.session(30, shift_s=-3600, offset_known_by=KnownBy.ASSUMED, distance_m=5000.0)
    (asked,) = keep(db, now, made.file("run.csv", moved), "a1").questions
    zones.answer(db, now, asked.question_id, True)
    (session,) = sessions.recent(db)
    (row,) = load_table(db, session.session_id)
    assert row.coverage == pytest.approx(1, abs=0.001)


def test_a_question_asked_in_any_order_is_the_same() -> None:
    asked = []
    for files in ((RUN, made.file("run.csv", wrong_zone())), (made.file("run.csv", wrong_zone()), RUN)):
        db, now = made.memory_store()
        for read in files:
            keep(db, now, read, "a1")
        asked.append([(it.question_id, it.about) for it in questions.still_open(db)])
    assert asked[0] == asked[1]
    assert len(asked[0]) == 1


def test_odd_texts_and_numbers_are_made_fit_to_store_or_held() -> None:
    db, now = made.memory_store()
    odd = replace(
        made.session(10, title="R\0un " + "x" * 900, device="\ud800"), distance_m=float("nan"),
        utc_offset_s=10**9, laps=(Lap("a\0", 10**18, 1.0), Lap("b", made.START_MS, 1.0, float("inf"))),
    )  # fmt: skip
    endless = replace(made.session(10), elapsed_s=float("nan"))
    days = [day(float("nan")), day(1, "01/11/2026"), day(2)]
    read = replace(made.file("odd.fit", odd, endless, daily=days), name="odd\ud8ff.fit")
    outcome = keep(db, now, read, "a1")
    (told,) = outcome.sources
    assert (told.title[:4], len(told.title), told.device, told.distance_m, told.utc_offset_s) == (
        "Run ", 200, "?", None, 0,
    )  # fmt: skip
    assert told.laps == ({"name": "b", "started_at_ms": made.START_MS, "elapsed_s": 1.0, "distance_m": None},)
    assert quarantine.count(db, outcome.record.import_id) == 3
    assert len(daily.of_athlete(db, "a1", "2026", "2027")) == 1
    assert all(refusal(op) is None for op in pending(db, 1 << 30))
