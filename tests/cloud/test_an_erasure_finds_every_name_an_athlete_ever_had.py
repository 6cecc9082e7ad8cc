"""An athlete who was renamed is erased under every name they bore, in whatever text says it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
import pytest

from cloud import compaction, former_names
from cloud.clock import now_ms
from cloud.insights.job import write_insight
from cloud.insights.rules import Insight
from tests.cloud.conftest import in_cloud
from tests.cloud.pitchside import HubOn, docs
from tests.cloud.sender import Sender
from tests.cloud.test_nobody_comes_back_behind_an_erasure import club_of, erase

Db = psycopg.Connection[tuple[Any, ...]]
Start = Callable[..., HubOn]
WEEKS = ("2026-11-02", "2026-11-09", "2026-11-16")


def insight(url: str, db: Db, week: str, headline: str, facts: Sequence[tuple[str, str]] = ()) -> None:
    new = Insight(week, headline, "The squad trained as usual.", tuple(facts))
    club = club_of(db)
    in_cloud(url, lambda it: write_insight(it, club, new, now_ms()))


def said(db: Db) -> str:
    """Whatever the cloud's tables hold of texts."""
    tables = db.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return "\n".join(str(db.execute(f"SELECT * FROM {table}").fetchall()) for (table,) in tables)


@pytest.mark.parametrize("is_compacted", [False, True])
def test_insights_that_say_a_former_name_go_and_others_stay(
    start: Start, db: Db, url: str, is_compacted: bool
) -> None:
    ours, theirs = start("ours"), start("theirs", "boot-b")
    ann = ours.athlete("Ann Smith")
    ours.athlete("Joanna", 8)
    ours.sync()
    insight(url, db, WEEKS[0], "Ann Smith ran most")
    insight(url, db, WEEKS[1], "Ann Jones rested", [("Most", "Ann Smith +20 %")])
    insight(url, db, WEEKS[1], "Written anew without her")
    insight(url, db, WEEKS[2], "Joanna ran most")
    for name in ("Ann Jones", "Jo"):
        ours.edit("athlete", ann, name=name)
        ours.sync()
    theirs.sync()
    assert len(theirs.rows("SELECT * FROM insight")) == 3
    if is_compacted:
        club, later = club_of(db), now_ms() + 400 * 86_400_000
        in_cloud(url, lambda it: compaction.compact(it, club, later))
        assert "Ann Smith" not in str(db.execute("SELECT fields FROM change_log").fetchall())

    erase(url, club_of(db), ann)
    for hub in (ours, theirs):
        hub.sync()

    assert "Ann" not in said(db)
    left = {"Written anew without her"}  # "Jo", their last name, is in "Joanna", as it always was looked for
    assert {it["headline"] for it in docs(db, "insight").values()} == left
    for hub in (ours, theirs):
        assert {row[0] for row in hub.rows("SELECT headline FROM insight")} == left
        assert "Ann" not in str(hub.rows("SELECT * FROM base")) + str(hub.rows("SELECT * FROM outbox"))
        assert hub.verify().is_equal


def test_a_hub_that_was_silent_reads_no_former_name_from_the_feed(start: Start, db: Db, url: str) -> None:
    ours, silent = start("ours"), start("silent", "boot-b")
    ann = ours.athlete("Ann Smith")
    ours.sync()
    insight(url, db, WEEKS[0], "Ann Smith ran most")
    insight(url, db, WEEKS[0], "Nobody ran most")
    ours.edit("athlete", ann, name="Bo")
    ours.sync()
    erase(url, club_of(db), ann)
    silent.sync()
    assert [row[0] for row in silent.rows("SELECT headline FROM insight")] == ["Nobody ran most"]
    assert "Ann" not in said(db)
    assert silent.verify().is_equal


def test_a_former_name_counts_as_a_whole_word_only() -> None:
    says = former_names.saying('Jo "J" Lee', {"A", "Ann", 'Jo "J" Lee'})
    assert says({"headline": 'Best: Jo "J" Lees', "facts": []})
    assert says({"facts": [["Most", "Ann's run"]]})
    assert says(["A"])
    assert not says({"headline": "Anna and Joanna rested", "body": "All as usual", "n": 3})
    assert not former_names.saying("", set())({"headline": ""})


