"""An edit that comes when the feed it met was compacted away still finds whose value it met."""

from __future__ import annotations

from collections.abc import Callable

import psycopg

from cloud import erasure
from cloud.clock import now_ms
from cloud.compaction import SILENT_MS
from cloud.store.database import connect
from hub.store.two_edits import OTHER
from tests.cloud.conftest import run
from tests.cloud.pitchside import HubOn, docs
from tests.cloud.test_edits_that_met_are_shown_on_both_sides import at_the_ground, choose, online, shown
from tests.cloud.test_feed_is_compacted_and_snapshots_replace_it import (
    LATER_MS,
    compacted,
    entries,
    heard,
)

Db = psycopg.Connection[tuple[object, ...]]
Start = Callable[..., HubOn]


def half_a_year_goes_by(db: Db, url: str, *, silent: HubOn) -> None:
    """Every entry goes, since all but one hub read it, and that one is taken for gone."""
    db.execute("UPDATE hub SET seen_ms = %s", (now_ms() + LATER_MS,))
    heard(db, silent, now_ms() + LATER_MS - SILENT_MS - 1)
    assert compacted(url, now_ms() + LATER_MS) > 0
    assert entries(db) == 0


def sides(hub: HubOn) -> set[tuple[str, str | None, object]]:
    return {
        (side.by, side.hub_id, side.value)
        for met in shown(hub)
        for side in (met.edits.stands, met.edits.other)
    }


def test_who_stands_against_an_edit_sent_after_half_a_year_is_known(start: Start, url: str, db: Db) -> None:
    hub = start("ours")
    pk = hub.athlete("Ann")
    hub.sync()
    at_the_ground(hub, pk, "Ben", hr_max_bpm=188)
    online(url, db, pk, "Ana", hr_max_bpm=191)
    online(url, db, pk, "Ana", hr_max_bpm=192)
    half_a_year_goes_by(db, url, silent=hub)
    hub.sync()
    assert sides(hub) == {("Ana", None, 192), ("Ben", hub.hub_id, 188)}
    (met,) = shown(hub)
    choose(hub, met.edits.two_edits_id, OTHER, "Kim")
    hub.sync()
    assert docs(db, "athlete")[pk]["hr_max_bpm"] == met.edits.other.value


def test_each_hubs_last_word_of_each_field_is_kept_and_no_more(start: Start, url: str, db: Db) -> None:
    ours, theirs, silent = start("ours"), start("theirs", "boot-b"), start("silent", "boot-c")
    pk = ours.athlete("Ann")
    for hub in (ours, theirs, silent):
        hub.sync()
    at_the_ground(silent, pk, "Cas", hr_max_bpm=186, shirt_number=3)
    at_the_ground(ours, pk, "Ben", hr_max_bpm=189)
    at_the_ground(ours, pk, "Ben", hr_max_bpm=188)
    at_the_ground(theirs, pk, "Dan", shirt_number=5)
    for hub in (ours, theirs) * 3:
        hub.sync()
    half_a_year_goes_by(db, url, silent=silent)
    silent.sync()
    assert sides(silent) == {
        ("Cas", silent.hub_id, 186), ("Ben", ours.hub_id, 188), ("Cas", silent.hub_id, 3),
        ("Dan", theirs.hub_id, 5),
    }  # fmt: skip
    words = db.execute("SELECT count(*) FROM last_word WHERE fields ? 'hr_max_bpm'").fetchone()
    assert words == (1,), "what its author replaced is nobody's word any more"


def test_what_an_author_had_read_before_the_silence_is_met_by_nothing(start: Start, url: str, db: Db) -> None:
    hub = start("ours")
    pk = hub.athlete("Ann")
    hub.sync()
    online(url, db, pk, "Ana", hr_max_bpm=192)
    hub.sync()
    at_the_ground(hub, pk, "Ben", hr_max_bpm=188)
    half_a_year_goes_by(db, url, silent=hub)
    hub.sync()
    assert shown(hub) == []
    assert docs(db, "athlete")[pk]["hr_max_bpm"] == 188


def test_an_erased_athletes_last_words_are_erased_too(start: Start, url: str, db: Db) -> None:
    hub = start("ours")
    pk = hub.athlete("Ann")
    hub.edit("strap", "S1", name="Strap 1", address="", athlete_id=pk)
    hub.sync()
    half_a_year_goes_by(db, url, silent=hub)
    kept = db.execute("SELECT count(*) FROM last_word WHERE %s IN (pk, fields ->> 'athlete_id')", (pk,))
    assert kept.fetchone() != (0,)

    async def erase() -> None:
        async with await connect(url) as connection, connection.transaction():
            club_id = str(db.execute("SELECT club_id FROM club").fetchone()[0])  # type: ignore[index]
            await erasure.erase(connection, club_id, pk, "Ana", now_ms())

    run(erase())
    left = db.execute("SELECT count(*) FROM last_word WHERE %s IN (pk, fields ->> 'athlete_id')", (pk,))
    assert left.fetchone() == (0,)
