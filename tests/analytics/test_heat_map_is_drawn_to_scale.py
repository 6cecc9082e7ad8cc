"""A pitch somewhere on Earth, turned anyhow, is found from its corners or from where people ran."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hub.analytics.errors import OutOfOrder, OutOfRange, PitchUnclear, ShapeMismatch
from hub.analytics.external import haversine_m
from hub.analytics.heat_map import heat_map, stays
from hub.analytics.pitch import Pitch, east_north_m, pitch_of_corners, pitch_of_positions

Floats = NDArray[np.float64]
LENGTH, WIDTH = 105.0, 68.0
CORNERS = np.array([(0, 0), (LENGTH, 0), (LENGTH, WIDTH), (0, WIDTH)], float)
PLACES = [(59.9115, 10.7579), (-33.89, 151.22), (0.0, 0.0), (64.1, -21.9), (-17.0, 179.9999)]


def on_ground(metres: Floats, turn_deg: float, at: tuple[float, float] = PLACES[0]) -> tuple[Floats, Floats]:
    """Latitudes and longitudes of (n, 2) metres on axes turned from east to north, computed on the sphere."""
    turn = math.radians(turn_deg)
    east = metres[:, 0] * math.cos(turn) - metres[:, 1] * math.sin(turn)
    north = metres[:, 0] * math.sin(turn) + metres[:, 1] * math.cos(turn)
    a_degree = math.radians(1) * 6_371_008.8
    latitude = at[0] + north / a_degree
    longitude = at[1] + east / a_degree / np.cos(np.radians(latitude))
    return latitude, (longitude + 180) % 360 - 180


def pairs(columns: tuple[Floats, Floats]) -> list[tuple[float, float]]:
    return [(float(lat), float(lon)) for lat, lon in zip(*columns, strict=True)]


def sides(pitch: Pitch) -> tuple[float, float]:
    return pitch.length_m, pitch.width_m


def a_run(rng: np.random.Generator, n: int = 5400) -> Floats:
    """Running all over the pitch, a position a second, touching every side."""
    where = rng.uniform((0, 0), (LENGTH, WIDTH), (n, 2))
    where[:8] = [(0, 20), (0, 50), (LENGTH, 9), (LENGTH, 60), (30, 0), (80, 0), (30, WIDTH), (80, WIDTH)]
    return where


@pytest.mark.parametrize("at", PLACES)
@pytest.mark.parametrize("turn_deg", [0, 23, 90, 161, 200, 315])
def test_four_corners_put_every_spot_where_it_is(turn_deg: float, at: tuple[float, float]) -> None:
    pitch = pitch_of_corners(pairs(on_ground(CORNERS, turn_deg, at)))
    spots = np.random.default_rng(4).uniform((-20, -20), (125, 88), (200, 2))
    assert np.abs(pitch.place(*on_ground(spots, turn_deg, at)) - spots).max() < 0.05
    assert sides(pitch) == pytest.approx((LENGTH, WIDTH), abs=0.01)
    assert math.cos(math.radians(pitch.heading_deg + turn_deg - 90)) == pytest.approx(1, abs=1e-7)
    assert pitch.misfit_m == pytest.approx(0, abs=0.01)


def test_corners_named_clockwise_give_no_mirror_image() -> None:
    pitch = pitch_of_corners(pairs(on_ground(CORNERS[[3, 2, 1, 0]], 30)))
    spots = np.array([(10.0, 20.0), (90.0, 5.0)])
    assert pitch.place(*on_ground(spots, 30)) == pytest.approx(spots, abs=0.02)


@given(st.integers(0, 2**32 - 1), st.floats(0, 360))
def test_corners_paced_with_a_watch_are_evened_out(seed: int, turn_deg: float) -> None:
    rough = CORNERS + np.random.default_rng(seed).uniform(-2, 2, (4, 2))
    pitch = pitch_of_corners(pairs(on_ground(rough, turn_deg)), LENGTH, WIDTH)
    assert pitch.misfit_m is not None
    assert pitch.misfit_m < 3
    assert np.abs(pitch.place(*on_ground(CORNERS, turn_deg)) - CORNERS).max() < 4.5
    a, b = pairs(on_ground(np.array([(0, 0), (LENGTH, 0)], float), turn_deg))
    placed = pitch.place(np.array([a[0], b[0]]), np.array([a[1], b[1]]))
    assert math.dist(*placed.tolist()) == pytest.approx(haversine_m(a, b), abs=0.01)


def test_corners_of_no_rectangle_are_refused() -> None:
    for wrong in (CORNERS[[0, 2, 1, 3]], CORNERS + np.array([(0, 0), (0, 0), (40, 0), (40, 0)])):
        with pytest.raises(PitchUnclear, match="rectangle"):
            pitch_of_corners(pairs(on_ground(wrong, 0)))
    with pytest.raises(PitchUnclear, match="105 by 30"):
        pitch_of_corners(pairs(on_ground(CORNERS, 0)), LENGTH, 30)
    with pytest.raises(ShapeMismatch):
        pitch_of_corners(pairs(on_ground(CORNERS[:3], 0)))
    with pytest.raises(OutOfRange):
        pitch_of_corners(pairs(on_ground(CORNERS / 50, 0)))
    with pytest.raises(OutOfRange):
        pitch_of_corners([(math.nan, 0), (0, 1), (1, 1), (1, 0)])


@pytest.mark.parametrize("at", PLACES)
@pytest.mark.parametrize("turn_deg", [0, 12, 45, 89, 90, 133, 179])
def test_a_run_all_over_a_turned_pitch_finds_it_again(turn_deg: float, at: tuple[float, float]) -> None:
    where = on_ground(a_run(np.random.default_rng(8)), turn_deg, at)
    pitch = pitch_of_positions(*where, kept_share=1)
    points_east = turn_deg <= 90
    truth = CORNERS if points_east else CORNERS[[2, 3, 0, 1]]
    assert np.abs(pitch.place(*on_ground(truth, turn_deg, at)) - CORNERS).max() < 1
    assert sides(pitch) == pytest.approx((LENGTH, WIDTH), abs=0.5)
    assert pitch.misfit_m is None


def test_a_walk_to_the_bench_bends_nothing() -> None:
    bench = np.stack((np.full(20, 50.0), WIDTH + np.linspace(0, 60, 20)), axis=1)
    latitude, longitude = on_ground(np.concatenate((a_run(np.random.default_rng(8)), bench)), 33)
    with_all = pitch_of_positions(latitude, longitude, kept_share=1)
    pitch = pitch_of_positions(latitude, longitude)
    assert with_all.width_m > 90
    assert np.abs(pitch.place(*on_ground(CORNERS, 33)) - CORNERS).max() < 2


def test_a_square_drill_has_its_size_and_equal_sides() -> None:
    side = np.linspace(0, 20, 41)[:-1]
    zero, far = np.zeros(40), np.full(40, 20.0)
    x, y = np.concatenate((side, far, far - side, zero)), np.concatenate((zero, side, far, far - side))
    latitude, longitude = on_ground(np.stack((x, y), axis=1), 57)
    pitch = pitch_of_positions(latitude, longitude, kept_share=1)
    assert sides(pitch) == pytest.approx((20, 20), abs=0.02)
    found = heat_map(pitch, np.arange(160.0), latitude, longitude, cell_m=4)
    assert found.seconds.shape == (5, 5)
    assert found.seconds[1:4, 1:4].sum() == 0
    edge = np.ones((5, 5), bool)
    edge[1:4, 1:4] = False
    assert found.seconds[edge].min() >= 7
    assert found.inside_s == pytest.approx(159, abs=1)


def test_positions_that_fill_no_pitch_are_refused() -> None:
    line = on_ground(np.stack((np.arange(50.0), np.arange(50.0)), axis=1), 0)
    with pytest.raises(PitchUnclear):
        pitch_of_positions(*line)
    with pytest.raises(PitchUnclear, match="3 by 2 m"):
        pitch_of_positions(*on_ground(CORNERS / 35, 0), kept_share=1)
    with pytest.raises(PitchUnclear, match="fewer than three"):
        pitch_of_positions(np.array([60.0, math.nan, 60.1]), np.array([10.0, 10.0, 10.1]))
    with pytest.raises(ShapeMismatch):
        pitch_of_positions(np.zeros(3), np.zeros(4))
    with pytest.raises(OutOfRange):
        pitch_of_positions(*line, kept_share=0)


def test_time_goes_into_the_cell_where_it_was_spent() -> None:
    pitch = pitch_of_corners(pairs(on_ground(CORNERS, 30)))
    stand = np.array([(2.5, 2.5)] * 60 + [(102.0, 2.0)] * 30 + [(52.0, 80.0)] * 11)
    found = heat_map(pitch, np.arange(101.0), *on_ground(stand, 30))
    assert found.seconds.shape == (14, 21)
    assert found.cell_m == pytest.approx((5, 68 / 14), abs=0.01)
    assert (found.seconds[0, 0], found.seconds[0, 20]) == (59.5, 30)
    assert (found.inside_s, found.outside_s, found.n) == (89.5, 10.5, 101)


def test_unknown_positions_and_long_silence_are_nobodys_time() -> None:
    pitch = pitch_of_corners(pairs(on_ground(CORNERS, 0)))
    latitude, longitude = on_ground(np.full((4, 2), 30.0), 0)
    latitude[1] = math.nan
    found = heat_map(pitch, np.array([0.0, 1, 2, 60]), latitude, longitude)
    assert (found.inside_s, found.n) == (2, 3)
    assert stays(np.array([0.0, 4, 15])).tolist() == [2, 2, 0]
    assert heat_map(pitch, np.zeros(0), np.zeros(0), np.zeros(0)).inside_s == 0


def test_cells_and_rows_that_make_no_sense_are_refused() -> None:
    pitch = Pitch(PLACES[0], 0, LENGTH, WIDTH)
    for cell_m in (0.1, 69.0, math.nan):
        with pytest.raises(OutOfRange):
            heat_map(pitch, np.zeros(1), np.zeros(1), np.zeros(1), cell_m=cell_m)
    with pytest.raises(ShapeMismatch):
        heat_map(pitch, np.zeros(1), np.zeros(2), np.zeros(2))
    with pytest.raises(OutOfOrder):
        heat_map(pitch, np.zeros(2), np.zeros(2), np.zeros(2))


def test_east_and_north_are_the_great_circles_metres_near_by() -> None:
    a, b = (59.9115, 10.7579), (59.9130, 10.7600)
    ((east, north),) = east_north_m(np.array([b[0]]), np.array([b[1]]), a)
    assert math.hypot(east, north) == pytest.approx(haversine_m(a, b), abs=0.01)
    assert (east > 0, north > 0) == (True, True)
