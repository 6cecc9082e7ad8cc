"""The wording of tiles: a table of states and the words a coach reads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hub.board import Board, BoardSnapshot, LiveState
from hub.domain import Athlete, Contact, Reading
from hub.web.tiles import age_text, board_view, elapsed_text, tile_view

ANNA = Athlete("a1", "Anna Albrecht", 7, hr_max_bpm=200)


def state(
    *,
    athlete: Athlete = ANNA,
    strap_id: str | None = "S1",
    bpm: int | None = 150,
    percent: float | None = 75.0,
    zone: int | None = 3,
    age_s: float | None = 0.5,
    contact: Contact = Contact.YES,
    battery: int | None = 80,
) -> LiveState:
    return LiveState(athlete, strap_id, bpm, percent, zone, 41.6, 87.2, 0.984, age_s, contact, battery)


UNKNOWN_MAX = Athlete("a2", "Ben", None)


@pytest.mark.parametrize(
    ("live", "classes", "bpm", "zone", "percent", "bar", "status"),
    [
        (state(), "tile is-fresh z3", "150", "Z3", "75%", "75", ""),
        (state(percent=49.9, zone=0), "tile is-fresh z0", "150", "Z0", "49%", "49", ""),
        (state(percent=104.0, zone=5), "tile is-fresh z5", "150", "Z5", "104%", "100", ""),
        (state(age_s=3.0), "tile is-fresh z3", "150", "Z3", "75%", "75", ""),
        (state(age_s=3.1), "tile is-fading z3", "150", "Z3", "75%", "75", ""),
        (state(age_s=5.0), "tile is-fading z3", "150", "Z3", "75%", "75", ""),
        (state(age_s=5.1), "tile is-stale z-none", "–", "", "", "0", "▲ 5 s old"),
        (state(age_s=28.4), "tile is-stale z-none", "–", "", "", "0", "▲ 28 s old"),
        (state(age_s=400), "tile is-stale z-none", "–", "", "", "0", "▲ 6 min old"),
        (state(bpm=None, percent=None, zone=None, age_s=2, contact=Contact.NO),
         "tile is-stale z-none", "–", "", "", "0", "▲ no contact"),
        (state(bpm=None, percent=None, zone=None, age_s=None, strap_id=None),
         "tile is-idle z-none", "–", "", "", "0", "no strap"),
        (state(bpm=None, percent=None, zone=None, age_s=None),
         "tile is-idle z-none", "–", "", "", "0", "strap silent"),
        (state(athlete=UNKNOWN_MAX, percent=None, zone=None),
         "tile is-fresh z-none", "150", "", "", "0", "HRmax not set"),
        (state(battery=15), "tile is-fresh z3", "150", "Z3", "75%", "75", "▲ battery 15 %"),
        (state(battery=15, age_s=9), "tile is-stale z-none", "–", "", "", "0", "▲ 9 s old"),
    ],
)  # fmt: skip
def test_a_tile_reads_as_the_table_says(
    live: LiveState, classes: str, bpm: str, zone: str, percent: str, bar: str, status: str
) -> None:
    tile = tile_view(live)
    said = (tile.classes, tile.bpm, tile.zone, tile.percent, tile.bar, tile.status)
    assert said == (classes, bpm, zone, percent, bar, status)


def test_the_load_stays_on_a_stale_tile_because_it_is_still_true() -> None:
    tile = tile_view(state(age_s=60))
    assert (tile.banister, tile.edwards, tile.coverage) == ("42 AU", "87 AU", "98%")


def test_ages_and_running_time_read_naturally() -> None:
    assert [age_text(s) for s in (0, 119.9, 120, 7199, 7200)] == ["0 s", "119 s", "2 min", "119 min", "2 h"]
    assert [elapsed_text(s) for s in (None, 0, 61, 3725.9)] == ["", "0:00:00", "0:01:01", "1:02:05"]


def test_the_key_changes_with_names_and_not_with_heart_rates() -> None:
    def key(live: LiveState) -> str:
        return board_view(BoardSnapshot(1, 0, None, None, (live,), 0, 1)).key

    assert key(state()) == key(state(bpm=180, age_s=9))
    assert key(state()) != key(state(athlete=Athlete("a1", "Anna A.", 7, hr_max_bpm=200)))


def test_own_zones_colour_the_tile_and_are_counted_in_the_legend() -> None:
    own = replace(ANNA, zone_edges_bpm=(120.0, 150.0, 170.0))
    board = Board()
    board.set_athletes([own, UNKNOWN_MAX])
    board.hear(Reading("S1", 1000, 150, (), Contact.YES), "a1")
    snapshot = board.snapshot(1200, 0)
    assert snapshot.athletes[0].zone == 2
    view = board_view(snapshot)
    assert (view.tiles[0].zone, view.tiles[0].classes) == (
        "Z2",
        "tile is-fresh z2",
    )
    assert view.with_own_zones == 1
