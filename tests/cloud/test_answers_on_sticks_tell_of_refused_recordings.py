"""A hub that knows sticks only hears which recordings the cloud refused, once, whatever comes when."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import psycopg
import pytest

from cloud import bundle_answer
from hub.store import refused_segments
from sync import wire
from sync.bundle_wire import AnswerManifest, decoded
from tests.cloud.carrier import Carrier
from tests.cloud.pitchside import HubOn
from tests.cloud.test_backups_bring_nobody_back import erase
from tests.cloud.test_refused_recordings_wait_for_a_person import put, spoil

Db = psycopg.Connection[tuple[object, ...]]
Start = Callable[..., HubOn]


@pytest.fixture
def carrier(url: str, tmp_path: Path) -> Carrier:
    return Carrier(url, tmp_path / "stick")


@pytest.fixture
def hub(start: Start) -> HubOn:
    """A hub with two recordings, neither sent."""
    hub = start("card")
    hub.sync()
    hub.session({hub.athlete("Ann"): [(0, 600)]})
    return hub


def marks(hub: HubOn) -> list[tuple[str, str]]:
    return [(bytes(it).hex(), code) for it, code in hub.rows("SELECT seg_id, code FROM segment_refused")]


def books(hub: HubOn) -> tuple[int, int, int]:
    """Recordings that wait, that were refused, and that are stored."""
    return hub.books.segments_pending, hub.books.segments_refused, hub.books.segments_stored


def test_the_answer_names_what_was_refused_and_it_waits_for_a_person(hub: HubOn, carrier: Carrier) -> None:
    seg_id, blob = spoil(hub)
    bundle = carrier.write(hub)
    assert carrier.accept(bundle).segments_refused == 1
    assert books(hub) == (2, 0, 0), "nothing is refused before it is said"
    done = carrier.take_back(hub, carrier.answer(hub))
    assert (done.segments_stored, done.segments_refused) == (1, 1)
    assert "1 recordings refused" in done.words
    assert (marks(hub), books(hub)) == ([(seg_id.hex(), "corrupt")], (0, 1, 1))
    carrier.write(hub)
    assert carrier.written.segments == 0

    put(hub, seg_id, blob)
    hub.store.write_now(lambda db: refused_segments.try_again(db, [seg_id]))
    assert carrier.there_and_back(hub).segments_stored == 1
    assert (marks(hub), books(hub)) == ([], (0, 0, 2))


def test_an_answer_taken_again_gives_up_nothing_that_is_tried_again(hub: HubOn, carrier: Carrier) -> None:
    seg_id, _ = spoil(hub)
    bundle = carrier.write(hub)
    carrier.accept(bundle)
    answer = carrier.answer(hub)
    carrier.take_back(hub, answer)
    hub.store.write_now(lambda db: refused_segments.try_again(db, [seg_id]))
    carrier.accept(bundle)
    for again in (answer, carrier.answer(hub)):
        assert carrier.take_back(hub, again).segments_refused == 0
        assert books(hub) == (1, 0, 1)
    assert carrier.there_and_back(hub).segments_refused == 1, "it was tried again, and is refused again"


def test_what_came_by_network_meanwhile_stays_stored(hub: HubOn, carrier: Carrier, db: Db) -> None:
    seg_id, blob = spoil(hub)
    carrier.accept(carrier.write(hub))
    early = carrier.answer(hub)
    put(hub, seg_id, blob)
    hub.sync()
    assert books(hub) == (0, 0, 2)
    for answer in (early, carrier.answer(hub)):
        assert carrier.take_back(hub, answer).segments_refused == 0
        assert books(hub) == (0, 0, 2)


def test_put_away_stays_put_away(hub: HubOn, carrier: Carrier) -> None:
    seg_id, _ = spoil(hub)
    carrier.there_and_back(hub)
    hub.store.write_now(lambda db: refused_segments.put_away(db, [seg_id], 1))
    carrier.there_and_back(hub)
    assert (hub.books.segments_kept, hub.books.segments_refused) == (1, 0)


def test_more_than_fit_an_answer_come_with_the_next(
    hub: HubOn, carrier: Carrier, monkeypatch: pytest.MonkeyPatch, db: Db
) -> None:
    monkeypatch.setattr(bundle_answer, "MOST_REFUSED", 2)
    hub.session({hub.athlete("Bea"): [(0, 600)]})
    hub.session({hub.athlete("Cem"): [(0, 600)]})
    for (seg_id,) in hub.rows("SELECT seg_id FROM segment ORDER BY seg_id LIMIT 5"):
        blob = hub.rows("SELECT blob FROM segment WHERE seg_id = ?", seg_id)[0][0]
        put(hub, seg_id, b"\0" + blob[1:])
    heard = [carrier.there_and_back(hub).segments_refused for _ in range(4)]
    assert heard == [2, 2, 1, 0]
    assert books(hub) == (0, 5, 1)
    assert db.execute("SELECT count(DISTINCT bundle_id) FROM bundle_refused").fetchone() in ((0,), (1,))


def test_of_somebody_erased_only_what_others_wore_stays(
    start: Start, carrier: Carrier, db: Db, url: str
) -> None:
    hub = start("card")
    ann = hub.athlete("Ann")
    hub.sync()
    hub.session({ann: [(0, 300)], hub.athlete("Bea"): [(300, 600)]})
    bundle = carrier.write(hub)
    erase(url, db, ann)
    result = carrier.accept(bundle)
    carrier.take_back(hub, carrier.answer(hub))
    carrier.there_and_back(hub)
    assert hub.books.segments_pending == 0
    assert result.segments_refused + result.segments_new == 2
    assert hub.verify().differences == ()


def test_an_older_clouds_answer_says_nothing_of_it_and_an_older_hub_reads_a_newer_one() -> None:
    greeting = wire.HelloResponse(
        proto=1, server_ms=1, last_seq=0, last_chain="", epoch=1, feed_epoch=1, head=0
    )
    said = AnswerManifest(answers="b", greeting=greeting, asked_epoch=1, asked_acked_seq=0)
    older = {name: it for name, it in msgspec.to_builtins(said).items() if name != "refused"}
    assert decoded(msgspec.json.encode(older), AnswerManifest).refused == []
    more = msgspec.to_builtins(said) | {"of_a_newer_cloud": [1]}
    assert decoded(msgspec.json.encode(more), AnswerManifest) == said


def test_two_hubs_hear_of_their_own_only(hub: HubOn, start: Start, carrier: Carrier, db: Db) -> None:
    spoil(hub)
    theirs = start("theirs", "boot-b")
    theirs.sync()
    theirs.session({theirs.athlete("Zoe"): [(0, 600)]})
    carrier.accept(carrier.write(hub))
    carrier.accept(carrier.write(theirs))
    assert carrier.take_back(theirs, carrier.answer(theirs)).segments_refused == 0
    assert carrier.take_back(hub, carrier.answer(hub)).segments_refused == 1
    assert db.execute("SELECT count(*) FROM bundle_refused").fetchone() == (1,)
