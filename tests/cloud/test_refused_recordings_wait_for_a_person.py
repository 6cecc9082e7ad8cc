"""A recording the real cloud refuses is not sent again by itself, and no comparison makes a riddle of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hub.store import refused_segments
from tests.cloud.carrier import Carrier
from tests.cloud.pitchside import HubOn, Through

Start = Callable[..., HubOn]


def spoil(hub: HubOn) -> tuple[bytes, bytes]:
    """The first segment's content is damaged on the card; its id, and what it was."""
    seg_id, blob = hub.rows("SELECT seg_id, blob FROM segment ORDER BY mono0")[0]
    put(hub, seg_id, b"\0" + blob[1:])
    return bytes(seg_id), bytes(blob)


def put(hub: HubOn, seg_id: bytes, blob: bytes) -> None:
    hub.store.write_now(lambda db: db.execute("UPDATE segment SET blob = ? WHERE seg_id = ?", (blob, seg_id)))


@pytest.fixture
def hub(start: Start) -> HubOn:
    """A hub that has sent everything but one damaged segment of two."""
    hub = start("card")
    hub.session({hub.athlete("Ann"): [(0, 600)]})
    return hub


def test_a_refused_recording_is_sent_once_also_over_a_restart_until_it_is_tried_again(
    hub: HubOn, start: Start, line: Through
) -> None:
    seg_id, blob = spoil(hub)
    report = hub.sync()
    assert (report.segments_stored, report.segments_refused) == (1, 1)
    assert (hub.books.segments_pending, hub.books.segments_refused) == (0, 1)
    for again in (hub, start("card", "boot-two")):
        line.asked.clear()
        assert again.sync().segments_refused == 0
        assert not [it for it in line.asked if it.startswith("/v1/seg")]

    restarted = start("card", "boot-two")
    restarted.store.write_now(lambda db: refused_segments.try_again(db, [seg_id]))
    assert restarted.sync().segments_refused == 1
    assert restarted.books.segments_refused == 1, "it was sent once more, and no more than once"

    put(restarted, seg_id, blob)
    restarted.store.write_now(lambda db: refused_segments.try_again(db, [seg_id]))
    assert restarted.sync().segments_stored == 1
    assert restarted.verify().is_equal


def test_a_comparison_says_what_was_refused_or_put_away_and_calls_it_no_difference(hub: HubOn) -> None:
    seg_id, _ = spoil(hub)
    hub.sync()
    found = hub.verify()
    assert (found.differences, found.is_equal, found.segments) == ((), False, 1)
    assert "On this hub alone: 1 recording the cloud refused." in found.words
    assert "wait to be sent" not in found.words
    hub.store.write_now(lambda db: refused_segments.put_away(db, [seg_id], 1))
    found = hub.verify()
    assert (found.differences, found.is_equal) == ((), True)
    assert "but for what was put away" in found.words
    assert "1 recording somebody put away after the cloud had refused them" in found.words


def test_a_bundle_carries_no_recording_the_cloud_has_refused(
    hub: HubOn, start: Start, url: str, tmp_path: Path
) -> None:
    seg_id, _ = spoil(hub)
    hub.sync()
    hub.session({hub.athlete("Bea"): [(0, 600)]})
    carrier = Carrier(url, tmp_path / "stick")
    carrier.write(hub)
    assert carrier.written.segments == 2
    hub.store.write_now(lambda db: refused_segments.try_again(db, [seg_id]))
    result = carrier.accept(carrier.write(hub))
    assert (carrier.written.segments, result.segments_new, result.segments_refused) == (3, 2, 1)