def test_what_imports_brought_under_a_former_name_goes_where_nobody_else_is_called_so(
    start: Start, db: Db, url: str
) -> None:
    hub = start("card")
    ann, bea = hub.athlete("Ann Smith"), hub.athlete("Bea", 8)
    day = {"date": "2026-01-01", "name": "weight", "unit": "kg", "source": "x", "import_id": "i1"}
    for pk, person in (("d1", " ann smith"), ("d2", "Bea"), ("d3", "Ann Smithers")):
        hub.edit(
            "daily_value", pk, athlete_id=None, person_name=person, value=61.5, updated_at_ms=1, **day
        )  # fmt: skip
    hub.store.write_now(
        lambda it: it.execute(
            "INSERT INTO daily_told VALUES ('i1', 'k', '2026-01-01', 'weight', NULL, ' ann smith', 'x', 61.5,"
            " 'kg', 1, '2026-01-01')"
        )
    )
    hub.store.write_now(
        lambda it: it.execute(
            "INSERT INTO import(import_id, filename, sha256, format, status, detail, at_ms)"
            " VALUES ('i1', 'smith.csv', 'ab', 'csv', 'imported', 'Ann Smith', 1)"
        )
    )
    hub.edit("athlete", ann, name="Bea")  # now there are two
    hub.sync()
    erase(url, club_of(db), ann)
    hub.sync()

    assert set(docs(db, "daily_value")) == {"d2", "d3"}, "Bea's may be the other Bea's"
    assert sorted(hub.rows("SELECT daily_value_id FROM daily_value")) == [("d2",), ("d3",)]
    assert hub.rows("SELECT * FROM daily_told") == []
    assert hub.rows("SELECT filename, detail FROM import") == [("(erased)", "")]
    assert hub.names() == ["Bea"]
    assert bea in docs(db, "athlete")
    assert hub.verify().is_equal


def test_refused_edits_that_say_a_former_name_lose_their_content_and_others_keep_it(
    new_hub: Callable[..., Sender], db: Db, url: str
) -> None:
    hub = new_hub()
    ann = str(uuid.uuid4())
    hub.push(hub.op("athlete", ann, name="Ann Smith"), hub.op("athlete", ann, name="Bo"))
    hers = hub.op("daily_value", "d1", person_name="Ann Smith", date="no day")
    same_name = hub.op("athlete", "another", name="Ann Smith", hr_max_bpm=999)
    unlike = hub.op("daily_value", "d2", person_name="Ann Smithers", date="no day")
    answer = hub.push(hers, same_name, unlike).json()
    assert [it["status"] for it in answer["results"]] == ["dead"] * 3
    erase(url, club_of(db), ann)
    kept: dict[str, bool] = dict(db.execute("SELECT op_id, payload <> '{}' FROM dead_letter").fetchall())
    assert kept == {hers.op_id: False, same_name.op_id: True, unlike.op_id: True}


def test_texts_of_the_club_that_say_a_name_are_told_and_left(start: Start, db: Db, url: str) -> None:
    hub = start("card")
    ann, bea = hub.athlete("May"), hub.athlete("Bea", 8)
    hub.session({ann: [(0, 300)], bea: [(300, 600)]}, title="Ann's test in May")
    hub.edit("strap", "S1", name="Mayfield", address="", athlete_id=None)
    hub.edit("profile_change", "p1", athlete_id=bea, valid_from="2026-01-01", note="as Ann")
    hub.edit("profile_change", "p2", athlete_id=ann, valid_from="2026-01-01", note="Ann")
    hub.edit("athlete", ann, name="Ann")
    hub.sync()
    done = erase(url, club_of(db), ann)
    assert done.mentions == ("profile change 'as Ann'", 'session "Ann\'s test in May"')
    assert [it["title"] for it in docs(db, "session").values()] == ["Ann's test in May"]
