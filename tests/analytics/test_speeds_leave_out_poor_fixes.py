"""Which speeds count: Doppler of good fixes, positions only where there is none, nothing across a gap."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hub.analytics.errors import OutOfOrder, ShapeMismatch
from hub.analytics.external import haversine_m, steps_m
from hub.analytics.external_load import external_load, slopes
from hub.analytics.flags import Flag
from hub.analytics.positions import position_speeds, speeds

A_METRE_DEG = 1 / 111_195.08
TENTHS = np.arange(1201) / 10
SECONDS = np.arange(121.0)


def northwards(metres: np.ndarray[tuple[int], np.dtype[np.float64]]) -> dict[str, object]:
    """Positions so many metres along a meridian."""
    return {"latitude_deg": 59.9 + metres * A_METRE_DEG, "longitude_deg": np.full(len(metres), 10.75)}


def columns(**given: object) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    return {name: np.asarray(values, dtype=np.float64) for name, values in given.items()}


def test_steps_between_many_positions_are_the_haversine_of_each_pair() -> None:
    rng = np.random.default_rng(5)
    lat, lon = rng.uniform(-90, 90, 50), rng.uniform(-180, 180, 50)
    pairs = [haversine_m((lat[i], lon[i]), (lat[i + 1], lon[i + 1])) for i in range(49)]
    assert steps_m(lat, lon) == pytest.approx(pairs)
    assert len(steps_m(lat[:1], lon[:1])) == 0


def test_poor_fixes_and_impossible_speeds_are_dropped_and_said() -> None:
    speed, hdop, satellites = np.full(1201, 4.0), np.full(1201, 0.8), np.full(1201, 12.0)
    hdop[10], hdop[11], satellites[20], satellites[21] = 2.0, 2.1, 6, 5
    hdop[30] = satellites[31] = math.nan
    speed[40], speed[41], speed[42] = 12.0, 12.1, -0.1
    found = speeds(TENTHS, columns(speed_mps=speed, hdop=hdop, satellites=satellites))
    assert set(TENTHS[[11, 21, 41, 42]]) == set(TENTHS) - set(found.at_s)
    assert (found.dropped, found.from_positions) == (4, 0)
    assert found.rate_hz == pytest.approx(10)
    assert found.flags == (Flag.FAST_POINTS_DROPPED, Flag.POOR_FIXES_DROPPED)


def test_positions_alone_give_the_distance_walked() -> None:
    metres = 3.0 * SECONDS
    at, speed = position_speeds(SECONDS, *columns(**northwards(metres)).values())
    assert speed == pytest.approx(np.full(121, 3.0), rel=1e-5)
    assert len(at) == 121
    load = external_load(SECONDS, columns(**northwards(metres)), 0, 120.001)
    assert load.distance_m == pytest.approx(360, rel=1e-5)
    assert load.coverage == pytest.approx(1, abs=1e-4)
    assert load.flags == (Flag.SPEED_FROM_POSITIONS, Flag.ROUGH)
    assert (load.accelerations, load.decelerations) == (None, None)
    assert load.top_speed_m_s == pytest.approx(3, rel=1e-5)


def test_uneven_speeds_from_even_positions_integrate_to_the_sum_of_the_steps() -> None:
    metres = np.cumsum(np.random.default_rng(2).uniform(0, 8, 121))
    load = external_load(SECONDS, columns(**northwards(metres)), 0, 120.001)
    assert load.distance_m == pytest.approx(metres[-1] - metres[0], rel=1e-5)


def test_a_receivers_noise_at_rest_is_no_run() -> None:
    """Half a decimetre of noise at 10 Hz would be 60 m a minute if each step were summed."""
    rng = np.random.default_rng(1)
    still = columns(**northwards(rng.normal(0, 0.05, 1201)))
    assert steps_m(*still.values()).sum() > 60
    assert external_load(TENTHS, still, 0, 120.001).distance_m < 5


def test_a_fix_that_jumps_away_and_back_moves_nobody() -> None:
    metres = 3.0 * SECONDS
    metres[50] += 400
    assert external_load(SECONDS, columns(**northwards(metres)), 0, 120.001).distance_m == pytest.approx(
        360, 1e-4
    )


def test_the_date_line_is_no_way_round_the_world() -> None:
    east = 3.0 * SECONDS / math.cos(math.radians(-17)) * A_METRE_DEG
    longitude = (179.999 + east + 180) % 360 - 180
    assert np.ptp(longitude) > 300
    load = external_load(
        SECONDS, columns(latitude_deg=np.full(121, -17), longitude_deg=longitude), 0, 120.001
    )
    assert load.distance_m == pytest.approx(360, rel=1e-4)


def test_positions_stand_in_only_where_doppler_is_missing() -> None:
    speed = np.full(1201, 4.0)
    speed[400:800] = math.nan
    given = columns(speed_mps=speed, **northwards(3.0 * TENTHS))
    found = speeds(TENTHS, given)
    alone = found.at_s[found.speed_m_s < 3.5]
    assert 40 < alone.min() < alone.max() < 80
    assert (found.from_positions, found.flags) == (len(alone), (Flag.SPEED_FROM_POSITIONS,))
    load = external_load(TENTHS, given, 0, 120.001)
    assert load.distance_m == pytest.approx(80 * 4 + 40 * 3, abs=3)
    assert load.coverage == pytest.approx(1, abs=0.01)
    assert load.accelerations == 0


def test_a_watch_that_writes_every_4_s_is_credited_and_a_gap_is_not() -> None:
    at = np.concatenate((np.arange(0, 100, 4.0), np.arange(200, 301, 4.0)))
    load = external_load(at, columns(speed_mps=np.full(len(at), 3.0)), 0, 301)
    assert load.distance_m == pytest.approx(3 * 196)
    assert load.coverage == pytest.approx(196 / 301)
    assert load.metres_a_minute == pytest.approx(180)


def test_bouts_and_distances_of_a_drill_written_out_by_hand() -> None:
    """2 s at 6, 2 s at 8 and 0.5 s at 8 m/s, each out of a jog at 3, ramps of 4 m/s2."""
    knots = [(0, 3), (10, 3), (10.75, 6), (12.75, 6), (13.5, 3), (30, 3), (31.25, 8), (33.25, 8), (34.5, 3)]
    knots += [(60, 3), (61.25, 8), (61.75, 8), (63, 3), (120, 3)]
    speed = np.interp(TENTHS, [at for at, _ in knots], [level for _, level in knots])
    load = external_load(TENTHS, columns(speed_mps=speed), 0, 120.001, own_top_m_s=9.0)
    assert load.high_speed_bouts == 3
    assert load.sprints == 2  # 0.5 s at 8 and twice 0.25 s of ramp above 7
    assert load.own_sprints == 1  # 7.65 m/s or more for a second
    assert load.sprint_m is not None
    assert load.sprint_m == pytest.approx(2 * 8 + 0.5 * 8 + 4 * 0.25 * 7.5, abs=1.5)
    assert load.high_speed_m == pytest.approx(load.sprint_m + 2 * 6 + 0.25 * 5.75 + 4 * 0.375 * 6.25, abs=3)
    assert (load.accelerations, load.decelerations) == (3, 3)
    assert load.top_speed_m_s == pytest.approx(8)
    assert (load.n, load.flags) == (1201, ())


def test_no_bout_reaches_across_silence() -> None:
    at = np.concatenate((np.arange(0, 0.75, 0.1), np.arange(60, 60.75, 0.1)))
    load = external_load(at, columns(speed_mps=np.full(len(at), 8.0)), 0, 61)
    assert (load.sprints, load.high_speed_bouts) == (0, 0)


def test_only_the_session_counts() -> None:
    load = external_load(TENTHS, columns(speed_mps=np.full(1201, 3.0)), 20, 50)
    assert load.n == 300
    assert load.coverage == pytest.approx(29.9 / 30)


def test_nothing_measured_is_no_number() -> None:
    for at in (np.zeros(0), np.zeros(1), SECONDS):
        load = external_load(at, {}, 0, 120.001)
        assert (load.distance_m, load.top_speed_m_s, load.metres_a_minute, load.n) == (0, None, None, 0)
        assert (load.coverage, load.flags) == (0, ())


def test_a_slope_is_the_derivative_and_unknown_at_the_ends_and_in_gaps() -> None:
    rising = slopes(TENTHS, 2.5 * TENTHS)
    assert np.isnan(rising[[0, 1, -2, -1]]).all()
    assert rising[2:-2] == pytest.approx(np.full(1197, 2.5))
    holed = np.concatenate((TENTHS[:20], TENTHS[60:]))
    assert np.isnan(slopes(holed, holed)[18:22]).all()
    assert np.isnan(slopes(TENTHS[:2], TENTHS[:2])).all()


def test_rows_out_of_order_and_columns_of_another_length_are_refused() -> None:
    with pytest.raises(OutOfOrder):
        speeds(np.array([0.0, 0.0]), {})
    with pytest.raises(ShapeMismatch):
        speeds(SECONDS, columns(speed_mps=[1.0]))
    with pytest.raises(ShapeMismatch):
        position_speeds(SECONDS, SECONDS, SECONDS[1:])
