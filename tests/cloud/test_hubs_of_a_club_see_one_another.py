"""Several hubs in one club: each sees what the others recorded, edits only its own, and proves its share."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from hub.errors import ActionRefused
from hub.store import boots, sessions, straps
from hub.syncing.verify import Difference
from sync.segments import Segment
from sync.wire import Anchor
from tests.cloud.pitchside import START_MS, HubOn, docs, same, steady
from tests.cloud.sender import Sender

Db = psycopg.Connection[tuple[object, ...]]
Start = Callable[..., HubOn]


def test_each_hub_shows_the_others_sessions_and_edits_only_its_own(start: Start, db: Db) -> None:
    ours, theirs = start("ours"), start("theirs", "boot-b")
    ann = ours.athlete("Ann")
    session_id = ours.session({ann: [(0, 600)]}, title="At ours")
    ours.sync()
    theirs.sync()

    (seen,) = theirs.ask(sessions.recent)
    assert (seen.title, seen.hub_id) == ("At ours", ours.hub_id)
    assert [it.athlete_id for it in theirs.ask(lambda it: sessions.assignments(it, session_id))] == [ann]
    assert theirs.rows("SELECT count(*) FROM stream") == [(0,)]
    with pytest.raises(ActionRefused):
        theirs.edit("session", session_id, title="Ours now")
    assert theirs.ask(sessions.live) is None
    assert ours.ask(lambda it: sessions.session(it, session_id)).hub_id is None
    assert db.execute("SELECT DISTINCT hub_id FROM row_state WHERE tbl = 'session'").fetchall() == [
        (ours.hub_id,)
    ]


def test_another_hubs_session_edited_online_is_still_another_hubs(
    start: Start, new_hub: Callable[..., Sender]
) -> None:
    ours, theirs = start("ours"), start("theirs", "boot-b")
    session_id = ours.session({}, title="At ours")
    ours.sync()
    theirs.sync()
    office = new_hub("Rovers")  # whoever else edits it, whose it is does not change
    office.push(office.op("session", session_id, after_ms=2**52, title="Derby"))
    ours.sync()
    theirs.sync()
    for hub, whose in ((ours, None), (theirs, ours.hub_id)):
        found = hub.ask(lambda it: sessions.session(it, session_id))
        assert (found.title, found.hub_id) == ("Derby", whose)


def test_boots_and_straps_of_two_hubs_are_never_mixed(start: Start, db: Db) -> None:
    ours, theirs = start("ours"), start("theirs", "boot-b")
    assert ours.boot_no == theirs.boot_no == 1
    strap = "A0000001"
    for hub in (ours, theirs):
        hub.edit("stream", f"stream of {hub.card.name}", strap_id=strap, boot_no=1, channel="hr")
        wall_ms = START_MS + (0 if hub is ours else 5_000_000)
        fact = Anchor(boot_no=1, mono_ms=0, wall_ms=wall_ms, err_ms=5, source="ntp")
        hub.store.write_now(lambda it, f=fact: boots.add_anchor(it, f))  # type: ignore[misc]
    for hub in (ours, theirs, ours):
        hub.sync()
    for hub in (ours, theirs):
        mine = hub.ask(lambda it: straps.stream(it, 1, strap))
        assert mine is not None
        assert mine.stream_id == f"stream of {hub.card.name}"
    facts = db.execute("SELECT hub_id, wall_ms FROM hub_anchor WHERE source = 'ntp'").fetchall()
    assert sorted(facts) == sorted([(ours.hub_id, START_MS), (theirs.hub_id, START_MS + 5_000_000)])


def test_two_hubs_edit_one_athlete_and_end_the_same(start: Start) -> None:
    ours, theirs = start("ours"), start("theirs", "boot-b")
    ann = ours.athlete("Ann")
    ours.sync()
    theirs.sync()
    ours.edit("athlete", ann, name="Anna", shirt_number=1)
    theirs.edit("athlete", ann, name="Annie", hr_max_bpm=180)
    for hub in (ours, theirs, ours):
        hub.sync()
    assert same([ours, theirs])
    assert ours.rows("SELECT shirt_number, hr_max_bpm FROM athlete") == [(1, 180)]


# --- proof


def test_verify_says_equal_only_when_it_is(start: Start, db: Db) -> None:
    ours = start("ours")
    ann = ours.athlete("Ann")
    ours.session({ann: [(0, 600)]})
    waiting = ours.verify()
    assert (waiting.ops_pending, waiting.segments_pending, waiting.is_equal) == (5, 2, False)
    ours.sync()
    found = ours.verify()
    assert found.is_equal
    assert (found.records, found.segments) == (5, 2)
    assert "exactly" in found.words


def test_verify_names_what_differs_and_where(start: Start, db: Db) -> None:
    ours = start("ours")
    ann = ours.athlete("Ann")
    session_id = ours.session({ann: [(0, 600)]})
    ours.sync()
    lost = ours.rows("SELECT seg_id FROM segment ORDER BY mono0")[0][0]
    db.execute("DELETE FROM segment WHERE seg_id = %s", (lost,))
    db.execute("UPDATE row_state SET doc = jsonb_set(doc, '{name}', '\"Eve\"') WHERE tbl = 'athlete'")
    ours.store.write_now(lambda it: it.execute("DELETE FROM base WHERE tbl = 'session'"))
    ours.store.write_now(
        lambda it: it.execute(
            "INSERT INTO base(tbl, pk, doc, stamps) VALUES ('lineup', 'l', '{\"a\": 1}', '{}')"
        )
    )
    found = ours.verify()
    assert not found.is_equal
    assert {(it.tbl, it.pk, it.where) for it in found.differences} >= {
        ("segment", bytes(lost).hex(), "only on this hub"),
        ("athlete", ann, "not the same"),
        ("session", session_id, "only in the cloud"),
        ("lineup", "l", "only on this hub"),
    }
    assert all(isinstance(it, Difference) for it in found.differences)


def test_a_file_two_hubs_imported_counts_as_held_by_both(start: Start, db: Db) -> None:
    ours, theirs = start("ours"), start("theirs", "boot-b")
    ann = ours.athlete("Ann")
    ours.sync()
    theirs.sync()
    ours.session({ann: [(0, 600)]})
    for hub in (ours, theirs):
        hub.edit("stream", "00000000-0000-0000-0000-00000000000f", strap_id="file:1", boot_no=0, channel="hr")
    segment = _same_segment()
    for hub in (ours, theirs):
        hub.keep(segment)
    for hub in (ours, theirs, ours):
        hub.sync()
    assert ours.verify().is_equal
    assert theirs.verify().is_equal
    assert theirs.rows("SELECT stream_id FROM stream") == [(segment.stream_id,)]
    assert len(docs(db, "stream")) == 2


def _same_segment() -> Segment:
    return steady("00000000-0000-0000-0000-00000000000f", 0, 120, 0, 60)
