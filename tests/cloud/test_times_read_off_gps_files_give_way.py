"""A time read off a GPS file places a boot until network time or the cloud speak, or it is taken back."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from cloud.clock import CIVIL_BOOT, TAKEN_BACK_MS, Estimate, TrueTime, wall_estimate
from cloud.store.rows import AnchorRow
from hub.store import boots
from sync.wire import Anchor
from tests.cloud.pitchside import HubOn

Db = psycopg.Connection[tuple[object, ...]]
Start = Callable[..., HubOn]
FAR_MS = 9_000_000
LOST_BOOT = 7
NOW_MS = 1_795_255_200_000


def anchors(*told: tuple[str, int, int, int]) -> list[AnchorRow]:
    """(source, mono_ms, wall_ms, err_ms) of the lost boot, in order of time."""
    return [
        AnchorRow(LOST_BOOT, mono_ms, wall_ms, err_ms, source)
        for source, mono_ms, wall_ms, err_ms in sorted(told, key=lambda it: it[1])
    ]


@pytest.mark.parametrize("source", ["ntp", "cloud", "hello"])
def test_what_was_told_to_the_machine_beats_a_file_however_unsure(source: str) -> None:
    told = anchors(("gps", 1000, NOW_MS + 1000, 5_000), (source, 2000, NOW_MS + 2000 + FAR_MS, 60_000))
    assert TrueTime(told).shift_ms(LOST_BOOT, CIVIL_BOOT) == NOW_MS + FAR_MS
    assert wall_estimate(told, LOST_BOOT, 1500) == Estimate(NOW_MS + 1500 + FAR_MS, True)


@pytest.mark.parametrize("source", ["tablet", "system"])
def test_a_file_beats_what_only_guesses_and_is_not_mixed_with_it(source: str) -> None:
    told = anchors((source, 500, NOW_MS + FAR_MS, 1), ("gps", 1000, NOW_MS + 1000, 5_000))
    assert TrueTime(told).shift_ms(LOST_BOOT, CIVIL_BOOT) == NOW_MS
    assert wall_estimate(told, LOST_BOOT, 750) == Estimate(NOW_MS + 750, True)


def test_one_taken_back_says_nothing_not_even_of_later_boots() -> None:
    told = anchors(("gps", 1000, NOW_MS, TAKEN_BACK_MS))
    assert TrueTime(told).shift_ms(LOST_BOOT, CIVIL_BOOT) is None
    assert wall_estimate(told, LOST_BOOT + 1, 5) == Estimate(0, False)
    assert TAKEN_BACK_MS == boots.TAKEN_BACK_MS


def kept(db: Db) -> list[tuple[object, ...]]:
    return db.execute(
        "SELECT mono_ms, err_ms FROM hub_anchor WHERE source = 'gps' ORDER BY mono_ms"
    ).fetchall()


def test_the_cloud_hears_of_it_of_its_end_and_of_no_older_word_again(start: Start, db: Db) -> None:
    hub = start("ours")
    lost = hub.store.write_now(lambda db: boots.register(db, "lost"))
    first: Anchor = hub.store.write_now(lambda db: boots.add_gps_anchor(db, lost, 1000, NOW_MS, 6_000))
    hub.sync()
    assert kept(db) == [(1000, 6_000)]
    hub.store.write_now(lambda db: boots.take_back_gps_anchor(db, lost, first.mono_ms))
    hub.sync()
    assert kept(db) == [(1000, TAKEN_BACK_MS)]
    again = hub.store.write_now(lambda db: boots.add_gps_anchor(db, lost, 1000, NOW_MS, 6_000))
    assert (again.mono_ms, again.wall_ms) == (1001, NOW_MS + 1), "a fact of its own"
    hub.store.write_now(
        lambda db: db.execute("UPDATE anchor SET err_ms = 6000 WHERE boot_no = ? AND mono_ms = 1000", (lost,))
    )  # an old word told once more, as by a stick
    hub.sync()
    assert kept(db) == [(1000, TAKEN_BACK_MS), (1001, 6_000)]


def test_however_many_anchors_came_since_the_lost_boots_is_told(start: Start, db: Db) -> None:
    hub = start("ours")
    lost = hub.store.write_now(lambda db: boots.register(db, "lost"))
    hub.store.write_now(lambda db: boots.add_gps_anchor(db, lost, 1000, NOW_MS, 6_000))
    later = hub.store.write_now(lambda db: boots.register(db, "later"))
    for number in range(120):
        known = Anchor(boot_no=later, mono_ms=number, wall_ms=NOW_MS + number, err_ms=9, source="ntp")
        hub.store.write_now(lambda db, known=known: boots.add_anchor(db, known))  # type: ignore[misc]
    hub.sync()
    assert kept(db) == [(1000, 6_000)]
