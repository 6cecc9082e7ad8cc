"""Data find their athlete by what people confirmed or by the exact name; the unknown wait, then catch up."""

from __future__ import annotations

from typing import Any

import pytest

from hub.devices.exports.found import DailyValue, Person
from hub.errors import NotFound
from hub.imports import inbox
from hub.imports.keep import keep
from hub.imports.readfile import ReadFile
from hub.imports.whose import folded
from hub.store import daily, sources
from tests.imports import made

ZOE = Person("Zoë MÜLLER", account="u-77", device_serial="12345678")


def files() -> list[ReadFile]:
    days = [DailyValue(ZOE, "2026-11-01", "hrv", 50, "ms", 5)]
    return [
        made.file("1.fit", made.session(30, person=ZOE, has_rr=True)),
        made.file("2.fit", made.session(29, at_s=2, person=ZOE, device="Watch")),
        made.file("3.csv", daily=days),
    ]


def test_an_athlete_of_exactly_that_name_is_found_whatever_its_accents_and_order() -> None:
    db, now = made.memory_store()
    made.add_athlete(db, now, 3, "Muller, Zoe")
    assert keep(db, now, files()[0]).sources[0].athlete_id == "a3"
    assert folded("Zoë MÜLLER") == folded("Muller, Zoe") == "muller zoe"


def test_two_athletes_of_one_name_are_for_a_human_to_tell_apart() -> None:
    db, now = made.memory_store()
    for number in (3, 4):
        made.add_athlete(db, now, number, "Zoe Muller")
    assert keep(db, now, files()[0]).sources[0].athlete_id is None


def test_similar_names_are_suggested_and_never_taken() -> None:
    db, now = made.memory_store()
    made.add_athlete(db, now, 3, "Zoe Müllner")
    keep(db, now, files()[0])
    keep(db, now, files()[2])
    (waiting,) = inbox.inbox(db)
    assert waiting.suggestions[0].athlete_id == "a3"
    assert (len(waiting.source_ids), waiting.n_daily) == (1, 1)


def test_waiting_then_assigned_is_the_same_as_assigned_at_once() -> None:
    found: list[dict[str, Any]] = []
    for is_late in (False, True):
        db, now = made.memory_store()
        for read in files():
            keep(db, now, read, None if is_late else "a1")
        if is_late:
            (waiting,) = inbox.inbox(db)
            given = inbox.assign(db, now, waiting.key, "a1")
            assert (len(given.sources), given.n_daily) == (2, 1)
            assert inbox.inbox(db) == []
        found.append(made.content(db))
    assert found[0] == found[1]
    assert sum(key.startswith("session") for key in found[0]) == 1


def test_what_was_assigned_is_remembered_if_wished() -> None:
    for remember in (True, False):
        db, now = made.memory_store()
        keep(db, now, files()[0])
        (waiting,) = inbox.inbox(db)
        inbox.assign(db, now, waiting.key, "a2", remember)
        later = keep(db, now, made.file("4.fit", made.session(20, at_s=9000, person=ZOE)))
        assert later.sources[0].athlete_id == ("a2" if remember else None)


def test_a_device_speaks_for_its_wearer_only_where_no_name_does() -> None:
    db, now = made.memory_store()
    keep(db, now, made.file("1.fit", made.session(30, person=Person(device_serial="999"))))
    (waiting,) = inbox.inbox(db)
    inbox.assign(db, now, waiting.key, "a1")
    same = keep(db, now, made.file("2.fit", made.session(30, at_s=9000, person=Person(device_serial="999"))))
    lent = made.session(30, at_s=20_000, person=Person("Guest Player", device_serial="999"))
    assert same.sources[0].athlete_id == "a1"
    assert keep(db, now, made.file("3.fit", lent)).sources[0].athlete_id is None


def test_a_nameless_file_is_given_by_itself() -> None:
    db, now = made.memory_store()
    for name in ("1.gpx", "2.gpx"):
        keep(db, now, made.file(name, made.session(30)))
    first, second = inbox.inbox(db)
    inbox.assign(db, now, first.key, "a1")
    assert [it.key for it in inbox.inbox(db)] == [second.key]
    with pytest.raises(NotFound):
        inbox.assign(db, now, second.key, "nobody")


def test_a_source_given_to_the_wrong_one_is_given_to_another() -> None:
    db, now = made.memory_store()
    first = keep(db, now, files()[0], "a1")
    keep(db, now, files()[1], "a1")
    inbox.give(db, now, first.sources[0].source_id, "a2")
    other, nowhere = made.memory_store()
    keep(other, nowhere, files()[0], "a2")
    keep(other, nowhere, files()[1], "a1")
    assert made.content(db) == made.content(other)
    inbox.give(db, now, first.sources[0].source_id, None)
    assert [it.source_id for it in sources.waiting(db)] == [first.sources[0].source_id]


def test_an_athlete_added_later_gets_what_waited() -> None:
    db, now = made.memory_store()
    for read in files():
        keep(db, now, read)
    made.add_athlete(db, now, 3, "Zoe Müller")
    (given,) = inbox.match_again(db, now)
    assert {it.athlete_id for it in given.sources} == {"a3"}
    assert len(daily.of_athlete(db, "a3", "2026", "2027")) == 1


def test_days_of_two_unknown_people_do_not_mix() -> None:
    db, now = made.memory_store()
    people = [Person("Ana"), Person("Bea")]
    days = [DailyValue(it, "2026-11-01", "hrv", 50 + n, "ms") for n, it in enumerate(people)]
    keep(db, now, made.file("team.csv", daily=days))
    inbox.assign(db, now, "name:maker:bea", "a2")
    assert [it["value"] for it in daily.of_athlete(db, "a2", "2026", "2027")] == [51]
    assert [it.person.name for it in inbox.inbox(db)] == ["Ana"]
